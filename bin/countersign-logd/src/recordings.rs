//! Recordings of terminals: begun, written ahead, sealed by digest into the log, redacted.

use std::sync::Arc;
use std::time::{Duration, Instant};

use audit::DataKey;
use audit::recording::{Event, EventKind, Head, Variant, cast_head};
use host::clock;
use log_store::recordings::{RecordingReader, RecordingWriter, Stage, all, digest_of, path, redact};
use log_store::{Disk, Files, INSTALLATION, ReadKeys, Record, Writer};
use model::{AgentName, Digest, RecordingId, SessionId};
use protocol::{RecordingHead, TerminalEvent};
use record::{Draft, Recorded, RecordedSession, RecordingEvent, RecordingVariant};

use crate::Shared;
use crate::queries::GROWN;

/// How long what was added may wait for its flush.
const FLUSH_WITHIN: Duration = Duration::from_secs(1);

/// What recordings leave free on the disk, in bytes, for the log itself; and after how much of a recording is looked again. What
/// prints without end must not be what keeps everything else from being recorded.
const LEAVE_FREE: u64 = 256 * 1024 * 1024;
const LOOK_EVERY: u64 = 4 * 1024 * 1024;

/// The largest file, in bytes. At it the recording ends, and with it the act.
const MAX_BYTES: u64 = 1024 * 1024 * 1024;

/// A recording under way.
pub(crate) struct Growing {
    id: String,
    head: RecordingHead,
    key: Arc<DataKey>,
    writer: RecordingWriter,
    started: Instant,
    events: u64,
    /// Since when something is not flushed.
    dirty: Option<Instant>,
    /// How long the file was when the room on the disk was looked at.
    looked: u64,
}

/// Refuses where recordings have taken what they may.
fn room() -> Result<(), String> {
    let log = host::install_paths::Layout::from_environment()?.log;
    let free = host::files::free_bytes(&log).map_err(|why| format!("`{}`: {why}", log.display()))?;
    if free < LEAVE_FREE {
        return Err(format!("recordings leave {LEAVE_FREE} bytes free for the log, and {free} are left on its disk"));
    }
    Ok(())
}

/// Whose content a recording is.
fn scope(head: &RecordingHead) -> String {
    format!("{}/{}", head.agent, head.session)
}

fn record(writer: &mut Writer, scope: String, event: RecordingEvent) -> Result<(), String> {
    let draft = Draft { at_ms: clock::now_ms(), scope, event: event.into() };
    crate::put(writer.append(&[Record::of(&draft)])).map(drop)
}

fn recorded(head: &RecordingHead) -> Recorded {
    Recorded {
        request_digest: head.request.clone(),
        request: RecordedSession { agent: head.agent.clone(), session: head.session.clone() },
        title: head.title.clone(),
    }
}

/// How a recording ended.
#[derive(Clone, Copy)]
pub(crate) enum End {
    /// The enforcement point ended it.
    InOrder,
    /// The enforcement point went away.
    Cut,
}

/// Begins one: head durable, then recorded. Only then may the act begin.
pub(crate) fn begin(disk: &Arc<dyn Disk>, writer: &mut Writer, head: RecordingHead) -> Result<Growing, String> {
    let malformed = || "the recording is malformed".to_owned();
    let agent = AgentName::parse(&head.agent).map_err(|why| why.to_string())?;
    let session = SessionId::parse(&head.session).map_err(|why| why.to_string())?;
    let _request = Digest::parse(&head.request).map_err(|why| why.to_string())?;
    if head.title.len() > 64 * 1024 || head.terminal.name.len() > 256 {
        return Err(malformed());
    }
    room()?;
    let now_ms = clock::now_ms();
    let id = RecordingId::new(now_ms, clock::random_id().map_err(|why| why.to_string())?).to_string();
    let (key, number, kek) = writer.key_of(&format!("{agent}/{session}"), now_ms)?;
    let name = path(&id, Stage::Open);
    let fail = |why: std::io::Error| format!("the recording could not be begun: {why}");
    let kept = Head { key: number, kek, started_ms: now_ms, variant: Variant::Raw };
    let mut file = RecordingWriter::begin(Arc::clone(disk), &name, &id, &kept, &key).map_err(fail)?;
    let first = cast_head(head.terminal.columns, head.terminal.rows, now_ms, &head.title, &head.terminal.name);
    file.add(&format!("{first}\n")).and_then(|()| file.sync()).map_err(fail)?;
    record(writer, scope(&head), RecordingEvent::Began { recording: id.clone(), of: recorded(&head) })?;
    Ok(Growing { id, head, key, writer: file, started: Instant::now(), events: 0, dirty: None, looked: 0 })
}

