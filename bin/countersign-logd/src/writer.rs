//! Making records durable.
//!
//! The order, and what a crash after each step leaves:
//!
//! 1. the batch (records, then a checkpoint) is written behind the end of `records.log`. After a crash: a tail that no
//!    checkpoint covers, or whose checkpoint is incomplete. Nobody has a receipt for it; recovery cuts it off.
//! 2. `fdatasync`. After a crash: the batch is there. Nobody has a receipt, so nothing was done under it.
//! 3. the receipts leave. Only now can anything happen.
//! 4. the checkpoint is written to the file `checkpoint`. It is not flushed: after a crash it may be older than the
//!    log, which verifiers accept; it is never newer, which they do not.
//!
//! A failed step takes the file back to the length it had; if even that fails, or a flush fails (after which nobody can
//! say what is on the disk), the process ends, and recovery decides on what it finds.

use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::Path;

use audit::{Draft, Journal, LogKey, LogVerifier, MAX_RECORD_BYTES, ReceiptProof, Verified, Verifier};
use model::canon::canonical;

/// The log's name in checkpoints.
const ORIGIN: &str = "countersign.local/log";

/// The open log.
pub(crate) struct Writer {
    records: File,
    checkpoint: File,
    journal: Journal,
    length: u64,
    note: Option<String>,
    verifier: LogVerifier,
}

impl Writer {
    /// Opens the log in a directory, or begins one. Recovery is this same path: everything is read and checked.
    pub(crate) fn open(directory: &Path) -> Result<Self, String> {
        let at = |name: &str| directory.join(name);
        let say = |what: &str| format!("`{}`: {what}", directory.display());
        let secret = host::files::secret_key(&at("log.key")).map_err(|why| say(&why.to_string()))?;
        let key = LogKey::new(ORIGIN, &secret);
        let verifier = key.verifier();
        let open = |name: &str| {
            OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .mode(0o600)
                .open(at(name))
                .map_err(|why| say(&why.to_string()))
        };
        let mut records = open("records.log")?;
        host::files::lock_alone(&records).map_err(|_| say("another countersign-logd writes this log"))?;
        let public = format!("{}\n", verifier.to_text());
        if host::files::read_small(&at("log.pub"), 4096).ok().flatten().as_deref() != Some(public.as_bytes()) {
            host::files::replace(&at("log.pub"), public.as_bytes(), 0o644).map_err(|why| say(&why.to_string()))?;
        }
        let mut checkpoint = open("checkpoint")?;
        let mut known = String::new();
        checkpoint.read_to_string(&mut known).map_err(|why| say(&why.to_string()))?;
        let known = Some(known).filter(|note| !note.is_empty());
        let verified = read(&mut records, verifier.clone(), known.as_deref()).map_err(|why| {
            say(&format!("the record does not hold, so nothing is added to it: {why}. Keep the directory as evidence; `countersign log verify` tells more"))
        })?;
        let length = verified.length;
        cut_tail(&mut records, length, directory)?;
        host::files::sync_directory(&at("records.log")).map_err(|why| say(&why.to_string()))?;
        Ok(Self { records, checkpoint, journal: Journal::resume(key, verified), length, note: known, verifier })
    }

    /// The verifier key.
    pub(crate) fn verifier(&self) -> String {
        self.verifier.to_text()
    }

    /// The newest checkpoint.
    pub(crate) fn note(&self) -> Option<&str> {
        self.note.as_deref()
    }

    /// Makes drafts durable, all or none.
    pub(crate) fn append(&mut self, drafts: Vec<Draft>) -> Result<Vec<ReceiptProof>, String> {
        if drafts.iter().any(|draft| canonical(&draft.to_value()).len() > MAX_RECORD_BYTES) {
            return Err(format!("a record has more than {MAX_RECORD_BYTES} bytes"));
        }
        let mark = self.journal.mark();
        let (bytes, proofs, note) = self.journal.batch(drafts);
        if let Err(why) = self.records.write_all_at(&bytes, self.length) {
            self.journal.rewind(mark);
            if let Err(worse) = self.records.set_len(self.length) {
                eprintln!("countersign-logd: {why}, and the file could not be taken back: {worse}");
                std::process::exit(1);
            }
            return Err(format!("the record could not be written: {why}"));
        }
        if let Err(why) = self.records.sync_data() {
            eprintln!("countersign-logd: the record could not be flushed: {why}");
            std::process::exit(1);
        }
        self.length = self.length.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        self.note = Some(note);
        Ok(proofs)
    }

