//! State on SQLite: agents, reviewers, holds, spent permits.
//!
//! Every write is one transaction under `synchronous = FULL` in WAL mode: when a call returns, its effect survives a
//! crash, and a failed call changed nothing. Decisions on holds are compare-and-set, so that of two answers at once
//! exactly one counts.

mod factors;
mod holds;
mod people;
mod rules;
mod schema;

pub use factors::{InviteRow, PasskeyRow};
pub use holds::BrokenRow;
pub use people::{AgentRow, Factor, ReviewerRow};
pub use rules::RuleRow;

use std::fmt;
use std::path::Path;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

/// How long a call waits for another process that has the database locked. After that it fails, and the request with
/// it.
const BUSY_WAIT: Duration = Duration::from_secs(2);

/// The state of one daemon.
#[derive(Debug)]
pub struct Store {
    connection: Mutex<Connection>,
}

/// Why the store did not do it.
#[derive(Debug)]
pub enum Failed {
    /// The database refused: locked, read-only, full, or broken.
    Database(rusqlite::Error),
    /// What is stored makes no sense to us.
    Corrupt(&'static str),
    /// There is one by this name already.
    Exists,
}

impl fmt::Display for Failed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Database(why) => write!(out, "the state store failed: {why}"),
            Self::Corrupt(what) => write!(out, "the state store holds a broken {what}"),
            Self::Exists => out.write_str("there is one by this name already"),
        }
    }
}

impl std::error::Error for Failed {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Database(why) => Some(why),
            Self::Corrupt(_) | Self::Exists => None,
        }
    }
}

impl From<rusqlite::Error> for Failed {
    fn from(why: rusqlite::Error) -> Self {
        match why.sqlite_error_code() {
            Some(rusqlite::ErrorCode::ConstraintViolation) => Self::Exists,
            Some(_) | None => Self::Database(why),
        }
    }
}

impl Store {
    /// Opens the store and brings its schema up to date. A damaged file is refused whole.
    ///
    /// # Errors
    /// It cannot be opened, is damaged, was written by a newer version, or cannot be written to.
    pub fn open(path: &Path) -> Result<Self, Failed> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(BUSY_WAIT)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", "ON")?;
        let sound: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
        if sound != "ok" {
            return Err(Failed::Corrupt("database file"));
        }
        schema::migrate(&mut connection)?;
        Ok(Self { connection: Mutex::new(connection) })
    }

    /// The connection. A thread that panicked while it held it left no transaction open, so it is usable.
    fn connection(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
