//! What `countersignd` and `countersign-logd` say to each other.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A record on its way to the log.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogRecord {
    /// Its content (`audit::Draft::content`), as it is committed to.
    pub content: String,
    /// When it was made.
    pub at_ms: u64,
    /// Whose content it is.
    pub scope: String,
    /// What it is found by (`audit::Draft::terms`).
    pub terms: Vec<String>,
}

/// To the log.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "say", rename_all = "snake_case", deny_unknown_fields)]
pub enum LogHears {
    /// Who are you, and how long?
    Hello,
    /// Make these records durable, in this order.
    Append {
        /// The records.
        records: Vec<LogRecord>,
    },
    /// Make a new key-encryption key now.
    Rotate,
    /// Record the digest of something, so that it is known not to have changed since.
    Seal {
        /// SHA-256 in hexadecimal.
        digest: String,
        /// What it is of.
        about: Value,
    },
    /// Destroy the contents of a scope: its data keys.
    Destroy {
        /// The scope.
        scope: String,
        /// Data keys that reading found to be the scope's.
        keys: Vec<u64>,
        /// Why, and by which policy.
        why: String,
    },
}

/// From the log.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "say", rename_all = "snake_case", deny_unknown_fields)]
pub enum LogSays {
    /// This log.
    Log {
        /// The verifier key.
        verifier: String,
        /// The newest checkpoint, if there is one.
        note: Option<String>,
    },
    /// They are durable.
    Durable {
        /// Proofs (`audit::ReceiptProof`), in order.
        proofs: Vec<Value>,
    },
    /// A digest is recorded.
    Sealed {
        /// The record's content.
        content: String,
        /// Its proof (`audit::ReceiptProof`).
        proof: Value,
    },
    /// It was done.
    Done {
        /// What.
        what: String,
    },
    /// It was not; of records none.
    Failed {
        /// Why.
        why: String,
    },
}
