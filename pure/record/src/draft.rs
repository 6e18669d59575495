//! A record before it is in the log, and as it is read from there. Its content is canonical JSON (RFC 8785).

use model::canon::canonical;
use serde_json::{Value, json};

use crate::{Event, RecordKind};

/// The version of the record format.
const VERSION: u64 = 2;

/// The largest content, in bytes. A larger one is refused before anything is written.
pub const MAX_CONTENT_BYTES: usize = 4 * 1024 * 1024;

/// One thing that records are found by.
pub fn term(name: &str, value: &str) -> String {
    format!("{name}={value}")
}

/// A record before it has a place: what a writer sends to the log.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    /// When the writer made it, milliseconds since 1970.
    pub at_ms: u64,
    /// Whose content it is: records of one scope share a data key, and are destroyed together.
    pub scope: String,
    /// What happened. Secrets are masked before this.
    pub event: Event,
}

impl Draft {
    /// Of an event, in the scope that it belongs to.
    pub fn of(event: Event, at_ms: u64) -> Self {
        Self { at_ms, scope: event.scope(), event }
    }

    /// The content in canonical form: what is committed to and encrypted.
    pub fn content(&self) -> Vec<u8> {
        content(self.event.kind(), self.at_ms, &self.scope, self.event.body())
    }

    /// What the record can be found by.
    pub fn terms(&self) -> Vec<String> {
        terms(self.event.kind(), Some(&self.event))
    }

    /// Whether these bytes are a content of this time and scope, as far as can be seen without reading its body.
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
}

/// A record as it is read from a log: what it says as it was written, and typed.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Its number.
    pub seq: u64,
    /// When it was made, milliseconds since 1970.
    pub at_ms: u64,
    /// Whose content it is.
    pub scope: String,
    /// What it is about.
    pub kind: RecordKind,
    body: Value,
}

impl Record {
    /// Reads the content of the record with this number.
    pub fn parse(seq: u64, content: &[u8]) -> Option<Self> {
        let mut value: Value = serde_json::from_slice(content).ok()?;
        if value.get("v")?.as_u64()? != VERSION {
            return None;
        }
        Some(Self {
            seq,
            kind: RecordKind::parse(value.get("kind")?.as_str()?)?,
            at_ms: value.get("at_ms")?.as_u64()?,
            scope: value.get("scope")?.as_str()?.to_owned(),
            body: value.get_mut("body")?.take(),
        })
    }

    /// A draft that is in the log.
    pub fn of(seq: u64, draft: &Draft) -> Self {
        let Draft { at_ms, scope, event } = draft;
        Self { seq, at_ms: *at_ms, scope: scope.clone(), kind: event.kind(), body: event.body() }
    }

    /// What happened. Nothing where this version does not know what the record says: it is shown as it was written.
    pub fn event(&self) -> Option<Event> {
        Event::read(self.kind, &self.body)
    }

    /// The body as it was written, with members that this version does not know.
    pub const fn body(&self) -> &Value {
        &self.body
    }

    /// The content in canonical form, as it was committed to.
    pub fn content(&self) -> Vec<u8> {
        content(self.kind, self.at_ms, &self.scope, self.body.clone())
    }

    /// What the record can be found by.
    pub fn terms(&self) -> Vec<String> {
        terms(self.kind, self.event().as_ref())
    }

    /// The record in its place, as readers show it.
    pub fn to_value(&self) -> Value {
        json!({ "seq": self.seq, "kind": self.kind.as_str(), "at_ms": self.at_ms, "scope": self.scope, "body": self.body })
    }
}

fn content(kind: RecordKind, at_ms: u64, scope: &str, body: Value) -> Vec<u8> {
    let members = [
        ("v", Value::from(VERSION)),
        ("kind", kind.as_str().into()),
        ("at_ms", at_ms.into()),
        ("scope", scope.into()),
        ("body", body),
    ];
    canonical(&Value::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()))
}

/// `name=value` of what records are found by.
fn terms(kind: RecordKind, event: Option<&Event>) -> Vec<String> {
    let mut terms = Vec::new();
    if let Some(event) = event {
        let decision = event.decision();
        let all = [
            ("agent", event.agent()),
            ("session", event.session()),
            ("verdict", decision.map(|it| it.verdict.as_str())),
            ("level", decision.map(|it| it.level.as_str())),
            ("reviewer", event.reviewer()),
            ("request", event.request_digest()),
            ("recording", event.recording()),
        ];
        terms.extend(all.into_iter().filter_map(|(name, value)| Some(term(name, value?))));
    }
    terms.push(term("kind", kind.as_str()));
    terms
}

/// The schema of a content: the members of its frame, and of the body by its kind.
#[cfg(feature = "schema")]
pub(crate) fn schema() -> Value {
    /// The content of a record. `docs/reference/record-format.md` says how it is encrypted, committed to and proved. Further members of a
    /// body may come within this version; those named here stay.
    #[derive(schemars::JsonSchema)]
    #[schemars(title = "Countersign record, version 2", extend("unevaluatedProperties" = false))]
    #[expect(dead_code, reason = "only its schema is wanted")]
    struct Content {
        /// The version of the format.
        #[schemars(extend("const" = VERSION))]
        v: u64,
        /// When it was made, milliseconds since 1970.
        at_ms: u64,
        /// Whose content it is: `agent/session`, or nothing for the installation's own.
        scope: String,
        #[schemars(flatten)]
        event: Event,
    }
    let settings = schemars::generate::SchemaSettings::draft2020_12().for_serialize();
    serde_json::to_value(settings.into_generator().into_root_schema_for::<Content>()).unwrap_or_default()
}
