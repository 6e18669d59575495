//! Contents that are old and safe elsewhere leave this machine. Entries, tiles and the index stay: the log still verifies, and
//! what is looked for is still found.

use std::path::Path;
use std::process::ExitCode;

use audit::Entry;
use audit::tile::{TILE_WIDTH, entries_path, payload_path, unbundle};
use host::clock;
use log_store::{CHECKPOINT, Disk as _, Files as _, RealDisk};

use super::target;

const DAY_MS: u64 = 86_400_000;

/// Removes them.
pub(super) fn main(directory: &Path, name: &str, days: u32) -> Result<ExitCode, String> {
    let fail = |why: std::io::Error| format!("`{}`: {why}", directory.display());
    let disk = RealDisk::new(directory);
    let log = crate::log::public_key(&directory.join("log.pub"))?;
    let note = disk.read(CHECKPOINT).map_err(fail)?.and_then(|note| String::from_utf8(note).ok());
    let size = log.open(&note.ok_or("the log has no checkpoint")?).map_err(|why| why.to_string())?.size;
    let before_ms = clock::now_ms().saturating_sub(u64::from(days).saturating_mul(DAY_MS));
    let archive = target::open(name)?;
    let (mut removed, mut bytes) = (0_u64, 0_u64);
    for number in 0..size / TILE_WIDTH {
        let file = payload_path(number, TILE_WIDTH);
        let Some(here) = disk.read(&file).map_err(fail)? else { continue };
        let entries = disk.read(&entries_path(number, TILE_WIDTH)).map_err(fail)?.and_then(|bytes| unbundle(&bytes));
        let entries =
            entries.ok_or_else(|| format!("bundle {number} is no bundle; `countersign log verify` tells more"))?;
        let newest = entries.iter().filter_map(Entry::from_bytes).map(|entry| entry.at_ms).max().unwrap_or(u64::MAX);
        if newest >= before_ms {
            continue;
        }
        if archive.get(&file)?.as_deref() != Some(here.as_slice()) {
            return Err(format!("`{file}` is not in `{name}` as it is here; nothing more is removed"));
        }
        disk.remove(&file).map_err(fail)?;
        removed = removed.saturating_add(1);
        bytes = bytes.saturating_add(here.len() as u64);
    }
    println!("removed the contents of {removed} bundles ({bytes} bytes); they are read with `--archive {name}`");
    Ok(ExitCode::SUCCESS)
}
