//! File systems for tests: small ones, to be filled.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Mounts something over a directory for as long as it lives. Needs root.
pub struct Mount(PathBuf);

impl Mount {
    /// Mounts with these words of `mount`; nothing where that is not allowed.
    pub fn new(words: &[&str], directory: &Path) -> Option<Self> {
        let mounted = Command::new("mount").args(words).arg(directory).stderr(Stdio::null()).status();
        mounted.is_ok_and(|status| status.success()).then(|| Self(directory.to_owned()))
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}
