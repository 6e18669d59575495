//! Push subscriptions: devices that are notified of holds.

use rusqlite::params;

use crate::reviewers::integer;
use crate::{Failed, Store};

/// A device of a person.
#[derive(Clone, Debug)]
pub struct DeviceRow {
    /// Whose.
    pub reviewer: String,
    /// The address at its push service.
    pub endpoint: String,
    /// Its key, base64url.
    pub key: String,
    /// Its secret, base64url.
    pub auth: String,
}

/// The most devices of one person: the oldest makes room.
const MOST_OF_ONE: i64 = 8;

impl Store {
    /// Adds a device, or moves it to its present person.
    ///
    /// # Errors
    /// The store failed.
    pub fn add_device(&self, row: &DeviceRow, at_ms: u64) -> Result<(), Failed> {
        let mut connection = self.connection();
        let transaction = connection.transaction()?;
        transaction.execute(
            "INSERT INTO devices (endpoint, reviewer, key, auth, created_ms) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (endpoint) DO UPDATE SET reviewer = ?2, key = ?3, auth = ?4, created_ms = ?5",
            params![row.endpoint, row.reviewer, row.key, row.auth, integer(at_ms)],
        )?;
        transaction.execute(
            "DELETE FROM devices WHERE reviewer = ?1 AND endpoint NOT IN
             (SELECT endpoint FROM devices WHERE reviewer = ?1 ORDER BY created_ms DESC LIMIT ?2)",
            params![row.reviewer, MOST_OF_ONE],
        )?;
        transaction.commit()?;
        Ok(())
    }

    /// Removes a device; of one person alone, where one is given.
    ///
    /// # Errors
    /// The store failed.
    pub fn drop_device(&self, endpoint: &str, reviewer: Option<&str>) -> Result<bool, Failed> {
        let changed = self.connection().execute(
            "DELETE FROM devices WHERE endpoint = ?1 AND (?2 IS NULL OR reviewer = ?2)",
            params![endpoint, reviewer],
        )?;
        Ok(changed == 1)
    }

    /// All devices.
    ///
    /// # Errors
    /// The store failed.
    pub fn devices(&self) -> Result<Vec<DeviceRow>, Failed> {
        let connection = self.reading();
        let mut statement =
            connection.prepare_cached("SELECT reviewer, endpoint, key, auth FROM devices ORDER BY created_ms")?;
        let rows = statement.query_map([], |row| {
            Ok(DeviceRow { reviewer: row.get(0)?, endpoint: row.get(1)?, key: row.get(2)?, auth: row.get(3)? })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}
