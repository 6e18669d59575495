//! Signed checkpoints: the log's name, size and root (C2SP `tlog-checkpoint`), signed as a C2SP `signed-note` with
//! Ed25519 (RFC 8032).

use std::fmt;

use data_encoding::BASE64;
use ed25519_dalek::{Signature, Signer as _, SigningKey, Verifier as _, VerifyingKey};
use sha2::{Digest as _, Sha256};

use crate::tree::Hash;

/// The algorithm byte of Ed25519 in signed notes.
const ED25519: u8 = 1;

/// The log's size and root at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log's name.
    pub origin: String,
    /// Number of records.
    pub size: u64,
    /// Root over them.
    pub root: Hash,
}

/// A note that could not be read or does not carry the log's signature.
#[derive(Debug, PartialEq, Eq)]
pub enum MalformedNote {
    /// The text is not a checkpoint.
    Text,
    /// No signature by this log's key.
    Unsigned,
    /// A signature by this log's key that does not fit.
    Forged,
}

impl fmt::Display for MalformedNote {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Text => "the text is not a checkpoint",
            Self::Unsigned => "the checkpoint carries no signature by this log's key",
            Self::Forged => "the signature does not fit the checkpoint",
        })
    }
}

impl std::error::Error for MalformedNote {}

/// The key that signs checkpoints. It belongs to `countersign-logd` alone.
pub struct LogKey {
    origin: String,
    key: SigningKey,
}

impl LogKey {
    /// A key from its 32 secret bytes.
    pub fn new(origin: &str, secret: &[u8; 32]) -> Self {
        Self { origin: origin.to_owned(), key: SigningKey::from_bytes(secret) }
    }

    /// What others need to check its signatures.
    pub fn verifier(&self) -> LogVerifier {
        LogVerifier { origin: self.origin.clone(), key: self.key.verifying_key() }
    }

    /// A signed checkpoint.
    pub fn sign(&self, size: u64, root: Hash) -> String {
        let checkpoint = Checkpoint { origin: self.origin.clone(), size, root };
        let text = checkpoint.text();
        let signature = self.key.sign(text.as_bytes());
        let mut bytes = key_id(&self.origin, &self.key.verifying_key()).to_vec();
        bytes.extend_from_slice(&signature.to_bytes());
        format!("{text}\n\u{2014} {} {}\n", self.origin, BASE64.encode(&bytes))
    }
}

/// The public half: origin and key, as in `origin+keyid+base64(algorithm ‖ key)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogVerifier {
    origin: String,
    key: VerifyingKey,
}

impl LogVerifier {
    /// The verifier key in the form of C2SP `signed-note`.
    pub fn to_text(&self) -> String {
        let mut bytes = vec![ED25519];
        bytes.extend_from_slice(self.key.as_bytes());
        let id = data_encoding::HEXLOWER.encode(&key_id(&self.origin, &self.key));
        format!("{}+{}+{}", self.origin, id, BASE64.encode(&bytes))
    }

    /// Reads the form that [`Self::to_text`] writes; the key id must fit.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.trim().splitn(3, '+');
        let (origin, id, key) = (parts.next()?, parts.next()?, parts.next()?);
        let bytes = BASE64.decode(key.as_bytes()).ok()?;
        let (algorithm, key) = bytes.split_first()?;
        if *algorithm != ED25519 {
            return None;
        }
        let key = VerifyingKey::from_bytes(key.try_into().ok()?).ok()?;
        let ours = data_encoding::HEXLOWER.encode(&key_id(origin, &key));
        (ours == id).then(|| Self { origin: origin.to_owned(), key })
    }

    /// The log's name.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Opens a signed note: the checkpoint, if this log signed it.
    pub fn open(&self, note: &str) -> Result<Checkpoint, MalformedNote> {
        let (text, signatures) = note.split_once("\n\n").ok_or(MalformedNote::Text)?;
        let text = format!("{text}\n");
        let id = key_id(&self.origin, &self.key);
        let mut verdict = Err(MalformedNote::Unsigned);
        // Every line has its end, the last one too (C2SP `signed-note`).
        for line in signatures.strip_suffix('\n').ok_or(MalformedNote::Text)?.split('\n') {
            let Some(rest) = line.strip_prefix("\u{2014} ") else { return Err(MalformedNote::Text) };
            let Some((name, encoded)) = rest.split_once(' ') else { return Err(MalformedNote::Text) };
            let Ok(bytes) = BASE64.decode(encoded.as_bytes()) else { return Err(MalformedNote::Text) };
            let Some((signer, signature)) = bytes.split_first_chunk::<4>() else {
                return Err(MalformedNote::Text);
            };
            if name != self.origin || *signer != id {
                continue;
            }
            let signature = Signature::from_slice(signature).map_err(|_| MalformedNote::Text)?;
            self.key.verify(text.as_bytes(), &signature).map_err(|_| MalformedNote::Forged)?;
            verdict = Ok(());
        }
        verdict?;
        let checkpoint = Checkpoint::parse(&text).ok_or(MalformedNote::Text)?;
        if checkpoint.origin == self.origin { Ok(checkpoint) } else { Err(MalformedNote::Unsigned) }
    }
}

impl Checkpoint {
    fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, BASE64.encode(&self.root))
    }

    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        let (origin, size, root) = (lines.next()?, lines.next()?, lines.next()?);
        let number: u64 = size.parse().ok()?;
        let root: Hash = BASE64.decode(root.as_bytes()).ok()?.try_into().ok()?;
        // The size has one spelling: no sign, no leading zero.
        (number.to_string() == size).then(|| Self { origin: origin.to_owned(), size: number, root })
    }
}

/// C2SP `signed-note`: the first four bytes of SHA-256(name ‖ 0x0A ‖ algorithm ‖ public key).
fn key_id(origin: &str, key: &VerifyingKey) -> [u8; 4] {
    let mut hasher = Sha256::new();
    hasher.update(origin.as_bytes());
    hasher.update([b'\n', ED25519]);
    hasher.update(key.as_bytes());
    let [a, b, c, d, ..] = <[u8; 32]>::from(hasher.finalize());
    [a, b, c, d]
}

#[cfg(test)]
mod tests {
    use super::{LogKey, LogVerifier, MalformedNote};

    #[test]
    fn a_note_opens_for_its_log_and_for_no_other() {
        let key = LogKey::new("example.org/log", &[7; 32]);
        let note = key.sign(3, [5; 32]);
        let verifier = LogVerifier::parse(&key.verifier().to_text()).unwrap();
        let opened = verifier.open(&note).unwrap();
        assert_eq!((opened.size, opened.root), (3, [5; 32]));
        assert_eq!(verifier.open(&note.replace("\n3\n", "\n4\n")), Err(MalformedNote::Forged));
        let other = LogKey::new("example.org/log", &[8; 32]).verifier();
        assert_eq!(other.open(&note), Err(MalformedNote::Unsigned));
    }
}
