//! Checking a whole log from its files: no server, no secret, memory that does not grow with it.

use std::collections::BTreeSet;

use audit::tile::{TILE_HEIGHT, TILE_WIDTH, Tile, bundles, entries_path, payload_path, tile_path};
use audit::{Checkpoint, LogVerifier, Tree, VerificationFailure, Verifier};

use crate::disk::{Files, walk};
use crate::publisher::CHECKPOINT;
use crate::wal;

/// A log that holds.
#[derive(Debug)]
pub struct Verified {
    /// Its records.
    pub records: u64,
    /// Those of them that are in the journal only: durable, and not published yet.
    pub unpublished: u64,
    /// Bytes that were read.
    pub bytes: u64,
    /// Data follows the last batch of the journal that was never acknowledged: a crash leaves that.
    pub torn: bool,
    /// The tree over all records.
    pub tree: Tree,
}

/// How often the right edge is read again when a writer moved it meanwhile.
const ATTEMPTS: usize = 50;

/// Checks a log's files against its public key, and that it goes on from checkpoints known from elsewhere.
/// `progress` gets the number of checked records, and of all. A writer may be at work: what it adds meanwhile counts.
///
/// # Errors
/// The first thing that does not hold.
pub fn verify(
    disk: &dyn Files,
    log: &LogVerifier,
    known: Vec<Checkpoint>,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Verified, VerificationFailure> {
    let mut whole = Whole { disk, expected: BTreeSet::new(), bytes: 0 };
    let mut verifier = Verifier::new(log.clone(), known);
    let mut last = Err(whole.wrong(0, CHECKPOINT, "it changes faster than it can be read"));
    for _ in 0..ATTEMPTS {
        let (size, note) = whole.published(log)?;
        for (number, width) in bundles(size).skip(usize::try_from(verifier.size() / TILE_WIDTH).unwrap_or(usize::MAX)) {
            if width == TILE_WIDTH {
                whole.bundle(&mut verifier, number)?;
                progress(verifier.size(), size);
            }
        }
        last = whole.right_edge(verifier.clone(), log, size, &note);
        if last.is_ok() || whole.published(log)?.0 <= size {
            break;
        }
    }
    last
}

/// A log under way.
struct Whole<'a> {
    disk: &'a dyn Files,
    /// Files that are in their places.
    expected: BTreeSet<String>,
    bytes: u64,
}

