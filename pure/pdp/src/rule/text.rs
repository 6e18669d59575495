//! A rule as written in a file. Unknown keys are refused. The doc comments are the published schema's descriptions.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::RuleVerdict;
use super::context::When;
use crate::quorum::PanelText;

/// One rule
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct RuleText {
    /// The rule's name, the only one of its kind in the whole policy
    pub(crate) id: String,
    /// What it says
    pub(crate) verdict: RuleVerdict,
    /// The reason, shown to the agent and to reviewers
    pub(crate) reason: Option<String>,
    /// Rules with a higher number are tried first; else in the order of files and lines
    #[serde(default)]
    pub(crate) priority: i64,
    /// The whole request is this command and nothing else: no wildcard, no further part
    pub(crate) exact: Option<String>,
    /// A command: words, `*` and `?` within a word, `{a,b}`, quotes as in a shell, `**` at the end for further arguments
    pub(crate) command: Option<String>,
    /// The options that `**` may stand for (globs, or `-m $TEXT`: with a text for people); without it, any. As a table, by a word of the command (`*`: any)
    pub(crate) options: Option<OptionsText>,
    /// The words that are no options and that `**` may stand for: globs, `$NAME` (no setting, no address), `$NUMBER`, `$TARGET` (known to build, test or check)
    pub(crate) operands: Option<OneOrMany>,
    /// The same, for the first of them
    pub(crate) target: Option<OneOrMany>,
    /// Where the program may stand besides the system's own places, as globs of absolute paths
    pub(crate) from: Option<OneOrMany>,
    /// A regular expression for the whole command line, each word quoted where it is not plain; anchored, linear time
    pub(crate) regex: Option<String>,
    /// Actions: one of them is performed (with `path` and its kin: on that). For a rule that allows: every operation is one of them
    pub(crate) effect: Option<OneOrMany>,
    /// No other actions than these are performed
    pub(crate) only: Option<Vec<String>>,
    /// Files, as globs of absolute paths; `$PROJECT`, `$CWD` and `$HOME` may begin them
    pub(crate) path: Option<OneOrMany>,
    /// No other files than these are touched, as globs of absolute paths
    pub(crate) only_path: Option<OneOrMany>,
    /// Network hosts, as globs
    pub(crate) host: Option<OneOrMany>,
    /// Any resource, as `KIND:GLOB`: `service:nginx`, `package:left-*`, `program:make`
    pub(crate) resource: Option<OneOrMany>,
    /// Kinds of SQL statements, such as `select`; with a blank also tables: `select users`
    pub(crate) sql: Option<OneOrMany>,
    /// Categories of which one is touched
    pub(crate) category: Option<OneOrMany>,
    /// No other categories than these are touched
    pub(crate) only_category: Option<Vec<String>>,
    /// Named observations, such as `download_and_run`
    pub(crate) factor: Option<OneOrMany>,
    /// A tool of an agent host or MCP server, as a glob
    pub(crate) tool: Option<String>,
    /// Level of risk: `high`, or `>=high`
    pub(crate) level: Option<String>,
    /// Reversibility: `irreversible`, or `>=partial`
    pub(crate) reversibility: Option<String>,
    /// `full` (only what is understood whole), or `partial` (also what is not)
    pub(crate) coverage: Option<String>,
    /// Until when, as a date and time with an offset (RFC 3339)
    pub(crate) expires: Option<Expiry>,
    /// Where and when
    #[serde(default)]
    pub(crate) when: When,
    /// How many people must agree
    pub(crate) people: Option<u8>,
    /// Who they must be: `{ role = "senior" }`, `{ any_of = ["@ops", "rita"], people = 2 }`, `{ all_of = […] }`, `{ and = […] }`, `{ or = […] }`
    pub(crate) who: Option<PanelText>,
    /// One no ends it (true, unless said otherwise)
    pub(crate) veto: Option<bool>,
    /// How sure we must be of each: `totp` or `signature`
    pub(crate) assurance: Option<String>,
    /// How long people have, in seconds
    pub(crate) timeout_s: Option<u32>,
    /// Obligations of an allow
    #[serde(default)]
    pub(crate) with: With,
    /// Commands that it must match
    pub(crate) matches: Vec<String>,
    /// The nearest commands that it must not match
    pub(crate) spares: Vec<String>,
}

/// Obligations of the enforcement point. One that cannot fulfil them refuses.
#[derive(Clone, Debug, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct With {
    /// A sandbox profile
    pub(crate) sandbox: Option<String>,
    /// Variables that the program must not be given
    pub(crate) withhold: Option<Vec<String>>,
    /// After how many seconds it is stopped
    pub(crate) timeout_s: Option<u32>,
    /// Its terminal is recorded
    #[serde(default)]
    pub(crate) record: bool,
    /// Secrets are masked in what it prints
    #[serde(default)]
    pub(crate) redact: bool,
    /// What it changes is saved first
    #[serde(default)]
    pub(crate) snapshot: bool,
}

/// A date and time with an offset (RFC 3339).
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(transparent)]
pub(crate) struct Expiry(pub(crate) toml::value::Datetime);

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Expiry {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Expiry".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "format": "date-time"})
    }
}

/// Options, for all commands of a rule or by a word of them.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub(crate) enum OptionsText {
    /// For all.
    OfAll(Vec<String>),
    /// By a word of the command: one letter means one thing to `commit` and another to `log`.
    ByWord(BTreeMap<String, Vec<String>>),
}

/// A word or a list of words.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub(crate) enum OneOrMany {
    /// One.
    One(String),
    /// Several.
    Many(Vec<String>),
}

impl OneOrMany {
    pub(crate) fn words(&self) -> &[String] {
        match self {
            Self::One(word) => std::slice::from_ref(word),
            Self::Many(words) => words,
        }
    }
}

impl RuleText {
    /// A rule that says nothing yet about what it matches.
    pub(crate) fn named(id: &str, verdict: RuleVerdict) -> Self {
        Self {
            id: id.to_owned(),
            verdict,
            reason: None,
            priority: 0,
            exact: None,
            command: None,
            options: None,
            operands: None,
            target: None,
            from: None,
            regex: None,
            effect: None,
            only: None,
            path: None,
            only_path: None,
            host: None,
            resource: None,
            sql: None,
            category: None,
            only_category: None,
            factor: None,
            tool: None,
            level: None,
            reversibility: None,
            coverage: None,
            expires: None,
            when: When::default(),
            people: None,
            who: None,
            veto: None,
            assurance: None,
            timeout_s: None,
            with: With::default(),
            matches: Vec::new(),
            spares: Vec::new(),
        }
    }
}
