//! Encryption of contents: AES-256-GCM (NIST SP 800-38D) under a data key, and a commitment that lets a holder of the key show
//! one record's content to others without giving the key away.

use aes_gcm::aead::{Aead as _, KeyInit as _, Payload};
use aes_gcm::{Aes256Gcm, Key, Nonce};
use hmac::{Hmac, Mac as _};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::tree::Hash;

/// Bytes that encryption adds.
pub const TAG_BYTES: usize = 16;

/// The place that a payload is bound to: it cannot be moved to another record.
#[derive(Clone, Copy, Debug)]
pub struct RecordPosition {
    /// The record's number.
    pub seq: u64,
    /// When it was made.
    pub at_ms: u64,
    /// The nonce; never used twice with one key.
    pub nonce: [u8; 12],
}

/// A key for the contents of one session's records. Its secret is wiped when it is dropped.
pub struct DataKey {
    cipher: Aes256Gcm,
    commit: Zeroizing<[u8; 32]>,
    record: Zeroizing<[u8; 32]>,
}

impl DataKey {
    /// The key of a secret. Encryption, commitment and recordings each have a key of their own (HKDF-Expand, RFC 5869 §2.3).
    pub fn new(secret: &[u8; 32]) -> Self {
        let encrypt = Zeroizing::new(expand(secret, b"countersign/record/encrypt/v2"));
        let commit = Zeroizing::new(expand(secret, b"countersign/record/commit/v2"));
        let record = Zeroizing::new(expand(secret, b"countersign/record/recording/v1"));
        Self { cipher: Aes256Gcm::new(Key::<Aes256Gcm>::from_slice(encrypt.as_slice())), commit, record }
    }

    /// The key of a recording of the session, by the recording's id and head.
    pub(crate) fn recording(&self, id: &str, head: &[u8]) -> [u8; 32] {
        mac(self.record.as_slice(), &[head, id.as_bytes()].concat())
    }

    /// Encrypts a content for its place. Nothing only where the content is longer than AES-GCM can take.
    pub fn seal(&self, place: &RecordPosition, content: &[u8]) -> Option<Vec<u8>> {
        let aad = aad(place);
        self.cipher.encrypt(Nonce::from_slice(&place.nonce), Payload { msg: content, aad: &aad }).ok()
    }

    /// Decrypts a payload, if it was sealed with this key for this place.
    pub fn open(&self, place: &RecordPosition, payload: &[u8]) -> Option<Vec<u8>> {
        let aad = aad(place);
        self.cipher.decrypt(Nonce::from_slice(&place.nonce), Payload { msg: payload, aad: &aad }).ok()
    }

    /// The salt of a record's commitment. It tells nothing of other records.
    pub fn salt(&self, place: &RecordPosition) -> Hash {
        let mut message = b"countersign/salt/v2".to_vec();
        message.extend_from_slice(&aad(place));
        message.extend_from_slice(&place.nonce);
        mac(self.commit.as_slice(), &message)
    }
}

/// What an entry commits to: SHA-256 over a domain, a salt of 32 bytes, and the content.
pub fn commitment(salt: &Hash, content: &[u8]) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update(b"countersign/commitment/v2\n");
    hasher.update(salt);
    hasher.update(content);
    hasher.finalize().into()
}

/// A keyed hash: tells a holder of the key whether two values are the same, and others nothing.
pub fn keyed_hash(key: &[u8], message: &[u8]) -> Hash {
    mac(key, message)
}

fn aad(place: &RecordPosition) -> [u8; 16] {
    let mut bytes = [0; 16];
    let (seq, at) = bytes.split_at_mut(8);
    seq.copy_from_slice(&place.seq.to_be_bytes());
    at.copy_from_slice(&place.at_ms.to_be_bytes());
    bytes
}

/// HKDF-Expand for one block: HMAC(secret, info ‖ 0x01).
fn expand(secret: &[u8; 32], info: &[u8]) -> [u8; 32] {
    let mut message = info.to_vec();
    message.push(1);
    mac(secret, &message)
}