impl Whole<'_> {
    fn wrong(&self, record: u64, file: &str, why: &str) -> VerificationFailure {
        VerificationFailure { record, file: file.to_owned(), why: why.to_owned() }
    }

    fn read(&mut self, record: u64, name: &str) -> Result<Vec<u8>, VerificationFailure> {
        let bytes = self.disk.read(name).map_err(|why| self.wrong(record, name, &why.to_string()))?;
        let bytes = bytes.ok_or_else(|| self.wrong(record, name, "missing"))?;
        self.bytes = self.bytes.saturating_add(bytes.len() as u64);
        Ok(bytes)
    }

    /// How many records the published checkpoint counts, and its note. A log may have all in its journal still.
    fn published(&self, log: &LogVerifier) -> Result<(u64, String), VerificationFailure> {
        let wrong = |why: &str| self.wrong(0, CHECKPOINT, why);
        let bytes =
            self.disk.read(CHECKPOINT).map_err(|why| wrong(&why.to_string()))?.ok_or_else(|| wrong("missing"))?;
        let note = String::from_utf8(bytes).map_err(|_| wrong("not text"))?;
        let checkpoint = log.open(&note).map_err(|why| wrong(&why.to_string()))?;
        Ok((checkpoint.size, note))
    }

    /// A complete bundle, and the tiles that it completes.
    fn bundle(&mut self, verifier: &mut Verifier, number: u64) -> Result<(), VerificationFailure> {
        self.entries(verifier, number, TILE_WIDTH)?;
        for tile in verifier.complete_tiles() {
            self.tile(verifier, &tile)?;
        }
        Ok(())
    }

    fn entries(&mut self, verifier: &mut Verifier, number: u64, width: u64) -> Result<(), VerificationFailure> {
        let first = number.saturating_mul(TILE_WIDTH);
        let names = [entries_path(number, width), payload_path(number, width), tile_path(0, number, width)];
        let [entries_name, payload_name, tile_name] = &names;
        let (entries, payloads) = (self.read(first, entries_name)?, self.read(first, payload_name)?);
        let tile = self.read(first, tile_name)?;
        verifier.bundle([(entries_name, &entries), (payload_name, &payloads), (tile_name, &tile)], width)?;
        self.expected.extend(names);
        Ok(())
    }

    fn tile(&mut self, verifier: &Verifier, tile: &Tile) -> Result<(), VerificationFailure> {
        let name = tile.path();
        let over = TILE_WIDTH.saturating_pow(tile.level.saturating_add(1));
        let bytes = self.read(tile.index.saturating_mul(over), &name)?;
        verifier.tile(tile, &name, &bytes)?;
        self.expected.insert(name);
        Ok(())
    }

    /// What is in no complete bundle, the checkpoint, and what the journal holds behind it.
    fn right_edge(
        &mut self,
        mut verifier: Verifier,
        log: &LogVerifier,
        size: u64,
        note: &str,
    ) -> Result<Verified, VerificationFailure> {
        let (number, width) = (size / TILE_WIDTH, size % TILE_WIDTH);
        if width > 0 {
            self.entries(&mut verifier, number, width)?;
        }
        for tile in verifier.partial_tiles() {
            self.tile(&verifier, &tile)?;
        }
        verifier.checkpoint(note, CHECKPOINT)?;
        // Read before the journal, which a writer may add to meanwhile.
        let newest = self.disk.read(wal::NEWEST).map_err(|why| self.wrong(0, wal::NEWEST, &why.to_string()))?;
        self.strays(size)?;
        let journal = wal::scan(self.disk).map_err(|why| self.wrong(size, wal::JOURNAL, &why))?;
        for (name, batch) in &journal.batches {
            if batch.first > verifier.size() {
                return Err(self.wrong(verifier.size(), name, "missing from tiles and journal"));
            }
            verifier.batch(batch, name)?;
        }
        let records = verifier.size();
        let newest = newest.unwrap_or_default();
        let text = newest.split(|byte| *byte == 0).next().and_then(|text| std::str::from_utf8(text).ok());
        let newest = text.and_then(|text| log.open(text).ok());
        if let Some(newest) = newest.filter(|newest| newest.size > records) {
            let why = format!("missing: a signed checkpoint counts {} records", newest.size);
            return Err(self.wrong(records, wal::NEWEST, &why));
        }
        let tree = verifier.finish()?;
        let unpublished = records.saturating_sub(size);
        Ok(Verified { records, unpublished, bytes: self.bytes, torn: journal.torn.is_some(), tree })
    }

    /// Other files among the tiles: partial files of earlier publications, which must be the beginning of the
    /// present ones; while the log is open, files that the next checkpoint will count; or something that does not belong there.
    fn strays(&self, size: u64) -> Result<(), VerificationFailure> {
        let fail = |file: &str, why: &str| self.wrong(size, file, why);
        let open = !self.disk.list(wal::JOURNAL).map_err(|why| fail(wal::JOURNAL, &why.to_string()))?.is_empty();
        for directory in ["tile", "payload"] {
            for name in walk(self.disk, directory).map_err(|why| fail(directory, &why.to_string()))? {
                if self.expected.contains(&name) || (open && is_at_edge(&name, size)) {
                    continue;
                }
                let Some(bytes) = self.disk.read(&name).map_err(|why| fail(&name, &why.to_string()))? else { continue };
                let begins =
                    |now: &String| self.disk.read(now).is_ok_and(|now| now.is_some_and(|now| now.starts_with(&bytes)));
                let whole = name.split_once(".p/").map(|(whole, _)| whole);
                let of_same = |now: &&String| whole.is_some_and(|whole| now.strip_prefix(whole).is_some_and(is_width));
                if !self.expected.iter().rfind(of_same).is_some_and(begins) {
                    return Err(fail(&name, "it belongs to no record that the checkpoint counts"));
                }
            }
        }
        Ok(())
    }
}

/// Whether a name goes on as that of the same tile, complete or of another width.
fn is_width(rest: &str) -> bool {
    rest.is_empty() || rest.starts_with(".p/")
}

/// Whether a file is of the last tile of its level in a log of this size, or of a later one.
fn is_at_edge(name: &str, size: u64) -> bool {
    let numbered = |rest: &str| -> Option<u64> {
        let digits: String = rest.split(".p/").next()?.chars().filter(char::is_ascii_digit).collect();
        digits.parse().ok()
    };
    let of = |level: u32, rest: &str| {
        let edge = size.checked_shr(level.saturating_add(1).saturating_mul(TILE_HEIGHT)).unwrap_or(0);
        numbered(rest).is_some_and(|index| index >= edge)
    };
    if let Some(rest) = name.strip_prefix("tile/entries/").or_else(|| name.strip_prefix("payload/")) {
        return of(0, rest);
    }
    let level = name.strip_prefix("tile/").and_then(|rest| rest.split_once('/'));
    level.is_some_and(|(level, rest)| level.parse().is_ok_and(|level| of(level, rest)))
}
