//! Files that hold what must not be lost or read by others.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use crate::accounts::Account;
use crate::clock;

/// Makes a directory that only its owner can enter, with its parents.
///
/// # Errors
/// It cannot be made, or exists and belongs to another user, or is open to others and cannot be closed. Root makes none where another
/// user's are: that user could not read it, and could have put a link there.
pub fn private_directory(path: &Path) -> io::Result<()> {
    let above = path.ancestors().find_map(|it| fs::metadata(it).ok());
    if let Some(theirs) = above.map(|it| it.uid()).filter(|uid| my_uid() == 0 && *uid != 0) {
        let why = format!(
            "`{}` would be root's among files of the user {theirs}: act as that user (sudo -u '#{theirs}' …)",
            path.display()
        );
        return Err(io::Error::other(why));
    }
    DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    let found = fs::metadata(path)?;
    if found.uid() != rustix::process::geteuid().as_raw() {
        return Err(io::Error::other(format!("`{}` belongs to another user", path.display())));
    }
    if found.mode() & 0o077 != 0 {
        fs::set_permissions(path, fs::Permissions::from_mode(0o700))?;
    }
    Ok(())
}

/// Makes a directory that everybody may pass through, and only its owner may list or change, with its parents: what lies in it has
/// modes of its own.
///
/// # Errors
/// As with [`private_directory`].
pub fn passable_directory(path: &Path) -> io::Result<()> {
    private_directory(path)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o711))
}

/// Reads a small file, or nothing where there is none.
///
/// # Errors
/// It cannot be read, or has more than `limit` bytes.
pub fn read_small(path: &Path, limit: u64) -> io::Result<Option<Vec<u8>>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(why) => return Err(why),
    };
    let mut bytes = Vec::new();
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > limit) {
        return Err(io::Error::other(format!("`{}` has more than {limit} bytes", path.display())));
    }
    Ok(Some(bytes))
}

/// Reads a small file that only root or one other user can have written, or nothing where there is none. What is looked at is what is
/// read: no link is followed, and nothing that is swapped meanwhile counts.
///
/// # Errors
/// It cannot be read, is a link or no plain file, has more than `limit` bytes, or others can write it.
pub fn read_trusted(path: &Path, limit: u64, uid: u32) -> io::Result<Option<Vec<u8>>> {
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK;
    let file = match OpenOptions::new().read(true).custom_flags(flags).open(path) {
        Ok(file) => file,
        Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(why) => return Err(why),
    };
    let found = file.metadata()?;
    if !found.is_file() || found.mode() & 0o022 != 0 || (found.uid() != uid && found.uid() != 0) {
        return Err(io::Error::other("others than root can write it: chown root, chmod 0644"));
    }
    let mut bytes = Vec::new();
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > limit) {
        return Err(io::Error::other(format!("it has more than {limit} bytes")));
    }
    Ok(Some(bytes))
}

/// Makes a directory for another user, as root, where another account may write: it is a directory that is given, and no link to one, nor
/// anything else that was put there.
///
/// # Errors
/// It cannot be made, is no directory, or belongs to a user who is neither root, nor that one, nor the owner of what it lies in.
pub fn directory_for(path: &Path, Account { uid, gid }: Account) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(path) {
        Err(why) if why.kind() != io::ErrorKind::AlreadyExists => return Err(why),
        Ok(()) | Err(_) => {}
    }
    let opened = OpenOptions::new().read(true).custom_flags(libc::O_DIRECTORY | libc::O_NOFOLLOW).open(path)?;
    let owner = opened.metadata()?.uid();
    let above = path.parent().map(fs::metadata).transpose()?.map(|it| it.uid());
    if owner != 0 && owner != uid && Some(owner) != above {
        return Err(io::Error::other(format!("`{}` belongs to the user {owner}", path.display())));
    }
    std::os::unix::fs::fchown(&opened, Some(uid), Some(gid))
}

/// Replaces a file as one step: a reader, or a crash at any moment, sees the old content or the new.
///
/// # Errors
/// A step failed; the old file is still in place.
pub fn replace(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let temporary = path.with_extension("new");
    let _ = fs::remove_file(&temporary);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&temporary, path)?;
    sync_directory(path)
}

/// Makes a file's name durable.
///
/// # Errors
/// The directory cannot be flushed.
pub fn sync_directory(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), |parent| File::open(parent)?.sync_all())
}

