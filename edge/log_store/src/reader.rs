//! Reading a log: published bundles, then what the journal holds behind them. A writer may be at work meanwhile.

mod prove;

use std::sync::Arc;

use audit::tile::{TILE_WIDTH, entries_path, payload_path, unbundle};
use audit::{Batch, Entry, RecordPosition};
use record::Record;

use crate::disk::Files;
use crate::index::{self, Index};
use crate::keys::ReadKeys;
use crate::publisher::CHECKPOINT;
use crate::wal;

/// How often reading is tried again when the writer moved files meanwhile.
const ATTEMPTS: usize = 8;

/// What is wanted.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Records from this number on.
    pub from: u64,
    /// Not made before, milliseconds since 1970.
    pub since_ms: u64,
    /// Not made after.
    pub until_ms: u64,
    /// Records that may have all of these terms ([`record::term`]); others may come, too.
    pub terms: Vec<String>,
}

impl Default for Wanted {
    fn default() -> Self {
        Self { from: 0, since_ms: 0, until_ms: u64::MAX, terms: Vec::new() }
    }
}

/// A record that was found.
#[derive(Clone, Debug)]
pub struct Found {
    /// Its entry.
    pub entry: Entry,
    /// Its content.
    pub content: Content,
}

/// What a reader sees of a record.
#[derive(Clone, Debug)]
pub enum Content {
    /// The content.
    Record(Box<Record>),
    /// Its key was destroyed; it cannot be read any more.
    Destroyed,
    /// It cannot be read here, and why.
    Unreadable(String),
}

/// A log that is read.
pub struct Reader {
    disk: Arc<dyn Files>,
    keys: Result<ReadKeys, String>,
    note: Option<String>,
    published: u64,
    tail: Vec<Batch>,
}

/// The size that a note's text says, unchecked.
fn size_of(note: &str) -> Option<u64> {
    note.lines().nth(1)?.parse().ok()
}

impl Reader {
    /// Opens a log. Without its keys entries can be read, and contents cannot.
    ///
    /// # Errors
    /// There is no log, or its files cannot be read.
    pub fn open(disk: Arc<dyn Files>) -> Result<Self, String> {
        let keys = ReadKeys::open(&disk);
        let mut reader = Self { disk, keys, note: None, published: 0, tail: Vec::new() };
        reader.refresh()?;
        Ok(reader)
    }

    /// The published checkpoint, unchecked.
    pub fn note(&self) -> Option<&str> {
        self.note.as_deref()
    }

    /// The number of records.
    pub fn size(&self) -> u64 {
        self.tail.last().map_or(self.published, wal::end).max(self.published)
    }

    /// Records that the published checkpoint counts.
    pub const fn published(&self) -> u64 {
        self.published
    }

