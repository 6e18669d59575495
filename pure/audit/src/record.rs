//! One record: what happened, when, with its place in the chain. A record is one line of canonical JSON.

use data_encoding::HEXLOWER;
use model::canon::canonical;
use serde_json::{Value, json};

use crate::tree::Hash;

/// The version of the record format.
const VERSION: u64 = 1;

/// What a record is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordKind {
    /// A program of ours started.
    Start,
    /// A decision on a request. Durable before anything else happens.
    Decision,
    /// A person's answer to a hold, or its end without one.
    Answer,
    /// An authority was used, or its use was refused.
    Permit,
    /// What came of an act.
    Outcome,
    /// An agent, reviewer or rule set changed.
    Change,
    /// Something was refused before it became a request.
    Refusal,
}

impl RecordKind {
    /// Every kind.
    pub const ALL: [Self; 7] =
        [Self::Start, Self::Decision, Self::Answer, Self::Permit, Self::Outcome, Self::Change, Self::Refusal];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Decision => "decision",
            Self::Answer => "answer",
            Self::Permit => "permit",
            Self::Outcome => "outcome",
            Self::Change => "change",
            Self::Refusal => "refusal",
        }
    }

    /// Reads the word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// A record before it has a place: what a writer sends to the log.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    /// What it is about.
    pub kind: RecordKind,
    /// When the writer made it, milliseconds since 1970.
    pub at_ms: u64,
    /// What happened. Secrets are masked before this.
    pub body: Value,
}

/// A record in its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Its number; the first is 0.
    pub seq: u64,
    /// The leaf hash of the record before; zeros for the first.
    pub previous: Hash,
    /// What it says.
    pub draft: Draft,
}

impl Draft {
    /// As JSON, for the way to the log.
    pub fn to_value(&self) -> Value {
        json!({ "kind": self.kind.as_str(), "at_ms": self.at_ms, "body": self.body })
    }

    /// From JSON.
    pub fn from_value(value: &Value) -> Option<Self> {
        Some(Self {
            kind: RecordKind::parse(value.get("kind")?.as_str()?)?,
            at_ms: value.get("at_ms")?.as_u64()?,
            body: value.get("body")?.clone(),
        })
    }
}

impl Entry {
    /// The canonical bytes: what is stored and hashed.
    pub fn to_bytes(&self) -> Vec<u8> {
        canonical(&json!({
            "v": VERSION, "seq": self.seq, "prev": HEXLOWER.encode(&self.previous),
            "kind": self.draft.kind.as_str(), "at_ms": self.draft.at_ms, "body": self.draft.body,
        }))
    }

    /// Reads canonical bytes; any other spelling of the same record is refused.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let value: Value = serde_json::from_slice(bytes).ok()?;
        if value.get("v")?.as_u64()? != VERSION {
            return None;
        }
        let entry = Self {
            seq: value.get("seq")?.as_u64()?,
            previous: HEXLOWER.decode(value.get("prev")?.as_str()?.as_bytes()).ok()?.try_into().ok()?,
            draft: Draft::from_value(&value)?,
        };
        (entry.to_bytes() == bytes).then_some(entry)
    }
}
