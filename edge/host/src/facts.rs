//! Looking: answers to the fact queries of pure code, from this machine as this process may see it.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::Read as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Component, Path, PathBuf};

use model::{Digest, Fact, FactQuery, FileKind};

/// The longest script that is read. A longer one is opaque.
pub const MAX_SCRIPT_BYTES: u64 = 128 * 1024;

/// The search path where the caller's is not known.
pub const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Answers one question. What cannot be found out is [`Fact::Unknown`].
pub fn look(query: &FactQuery, search_path: &str) -> Fact {
    match query {
        // A directory on the path that depends on the working directory could hold any program.
        FactQuery::Program(name) if search_path.split(':').any(|entry| !entry.starts_with('/')) => {
            Fact::Program(Some(format!("./{name}")))
        }
        FactQuery::Program(name) => match program(name, search_path) {
            Ok(found) => Fact::Program(found.map(|path| path.to_string_lossy().into_owned())),
            Err(Unseen) => Fact::Unseen,
        },
        FactQuery::File(path) => match real_path(Path::new(path)) {
            Ok(real) => file(&real),
            Err(Unseen) => Fact::Unseen,
        },
        FactQuery::RealPath(path) => real_path(Path::new(path))
            .ok()
            .and_then(|real| real.to_str().map(str::to_owned))
            .map_or(Fact::Unseen, Fact::RealPath),
        FactQuery::Names(path) => Fact::Names(names_below(Path::new(path))),
    }
}

/// It could not be looked at: that says nothing of whether it is there.
#[derive(Debug, PartialEq, Eq)]
struct Unseen;

/// What is certain of an error: that nothing is there. Any other is no answer.
fn is_missing(why: &std::io::Error) -> bool {
    matches!(why.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory)
}

/// The file of a program name, where every directory before it could be looked into.
fn program(name: &str, search_path: &str) -> Result<Option<PathBuf>, Unseen> {
    let places: Vec<PathBuf> = if name.contains('/') {
        vec![PathBuf::from(name)]
    } else {
        search_path.split(':').map(|entry| Path::new(entry).join(name)).collect()
    };
    for place in places {
        match fs::metadata(&place) {
            Ok(found) if found.is_file() && is_executable_by_any(&found) => return Ok(Some(place)),
            Ok(_) => {}
            Err(why) if is_missing(&why) => {}
            Err(_) => return Err(Unseen),
        }
    }
    Ok(None)
}

/// Whether any user may execute a file: the search is made for another user.
fn is_executable_by_any(found: &fs::Metadata) -> bool {
    found.mode() & 0o111 != 0
}

/// The file of a program name: itself with a slash in it, else the first executable on the path.
/// Relative entries of the path are left out: they depend on the working directory.
pub fn resolve(name: &str, search_path: &str) -> Option<PathBuf> {
    let executable = |path: &Path| {
        fs::metadata(path).is_ok_and(|found| found.is_file())
            && rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_ok()
    };
    if name.contains('/') {
        return Some(PathBuf::from(name)).filter(|path| executable(path));
    }
    search_path
        .split(':')
        .filter(|entry| entry.starts_with('/'))
        .map(|entry| Path::new(entry).join(name))
        .find(|path| executable(path))
}

/// The name of this machine.
pub fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// How many directories are looked into for the names below one, how many entries of them are read, and how deep.
const MAX_DIRECTORIES: usize = 64;
const MAX_ENTRIES: usize = 2_048;
const MAX_LEVELS: usize = 4;

/// Directories of what was fetched, built or kept by version control: not where people put secrets of their own.
const FETCHED: &[&str] = &[
    ".git",
    ".hg",
    ".svn",
    ".jj",
    "node_modules",
    "target",
    "vendor",
    "third_party",
    ".venv",
    "venv",
    ".tox",
    ".cache",
    "__pycache__",
    "site-packages",
];

/// The names of the files below a directory, level by level, up to the bounds above.
fn names_below(root: &Path) -> Vec<String> {
    let mut names = Vec::new();
    let mut level = vec![String::new()];
    let (mut directories, mut entries) = (0_usize, 0_usize);
    for _ in 0..MAX_LEVELS {
        let mut next = Vec::new();
        for below in level {
            directories = directories.saturating_add(1);
            if directories > MAX_DIRECTORIES || entries > MAX_ENTRIES {
                return names;
            }
            let Ok(read) = fs::read_dir(root.join(&below)) else { continue };
            for entry in read.flatten().take(MAX_ENTRIES.saturating_sub(entries)) {
                entries = entries.saturating_add(1);
                let (Ok(name), Ok(kind)) = (entry.file_name().into_string(), entry.file_type()) else { continue };
                let path = if below.is_empty() { name.clone() } else { format!("{below}/{name}") };
                if kind.is_file() {
                    names.push(path);
                } else if kind.is_dir() && !FETCHED.contains(&name.as_str()) {
                    next.push(path);
                }
            }
        }
        level = next;
    }
    names
}