impl Growing {
    /// Its id.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// Writes events. They may go on when this has returned.
    pub(crate) fn add(&mut self, events: Vec<TerminalEvent>) -> Result<(), String> {
        if self.writer.bytes() > MAX_BYTES {
            return Err(format!("a recording has {MAX_BYTES} bytes at most"));
        }
        if self.writer.bytes().saturating_sub(self.looked) > LOOK_EVERY {
            self.looked = self.writer.bytes();
            room()?;
        }
        let micros = u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX);
        let mut lines = String::new();
        for TerminalEvent { kind, text } in events {
            let kind = EventKind::parse(&kind).ok_or("there is no event of this kind")?;
            lines.push_str(&Event { micros, kind, text }.line());
            self.events = self.events.saturating_add(1);
        }
        self.writer.add(&lines).map_err(|why| format!("the recording could not be written: {why}"))?;
        self.dirty.get_or_insert_with(Instant::now);
        GROWN.note();
        self.flush_if_due()
    }

    /// How long the next flush can wait; nothing where there is nothing to flush.
    pub(crate) fn flush_within(&self) -> Option<Duration> {
        self.dirty.map(|since| FLUSH_WITHIN.saturating_sub(since.elapsed()))
    }

    /// Flushes what waits long enough.
    pub(crate) fn flush_if_due(&mut self) -> Result<(), String> {
        if self.flush_within().is_some_and(|within| within.is_zero()) {
            self.writer.sync().map_err(|why| format!("the recording could not be flushed: {why}"))?;
            self.dirty = None;
        }
        Ok(())
    }
}

/// Ends one: flushed, its digest recorded, renamed; then redacted, by a thread of its own.
pub(crate) fn end(disk: &Arc<dyn Disk>, shared: &Shared, growing: Growing, how: End) -> Result<String, String> {
    let Growing { id, head, key, writer: file, started, events, .. } = growing;
    let open = path(&id, Stage::Open);
    let sealed = match file.end() {
        Ok(sealed) => sealed,
        Err(why) => {
            eprintln!("countersign-logd: the end of recording {id} could not be written: {why}");
            digest_of(disk.as_ref(), &open).map_err(|why| why.to_string())?
        }
    };
    let millis = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    let (recording, of, digest, bytes) = (id.clone(), recorded(&head), hex(sealed.digest), sealed.bytes);
    let event = match how {
        End::InOrder => RecordingEvent::Ended { recording, of, events, millis, digest, bytes },
        End::Cut => {
            let (of, events, millis) = (Some(of), Some(events), Some(millis));
            RecordingEvent::Cut { recording, of, events, millis, digest, bytes }
        }
    };
    crate::with(shared, |writer| settle(disk, writer, &id, scope(&head), event))?;
    let (disk, shared, ended) = (Arc::clone(disk), Arc::clone(shared), id.clone());
    let redact =
        move || redact_one(&disk, &shared, &ended, &key, scope(&head)).unwrap_or_else(|why| complain(&ended, &why));
    let _ = std::thread::Builder::new().name("redact".to_owned()).spawn(redact);
    Ok(id)
}

fn complain(id: &str, why: &str) {
    eprintln!("countersign-logd: recording {id} is not redacted: {why}; it is tried again at the next start");
}

fn hex(digest: [u8; 32]) -> String {
    Digest::from_array(digest).to_string()
}

