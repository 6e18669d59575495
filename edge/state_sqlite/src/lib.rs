//! State on SQLite: agents, reviewers, holds, spent permits.
//!
//! Every write is one transaction in WAL mode, and a failed call changed nothing. There are two kinds:
//!
//! - *durable* (`synchronous = FULL`): when the call returns, its effect survives the loss of power;
//! - *in order* (`synchronous = NORMAL`): it survives the end of this process, and reaches the disk with the next durable
//!   write at the latest, never after it: both go through one write-ahead log. For what nothing rests on until something
//!   durable follows: a hold that is open (no connection waits for it after a crash, and the record has its answers), and a pace
//!   that was counted before a permit is spent.
//!
//! Decisions on holds are compare-and-set, so that of two answers at once exactly one counts.

mod agents;
mod factors;
mod holds;
mod push_subscriptions;
mod reviewers;
mod rules;
mod schema;

pub use agents::AgentRow;
pub use factors::{InviteRow, PasskeyRow};
pub use holds::BrokenRow;
pub use push_subscriptions::DeviceRow;
pub use reviewers::{Factor, ReviewerRow};
pub use rules::RuleRow;

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::path::Path;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use pdp::Person;
use rusqlite::{Connection, OpenFlags};

/// How long a call waits for another process that has the database locked. After that it fails, and the request with
/// it.
const BUSY_WAIT: Duration = Duration::from_secs(2);

/// The state of one daemon.
#[derive(Debug)]
pub struct Store {
    connections: Mutex<Connections>,
    /// Everybody, as the file has them: they are asked for with every hold and every answer. Locked before the connections, and for
    /// during a change, so that no reader keeps the old state.
    people: Mutex<Option<Vec<Person>>>,
}

/// Two connections to the same file, behind one lock: neither ever waits for the other.
#[derive(Debug)]
struct Connections {
    durable: Connection,
    in_order: Connection,
}

/// How far a write must have come when its call returns.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Durability {
    /// On the disk.
    Durable,
    /// In line: on the disk with the next durable write at the latest.
    InOrder,
}

/// One of the connections, while no one else has either.
struct Taken<'a> {
    connections: MutexGuard<'a, Connections>,
    kept: Durability,
}

impl Deref for Taken<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        match self.kept {
            Durability::Durable => &self.connections.durable,
            Durability::InOrder => &self.connections.in_order,
        }
    }
}

impl DerefMut for Taken<'_> {
    fn deref_mut(&mut self) -> &mut Connection {
        match self.kept {
            Durability::Durable => &mut self.connections.durable,
            Durability::InOrder => &mut self.connections.in_order,
        }
    }
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
        let mut durable = connect(path, "FULL")?;
        let sound: String = durable.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
        if sound != "ok" {
            return Err(Failed::Corrupt("database file"));
        }
        schema::migrate(&mut durable)?;
        let in_order = connect(path, "NORMAL")?;
        // Bringing the log into the file takes flushes: that is left to the durable writes.
        in_order.pragma_update(None, "wal_autocheckpoint", 0)?;
        Ok(Self { connections: Mutex::new(Connections { durable, in_order }), people: Mutex::default() })
    }

    /// The cached people. A change of people holds it, empty, meanwhile.
    fn known_people(&self) -> MutexGuard<'_, Option<Vec<Person>>> {
        self.people.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// The connection for what must be durable.
    fn connection(&self) -> Taken<'_> {
        self.taken(Durability::Durable)
    }

    /// The connection for what is only read: the one that writes most, so that its pages are still good.
    fn reading(&self) -> Taken<'_> {
        self.taken(Durability::InOrder)
    }

    /// A connection. A thread that panicked while it held one left no transaction open, so it is usable.
    fn taken(&self, kept: Durability) -> Taken<'_> {
        let connections = self.connections.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        Taken { connections, kept }
    }
}

fn connect(path: &Path, synchronous: &str) -> Result<Connection, Failed> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_WAIT)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", synchronous)?;
    connection.pragma_update(None, "foreign_keys", "ON")?;
    Ok(connection)
}