fn file(path: &Path) -> Fact {
    // Without waiting: opening a pipe must not hang us.
    let opened = File::options().read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY).open(path);
    let file = match opened {
        Ok(file) => file,
        Err(why) if is_missing(&why) => return Fact::File(FileKind::Missing),
        Err(_) => return Fact::Unseen,
    };
    let Ok(found) = file.metadata() else { return Fact::Unseen };
    let kind = found.file_type();
    if kind.is_dir() {
        return Fact::File(FileKind::Directory);
    }
    if !kind.is_file() || kind.is_fifo() || found.len() > MAX_SCRIPT_BYTES {
        return Fact::File(FileKind::Opaque);
    }
    let mut bytes = Vec::new();
    if file.take(MAX_SCRIPT_BYTES.saturating_add(1)).read_to_end(&mut bytes).is_err() {
        return Fact::Unseen;
    }
    let digest = Digest::of_bytes(&bytes);
    match String::from_utf8(bytes) {
        Ok(text) if !text.contains('\0') => Fact::File(FileKind::Text(text, digest)),
        Ok(_) | Err(_) => Fact::File(FileKind::Opaque),
    }
}

/// How many links are followed in turn.
const MAX_LINKS: usize = 40;

/// Follows every link of an absolute path. Parts that do not exist are kept as they are written, also behind a link that
/// leads to nothing: what is made there is made where it leads.
fn real_path(path: &Path) -> Result<PathBuf, Unseen> {
    let mut path = path.to_owned();
    for _ in 0..MAX_LINKS {
        let mut missing: Vec<OsString> = Vec::new();
        let mut existing = path.clone();
        let led = loop {
            match fs::canonicalize(&existing) {
                Ok(mut real) => {
                    real.extend(missing.iter().rev());
                    return if is_seen_by_us_alone(&real) { Err(Unseen) } else { Ok(real) };
                }
                Err(why) if is_missing(&why) => {}
                Err(_) => return Err(Unseen),
            }
            match fs::symlink_metadata(&existing) {
                Ok(found) if found.file_type().is_symlink() => break fs::read_link(&existing).map_err(|_| Unseen)?,
                Ok(_) => return Err(Unseen),
                Err(why) if is_missing(&why) => {}
                Err(_) => return Err(Unseen),
            }
            match existing.components().next_back() {
                Some(Component::Normal(name)) => missing.push(name.to_owned()),
                Some(_) | None => return Err(Unseen),
            }
            existing = existing.parent().ok_or(Unseen)?.to_owned();
        };
        path = existing.parent().ok_or(Unseen)?.join(led);
        path.extend(missing.iter().rev());
    }
    Err(Unseen)
}

/// Whether a path is among what the system shows of us, and would show another process of itself.
fn is_seen_by_us_alone(real: &Path) -> bool {
    real.starts_with(format!("/proc/{}", std::process::id()))
}

#[cfg(test)]
mod tests {
    use super::{DEFAULT_PATH, look};
    use model::{Fact, FactQuery, FileKind};

    #[test]
    fn a_link_is_followed_and_what_is_missing_kept() {
        let directory = std::env::temp_dir().join(format!("countersign-facts-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let link = directory.join("link");
        let _ = std::fs::remove_file(&link);
        std::os::unix::fs::symlink("/etc", &link).unwrap();
        let query = FactQuery::RealPath(format!("{}/no-such/file", link.display()));
        assert_eq!(look(&query, DEFAULT_PATH), Fact::RealPath("/etc/no-such/file".to_owned()));
        let dangling = directory.join("dangling");
        let _ = std::fs::remove_file(&dangling);
        std::os::unix::fs::symlink("/etc/no-such", &dangling).unwrap();
        let query = FactQuery::RealPath(format!("{}/x", dangling.display()));
        assert_eq!(look(&query, DEFAULT_PATH), Fact::RealPath("/etc/no-such/x".to_owned()));
        std::fs::remove_dir_all(&directory).unwrap();
    }

    #[test]
    fn what_cannot_be_looked_at_is_not_taken_for_nothing() {
        let directory = std::env::temp_dir().join(format!("countersign-unseen-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let around = directory.join("around");
        let _ = std::fs::remove_file(&around);
        std::os::unix::fs::symlink(&around, &around).unwrap();
        let text = around.display();
        assert_eq!(look(&FactQuery::RealPath(text.to_string()), DEFAULT_PATH), Fact::Unseen);
        assert_eq!(look(&FactQuery::File(text.to_string()), DEFAULT_PATH), Fact::Unseen);
        assert_eq!(look(&FactQuery::Program("sh".into()), &format!("{text}:/usr/bin:/bin")), Fact::Unseen);
        for own in ["/proc/self/cwd/x", "/proc/self/environ", "/proc/../proc/self/root/etc"] {
            let seen = look(&FactQuery::RealPath(own.to_owned()), DEFAULT_PATH);
            assert!(seen == Fact::Unseen || own.contains("cwd") || own.contains("root"), "{own}: {seen:?}");
        }
        std::fs::remove_dir_all(&directory).unwrap();
    }

    #[test]
    fn a_search_path_that_depends_on_the_directory_names_no_program() {
        for path in [".:/usr/bin", "/usr/bin::/bin", "bin:/bin"] {
            assert_eq!(look(&FactQuery::Program("sh".into()), path), Fact::Program(Some("./sh".into())), "{path}");
        }
    }

    #[test]
    fn what_is_there_is_told_apart() {
        assert_eq!(look(&FactQuery::File("/".into()), DEFAULT_PATH), Fact::File(FileKind::Directory));
        assert_eq!(look(&FactQuery::File("/no such".into()), DEFAULT_PATH), Fact::File(FileKind::Missing));
        assert_eq!(look(&FactQuery::File("/dev/zero".into()), DEFAULT_PATH), Fact::File(FileKind::Opaque));
        assert!(matches!(look(&FactQuery::Program("sh".into()), DEFAULT_PATH), Fact::Program(Some(_))));
    }
}