fn mac(key: &[u8], message: &[u8]) -> [u8; 32] {
    // HMAC takes a key of any length; the error type is the trait's.
    let Ok(mut mac) = <Hmac<Sha256> as hmac::Mac>::new_from_slice(key) else { return [0; 32] };
    mac.update(message);
    mac.finalize().into_bytes().into()
}

/// Wraps a data key's secret: AES-256-GCM under a key-encryption key, bound to both numbers.
pub fn wrap(kek: &[u8; 32], kek_number: u32, key_number: u64, nonce: [u8; 12], secret: &[u8; 32]) -> Option<[u8; 48]> {
    let cipher = Aes256Gcm::new(Key::<Aes256Gcm>::from_slice(kek));
    let aad = wrap_aad(kek_number, key_number);
    cipher.encrypt(Nonce::from_slice(&nonce), Payload { msg: secret, aad: &aad }).ok()?.try_into().ok()
}

/// Unwraps what [`wrap`] made with the same keys and numbers.
pub fn unwrap(
    kek: &[u8; 32],
    kek_number: u32,
    key_number: u64,
    nonce: [u8; 12],
    wrapped: &[u8; 48],
) -> Option<Zeroizing<[u8; 32]>> {
    let cipher = Aes256Gcm::new(Key::<Aes256Gcm>::from_slice(kek));
    let aad = wrap_aad(kek_number, key_number);
    let secret = Zeroizing::new(cipher.decrypt(Nonce::from_slice(&nonce), Payload { msg: wrapped, aad: &aad }).ok()?);
    Some(Zeroizing::new(secret.as_slice().try_into().ok()?))
}

fn wrap_aad(kek_number: u32, key_number: u64) -> Vec<u8> {
    let mut bytes = b"countersign/data-key/v2".to_vec();
    bytes.extend_from_slice(&kek_number.to_be_bytes());
    bytes.extend_from_slice(&key_number.to_be_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::{DataKey, RecordPosition, commitment, unwrap, wrap};

    const PLACE: RecordPosition = RecordPosition { seq: 7, at_ms: 8, nonce: [9; 12] };

    #[test]
    fn a_payload_opens_with_its_key_in_its_place_alone() {
        let key = DataKey::new(&[1; 32]);
        let sealed = key.seal(&PLACE, b"content").unwrap();
        assert_eq!(key.open(&PLACE, &sealed).unwrap(), b"content");
        assert_eq!(DataKey::new(&[2; 32]).open(&PLACE, &sealed), None);
        for other in [
            RecordPosition { seq: 6, ..PLACE },
            RecordPosition { at_ms: 9, ..PLACE },
            RecordPosition { nonce: [8; 12], ..PLACE },
        ] {
            assert_eq!(key.open(&other, &sealed), None);
            assert_ne!(key.salt(&other), key.salt(&PLACE));
        }
        assert!(!sealed.windows(7).any(|window| window == b"content"));
    }

    #[test]
    fn a_commitment_is_to_one_content_with_one_salt() {
        let salt = DataKey::new(&[1; 32]).salt(&PLACE);
        assert_ne!(commitment(&salt, b"a"), commitment(&salt, b"b"));
        assert_ne!(commitment(&salt, b"a"), commitment(&[0; 32], b"a"));
    }

    #[test]
    fn a_wrapped_key_opens_under_its_own_numbers_alone() {
        let wrapped = wrap(&[3; 32], 1, 2, [4; 12], &[5; 32]).unwrap();
        assert_eq!(unwrap(&[3; 32], 1, 2, [4; 12], &wrapped).map(|it| *it), Some([5; 32]));
        assert!(unwrap(&[3; 32], 2, 2, [4; 12], &wrapped).is_none());
        assert!(unwrap(&[3; 32], 1, 3, [4; 12], &wrapped).is_none());
        assert!(unwrap(&[6; 32], 1, 2, [4; 12], &wrapped).is_none());
    }
}
