//! Recordings of terminals, next to the log: `recordings/ID.open` while one grows, `ID.rec` when its digest is in the log,
//! `ID.red` the same with secrets masked.
//!
//! The order, and what a crash after each step leaves: head durable → record that it began → act → pieces, flushed within a
//! second → end flushed → record with the digest → renamed. What is still named `.open` at a start was cut off: its digest is
//! recorded as it is.

use std::sync::Arc;

use audit::DataKey;
use audit::recording::{Bad, Event, HEAD_BYTES, Head, MAX_PIECE_BYTES, Piece, RecordingKey, Redactor, Spans, Variant};
use sha2::{Digest as _, Sha256};

use crate::disk::{Disk, Files};

/// Where they are.
pub const RECORDINGS: &str = "recordings";

/// How much is read of a file at once.
const PART_BYTES: usize = 1024 * 1024;

/// A recording's stages, as files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// It grows, or was cut off and is not examined yet.
    Open,
    /// It ended.
    Whole,
    /// The redacted file.
    Redacted,
}

/// The file of a recording.
pub fn path(id: &str, stage: Stage) -> String {
    let ending = match stage {
        Stage::Open => "open",
        Stage::Whole => "rec",
        Stage::Redacted => "red",
    };
    format!("{RECORDINGS}/{id}.{ending}")
}

/// The ids of the recordings of which there is a file of a stage, oldest first.
///
/// # Errors
/// The directory cannot be read.
pub fn all(disk: &dyn Files, stage: Stage) -> std::io::Result<Vec<String>> {
    let wanted = path("", stage);
    let ending = wanted.rsplit('/').next().unwrap_or_default();
    Ok(disk.list(RECORDINGS)?.iter().filter_map(|name| name.strip_suffix(ending)).map(str::to_owned).collect())
}

/// What a recording's file came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// SHA-256 of the file.
    pub digest: [u8; 32],
    /// Its length.
    pub bytes: u64,
}

/// A recording that grows.
pub struct RecordingWriter {
    disk: Arc<dyn Disk>,
    name: String,
    key: RecordingKey,
    digest: Sha256,
    bytes: u64,
    /// Something could not be written: the file ends as it is.
    dead: bool,
}

impl RecordingWriter {
    /// Begins the file `name`, with its head durable.
    ///
    /// # Errors
    /// It could not be made.
    pub fn begin(disk: Arc<dyn Disk>, name: &str, id: &str, head: &Head, key: &DataKey) -> std::io::Result<Self> {
        let bytes = head.to_bytes();
        disk.write(name, &bytes)?;
        disk.sync(name)?;
        disk.sync_directory(RECORDINGS)?;
        let mut digest = Sha256::new();
        digest.update(bytes);
        Ok(Self {
            disk,
            name: name.to_owned(),
            key: RecordingKey::new(key, id, head),
            digest,
            bytes: HEAD_BYTES as u64,
            dead: false,
        })
    }

    /// Adds lines. Not durable yet.
    ///
    /// # Errors
    /// They could not be written. Nothing may be added after that.
    pub fn add(&mut self, lines: &str) -> std::io::Result<()> {
        self.put(lines.as_bytes(), false)
    }

    /// Makes what was added durable.
    ///
    /// # Errors
    /// It is unknown what is on the disk: the recording must end.
    pub fn sync(&self) -> std::io::Result<()> {
        self.disk.sync(&self.name)
    }

    /// Ends it, durable.
    ///
    /// # Errors
    /// The end could not be written, or not be made durable.
    pub fn end(mut self) -> std::io::Result<Sealed> {
        self.put(&[], true)?;
        self.sync()?;
        Ok(Sealed { digest: self.digest.finalize().into(), bytes: self.bytes })
    }

    /// How long the file is.
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    fn put(&mut self, lines: &[u8], last: bool) -> std::io::Result<()> {
        if lines.len() > MAX_PIECE_BYTES {
            return Err(std::io::Error::other("too much at once"));
        }
        if self.dead {
            return Err(std::io::Error::other("an earlier part could not be written"));
        }
        let piece = self.key.seal(lines, last).ok_or_else(|| std::io::Error::other("it could not be encrypted"))?;
        let written = self.disk.write_at(&self.name, self.bytes, &piece);
        self.dead = written.is_err();
        written?;
        self.digest.update(&piece);
        self.bytes = self.bytes.saturating_add(u64::try_from(piece.len()).unwrap_or(0));
        Ok(())
    }
}

/// The digest of a file as it is.
///
/// # Errors
/// It is not there, or cannot be read.
pub fn digest_of(disk: &dyn Files, name: &str) -> std::io::Result<Sealed> {
    let (mut digest, mut bytes) = (Sha256::new(), 0);
    loop {
        let gone = || std::io::Error::from(std::io::ErrorKind::NotFound);
        let part = disk.read_part(name, bytes, PART_BYTES)?.ok_or_else(gone)?;
        if part.is_empty() {
            return Ok(Sealed { digest: digest.finalize().into(), bytes });
        }
        digest.update(&part);
        bytes = bytes.saturating_add(u64::try_from(part.len()).unwrap_or(0));
    }
}

/// A recording that is read; it may still grow.
pub struct RecordingReader {
    disk: Arc<dyn Files>,
    name: String,
    head: Head,
    key: RecordingKey,
    at: u64,
    held: Vec<u8>,
    line: String,
    ended: bool,
}

