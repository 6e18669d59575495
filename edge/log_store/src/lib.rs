//! The log in files: a journal in which records become durable, and the bundles, tiles and checkpoints (C2SP `tlog-tiles`)
//! that they are brought into; its writer, its readers, its verification. `docs/reference/record-format.md` is the specification.

mod append;
mod disk;
mod index;
mod keys;
mod publish_queue;
mod publisher;
mod reader;
pub mod recording_index;
pub mod recordings;
mod recover;
mod segments;
mod verify;
mod wal;
mod writer;

pub use append::{Failed, Record, SEGMENT_BYTES, Settings};
pub use disk::{Disk, Files, RealDisk, replace, walk};
pub use keys::{FileKeeper, INSTALLATION, KeyKeeper, ROTATE_AFTER_MS, ReadKeys};
pub use publisher::CHECKPOINT;
pub use reader::{Content, Found, Reader, Wanted};
pub use verify::{Verified, verify};
pub use wal::{JOURNAL, NEWEST};
pub use writer::{Writer, log_key};
