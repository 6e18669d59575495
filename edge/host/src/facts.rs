//! Looking: answers to the fact queries of pure code, from this machine as this process may see it.

use std::fs::{self, File};
use std::io::Read as _;
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};
use std::path::{Component, Path, PathBuf};

use model::{Digest, Fact, FactQuery, FileKind};

/// The longest script that is read. A longer one is opaque.
pub const MAX_SCRIPT_BYTES: u64 = 128 * 1024;

/// The search path where the caller's is not known.
pub const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Answers one question. What cannot be found out is [`Fact::Unknown`].
pub fn look(query: &FactQuery, search_path: &str) -> Fact {
    match query {
        // A directory on the path that depends on where one stands could hold any program.
        FactQuery::Program(name) if search_path.split(':').any(|entry| !entry.starts_with('/')) => {
            Fact::Program(Some(format!("./{name}")))
        }
        FactQuery::Program(name) => {
            Fact::Program(resolve(name, search_path).map(|path| path.to_string_lossy().into_owned()))
        }
        FactQuery::File(path) => file(Path::new(path)),
        FactQuery::RealPath(path) => real_path(Path::new(path))
            .and_then(|real| real.to_str().map(str::to_owned))
            .map_or(Fact::Unknown, Fact::RealPath),
    }
}

/// The file that a program name stands for: itself with a slash in it, else the first executable on the path.
/// Relative entries of the path are left out: they depend on where one stands.
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

fn file(path: &Path) -> Fact {
    // Without waiting: opening a pipe must not hang us.
    let opened = File::options().read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY).open(path);
    let file = match opened {
        Ok(file) => file,
        Err(why) if why.kind() == std::io::ErrorKind::NotFound => return Fact::File(FileKind::Missing),
        Err(_) => return Fact::Unknown,
    };
    let Ok(found) = file.metadata() else { return Fact::Unknown };
    let kind = found.file_type();
    if kind.is_dir() {
        return Fact::File(FileKind::Directory);
    }
    if !kind.is_file() || kind.is_fifo() || found.len() > MAX_SCRIPT_BYTES {
        return Fact::File(FileKind::Opaque);
    }
    let mut bytes = Vec::new();
    if file.take(MAX_SCRIPT_BYTES.saturating_add(1)).read_to_end(&mut bytes).is_err() {
        return Fact::Unknown;
    }
    let digest = Digest::of_bytes(&bytes);
    match String::from_utf8(bytes) {
        Ok(text) if !text.contains('\0') => Fact::File(FileKind::Text(text, digest)),
        Ok(_) | Err(_) => Fact::File(FileKind::Opaque),
    }
}

/// Follows every link of an absolute path. Parts that do not exist are kept as they are written.
fn real_path(path: &Path) -> Option<PathBuf> {
    let mut missing: Vec<&std::ffi::OsStr> = Vec::new();
    let mut existing = path;
    loop {
        match fs::canonicalize(existing) {
            Ok(mut real) => {
                real.extend(missing.iter().rev());
                return Some(real);
            }
            Err(why) if why.kind() == std::io::ErrorKind::NotFound => {
                // A link that points nowhere exists as a link: where it would lead is not known.
                if fs::symlink_metadata(existing).is_ok() {
                    return None;
                }
                match existing.components().next_back() {
                    Some(Component::Normal(name)) => missing.push(name),
                    Some(_) | None => return None,
                }
                existing = existing.parent()?;
            }
            Err(_) => return None,
        }
    }
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
