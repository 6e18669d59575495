//! The record: an append-only log whose entries are the leaves of a Merkle tree (RFC 6962) in tiles (C2SP `tlog-tiles`),
//! under signed checkpoints (C2SP `tlog-checkpoint` in a C2SP `signed-note`). Contents are encrypted; verification needs no
//! key, reading needs one. `docs/reference/record-format.md` is the specification. What records say is the business of `record`.
//!
//! Bytes in, bytes out: files, sockets and randomness belong to others.

mod checkpoint;
mod cosignature;
mod entry;
mod envelope;
pub mod proof;
mod receipt;
pub mod recording;
mod sequencer;
pub mod tile;
mod tree;
mod verify;

pub use checkpoint::{Checkpoint, LogKey, LogVerifier, MalformedNote};
pub use cosignature::{AddCheckpoint, WitnessKey, WitnessVerifier, Witnessed};
pub use entry::{ENTRY_BYTES, Entry};
pub use envelope::{DataKey, RecordPosition, TAG_BYTES, commitment, keyed_hash, unwrap, wrap};
pub use receipt::{Receipt, ReceiptProof, Unproved};
pub use sequencer::{Batch, Incoming, Sequencer};
pub use tree::{Hash, Nodes, Tree};
pub use verify::{VerificationFailure, Verifier};
