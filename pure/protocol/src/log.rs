//! What `countersignd` and `countersign-logd` say to each other.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A record on its way to the log.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogRecord {
    /// Its content (`record::Draft::content`), as it is committed to.
    pub content: String,
    /// When it was made.
    pub at_ms: u64,
    /// Whose content it is.
    pub scope: String,
    /// What it is found by (`record::Draft::terms`).
    pub terms: Vec<String>,
}

/// Of what a recording is.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordingHead {
    /// The agent.
    pub agent: String,
    /// Its session.
    pub session: String,
    /// The digest of the request.
    pub request: String,
    /// What runs, with secrets masked.
    pub title: String,
    /// The terminal.
    pub terminal: crate::Terminal,
}

/// To the log.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "say", rename_all = "snake_case", deny_unknown_fields)]
pub enum LogRequest {
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
    /// Begin a recording, of which there is one at most on a connection. The end of the connection cuts it off.
    Begin {
        /// What it is of.
        head: RecordingHead,
    },
    /// Add to it.
    Add {
        /// The events, in order.
        events: Vec<crate::TerminalEvent>,
    },
    /// End it.
    End,
    /// A person is about to view a recording.
    Viewed {
        /// Its id.
        recording: String,
        /// Which file: `raw` or `redacted`.
        variant: String,
        /// Who, as far as is known.
        by: String,
    },
    /// A person reads records.
    Read {
        /// The query.
        what: crate::LogQuery,
    },
    /// A person views a recording: its lines follow, until its end.
    Watch {
        /// Its id.
        recording: String,
        /// One that goes on, as it goes on; otherwise with secrets masked.
        live: bool,
        /// The asking person.
        by: String,
    },
    /// Keep the contents of a scope whatever any policy says, or end that.
    LegalHold {
        /// The scope.
        scope: String,
        /// Held, or not any more.
        held: bool,
        /// Why: the matter.
        why: String,
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
pub enum LogReply {
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
    /// A recording began.
    Began {
        /// Its id.
        recording: String,
    },
    /// It was read.
    Read {
        /// The result.
        found: crate::LogQueryResult,
    },
    /// Lines of a recording (asciicast v2). More follow, unless it has ended.
    Lines {
        /// The lines, in order.
        lines: Vec<String>,
        /// Whether this is the end.
        ended: bool,
    },
    /// The request was carried out.
    Done {
        /// What was done.
        what: String,
    },
    /// It was not; of records none.
    Failed {
        /// The reason.
        why: String,
    },
}
