//! Accounts of our own, where root starts us: what reads bytes of strangers has another one than what keeps rules and record.

use std::ffi::OsStr;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use host::accounts::{Account, account};
use host::install_paths::{Layout, WEB_USER_VARIABLE};
use host::service_supervisor::{Answers, Service};

/// The two accounts.
pub(super) struct Accounts {
    keeper: Account,
    web: Account,
}

impl Accounts {
    /// Those that were named.
    ///
    /// # Errors
    /// We are not root, there is no such account, or both are the same.
    pub(super) fn of(keeper: Option<&str>, web: Option<&str>) -> Result<Option<Self>, String> {
        let Some((keeper, web)) = keeper.zip(web) else { return Ok(None) };
        if host::files::my_uid() != 0 {
            return Err("`--user` and `--web-user` take root, which each program gives up before it starts: sudo countersign up …".to_owned());
        }
        let find = |flag: &str, name: &str| account(name).map_err(|why| format!("`{flag} {name}`: {why}"));
        let accounts = Self { keeper: find("--user", keeper)?, web: find("--web-user", web)? };
        if accounts.keeper.uid == accounts.web.uid {
            return Err("the web gate takes another account than the rest: it reads what strangers send".to_owned());
        }
        Ok(Some(accounts))
    }

    /// What the daemon gets.
    pub(super) fn variable(&self) -> (String, PathBuf) {
        let Account { uid, gid } = self.web;
        (WEB_USER_VARIABLE.to_owned(), format!("{uid}:{gid}").into())
    }

    /// Gives a program its account. Those that listen to strangers are the web gate's; we open their ports, since they may not.
    pub(super) fn give(&self, service: &mut Service) {
        let is_web = service.program.file_name() == Some(OsStr::new("countersign-gate"))
            && service.arguments.first().is_some_and(|word| word == "web" || word == "certificate");
        service.account = Some(if is_web { self.web } else { self.keeper });
        if let Answers::Address(address) = service.answers {
            service.listens = Some(address);
            service.answers = Answers::Words(address);
        }
    }

    /// Reads a file whose owner may open a port: root, or the owner of the rules.
    pub(super) fn read(&self, path: &Path, limit: u64) -> std::io::Result<Option<Vec<u8>>> {
        host::files::read_trusted(path, limit, self.keeper.uid)
    }

    /// Makes the directory of an installation: its account's own, and passable, since agents and the web gate reach their sockets in it.
    pub(super) fn make(&self, directory: &Path) -> std::io::Result<()> {
        if !directory.exists() {
            std::fs::DirBuilder::new().recursive(true).mode(0o755).create(directory)?;
            std::os::unix::fs::lchown(directory, Some(self.keeper.uid), Some(self.keeper.gid))?;
        }
        let directory = std::fs::canonicalize(directory)?;
        let found = std::fs::metadata(&directory)?;
        if found.uid() != self.keeper.uid {
            let Account { uid, gid } = self.keeper;
            let (theirs, path) = (found.uid(), directory.display());
            return Err(std::io::Error::other(format!("it belongs to the user {theirs}: chown -R {uid}:{gid} {path}")));
        }
        std::fs::set_permissions(&directory, std::fs::Permissions::from_mode(0o711))?;
        // What belongs to the web gate: its certificate, where it gets one by itself.
        host::files::directory_for(&Layout::under(&directory).web, self.web)?;
        for above in directory.ancestors() {
            if std::fs::metadata(above)?.mode() & 0o001 == 0 {
                let why = format!("other users cannot pass through `{}`; take another place", above.display());
                return Err(std::io::Error::other(why));
            }
        }
        Ok(())
    }
}
