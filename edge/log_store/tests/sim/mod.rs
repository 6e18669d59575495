//! A disk in memory that fails on request, and on which power is lost: what was not flushed is there, or not, or torn.

#![allow(
    dead_code,
    unused_imports,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "each test uses a part of it, and fails where it cannot go on"
)]

pub mod overlaid;
mod sample;

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex};

use log_store::{Disk, Files};

pub use sample::{ORIGIN, key, open, record};

const SECTOR: usize = 512;

#[derive(Clone, Default)]
struct Inode {
    now: Vec<u8>,
    durable: Vec<u8>,
    /// Writes since the last flush: offset and bytes.
    since: Vec<(usize, Vec<u8>)>,
}

#[derive(Clone, Debug)]
enum NameChange {
    Is(String, usize),
    Gone(String),
}

#[derive(Clone, Default)]
struct State {
    inodes: Vec<Inode>,
    names: BTreeMap<String, usize>,
    durable_names: BTreeMap<String, usize>,
    since: Vec<NameChange>,
    steps: usize,
    fault: Option<Fault>,
}

/// What goes wrong, at which step.
#[derive(Clone, Copy, Debug)]
pub struct Fault {
    pub at: usize,
    /// The step is done, though it says that it failed.
    pub done: bool,
    /// Nothing works from then on: the power is gone.
    pub for_ever: bool,
}

/// What of the unflushed survives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Survives {
    Nothing,
    Everything,
    /// Sectors and names by chance.
    Some(u64),
}

#[derive(Default)]
pub struct SimDisk(Mutex<State>);

pub struct Chance(pub u64);

impl Chance {
    pub fn next(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % most
    }
}

impl SimDisk {
    pub fn with(fault: Option<Fault>) -> Arc<Self> {
        let disk = Self::default();
        disk.0.lock().unwrap().fault = fault;
        Arc::new(disk)
    }

    pub fn steps(&self) -> usize {
        self.0.lock().unwrap().steps
    }

    pub fn set_fault(&self, fault: Option<Fault>) {
        let mut state = self.0.lock().unwrap();
        let steps = state.steps;
        state.fault = fault.map(|fault| Fault { at: steps + fault.at, ..fault });
    }

    /// The disk after the power came back.
    pub fn after_power_loss(&self, survives: Survives) -> Arc<Self> {
        let state = self.0.lock().unwrap();
        let mut chance = Chance(if let Survives::Some(seed) = survives { seed } else { 0 });
        let mut after = State::default();
        for inode in &state.inodes {
            let bytes = match survives {
                Survives::Nothing => inode.durable.clone(),
                Survives::Everything => inode.now.clone(),
                Survives::Some(_) => torn(inode, &mut chance),
            };
            after.inodes.push(Inode { now: bytes.clone(), durable: bytes, since: Vec::new() });
        }
        after.names = state.durable_names.clone();
        let kept = match survives {
            Survives::Nothing => 0,
            Survives::Everything => state.since.len(),
            Survives::Some(_) => chance.next(state.since.len() + 1),
        };
        for change in state.since.iter().take(kept) {
            apply(&mut after.names, change);
        }
        after.durable_names = after.names.clone();
        Arc::new(Self(Mutex::new(after)))
    }

    /// All files.
    pub fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let state = self.0.lock().unwrap();
        state.names.iter().map(|(name, inode)| (name.clone(), state.inodes[*inode].now.clone())).collect()
    }

    pub fn of(files: &BTreeMap<String, Vec<u8>>) -> Arc<Self> {
        let disk = Self::default();
        for (name, bytes) in files {
            disk.write(name, bytes).unwrap();
        }
        Arc::new(disk)
    }

    fn step<T>(&self, act: impl FnOnce(&mut State) -> io::Result<T>) -> io::Result<T> {
        self.step_of(None, act)
    }

    /// A step; of a flush, with the file.
    fn step_of<T>(&self, name: Option<&str>, act: impl FnOnce(&mut State) -> io::Result<T>) -> io::Result<T> {
        let mut state = self.0.lock().unwrap();
        let flushed = name.and_then(|name| state.names.get(name).copied());
        let at = state.steps;
        state.steps += 1;
        match state.fault {
            Some(fault) if at == fault.at || (fault.for_ever && at > fault.at) => {
                if fault.done && at == fault.at {
                    let _ = act(&mut state);
                } else if let Some(inode) = flushed {
                    // As Linux has it: what could not be flushed counts as clean, and the next flush says nothing.
                    state.inodes[inode].since.clear();
                }
                Err(io::Error::other("the disk failed"))
            }
            Some(_) | None => act(&mut state),
        }
    }
}

