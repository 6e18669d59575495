//! One record: what happened, and when. Its content is canonical JSON (RFC 8785); `api/record.schema.json` describes it.

use model::canon::canonical;
use serde_json::{Value, json};

/// The version of the record format.
const VERSION: u64 = 2;

/// The largest content, in bytes. A larger one is refused before anything is written.
pub const MAX_CONTENT_BYTES: usize = 4 * 1024 * 1024;

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
    /// A terminal's recording began, ended with a digest, or was looked at.
    Recording,
    /// Somebody signed in or out.
    Access,
}

impl RecordKind {
    /// Every kind.
    pub const ALL: [Self; 9] = [
        Self::Start,
        Self::Decision,
        Self::Answer,
        Self::Permit,
        Self::Outcome,
        Self::Change,
        Self::Refusal,
        Self::Recording,
        Self::Access,
    ];

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
            Self::Recording => "recording",
            Self::Access => "access",
        }
    }

    /// Parses the word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// Where the values stand that records are found by.
const TERMS: [(&str, &str); 7] = [
    ("agent", "/request/agent"),
    ("session", "/request/session"),
    ("verdict", "/verdict"),
    ("level", "/level"),
    ("reviewer", "/reviewer"),
    ("request", "/request_digest"),
    ("recording", "/recording"),
];

/// One thing that records are found by.
pub fn term(name: &str, value: &str) -> String {
    format!("{name}={value}")
}

/// A record before it has a place: what a writer sends to the log.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    /// What it is about.
    pub kind: RecordKind,
    /// When the writer made it, milliseconds since 1970.
    pub at_ms: u64,
    /// Whose content it is: records of one scope share a data key, and are destroyed together.
    pub scope: String,
    /// What happened. Secrets are masked before this.
    pub body: Value,
}

impl Draft {
    /// The content in canonical form: what is committed to and encrypted.
    pub fn content(&self) -> Vec<u8> {
        canonical(&json!({
            "v": VERSION, "kind": self.kind.as_str(), "at_ms": self.at_ms, "scope": self.scope, "body": self.body,
        }))
    }

    /// What the record can be found by: `name=value` of its kind, agent, session, verdict, level and reviewer.
    pub fn terms(&self) -> Vec<String> {
        let found = TERMS.iter().filter_map(|(name, pointer)| Some((name, self.body.pointer(pointer)?.as_str()?)));
        let mut terms: Vec<String> = found.map(|(name, value)| term(name, value)).collect();
        terms.push(term("kind", self.kind.as_str()));
        terms
    }

    /// Whether these bytes are a content of this time and scope, as far as can be told without reading its body.
    pub fn is_content(content: &[u8], at_ms: u64, scope: &str) -> bool {
        #[derive(serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Frame<'a> {
            v: u64,
            kind: &'a str,
            at_ms: u64,
            scope: std::borrow::Cow<'a, str>,
            #[serde(rename = "body")]
            _body: serde::de::IgnoredAny,
        }
        let frame = serde_json::from_slice::<Frame<'_>>(content);
        frame.is_ok_and(|frame| {
            frame.v == VERSION
                && RecordKind::parse(frame.kind).is_some()
                && frame.at_ms == at_ms
                && frame.scope == scope
        })
    }

    /// Reads a content.
    pub fn parse(content: &[u8]) -> Option<Self> {
        let mut value: Value = serde_json::from_slice(content).ok()?;
        if value.get("v")?.as_u64()? != VERSION {
            return None;
        }
        Some(Self {
            kind: RecordKind::parse(value.get("kind")?.as_str()?)?,
            at_ms: value.get("at_ms")?.as_u64()?,
            scope: value.get("scope")?.as_str()?.to_owned(),
            body: value.get_mut("body")?.take(),
        })
    }

    /// The record in its place, as readers show it.
    pub fn shown(self, seq: u64) -> Value {
        json!({ "seq": seq, "kind": self.kind.as_str(), "at_ms": self.at_ms, "scope": self.scope, "body": self.body })
    }
}
