//! From the journal to files that never change: bundles of entries, payloads and tiles, and the checkpoint that counts them.
//!
//! The order, and what a crash after each step leaves:
//!
//! 1. the files of a complete bundle are written. After a crash: they may be torn; the journal has their records still, and
//!    they are written again.
//! 2. they are flushed, with the names of their directories, and so is a checkpoint that counts them. From here on the journal's segments may be reused.
//! 3. what is not a complete bundle is written as partial files, then the checkpoint takes the place of the old one. This
//!    is flushed only before the journal lets go of something: after a crash the journal tells. A reader sees the old checkpoint, or the new one with its files.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;

use audit::tile::{TILE_WIDTH, Tile, bundle, entries_path, payload_path};
use audit::{Batch, ENTRY_BYTES, Entry, Tree};

use crate::disk::{Disk, parent};
use crate::index;

/// The name of the newest published checkpoint.
pub const CHECKPOINT: &str = "checkpoint";

/// Why bringing records into bundles stopped.
#[derive(Debug)]
pub(crate) enum Stopped {
    /// It can be tried again.
    Write(io::Error),
    /// It cannot: after a failed flush it is unknown what is on the disk, and a second flush may say that all is well.
    Flush(io::Error),
}

impl From<io::Error> for Stopped {
    fn from(why: io::Error) -> Self {
        Self::Write(why)
    }
}

impl std::fmt::Display for Stopped {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Write(why) | Self::Flush(why) => why.fmt(out),
        }
    }
}

/// A batch with what its records are found by.
pub(crate) struct Durable {
    pub(crate) batch: Batch,
    /// For every record the tags of its terms.
    pub(crate) tags: Vec<Vec<index::Tag>>,
}

pub(crate) struct Publisher {
    disk: Arc<dyn Disk>,
    /// Authenticates the index.
    index_key: [u8; 32],
    tree: Tree,
    /// The number of the first record of the bundle under way.
    first: u64,
    entries: Vec<[u8; ENTRY_BYTES]>,
    payloads: Vec<u8>,
    tags: Vec<Vec<index::Tag>>,
    /// Complete tiles that are not written yet.
    tiles: Vec<Tile>,
    /// The newest note, over as many records.
    note: (u64, String),
    /// Records that the published checkpoint counts.
    published: u64,
    /// Files of the newest publication but one, and of the newest.
    partial: [BTreeSet<String>; 2],
    /// Those of the newest that this process wrote: what it found may be torn.
    written: BTreeSet<String>,
    unsynced: Vec<String>,
    /// Records that are in flushed bundles.
    durable: u64,
}

impl Publisher {
    /// Begins behind records that are in complete, flushed bundles. `tree` is over these.
    pub(crate) fn new(disk: Arc<dyn Disk>, index_key: [u8; 32], tree: Tree, leftover: BTreeSet<String>) -> Self {
        let first = tree.size();
        Self {
            disk,
            index_key,
            tree,
            first,
            entries: Vec::new(),
            payloads: Vec::new(),
            tags: Vec::new(),
            tiles: Vec::new(),
            note: (0, String::new()),
            published: 0,
            partial: [BTreeSet::new(), leftover],
            written: BTreeSet::new(),
            unsynced: Vec::new(),
            durable: first,
        }
    }

    /// Records that need the journal no more.
    pub(crate) const fn durable(&self) -> u64 {
        self.durable
    }

    /// Whether something waits to be published.
    pub(crate) const fn is_behind(&self) -> bool {
        self.published < self.note.0
    }

    /// Bytes of contents that the next publication writes again.
    pub(crate) const fn partial_bytes(&self) -> usize {
        self.payloads.len()
    }

    /// Complete bundles that are not flushed yet, in files.
    pub(crate) fn unsynced(&self) -> usize {
        self.unsynced.len()
    }

    fn size(&self) -> u64 {
        self.first.saturating_add(self.entries.len() as u64)
    }

    /// Takes the next batch. After an error the same batch is given again, and goes on where it stopped.
    pub(crate) fn take(&mut self, durable: &Durable) -> io::Result<()> {
        let batch = &durable.batch;
        let mut rest = batch.payloads.as_slice();
        for (at, bytes) in batch.entries.iter().enumerate() {
            self.write_bundle()?;
            let malformed = || io::Error::other("a batch does not hold what its entries say");
            let entry = Entry::from_bytes(bytes).ok_or_else(malformed)?;
            let length = usize::try_from(entry.length).map_err(io::Error::other)?;
            let (payload, behind) = rest.split_at_checked(length).ok_or_else(malformed)?;
            rest = behind;
            if entry.seq < self.size() {
                continue;
            }
            if entry.seq > self.size() {
                return Err(io::Error::other("a batch is missing"));
            }
            self.entries.push(*bytes);
            self.payloads.extend_from_slice(payload);
            self.tags.push(durable.tags.get(at).cloned().unwrap_or_default());
            self.tree.push(entry.leaf());
            self.tiles.extend(self.tree.take_complete());
        }
        self.write_bundle()?;
        self.note = (self.size(), batch.note.clone());
        Ok(())
    }

