//! A decision on a request: what was asked, what it would do, and why it was decided so. Secrets are masked.

use model::{Action, Category, Intent, Level, Reversibility};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Act, PeerCredentials};

/// Masks secrets before they are recorded.
pub trait Redact {
    /// A text with its secrets masked.
    fn redact(&self, text: &str) -> String;

    /// A JSON value with the secrets of every text in it masked, names of members too. Digests and ids are none, though they look so.
    fn redact_json(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.redact(text)),
            Value::Array(items) => Value::Array(items.iter().map(|item| self.redact_json(item)).collect()),
            Value::Object(map) => {
                let member = |(key, item): (&String, &Value)| {
                    let is_plain = matches!(key.as_str(), "sha256" | "environment" | "id");
                    (self.redact(key), if is_plain { item.clone() } else { self.redact_json(item) })
                };
                Value::Object(map.iter().map(member).collect())
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
        }
    }
}

/// A decision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Decision {
    /// What was asked for, secrets masked.
    pub request: Request,
    /// SHA-256 of the whole request as it was, hexadecimal: what approvals and permits are bound to.
    pub request_digest: String,
    /// What was decided.
    pub verdict: Verdict,
    /// What would have been decided, had the policy been enforced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub would: Option<Would>,
    /// The level of the risk.
    pub level: Level,
    /// The score of the risk.
    #[cfg_attr(feature = "schema", schemars(range(min = 0, max = 100)))]
    pub score: u8,
    /// Whether the act can be undone.
    pub reversibility: Reversibility,
    /// How much of the act is accounted for.
    pub coverage: Coverage,
    /// What the act would do.
    pub operations: Vec<Operation>,
    /// Parts that are not accounted for.
    pub unknowns: Vec<Unknown>,
    /// What makes the score.
    pub factors: Vec<Factor>,
    /// Why, the most important first.
    pub reasons: Vec<String>,
    /// The rules that matched.
    pub rules: Vec<String>,
    /// The digest of the policy that decided.
    pub policy: String,
}

model::words! {
    /// What was decided.
    Verdict {
        /// It may be done.
        Allow = "allow",
        /// Reviewers are asked.
        Ask = "ask",
        /// It is not done.
        Deny = "deny",
    }
}

model::words! {
    /// What would have been decided, had the policy been enforced.
    Would {
        /// Reviewers would be asked.
        Ask = "ask",
        /// It would not be done.
        Deny = "deny",
    }
}

model::words! {
    /// How much of an act the intent accounts for.
    Coverage {
        /// All of it.
        Full = "full",
        /// Not all of it; see the unknowns.
        Partial = "partial",
    }
}

impl From<&model::Coverage> for Coverage {
    fn from(coverage: &model::Coverage) -> Self {
        match coverage {
            model::Coverage::Full => Self::Full,
            model::Coverage::Partial(_) => Self::Partial,
        }
    }
}

/// A request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Request {
    /// Its id.
    pub id: String,
    /// The agent, proved by its key.
    pub agent: String,
    /// The person who answers for the agent.
    pub owner: String,
    /// The agents on whose orders it acts, the nearest first.
    #[serde(default)]
    pub chain: Vec<Delegator>,
    /// The session, as the enforcement point names it.
    pub session: String,
    /// The machine.
    pub host: String,
    /// What would be done.
    pub act: Act,
    /// What the agent says of itself.
    #[serde(default)]
    pub claims: Claims,
    /// The enforcement point's process.
    pub seen: PeerCredentials,
}

/// An agent on whose orders another acts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Delegator {
    /// The agent.
    pub agent: String,
    /// The person who answers for it.
    pub owner: String,
}

/// What an agent says of itself. It is shown, and never believed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Claims {
    /// Why, in its words.
    #[serde(default)]
    pub intent: Option<String>,
    /// A ticket or task.
    #[serde(default)]
    pub task: Option<String>,
    /// The search path for programs.
    #[serde(default)]
    pub search_path: Option<String>,
}

/// An action on a resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Operation {
    /// The action.
    pub action: Action,
    /// The kind of the resource.
    pub kind: ResourceKind,
    /// The resource.
    pub resource: String,
    /// The category that the risk is worked out from.
    pub category: Category,
}

model::words! {
    /// The kind of a resource.
    ResourceKind {
        /// A path.
        Path = "path",
        /// A set of paths.
        Paths = "paths",
        /// A network host.
        Host = "host",
        /// A program.
        Program = "program",
        /// A package.
        Package = "package",
        /// A service or process.
        Service = "service",
        /// A tool of an agent host or MCP server.
        Tool = "tool",
        /// A database, table or the target of a statement.
        Database = "database",
        /// The machine as a whole.
        System = "system",
        /// Not known.
        Unknown = "unknown",
    }
}

impl From<&model::Resource> for ResourceKind {
    fn from(resource: &model::Resource) -> Self {
        use model::Resource;
        match resource {
            Resource::Path(_) => Self::Path,
            Resource::Pattern(_) => Self::Paths,
            Resource::Host(_) => Self::Host,
            Resource::Program(_) => Self::Program,
            Resource::Package(_) => Self::Package,
            Resource::Service(_) => Self::Service,
            Resource::Tool(_) => Self::Tool,
            Resource::Database(_) => Self::Database,
            Resource::System => Self::System,
            Resource::Unknown(_) => Self::Unknown,
        }
    }
}

/// A part that is not accounted for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Unknown {
    /// The part of the text.
    pub text: String,
    /// Why it is not accounted for.
    pub why: String,
}

/// A contribution to the score.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Factor {
    /// Its name.
    pub name: String,
    /// Points added, or taken away.
    pub points: i32,
    /// Why.
    pub why: String,
}

impl Request {
    /// A request as it is recorded.
    pub fn of(request: &model::Request, mask: &dyn Redact) -> Self {
        let claim = |it: &Option<String>| it.as_deref().map(|it| mask.redact(it));
        let delegator = |it: &model::Delegator| Delegator {
            agent: mask.redact(it.agent.as_str()),
            owner: mask.redact(it.owner.as_str()),
        };
        Self {
            id: request.id.to_string(),
            agent: mask.redact(request.agent.as_str()),
            owner: mask.redact(request.owner.as_str()),
            chain: request.chain.iter().map(delegator).collect(),
            session: mask.redact(request.session.as_str()),
            host: mask.redact(&request.host),
            act: Act::of(&request.act, mask),
            claims: Claims {
                intent: claim(&request.claims.intent),
                task: claim(&request.claims.task),
                search_path: claim(&request.claims.search_path),
            },
            seen: request.seen.into(),
        }
    }
}

impl Operation {
    /// Every operation of an intent.
    pub fn all(intent: &Intent, mask: &dyn Redact) -> Vec<Self> {
        let one = |it: &model::Operation| Self {
            action: it.action,
            kind: (&it.resource).into(),
            resource: mask.redact(it.resource.text()),
            category: it.category,
        };
        intent.operations().map(one).collect()
    }
}

impl Unknown {
    /// Every part that is not accounted for.
    pub fn all(coverage: &model::Coverage, mask: &dyn Redact) -> Vec<Self> {
        let one = |it: &model::Unknown| Self { text: mask.redact(&it.text), why: mask.redact(&it.why) };
        match coverage {
            model::Coverage::Full => Vec::new(),
            model::Coverage::Partial(parts) => parts.iter().map(one).collect(),
        }
    }
}

impl Factor {
    /// A factor as it is recorded.
    pub fn of(factor: &model::Factor, mask: &dyn Redact) -> Self {
        Self { name: mask.redact(factor.name), points: factor.points, why: mask.redact(&factor.why) }
    }
}
