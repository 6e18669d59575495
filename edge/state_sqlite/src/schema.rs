//! The tables, by version. A migration is never edited once released; a new one is added.

use rusqlite::Connection;

use crate::Failed;

const MIGRATIONS: &[&str] = &["
    CREATE TABLE agents (
        name TEXT PRIMARY KEY, owner TEXT NOT NULL, key_digest TEXT NOT NULL UNIQUE, uid INTEGER, created_ms INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE reviewers (
        name TEXT PRIMARY KEY, totp_secret BLOB, ssh_key TEXT UNIQUE, created_ms INTEGER NOT NULL,
        last_step INTEGER, failures INTEGER NOT NULL DEFAULT 0, locked_until_ms INTEGER NOT NULL DEFAULT 0,
        CHECK ((totp_secret IS NULL) <> (ssh_key IS NULL))
    ) STRICT;
    CREATE TABLE holds (
        id TEXT PRIMARY KEY, request TEXT NOT NULL, agent TEXT NOT NULL, owner TEXT NOT NULL,
        people INTEGER NOT NULL, assurance TEXT NOT NULL, timeout_s INTEGER NOT NULL,
        expires_at_ms INTEGER NOT NULL, state TEXT NOT NULL, version INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    CREATE INDEX open_holds ON holds (state) WHERE state = 'open';
    CREATE TABLE answers (
        hold TEXT NOT NULL REFERENCES holds (id), reviewer TEXT NOT NULL, said TEXT NOT NULL, assurance TEXT NOT NULL,
        at_ms INTEGER NOT NULL, PRIMARY KEY (hold, reviewer)
    ) STRICT;
    CREATE TABLE spent_permits (id TEXT PRIMARY KEY, request TEXT NOT NULL, at_ms INTEGER NOT NULL) STRICT;
    CREATE TABLE pins (name TEXT PRIMARY KEY, note TEXT NOT NULL) STRICT;
", "
    ALTER TABLE agents ADD COLUMN env TEXT;
    ALTER TABLE agents ADD COLUMN groups TEXT NOT NULL DEFAULT '';
    ALTER TABLE agents ADD COLUMN trust INTEGER NOT NULL DEFAULT 1;
    CREATE TABLE rules (
        id TEXT PRIMARY KEY, text TEXT NOT NULL, author TEXT NOT NULL, request TEXT, reason TEXT NOT NULL,
        created_ms INTEGER NOT NULL, removed_ms INTEGER, removed_by TEXT
    ) STRICT;
    CREATE TABLE flags (name TEXT PRIMARY KEY, set_by TEXT NOT NULL, set_ms INTEGER NOT NULL) STRICT;
    CREATE TABLE paces (scope TEXT PRIMARY KEY, pace TEXT NOT NULL, at_ms INTEGER NOT NULL) STRICT;
    CREATE TABLE uses (rule TEXT NOT NULL, at_ms INTEGER NOT NULL) STRICT;
    CREATE INDEX uses_of_rule ON uses (rule, at_ms);
", "
    -- Whoever was enrolled before there were roles could do everything.
    ALTER TABLE reviewers ADD COLUMN role TEXT NOT NULL DEFAULT 'operator';
    ALTER TABLE reviewers ADD COLUMN groups TEXT NOT NULL DEFAULT '';
", "
    CREATE TABLE break_glass (
        hold TEXT PRIMARY KEY REFERENCES holds (id), reviewer TEXT NOT NULL, at_ms INTEGER NOT NULL,
        reviewed_by TEXT, reviewed_ms INTEGER
    ) STRICT;
", "
    -- Somebody may have passkeys alone.
    CREATE TABLE people (
        name TEXT PRIMARY KEY, totp_secret BLOB, ssh_key TEXT UNIQUE, created_ms INTEGER NOT NULL,
        last_step INTEGER, failures INTEGER NOT NULL DEFAULT 0, locked_until_ms INTEGER NOT NULL DEFAULT 0,
        role TEXT NOT NULL, groups TEXT NOT NULL DEFAULT '',
        CHECK (totp_secret IS NULL OR ssh_key IS NULL)
    ) STRICT;
    INSERT INTO people SELECT name, totp_secret, ssh_key, created_ms, last_step, failures, locked_until_ms, role, groups
        FROM reviewers;
    DROP TABLE reviewers;
    ALTER TABLE people RENAME TO reviewers;
    CREATE TABLE passkeys (
        credential BLOB PRIMARY KEY, reviewer TEXT NOT NULL, line TEXT NOT NULL, label TEXT NOT NULL,
        counter INTEGER NOT NULL DEFAULT 0, created_ms INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX passkeys_of_reviewer ON passkeys (reviewer);
    CREATE TABLE recovery_codes (reviewer TEXT NOT NULL, digest TEXT NOT NULL, PRIMARY KEY (reviewer, digest)) STRICT;
    CREATE TABLE invites (
        digest TEXT PRIMARY KEY, name TEXT, role TEXT NOT NULL, groups TEXT NOT NULL, invited_by TEXT,
        expires_at_ms INTEGER NOT NULL
    ) STRICT;
    CREATE TRIGGER reviewer_gone AFTER DELETE ON reviewers BEGIN
        DELETE FROM passkeys WHERE reviewer = OLD.name;
        DELETE FROM recovery_codes WHERE reviewer = OLD.name;
    END;
", "
    -- Who somebody is at a provider of single sign-on, when it last said so, and whether it enrolled them.
    CREATE TABLE identities (
        issuer TEXT NOT NULL, subject TEXT NOT NULL, reviewer TEXT NOT NULL UNIQUE, seen_ms INTEGER NOT NULL,
        enrolled INTEGER NOT NULL,
        PRIMARY KEY (issuer, subject)
    ) STRICT;
    CREATE TRIGGER reviewer_gone_from_identities AFTER DELETE ON reviewers BEGIN
        DELETE FROM identities WHERE reviewer = OLD.name;
    END;
    -- Devices that are told of holds.
    CREATE TABLE devices (
        endpoint TEXT PRIMARY KEY, reviewer TEXT NOT NULL, key TEXT NOT NULL, auth TEXT NOT NULL, created_ms INTEGER NOT NULL
    ) STRICT;
    CREATE TRIGGER reviewer_gone_from_devices AFTER DELETE ON reviewers BEGIN
        DELETE FROM devices WHERE reviewer = OLD.name;
    END;
", "
    -- What somebody types beside a code when they sign in (a PHC string).
    ALTER TABLE reviewers ADD COLUMN password TEXT;
", "
    -- The agent on whose orders another acts.
    ALTER TABLE agents ADD COLUMN under TEXT;
"];

/// Runs what is missing, each step in a transaction of its own.
pub(crate) fn migrate(connection: &mut Connection) -> Result<(), Failed> {
    let version: u32 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let version = usize::try_from(version).unwrap_or(usize::MAX);
    if version > MIGRATIONS.len() {
        return Err(Failed::Corrupt("schema version: a newer release wrote it"));
    }
    for (at, step) in MIGRATIONS.iter().enumerate().skip(version) {
        let transaction = connection.transaction()?;
        transaction.execute_batch(step)?;
        transaction.pragma_update(None, "user_version", u32::try_from(at.saturating_add(1)).unwrap_or(u32::MAX))?;
        transaction.commit()?;
    }
    Ok(())
}
