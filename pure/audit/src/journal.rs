//! The log's bytes: lines of records and checkpoints, written in batches, read back by recovery and by verifiers.
//!
//! A journal is a sequence of lines. `R ` and canonical JSON is a record; `C ` and a JSON string is a signed
//! checkpoint over all records before it. A batch is its records and then one checkpoint, written and flushed
//! together, so whatever follows the last checkpoint was never acknowledged to anybody.

use std::fmt;

use model::canon::canonical;
use serde_json::Value;

use crate::checkpoint::{LogKey, LogVerifier};
use crate::receipt::ReceiptProof;
use crate::record::{Draft, Entry};
use crate::tree::{Hash, Tree};

/// The largest record, in bytes of canonical JSON. A larger one is refused before anything is written.
pub const MAX_RECORD_BYTES: usize = 4 * 1024 * 1024;

/// The writer's view of the log: where the next record goes.
pub struct Journal {
    key: LogKey,
    tree: Tree,
    last: Hash,
}

impl Journal {
    /// Continues a log that a [`Verifier`] has read.
    pub fn resume(key: LogKey, verified: Verified) -> Self {
        Self { key, tree: verified.tree, last: verified.last }
    }

    /// The number of records.
    pub fn size(&self) -> u64 {
        self.tree.size()
    }

    /// Places drafts at the end and gives the bytes to write, the proof for each, and the new checkpoint's note.
    ///
    /// The journal has moved on when this returns. If the bytes do not become durable, call [`Self::rewind`] with
    /// the mark taken before; a proof is handed out only after the flush.
    pub fn batch(&mut self, drafts: Vec<Draft>) -> (Vec<u8>, Vec<ReceiptProof>, String) {
        let mut bytes = Vec::new();
        let mut placed = Vec::with_capacity(drafts.len());
        for draft in drafts {
            let (seq, previous) = (self.tree.size(), self.last);
            let entry = Entry { seq, previous, draft };
            let line = entry.to_bytes();
            self.last = Tree::leaf_hash(&line);
            self.tree.push(self.last);
            bytes.extend_from_slice(b"R ");
            bytes.extend_from_slice(&line);
            bytes.push(b'\n');
            placed.push((seq, previous));
        }
        let note = self.key.sign(self.tree.size(), self.tree.root());
        bytes.extend_from_slice(&checkpoint_line(&note));
        let proofs = placed
            .into_iter()
            .map(|(seq, previous)| ReceiptProof {
                seq,
                previous,
                path: self.tree.inclusion(seq).unwrap_or_default(),
                note: note.clone(),
            })
            .collect();
        (bytes, proofs, note)
    }

    /// Where the journal stands, to come back to.
    pub fn mark(&self) -> (u64, Hash) {
        (self.tree.size(), self.last)
    }

    /// Forgets everything since a mark.
    pub fn rewind(&mut self, mark: (u64, Hash)) {
        self.tree.truncate(mark.0);
        self.last = mark.1;
    }
}

/// The line that carries a checkpoint.
pub fn checkpoint_line(note: &str) -> Vec<u8> {
    let mut line = b"C ".to_vec();
    line.extend_from_slice(&canonical(&Value::String(note.to_owned())));
    line.push(b'\n');
    line
}

/// What does not hold, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// The first record that is not what the log once signed.
    pub record: u64,
    /// The line of the file it concerns, counted from 1.
    pub line: u64,
    /// What is wrong.
    pub why: String,
}

impl fmt::Display for Wrong {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "record {} (line {}): {}", self.record, self.line, self.why)
    }
}

impl std::error::Error for Wrong {}

/// One line, read and found in order so far.
#[derive(Debug)]
pub enum Line {
    /// A record. It holds once a checkpoint over it has been read.
    Record(Entry),
    /// A checkpoint that fits all records before it.
    Checkpoint,
}

/// Reads a journal line by line and stops at the first thing that does not hold.
pub struct Verifier {
    log: LogVerifier,
    tree: Tree,
    last: Hash,
    lines: u64,
    /// State at the last checkpoint: size, last leaf, and the offset behind its line.
    sealed: (u64, Hash, u64),
    offset: u64,
}

