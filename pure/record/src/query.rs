//! Which records are meant.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Record;

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
    pub fn passes(&self, record: &Record) -> bool {
        let is_in_time = (self.since_ms.unwrap_or(0)..=self.until_ms.unwrap_or(u64::MAX)).contains(&record.at_ms);
        if !is_in_time {
            return false;
        }
        let named = self.named();
        let has = named.is_empty() || {
            let terms = record.terms();
            named.into_iter().all(|(name, value)| terms.contains(&crate::term(name, value)))
        };
        has && self.grep.as_deref().is_none_or(|wanted| says(&record.to_value(), wanted))
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
