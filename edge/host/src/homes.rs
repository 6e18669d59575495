//! Home directories, from the system's list of accounts (`passwd(5)`).

use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

/// The list of accounts.
const ACCOUNTS: &str = "/etc/passwd";

/// A list that changed as lately as this may change again without its times telling: clocks of file systems tick.
const SETTLED: Duration = Duration::from_secs(2);

/// The homes as they were read last: each request asks for one, and accounts seldom change.
static KNOWN: Mutex<Option<Homes>> = Mutex::new(None);

struct Homes {
    of: Stamp,
    by_uid: BTreeMap<u32, String>,
}

/// What differs when a file is another, or has another content: device, inode, size, and when its content and itself changed.
#[derive(PartialEq)]
struct Stamp([u64; 3], [(i64, i64); 2]);

impl Stamp {
    fn of(found: &Metadata) -> Self {
        let times = [(found.mtime(), found.mtime_nsec()), (found.ctime(), found.ctime_nsec())];
        Self([found.dev(), found.ino(), found.size()], times)
    }
}

/// The home directory of a user. Nothing where the list has none, or cannot be read.
pub fn home_of(uid: u32) -> Option<String> {
    home_in(Path::new(ACCOUNTS), &KNOWN, uid)
}

fn home_in(accounts: &Path, known: &Mutex<Option<Homes>>, uid: u32) -> Option<String> {
    // Looked at before it is read: what is read is as new as the stamp, or newer, and then it is read again.
    let found = fs::metadata(accounts).ok()?;
    let stamp = Stamp::of(&found);
    let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(homes) = known.as_ref().filter(|homes| homes.of == stamp) {
        return homes.by_uid.get(&uid).cloned();
    }
    *known = None;
    let homes = Homes { of: stamp, by_uid: read(&fs::read_to_string(accounts).ok()?) };
    let home = homes.by_uid.get(&uid).cloned();
    if is_settled(&found) {
        *known = Some(homes);
    }
    home
}

fn is_settled(found: &Metadata) -> bool {
    let changed = u64::try_from(found.ctime().max(found.mtime())).unwrap_or(u64::MAX);
    let changed = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(changed));
    changed.and_then(|at| SystemTime::now().duration_since(at).ok()).is_some_and(|ago| ago >= SETTLED)
}

/// The first home of each user.
fn read(accounts: &str) -> BTreeMap<u32, String> {
    let mut homes = BTreeMap::new();
    for line in accounts.lines() {
        let fields: Vec<&str> = line.split(':').collect();
        if let [_, _, uid, _, _, home, ..] = fields.as_slice()
            && let Ok(uid) = uid.parse()
            && home.starts_with('/')
        {
            homes.entry(uid).or_insert_with(|| (*home).to_owned());
        }
    }
    homes
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File, FileTimes};
    use std::sync::Mutex;
    use std::time::{Duration, SystemTime};

    use super::{home_in, read};

    #[test]
    fn the_first_home_of_a_user_counts_and_what_is_none_does_not() {
        let homes = read("a:x:5:5::/home/a:/bin/sh\nb:x:5:5::/home/b:\nc:x:6:6::none:\nd:x:?:7::/d:\nshort:x:8\n");
        assert_eq!(homes.into_iter().collect::<Vec<_>>(), [(5, "/home/a".to_owned())]);
    }

    #[test]
    fn an_account_that_moved_is_seen_at_once() {
        let path = std::env::temp_dir().join(format!("countersign-homes-{}", std::process::id()));
        let known = Mutex::new(None);
        let home = || home_in(&path, &known, 5);
        assert_eq!(home(), None);
        fs::write(&path, "a:x:5:5::/home/a:").unwrap();
        assert_eq!(home().as_deref(), Some("/home/a"));
        // Of the same length, in place, at the same moment as far as its own times tell.
        let then = FileTimes::new().set_modified(SystemTime::now() - Duration::from_secs(60));
        File::options().write(true).open(&path).unwrap().set_times(then).unwrap();
        assert_eq!(home().as_deref(), Some("/home/a"));
        fs::write(&path, "a:x:5:5::/home/b:").unwrap();
        File::options().write(true).open(&path).unwrap().set_times(then).unwrap();
        assert_eq!(home().as_deref(), Some("/home/b"));
        fs::remove_file(&path).unwrap();
        assert_eq!(home(), None);
    }
}
