//! Reading of the record, by people who are signed in.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Which records are meant. What is left out passes.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct RecordQuery {
    /// Not made before, milliseconds since 1970.
    pub since_ms: Option<u64>,
    /// Not made after.
    pub until_ms: Option<u64>,
    /// Only this kind.
    pub kind: Option<String>,
    /// Only what this agent asked for.
    pub agent: Option<String>,
    /// Only this session.
    pub session: Option<String>,
    /// Only this verdict.
    pub verdict: Option<String>,
    /// Only this level.
    pub level: Option<String>,
    /// Only what this reviewer answered.
    pub reviewer: Option<String>,
    /// Only what holds this text.
    pub grep: Option<String>,
    /// Only records before this number: the cursor of the page before.
    pub before: Option<u64>,
    /// So many at most.
    pub limit: Option<u32>,
}

impl RecordQuery {
    /// What is looked for by the index: names and values.
    pub fn named(&self) -> Vec<(&'static str, &str)> {
        let all = [
            ("kind", &self.kind),
            ("agent", &self.agent),
            ("session", &self.session),
            ("verdict", &self.verdict),
            ("level", &self.level),
            ("reviewer", &self.reviewer),
        ];
        all.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?))).collect()
    }

    /// Whether every record passes: then none has to be looked at.
    pub fn is_open(&self) -> bool {
        self.named().is_empty() && self.grep.is_none() && self.since_ms.is_none() && self.until_ms.is_none()
    }

    /// Whether a record passes.
    pub fn passes(&self, record: &Value) -> bool {
        let text = |pointer: &str| record.pointer(pointer).and_then(Value::as_str);
        let is = |wanted: &Option<String>, pointer: &str| wanted.as_deref().is_none_or(|it| text(pointer) == Some(it));
        let at = record.get("at_ms").and_then(Value::as_u64).unwrap_or(0);
        (self.since_ms.unwrap_or(0)..=self.until_ms.unwrap_or(u64::MAX)).contains(&at)
            && is(&self.kind, "/kind")
            && is(&self.agent, "/body/request/agent")
            && is(&self.session, "/body/request/session")
            && is(&self.verdict, "/body/verdict")
            && is(&self.level, "/body/level")
            && is(&self.reviewer, "/body/reviewer")
            && self.grep.as_deref().is_none_or(|wanted| says(record, wanted))
    }
}

/// Whether any text of a value holds another.
fn says(value: &Value, wanted: &str) -> bool {
    match value {
        Value::String(text) => text.contains(wanted),
        Value::Array(items) => {
            // A command is looked for as it is written, over its words.
            let words: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
            (words.len() == items.len() && words.join(" ").contains(wanted))
                || items.iter().any(|item| says(item, wanted))
        }
        Value::Object(map) => map.values().any(|item| says(item, wanted)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// A filter on records.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "what", rename_all = "snake_case", deny_unknown_fields)]
pub enum LogQuery {
    /// Records, newest first.
    Records {
        /// Which.
        query: RecordQuery,
    },
    /// The story of one request, oldest first.
    Story {
        /// Its digest.
        request: String,
    },
    /// Whether the whole log holds.
    Verify,
    /// What was recorded of terminals, newest first.
    Recordings,
    /// Figures of the last days.
    Figures {
        /// The number of days.
        days: u32,
    },
}

/// What was read.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "read", rename_all = "snake_case", deny_unknown_fields)]
pub enum LogQueryResult {
    /// Records.
    Records {
        /// As [`LogQuery`] says.
        records: Vec<Value>,
        /// Where the next page begins, if there may be more.
        next: Option<u64>,
    },
    /// It was verified.
    Verified {
        /// So many records.
        records: u64,
        /// What does not hold, if something does not.
        wrong: Option<String>,
        /// How long it took, in milliseconds.
        millis: u64,
    },
    /// Anything else, as JSON.
    Value {
        /// The value.
        value: Value,
    },
}