    /// Writes the newest checkpoint beside the log. Failing here loses a safeguard against cutting, not a record.
    pub(crate) fn publish(&mut self) {
        let Some(note) = &self.note else { return };
        let length = u64::try_from(note.len()).unwrap_or(u64::MAX);
        let shorter = self.checkpoint.metadata().map_or(true, |found| found.len() > length);
        let cleared = if shorter { self.checkpoint.set_len(0) } else { Ok(()) };
        if let Err(why) = cleared.and_then(|()| self.checkpoint.write_all_at(note.as_bytes(), 0)) {
            eprintln!("countersign-logd: the checkpoint file could not be written: {why}");
        }
    }
}

/// Reads the whole journal.
fn read(records: &mut File, log: LogVerifier, known: Option<&str>) -> Result<Verified, String> {
    let mut verifier = Verifier::new(log);
    let mut reader = BufReader::with_capacity(1 << 20, &mut *records);
    let mut line = Vec::new();
    let mut wrong = None;
    loop {
        line.clear();
        let limit = u64::try_from(MAX_RECORD_BYTES.saturating_mul(2)).unwrap_or(u64::MAX);
        let length = (&mut reader).take(limit).read_until(b'\n', &mut line).map_err(|why| why.to_string())?;
        // A last line without its end was being written when the machine stopped.
        let Some(whole) = line.strip_suffix(b"\n") else { break };
        if length == 0 {
            break;
        }
        if let Err(why) = verifier.line(whole) {
            wrong = Some(why);
            break;
        }
    }
    // What a crash tore lies behind the last checkpoint, and `finish` finds all that was ever acknowledged before it.
    let verified = verifier.finish(known);
    match (verified, wrong) {
        (Ok(verified), None) => Ok(verified),
        (Ok(verified), Some(why)) if is_torn(records, verified.length) => {
            eprintln!("countersign-logd: the tail was torn by a crash ({why})");
            Ok(verified)
        }
        (Ok(_), Some(why)) | (Err(why), _) => Err(why.to_string()),
    }
}

/// Whether nothing behind `length` was ever sealed: no complete checkpoint line stands there.
fn is_torn(records: &mut File, length: u64) -> bool {
    let mut tail = Vec::new();
    let read = records.seek(SeekFrom::Start(length)).and_then(|_| records.read_to_end(&mut tail));
    read.is_ok() && !tail.split(|byte| *byte == b'\n').any(|line| line.starts_with(b"C ") && line.ends_with(b"\""))
}

/// Cuts off what is behind the last checkpoint, and keeps it in a file of its own.
fn cut_tail(records: &mut File, length: u64, directory: &Path) -> Result<(), String> {
    let say = |why: std::io::Error| format!("the torn tail could not be cut off: {why}");
    if records.metadata().map_err(say)?.len() == length {
        return Ok(());
    }
    let mut tail = Vec::new();
    records.seek(SeekFrom::Start(length)).map_err(say)?;
    records.read_to_end(&mut tail).map_err(say)?;
    let kept = directory.join(format!("torn-at-{length}-{}", host::clock::now_ms()));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&kept).map_err(say)?;
    file.write_all(&tail).and_then(|()| file.sync_all()).map_err(say)?;
    records.set_len(length).and_then(|()| records.sync_all()).map_err(say)?;
    eprintln!(
        "countersign-logd: {} bytes that nobody had a receipt for were cut off and kept in `{}`",
        tail.len(),
        kept.display()
    );
    Ok(())
}
