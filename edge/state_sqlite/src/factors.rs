//! Further factors of people: passkeys, recovery codes; and invitations to enrol.

use approval::Passkey;
use model::{Digest, ReviewerName};
use pdp::{Person, Role};
use rusqlite::{OptionalExtension as _, Row, params};

use crate::reviewers::{integer, unsigned};
use crate::{Failed, Store};

/// A passkey of a person.
#[derive(Clone, Debug)]
pub struct PasskeyRow {
    /// The passkey.
    pub passkey: Passkey,
    /// What they call it.
    pub label: String,
    /// How often its authenticator signed, as of the last time.
    pub counter: u32,
    /// When it was created, in milliseconds since 1970.
    pub created_ms: u64,
}

/// An invitation.
#[derive(Clone, Debug)]
pub struct InviteRow {
    /// The name, or nothing where they choose it.
    pub name: Option<ReviewerName>,
    /// The role.
    pub role: Role,
    /// The groups.
    pub groups: Vec<String>,
    /// Who invited them; none for the first person.
    pub by: Option<String>,
    /// Until when.
    pub expires_at_ms: u64,
}

impl Store {
    /// Adds a passkey to a person.
    ///
    /// # Errors
    /// A person has it already, or the store failed.
    pub fn add_passkey(&self, name: &ReviewerName, passkey: &Passkey, label: &str, at_ms: u64) -> Result<(), Failed> {
        self.connection().execute(
            "INSERT INTO passkeys (credential, reviewer, line, label, created_ms) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![passkey.credential(), name.as_str(), passkey.to_line(), label, integer(at_ms)],
        )?;
        Ok(())
    }

    /// The passkeys of a person, oldest first.
    ///
    /// # Errors
    /// The store failed or holds a broken one.
    pub fn passkeys(&self, name: &ReviewerName) -> Result<Vec<PasskeyRow>, Failed> {
        let connection = self.reading();
        let mut statement = connection.prepare_cached(
            "SELECT line, label, counter, created_ms FROM passkeys WHERE reviewer = ?1 ORDER BY created_ms, credential",
        )?;
        let rows = statement.query_map([name.as_str()], |row| Ok(passkey(row)))?;
        rows.map(|row| row?.ok_or(Failed::Corrupt("passkey"))).collect()
    }

    /// Notes how often a passkey signed, if that is more than before, or it does not count. Says whether it is.
    ///
    /// # Errors
    /// The store failed.
    pub fn count_passkey(&self, credential: &[u8], counter: u32) -> Result<bool, Failed> {
        let changed = self.connection().execute(
            "UPDATE passkeys SET counter = ?2 WHERE credential = ?1 AND (counter < ?2 OR (counter = 0 AND ?2 = 0))",
            params![credential, counter],
        )?;
        Ok(changed == 1)
    }

    /// Removes all passkeys and recovery codes of a person.
    ///
    /// # Errors
    /// The store failed.
    pub fn drop_factors(&self, name: &ReviewerName) -> Result<(), Failed> {
        let mut connection = self.connection();
        let transaction = connection.transaction()?;
        transaction.execute("DELETE FROM passkeys WHERE reviewer = ?1", [name.as_str()])?;
        transaction.execute("DELETE FROM recovery_codes WHERE reviewer = ?1", [name.as_str()])?;
        transaction.execute("UPDATE reviewers SET password = NULL WHERE name = ?1", [name.as_str()])?;
        Ok(transaction.commit()?)
    }

    /// Replaces a person's recovery codes, by digest. The old ones are no longer valid.
    ///
    /// # Errors
    /// The store failed.
    pub fn set_recovery(&self, name: &ReviewerName, digests: &[Digest]) -> Result<(), Failed> {
        let mut connection = self.connection();
        let transaction = connection.transaction()?;
        transaction.execute("DELETE FROM recovery_codes WHERE reviewer = ?1", [name.as_str()])?;
        for digest in digests {
            transaction.execute(
                "INSERT INTO recovery_codes (reviewer, digest) VALUES (?1, ?2)",
                params![name.as_str(), digest.to_string()],
            )?;
        }
        transaction.commit()?;
        Ok(())
    }

    /// Uses a recovery code up. Says whether there was such a one.
    ///
    /// # Errors
    /// The store failed.
    pub fn use_recovery(&self, name: &ReviewerName, digest: &Digest) -> Result<bool, Failed> {
        let changed = self.connection().execute(
            "DELETE FROM recovery_codes WHERE reviewer = ?1 AND digest = ?2",
            params![name.as_str(), digest.to_string()],
        )?;
        Ok(changed == 1)
    }

