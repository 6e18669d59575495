//! What people's tools get to see.

use serde::{Deserialize, Serialize};

mod hold_changes;
mod pieces;
mod principals;
mod request_text;

pub use hold_changes::{ClosedHold, HandOver};
pub use pieces::{EffectView, PieceView, UnknownView};
pub use principals::DelegatorView;

/// An open hold, as people see it. Every text in it is safe to show and free of secrets.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HoldView {
    /// The hold.
    pub id: String,
    /// The request's digest, which signatures cover.
    pub request: String,
    /// The agent.
    pub agent: String,
    /// Its owner.
    pub owner: String,
    /// The agents on whose orders it acts, the nearest first.
    #[serde(default)]
    pub above: Vec<DelegatorView>,
    /// The session.
    pub session: String,
    /// Where it would run.
    pub host: String,
    /// The directory.
    pub cwd: Option<String>,
    /// What was asked, whole.
    pub asked: String,
    /// For the call of a tool that is no shell: its name. What was asked is then this, a blank, and the input as JSON.
    #[serde(default)]
    pub tool: Option<String>,
    /// Options of a shell call besides the command.
    #[serde(default)]
    pub beside: Vec<String>,
    /// Its pieces, one simple command each, with what each would do.
    pub pieces: Vec<PieceView>,
    /// What would go from where to where, in words.
    pub flows: Vec<String>,
    /// What is not known, of all of it.
    pub unknowns: Vec<String>,
    /// Why it is asked.
    pub reasons: Vec<String>,
    /// Level.
    pub level: String,
    /// Score, 0–100.
    pub score: u8,
    /// What made the score.
    pub factors: Vec<Factor>,
    /// Reversibility.
    pub reversibility: String,
    /// Full or partial.
    pub coverage: String,
    /// Why, in the agent's words: a claim.
    pub intent: Option<String>,
    /// The task: a claim.
    pub task: Option<String>,
    /// The calling user id, as seen.
    pub uid: u32,
    /// Until when, milliseconds since 1970.
    pub expires_at_ms: u64,
    /// People needed, at least.
    pub needed: usize,
    /// Who must agree, in words.
    pub who: String,
    /// Who agreed so far.
    pub agreed: Vec<String>,
    /// `session`, `totp` or `signature`.
    pub assurance: String,
    /// What people approved of this agent before and is nearest to this, if anything is near.
    #[serde(default)]
    pub nearest: Option<String>,
    /// The digest of the policy that asks.
    #[serde(default)]
    pub policy: String,
    /// Holds of one agent that wait for the same reason beyond their own content (its speed) are shown as one.
    #[serde(default)]
    pub group: Option<String>,
    /// What a reviewer asked the agent when it wanted the same before. Its answer is in its intent.
    #[serde(default)]
    pub asked_before: Option<String>,
    /// To whom it was handed over, the last one last.
    #[serde(default)]
    pub handed: Vec<HandOver>,
}

/// How the group of what is the same begins: the agent and the digest of the act follow.
pub const SAME: &str = "same ";

impl HoldView {
    /// What stays the same while a hold is open, as it is digested for what a reviewer was shown: JSON with sorted names, without who
    /// agreed so far and to whom it was handed.
    pub fn shown(&self) -> serde_json::Value {
        self.without(&["agreed", "handed"])
    }

    /// Whether one yes may be for both: the same act of the same agent, shown with the same words.
    pub fn is_same(&self, other: &Self) -> bool {
        self.group.as_deref().is_some_and(|group| group.starts_with(SAME)) && self.common() == other.common()
    }

    /// What two holds have in common that one look is enough for: everything but their ids and times.
    pub fn common(&self) -> serde_json::Value {
        self.without(&["agreed", "handed", "id", "request", "expires_at_ms"])
    }

    fn without(&self, names: &[&str]) -> serde_json::Value {
        let mut value = serde_json::to_value(self).unwrap_or_default();
        if let Some(map) = value.as_object_mut() {
            names.iter().for_each(|name| drop(map.remove(*name)));
        }
        value
    }

    /// How often it changed since it was opened: an answer, or a hand-over.
    pub fn changes(&self) -> usize {
        self.agreed.len().saturating_add(self.handed.len())
    }
}

