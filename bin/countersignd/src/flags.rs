//! Operator flags: an incident, a freeze, a window for deployments. Every decision looks at those that are set.

use std::sync::Mutex;

use record::Change;
use state_sqlite::Store;

use crate::state::{Daemon, lock};

/// The flags that are set, by name.
pub(crate) struct Flags(Mutex<Vec<String>>);

impl Flags {
    pub(crate) fn open(store: &Store) -> Result<Self, String> {
        let flags = store.flags().map_err(|why| why.to_string())?;
        Ok(Self(Mutex::new(flags.into_iter().map(|(name, ..)| name).collect())))
    }

    /// Those that are set, locked.
    pub(crate) fn names(&self) -> std::sync::MutexGuard<'_, Vec<String>> {
        lock(&self.0)
    }

    pub(crate) fn set(&self) -> Vec<String> {
        lock(&self.0).clone()
    }
}

/// Sets or clears a flag. The order: recorded, stored, in force. What is set is in force even if the store fails then.
///
/// # Errors
/// The name is none, or the record or the store failed.
pub(crate) fn change(daemon: &Daemon, name: &str, on: bool, by: &str) -> Result<bool, String> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    // These are made of names that were read as such.
    let stops = name.starts_with("stop:");
    if name.is_empty() || (!stops && (name.len() > 48 || !name.chars().all(plain))) {
        return Err(format!("`{name}` is no name for a flag: small letters, digits and `-`, at most 48"));
    }
    let mut flags = lock(&daemon.flags.0);
    if flags.iter().any(|it| it == name) == on {
        return Ok(false);
    }
    let (flag, set_by) = (name.to_owned(), by.to_owned());
    let changed = if on { Change::FlagSet { flag, by: set_by } } else { Change::FlagCleared { flag, by: set_by } };
    let _receipt = daemon.record(changed)?;
    if on {
        flags.push(name.to_owned());
        daemon.policy.moved();
    }
    daemon.store.set_flag(name, on, by, host::clock::now_ms()).map_err(|why| why.to_string())?;
    if !on {
        flags.retain(|it| it != name);
        daemon.policy.moved();
    }
    daemon.activity.change_signal.notify();
    Ok(true)
}
