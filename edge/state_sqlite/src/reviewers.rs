//! Reviewers.

use approval::{PasswordHash, SshIdentity, TotpSecret};
use model::ReviewerName;
use pdp::{Person, Role};
use rusqlite::{OptionalExtension as _, Row, params};

use crate::{Failed, Store};

/// What a reviewer proves themself with.
#[derive(Clone)]
pub enum Factor {
    /// A code generator.
    Totp(TotpSecret),
    /// An SSH key.
    Ssh(SshIdentity),
    /// Passkeys alone.
    Passkey,
}

/// A reviewer.
#[derive(Clone)]
pub struct ReviewerRow {
    /// Name, role, groups.
    pub person: Person,
    /// Proof.
    pub factor: Factor,
    /// The password, typed with a code at sign-in.
    pub password: Option<PasswordHash>,
    /// When it was created, in milliseconds since 1970.
    pub created_ms: u64,
    /// The last step of the code generator that was used.
    pub last_step: Option<u64>,
    /// Wrong proofs in a row.
    pub failures: u32,
    /// No proof is looked at before this time.
    pub locked_until_ms: u64,
    /// When a provider of single sign-on named them last, where it enrolled them.
    pub seen_ms: Option<u64>,
}

impl Store {
    /// Adds a reviewer. With `only_if_first`, adds one only where there is none yet; both are one step.
    ///
    /// # Errors
    /// There is one by this name or with this key, or the store failed.
    pub fn add_reviewer(
        &self,
        person: &Person,
        factor: &Factor,
        created_ms: u64,
        only_if_first: bool,
    ) -> Result<bool, Failed> {
        let mut known = self.known_people();
        *known = None;
        let (secret, key) = columns(factor);
        let added = self.connection().execute(
            "INSERT INTO reviewers (name, totp_secret, ssh_key, created_ms, role, groups) SELECT ?1, ?2, ?3, ?4, ?6, ?7
             WHERE NOT ?5 OR NOT EXISTS (SELECT 1 FROM reviewers)",
            params![
                person.name.as_str(),
                secret,
                key,
                integer(created_ms),
                only_if_first,
                person.role.as_str(),
                person.groups.join(" ")
            ],
        )?;
        Ok(added == 1)
    }

    /// Gives a person another factor. Codes that were used under the one before say nothing of the new one.
    ///
    /// # Errors
    /// The store failed, or another person has this key.
    pub fn set_factor(&self, name: &ReviewerName, factor: &Factor) -> Result<bool, Failed> {
        let (secret, key) = columns(factor);
        let changed = self.connection().execute(
            "UPDATE reviewers SET totp_secret = ?2, ssh_key = ?3, last_step = NULL WHERE name = ?1",
            params![name.as_str(), secret, key],
        )?;
        Ok(changed == 1)
    }

    /// Gives a person another password, or takes it away. Says whether there is such a person.
    ///
    /// # Errors
    /// The store failed.
    pub fn set_password(&self, name: &ReviewerName, password: Option<&PasswordHash>) -> Result<bool, Failed> {
        let changed = self.connection().execute(
            "UPDATE reviewers SET password = ?2 WHERE name = ?1",
            params![name.as_str(), password.map(PasswordHash::as_str)],
        )?;
        Ok(changed == 1)
    }

    /// Changes a person's role and groups, unless no operator would be left. Returns whether it did.
    ///
    /// # Errors
    /// The store failed.
    pub fn place_reviewer(&self, person: &Person) -> Result<bool, Failed> {
        let mut known = self.known_people();
        *known = None;
        let changed = self.connection().execute(
            "UPDATE reviewers SET role = ?2, groups = ?3 WHERE name = ?1
             AND (?2 = 'operator' OR EXISTS (SELECT 1 FROM reviewers WHERE role = 'operator' AND name <> ?1))",
            params![person.name.as_str(), person.role.as_str(), person.groups.join(" ")],
        )?;
        Ok(changed == 1)
    }

