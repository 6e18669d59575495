//! Opening a log: the ordinary start, the start after a clean end, and the start after a crash are one path.
//!
//! Complete, flushed bundles are the base. What the journal holds from there on is appended, and must lead
//! to the root that was signed last. Nothing is ever made up: where a record is missing, the log is not opened.

use std::collections::BTreeSet;
use std::sync::Arc;

use audit::tile::{TILE_WIDTH, Tile, TiledNodes, bundles, entries_path, payload_path, tile_path, unbundle};
use audit::{Batch, Checkpoint, Entry, Hash, LogVerifier, RecordPosition, Tree};
use record::Record;

use crate::disk::Files;
use crate::index::{self, Tag};
use crate::keys::ReadKeys;
use crate::publisher::{CHECKPOINT, Durable};
use crate::wal;

/// The state of a log.
pub(crate) struct Recovered {
    /// The tree over all records.
    pub(crate) tree: Tree,
    /// Over the records in complete bundles that were flushed.
    pub(crate) base: Tree,
    /// The records behind the base.
    pub(crate) pending: Vec<Durable>,
    /// Segments with the numbers behind their last records.
    pub(crate) segments: Vec<(String, u64)>,
    /// The newest checkpoint.
    pub(crate) note: Option<String>,
    /// The partial files that are of use; all others are left over.
    pub(crate) partial: BTreeSet<String>,
    /// It was ended in order: the journal is of no use, and what is in no complete bundle goes into a new one.
    pub(crate) ended: bool,
    /// What there is to say about it.
    pub(crate) said: Vec<String>,
}

pub(crate) fn recover(disk: &Arc<dyn Files>, log: &LogVerifier) -> Result<Recovered, String> {
    let found = wal::scan(disk.as_ref())?;
    let published = open_note(disk.as_ref(), log, CHECKPOINT);
    let newest = open_note(disk.as_ref(), log, wal::NEWEST);
    let mut said = Vec::new();
    // A clean end writes everything into flushed files, then removes the journal: part of it may be left.
    let in_journal = found.batches.last().map_or(0, |(_, batch)| wal::end(batch));
    let ended = found.batches.is_empty()
        || matches!(&published, Ok(Some((checkpoint, note)))
            if checkpoint.size >= in_journal && whole(disk.as_ref(), checkpoint, note).is_ok());
    let after_crash = !ended;
    if let (Err(why), false) = (&published, after_crash) {
        return Err(why.clone());
    }
    let published = published.unwrap_or_else(|why| {
        said.push(format!("{why}; the journal tells"));
        None
    });
    let newest = newest.unwrap_or_else(|why| {
        said.push(format!("{why}; the journal tells"));
        None
    });
    let mut batches: Vec<Batch> = Vec::new();
    if after_crash {
        batches.extend(found.batches.into_iter().map(|(_, batch)| batch));
    }
    if let (false, Some((checkpoint, note))) = (after_crash, &published) {
        batches.extend(partial_bundle(disk.as_ref(), checkpoint, note)?);
    }
    let size = match (batches.last(), &published) {
        (Some(last), _) => wal::end(last),
        (None, Some((checkpoint, _))) => checkpoint.size,
        (None, None) => 0,
    };
    let longest = published.iter().chain(&newest).map(|(checkpoint, _)| checkpoint.size).max().unwrap_or(0);
    if longest > size {
        return Err(format!("records are missing: a signed checkpoint counts {longest}, and {size} are there"));
    }
    // Whatever is in a bundle that the journal begins behind was flushed before the journal let go of it.
    let from = batches.first().map_or(size, |first| first.first).next_multiple_of(TILE_WIDTH).min(size);
    let base = tree_of_bundles(disk.as_ref(), from / TILE_WIDTH)?;
    let mut tree = base.clone();
    for batch in &batches {
        for bytes in &batch.entries {
            let entry = Entry::from_bytes(bytes).ok_or("the journal holds what is no entry")?;
            if entry.seq == tree.size() {
                tree.push(entry.leaf());
            } else if entry.seq > tree.size() {
                return Err(format!("record {} is missing", tree.size()));
            }
        }
    }
    let note = batches.last().map(|batch| batch.note.clone()).or_else(|| published.as_ref().map(|it| it.1.clone()));
    agrees(log, &tree, note.as_deref(), published.as_ref())?;
    if let Some((name, at)) = &found.torn {
        said.push(format!("`{name}` ends at byte {at} in a torn batch that was never acknowledged"));
    }
    let _ = tree.take_complete();
    let pending = with_tags(disk, batches)?;
    // After a crash they may be torn, and the journal has all that they had.
    let partial = if ended { partial_files(size) } else { BTreeSet::new() };
    Ok(Recovered { tree, base, pending, segments: found.segments, note, partial, ended, said })
}

