//! A copy of a log with one changed byte.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::PATIENCE;

/// Makes it.
pub(super) fn copy(log: &Path, copy: &Path) -> Result<(), String> {
    let fail = |why: std::io::Error| why.to_string();
    // What was recorded last is published within half a second.
    let started = Instant::now();
    while newest_content(log).is_none() && started.elapsed() < PATIENCE {
        std::thread::sleep(Duration::from_millis(20));
    }
    copy_files(log, copy).map_err(fail)?;
    let content = newest_content(copy).ok_or("the copy has no content")?;
    let mut bytes = fs::read(&content).map_err(fail)?;
    let middle = bytes.len() / 2;
    if let Some(byte) = bytes.get_mut(middle) {
        *byte ^= 1;
    }
    fs::write(&content, bytes).map_err(fail)
}

/// Copies a log's files. A writer may be at work: what moves away meanwhile is left out.
fn copy_files(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_files(&entry.path(), &target)?;
        } else if let Err(why) = fs::copy(entry.path(), target)
            && why.kind() != std::io::ErrorKind::NotFound
        {
            return Err(why);
        }
    }
    Ok(())
}

/// The file with the newest published contents.
fn newest_content(log: &Path) -> Option<PathBuf> {
    let mut files: Vec<PathBuf> = Vec::new();
    for entry in fs::read_dir(log.join("payload")).ok()?.flatten() {
        let path = entry.path();
        if path.is_dir() {
            files.extend(fs::read_dir(path).ok()?.flatten().map(|entry| entry.path()));
        } else {
            files.push(path);
        }
    }
    files.into_iter().max_by_key(|path| fs::metadata(path).map_or(0, |found| found.len()))
}
