//! Giving records their place: from contents to entries, payloads and a signed checkpoint.

use crate::checkpoint::LogKey;
use crate::entry::{ENTRY_BYTES, Entry};
use crate::envelope::{DataKey, RecordPosition, commitment};
use crate::proof::Paths;
use crate::receipt::ReceiptProof;
use crate::tree::{Hash, Tree};

/// A content on its way into the log.
pub struct Incoming<'a> {
    /// Its canonical bytes.
    pub content: &'a [u8],
    /// When it was made.
    pub at_ms: u64,
    /// The key of its scope, the key's number, and that of the key it is wrapped with.
    pub key: (&'a DataKey, u64, u32),
    /// A nonce that was never used.
    pub nonce: [u8; 12],
}

/// Records with places: what becomes durable together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// The number of the first record.
    pub first: u64,
    /// The entries.
    pub entries: Vec<[u8; ENTRY_BYTES]>,
    /// The encrypted payloads, one behind the other.
    pub payloads: Vec<u8>,
    /// The checkpoint over all records up to the last of these.
    pub note: String,
}

/// Where the next record goes.
pub struct Sequencer {
    key: LogKey,
    tree: Tree,
}

impl Sequencer {
    /// Continues a log.
    pub fn resume(key: LogKey, tree: Tree) -> Self {
        Self { key, tree }
    }

    /// The number of records.
    pub fn size(&self) -> u64 {
        self.tree.size()
    }

    /// A checkpoint over all records.
    pub fn checkpoint(&self) -> String {
        self.key.sign(self.tree.size(), self.tree.root())
    }

    /// Places contents at the end. Nothing where one of them cannot be encrypted; then the log is unchanged.
    ///
    /// The log has moved on when this returns. If the batch does not become durable, call [`Self::rewind`] with its first
    /// number; once it is, [`Self::settle`]. A proof is handed out only after that.
    pub fn place(&mut self, incoming: &[Incoming<'_>]) -> Option<(Batch, Vec<ReceiptProof>)> {
        let first = self.tree.size();
        let mut batch = Batch { first, ..Batch::default() };
        let mut salts = Vec::with_capacity(incoming.len());
        for one in incoming {
            let Some((entry, salt)) = self.place_one(one, &mut batch.payloads) else {
                self.rewind(first);
                return None;
            };
            batch.entries.push(entry);
            salts.push(salt);
        }
        batch.note = self.checkpoint();
        let mut paths = Paths::new(&self.tree, self.tree.size());
        let proofs = (first..).zip(batch.entries.iter().zip(salts)).map(|(seq, (entry, salt))| ReceiptProof {
            entry: *entry,
            salt,
            path: paths.of(seq).unwrap_or_default(),
            note: batch.note.clone(),
        });
        let proofs = proofs.collect();
        Some((batch, proofs))
    }

    fn place_one(&mut self, one: &Incoming<'_>, payloads: &mut Vec<u8>) -> Option<([u8; ENTRY_BYTES], Hash)> {
        let (key, number, kek) = one.key;
        let place = RecordPosition { seq: self.tree.size(), at_ms: one.at_ms, nonce: one.nonce };
        let payload = key.seal(&place, one.content)?;
        let salt = key.salt(&place);
        let entry = Entry {
            seq: place.seq,
            at_ms: place.at_ms,
            key: number,
            kek,
            length: u32::try_from(payload.len()).ok()?,
            nonce: place.nonce,
            ciphertext: *model::Digest::of_bytes(&payload).as_array(),
            commitment: commitment(&salt, one.content),
        };
        let bytes = entry.to_bytes();
        self.tree.push(Tree::leaf_hash(&bytes));
        payloads.extend_from_slice(&payload);
        Some((bytes, salt))
    }

    /// Forgets everything from a record on: it did not become durable.
    pub fn rewind(&mut self, first: u64) {
        self.tree.truncate(first);
    }

    /// What was placed is durable: lets go of what only a rewind needs.
    pub fn settle(&mut self) {
        let _tiles = self.tree.take_complete();
    }
}