/// Whether the records are those that the newest checkpoint signs, and the published one where it counts as many.
fn agrees(
    log: &LogVerifier,
    tree: &Tree,
    note: Option<&str>,
    published: Option<&(Checkpoint, String)>,
) -> Result<(), String> {
    if let Some(note) = note {
        let checkpoint = log.open(note).map_err(|why| format!("the newest checkpoint: {why}"))?;
        if checkpoint.size != tree.size() || checkpoint.root != tree.root() {
            return Err("the records are not those that were signed; `countersign log verify` tells which".to_owned());
        }
    }
    for (checkpoint, _) in published.iter().filter(|(checkpoint, _)| checkpoint.size == tree.size()) {
        if checkpoint.root != tree.root() {
            return Err("two checkpoints over the same records differ".to_owned());
        }
    }
    Ok(())
}

/// Whether everything that a checkpoint counts is in files.
fn whole(disk: &dyn Files, checkpoint: &Checkpoint, note: &str) -> Result<(), String> {
    let mut tree = tree_of_bundles(disk, checkpoint.size / TILE_WIDTH)?;
    for bytes in partial_bundle(disk, checkpoint, note)?.iter().flat_map(|batch| &batch.entries) {
        tree.push(Tree::leaf_hash(bytes));
    }
    if tree.root() == checkpoint.root { Ok(()) } else { Err("the files are not those that were signed".to_owned()) }
}

/// A signed checkpoint in a file; nothing where there is none.
fn open_note(disk: &dyn Files, log: &LogVerifier, name: &str) -> Result<Option<(Checkpoint, String)>, String> {
    let Some(bytes) = disk.read(name).map_err(|why| format!("`{name}`: {why}"))? else { return Ok(None) };
    if bytes.is_empty() {
        return Ok(None);
    }
    // It is written in place: the rest of a longer one follows it.
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    let text = bytes.get(..end).and_then(|text| std::str::from_utf8(text).ok()).unwrap_or("");
    let checkpoint = log.open(text).map_err(|why| format!("`{name}`: {why}"))?;
    Ok(Some((checkpoint, text.to_owned())))
}

/// What is not in a complete bundle, after a clean end: from the partial files, checked.
fn partial_bundle(disk: &dyn Files, checkpoint: &Checkpoint, note: &str) -> Result<Option<Batch>, String> {
    let Some((number, width)) = bundles(checkpoint.size).last().filter(|(_, width)| *width < TILE_WIDTH) else {
        return Ok(None);
    };
    let read = |name: String| {
        let bytes = disk.read(&name).map_err(|why| format!("`{name}`: {why}"))?;
        bytes.ok_or_else(|| format!("`{name}` is missing"))
    };
    let entries = unbundle(&read(entries_path(number, width))?).filter(|entries| entries.len() as u64 == width);
    let entries = entries.ok_or_else(|| format!("`{}` is no bundle", entries_path(number, width)))?;
    let payloads = read(payload_path(number, width))?;
    let mut rest = payloads.as_slice();
    for bytes in &entries {
        let entry = Entry::from_bytes(bytes).ok_or("a bundle holds what is no entry")?;
        let (payload, behind) =
            usize::try_from(entry.length).ok().and_then(|length| rest.split_at_checked(length)).unwrap_or((&[], rest));
        if !entry.is_payload(payload) {
            return Err(format!("the content of record {} was changed", entry.seq));
        }
        rest = behind;
    }
    let first = number.saturating_mul(TILE_WIDTH);
    Ok(Some(Batch { first, entries, payloads, note: note.to_owned() }))
}

