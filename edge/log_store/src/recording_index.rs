//! Recordings, as the log tells of them: which there are, and whether a file is the one that was recorded.

use std::collections::BTreeMap;
use std::sync::Arc;

use audit::recording::Variant;
use model::Digest;
use record::{Event, RecordingEvent, term};
use serde_json::{Value, json};

use crate::recordings::{RecordingReader, Stage, digest_of, path};
use crate::{Content, Files, Found, ReadKeys, Reader, Wanted};

/// What the log says of one recording.
#[derive(Clone, Debug, Default)]
pub struct RecordingEntry {
    /// The agent.
    pub agent: String,
    /// Its session.
    pub session: String,
    /// The digest of the request.
    pub request: String,
    /// What ran.
    pub title: String,
    /// Since when, milliseconds since 1970.
    pub began_ms: u64,
    /// `recording`, `ended` or `cut`.
    pub state: String,
    /// How long it was.
    pub millis: u64,
    /// The digest of the file.
    pub digest: Option<String>,
    /// The digest of the file with secrets masked.
    pub redacted: Option<String>,
}

impl RecordingEntry {
    /// For programs.
    pub fn to_value(&self, id: &str) -> Value {
        json!({
            "recording": id, "agent": self.agent, "session": self.session, "request_digest": self.request, "title": self.title,
            "began_ms": self.began_ms, "state": self.state, "millis": self.millis, "digest": self.digest, "redacted": self.redacted,
        })
    }
}

/// Every recording that the log tells of, by id.
///
/// # Errors
/// The log cannot be read.
pub fn all(reader: &mut Reader) -> Result<BTreeMap<String, RecordingEntry>, String> {
    let mut all: BTreeMap<String, RecordingEntry> = BTreeMap::new();
    let wanted = Wanted { terms: vec![term("kind", "recording")], ..Wanted::default() };
    reader.each(&wanted, &mut |found: Found| {
        if let Content::Record(record) = found.content
            && let Some(Event::Recording(event)) = record.event()
        {
            take(&mut all, record.at_ms, event);
        }
        Ok(true)
    })?;
    Ok(all)
}

fn take(all: &mut BTreeMap<String, RecordingEntry>, at_ms: u64, event: RecordingEvent) {
    let one = all.entry(event.recording().to_owned()).or_default();
    match event {
        RecordingEvent::Began { of, .. } => {
            one.agent = of.request.agent;
            one.session = of.request.session;
            one.request = of.request_digest;
            one.title = of.title;
            one.began_ms = at_ms;
            "recording".clone_into(&mut one.state);
        }
        RecordingEvent::Ended { millis, digest, .. } => {
            "ended".clone_into(&mut one.state);
            one.millis = millis;
            one.digest = Some(digest);
        }
        RecordingEvent::Cut { millis, digest, .. } => {
            "cut".clone_into(&mut one.state);
            one.millis = millis.unwrap_or(0);
            one.digest = Some(digest);
        }
        RecordingEvent::Redacted { digest, .. } => one.redacted = Some(digest),
        RecordingEvent::Viewed { .. } => {}
    }
}

const fn stage(variant: Variant) -> Stage {
    match variant {
        Variant::Raw => Stage::Whole,
        Variant::Redacted => Stage::Redacted,
    }
}

/// Whether a file is what the log says it was.
///
/// # Errors
/// It is not, or it cannot be read.
pub fn is_as_told(files: &dyn Files, id: &str, variant: Variant, digest: &str) -> Result<(), String> {
    let name = path(id, stage(variant));
    let found = digest_of(files, &name).map_err(|why| format!("`{name}`: {why}"))?;
    if Digest::from_array(found.digest).to_string() == digest {
        Ok(())
    } else {
        Err(format!("`{name}` is not the file that the log has the digest of: it was changed"))
    }
}

/// Opens one. Of one that has ended, nothing is shown unless it is the file that the log has the digest of.
///
/// # Errors
/// It is another file, was destroyed, or cannot be read.
pub fn open(
    files: &Arc<dyn Files>,
    id: &str,
    variant: Variant,
    is_growing: bool,
    digest: Option<&str>,
) -> Result<RecordingReader, String> {
    if let Some(digest) = digest {
        is_as_told(files.as_ref(), id, variant, digest)?;
    }
    let name = path(id, if is_growing { Stage::Open } else { stage(variant) });
    let head = RecordingReader::head(files.as_ref(), &name)?;
    let key = ReadKeys::open(files)?.get(head.key)?;
    let key = key.ok_or_else(|| format!("`{id}` was destroyed by policy and cannot be read any more"))?;
    RecordingReader::open(Arc::clone(files), &name, id, &key)
}