fn settle(
    disk: &Arc<dyn Disk>,
    writer: &mut Writer,
    id: &str,
    scope: String,
    event: RecordingEvent,
) -> Result<(), String> {
    record(writer, scope, event)?;
    let renamed = disk.rename(&path(id, Stage::Open), &path(id, Stage::Whole));
    let renamed = renamed.and_then(|()| disk.sync_directory(log_store::recordings::RECORDINGS));
    GROWN.note();
    renamed.map_err(|why| why.to_string())
}

fn redact_one(disk: &Arc<dyn Disk>, shared: &Shared, id: &str, key: &DataKey, scope: String) -> Result<(), String> {
    let spans = |text: &str| redact::find(text).into_iter().map(|secret| secret.place).collect();
    let sealed = redact(disk, id, key, &spans)?;
    let to = path(id, Stage::Redacted);
    let event = RecordingEvent::Redacted { recording: id.to_owned(), digest: hex(sealed.digest), bytes: sealed.bytes };
    crate::with(shared, |writer| record(writer, scope, event))?;
    let renamed = disk.rename(&format!("{to}.new"), &to);
    renamed.and_then(|()| disk.sync_directory(log_store::recordings::RECORDINGS)).map_err(|why| why.to_string())
}

/// Seals what was cut off when we ended last.
pub(crate) fn finish(disk: &Arc<dyn Disk>, writer: &mut Writer) -> Result<(), String> {
    for id in all(disk.as_ref(), Stage::Open).map_err(|why| why.to_string())? {
        let name = path(&id, Stage::Open);
        if RecordingReader::head(disk.as_ref(), &name).is_err() {
            // Not even begun: nothing happened under it.
            disk.remove(&name).map_err(|why| why.to_string())?;
            continue;
        }
        let sealed = digest_of(disk.as_ref(), &name).map_err(|why| why.to_string())?;
        let event = RecordingEvent::Cut {
            recording: id.clone(),
            of: None,
            events: None,
            millis: None,
            digest: hex(sealed.digest),
            bytes: sealed.bytes,
        };
        settle(disk, writer, &id, INSTALLATION.to_owned(), event)?;
    }
    Ok(())
}

/// Redacts, one after the other, what has no redacted file yet.
pub(crate) fn redact_all(disk: &Arc<dyn Disk>, shared: &Shared) -> Result<(), String> {
    let done = all(disk.as_ref(), Stage::Redacted).map_err(|why| why.to_string())?;
    let mut waiting = all(disk.as_ref(), Stage::Whole).map_err(|why| why.to_string())?;
    waiting.retain(|id| !done.contains(id));
    if waiting.is_empty() {
        return Ok(());
    }
    let (disk, shared) = (Arc::clone(disk), Arc::clone(shared));
    let work = move || {
        for id in waiting {
            let one = || {
                let files: Arc<dyn Files> = disk.clone();
                let head = RecordingReader::head(disk.as_ref(), &path(&id, Stage::Whole))?;
                // One whose key was destroyed stays as it is: no key opens it.
                match ReadKeys::open(&files)?.get(head.key)? {
                    Some(key) => redact_one(&disk, &shared, &id, &key, INSTALLATION.to_owned()),
                    None => Ok(()),
                }
            };
            one().unwrap_or_else(|why| complain(&id, &why));
        }
    };
    std::thread::Builder::new().name("redact".to_owned()).spawn(work).map(drop).map_err(|why| why.to_string())
}

/// Records that a person is about to view a recording.
pub(crate) fn viewed(writer: &mut Writer, id: &str, variant: &str, by: &str) -> Result<String, String> {
    let id = RecordingId::parse(id).map_err(|why| why.to_string())?;
    let variant = RecordingVariant::parse(variant).filter(|_| by.len() <= 256);
    let variant = variant.ok_or("it is not said who looks at what")?;
    let event = RecordingEvent::Viewed { recording: id.to_string(), variant, by: by.to_owned() };
    record(writer, INSTALLATION.to_owned(), event)?;
    Ok("recorded".to_owned())
}
