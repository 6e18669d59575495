//! The few things that the log does with files. Tests put another disk in place, which fails, tears and forgets.

use std::collections::HashMap;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Files below one directory, by names with `/`: all that readers and verifiers get.
pub trait Files: Send + Sync {
    /// A file's bytes; nothing where there is none.
    fn read(&self, name: &str) -> io::Result<Option<Vec<u8>>>;
    /// At most so many of a file's bytes from an offset on; none behind its end, nothing where there is no file.
    fn read_part(&self, name: &str, offset: u64, most: usize) -> io::Result<Option<Vec<u8>>> {
        let from = usize::try_from(offset).unwrap_or(usize::MAX);
        let part = |bytes: Vec<u8>| bytes.get(from..).unwrap_or_default().iter().copied().take(most).collect();
        Ok(self.read(name)?.map(part))
    }
    /// The names of what is in a directory, sorted; directories end with `/`. Empty where there is none.
    fn list(&self, directory: &str) -> io::Result<Vec<String>>;
}

/// Files that are written, too.
pub trait Disk: Files {
    /// Makes a file with these bytes, in place of any before it. Not durable yet.
    fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()>;
    /// Writes within a file that exists. Not durable yet.
    fn write_at(&self, name: &str, offset: u64, bytes: &[u8]) -> io::Result<()>;
    /// Makes a file's content durable.
    fn sync(&self, name: &str) -> io::Result<()>;
    /// Makes the names in a directory durable.
    fn sync_directory(&self, directory: &str) -> io::Result<()>;
    /// Gives a file another name, in place of any of that name.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    /// Removes a file, or an empty directory (which ends with `/`). What is not there is no error.
    fn remove(&self, name: &str) -> io::Result<()>;
}

/// Replaces a file as one durable step.
///
/// # Errors
/// A step failed; either the old or the new file is in place.
pub fn replace(disk: &dyn Disk, name: &str, bytes: &[u8]) -> io::Result<()> {
    let new = format!("{name}.new");
    disk.write(&new, bytes)?;
    disk.sync(&new)?;
    disk.rename(&new, name)?;
    disk.sync_directory(parent(name))
}

/// The directory that a name is in.
pub(crate) fn parent(name: &str) -> &str {
    name.trim_end_matches('/').rsplit_once('/').map_or("", |(parent, _)| parent)
}

/// Every file below a directory.
///
/// # Errors
/// A directory cannot be read.
pub fn walk(disk: &dyn Files, directory: &str) -> io::Result<Vec<String>> {
    let mut files = Vec::new();
    let mut open = vec![directory.to_owned()];
    while let Some(directory) = open.pop() {
        for name in disk.list(&directory)? {
            let path = format!("{directory}/{name}");
            match path.strip_suffix('/') {
                Some(below) => open.push(below.to_owned()),
                None => files.push(path),
            }
        }
    }
    files.sort();
    Ok(files)
}

/// A directory of the operating system.
pub struct RealDisk {
    root: PathBuf,
    /// Files that are written in place again and again.
    open: Mutex<HashMap<String, Arc<File>>>,
}

impl RealDisk {
    /// Files below `root`, which only our own user can read.
    pub fn new(root: &Path) -> Self {
        Self { root: root.to_owned(), open: Mutex::default() }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    fn file(&self, name: &str) -> io::Result<Arc<File>> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(file) = open.get(name) {
            return Ok(Arc::clone(file));
        }
        let file = Arc::new(OpenOptions::new().read(true).write(true).open(self.at(name))?);
        open.insert(name.to_owned(), Arc::clone(&file));
        Ok(file)
    }

    fn forget(&self, name: &str) {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
    }
}

impl Files for RealDisk {
    fn read(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        match fs::read(self.at(name)) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(why) if why.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(why) => Err(why),
        }
    }

    fn read_part(&self, name: &str, offset: u64, most: usize) -> io::Result<Option<Vec<u8>>> {
        let file = match File::open(self.at(name)) {
            Ok(file) => file,
            Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(why) => return Err(why),
        };
        let (mut bytes, mut read) = (vec![0; most], 0);
        loop {
            let at = offset.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
            match file.read_at(bytes.get_mut(read..).unwrap_or_default(), at) {
                Ok(0) => break,
                Ok(more) => read = read.saturating_add(more),
                Err(why) if why.kind() == io::ErrorKind::Interrupted => {}
                Err(why) => return Err(why),
            }
        }
        bytes.truncate(read);
        Ok(Some(bytes))
    }

    fn list(&self, directory: &str) -> io::Result<Vec<String>> {
        let entries = match fs::read_dir(self.at(directory)) {
            Ok(entries) => entries,
            Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(why) => return Err(why),
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry?;
            let end = if entry.file_type()?.is_dir() { "/" } else { "" };
            names.push(format!("{}{end}", entry.file_name().to_string_lossy()));
        }
        names.sort();
        Ok(names)
    }
}

impl Disk for RealDisk {
    fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.forget(name);
        let path = self.at(name);
        let open = || OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path);
        let mut file = match open() {
            Err(why) if why.kind() == io::ErrorKind::NotFound => {
                if let Some(parent) = path.parent() {
                    DirBuilder::new().recursive(true).mode(0o700).create(parent)?;
                }
                open()?
            }
            other => other?,
        };
        file.write_all(bytes)
    }

    fn write_at(&self, name: &str, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.file(name)?.write_all_at(bytes, offset)
    }

    fn sync(&self, name: &str) -> io::Result<()> {
        let known = self.open.lock().unwrap_or_else(PoisonError::into_inner).get(name).map(Arc::clone);
        match known {
            Some(file) => file.sync_data(),
            None => File::open(self.at(name))?.sync_data(),
        }
    }

    fn sync_directory(&self, directory: &str) -> io::Result<()> {
        File::open(self.at(directory))?.sync_all()
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.forget(from);
        self.forget(to);
        fs::rename(self.at(from), self.at(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.forget(name);
        let gone = if name.ends_with('/') { fs::remove_dir(self.at(name)) } else { fs::remove_file(self.at(name)) };
        match gone {
            Err(why) if why.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }
}
