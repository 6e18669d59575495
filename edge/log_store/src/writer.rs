//! The one writer of a log.
//!
//! The order, and what a crash after each step leaves:
//!
//! 1. keys for new scopes are durable. After a crash: keys that nothing uses.
//! 2. the batch (entries, payloads, a signed checkpoint) is written into the journal. After a crash: nothing, or a torn batch,
//!    or a whole one; no receipt for it exists, so nothing was done under it. A torn one is never read.
//! 3. `fdatasync`. After a crash: the batch is there.
//! 4. the receipts leave. Only now can anything happen.
//! 5. the batch goes on its way into bundles and tiles; see `publisher`.
//!
//! A write that fails takes the log back to where it was. After a flush that fails it is unknown what is on the disk: the
//! writer is dead, and recovery decides on what it finds.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use audit::{Incoming, LogKey, LogVerifier, ReceiptProof, Sequencer};

use crate::append::{Failed, MAX_CONTENT_BYTES, Record, Settings};
use crate::disk::{Disk, Files, parent, walk};
use crate::index::{self, Tag};
use crate::keys::{Held, INSTALLATION, KeyKeeper, Keys, random, vault};
use crate::publish_queue::PublishQueue;
use crate::publisher::{CHECKPOINT, Durable, Publisher};
use crate::recover::recover;
use crate::segments::Segments;
use crate::wal;

/// The open log.
pub struct Writer {
    disk: Arc<dyn Disk>,
    log: Sequencer,
    keys: Keys,
    verifier: LogVerifier,
    note: Option<String>,
    segments: Segments,
    outlet: PublishQueue,
    /// What is durable, and not on its way into bundles yet.
    owed: Option<Durable>,
    /// Tags of terms that came before: most come again.
    known_tags: HashMap<String, Tag>,
    dead: bool,
}

/// The most tags that are kept at hand.
const MAX_TAGS: usize = 4_096;

impl Writer {
    /// Opens a log or begins one. What there is to say about how it was found is said to `say`.
    ///
    /// # Errors
    /// What is there does not hold, or cannot be read or written. Nothing is changed then.
    pub fn open(
        disk: Arc<dyn Disk>,
        key: LogKey,
        keeper: Box<dyn KeyKeeper>,
        settings: Settings,
        say: &mut dyn FnMut(&str),
    ) -> Result<Self, String> {
        let verifier = key.verifier();
        let files: Arc<dyn Files> = disk.clone();
        let found = recover(&files, &verifier)?;
        found.said.iter().for_each(|what| say(what));
        let keys = Keys::open(Arc::clone(&disk), keeper)?;
        let index_key = keys.keeper().tag("index");
        let fail = |why: std::io::Error| format!("the log could not be brought into bundles: {why}");
        sweep(disk.as_ref(), &found.partial).map_err(fail)?;
        let mut publisher = Publisher::new(Arc::clone(&disk), index_key, found.base, found.partial);
        for durable in &found.pending {
            publisher.take(durable).map_err(fail)?;
        }
        let mut segments = found.segments;
        if found.ended {
            // What a clean end left of the journal must not be taken for what comes.
            let gone = |why: std::io::Error| format!("what is left of the journal could not be removed: {why}");
            for (name, _) in segments.drain(..) {
                disk.remove(&name).map_err(gone)?;
            }
            if !disk.list(wal::JOURNAL).map_err(gone)?.is_empty() {
                disk.sync_directory(wal::JOURNAL).map_err(gone)?;
            }
        } else {
            publisher.sync().map_err(|why| format!("the log could not be brought into bundles: {why}"))?;
        }
        let mut writer = Self {
            segments: Segments::behind(Arc::clone(&disk), settings.segment_bytes, segments),
            log: Sequencer::resume(key, found.tree),
            outlet: PublishQueue::new(publisher, settings.threaded)?,
            disk,
            keys,
            verifier,
            note: found.note,
            owed: None,
            known_tags: HashMap::new(),
            dead: false,
        };
        // A log has a checkpoint from its first moment on: one that is gone was taken away.
        if writer.note.is_none() {
            let note = writer.log.checkpoint();
            crate::disk::replace(writer.disk.as_ref(), CHECKPOINT, note.as_bytes())
                .map_err(|why| format!("`{CHECKPOINT}`: {why}"))?;
            writer.note = Some(note);
        }
        // Records in no complete bundle are in the journal from the first segment on, also after a clean end.
        if let Some(durable) = found.pending.last().filter(|_| found.ended) {
            let bytes = wal::encode(&durable.batch);
            writer.segments.write(&bytes, durable.batch.first, 0).map_err(|why| why.to_string())?;
        }
        Ok(writer)
    }

