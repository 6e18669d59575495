//! Where an archive is, and a log whose older contents are there.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use log_store::{Files, RealDisk};

use super::s3;

/// What came of putting something there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Put {
    /// It is there now.
    Stored,
    /// Something of this name was there before, and still is.
    There,
}

/// An archive: things are put there once, and read.
pub(super) trait Target: Send + Sync {
    /// Puts a file there if none has its name. `lock`: days without deletion.
    fn put(&self, name: &str, bytes: &[u8], lock: Option<u32>) -> Result<Put, String>;
    /// Puts a file under a legal hold, until the archive's owner ends it.
    fn hold(&self, name: &str) -> Result<(), String>;
    /// Reads a file.
    fn get(&self, name: &str) -> Result<Option<Vec<u8>>, String>;
}

/// Opens an archive by its name.
pub(super) fn open(name: &str) -> Result<Box<dyn Target>, String> {
    if name.starts_with("s3://") {
        return Ok(Box::new(s3::Bucket::open(name)?));
    }
    if name.contains("://") {
        return Err(format!("`{name}` is neither a directory nor `s3://BUCKET/PREFIX`"));
    }
    Ok(Box::new(Directory(PathBuf::from(name))))
}

/// A directory: for another disk, or one that is append-only by other means.
struct Directory(PathBuf);

impl Target for Directory {
    fn put(&self, name: &str, bytes: &[u8], lock: Option<u32>) -> Result<Put, String> {
        if lock.is_some() {
            return Err("a directory locks nothing; `--lock` is for object storage".to_owned());
        }
        let path = self.0.join(name);
        let fail = |why: io::Error| format!("`{}`: {why}", path.display());
        let parent = path.parent().unwrap_or(&self.0);
        fs::create_dir_all(parent).map_err(fail)?;
        if path.exists() {
            return Ok(Put::There);
        }
        let new = path.with_extension(format!("new-{}", std::process::id()));
        let mut file =
            fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o400).open(&new).map_err(fail)?;
        file.write_all(bytes).and_then(|()| file.sync_all()).map_err(fail)?;
        // A link fails where the name is there already; a rename would replace it.
        let linked = fs::hard_link(&new, &path);
        fs::remove_file(&new).map_err(fail)?;
        match linked {
            Ok(()) => host::files::sync_directory(&path).map(|()| Put::Stored).map_err(fail),
            Err(why) if why.kind() == io::ErrorKind::AlreadyExists => Ok(Put::There),
            Err(why) => Err(fail(why)),
        }
    }

    fn hold(&self, _name: &str) -> Result<(), String> {
        Err("a directory knows no legal hold; `countersign log legal-hold` keeps contents from being destroyed here"
            .to_owned())
    }

    fn get(&self, name: &str) -> Result<Option<Vec<u8>>, String> {
        match fs::read(self.0.join(name)) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(why) if why.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(why) => Err(format!("`{}`: {why}", self.0.join(name).display())),
        }
    }
}

/// A log's files, where contents that are not here any more are read from an archive.
pub(crate) fn layered(directory: &Path, archive: Option<&str>) -> Result<Arc<dyn Files>, String> {
    let here = RealDisk::new(directory);
    Ok(match archive {
        None => Arc::new(here),
        Some(name) => Arc::new(Layered { here, archive: open(name)?, recording: Mutex::default() }),
    })
}

struct Layered {
    here: RealDisk,
    archive: Box<dyn Target>,
    /// The recording that was read last: it is read in parts.
    recording: Mutex<Option<(String, Arc<Vec<u8>>)>>,
}

impl Files for Layered {
    fn read(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        let here = self.here.read(name)?;
        let is_archived = name.starts_with("payload/") || name.starts_with("recordings/");
        if here.is_some() || !is_archived {
            return Ok(here);
        }
        self.archive.get(name).map_err(io::Error::other)
    }

    fn read_part(&self, name: &str, offset: u64, most: usize) -> io::Result<Option<Vec<u8>>> {
        let here = self.here.read_part(name, offset, most)?;
        if here.is_some() || !name.starts_with("recordings/") {
            return Ok(here);
        }
        let mut last = self.recording.lock().unwrap_or_else(PoisonError::into_inner);
        let whole = match last.as_ref().filter(|(known, _)| known == name) {
            Some((_, whole)) => Arc::clone(whole),
            None => match self.archive.get(name).map_err(io::Error::other)?.map(Arc::new) {
                Some(whole) => Arc::clone(&last.insert((name.to_owned(), whole)).1),
                None => return Ok(None),
            },
        };
        let from = usize::try_from(offset).unwrap_or(usize::MAX);
        Ok(Some(whole.get(from..).unwrap_or_default().iter().copied().take(most).collect()))
    }

    fn list(&self, directory: &str) -> io::Result<Vec<String>> {
        self.here.list(directory)
    }
}
