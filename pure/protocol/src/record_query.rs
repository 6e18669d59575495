//! Reading of the record, by people who are signed in.

use record::RecordQuery;
use serde::{Deserialize, Serialize};
use serde_json::Value;

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
