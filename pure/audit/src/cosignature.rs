//! Witnesses: a third party's signature that it saw a checkpoint, and that every later one continues from it. Cosignatures are
//! those of C2SP `tlog-cosignature` (<https://c2sp.org/tlog-cosignature>), the protocol that of C2SP `tlog-witness`
//! (<https://c2sp.org/tlog-witness>).

use data_encoding::BASE64;
use ed25519_dalek::{Signature, Signer as _, SigningKey, Verifier as _, VerifyingKey};
use sha2::{Digest as _, Sha256};

use crate::checkpoint::{Checkpoint, LogVerifier};
use crate::proof::is_consistent;
use crate::tree::Hash;

/// The algorithm byte of timestamped Ed25519 cosignatures.
const COSIGNATURE: u8 = 4;

/// The most hashes in a proof of consistency: no tree has more levels.
const MAX_PROOF: usize = 63;

/// The key of a witness.
pub struct WitnessKey {
    name: String,
    key: SigningKey,
}

/// The public half.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WitnessVerifier {
    name: String,
    key: VerifyingKey,
}

impl WitnessKey {
    /// A key from its 32 secret bytes.
    pub fn new(name: &str, secret: &[u8; 32]) -> Self {
        Self { name: name.to_owned(), key: SigningKey::from_bytes(secret) }
    }

    /// What others need to check its cosignatures.
    pub fn verifier(&self) -> WitnessVerifier {
        WitnessVerifier { name: self.name.clone(), key: self.key.verifying_key() }
    }

    /// The line that says that this witness saw a note's text at a time (seconds since 1970).
    pub fn cosign(&self, note: &str, time: u64) -> Option<String> {
        let text = text_of(note)?;
        let signature = self.key.sign(message(text, time).as_bytes());
        let mut bytes = key_id(&self.name, &self.key.verifying_key()).to_vec();
        bytes.extend_from_slice(&time.to_be_bytes());
        bytes.extend_from_slice(&signature.to_bytes());
        Some(format!("\u{2014} {} {}\n", self.name, BASE64.encode(&bytes)))
    }
}

impl WitnessVerifier {
    /// The verifier key, `name+id+base64`.
    pub fn to_text(&self) -> String {
        let mut bytes = vec![COSIGNATURE];
        bytes.extend_from_slice(self.key.as_bytes());
        let id = data_encoding::HEXLOWER.encode(&key_id(&self.name, &self.key));
        format!("{}+{id}+{}", self.name, BASE64.encode(&bytes))
    }

    /// Reads the form that [`Self::to_text`] writes.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.trim().splitn(3, '+');
        let (name, id, key) = (parts.next()?, parts.next()?, parts.next()?);
        let bytes = BASE64.decode(key.as_bytes()).ok()?;
        let (algorithm, key) = bytes.split_first()?;
        let key = VerifyingKey::from_bytes(key.try_into().ok()?).ok()?;
        let fits = *algorithm == COSIGNATURE && data_encoding::HEXLOWER.encode(&key_id(name, &key)) == id;
        fits.then(|| Self { name: name.to_owned(), key })
    }

    /// When this witness saw a note, if it says so and its word holds. Seconds since 1970.
    pub fn seen_at(&self, note: &str) -> Option<u64> {
        let text = text_of(note)?;
        let id = key_id(&self.name, &self.key);
        let (_, signatures) = note.split_once("\n\n")?;
        signatures.lines().find_map(|line| {
            let (name, encoded) = line.strip_prefix("\u{2014} ")?.split_once(' ')?;
            let bytes = BASE64.decode(encoded.as_bytes()).ok()?;
            let (signer, rest) = bytes.split_first_chunk::<4>()?;
            let (time, signature) = rest.split_first_chunk::<8>()?;
            if name != self.name || *signer != id {
                return None;
            }
            let time = u64::from_be_bytes(*time);
            let signature = Signature::from_slice(signature).ok()?;
            self.key.verify(message(text, time).as_bytes(), &signature).ok().map(|()| time)
        })
    }
}

fn message(text: &str, time: u64) -> String {
    format!("cosignature/v1\ntime {time}\n{text}")
}

/// The signed text of a note, with its last newline.
fn text_of(note: &str) -> Option<&str> {
    note.get(..note.find("\n\n")?.checked_add(1)?)
}

fn key_id(name: &str, key: &VerifyingKey) -> [u8; 4] {
    let mut hasher = Sha256::new();
    hasher.update(name.as_bytes());
    hasher.update([b'\n', COSIGNATURE]);
    hasher.update(key.as_bytes());
    let [a, b, c, d, ..] = <[u8; 32]>::from(hasher.finalize());
    [a, b, c, d]
}

/// What a witness is asked: to go on from `old` records to a note's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddCheckpoint {
    /// The size that the witness saw last.
    pub old: u64,
    /// The proof that the note's tree goes on from there.
    pub proof: Vec<Hash>,
    /// The signed checkpoint.
    pub note: String,
}

/// What a witness answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Witnessed {
    /// It saw it: the checkpoint to remember before the cosignature leaves.
    PeerCredentials(Checkpoint),
    /// The request makes no sense (400).
    Malformed,
    /// The note is of a log that it does not know, or is not signed by it (403).
    Unknown,
    /// It saw another size last, or another tree of this size (409).
    Conflict(u64),
    /// The log does not go on from what it saw: a split view (422).
    Split,
}

