//! Key-encryption keys, and where they are kept.

use std::sync::Arc;

use audit::keyed_hash;
use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize as _, Zeroizing};

use super::vault;
use crate::disk::{Disk, Files};

const RING: &str = "keys/ring.json";

/// The key-encryption keys. Where they are kept is behind this, so that a kernel keyring, a PKCS#11 token or a key service can
/// hold them instead of a file.
pub trait KeyKeeper: Send {
    /// The number of the key that wraps new data keys, and when it was made.
    fn newest(&self) -> (u32, u64);
    /// Makes a new key, which wraps from now on. The old ones still unwrap.
    fn rotate(&mut self, now_ms: u64) -> Result<u32, String>;
    /// Wraps a data key's secret under the newest key.
    fn wrap(&self, key: u64, nonce: [u8; 12], secret: &[u8; 32]) -> Result<(u32, [u8; 48]), String>;
    /// Unwraps one that was wrapped under any key.
    fn unwrap(&self, kek: u32, key: u64, nonce: [u8; 12], wrapped: &[u8; 48]) -> Result<Zeroizing<[u8; 32]>, String>;
    /// A keyed hash that stays the same over rotations: for finding records without naming what they are found by.
    fn tag(&self, text: &str) -> [u8; 32];
}

/// Key-encryption keys in a file that only its owner can read.
pub struct FileKeeper {
    /// Where the ring is kept; nothing for readers, who make no keys.
    disk: Option<Arc<dyn Disk>>,
    ring: Ring,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Ring {
    /// The key of tags.
    tags: String,
    keys: Vec<Kek>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kek {
    number: u32,
    created_ms: u64,
    key: String,
}

impl Drop for Ring {
    fn drop(&mut self) {
        self.tags.zeroize();
        self.keys.iter_mut().for_each(|kek| kek.key.zeroize());
    }
}

impl FileKeeper {
    /// Opens the ring of a writer. Where there is none, one is made.
    ///
    /// # Errors
    /// It cannot be read or written.
    pub fn open(disk: Arc<dyn Disk>, now_ms: u64) -> Result<Self, String> {
        vault::settle(disk.as_ref(), RING)?;
        let ring = match read(disk.as_ref())? {
            Some(ring) => ring,
            None => Ring { tags: HEXLOWER.encode(random::<32>()?.as_slice()), keys: Vec::new() },
        };
        let mut keeper = Self { disk: Some(disk), ring };
        if keeper.ring.keys.is_empty() {
            keeper.rotate(now_ms)?;
        }
        Ok(keeper)
    }

    /// Opens the ring of a reader.
    ///
    /// # Errors
    /// It is not there, or cannot be read.
    pub fn reading(files: &dyn Files) -> Result<Self, String> {
        let ring = read(files)?.ok_or_else(|| format!("`{RING}` is not there, so contents cannot be read"))?;
        Ok(Self { disk: None, ring })
    }

    fn key(&self, number: u32) -> Result<Zeroizing<[u8; 32]>, String> {
        let kek = self.ring.keys.iter().find(|kek| kek.number == number);
        let kek = kek.ok_or_else(|| format!("the key-encryption key {number} is not there"))?;
        secret(&kek.key).ok_or_else(|| format!("the key-encryption key {number} cannot be read"))
    }
}

fn read(files: &dyn Files) -> Result<Option<Ring>, String> {
    let bytes = vault::read(files, RING)?;
    bytes.map(|bytes| serde_json::from_slice(&bytes).map_err(|why| format!("`{RING}`: {why}"))).transpose()
}

fn secret(hex: &str) -> Option<Zeroizing<[u8; 32]>> {
    let bytes = Zeroizing::new(HEXLOWER.decode(hex.as_bytes()).ok()?);
    Some(Zeroizing::new(bytes.as_slice().try_into().ok()?))
}

pub(crate) fn random<const N: usize>() -> Result<Zeroizing<[u8; N]>, String> {
    let mut bytes = Zeroizing::new([0; N]);
    getrandom::fill(bytes.as_mut_slice()).map_err(|why| format!("no random bytes: {why}"))?;
    Ok(bytes)
}

impl KeyKeeper for FileKeeper {
    fn newest(&self) -> (u32, u64) {
        self.ring.keys.last().map_or((0, 0), |kek| (kek.number, kek.created_ms))
    }

    fn rotate(&mut self, now_ms: u64) -> Result<u32, String> {
        let disk = self.disk.as_ref().ok_or("a reader makes no keys")?;
        let number = self.newest().0.saturating_add(1);
        let key = HEXLOWER.encode(random::<32>()?.as_slice());
        self.ring.keys.push(Kek { number, created_ms: now_ms, key });
        let kept = serde_json::to_vec_pretty(&self.ring).map(Zeroizing::new).map_err(|why| why.to_string());
        let kept = kept.and_then(|bytes| vault::write(disk.as_ref(), RING, &bytes));
        if let Err(why) = kept {
            self.ring.keys.pop();
            return Err(format!("`{RING}`: {why}"));
        }
        Ok(number)
    }

    fn wrap(&self, key: u64, nonce: [u8; 12], secret: &[u8; 32]) -> Result<(u32, [u8; 48]), String> {
        let (number, _) = self.newest();
        let wrapped = audit::wrap(&*self.key(number)?, number, key, nonce, secret);
        wrapped.map(|wrapped| (number, wrapped)).ok_or_else(|| "a key could not be wrapped".to_owned())
    }

    fn unwrap(&self, kek: u32, key: u64, nonce: [u8; 12], wrapped: &[u8; 48]) -> Result<Zeroizing<[u8; 32]>, String> {
        audit::unwrap(&*self.key(kek)?, kek, key, nonce, wrapped)
            .ok_or_else(|| format!("the data key {key} does not open under its key-encryption key"))
    }

    fn tag(&self, text: &str) -> [u8; 32] {
        keyed_hash(self.ring.tags.as_bytes(), text.as_bytes())
    }
}