    /// Writes the bundle under way, if it is complete.
    fn write_bundle(&mut self) -> io::Result<()> {
        if (self.entries.len() as u64) < TILE_WIDTH {
            return Ok(());
        }
        let number = self.first / TILE_WIDTH;
        let mut files = vec![
            (entries_path(number, TILE_WIDTH), bundle(&self.entries)),
            (payload_path(number, TILE_WIDTH), std::mem::take(&mut self.payloads)),
            (index::path(number), index::encode(&self.index_key, number, &self.entries, &self.tags)),
        ];
        files.extend(self.tiles.iter().map(|tile| (tile.path(), tile.to_bytes())));
        let written = files.iter().try_for_each(|(name, bytes)| self.disk.write(name, bytes));
        if let Err(why) = written {
            // The payloads go back to where the next attempt finds them.
            if let Some((_, payloads)) = files.into_iter().nth(1) {
                self.payloads = payloads;
            }
            return Err(why);
        }
        // An index that a crash tears is seen to be torn, and the bundle is read instead: it needs no flush.
        let of_proof = |name: &String| !name.starts_with("index/");
        self.unsynced.extend(files.into_iter().map(|(name, _)| name).filter(of_proof));
        self.entries.clear();
        self.tags.clear();
        self.tiles.clear();
        self.first = self.first.saturating_add(TILE_WIDTH);
        Ok(())
    }

    /// Flushes complete bundles and a checkpoint that counts them. Readers of the files must find what the journal
    /// drops, also after a loss of power.
    pub(crate) fn sync(&mut self) -> Result<(), Stopped> {
        flush(self.disk.as_ref(), &self.unsynced).map_err(Stopped::Flush)?;
        self.unsynced.clear();
        self.publish_as(true, false)?;
        self.durable = self.first.min(self.published.max(self.durable));
        Ok(())
    }

    /// Publishes everything up to the newest note.
    pub(crate) fn publish(&mut self) -> Result<(), Stopped> {
        self.publish_as(false, false)
    }

    /// Publishes everything, flushed, and removes all that is not of use any more.
    pub(crate) fn end(&mut self) -> Result<(), Stopped> {
        self.sync()?;
        self.publish_as(true, true)
    }

    fn publish_as(&mut self, flushed: bool, ends: bool) -> Result<(), Stopped> {
        if self.note.1.is_empty() {
            return Ok(());
        }
        let (number, width) = (self.first / TILE_WIDTH, self.entries.len() as u64);
        let mut files = BTreeMap::new();
        if width > 0 {
            files.insert(entries_path(number, width), bundle(&self.entries));
            files.insert(payload_path(number, width), self.payloads.clone());
        }
        files.extend(self.tree.partial_tiles().into_iter().map(|tile| (tile.path(), tile.to_bytes())));
        // What the published checkpoint counts is being read: a tile of the upper levels stays the same over many publications,
        // and is not written again.
        for (name, bytes) in files.iter().filter(|(name, _)| !self.written.contains(*name)) {
            self.disk.write(name, bytes)?;
        }
        let names: BTreeSet<String> = files.into_keys().collect();
        if flushed {
            flush(self.disk.as_ref(), &names.iter().cloned().collect::<Vec<_>>()).map_err(Stopped::Flush)?;
        }
        let new = format!("{CHECKPOINT}.new");
        self.disk.write(&new, self.note.1.as_bytes())?;
        if flushed {
            self.disk.sync(&new).map_err(Stopped::Flush)?;
        }
        self.disk.rename(&new, CHECKPOINT)?;
        if flushed {
            self.disk.sync_directory("").map_err(Stopped::Flush)?;
        }
        self.published = self.note.0;
        // A reader of the previous checkpoint may still read its files.
        let [older, newer] = std::mem::take(&mut self.partial);
        let mut gone: Vec<&String> = older.difference(&names).filter(|name| !newer.contains(*name)).collect();
        if ends {
            gone.extend(newer.difference(&names));
        }
        for name in gone {
            self.disk.remove(name)?;
            // Nothing but the last of a directory's files lets it be removed.
            let _ = self.disk.remove(&format!("{}/", parent(name)));
        }
        self.written.clone_from(&names);
        self.partial = [newer, names];
        Ok(())
    }
}

/// Makes files and the names of all directories above them durable.
fn flush(disk: &dyn Disk, files: &[String]) -> io::Result<()> {
    let mut directories = BTreeSet::new();
    for name in files {
        disk.sync(name)?;
        let mut above = parent(name);
        while directories.insert(above.to_owned()) && !above.is_empty() {
            above = parent(above);
        }
    }
    // Deepest first: a name is durable when what it names is.
    directories.iter().rev().try_for_each(|directory| disk.sync_directory(directory))
}