    /// Removes a person, unless no operator would be left. Returns whether it did.
    ///
    /// # Errors
    /// The store failed.
    pub fn remove_reviewer(&self, name: &ReviewerName) -> Result<bool, Failed> {
        let mut known = self.known_people();
        *known = None;
        let changed = self.connection().execute(
            "DELETE FROM reviewers WHERE name = ?1
             AND EXISTS (SELECT 1 FROM reviewers WHERE role = 'operator' AND name <> ?1)",
            [name.as_str()],
        )?;
        Ok(changed == 1)
    }

    /// Everybody, as far as it matters for who must agree.
    ///
    /// # Errors
    /// As [`Self::reviewers`].
    pub fn people(&self) -> Result<Vec<Person>, Failed> {
        let mut known = self.known_people();
        if let Some(people) = known.as_ref() {
            return Ok(people.clone());
        }
        let people: Vec<Person> = self.reviewers()?.into_iter().map(|row| row.person).collect();
        *known = Some(people.clone());
        Ok(people)
    }

    /// All reviewers, by name.
    ///
    /// # Errors
    /// The store failed or holds a broken reviewer.
    pub fn reviewers(&self) -> Result<Vec<ReviewerRow>, Failed> {
        let connection = self.reading();
        let mut statement = connection.prepare_cached(&format!("{REVIEWER} ORDER BY name"))?;
        let rows = statement.query_map([], |row| Ok(reviewer(row)))?;
        rows.map(|row| row?.ok_or(Failed::Corrupt("reviewer"))).collect()
    }

    /// One reviewer.
    ///
    /// # Errors
    /// As [`Self::reviewers`].
    pub fn reviewer(&self, name: &ReviewerName) -> Result<Option<ReviewerRow>, Failed> {
        let connection = self.reading();
        let mut statement = connection.prepare_cached(&format!("{REVIEWER} WHERE name = ?1"))?;
        let row = statement.query_row([name.as_str()], |row| Ok(reviewer(row))).optional()?;
        row.map(|row| row.ok_or(Failed::Corrupt("reviewer"))).transpose()
    }

    /// Uses up a step of a reviewer's code generator. Says no if it, or a later one, was used meanwhile.
    ///
    /// # Errors
    /// The store failed.
    pub fn use_step(&self, name: &ReviewerName, step: u64) -> Result<bool, Failed> {
        let changed = self.connection().execute(
            "UPDATE reviewers SET last_step = ?2, failures = 0, locked_until_ms = 0
             WHERE name = ?1 AND (last_step IS NULL OR last_step < ?2)",
            params![name.as_str(), integer(step)],
        )?;
        Ok(changed == 1)
    }

    /// Notes a wrong proof; from `most` in a row on the reviewer is locked until `until_ms`.
    ///
    /// # Errors
    /// The store failed.
    pub fn note_wrong_proof(&self, name: &ReviewerName, most: u32, until_ms: u64) -> Result<(), Failed> {
        self.connection().execute(
            "UPDATE reviewers SET failures = failures + 1,
             locked_until_ms = CASE WHEN failures + 1 >= ?2 THEN ?3 ELSE locked_until_ms END WHERE name = ?1",
            params![name.as_str(), most, integer(until_ms)],
        )?;
        Ok(())
    }

    /// Remembers the newest checkpoint of the log, as a pin against a log that is cut short.
    ///
    /// # Errors
    /// The store failed.
    pub fn pin(&self, note: &str) -> Result<(), Failed> {
        self.connection().execute(
            "INSERT INTO pins (name, note) VALUES ('log', ?1) ON CONFLICT (name) DO UPDATE SET note = ?1",
            [note],
        )?;
        Ok(())
    }