    /// The log's public key.
    pub const fn verifier(&self) -> &LogVerifier {
        &self.verifier
    }

    /// The newest checkpoint.
    pub fn note(&self) -> Option<&str> {
        self.note.as_deref()
    }

    /// The number of records.
    pub fn size(&self) -> u64 {
        self.log.size()
    }

    /// Makes records durable, all or none, and gives their proofs; then hands them on.
    ///
    /// # Errors
    /// They are not in the log.
    pub fn append(&mut self, records: &[Record]) -> Result<Vec<ReceiptProof>, Failed> {
        let proofs = self.make_durable(records)?;
        self.hand_on();
        Ok(proofs)
    }

    /// Makes records durable, all or none, and gives their proofs. Waiting callers may have them before [`Self::hand_on`].
    ///
    /// # Errors
    /// They are not in the log.
    pub fn make_durable(&mut self, records: &[Record]) -> Result<Vec<ReceiptProof>, Failed> {
        self.hand_on();
        if self.dead {
            return Err(Failed::Fatal("the writer is dead; recovery decides at the next start".to_owned()));
        }
        if records.iter().any(|record| record.content.len() > MAX_CONTENT_BYTES) {
            return Err(Failed::Refused(format!("a record has more than {MAX_CONTENT_BYTES} bytes")));
        }
        if let Err(why) = self.outlet.check() {
            self.dead |= matches!(why, Failed::Fatal(_));
            return Err(why);
        }
        let held: Vec<Held> = records
            .iter()
            .map(|record| self.keys.of(&record.scope, record.at_ms))
            .collect::<Result<_, _>>()
            .map_err(Failed::Refused)?;
        let mut nonces = vec![[0; 12]; records.len()];
        getrandom::fill(nonces.as_flattened_mut()).map_err(|why| Failed::Refused(format!("no random bytes: {why}")))?;
        let incoming: Vec<Incoming<'_>> = records
            .iter()
            .zip(held.iter().zip(nonces))
            .map(|(record, (held, nonce))| Incoming {
                content: &record.content,
                at_ms: record.at_ms,
                key: (held.key.as_ref(), held.number, held.kek),
                nonce,
            })
            .collect();
        let placed = self.log.place(&incoming);
        let (batch, proofs) = placed.ok_or_else(|| Failed::Refused("a record could not be encrypted".to_owned()))?;
        let bytes = wal::encode(&batch);
        match self.segments.write(&bytes, batch.first, self.outlet.durable()) {
            Ok(true) => self.outlet.want_sync(),
            Ok(false) => {}
            Err(Failed::Refused(why)) => {
                self.log.rewind(batch.first);
                return Err(Failed::Refused(format!("the record could not be written: {why}")));
            }
            Err(Failed::Fatal(why)) => {
                self.dead = true;
                return Err(Failed::Fatal(format!("the record could not be flushed: {why}")));
            }
        }
        self.log.settle();
        self.note = Some(batch.note.clone());
        let tags = records.iter().map(|record| self.tags(&record.terms)).collect();
        self.owed = Some(Durable { batch, tags });
        Ok(proofs)
    }

    /// Sends what was made durable last on its way into bundles and tiles. Where this is forgotten, the next records see to it.
    pub fn hand_on(&mut self) {
        let Some(durable) = self.owed.take() else { return };
        // Losing this loses a safeguard against cutting, not a record.
        let _ = self.write_newest(&durable.batch.note);
        self.outlet.take(durable);
    }

    fn tags(&mut self, terms: &[String]) -> Vec<Tag> {
        if self.known_tags.len() > MAX_TAGS {
            self.known_tags.clear();
        }
        let mut tags = Vec::with_capacity(terms.len());
        for term in terms {
            let tag = match self.known_tags.get(term) {
                Some(tag) => *tag,
                None => {
                    let tag = index::tag(&self.keys.keeper().tag(term));
                    self.known_tags.insert(term.clone(), tag);
                    tag
                }
            };
            tags.push(tag);
        }
        tags
    }