fn torn(inode: &Inode, chance: &mut Chance) -> Vec<u8> {
    let mut bytes = inode.durable.clone();
    for (offset, written) in &inode.since {
        for (number, sector) in written.chunks(SECTOR).enumerate() {
            if chance.next(2) == 0 {
                put(&mut bytes, offset + number * SECTOR, sector);
            }
        }
    }
    bytes
}

fn put(bytes: &mut Vec<u8>, offset: usize, written: &[u8]) {
    if bytes.len() < offset + written.len() {
        bytes.resize(offset + written.len(), 0);
    }
    bytes[offset..offset + written.len()].copy_from_slice(written);
}

fn apply(names: &mut BTreeMap<String, usize>, change: &NameChange) {
    match change {
        NameChange::Is(name, inode) => {
            names.insert(name.clone(), *inode);
        }
        NameChange::Gone(name) => {
            names.remove(name);
        }
    }
}

fn parent(name: &str) -> &str {
    name.trim_end_matches('/').rsplit_once('/').map_or("", |(parent, _)| parent)
}

impl State {
    fn change(&mut self, change: NameChange) {
        apply(&mut self.names, &change);
        self.since.push(change);
    }
}

impl Files for SimDisk {
    fn read(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        let state = self.0.lock().unwrap();
        Ok(state.names.get(name).map(|inode| state.inodes[*inode].now.clone()))
    }

    fn list(&self, directory: &str) -> io::Result<Vec<String>> {
        let state = self.0.lock().unwrap();
        let start = if directory.is_empty() { String::new() } else { format!("{directory}/") };
        let mut names: Vec<String> = state
            .names
            .keys()
            .filter_map(|name| name.strip_prefix(&start))
            .map(|rest| rest.split_once('/').map_or_else(|| rest.to_owned(), |(first, _)| format!("{first}/")))
            .collect();
        names.sort();
        names.dedup();
        Ok(names)
    }
}

impl Disk for SimDisk {
    fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.step(|state| {
            let known = state.names.get(name).copied();
            let inode = known.unwrap_or_else(|| {
                state.inodes.push(Inode::default());
                state.inodes.len() - 1
            });
            let file = &mut state.inodes[inode];
            // Truncation may be on the disk before the bytes are.
            file.now = bytes.to_vec();
            if known.is_some() {
                file.durable.clear();
                file.since.clear();
            }
            file.since.push((0, bytes.to_vec()));
            if known.is_none() {
                state.change(NameChange::Is(name.to_owned(), inode));
            }
            Ok(())
        })
    }

    fn write_at(&self, name: &str, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.step(|state| {
            let inode = *state.names.get(name).ok_or(io::ErrorKind::NotFound)?;
            let file = &mut state.inodes[inode];
            let offset = usize::try_from(offset).unwrap();
            put(&mut file.now, offset, bytes);
            file.since.push((offset, bytes.to_vec()));
            Ok(())
        })
    }

    fn sync(&self, name: &str) -> io::Result<()> {
        self.step_of(Some(name), |state| {
            let inode = *state.names.get(name).ok_or(io::ErrorKind::NotFound)?;
            let file = &mut state.inodes[inode];
            for (offset, written) in std::mem::take(&mut file.since) {
                put(&mut file.durable, offset, &written);
            }
            Ok(())
        })
    }

    fn sync_directory(&self, directory: &str) -> io::Result<()> {
        self.step(|state| {
            let here = |change: &NameChange| {
                let (NameChange::Is(name, _) | NameChange::Gone(name)) = change;
                parent(name) == directory
            };
            for change in state.since.iter().filter(|change| here(change)) {
                apply(&mut state.durable_names, change);
            }
            state.since.retain(|change| !here(change));
            Ok(())
        })
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.step(|state| {
            let inode = *state.names.get(from).ok_or(io::ErrorKind::NotFound)?;
            state.change(NameChange::Is(to.to_owned(), inode));
            state.change(NameChange::Gone(from.to_owned()));
            Ok(())
        })
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.step(|state| {
            if !name.ends_with('/') && state.names.contains_key(name) {
                state.change(NameChange::Gone(name.to_owned()));
            }
            Ok(())
        })
    }
}
