//! The segments that the journal is written into: made ahead of need, full of zeros, so that a flush has no sizes to write
//! down; reused when all their records are in flushed bundles.

use std::io;
use std::sync::Arc;

use crate::append::Failed;
use crate::disk::Disk;
use crate::wal::JOURNAL;

pub(crate) struct Segments {
    disk: Arc<dyn Disk>,
    /// The size of an ordinary segment.
    bytes: usize,
    /// The one that is written to, its length so far and its size.
    current: (String, usize, usize),
    /// Those that are full, with the numbers behind their last records.
    full: Vec<(String, u64)>,
    next: u64,
}

impl Segments {
    /// Goes on behind segments that were found. They are never written to before they are reused: one may be torn.
    pub(crate) fn behind(disk: Arc<dyn Disk>, bytes: usize, found: Vec<(String, u64)>) -> Self {
        let next = found.iter().filter_map(|(name, _)| number_of(name)).max().map_or(0, |last| last.saturating_add(1));
        Self { disk, bytes, current: (String::new(), 0, 0), full: found, next }
    }

    /// Writes a batch and flushes it. `first` is its first record, `durable` as many are in flushed bundles. Says whether
    /// a segment became full.
    pub(crate) fn write(&mut self, bytes: &[u8], first: u64, durable: u64) -> Result<bool, Failed> {
        let refused = |why: io::Error| Failed::Refused(why.to_string());
        let (_, at, size) = self.current;
        let goes_on = at.saturating_add(bytes.len()) > size;
        if goes_on {
            self.go_on(bytes.len(), first, durable).map_err(refused)?;
        }
        let (name, at, _) = &mut self.current;
        self.disk.write_at(name, *at as u64, bytes).map_err(refused)?;
        self.disk.sync(name).map_err(|why| Failed::Fatal(why.to_string()))?;
        *at = at.saturating_add(bytes.len());
        Ok(goes_on)
    }

    /// Goes on with a segment whose records are all in flushed bundles, or with a new one.
    fn go_on(&mut self, needed: usize, first: u64, durable: u64) -> io::Result<()> {
        let size = self.bytes.max(needed);
        let ordinary = size == self.bytes;
        let free = self.full.iter().position(|(name, end)| ordinary && *end <= durable && is_ordinary(name));
        let name = match free {
            Some(at) => self.full.remove(at).0,
            None => self.make(size, ordinary)?,
        };
        // Large ones are for one batch alone; when their records are in bundles, they go.
        let of_use = |(name, end): &(String, u64)| *end > durable || is_ordinary(name);
        for (name, _) in self.full.iter().filter(|segment| !of_use(segment)) {
            self.disk.remove(name)?;
        }
        self.full.retain(of_use);
        let (before, _, _) = std::mem::replace(&mut self.current, (name, 0, size));
        if !before.is_empty() {
            self.full.push((before, first));
        }
        Ok(())
    }

    fn make(&mut self, size: usize, ordinary: bool) -> io::Result<String> {
        let end = if ordinary { "seg" } else { "large.seg" };
        let name = format!("{JOURNAL}/{:08}.{end}", self.next);
        self.disk.write(&name, &vec![0; size])?;
        self.disk.sync(&name)?;
        self.disk.sync_directory(JOURNAL)?;
        self.disk.sync_directory("")?;
        self.next = self.next.saturating_add(1);
        Ok(name)
    }
}

fn is_ordinary(name: &str) -> bool {
    !name.ends_with(".large.seg")
}

fn number_of(name: &str) -> Option<u64> {
    name.rsplit('/').next()?.split('.').next()?.parse().ok()
}
