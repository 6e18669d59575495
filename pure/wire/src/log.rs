//! What `countersignd` and `countersign-logd` say to each other.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// To the log.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "say", rename_all = "snake_case", deny_unknown_fields)]
pub enum LogHears {
    /// Who are you, and how long?
    Hello,
    /// Make these records durable, in this order.
    Append {
        /// Drafts (`audit::Draft`).
        drafts: Vec<Value>,
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
    /// They are not, none of them.
    Failed {
        /// Why.
        why: String,
    },
}