    /// Keeps an invitation, by the digest of its token. One without a name is for the very first, so there is one of it at most.
    ///
    /// # Errors
    /// The store failed.
    pub fn add_invite(&self, digest: &Digest, invite: &InviteRow) -> Result<(), Failed> {
        let mut connection = self.connection();
        let transaction = connection.transaction()?;
        transaction
            .execute("DELETE FROM invites WHERE name IS ?1", [invite.name.as_ref().map(ReviewerName::as_str)])?;
        transaction.execute(
            "INSERT INTO invites (digest, name, role, groups, invited_by, expires_at_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![
                digest.to_string(),
                invite.name.as_ref().map(ReviewerName::as_str),
                invite.role.as_str(),
                invite.groups.join(" "),
                invite.by,
                integer(invite.expires_at_ms)
            ],
        )?;
        Ok(transaction.commit()?)
    }

    /// An invitation, by the digest of its token.
    ///
    /// # Errors
    /// The store failed or holds a broken one.
    pub fn invite(&self, digest: &Digest) -> Result<Option<InviteRow>, Failed> {
        let connection = self.reading();
        let row = connection
            .query_row(
                "SELECT name, role, groups, invited_by, expires_at_ms FROM invites WHERE digest = ?1",
                [digest.to_string()],
                |row| Ok(invite(row)),
            )
            .optional()?;
        row.map(|row| row.ok_or(Failed::Corrupt("invitation"))).transpose()
    }

    /// Uses an invitation up. Says whether it was there.
    ///
    /// # Errors
    /// The store failed.
    pub fn use_invite(&self, digest: &Digest) -> Result<bool, Failed> {
        Ok(self.connection().execute("DELETE FROM invites WHERE digest = ?1", [digest.to_string()])? == 1)
    }
}

impl Store {
    /// The person here of a provider's account, and whether the provider enrolled them.
    ///
    /// # Errors
    /// The store failed or holds a broken one.
    pub fn identity(&self, issuer: &str, subject: &str) -> Result<Option<(ReviewerName, bool)>, Failed> {
        let connection = self.reading();
        let mut statement = connection
            .prepare_cached("SELECT reviewer, enrolled FROM identities WHERE issuer = ?1 AND subject = ?2")?;
        let row =
            statement.query_row([issuer, subject], |row| Ok((row.get::<_, String>(0)?, row.get(1)?))).optional()?;
        let read = |(name, enrolled): (String, bool)| ReviewerName::parse(&name).map(|name| (name, enrolled));
        row.map(read).transpose().map_err(|_| Failed::Corrupt("identity"))
    }

    /// Notes the person here of a provider's account, and that the provider confirmed it now.
    ///
    /// # Errors
    /// Another account of the provider is that person already, or the store failed.
    pub fn see_identity(
        &self,
        (issuer, subject): (&str, &str),
        name: &ReviewerName,
        enrolled: bool,
        at_ms: u64,
    ) -> Result<(), Failed> {
        self.connection().execute(
            "INSERT INTO identities (issuer, subject, reviewer, seen_ms, enrolled) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (issuer, subject) DO UPDATE SET seen_ms = ?4 WHERE reviewer = ?3",
            params![issuer, subject, name.as_str(), integer(at_ms), enrolled],
        )?;
        Ok(())
    }
}

impl InviteRow {
    /// The person enrolled under this name.
    pub fn person(&self, name: ReviewerName) -> Person {
        Person { name, role: self.role, groups: self.groups.clone() }
    }
}

fn passkey(row: &Row<'_>) -> Option<PasskeyRow> {
    Some(PasskeyRow {
        passkey: Passkey::parse(&row.get::<_, String>(0).ok()?)?,
        label: row.get(1).ok()?,
        counter: row.get(2).ok()?,
        created_ms: unsigned(row, 3)?,
    })
}

fn invite(row: &Row<'_>) -> Option<InviteRow> {
    let name: Option<String> = row.get(0).ok()?;
    Some(InviteRow {
        name: name.map(|name| ReviewerName::parse(&name)).transpose().ok()?,
        role: Role::parse(&row.get::<_, String>(1).ok()?)?,
        groups: row.get::<_, String>(2).ok()?.split_whitespace().map(str::to_owned).collect(),
        by: row.get(3).ok()?,
        expires_at_ms: unsigned(row, 4)?,
    })
}
