//! Receipts: proof that a record is durable. The log makes the proof; only a checked proof becomes a [`Receipt`].

use std::fmt;

use data_encoding::HEXLOWER;
use serde_json::{Value, json};

use crate::checkpoint::LogVerifier;
use crate::record::{Draft, Entry};
use crate::tree::{Hash, Tree, root_from_inclusion};

/// What the log answers to an append, unchecked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiptProof {
    /// The record's number.
    pub seq: u64,
    /// The leaf hash of the record before it.
    pub previous: Hash,
    /// The audit path from the record to the checkpoint's root.
    pub path: Vec<Hash>,
    /// The signed checkpoint.
    pub note: String,
}

/// Proof, checked, that one record is durable in the log. It names the record by its hash and cannot serve another.
///
/// ```
/// fn checked(proof: audit::ReceiptProof, draft: &audit::Draft, log: &audit::LogVerifier) -> Option<audit::Receipt> {
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
/// let receipt = audit::Receipt { seq: 0, leaf: [0; 32], body: serde_json::Value::Null, note: String::new() };
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
    body: Value,
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
            "seq": self.seq, "prev": HEXLOWER.encode(&self.previous), "note": self.note,
            "path": self.path.iter().map(|hash| HEXLOWER.encode(hash)).collect::<Vec<_>>(),
        })
    }

    /// From JSON.
    pub fn from_value(value: &Value) -> Option<Self> {
        let hash = |text: &Value| -> Option<Hash> { HEXLOWER.decode(text.as_str()?.as_bytes()).ok()?.try_into().ok() };
        Some(Self {
            seq: value.get("seq")?.as_u64()?,
            previous: hash(value.get("prev")?)?,
            path: value.get("path")?.as_array()?.iter().map(hash).collect::<Option<_>>()?,
            note: value.get("note")?.as_str()?.to_owned(),
        })
    }
}

impl Receipt {
    /// Checks that the log signed a tree in which exactly this draft stands at the place the proof names.
    pub fn check(proof: ReceiptProof, draft: &Draft, log: &LogVerifier) -> Result<Self, Unproved> {
        let checkpoint = log.open(&proof.note).map_err(|_| Unproved("no signature of the log"))?;
        let entry = Entry { seq: proof.seq, previous: proof.previous, draft: draft.clone() };
        let leaf = Tree::leaf_hash(&entry.to_bytes());
        let root = root_from_inclusion(leaf, proof.seq, checkpoint.size, &proof.path)
            .ok_or(Unproved("the path has the wrong length"))?;
        if root != checkpoint.root {
            return Err(Unproved("the record is not in the signed tree"));
        }
        Ok(Self { seq: proof.seq, leaf, body: entry.draft.body, note: proof.note })
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
    pub const fn body(&self) -> &Value {
        &self.body
    }

    /// The signed checkpoint it rests on; worth keeping as a pin against a log that is cut short later.
    pub fn note(&self) -> &str {
        &self.note
    }
}

#[cfg(test)]
mod tests {
    use super::{Receipt, ReceiptProof};
    use crate::{Draft, Entry, LogKey, RecordKind, Tree};
    use serde_json::json;

    #[test]
    fn a_receipt_serves_its_own_record_only() {
        let key = LogKey::new("log", &[1; 32]);
        let draft = Draft { kind: RecordKind::Decision, at_ms: 5, body: json!({"verdict": "allow"}) };
        let entry = Entry { seq: 0, previous: [0; 32], draft: draft.clone() };
        let mut tree = Tree::default();
        tree.push(Tree::leaf_hash(&entry.to_bytes()));
        let proof = ReceiptProof { seq: 0, previous: [0; 32], path: vec![], note: key.sign(1, tree.root()) };
        assert!(Receipt::check(proof.clone(), &draft, &key.verifier()).is_ok());
        let other = Draft { body: json!({"verdict": "deny"}), ..draft.clone() };
        assert!(Receipt::check(proof.clone(), &other, &key.verifier()).is_err());
        let stranger = LogKey::new("log", &[2; 32]).verifier();
        assert!(Receipt::check(proof, &draft, &stranger).is_err());
    }
}
