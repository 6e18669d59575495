//! Accounts of this machine, by name or number.

use std::io;

/// Whom a process acts as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account {
    /// The user.
    pub uid: u32,
    /// Its group. A process that acts as this account is in no other.
    pub gid: u32,
}

/// An account, as people write it: the name of one in `/etc/passwd`, `UID:GID`, or the number of one in `/etc/passwd`. Accounts that
/// only a directory service knows are written in numbers.
///
/// # Errors
/// There is none, or it is root's: none of our programs may run as it.
pub fn account(text: &str) -> io::Result<Account> {
    let found = match text.split_once(':') {
        Some((uid, gid)) => uid.parse().ok().zip(gid.parse().ok()).map(|(uid, gid)| Account { uid, gid }),
        None => in_file(&std::fs::read_to_string("/etc/passwd")?, text),
    };
    match found {
        Some(Account { uid: 0, .. } | Account { gid: 0, .. }) => {
            Err(io::Error::other(format!("`{text}` is root, or in root's group; make an account that can do less")))
        }
        Some(account) => Ok(account),
        None => Err(io::Error::other(format!(
            "there is no account `{text}`; make it with `useradd --system --no-create-home --shell /usr/sbin/nologin {text}`, or write UID:GID"
        ))),
    }
}

fn in_file(accounts: &str, wanted: &str) -> Option<Account> {
    accounts.lines().find_map(|line| {
        let fields: Vec<&str> = line.split(':').collect();
        let &[name, _, uid, gid, ..] = fields.as_slice() else { return None };
        let account = Account { uid: uid.parse().ok()?, gid: gid.parse().ok()? };
        (name == wanted || uid == wanted).then_some(account)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "root:x:0:0:root:/root:/bin/bash\ngate:x:998:997::/nonexistent:/usr/sbin/nologin\n";

    #[test]
    fn by_name_and_by_number() {
        let gate = Some(Account { uid: 998, gid: 997 });
        assert_eq!(in_file(FILE, "gate"), gate);
        assert_eq!(in_file(FILE, "998"), gate);
        assert_eq!(in_file(FILE, "gat"), None);
        assert_eq!(in_file(FILE, "x"), None);
    }

    #[test]
    fn numbers_need_no_file_and_root_is_refused() {
        assert_eq!(account("61001:61002").unwrap(), Account { uid: 61_001, gid: 61_002 });
        for root in ["root", "0", "0:5", "5:0"] {
            assert!(account(root).unwrap_err().to_string().contains("root"), "{root}");
        }
        for none in ["", "nobody-of-this-name", "1:", ":1", "1:2:3", "-1:2", "4294967296:1"] {
            assert!(account(none).is_err(), "{none}");
        }
    }
}
