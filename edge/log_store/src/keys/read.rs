//! Data keys for readers.

use std::collections::BTreeMap;
use std::sync::Arc;

use audit::DataKey;

use super::keeper::{FileKeeper, KeyKeeper as _};
use super::{DATA, SLOT, offset};
use crate::disk::Files;

/// Data keys for readers: looked up by number.
pub struct ReadKeys {
    disk: Arc<dyn Files>,
    keeper: FileKeeper,
    slots: Vec<u8>,
    open: BTreeMap<u64, Option<Arc<DataKey>>>,
}

impl ReadKeys {
    /// Opens the keys of a log.
    ///
    /// # Errors
    /// They are not there, or cannot be read by this user.
    pub fn open(disk: &Arc<dyn Files>) -> Result<Self, String> {
        let keeper = FileKeeper::reading(disk.as_ref())?;
        let slots = disk.read(DATA).map_err(|why| format!("`{DATA}`: {why}"))?.unwrap_or_default();
        Ok(Self { disk: Arc::clone(disk), keeper, slots, open: BTreeMap::new() })
    }

    /// The key of a number; nothing where it was destroyed.
    ///
    /// # Errors
    /// It is there and cannot be opened.
    pub fn get(&mut self, number: u64) -> Result<Option<Arc<DataKey>>, String> {
        if let Some(known) = self.open.get(&number) {
            return Ok(known.clone());
        }
        let key = match self.look(number) {
            Ok(key) => key,
            // Keys may have been made since: a follower of the log meets new ones.
            Err(_) => {
                let fresh = Self::open(&self.disk)?;
                (self.keeper, self.slots) = (fresh.keeper, fresh.slots);
                self.look(number)?
            }
        };
        self.open.insert(number, key.clone());
        Ok(key)
    }

    fn look(&self, number: u64) -> Result<Option<Arc<DataKey>>, String> {
        let at = usize::try_from(offset(number)).unwrap_or(usize::MAX);
        let slot = self.slots.get(at..).and_then(|rest| rest.first_chunk::<SLOT>());
        let slot = slot.ok_or_else(|| format!("the data key {number} is not in `{DATA}`"))?;
        let Some((kek, nonce, wrapped)) = parts(slot) else { return Ok(None) };
        let secret = self.keeper.unwrap(kek, number, nonce, &wrapped)?;
        Ok(Some(Arc::new(DataKey::new(&secret))))
    }

    /// The keyed hash of a term.
    pub fn tag(&self, term: &str) -> [u8; 32] {
        self.keeper.tag(term)
    }
}

fn parts(slot: &[u8; SLOT]) -> Option<(u32, [u8; 12], [u8; 48])> {
    let (kek, rest) = slot.split_first_chunk()?;
    let (nonce, rest) = rest.split_first_chunk()?;
    let (wrapped, _) = rest.split_first_chunk()?;
    let kek = u32::from_be_bytes(*kek);
    (kek != 0).then_some((kek, *nonce, *wrapped))
}
