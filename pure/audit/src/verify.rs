//! Checking a log from its bytes: bundle after bundle, without any key but the log's public one, and without keeping more
//! than the right edge of the tree.

use std::fmt;

use crate::checkpoint::{Checkpoint, LogVerifier};
use crate::entry::Entry;
use crate::sequencer::Batch;
use crate::tile::{TILE_WIDTH, Tile, unbundle};
use crate::tree::{Hash, Tree};

/// What does not hold, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerificationFailure {
    /// The first record that is not what the log once signed, as far as that is known.
    pub record: u64,
    /// The file it was found in, below the log's directory.
    pub file: String,
    /// What is wrong.
    pub why: String,
}

impl fmt::Display for VerificationFailure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "record {} (`{}`): {}", self.record, self.file, self.why)
    }
}

impl std::error::Error for VerificationFailure {}

/// Reads a log and stops at the first thing that does not hold.
#[derive(Clone)]
pub struct Verifier {
    log: LogVerifier,
    tree: Tree,
    /// Roots that were signed before, elsewhere: they must come by.
    known: Vec<Checkpoint>,
    /// The bundle under way: what the tile of its hashes must be.
    leaves: Vec<Hash>,
}

impl Verifier {
    /// A verifier for the log with this key. `known` are checkpoints of it from elsewhere (a pin, a witness, a copy of last
    /// week): the log must go on from each of them.
    pub fn new(log: LogVerifier, known: Vec<Checkpoint>) -> Self {
        Self { log, tree: Tree::default(), known, leaves: Vec::new() }
    }

    /// The number of records so far.
    pub fn size(&self) -> u64 {
        self.tree.size()
    }

    /// Takes the next bundle: its entries, payloads, and the tile of its hashes. `width` entries must be there.
    pub fn bundle(&mut self, files: [(&str, &[u8]); 3], width: u64) -> Result<Vec<Entry>, VerificationFailure> {
        let [(entries_file, entries), (payload_file, payloads), (tile_file, tile)] = files;
        let first = self.tree.size();
        let wrong = |record: u64, file: &str, why: &str| {
            Err(VerificationFailure { record, file: file.to_owned(), why: why.to_owned() })
        };
        let Some(entries) = unbundle(entries) else {
            return wrong(first, entries_file, "not a bundle of entries: bytes were changed, added or cut off");
        };
        let found = entries.len() as u64;
        if found != width {
            let from = first.saturating_add(found.min(width));
            return wrong(from, entries_file, &format!("it has {found} entries where the checkpoint counts {width}"));
        }
        let Some(hashes) = Tile::hashes_of(tile) else {
            return wrong(first, tile_file, "not a tile: bytes were added or cut off");
        };
        let (mut rest, mut read) = (payloads, Vec::with_capacity(entries.len()));
        self.leaves.clear();
        for (at, bytes) in entries.iter().enumerate() {
            let seq = self.tree.size();
            let leaf = Tree::leaf_hash(bytes);
            if hashes.get(at) != Some(&leaf) {
                // Both were signed together; which of them was changed only the other tiles tell.
                return wrong(
                    seq,
                    entries_file,
                    "its hash is another than the tree's: the entry, or the tile, was changed",
                );
            }
            let entry = match Entry::from_bytes(bytes) {
                Some(entry) if entry.seq == seq => entry,
                Some(entry) => {
                    return wrong(seq, entries_file, &format!("record {} is in its place", entry.seq));
                }
                None => return wrong(seq, entries_file, "not an entry"),
            };
            let Some((payload, behind)) = rest.split_at_checked(usize::try_from(entry.length).unwrap_or(usize::MAX))
            else {
                return wrong(seq, payload_file, "its content is cut off");
            };
            if !entry.is_payload(payload) {
                return wrong(seq, payload_file, "the bytes of its content were changed");
            }
            rest = behind;
            self.push(leaf, entries_file)?;
            read.push(entry);
        }
        if hashes.len() != entries.len() {
            return wrong(self.tree.size(), tile_file, "the tile has more hashes than there are entries");
        }
        if !rest.is_empty() {
            return wrong(self.tree.size(), payload_file, "bytes behind the last content");
        }
        Ok(read)
    }

