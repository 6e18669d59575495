//! A mirror: a log's public files, followed over HTTP, checked before its checkpoint is taken.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::process::ExitCode;

use audit::tile::{TILE_HEIGHT, bundles, entries_path, payload_path, tile_path};
use log_store::{CHECKPOINT, Disk as _, Files, RealDisk};

use crate::log::public_key;

/// The largest file, in bytes: a bundle of the largest contents.
const MAX_FILE: u64 = 1024 * 1024 * 1024;

/// Looks once.
pub(super) fn once(url: &str, directory: &Path, key: &Path) -> Result<ExitCode, String> {
    let log = public_key(key)?;
    let fail = |why: io::Error| format!("`{}`: {why}", directory.display());
    host::files::private_directory(directory).map_err(fail)?;
    let disk = RealDisk::new(directory);
    let fetched = fetch(url, CHECKPOINT)?.ok_or("the log has no checkpoint")?;
    let note = String::from_utf8(fetched).map_err(|_| "the checkpoint is not text".to_owned())?;
    let new = log.open(&note).map_err(|why| format!("the checkpoint that `{url}` shows: {why}"))?;
    let before = disk.read(CHECKPOINT).map_err(fail)?.and_then(|bytes| String::from_utf8(bytes).ok());
    let before =
        before.map(|note| log.open(&note).map_err(|why| format!("the mirror's own checkpoint: {why}"))).transpose()?;
    let known = before.as_ref().map_or(0, |before| before.size);
    if new.size < known {
        return Err(format!("ROLLED BACK: `{url}` shows {} records, and {known} were mirrored", new.size));
    }
    let mut fresh = BTreeSet::new();
    for name in names(new.size) {
        // A complete file never changes; it is compared with its tile below.
        if disk.read(&name).map_err(fail)?.is_none() {
            let bytes = fetch(url, &name)?.ok_or_else(|| missing(&name))?;
            disk.write(&name, &bytes).and_then(|()| disk.sync(&name)).map_err(fail)?;
            fresh.insert(name.rsplit_once('/').map_or(String::new(), |(parent, _)| parent.to_owned()));
        }
    }
    for directory in &fresh {
        disk.sync_directory(directory).map_err(fail)?;
    }
    let ahead = Ahead { disk: &disk, note: note.as_bytes() };
    let held = log_store::verify(&ahead, &log, before.into_iter().collect(), &mut |_, _| {});
    let held = held.map_err(|wrong| {
        format!(
            "NOT TAKEN: the log at `{url}` does not verify: {wrong}. Its files are in `{}` as evidence; a removed file is fetched again",
            directory.display()
        )
    })?;
    let public = format!("{}\n", log.to_text());
    host::files::replace(&directory.join("log.pub"), public.as_bytes(), 0o644).map_err(fail)?;
    log_store::replace(&disk, CHECKPOINT, note.as_bytes()).map_err(fail)?;
    remove_older(&disk, new.size).map_err(fail)?;
    println!("mirrored: {} records, {} of them new", held.records, held.records.saturating_sub(known));
    Ok(ExitCode::SUCCESS)
}

fn missing(name: &str) -> String {
    if name.starts_with("payload") {
        format!("`{name}` is not served; the log is to be served with --contents")
    } else {
        format!("`{name}` is missing; the log may have gone on meanwhile, so look again")
    }
}

fn fetch(url: &str, name: &str) -> Result<Option<Vec<u8>>, String> {
    let url = format!("{}/{name}", url.trim_end_matches('/'));
    let mut answer = super::agent().get(&url).call().map_err(|why| format!("`{url}`: {why}"))?;
    match answer.status().as_u16() {
        200 => answer
            .body_mut()
            .with_config()
            .limit(MAX_FILE)
            .read_to_vec()
            .map(Some)
            .map_err(|why| format!("`{url}`: {why}")),
        404 => Ok(None),
        other => Err(format!("`{url}`: status {other}")),
    }
}

/// All files of a log of this size.
fn names(size: u64) -> Vec<String> {
    let mut names = Vec::new();
    for (number, width) in bundles(size) {
        names.extend([entries_path(number, width), payload_path(number, width)]);
    }
    for level in 0..=u32::from(u8::MAX) {
        let hashes = size.checked_shr(level.saturating_mul(TILE_HEIGHT)).unwrap_or(0);
        if hashes == 0 {
            break;
        }
        names.extend(bundles(hashes).map(|(index, width)| tile_path(level, index, width)));
    }
    names
}

/// Partial files of earlier checkpoints are not needed any more.
fn remove_older(disk: &RealDisk, size: u64) -> io::Result<()> {
    let needed = names(size);
    for name in log_store::walk(disk, "tile")?.into_iter().chain(log_store::walk(disk, "payload")?) {
        if name.contains(".p/") && !needed.contains(&name) {
            disk.remove(&name)?;
            if let Some((directory, _)) = name.rsplit_once('/') {
                // Not empty where others stand in it.
                let _ = disk.remove(&format!("{directory}/"));
            }
        }
    }
    Ok(())
}

/// The mirror's files with the checkpoint that may be taken.
struct Ahead<'a> {
    disk: &'a RealDisk,
    note: &'a [u8],
}

impl Files for Ahead<'_> {
    fn read(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        if name == CHECKPOINT { Ok(Some(self.note.to_vec())) } else { self.disk.read(name) }
    }

    fn list(&self, directory: &str) -> io::Result<Vec<String>> {
        // Files of earlier checkpoints and of this one stand side by side until it is taken.
        if matches!(directory, "tile" | "payload") { Ok(Vec::new()) } else { self.disk.list(directory) }
    }
}
