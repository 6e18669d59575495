//! The keys that contents are encrypted with. A data key belongs to one scope (a session of an agent); it is kept wrapped by a
//! key-encryption key, which is replaced every month. A data key that is destroyed takes its contents with it.
//!
//! Order: keys are durable before the first record under them. A crash between leaves keys that nothing uses.

mod keeper;
mod read;
pub(crate) mod vault;

use std::collections::BTreeMap;
use std::sync::Arc;

use audit::DataKey;

pub(crate) use keeper::random;
pub use keeper::{FileKeeper, KeyKeeper};
pub use read::ReadKeys;

use crate::disk::Disk;

/// How long a key-encryption key is used for new data keys, in milliseconds: 30 days.
pub const ROTATE_AFTER_MS: u64 = 30 * 86_400_000;

/// The scope of what belongs to no session. It is never destroyed.
pub const INSTALLATION: &str = "";

const DATA: &str = "keys/data";

/// Bytes of one slot of the data keys' file: number of the key-encryption key (4), nonce (12), the wrapped key (48), a keyed
/// hash of its scope (32). A slot of zeros is a key that was destroyed.
const SLOT: usize = 96;

/// How many data keys are made at once, ahead of need.
const POOL: u64 = 32;

/// The most scopes whose keys are kept at hand. Beyond it all get new ones.
const MAX_SCOPES: usize = 4_096;

/// A data key with its numbers.
#[derive(Clone)]
pub(crate) struct Held {
    pub(crate) number: u64,
    pub(crate) kek: u32,
    pub(crate) key: Arc<DataKey>,
}

/// Data keys for a writer.
pub(crate) struct Keys {
    disk: Arc<dyn Disk>,
    keeper: Box<dyn KeyKeeper>,
    scopes: BTreeMap<String, Held>,
    pool: Vec<Held>,
    /// Slots in the file.
    slots: u64,
}

impl Keys {
    pub(crate) fn open(disk: Arc<dyn Disk>, keeper: Box<dyn KeyKeeper>) -> Result<Self, String> {
        let length = disk.read(DATA).map_err(|why| format!("`{DATA}`: {why}"))?.map_or(0, |bytes| bytes.len());
        // A slot that a crash tore belongs to nothing; it is left.
        let slots = u64::try_from(length.div_ceil(SLOT)).map_err(|why| why.to_string())?;
        let mut keys = Self { disk, keeper, scopes: BTreeMap::new(), pool: Vec::new(), slots };
        if length == 0 {
            keys.disk.write(DATA, &[]).map_err(|why| format!("`{DATA}`: {why}"))?;
            keys.disk.sync(DATA).map_err(|why| format!("`{DATA}`: {why}"))?;
            keys.disk.sync_directory("keys").map_err(|why| format!("`keys`: {why}"))?;
        }
        keys.fill()?;
        Ok(keys)
    }

    pub(crate) fn keeper(&self) -> &dyn KeyKeeper {
        self.keeper.as_ref()
    }

    /// Makes keys ahead of need, durable.
    fn fill(&mut self) -> Result<(), String> {
        let fail = |why: std::io::Error| format!("`{DATA}`: {why}");
        let (mut bytes, mut made) = (Vec::new(), Vec::new());
        for number in (self.slots..).take(usize::try_from(POOL).unwrap_or(1)) {
            let (secret, nonce) = (random::<32>()?, *random::<12>()?);
            let (kek, wrapped) = self.keeper.wrap(number, nonce, &secret)?;
            bytes.extend_from_slice(&kek.to_be_bytes());
            bytes.extend_from_slice(&nonce);
            bytes.extend_from_slice(&wrapped);
            bytes.extend_from_slice(&[0; 32]);
            made.push(Held { number, kek, key: Arc::new(DataKey::new(&secret)) });
        }
        self.disk.write_at(DATA, offset(self.slots), &bytes).map_err(fail)?;
        self.disk.sync(DATA).map_err(fail)?;
        self.slots = self.slots.saturating_add(POOL);
        made.reverse();
        self.pool = made;
        Ok(())
    }

    /// The key of a scope, made now if it has none. Replaces the key-encryption key when its month is over.
    pub(crate) fn of(&mut self, scope: &str, now_ms: u64) -> Result<Held, String> {
        if now_ms.saturating_sub(self.keeper.newest().1) > ROTATE_AFTER_MS {
            self.rotate(now_ms)?;
        }
        if let Some(held) = self.scopes.get(scope) {
            return Ok(held.clone());
        }
        if self.pool.is_empty() {
            self.fill()?;
        }
        let held = self.pool.pop().ok_or("there is no data key")?;
        // Its scope is durable with the next flush of the file; until then, what is destroyed is found by reading.
        let place = offset(held.number).saturating_add(64);
        self.disk.write_at(DATA, place, &self.keeper.tag(scope)).map_err(|why| format!("`{DATA}`: {why}"))?;
        if self.scopes.len() >= MAX_SCOPES {
            self.scopes.clear();
        }
        self.scopes.insert(scope.to_owned(), held.clone());
        Ok(held)
    }

    /// Makes a new key-encryption key; every scope gets a new data key under it.
    pub(crate) fn rotate(&mut self, now_ms: u64) -> Result<u32, String> {
        let number = self.keeper.rotate(now_ms)?;
        self.scopes.clear();
        self.pool.clear();
        Ok(number)
    }

    /// The numbers of the keys of a scope that still exist. `read` are further ones that reading found: they count only
    /// where a crash kept their scope from being written down, so that no request names another session's key.
    pub(crate) fn numbers_of(&self, scope: &str, read: &[u64]) -> Result<Vec<u64>, String> {
        let bytes = self.disk.read(DATA).map_err(|why| format!("`{DATA}`: {why}"))?.unwrap_or_default();
        let tag = self.keeper.tag(scope);
        let unused = |number: &u64| self.pool.iter().any(|held| held.number == *number);
        let mut numbers = Vec::new();
        for (number, slot) in (0_u64..).zip(bytes.as_chunks::<SLOT>().0) {
            let written = slot.get(64..).unwrap_or_default();
            let exists = slot.iter().any(|byte| *byte != 0);
            let unknown = exists && written == [0; 32] && read.contains(&number) && !unused(&number);
            if written == tag || unknown {
                numbers.push(number);
            }
        }
        Ok(numbers)
    }

    /// Destroys keys, durably.
    pub(crate) fn destroy(&mut self, numbers: &[u64]) -> Result<(), String> {
        let fail = |why: std::io::Error| format!("`{DATA}`: {why}");
        self.scopes.retain(|_, held| !numbers.contains(&held.number));
        for number in numbers {
            self.disk.write_at(DATA, offset(*number), &[0; SLOT]).map_err(fail)?;
        }
        self.disk.sync(DATA).map_err(fail)
    }

    /// Makes everything durable: the writer ends.
    pub(crate) fn flush(&self) -> Result<(), String> {
        self.disk.sync(DATA).map_err(|why| format!("`{DATA}`: {why}"))
    }
}

fn offset(number: u64) -> u64 {
    number.saturating_mul(SLOT as u64)
}