/// Where an agent belongs, and how far it is trusted.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct AgentAttributes {
    /// The environment.
    pub env: Option<String>,
    /// The groups.
    pub groups: Vec<String>,
    /// Trust, 0 to 4.
    pub trust: u8,
}

/// A flag that is set.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FlagView {
    /// Its name.
    pub name: String,
    /// Who set it.
    pub set_by: String,
    /// Since when, milliseconds since 1970.
    pub set_ms: u64,
}

/// A rule.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RuleView {
    /// Its id.
    pub id: String,
    /// `allow`, `ask`, `deny` or `block`.
    pub verdict: String,
    /// Where it is written.
    pub place: String,
    /// The reason.
    pub reason: Option<String>,
    /// Until when, milliseconds since 1970.
    pub expires_ms: Option<u64>,
    /// For a rule that was made: by whom.
    pub author: Option<String>,
    /// For a rule that was made: since when.
    pub created_ms: Option<u64>,
    /// For a rule that was made: the request whose approval it comes from.
    pub request: Option<String>,
    /// For a rule that was made: its text.
    pub text: Option<String>,
    /// Since when it does not apply any more, and who said so.
    pub removed: Option<(u64, String)>,
}

/// A rule that could be made.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CandidateView {
    /// What is fixed and what varies, in words.
    pub what: String,
    /// The rule, as in a file, without its id, reason and expiry.
    pub text: String,
    /// Close variants that it would let run.
    pub releases: Vec<String>,
    /// Close variants that it would not.
    pub refuses: Vec<String>,
}

/// A named part of the score.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Factor {
    /// Its name.
    pub name: String,
    /// Points.
    pub points: i32,
    /// The reason.
    pub why: String,
}

/// An agent.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AgentView {
    /// Name.
    pub name: String,
    /// Owner.
    pub owner: String,
    /// The agent on whose orders it acts.
    #[serde(default)]
    pub under: Option<String>,
    /// Bound to this user id.
    pub uid: Option<u32>,
    /// Where it belongs, and how far it is trusted.
    pub place: AgentAttributes,
    /// Since when, milliseconds since 1970.
    pub created_ms: u64,
}

/// An emergency approval.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BrokenGlassView {
    /// The hold.
    pub hold: String,
    /// The reviewer.
    pub reviewer: String,
    /// When, milliseconds since 1970.
    pub at_ms: u64,
    /// Who looked at it afterwards.
    pub reviewed_by: Option<String>,
}

/// What a person may do, and where they belong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ReviewerAttributes {
    /// `auditor`, `viewer`, `reviewer`, `senior`, `operator`.
    pub role: String,
    /// The groups that rules name as `@group`.
    pub groups: Vec<String>,
}

impl ReviewerAttributes {
    /// A role, in no group.
    pub fn of(role: &str) -> Self {
        Self { role: role.to_owned(), groups: Vec::new() }
    }
}

/// A reviewer.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ReviewerView {
    /// Name.
    pub name: String,
    /// `totp`, `ssh` or `passkey`.
    pub factor: String,
    /// How many passkeys they have.
    #[serde(default)]
    pub passkeys: usize,
    /// Role and groups.
    pub place: ReviewerAttributes,
    /// Since when, milliseconds since 1970.
    pub created_ms: u64,
}

/// The state of the installation.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Status {
    /// The daemon's process id.
    pub pid: u32,
    /// Its user id.
    pub uid: u32,
    /// The user id of the web gate, where that has one of its own.
    pub web_uid: Option<u32>,
    /// Its version.
    pub version: String,
    /// The policy's digest.
    pub policy: String,
    /// Number of rules.
    pub rules: usize,
    /// `enforce` or `observe`, which does not protect.
    pub mode: String,
    /// The preset that the policy builds on.
    pub preset: Option<String>,
    /// Why the newest policy was refused, if it was: the one before it is in force.
    pub refused: Option<String>,
    /// Operator flags that are set.
    pub flags: Vec<String>,
    /// Agents.
    pub agents: usize,
    /// Reviewers.
    pub reviewers: usize,
    /// Open holds.
    pub holds: usize,
    /// Emergency approvals without a review.
    pub broken_glass: usize,
    /// Those of them that are older than a day.
    pub broken_glass_overdue: usize,
    /// Records in the log, as of the last receipt.
    pub records: u64,
}