    /// Looks for what came since.
    ///
    /// # Errors
    /// The files cannot be read, or do not fit together.
    pub fn refresh(&mut self) -> Result<(), String> {
        let mut why = String::new();
        for _ in 0..ATTEMPTS {
            match self.look() {
                Ok(()) => return Ok(()),
                // The writer may have moved on between two files.
                Err(failed) => why = failed,
            }
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        Err(why)
    }

    fn look(&mut self) -> Result<(), String> {
        let note = self.disk.read(CHECKPOINT).map_err(|why| format!("`{CHECKPOINT}`: {why}"))?;
        let found = wal::scan(self.disk.as_ref())?;
        let note = match note {
            Some(bytes) => Some(String::from_utf8(bytes).map_err(|_| format!("`{CHECKPOINT}` is not text"))?),
            None if found.segments.is_empty() && self.disk.list("").map_err(|why| why.to_string())?.is_empty() => {
                return Err("there is no log".to_owned());
            }
            None => None,
        };
        let published = match &note {
            Some(note) => size_of(note).ok_or_else(|| format!("`{CHECKPOINT}` is no checkpoint"))?,
            None => 0,
        };
        let tail: Vec<Batch> = found.batches.into_iter().map(|(_, batch)| batch).collect();
        if tail.first().is_some_and(|first| first.first > published) {
            return Err(format!("records {published} and on are missing"));
        }
        (self.note, self.published) = (note, published);
        self.tail = tail.into_iter().filter(|batch| wal::end(batch) > published).collect();
        Ok(())
    }

    /// Gives every wanted record, oldest first, until `each` says that it is enough. Gives the number behind the last record
    /// that was looked at.
    ///
    /// # Errors
    /// A file is missing or cannot be read, or `each` failed.
    pub fn each(
        &mut self,
        wanted: &Wanted,
        each: &mut dyn FnMut(Found) -> Result<bool, String>,
    ) -> Result<u64, String> {
        let tags = match &self.keys {
            Ok(keys) => wanted.terms.iter().map(|term| index::tag(&keys.tag(term))).collect(),
            Err(_) => Vec::new(),
        };
        let mut next = wanted.from;
        while next < self.published {
            let number = next / TILE_WIDTH;
            let end = number.saturating_add(1).saturating_mul(TILE_WIDTH).min(self.published);
            let whole = number < self.published / TILE_WIDTH;
            let found = if whole { self.index(number) } else { None };
            let bits = found.as_ref().map(|index| index.with(&tags));
            let out_of_time = |it: &Index| it.to_ms < wanted.since_ms || it.from_ms > wanted.until_ms;
            let none = bits.is_some_and(|bits| bits == [0; 32]) || found.as_ref().is_some_and(out_of_time);
            if none {
                next = end;
                continue;
            }
            let (entries, payloads) = self.bundle(number)?;
            let mut rest = payloads.as_slice();
            for (at, entry) in entries.iter().enumerate() {
                let payload = split(&mut rest, entry)?;
                let skipped = bits.is_some_and(|bits| !index::is_set(&bits, at));
                if entry.seq < next || skipped || !is_in_time(entry, wanted) {
                    continue;
                }
                let content = self.content(entry, payload);
                if !each(Found { entry: *entry, content })? {
                    return Ok(entry.seq.saturating_add(1));
                }
            }
            // The bundle may have become longer since its end was looked up.
            next = entries.last().map_or(end, |last| last.seq.saturating_add(1)).max(end);
        }
        for batch in std::mem::take(&mut self.tail) {
            let mut rest = batch.payloads.as_slice();
            for bytes in &batch.entries {
                let entry = Entry::from_bytes(bytes).ok_or("the journal holds what is no entry")?;
                let payload = split(&mut rest, &entry)?;
                if entry.seq < next {
                    continue;
                }
                next = entry.seq.saturating_add(1);
                if is_in_time(&entry, wanted) && !each(Found { entry, content: self.content(&entry, payload) })? {
                    return Ok(next);
                }
            }
        }
        Ok(next)
    }

    fn index(&self, number: u64) -> Option<Index> {
        let keys = self.keys.as_ref().ok()?;
        let bytes = self.disk.read(&index::path(number)).ok()??;
        index::decode(&keys.tag("index"), number, &bytes)
    }

    fn file(&self, name: &str) -> Result<Vec<u8>, String> {
        let bytes = self.disk.read(name).map_err(|why| format!("`{name}`: {why}"))?;
        bytes.ok_or_else(|| format!("`{name}` is missing"))
    }

    /// A published bundle: its entries and their payloads.
    fn bundle(&mut self, number: u64) -> Result<(Vec<Entry>, Vec<u8>), String> {
        let mut why = String::new();
        for _ in 0..ATTEMPTS {
            let first = number.saturating_mul(TILE_WIDTH);
            let width = self.published.saturating_sub(first).min(TILE_WIDTH);
            let name = entries_path(number, width);
            let read = self.file(&name).and_then(|entries| Ok((entries, self.file(&payload_path(number, width))?)));
            match read {
                Ok((entries, payloads)) => {
                    let entries = unbundle(&entries).ok_or_else(|| format!("`{name}` is no bundle"))?;
                    let entries = entries.iter().map(Entry::from_bytes).collect::<Option<_>>();
                    return Ok((entries.ok_or_else(|| format!("`{name}` holds what is no entry"))?, payloads));
                }
                // What was partial is complete by now.
                Err(failed) => why = failed,
            }
            let note = self.disk.read(CHECKPOINT).map_err(|why| why.to_string())?.unwrap_or_default();
            self.published = size_of(&String::from_utf8_lossy(&note)).unwrap_or(self.published).max(self.published);
        }
        Err(why)
    }

    fn content(&mut self, entry: &Entry, payload: &[u8]) -> Content {
        let keys = match &mut self.keys {
            Ok(keys) => keys,
            Err(why) => return Content::Unreadable(why.clone()),
        };
        match keys.get(entry.key) {
            Ok(Some(key)) => match key.open(&place(entry), payload) {
                None => Content::Unreadable("its bytes were changed".to_owned()),
                Some(content) => match Record::parse(entry.seq, &content) {
                    Some(record) => Content::Record(Box::new(record)),
                    None => Content::Unreadable("its content is of another format".to_owned()),
                },
            },
            Ok(None) => Content::Destroyed,
            Err(why) => Content::Unreadable(why),
        }
    }

    /// Entries whose data keys are among those that `keys` names, and the numbers of all data keys that are used.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn keys_of_scope(&mut self, scope: &str) -> Result<Vec<u64>, String> {
        let mut found: Vec<u64> = Vec::new();
        self.each(&Wanted::default(), &mut |one| {
            if let Content::Record(record) = one.content
                && record.scope == scope
                && !found.contains(&one.entry.key)
            {
                found.push(one.entry.key);
            }
            Ok(true)
        })?;
        Ok(found)
    }
}

const fn place(entry: &Entry) -> RecordPosition {
    RecordPosition { seq: entry.seq, at_ms: entry.at_ms, nonce: entry.nonce }
}

fn is_in_time(entry: &Entry, wanted: &Wanted) -> bool {
    (wanted.since_ms..=wanted.until_ms).contains(&entry.at_ms)
}

/// The next payload.
fn split<'a>(rest: &mut &'a [u8], entry: &Entry) -> Result<&'a [u8], String> {
    let length = usize::try_from(entry.length).map_err(|why| why.to_string())?;
    let (payload, behind) =
        rest.split_at_checked(length).ok_or_else(|| format!("the content of record {} is cut off", entry.seq))?;
    *rest = behind;
    Ok(payload)
}
