//! Receipts: proof that a record is durable. The log makes the proof; only a checked proof becomes a [`Receipt`].

use std::fmt;

use data_encoding::HEXLOWER;
use record::{Draft, Event};
use serde_json::{Value, json};

use crate::checkpoint::LogVerifier;
use crate::entry::{ENTRY_BYTES, Entry};
use crate::envelope::commitment;
use crate::proof::root_from_inclusion;
use crate::tree::{Hash, Tree};

/// What the log answers to an append, unchecked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiptProof {
    /// The record's entry.
    pub entry: [u8; ENTRY_BYTES],
    /// The salt of its commitment.
    pub salt: Hash,
    /// The audit path from the entry to the checkpoint's root.
    pub path: Vec<Hash>,
    /// The signed checkpoint.
    pub note: String,
}

/// Proof, checked, that one record is durable in the log. It names the record by its hash and cannot serve another.
///
/// ```
/// fn checked(proof: audit::ReceiptProof, draft: record::Draft, log: &audit::LogVerifier) -> Option<audit::Receipt> {
///     audit::Receipt::check(proof, draft, log).ok()
/// }
/// ```
///
/// It exists only where the log's signature was checked:
///
/// ```compile_fail
/// fn copied(receipt: &audit::Receipt) -> audit::Receipt {
///     receipt.clone()
/// }
/// ```
///
/// ```compile_fail
/// let receipt: audit::Receipt = Default::default();
/// ```
///
/// ```compile_fail
/// let receipt = audit::Receipt { seq: 0, leaf: [0; 32], event: unreachable!(), note: String::new() };
/// ```
///
/// ```compile_fail
/// let receipt: audit::Receipt = serde_json::from_str("{}").unwrap();
/// ```
#[derive(Debug)]
#[must_use]
pub struct Receipt {
    seq: u64,
    leaf: Hash,
    event: Event,
    note: String,
}

/// Why a proof proves nothing.
#[derive(Debug, PartialEq, Eq)]
pub struct Unproved(pub &'static str);

impl fmt::Display for Unproved {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "the log's receipt proves nothing: {}", self.0)
    }
}

impl std::error::Error for Unproved {}

impl ReceiptProof {
    /// As JSON.
    pub fn to_value(&self) -> Value {
        json!({
            "entry": HEXLOWER.encode(&self.entry), "salt": HEXLOWER.encode(&self.salt), "note": self.note,
            "path": self.path.iter().map(|hash| HEXLOWER.encode(hash)).collect::<Vec<_>>(),
        })
    }

    /// From JSON.
    pub fn from_value(value: &Value) -> Option<Self> {
        let bytes = |text: &Value| HEXLOWER.decode(text.as_str()?.as_bytes()).ok();
        let hash = |text: &Value| -> Option<Hash> { bytes(text)?.try_into().ok() };
        Some(Self {
            entry: bytes(value.get("entry")?)?.try_into().ok()?,
            salt: hash(value.get("salt")?)?,
            path: value.get("path")?.as_array()?.iter().map(hash).collect::<Option<_>>()?,
            note: value.get("note")?.as_str()?.to_owned(),
        })
    }

    /// Checks that the log signed a tree in which a record with exactly this content is, and gives its entry. This is
    /// all that is needed to prove one record to a verifier without a key.
    pub fn check(&self, content: &[u8], log: &LogVerifier) -> Result<Entry, Unproved> {
        let checkpoint = log.open(&self.note).map_err(|_| Unproved("no signature of the log"))?;
        let entry = Entry::from_bytes(&self.entry).ok_or(Unproved("the entry cannot be read"))?;
        if commitment(&self.salt, content) != entry.commitment {
            return Err(Unproved("the entry commits to another content"));
        }
        let root = root_from_inclusion(Tree::leaf_hash(&self.entry), entry.seq, checkpoint.size, &self.path)
            .ok_or(Unproved("the path has the wrong length"))?;
        if root == checkpoint.root { Ok(entry) } else { Err(Unproved("the record is not in the signed tree")) }
    }
}

impl Receipt {
    /// Checks that the log signed a tree that contains exactly this draft.
    pub fn check(proof: ReceiptProof, draft: Draft, log: &LogVerifier) -> Result<Self, Unproved> {
        let entry = proof.check(&draft.content(), log)?;
        if entry.at_ms != draft.at_ms {
            return Err(Unproved("the entry is of another time"));
        }
        Ok(Self { seq: entry.seq, leaf: Tree::leaf_hash(&proof.entry), event: draft.event, note: proof.note })
    }

    /// The record's number.
    pub const fn seq(&self) -> u64 {
        self.seq
    }

    /// The record's leaf hash.
    pub const fn leaf(&self) -> &Hash {
        &self.leaf
    }

    /// What the durable record says.
    pub const fn event(&self) -> &Event {
        &self.event
    }

    /// The signed checkpoint it rests on; worth keeping as a pin against a log that is cut short later.
    pub fn note(&self) -> &str {
        &self.note
    }
}

#[cfg(test)]
mod tests {
    use super::Receipt;
    use crate::{DataKey, Incoming, LogKey, Sequencer, Tree};
    use record::{Change, Draft, Event};

    #[test]
    fn a_receipt_serves_its_own_record_only() {
        let key = LogKey::new("log", &[1; 32]);
        let verifier = key.verifier();
        let set = |flag: &str| Event::Change(Change::FlagSet { flag: flag.to_owned(), by: "rita".to_owned() });
        let draft = Draft { at_ms: 5, scope: "s".to_owned(), event: set("freeze") };
        let mut log = Sequencer::resume(key, Tree::default());
        let data_key = DataKey::new(&[3; 32]);
        let content = draft.content();
        let one = |nonce| Incoming { content: &content, at_ms: 5, key: (&data_key, 1, 1), nonce };
        let (batch, proofs) = log.place(&[one([1; 12]), one([2; 12]), one([3; 12])]).unwrap();
        assert_eq!((batch.entries.len(), log.size()), (3, 3));
        for (seq, proof) in (0..).zip(proofs) {
            let receipt = Receipt::check(proof.clone(), draft.clone(), &verifier).unwrap();
            assert_eq!(receipt.seq(), seq);
            let other = Draft { event: set("thaw"), ..draft.clone() };
            assert!(Receipt::check(proof.clone(), other, &verifier).is_err());
            let stranger = LogKey::new("log", &[2; 32]).verifier();
            assert!(Receipt::check(proof.clone(), draft.clone(), &stranger).is_err());
            let mut moved = proof.clone();
            moved.entry[11] ^= 1;
            assert!(Receipt::check(moved, draft.clone(), &verifier).is_err());
        }
    }
}