/// A journal that holds.
#[derive(Debug)]
pub struct Verified {
    /// The tree over its records.
    pub tree: Tree,
    /// The last record's leaf hash.
    pub last: Hash,
    /// The length in bytes of what holds. What follows was never acknowledged.
    pub length: u64,
}

impl Verifier {
    /// A verifier for the log with this key.
    pub fn new(log: LogVerifier) -> Self {
        Self { log, tree: Tree::default(), last: [0; 32], lines: 0, sealed: (0, [0; 32], 0), offset: 0 }
    }

    /// Takes the next line, without its newline.
    pub fn line(&mut self, line: &[u8]) -> Result<Line, Wrong> {
        self.lines = self.lines.saturating_add(1);
        let length = u64::try_from(line.len()).unwrap_or(u64::MAX).saturating_add(1);
        self.offset = self.offset.saturating_add(length);
        match line.split_first_chunk::<2>() {
            Some((b"R ", record)) => self.record(record),
            Some((b"C ", note)) => self.checkpoint(note),
            Some(_) | None => Err(self.wrong(self.tree.size(), "neither a record nor a checkpoint")),
        }
    }

    fn record(&mut self, bytes: &[u8]) -> Result<Line, Wrong> {
        let expected = self.tree.size();
        let entry = Entry::from_bytes(bytes)
            .ok_or_else(|| self.wrong(expected, "not a canonical record: its bytes were changed"))?;
        if entry.seq > expected {
            let why = format!("missing: record {} stands in its place", entry.seq);
            return Err(self.wrong(expected, &why));
        }
        if entry.seq < expected {
            let why = format!("out of order: record {} stands in its place", entry.seq);
            return Err(self.wrong(expected, &why));
        }
        if entry.previous != self.last {
            let changed = expected.saturating_sub(1);
            return Err(self.wrong(changed, "its bytes were changed: the next record does not follow from it"));
        }
        self.last = Tree::leaf_hash(bytes);
        self.tree.push(self.last);
        Ok(Line::Record(entry))
    }

    fn checkpoint(&mut self, line: &[u8]) -> Result<Line, Wrong> {
        let first_open = self.sealed.0;
        let size = self.tree.size();
        let note = serde_json::from_slice::<String>(line)
            .map_err(|_| self.wrong(size, "the checkpoint behind it cannot be read"))?;
        let checkpoint = self.log.open(&note).map_err(|why| self.wrong(size.saturating_sub(1), &why.to_string()))?;
        if checkpoint.size > size {
            let why = format!("missing: the checkpoint behind it counts {} records", checkpoint.size);
            return Err(self.wrong(size, &why));
        }
        if checkpoint.size < size {
            return Err(self.wrong(checkpoint.size, "inserted: the checkpoint behind it does not count it"));
        }
        if checkpoint.root != self.tree.root() {
            let last = size.saturating_sub(1);
            let why = if first_open >= last {
                "its bytes were changed: the signed root is another".to_owned()
            } else {
                format!(
                    "its bytes, or those of a record down to {first_open}, were changed: the signed root is another"
                )
            };
            return Err(self.wrong(last, &why));
        }
        self.sealed = (size, self.last, self.offset);
        Ok(Line::Checkpoint)
    }

    /// Ends reading. `latest` is the newest checkpoint known from elsewhere (the log's own `checkpoint` file, a pin,
    /// a witness); a log that is shorter than it, or another, is refused.
    pub fn finish(mut self, latest: Option<&str>) -> Result<Verified, Wrong> {
        let (size, last, length) = self.sealed;
        if let Some(note) = latest {
            let known = self.log.open(note).map_err(|why| self.wrong(size, &why.to_string()))?;
            if known.size > size {
                let why = format!("missing: the log was cut; a signed checkpoint counts {} records", known.size);
                return Err(self.wrong(size, &why));
            }
            if self.tree.root_at(known.size) != Some(known.root) {
                let place = known.size.saturating_sub(1);
                return Err(self.wrong(place, "it, or a record before it, is not what a signed checkpoint saw"));
            }
        }
        self.tree.truncate(size);
        Ok(Verified { tree: self.tree, last, length })
    }

