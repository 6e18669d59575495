//! Reading for people, asked by `countersignd`, which has looked who they are: records, stories, figures, recordings.

use std::os::unix::net::UnixStream;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use audit::LogVerifier;
use audit::recording::Variant;
use host::install_paths::Layout;
use host::{clock, socket};
use log_store::recordings::{Stage, path};
use log_store::{Content, Disk, Files, Found, Reader, Wanted, recording_index};
use model::RecordingId;
use protocol::{LogQuery, LogQueryResult, LogReply, MAX_LOG_FRAME, RecordQuery};
use record::{Record, Statistics, term};
use serde_json::Value;

use crate::{Shared, recordings};

/// Maximum and default number of records on a page.
const MOST: u32 = 500;
const USUAL: u32 = 100;

/// How many records are looked at backwards at first, for the newest; then twice as many, and so on.
const WINDOW: u64 = 2_048;

/// The most that a page of records has, in bytes, whatever its limit.
const PAGE_BYTES: usize = 8 * 1024 * 1024;

/// The most days of which figures are made.
const MOST_DAYS: u32 = 400;

/// How much is sent of a recording at once, in bytes of lines.
const PART_BYTES: usize = 512 * 1024;

/// How long a viewer of a recording may take to read a part.
const PATIENCE: Duration = Duration::from_secs(20);

/// Maximum silence on the connection of a viewer.
const HEARTBEAT: Duration = Duration::from_secs(10);

/// Wakes viewers of a growing recording.
pub(crate) struct Grown {
    count: Mutex<u64>,
    moved: Condvar,
}

/// Of all recordings: there is one log in a process.
pub(crate) static GROWN: Grown = Grown { count: Mutex::new(0), moved: Condvar::new() };

impl Grown {
    /// Some recording grew, or ended.
    pub(crate) fn note(&self) {
        let mut count = self.count.lock().unwrap_or_else(PoisonError::into_inner);
        *count = count.wrapping_add(1);
        self.moved.notify_all();
    }

    /// Waits for more than `seen`, and gives the count then.
    fn wait(&self, seen: u64) -> u64 {
        let count = self.count.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.moved.wait_timeout_while(count, HEARTBEAT, |count| *count == seen);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }

    fn now(&self) -> u64 {
        *self.count.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Carries out a query on the record.
///
/// # Errors
/// The log cannot be read.
pub(crate) fn read(disk: &Arc<dyn Disk>, layout: &Layout, what: &LogQuery) -> Result<LogQueryResult, String> {
    let files: Arc<dyn Files> = disk.clone();
    match what {
        LogQuery::Records { query } => records(&mut Reader::open(files)?, query),
        LogQuery::Story { request } => {
            let wanted = Wanted { terms: vec![term("request", request)], ..Wanted::default() };
            let mut story = Vec::new();
            each(&mut Reader::open(files)?, &wanted, &mut |record| {
                if record.event().is_some_and(|event| event.request_digest() == Some(request.as_str())) {
                    story.push(record.to_value());
                }
                story.len() < MOST as usize
            })?;
            Ok(LogQueryResult::Value { value: Value::Array(story) })
        }
        LogQuery::Verify => verify(disk, layout),
        LogQuery::Recordings => {
            let all = recording_index::all(&mut Reader::open(files)?)?;
            let newest = all.iter().rev().take(MOST as usize).map(|(id, one)| one.to_value(id));
            Ok(LogQueryResult::Value { value: Value::Array(newest.collect()) })
        }
        LogQuery::Figures { days } => {
            let days = u64::from((*days).clamp(1, MOST_DAYS));
            let since_ms = clock::now_ms().saturating_sub(days.saturating_mul(86_400_000));
            let mut figures = Statistics::default();
            let wanted = Wanted { since_ms, ..Wanted::default() };
            each(&mut Reader::open(files)?, &wanted, &mut |record| {
                if let Some(event) = record.event() {
                    figures.take(record.at_ms, &event);
                }
                true
            })?;
            Ok(LogQueryResult::Value { value: figures.to_value() })
        }
    }
}

/// Every record that can be read, oldest first, until `one` has enough.
fn each(reader: &mut Reader, wanted: &Wanted, one: &mut dyn FnMut(Record) -> bool) -> Result<u64, String> {
    reader.each(wanted, &mut |found: Found| {
        Ok(match found.content {
            Content::Record(record) => one(*record),
            Content::Destroyed | Content::Unreadable(_) => true,
        })
    })
}

/// The newest that are wanted, newest first. Looked for backwards, in windows that grow.
fn records(reader: &mut Reader, query: &RecordQuery) -> Result<LogQueryResult, String> {
    let limit = usize::try_from(query.limit.unwrap_or(USUAL).clamp(1, MOST)).unwrap_or(1);
    let terms: Vec<String> = query.named().into_iter().map(|(name, value)| term(name, value)).collect();
    let (since_ms, until_ms) = (query.since_ms.unwrap_or(0), query.until_ms.unwrap_or(u64::MAX));
    let mut end = query.before.unwrap_or(u64::MAX).min(reader.size());
    let mut window = WINDOW;
    let mut found: Vec<Value> = Vec::new();
    let mut bytes = 0_usize;
    while end > 0 && found.len() < limit && bytes < PAGE_BYTES {
        let from = end.saturating_sub(window);
        let mut part: Vec<Value> = Vec::new();
        each(reader, &Wanted { from, since_ms, until_ms, terms: terms.clone() }, &mut |record| {
            let is_before = record.seq < end;
            if is_before && query.passes(&record) {
                part.push(record.to_value());
            }
            is_before
        })?;
        for record in part.into_iter().rev() {
            bytes = bytes.saturating_add(record.to_string().len());
            if found.is_empty() || bytes < PAGE_BYTES {
                found.push(record);
            }
        }
        end = from;
        window = window.saturating_mul(2);
    }
    let more = found.len() > limit || end > 0 || bytes >= PAGE_BYTES;
    found.truncate(limit);
    let last = found.last().and_then(|record| record.get("seq")).and_then(Value::as_u64);
    let next = last.filter(|_| more);
    Ok(LogQueryResult::Records { records: found, next })
}

fn verify(disk: &Arc<dyn Disk>, layout: &Layout) -> Result<LogQueryResult, String> {
    let key = host::files::read_small(&layout.log.join("log.pub"), 4096).map_err(|why| why.to_string())?;
    let key = key.and_then(|bytes| String::from_utf8(bytes).ok()).and_then(|text| LogVerifier::parse(text.trim()));
    let key = key.ok_or("the log's public key cannot be read")?;
    let started = Instant::now();
    let held = log_store::verify(disk.as_ref(), &key, Vec::new(), &mut |_, _| {});
    let millis = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    Ok(match held {
        Ok(held) => LogQueryResult::Verified { records: held.records, wrong: None, millis },
        Err(wrong) => LogQueryResult::Verified { records: 0, wrong: Some(wrong.to_string()), millis },
    })
}

/// Sends a recording's lines to a viewer, once the viewing is recorded.
///
/// # Errors
/// There is no such recording, it is another file than the log says, or the viewer is gone.
pub(crate) fn watch(
    stream: &UnixStream,
    (disk, writer): (&Arc<dyn Disk>, &Shared),
    id: &str,
    live: bool,
    by: &str,
) -> Result<(), String> {
    RecordingId::parse(id).map_err(|why| why.to_string())?;
    let files: Arc<dyn Files> = disk.clone();
    let all = recording_index::all(&mut Reader::open(Arc::clone(&files))?)?;
    let one = all.get(id).ok_or("there is no such recording")?;
    let is_growing = one.state == "recording";
    let (variant, digest) = if live { (Variant::Raw, &one.digest) } else { (Variant::Redacted, &one.redacted) };
    if is_growing && !live {
        return Err("it goes on; watch it".to_owned());
    }
    if digest.is_none() && !is_growing {
        return Err("it is not there yet with secrets masked; that takes a moment after its end".to_owned());
    }
    let word = if variant == Variant::Raw { "raw" } else { "redacted" };
    crate::with(writer, |writer| recordings::viewed(writer, id, word, by))?;
    let mut reader = recording_index::open(&files, id, variant, is_growing, digest.as_deref())?;
    let send = |lines: Vec<String>, ended: bool| {
        socket::send(stream, &LogReply::Lines { lines, ended }, MAX_LOG_FRAME, PATIENCE).map_err(|why| why.to_string())
    };
    let mut seen = GROWN.now();
    let mut is_moved = false;
    loop {
        let lines = reader.lines()?;
        let is_empty = lines.is_empty();
        let (mut part, mut bytes) = (Vec::new(), 0_usize);
        for line in lines {
            bytes = bytes.saturating_add(line.len());
            part.push(line);
            if bytes > PART_BYTES {
                bytes = 0;
                send(std::mem::take(&mut part), false)?;
            }
        }
        // One that was cut off has no end of its own.
        if reader.has_ended() || (is_empty && (!is_growing || is_moved)) {
            return send(part, true);
        }
        if !part.is_empty() {
            send(part, false)?;
        }
        if is_empty {
            let there = files.read_part(&path(id, Stage::Open), 0, 1).map_err(|why| why.to_string())?;
            if there.is_none() {
                // It was renamed when it ended; what was written in between is read from there.
                reader.moved(&path(id, Stage::Whole));
                is_moved = true;
                continue;
            }
            let now = GROWN.wait(seen);
            if now == seen {
                // A sign of life, so that we notice that they left.
                send(Vec::new(), false)?;
            }
            seen = now;
        }
    }
}
