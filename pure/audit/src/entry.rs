//! An entry represents one record in the tree. It reveals nothing of the content without a key, and binds all of it.
//!
//! | bytes | what |
//! |---|---|
//! | 4 | `CSR2`, the format |
//! | 8 | the record's number, from 0 |
//! | 8 | when it was made, milliseconds since 1970 |
//! | 8 | the number of the data key |
//! | 4 | the number of the key-encryption key that the data key was wrapped with |
//! | 4 | length of the encrypted payload in bytes |
//! | 12 | nonce |
//! | 32 | SHA-256 of the encrypted payload |
//! | 32 | commitment to the content |
//!
//! Numbers are big-endian.

use sha2::{Digest as _, Sha256};

use crate::tree::{Hash, Tree};

/// The length of an entry.
pub const ENTRY_BYTES: usize = 112;

const FORMAT: [u8; 4] = *b"CSR2";

/// One record in its place, without its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its number; the first is 0.
    pub seq: u64,
    /// When it was made, milliseconds since 1970.
    pub at_ms: u64,
    /// The data key that its payload is encrypted with.
    pub key: u64,
    /// The key that the data key was wrapped with when it was made.
    pub kek: u32,
    /// Length of the encrypted payload.
    pub length: u32,
    /// The nonce of the encryption.
    pub nonce: [u8; 12],
    /// SHA-256 of the encrypted payload.
    pub ciphertext: Hash,
    /// SHA-256 over a salt and the content; see [`crate::commitment`].
    pub commitment: Hash,
}

impl Entry {
    /// The bytes that are stored and hashed.
    pub fn to_bytes(&self) -> [u8; ENTRY_BYTES] {
        let mut bytes = [0; ENTRY_BYTES];
        let mut at: &mut [u8] = &mut bytes;
        for part in [
            &FORMAT[..],
            &self.seq.to_be_bytes(),
            &self.at_ms.to_be_bytes(),
            &self.key.to_be_bytes(),
            &self.kek.to_be_bytes(),
            &self.length.to_be_bytes(),
            &self.nonce,
            &self.ciphertext,
            &self.commitment,
        ] {
            let (here, rest) = at.split_at_mut(part.len());
            here.copy_from_slice(part);
            at = rest;
        }
        bytes
    }

    /// Reads an entry; nothing for another format.
    pub fn from_bytes(bytes: &[u8; ENTRY_BYTES]) -> Option<Self> {
        let rest = bytes.strip_prefix(&FORMAT)?;
        let (seq, rest) = rest.split_first_chunk()?;
        let (at_ms, rest) = rest.split_first_chunk()?;
        let (key, rest) = rest.split_first_chunk()?;
        let (kek, rest) = rest.split_first_chunk()?;
        let (length, rest) = rest.split_first_chunk()?;
        let (nonce, rest) = rest.split_first_chunk()?;
        let (ciphertext, rest) = rest.split_first_chunk()?;
        let commitment = rest.try_into().ok()?;
        Some(Self {
            seq: u64::from_be_bytes(*seq),
            at_ms: u64::from_be_bytes(*at_ms),
            key: u64::from_be_bytes(*key),
            kek: u32::from_be_bytes(*kek),
            length: u32::from_be_bytes(*length),
            nonce: *nonce,
            ciphertext: *ciphertext,
            commitment,
        })
    }

    /// Its leaf in the tree.
    pub fn leaf(&self) -> Hash {
        Tree::leaf_hash(&self.to_bytes())
    }

    /// Whether these bytes are its encrypted payload.
    pub fn is_payload(&self, ciphertext: &[u8]) -> bool {
        usize::try_from(self.length) == Ok(ciphertext.len())
            && <[u8; 32]>::from(Sha256::digest(ciphertext)) == self.ciphertext
    }
}

#[cfg(test)]
mod tests {
    use super::{ENTRY_BYTES, Entry};

    #[test]
    fn every_byte_of_an_entry_is_read_back() {
        let mut bytes = *b"CSR2____________________________________________________________________________________________________________";
        for (at, byte) in bytes.iter_mut().enumerate().skip(4) {
            *byte = u8::try_from(at).unwrap();
        }
        let entry = Entry::from_bytes(&bytes).unwrap();
        assert_eq!(entry.to_bytes(), bytes);
        for at in 0..ENTRY_BYTES {
            let mut other = bytes;
            other[at] ^= 1;
            assert_ne!(Entry::from_bytes(&other), Some(entry), "{at}");
        }
    }
}
