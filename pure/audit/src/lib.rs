//! The record: an append-only log of canonical records whose hashes are the leaves of a Merkle tree (RFC 6962),
//! under signed checkpoints (C2SP `tlog-checkpoint` in a C2SP `signed-note`), with receipts.
//!
//! Bytes in, bytes out: files and sockets belong to others. Verification needs the public key and the bytes.

mod checkpoint;
mod journal;
mod receipt;
mod record;
mod tree;

pub use checkpoint::{Checkpoint, LogKey, LogVerifier, MalformedNote};
pub use journal::{Journal, Line, MAX_RECORD_BYTES, Verified, Verifier, Wrong, checkpoint_line};
pub use receipt::{Receipt, ReceiptProof, Unproved};
pub use record::{Draft, Entry, RecordKind};
pub use tree::{Hash, Tree, root_from_inclusion};