impl RecordingReader {
    /// Reads a recording's head.
    ///
    /// # Errors
    /// There is none, or it is no recording.
    pub fn head(disk: &dyn Files, name: &str) -> Result<Head, String> {
        let bytes = disk.read_part(name, 0, HEAD_BYTES).map_err(|why| format!("`{name}`: {why}"))?;
        let bytes = bytes.ok_or_else(|| format!("there is no `{name}`"))?;
        Head::parse(&bytes).ok_or_else(|| format!("`{name}`: {}", Bad::Format))
    }

    /// Opens one whose key is known.
    ///
    /// # Errors
    /// It is not there, or no recording.
    pub fn open(disk: Arc<dyn Files>, name: &str, id: &str, key: &DataKey) -> Result<Self, String> {
        let head = Self::head(disk.as_ref(), name)?;
        Ok(Self {
            disk,
            name: name.to_owned(),
            key: RecordingKey::new(key, id, &head),
            head,
            at: HEAD_BYTES as u64,
            held: Vec::new(),
            line: String::new(),
            ended: false,
        })
    }

    /// When it began, milliseconds since 1970.
    pub const fn started_ms(&self) -> u64 {
        self.head.started_ms
    }

    /// Whether its end was read. One that ends without was cut off, or still grows.
    pub const fn has_ended(&self) -> bool {
        self.ended
    }

    /// Goes on with the file of another stage: a recording is renamed when it ends.
    pub fn moved(&mut self, name: &str) {
        name.clone_into(&mut self.name);
    }

    /// The lines that are there and were not read yet; empty where there are none.
    ///
    /// # Errors
    /// The file cannot be read, or was changed.
    pub fn lines(&mut self) -> Result<Vec<String>, String> {
        let say = |why: &dyn std::fmt::Display| format!("`{}`: {why}", self.name);
        let part = self.disk.read_part(&self.name, self.at, PART_BYTES).map_err(|why| say(&why))?.unwrap_or_default();
        self.at = self.at.saturating_add(u64::try_from(part.len()).unwrap_or(0));
        self.held.extend_from_slice(&part);
        let mut rest = self.held.as_slice();
        let mut text = std::mem::take(&mut self.line);
        loop {
            let piece = self.key.open(&mut rest).map_err(|why| format!("`{}`: {why}", self.name))?;
            let lines = match piece {
                None => break,
                Some(_) if self.ended => return Err(format!("`{}`: {}", self.name, Bad::BehindEnd)),
                Some(Piece::Lines(lines)) => lines,
                Some(Piece::End(lines)) => {
                    self.ended = true;
                    lines
                }
            };
            text.push_str(&String::from_utf8_lossy(&lines));
        }
        if self.ended && !rest.is_empty() {
            return Err(format!("`{}`: {}", self.name, Bad::BehindEnd));
        }
        self.held = rest.to_vec();
        let whole = text.rfind('\n').map_or(0, |at| at.saturating_add(1));
        let (whole, begun) = text.split_at_checked(whole).unwrap_or((&text, ""));
        begun.clone_into(&mut self.line);
        let lines = whole.lines().map(str::to_owned).collect();
        // A piece larger than one part: nothing to give yet, but there is more.
        if whole.is_empty() && !part.is_empty() { self.lines() } else { Ok(lines) }
    }
}

/// Writes the redacted file of a recording that has ended, as `ID.red.new`; the caller records its digest and renames it.
///
/// # Errors
/// A file cannot be read or written, or the recording was changed.
pub fn redact(disk: &Arc<dyn Disk>, id: &str, key: &DataKey, spans: Spans<'_>) -> Result<Sealed, String> {
    let from = path(id, Stage::Whole);
    let to = format!("{}.new", path(id, Stage::Redacted));
    let fail = |why: std::io::Error| format!("`{to}`: {why}");
    let head = Head { variant: Variant::Redacted, ..RecordingReader::head(disk.as_ref(), &from)? };
    let mut reader = RecordingReader::open(disk.clone(), &from, id, key)?;
    let mut writer = RecordingWriter::begin(Arc::clone(disk), &to, id, &head, key).map_err(fail)?;
    let mut redactor = Redactor::new(spans);
    let mut first = true;
    loop {
        let lines = reader.lines()?;
        let settled = if lines.is_empty() { redactor.end() } else { Vec::new() };
        let (mut text, done) = (String::new(), lines.is_empty());
        for line in lines {
            match Event::parse(&line) {
                // The head of the asciicast.
                None if first => {
                    text.push_str(&line);
                    text.push('\n');
                }
                None => {}
                Some(event) => redactor.push(event).iter().for_each(|event| text.push_str(&event.line())),
            }
            first = false;
        }
        settled.iter().for_each(|event| text.push_str(&event.line()));
        for part in parts(&text) {
            writer.add(part).map_err(fail)?;
        }
        if done {
            return writer.end().map_err(fail);
        }
    }
}

/// A text in parts of whole lines, each small enough for a piece.
fn parts(text: &str) -> Vec<&str> {
    let (mut parts, mut rest) = (Vec::new(), text);
    while !rest.is_empty() {
        let mut most = rest.len().min(MAX_PIECE_BYTES / 2);
        while !rest.is_char_boundary(most) {
            most = most.saturating_sub(1);
        }
        let end = match rest.get(..most).and_then(|part| part.rfind('\n')) {
            Some(at) => at.saturating_add(1),
            None => rest.find('\n').map_or(rest.len(), |at| at.saturating_add(1)),
        };
        let (part, behind) = rest.split_at_checked(end).unwrap_or((rest, ""));
        parts.push(part);
        rest = behind;
    }
    parts
}
