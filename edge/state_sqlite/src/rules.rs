//! Rules born from approvals, operator flags, and what is remembered of sessions, agents and uses.

use rusqlite::{OptionalExtension as _, params};

use crate::reviewers::{integer, unsigned};
use crate::{Durability, Failed, Store};

/// A rule made at run time, from an approval or by hand. It is never changed; it is removed, and
/// stays visible.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleRow {
    /// Its id, which its text repeats.
    pub id: String,
    /// Its text, as in a file of rules.
    pub text: String,
    /// Who made it.
    pub author: String,
    /// The digest of the request whose approval it comes from.
    pub request: Option<String>,
    /// The reason.
    pub reason: String,
    /// When it was created, in milliseconds since 1970.
    pub created_ms: u64,
    /// Since when it does not apply any more.
    pub removed_ms: Option<u64>,
    /// Who removed it.
    pub removed_by: Option<String>,
}

impl Store {
    /// Adds a rule.
    ///
    /// # Errors
    /// There is one by this id, or the store failed.
    pub fn add_rule(&self, rule: &RuleRow) -> Result<(), Failed> {
        self.connection().execute(
            "INSERT INTO rules (id, text, author, request, reason, created_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![rule.id, rule.text, rule.author, rule.request, rule.reason, integer(rule.created_ms)],
        )?;
        Ok(())
    }

    /// Removes a rule. Says whether it applied until now.
    ///
    /// # Errors
    /// The store failed.
    pub fn remove_rule(&self, id: &str, by: &str, at_ms: u64) -> Result<bool, Failed> {
        let changed = self.connection().execute(
            "UPDATE rules SET removed_ms = ?2, removed_by = ?3 WHERE id = ?1 AND removed_ms IS NULL",
            params![id, integer(at_ms), by],
        )?;
        Ok(changed == 1)
    }

    /// All rules, oldest first; those that were removed as well.
    ///
    /// # Errors
    /// The store failed or holds a broken rule.
    pub fn rules(&self) -> Result<Vec<RuleRow>, Failed> {
        let connection = self.reading();
        let mut statement = connection.prepare(
            "SELECT id, text, author, request, reason, created_ms, removed_ms, removed_by FROM rules ORDER BY created_ms, id",
        )?;
        let rows = statement.query_map([], |row| {
            Ok(RuleRow {
                id: row.get(0)?,
                text: row.get(1)?,
                author: row.get(2)?,
                request: row.get(3)?,
                reason: row.get(4)?,
                created_ms: unsigned(row, 5).unwrap_or(0),
                removed_ms: unsigned(row, 6),
                removed_by: row.get(7)?,
            })
        })?;
        rows.map(|row| Ok(row?)).collect()
    }

    /// Sets or clears an operator flag. Says whether that changed anything.
    ///
    /// # Errors
    /// The store failed.
    pub fn set_flag(&self, name: &str, on: bool, by: &str, at_ms: u64) -> Result<bool, Failed> {
        let connection = self.connection();
        let changed = if on {
            let insert = "INSERT OR IGNORE INTO flags (name, set_by, set_ms) VALUES (?1, ?2, ?3)";
            connection.execute(insert, params![name, by, integer(at_ms)])?
        } else {
            connection.execute("DELETE FROM flags WHERE name = ?1", [name])?
        };
        Ok(changed == 1)
    }

    /// All flags that are set: name, by whom, since when.
    ///
    /// # Errors
    /// The store failed.
    pub fn flags(&self) -> Result<Vec<(String, String, u64)>, Failed> {
        let connection = self.reading();
        let mut statement = connection.prepare("SELECT name, set_by, set_ms FROM flags ORDER BY name")?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, unsigned(row, 2).unwrap_or(0))))?;
        rows.map(|row| Ok(row?)).collect()
    }

    /// What is remembered under a scope.
    ///
    /// # Errors
    /// The store failed.
    pub fn pace(&self, scope: &str) -> Result<Option<String>, Failed> {
        let connection = self.reading();
        Ok(connection.query_row("SELECT pace FROM paces WHERE scope = ?1", [scope], |row| row.get(0)).optional()?)
    }

    /// Remembers several scopes at once.
    ///
    /// # Errors
    /// The store failed; then nothing changed.
    pub fn keep_paces(&self, paces: &[(String, String)], at_ms: u64, kept: Durability) -> Result<(), Failed> {
        let mut connection = self.taken(kept);
        let transaction = connection.transaction()?;
        {
            let mut insert = transaction.prepare_cached(
                "INSERT INTO paces (scope, pace, at_ms) VALUES (?1, ?2, ?3)
                 ON CONFLICT (scope) DO UPDATE SET pace = ?2, at_ms = ?3",
            )?;
            for (scope, pace) in paces {
                insert.execute(params![scope, pace, integer(at_ms)])?;
            }
        }
        transaction.commit()?;
        Ok(())
    }

    /// Forgets scopes that were not touched since, and uses before that time.
    ///
    /// # Errors
    /// The store failed.
    pub fn forget_before(&self, at_ms: u64) -> Result<(), Failed> {
        self.connection().execute("DELETE FROM paces WHERE at_ms < ?1", [integer(at_ms)])?;
        Ok(())
    }

    /// Notes that a rule with a limited number of uses decided, if fewer than `uses` have been so far, and fewer than
    /// `rate` since `since_ms`. One step: of two at once, one finds the other's.
    ///
    /// # Errors
    /// The store failed; then nothing was noted.
    pub fn use_rule(
        &self,
        rule: &str,
        uses: Option<u32>,
        rate: Option<(u32, u64)>,
        at_ms: u64,
    ) -> Result<bool, Failed> {
        let (rate, since_ms) = rate.map_or((None, 0), |(rate, since)| (Some(rate), since));
        let changed = self.connection().execute(
            "INSERT INTO uses (rule, at_ms) SELECT ?1, ?2
             WHERE (?3 IS NULL OR (SELECT COUNT(*) FROM uses WHERE rule = ?1) < ?3)
               AND (?4 IS NULL OR (SELECT COUNT(*) FROM uses WHERE rule = ?1 AND at_ms > ?5) < ?4)",
            params![rule, integer(at_ms), uses, rate, integer(since_ms)],
        )?;
        Ok(changed == 1)
    }
}