    /// The pinned checkpoint.
    ///
    /// # Errors
    /// The store failed.
    pub fn pinned(&self) -> Result<Option<String>, Failed> {
        Ok(self.connection().query_row("SELECT note FROM pins WHERE name = 'log'", [], |row| row.get(0)).optional()?)
    }
}

/// How a factor is stored.
fn columns(factor: &Factor) -> (Option<Vec<u8>>, Option<String>) {
    match factor {
        Factor::Totp(secret) => (Some(secret.as_bytes().to_vec()), None),
        Factor::Ssh(identity) => (None, Some(identity.to_line())),
        Factor::Passkey => (None, None),
    }
}

const REVIEWER: &str =
    "SELECT name, totp_secret, ssh_key, created_ms, last_step, failures, locked_until_ms, role, groups, password,
    (SELECT seen_ms FROM identities WHERE reviewer = name AND enrolled) FROM reviewers";

/// SQLite's integers are signed; ours are times and steps far below the limit.
pub(crate) fn integer(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

pub(crate) fn unsigned(row: &Row<'_>, at: usize) -> Option<u64> {
    u64::try_from(row.get::<_, i64>(at).ok()?).ok()
}

fn reviewer(row: &Row<'_>) -> Option<ReviewerRow> {
    let (secret, key): (Option<Vec<u8>>, Option<String>) = (row.get(1).ok()?, row.get(2).ok()?);
    let factor = match (secret, key) {
        (Some(secret), None) => Factor::Totp(TotpSecret::new(secret.try_into().ok()?)),
        (None, Some(key)) => Factor::Ssh(SshIdentity::parse(&key).ok()?),
        (None, None) => Factor::Passkey,
        (Some(_), Some(_)) => return None,
    };
    let person = Person {
        name: ReviewerName::parse(&row.get::<_, String>(0).ok()?).ok()?,
        role: Role::parse(&row.get::<_, String>(7).ok()?)?,
        groups: row.get::<_, String>(8).ok()?.split_whitespace().map(str::to_owned).collect(),
    };
    Some(ReviewerRow {
        person,
        factor,
        password: row.get::<_, Option<String>>(9).ok()?.map(PasswordHash::stored),
        created_ms: unsigned(row, 3)?,
        last_step: row.get::<_, Option<i64>>(4).ok()?.and_then(|step| u64::try_from(step).ok()),
        failures: row.get(5).ok()?,
        locked_until_ms: unsigned(row, 6)?,
        // One that cannot be read is one of long ago.
        seen_ms: row.get::<_, Option<i64>>(10).ok()?.map(|at_ms| u64::try_from(at_ms).unwrap_or(0)),
    })
}

#[cfg(test)]
mod tests {
    use super::Factor;
    use crate::Store;
    use model::ReviewerName;
    use pdp::{Person, Role};

    #[test]
    fn everybody_is_known_as_they_are_after_every_change() {
        let directory = std::env::temp_dir().join(format!("countersign-people-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let store = Store::open(&directory.join("state.db")).unwrap();
        let person = |name: &str, role| Person { name: ReviewerName::parse(name).unwrap(), role, groups: Vec::new() };
        let roles = || store.people().unwrap().iter().map(|it| (it.name.to_string(), it.role)).collect::<Vec<_>>();
        assert!(roles().is_empty());
        store.add_reviewer(&person("rita", Role::Operator), &Factor::Passkey, 0, true).unwrap();
        store.add_reviewer(&person("sam", Role::Senior), &Factor::Passkey, 0, false).unwrap();
        assert_eq!(roles(), [("rita".to_owned(), Role::Operator), ("sam".to_owned(), Role::Senior)]);
        store.place_reviewer(&person("sam", Role::Viewer)).unwrap();
        assert_eq!(roles()[1].1, Role::Viewer);
        store.remove_reviewer(&person("sam", Role::Viewer).name).unwrap();
        assert_eq!(roles(), [("rita".to_owned(), Role::Operator)]);
        std::fs::remove_dir_all(&directory).unwrap();
    }
}