impl AddCheckpoint {
    /// The body of the request.
    pub fn to_text(&self) -> String {
        let proof: String = self.proof.iter().map(|hash| format!("{}\n", BASE64.encode(hash))).collect();
        format!("old {}\n{proof}\n{}", self.old, self.note)
    }

    /// Reads a body.
    pub fn parse(body: &str) -> Option<Self> {
        let (head, note) = body.split_once("\n\n")?;
        let mut lines = head.split('\n');
        let number = lines.next()?.strip_prefix("old ")?;
        let old: u64 = number.parse().ok().filter(|old: &u64| old.to_string() == number)?;
        let hash = |line: &str| -> Option<Hash> { BASE64.decode(line.as_bytes()).ok()?.try_into().ok() };
        let proof: Vec<Hash> = lines.map(hash).collect::<Option<_>>()?;
        (proof.len() <= MAX_PROOF).then(|| Self { old, proof, note: note.to_owned() })
    }

    /// What a witness that knows these logs, and saw `last` of each of them, says to this.
    pub fn judge(&self, logs: &[LogVerifier], last: impl Fn(&str) -> Option<Checkpoint>) -> Witnessed {
        let Some((log, checkpoint)) = logs.iter().find_map(|log| Some((log, log.open(&self.note).ok()?))) else {
            return Witnessed::Unknown;
        };
        if self.old > checkpoint.size {
            return Witnessed::Malformed;
        }
        let seen = last(log.origin());
        let size = seen.as_ref().map_or(0, |seen| seen.size);
        if self.old != size {
            return Witnessed::Conflict(size);
        }
        let Some(seen) = seen.filter(|seen| seen.size > 0) else {
            return if self.proof.is_empty() { Witnessed::PeerCredentials(checkpoint) } else { Witnessed::Malformed };
        };
        if seen.size == checkpoint.size && seen.root != checkpoint.root {
            return Witnessed::Conflict(size);
        }
        if is_consistent(seen.size, &seen.root, checkpoint.size, &checkpoint.root, &self.proof) {
            Witnessed::PeerCredentials(checkpoint)
        } else {
            Witnessed::Split
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{AddCheckpoint, WitnessKey, WitnessVerifier, Witnessed};
    use crate::{LogKey, Tree, proof};

    #[test]
    fn a_cosignature_holds_for_its_note_and_witness() {
        let key = WitnessKey::new("witness.example/one", &[3; 32]);
        let note = LogKey::new("log", &[1; 32]).sign(3, [5; 32]);
        let both = format!("{note}{}", key.cosign(&note, 1_700_000_000).unwrap());
        let verifier = WitnessVerifier::parse(&key.verifier().to_text()).unwrap();
        assert_eq!(verifier.seen_at(&both), Some(1_700_000_000));
        assert_eq!(verifier.seen_at(&note), None);
        assert_eq!(verifier.seen_at(&both.replacen("\n3\n", "\n4\n", 1)), None);
        assert!(LogKey::new("log", &[1; 32]).verifier().open(&both).is_ok(), "the log's own signature still holds");
        assert_eq!(WitnessKey::new("witness.example/two", &[3; 32]).verifier().seen_at(&both), None);
    }

    #[test]
    fn a_witness_goes_on_only_with_the_same_log() {
        let (key, mut tree, mut fork) = (LogKey::new("log", &[1; 32]), Tree::default(), Tree::default());
        for leaf in 0_u8..20 {
            tree.push([leaf; 32]);
            fork.push([leaf.max(9); 32]);
        }
        let logs = [key.verifier()];
        let of = |tree: &Tree, size: u64| key.sign(size, proof::root(tree, size).unwrap());
        let first = AddCheckpoint { old: 0, proof: vec![], note: of(&tree, 7) };
        let first = AddCheckpoint::parse(&first.to_text()).unwrap();
        let Witnessed::PeerCredentials(seen) = first.judge(&logs, |_| None) else { panic!("not seen") };
        let ask = |tree: &Tree, old, new| AddCheckpoint {
            old,
            proof: proof::consistency(tree, old, new).unwrap(),
            note: of(tree, new),
        };
        let said =
            |ask: AddCheckpoint| AddCheckpoint::parse(&ask.to_text()).unwrap().judge(&logs, |_| Some(seen.clone()));
        assert!(matches!(said(ask(&tree, 7, 20)), Witnessed::PeerCredentials(checkpoint) if checkpoint.size == 20));
        assert!(matches!(said(ask(&tree, 7, 7)), Witnessed::PeerCredentials(_)));
        assert_eq!(said(ask(&fork, 7, 20)), Witnessed::Split);
        assert_eq!(said(ask(&fork, 7, 7)), Witnessed::Conflict(7), "as tlog-witness says");
        assert_eq!(said(ask(&tree, 6, 20)), Witnessed::Conflict(7));
        let stranger = LogKey::new("log", &[2; 32]).sign(20, tree.root());
        assert_eq!(said(AddCheckpoint { note: stranger, ..ask(&tree, 7, 20) }), Witnessed::Unknown);
    }
}