    fn wrong(&self, record: u64, why: &str) -> Wrong {
        Wrong { record, line: self.lines, why: why.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::{Journal, Verified, Verifier, Wrong};
    use crate::{Draft, LogKey, RecordKind, Tree};
    use serde_json::json;

    fn key() -> LogKey {
        LogKey::new("log", &[3; 32])
    }

    fn empty() -> Verified {
        Verified { tree: Tree::default(), last: [0; 32], length: 0 }
    }

    /// Three batches: records 0–1, 2, 3–5.
    fn sample() -> (Vec<u8>, String) {
        let mut journal = Journal::resume(key(), empty());
        let (mut bytes, mut note) = (Vec::new(), String::new());
        for batch in [&[0, 1][..], &[2], &[3, 4, 5]] {
            let drafts =
                batch.iter().map(|n| Draft { kind: RecordKind::Decision, at_ms: *n, body: json!({"n": n}) }).collect();
            let (more, _, latest) = journal.batch(drafts);
            bytes.extend(more);
            note = latest;
        }
        (bytes, note)
    }

    fn verify(bytes: &[u8], latest: Option<&str>) -> Result<Verified, Wrong> {
        let mut verifier = Verifier::new(key().verifier());
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            if let Some(line) = line.strip_suffix(b"\n") {
                verifier.line(line)?;
            }
        }
        verifier.finish(latest)
    }

    #[test]
    fn an_untouched_journal_holds() {
        let (bytes, note) = sample();
        let verified = verify(&bytes, Some(&note)).unwrap();
        assert_eq!((verified.tree.size(), verified.length), (6, bytes.len() as u64));
    }

    #[test]
    fn every_single_flipped_bit_is_found() {
        let (bytes, note) = sample();
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut changed = bytes.clone();
                changed[at] ^= 1 << bit;
                assert!(verify(&changed, Some(&note)).is_err(), "byte {at} bit {bit}");
            }
        }
    }

    #[test]
    fn what_was_done_to_a_record_is_named_with_its_place() {
        let (bytes, note) = sample();
        let lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
        let wrong = |lines: &[&[u8]]| verify(&lines.concat(), Some(&note)).unwrap_err();

        let changed = String::from_utf8(lines[4].to_vec()).unwrap().replace("\"n\":2", "\"n\":9");
        let mut flipped = lines.clone();
        flipped[4] = lines[3];
        let edited = [&lines[..3], &[changed.as_bytes()], &lines[4..]].concat();
        assert_eq!(wrong(&edited).record, 2);

        let dropped = [&lines[..5], &lines[6..]].concat();
        assert_eq!((wrong(&dropped).record, wrong(&dropped).why.contains("missing")), (3, true));

        let mut swapped = lines.clone();
        swapped.swap(5, 6);
        assert_eq!(wrong(&swapped).record, 3);

        let cut = &lines[..5];
        assert_eq!((wrong(cut).record, wrong(cut).why.contains("cut")), (3, true));
    }

    #[test]
    fn a_torn_tail_is_not_part_of_what_holds() {
        let (bytes, _) = sample();
        let mut journal = Journal::resume(key(), verify(&bytes, None).unwrap());
        let (more, ..) = journal.batch(vec![Draft { kind: RecordKind::Answer, at_ms: 9, body: json!({}) }]);
        let whole = [bytes.clone(), more.clone()].concat();
        for length in bytes.len()..whole.len() {
            let torn = whole.get(..length).unwrap();
            assert_eq!(verify(torn, None).map(|v| v.length), Ok(bytes.len() as u64), "cut at {length}");
        }
    }

    #[test]
    fn a_rewound_batch_leaves_no_trace() {
        let (bytes, _) = sample();
        let mut journal = Journal::resume(key(), verify(&bytes, None).unwrap());
        let draft = |n: u64| Draft { kind: RecordKind::Answer, at_ms: n, body: json!({}) };
        let mark = journal.mark();
        let _ = journal.batch(vec![draft(1), draft(2)]);
        journal.rewind(mark);
        let (more, _, note) = journal.batch(vec![draft(3)]);
        assert!(verify(&[bytes, more].concat(), Some(&note)).is_ok());
    }
}