    fn write_newest(&self, note: &str) -> std::io::Result<()> {
        // Notes differ in length by a few bytes; zeros end the text.
        let mut bytes = note.as_bytes().to_vec();
        bytes.resize(bytes.len().next_multiple_of(64).saturating_add(64), 0);
        match self.disk.write_at(wal::NEWEST, 0, &bytes) {
            Err(why) if why.kind() == std::io::ErrorKind::NotFound => self.disk.write(wal::NEWEST, &bytes),
            other => other,
        }
    }

    /// The data key of a scope, with its number and that of its key-encryption key: what a recording is encrypted under.
    ///
    /// # Errors
    /// There is none, and none could be made.
    pub fn key_of(&mut self, scope: &str, now_ms: u64) -> Result<(Arc<audit::DataKey>, u64, u32), String> {
        let held = self.keys.of(scope, now_ms)?;
        Ok((held.key, held.number, held.kek))
    }

    /// Makes a new key-encryption key now; every session goes on under a new data key.
    ///
    /// # Errors
    /// It could not be kept; the old one stays.
    pub fn rotate(&mut self, now_ms: u64) -> Result<u32, String> {
        self.keys.rotate(now_ms)
    }

    /// The numbers of the data keys of a scope that still exist. `read` are numbers that reading found; they count only
    /// where the scope of a key was lost in a crash.
    ///
    /// # Errors
    /// They cannot be read; or the scope is the installation's, which is never destroyed.
    pub fn keys_of(&self, scope: &str, read: &[u64]) -> Result<Vec<u64>, String> {
        if scope == INSTALLATION {
            return Err("the records of the installation itself are not destroyed".to_owned());
        }
        self.keys.numbers_of(scope, read)
    }

    /// Destroys data keys: what was encrypted with them cannot be read any more; the log still verifies. The record
    /// that says so must be durable before.
    ///
    /// # Errors
    /// It could not be made durable.
    pub fn destroy(&mut self, numbers: &[u64]) -> Result<(), String> {
        self.keys.destroy(numbers)
    }

    /// Ends the log in order: everything is in bundles, the checkpoint counts it, and the journal is gone.
    ///
    /// # Errors
    /// Something could not be made durable. The journal is still there, and nothing is lost.
    pub fn close(mut self) -> Result<(), String> {
        self.hand_on();
        self.keys.flush()?;
        let fail = |why: std::io::Error| format!("the log could not be closed: {why}");
        self.outlet.close()?;
        if self.dead {
            return Ok(());
        }
        for name in self.disk.list(wal::JOURNAL).map_err(fail)? {
            self.disk.remove(&format!("{}/{name}", wal::JOURNAL)).map_err(fail)?;
        }
        self.disk.sync_directory("").map_err(fail)?;
        let journal = self.disk.remove(&format!("{}/", wal::JOURNAL));
        journal.and_then(|()| self.disk.sync_directory("")).map_err(fail)
    }
}

/// Removes partial files that are left over.
fn sweep(disk: &dyn Disk, of_use: &BTreeSet<String>) -> std::io::Result<()> {
    for directory in ["tile", "payload"] {
        for name in walk(disk, directory)?.iter().filter(|name| name.contains(".p/") && !of_use.contains(*name)) {
            disk.remove(name)?;
            let _ = disk.remove(&format!("{}/", parent(name)));
        }
    }
    Ok(())
}

/// A log's key that is made at the first start and kept in a file.
///
/// # Errors
/// It cannot be read or kept.
pub fn log_key(disk: &dyn Disk, origin: &str) -> Result<LogKey, String> {
    const NAME: &str = "log.key";
    vault::settle(disk, NAME)?;
    let secret = match vault::read(disk, NAME)? {
        Some(bytes) => {
            let secret: &[u8; 32] =
                bytes.as_slice().try_into().map_err(|_| format!("`{NAME}` is no key: it must have 32 bytes"))?;
            zeroize::Zeroizing::new(*secret)
        }
        None => {
            let secret = random::<32>()?;
            vault::write(disk, NAME, secret.as_slice())?;
            secret
        }
    };
    Ok(LogKey::new(origin, &secret))
}
