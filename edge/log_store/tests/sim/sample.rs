//! A log with records of which everything is known.

use std::sync::Arc;

use audit::LogKey;
use log_store::{Disk, FileKeeper, Record, Settings, Writer};
use record::{Change, Draft, Event};
use serde_json::json;

use super::SimDisk;

pub const ORIGIN: &str = "example.org/log";

pub fn key() -> LogKey {
    LogKey::new(ORIGIN, &[7; 32])
}

/// Opens the log on a disk.
pub fn open(disk: &Arc<SimDisk>, segment_bytes: usize) -> Result<Writer, String> {
    let shared: Arc<dyn Disk> = disk.clone();
    let keeper = FileKeeper::open(Arc::clone(&shared), 1)?;
    Writer::open(shared, key(), Box::new(keeper), Settings { segment_bytes, threaded: false }, &mut |_| {})
}

/// The record of a number.
pub fn record(number: usize) -> Record {
    let about = json!({"number": number, "padding": "x".repeat(number % 97)});
    Record::of(&Draft {
        at_ms: 1_000 + u64::try_from(number).unwrap(),
        scope: if number.is_multiple_of(3) { String::new() } else { format!("bot/session-{}", number % 7) },
        event: Event::Change(Change::Sealed { digest: "planted".to_owned(), about }),
    })
}