/// A secret of 32 bytes that lives in a file only its owner can read; made at the first call.
///
/// # Errors
/// The file cannot be read or made, has another length, or can be read by others.
pub fn secret_key(path: &Path) -> io::Result<[u8; 32]> {
    if let Some(bytes) = read_small(path, 32)? {
        let found = fs::metadata(path)?;
        if found.mode() & 0o077 != 0 {
            return Err(io::Error::other(format!("`{}` can be read by others; make it mode 0600", path.display())));
        }
        return bytes
            .try_into()
            .map_err(|_| io::Error::other(format!("`{}` is no key: it must have 32 bytes", path.display())));
    }
    let secret = clock::random::<32>()?;
    replace(path, &secret, 0o600)?;
    Ok(secret)
}

/// Whether an account other than the owner and root could read a file.
///
/// # Errors
/// It cannot be looked at.
pub fn can_be_read_by_others(path: &Path) -> io::Result<bool> {
    Ok(fs::metadata(path)?.mode() & 0o077 != 0)
}

/// Whether an account other than the owner and root could change a file or directory.
///
/// # Errors
/// It cannot be looked at.
pub fn is_open_to_others(path: &Path) -> io::Result<bool> {
    is_open_to_others_than(path, Some(my_uid()))
}

/// The same for another user than ours; where that is not known, only the mode counts.
///
/// # Errors
/// It cannot be looked at.
pub fn is_open_to_others_than(path: &Path, owner: Option<u32>) -> io::Result<bool> {
    let found = fs::metadata(path)?;
    let by_its_owner = owner.is_some_and(|owner| found.uid() != owner && found.uid() != 0);
    Ok(found.mode() & 0o022 != 0 || by_its_owner)
}

/// Whether what is written to a descriptor can reach a reader. A closed one does not, nor does `/dev/null`, which the runtime of a
/// program opens in place of a closed one; a terminal, a pipe, a socket and a file do.
pub fn is_read(descriptor: impl std::os::fd::AsFd) -> bool {
    use rustix::fs::FileType;
    let Ok(found) = rustix::fs::fstat(&descriptor) else { return false };
    match FileType::from_raw_mode(found.st_mode) {
        FileType::CharacterDevice => rustix::termios::isatty(&descriptor),
        FileType::RegularFile | FileType::Fifo | FileType::Socket => true,
        FileType::Directory | FileType::Symlink | FileType::BlockDevice | FileType::Unknown => false,
    }
}

/// How many bytes are free, for us, where a path is.
///
/// # Errors
/// The file system does not say.
pub fn free_bytes(path: &Path) -> io::Result<u64> {
    let found = rustix::fs::statvfs(path)?;
    Ok(found.f_bavail.saturating_mul(found.f_frsize))
}

/// The user that this process acts as.
pub fn my_uid() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// Takes the lock on an open file that only one process may have.
///
/// # Errors
/// Another process has it.
pub fn lock_alone(file: &File) -> io::Result<()> {
    rustix::fs::flock(file, rustix::fs::FlockOperation::NonBlockingLockExclusive).map_err(io::Error::from)
}

/// The largest text that [`trusted_texts`] reads, in bytes.
const MAX_TEXT_BYTES: u64 = 4 * 1024 * 1024;

/// Reads every file with an ending in a directory, by name, where only our account and root could have written it.
///
/// # Errors
/// Something cannot be read, is too large or not UTF-8, or others can write to it or to the directory.
pub fn trusted_texts(directory: &Path, ending: &str) -> Result<Vec<(String, String)>, String> {
    let fail = |path: &Path, why: &dyn std::fmt::Display| format!("`{}`: {why}", path.display());
    let mut paths = Vec::new();
    for entry in fs::read_dir(directory).map_err(|why| fail(directory, &why))? {
        paths.push(entry.map_err(|why| fail(directory, &why))?.path());
    }
    paths.retain(|path| path.extension().is_some_and(|it| it == ending));
    paths.sort();
    for path in std::iter::once(directory).chain(paths.iter().map(std::path::PathBuf::as_path)) {
        if is_open_to_others(path).map_err(|why| fail(path, &why))? {
            return Err(fail(path, &"accounts other than you and root can write to it, so it cannot be trusted"));
        }
    }
    let mut texts = Vec::new();
    for path in paths {
        let bytes = read_small(&path, MAX_TEXT_BYTES).map_err(|why| fail(&path, &why))?.unwrap_or_default();
        let text = String::from_utf8(bytes).map_err(|_| fail(&path, &"not UTF-8"))?;
        texts.push((path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(), text));
    }
    Ok(texts)
}