/// The tree over complete bundles, from complete tiles alone.
fn tree_of_bundles(disk: &dyn Files, count: u64) -> Result<Tree, String> {
    let size = count.saturating_mul(TILE_WIDTH);
    let read = |level: u32, index: u64, width: u64| tile(disk, level, index, width);
    let nodes = TiledNodes { size, read: &read };
    nodes.tree().ok_or_else(|| format!("tiles over the first {size} records are missing or torn"))
}

/// The hashes of a tile: from its file, if it is complete; else from those below it.
fn tile(disk: &dyn Files, level: u32, index: u64, width: u64) -> Option<Vec<Hash>> {
    if width == TILE_WIDTH {
        let bytes = disk.read(&tile_path(level, index, width)).ok()??;
        return Tile::hashes_of(&bytes).filter(|hashes| hashes.len() as u64 == TILE_WIDTH);
    }
    let below = level.checked_sub(1)?;
    let first = index.checked_mul(TILE_WIDTH)?;
    (first..first.checked_add(width)?).map(|number| Tile::root(&tile(disk, below, number, TILE_WIDTH)?)).collect()
}

/// The partial files of a log of this size.
fn partial_files(size: u64) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for level in 0..=u32::from(u8::MAX) {
        let at = size.checked_shr(level.saturating_mul(8)).unwrap_or(0);
        let (index, width) = (at / TILE_WIDTH, at % TILE_WIDTH);
        if width > 0 {
            names.insert(tile_path(level, index, width));
        }
        if width > 0 && level == 0 {
            names.extend([entries_path(index, width), payload_path(index, width)]);
        }
    }
    names
}

/// Rebuilds the index of the records from their contents.
fn with_tags(disk: &Arc<dyn Files>, batches: Vec<Batch>) -> Result<Vec<Durable>, String> {
    if batches.is_empty() {
        return Ok(Vec::new());
    }
    let mut keys = ReadKeys::open(disk)?;
    let mut pending = Vec::new();
    for batch in batches {
        let (mut tags, mut rest) = (Vec::new(), batch.payloads.as_slice());
        for bytes in &batch.entries {
            let Some(entry) = Entry::from_bytes(bytes) else {
                return Err("the journal holds what is no entry".to_owned());
            };
            let length = usize::try_from(entry.length).map_err(|why| why.to_string())?;
            let Some((payload, behind)) = rest.split_at_checked(length) else {
                return Err(format!("the content of record {} is cut off", entry.seq));
            };
            if !entry.is_payload(payload) {
                return Err(format!("the content of record {} was changed", entry.seq));
            }
            rest = behind;
            tags.push(tags_of(&mut keys, &entry, payload));
        }
        pending.push(Durable { batch, tags });
    }
    Ok(pending)
}

fn tags_of(keys: &mut ReadKeys, entry: &Entry, payload: &[u8]) -> Vec<Tag> {
    let place = RecordPosition { seq: entry.seq, at_ms: entry.at_ms, nonce: entry.nonce };
    let content = keys.get(entry.key).ok().flatten().and_then(|key| key.open(&place, payload));
    let record = content.and_then(|content| Record::parse(entry.seq, &content));
    record.map_or_else(Vec::new, |record| record.terms().iter().map(|term| index::tag(&keys.tag(term))).collect())
}
