//! Agents.

use model::{AgentName, Digest, ReviewerName};
use rusqlite::{Row, params};

use crate::reviewers::{integer, unsigned};
use crate::{Failed, Store};

/// An agent.
#[derive(Clone, Debug)]
pub struct AgentRow {
    /// Name.
    pub name: AgentName,
    /// Who answers for it.
    pub owner: ReviewerName,
    /// The agent on whose orders it acts.
    pub under: Option<AgentName>,
    /// Digest of its key; the key itself is not kept.
    pub key_digest: Digest,
    /// The only user id that may use the key.
    pub uid: Option<u32>,
    /// The environment that it is enrolled for.
    pub env: Option<String>,
    /// The groups that it is in.
    pub groups: Vec<String>,
    /// How far it is trusted, 0 to 4.
    pub trust: u8,
    /// When it was created, in milliseconds since 1970.
    pub created_ms: u64,
}

impl Store {
    /// Adds an agent.
    ///
    /// # Errors
    /// There is one by this name, or the store failed.
    pub fn add_agent(&self, agent: &AgentRow) -> Result<(), Failed> {
        self.connection().execute(
            "INSERT INTO agents (name, owner, key_digest, uid, created_ms, env, groups, trust, under)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            params![
                agent.name.as_str(),
                agent.owner.as_str(),
                agent.key_digest.to_string(),
                agent.uid,
                integer(agent.created_ms),
                agent.env,
                agent.groups.join(" "),
                agent.trust,
                agent.under.as_ref().map(AgentName::as_str),
            ],
        )?;
        Ok(())
    }

    /// Changes where an agent belongs and how far it is trusted. Says whether there is such an agent.
    ///
    /// # Errors
    /// The store failed.
    pub fn place_agent(&self, agent: &AgentRow) -> Result<bool, Failed> {
        let changed = self.connection().execute(
            "UPDATE agents SET env = ?2, groups = ?3, trust = ?4 WHERE name = ?1",
            params![agent.name.as_str(), agent.env, agent.groups.join(" "), agent.trust],
        )?;
        Ok(changed == 1)
    }

    /// Gives an agent another key. Says whether there is such an agent.
    ///
    /// # Errors
    /// The store failed.
    pub fn rotate_agent_key(&self, name: &AgentName, key_digest: &Digest) -> Result<bool, Failed> {
        let changed = self.connection().execute(
            "UPDATE agents SET key_digest = ?2 WHERE name = ?1",
            params![name.as_str(), key_digest.to_string()],
        )?;
        Ok(changed == 1)
    }

    /// Removes an agent. Says whether there was one.
    ///
    /// # Errors
    /// The store failed.
    pub fn remove_agent(&self, name: &AgentName) -> Result<bool, Failed> {
        Ok(self.connection().execute("DELETE FROM agents WHERE name = ?1", params![name.as_str()])? == 1)
    }

    /// All agents, by name.
    ///
    /// # Errors
    /// The store failed or holds a broken agent.
    pub fn agents(&self) -> Result<Vec<AgentRow>, Failed> {
        let connection = self.reading();
        let mut statement = connection.prepare_cached(
            "SELECT name, owner, key_digest, uid, created_ms, env, groups, trust, under FROM agents ORDER BY name",
        )?;
        let rows = statement.query_map([], |row| Ok(agent(row)))?;
        rows.map(|row| row?.ok_or(Failed::Corrupt("agent"))).collect()
    }
}

fn agent(row: &Row<'_>) -> Option<AgentRow> {
    Some(AgentRow {
        name: AgentName::parse(&row.get::<_, String>(0).ok()?).ok()?,
        owner: ReviewerName::parse(&row.get::<_, String>(1).ok()?).ok()?,
        key_digest: Digest::parse(&row.get::<_, String>(2).ok()?).ok()?,
        uid: row.get(3).ok()?,
        created_ms: unsigned(row, 4)?,
        env: row.get(5).ok()?,
        groups: row.get::<_, String>(6).ok()?.split_whitespace().map(str::to_owned).collect(),
        trust: row.get(7).ok()?,
        under: match row.get::<_, Option<String>>(8).ok()? {
            Some(under) => Some(AgentName::parse(&under).ok()?),
            None => None,
        },
    })
}