    fn push(&mut self, leaf: Hash, file: &str) -> Result<(), VerificationFailure> {
        self.tree.push(leaf);
        let size = self.tree.size();
        if !self.known.iter().any(|known| known.size == size) {
            return Ok(());
        }
        let root = self.tree.root();
        match self.known.iter().find(|known| known.size == size && known.root != root) {
            None => Ok(()),
            Some(_) => Err(VerificationFailure {
                record: size.saturating_sub(1),
                file: file.to_owned(),
                why: "this is another log: a checkpoint that was signed before has another root over the records up to here"
                    .to_owned(),
            }),
        }
    }

    /// The tiles that became complete since the last call: each must stand in its file as it is. Tiles of level 0 were
    /// compared already.
    pub fn complete_tiles(&mut self) -> Vec<Tile> {
        self.tree.take_complete()
    }

    /// The tiles at the right edge.
    pub fn partial_tiles(&self) -> Vec<Tile> {
        self.tree.partial_tiles()
    }

    /// Checks a tile's file.
    pub fn tile(&self, tile: &Tile, file: &str, bytes: &[u8]) -> Result<(), VerificationFailure> {
        if tile.to_bytes() == bytes {
            return Ok(());
        }
        let found = Tile::hashes_of(bytes).unwrap_or_default();
        let at = tile.hashes.iter().zip(&found).take_while(|(ours, theirs)| ours == theirs).count() as u64;
        let over = TILE_WIDTH.saturating_pow(tile.level);
        let record = tile.index.saturating_mul(TILE_WIDTH).saturating_add(at).saturating_mul(over);
        Err(VerificationFailure {
            record: record.min(self.tree.size().saturating_sub(1)),
            file: file.to_owned(),
            why: "the tile is another than its records make".to_owned(),
        })
    }

    /// Checks the signed checkpoint over all records so far.
    pub fn checkpoint(&self, note: &str, file: &str) -> Result<Checkpoint, VerificationFailure> {
        let size = self.tree.size();
        let wrong = |record: u64, why: String| VerificationFailure { record, file: file.to_owned(), why };
        let last = size.saturating_sub(1);
        let checkpoint = self.log.open(note).map_err(|why| wrong(last, why.to_string()))?;
        if checkpoint.size != size {
            return Err(wrong(
                size.min(checkpoint.size),
                format!("missing or added: the checkpoint counts {} records, and {size} are there", checkpoint.size),
            ));
        }
        if checkpoint.root != self.tree.root() {
            return Err(wrong(
                last,
                "the signed root is another: records, or the checkpoint, were replaced".to_owned(),
            ));
        }
        Ok(checkpoint)
    }

    /// Takes a batch of the journal that is not in tiles yet, or in part. What is in tiles already must be the same.
    pub fn batch(&mut self, batch: &Batch, file: &str) -> Result<(), VerificationFailure> {
        let mut rest = batch.payloads.as_slice();
        for (seq, bytes) in (batch.first..).zip(&batch.entries) {
            let wrong =
                |why: &str| Err(VerificationFailure { record: seq, file: file.to_owned(), why: why.to_owned() });
            let Some(entry) = Entry::from_bytes(bytes).filter(|entry| entry.seq == seq) else {
                return wrong("not an entry");
            };
            let Some((payload, behind)) = rest.split_at_checked(usize::try_from(entry.length).unwrap_or(usize::MAX))
            else {
                return wrong("its content is cut off");
            };
            if !entry.is_payload(payload) {
                return wrong("the bytes of its content were changed");
            }
            rest = behind;
            if seq == self.tree.size() {
                self.push(Tree::leaf_hash(bytes), file)?;
            } else if seq > self.tree.size() {
                return Err(VerificationFailure {
                    record: self.tree.size(),
                    file: file.to_owned(),
                    why: "missing".to_owned(),
                });
            }
        }
        let end = batch.first.saturating_add(batch.entries.len() as u64);
        if end == self.tree.size() { self.checkpoint(&batch.note, file).map(drop) } else { Ok(()) }
    }

    /// Ends reading: every checkpoint known from elsewhere must have come by.
    pub fn finish(self) -> Result<Tree, VerificationFailure> {
        let size = self.tree.size();
        match self.known.iter().find(|known| known.size > size) {
            None => Ok(self.tree),
            Some(known) => Err(VerificationFailure {
                record: size,
                file: "checkpoint".to_owned(),
                why: format!(
                    "missing: the log was cut or rolled back; a signed checkpoint counts {} records",
                    known.size
                ),
            }),
        }
    }
}
