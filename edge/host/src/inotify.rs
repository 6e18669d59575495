//! Seeing that files of a directory change (inotify). The directory may come and go.

use std::ffi::OsStr;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::inotify::{self, CreateFlags, Reader, WatchFlags};

/// How long it has to be quiet before a change is reported: editors write, rename and set modes.
const QUIET: Duration = Duration::from_millis(50);

/// Maximum delay of a report if it does not become quiet.
const PATIENCE: Duration = Duration::from_millis(500);

/// Calls back whenever something in one of some directories is made, moved in, or written to its end; each must be there already. The
/// directories are watched from the return of this call on, on a thread of its own, which calls back once at the beginning, too: for
/// what changed just before.
///
/// # Errors
/// One of them cannot be read, or the system gives no watch.
pub fn each_change(directories: &[&Path], mut tell: impl FnMut() + Send + 'static) -> io::Result<()> {
    let inotify = inotify::init(CreateFlags::CLOEXEC)?;
    let flags = WatchFlags::CREATE | WatchFlags::MOVED_TO | WatchFlags::CLOSE_WRITE | WatchFlags::ONLYDIR;
    for directory in directories {
        inotify::add_watch(&inotify, *directory, flags)?;
    }
    std::thread::Builder::new().name("watch".to_owned()).spawn(move || {
        let mut buffer = [const { MaybeUninit::uninit() }; 4_096];
        tell();
        while Reader::new(&inotify, &mut buffer).next().is_ok() {
            let since = std::time::Instant::now();
            while since.elapsed() < PATIENCE && crate::socket::readable_within(&inotify, QUIET).unwrap_or(false) {
                let _ = Reader::new(&inotify, &mut buffer).next();
            }
            tell();
        }
    })?;
    Ok(())
}

/// A watched directory.
#[derive(Debug)]
pub struct DirectoryWatch {
    inotify: OwnedFd,
    directory: PathBuf,
}

impl DirectoryWatch {
    /// Watches a directory, and its parent for the day when the directory is made.
    ///
    /// # Errors
    /// The system gives no watch, or there is no parent.
    pub fn of(directory: &Path) -> io::Result<Self> {
        let watch = Self { inotify: inotify::init(CreateFlags::CLOEXEC)?, directory: directory.to_owned() };
        watch.look_at_both()?;
        Ok(watch)
    }

    fn look_at_both(&self) -> io::Result<()> {
        let parent = self.directory.parent().ok_or_else(|| io::Error::other("the root cannot be watched"))?;
        let made = WatchFlags::CREATE | WatchFlags::MOVED_TO | WatchFlags::DELETE | WatchFlags::MOVED_FROM;
        inotify::add_watch(&self.inotify, parent, made | WatchFlags::ONLYDIR)?;
        let inside = made | WatchFlags::CLOSE_WRITE | WatchFlags::ATTRIB | WatchFlags::ONLYDIR;
        match inotify::add_watch(&self.inotify, &self.directory, inside) {
            Ok(_) | Err(rustix::io::Errno::NOENT | rustix::io::Errno::NOTDIR) => Ok(()),
            Err(why) => Err(why.into()),
        }
    }

    /// Waits until something changes, and then until it is quiet for a moment.
    ///
    /// # Errors
    /// The watch broke.
    pub fn wait(&mut self) -> io::Result<()> {
        let name = self.directory.file_name().map(OsStr::to_owned).unwrap_or_default();
        let mut buffer = [const { MaybeUninit::uninit() }; 4_096];
        let mut reader = Reader::new(&self.inotify, &mut buffer);
        loop {
            let event = reader.next()?;
            // In the parent only the directory itself is of interest; a file's events have other names.
            let about = event.file_name().map(|it| OsStr::from_bytes(it.to_bytes()).to_owned());
            let of_file = about
                .as_ref()
                .is_some_and(|it| Path::new(it).extension().is_some_and(|end| end == "toml" || end == "cedar"));
            if of_file || about.as_ref() == Some(&name) || about.is_none() {
                break;
            }
        }
        let since = std::time::Instant::now();
        while since.elapsed() < PATIENCE && crate::socket::readable_within(&self.inotify, QUIET)? {
            let mut buffer = [const { MaybeUninit::uninit() }; 4_096];
            Reader::new(&self.inotify, &mut buffer).next()?;
        }
        self.look_at_both()
    }
}
