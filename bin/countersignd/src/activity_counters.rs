//! What is remembered of every agent and its sessions, so that limits hold over requests and over restarts.
//!
//! A change is written to the store before the permit of the act can be spent, and is on the disk before it is done: with the spending of
//! its permit, or immediately where no permit is spent. Reads are written only when the daemon ends: after a crash the count of
//! reads within the last minute is lost, and nothing else.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use model::{AgentName, SessionId};
use pdp::Pace;
use state_sqlite::Durability;

use crate::state::{Daemon, lock};

/// Maximum number of sessions of one agent with their own counters. All further ones share one.
const MAX_SESSIONS: usize = 256;

/// The session that represents all further ones.
const OTHERS: &str = "(others)";

/// Sessions that are silent for this long make room for others, in milliseconds: an hour.
const SILENT_MS: u64 = 3_600_000;

/// What is not touched for this long is forgotten, in milliseconds: 7 days.
pub(crate) const FORGET_MS: u64 = 7 * 86_400_000;

#[derive(Default)]
pub(crate) struct ActivityCounters {
    agents: Mutex<BTreeMap<String, Arc<Mutex<OfAgent>>>>,
}

#[derive(Default)]
pub(crate) struct OfAgent {
    whole: Pace,
    sessions: BTreeMap<String, OfSession>,
}

struct OfSession {
    pace: Pace,
    touched_ms: u64,
}

/// The two paces that a request counts in.
pub(crate) struct RequestCounters {
    pub(crate) agent: Pace,
    pub(crate) session: Pace,
}

impl ActivityCounters {
    /// Lets `with` look at and change the paces of a request's agent and session; one request of an agent at a time.
    /// Where it says how they are to be kept, they are in the store when this returns.
    pub(crate) fn with<T>(
        &self,
        daemon: &Daemon,
        agent: &AgentName,
        session: &SessionId,
        with: impl FnOnce(&mut RequestCounters) -> Result<(T, Option<Durability>), String>,
    ) -> Result<T, String> {
        let entry = self.entry(daemon, agent)?;
        let mut entry = lock(&entry);
        let known = entry.sessions.contains_key(session.as_str());
        if !known && entry.sessions.len() >= MAX_SESSIONS {
            entry.put_away(daemon, agent)?;
        }
        let name = if known || entry.sessions.len() < MAX_SESSIONS { session.as_str() } else { OTHERS };
        let of_session = match entry.sessions.get(name) {
            Some(known) => known.pace.clone(),
            None => stored(daemon, &scope_of(agent.as_str(), Some(name)))?,
        };
        let mut pair = RequestCounters { agent: entry.whole.clone(), session: of_session };
        let (answer, keep) = with(&mut pair)?;
        if let Some(kept) = keep {
            let agent = agent.as_str();
            let paces =
                [(scope_of(agent, None), text(&pair.agent)?), (scope_of(agent, Some(name)), text(&pair.session)?)];
            daemon.store.keep_paces(&paces, host::clock::now_ms(), kept).map_err(|why| why.to_string())?;
        }
        entry.whole = pair.agent;
        let of_session = OfSession { pace: pair.session, touched_ms: host::clock::now_ms() };
        entry.sessions.insert(name.to_owned(), of_session);
        Ok(answer)
    }

    fn entry(&self, daemon: &Daemon, agent: &AgentName) -> Result<Arc<Mutex<OfAgent>>, String> {
        let mut agents = lock(&self.agents);
        if let Some(entry) = agents.get(agent.as_str()) {
            return Ok(Arc::clone(entry));
        }
        let whole = stored(daemon, &scope_of(agent.as_str(), None))?;
        let entry = Arc::new(Mutex::new(OfAgent { whole, sessions: BTreeMap::new() }));
        agents.insert(agent.to_string(), Arc::clone(&entry));
        Ok(entry)
    }

    /// Writes everything down: the daemon ends.
    pub(crate) fn keep_all(&self, daemon: &Daemon) -> Result<(), String> {
        let mut paces = Vec::new();
        for (agent, entry) in lock(&self.agents).iter() {
            let entry = lock(entry);
            paces.push((scope_of(agent, None), text(&entry.whole)?));
            for (session, known) in &entry.sessions {
                paces.push((scope_of(agent, Some(session)), text(&known.pace)?));
            }
        }
        daemon.store.keep_paces(&paces, host::clock::now_ms(), Durability::Durable).map_err(|why| why.to_string())
    }
}

impl OfAgent {
    /// Makes room: sessions that are silent for long live on in the store alone.
    fn put_away(&mut self, daemon: &Daemon, agent: &AgentName) -> Result<(), String> {
        let before_ms = host::clock::now_ms().saturating_sub(SILENT_MS);
        let silent: Vec<String> = self
            .sessions
            .iter()
            .filter(|(name, it)| it.touched_ms < before_ms && name.as_str() != OTHERS)
            .map(|(name, _)| name.clone())
            .collect();
        let mut paces = Vec::new();
        for name in &silent {
            if let Some(it) = self.sessions.get(name) {
                paces.push((scope_of(agent.as_str(), Some(name)), text(&it.pace)?));
            }
        }
        daemon.store.keep_paces(&paces, host::clock::now_ms(), Durability::Durable).map_err(|why| why.to_string())?;
        self.sessions.retain(|name, _| !silent.contains(name));
        Ok(())
    }
}

fn scope_of(agent: &str, session: Option<&str>) -> String {
    session.map_or_else(|| format!("agent {agent}"), |session| format!("session {agent} {session}"))
}

fn text(pace: &Pace) -> Result<String, String> {
    serde_json::to_string(pace).map_err(|why| why.to_string())
}

/// What the store remembers. An unreadable counter is a reason to refuse, not to restart at zero.
fn stored(daemon: &Daemon, scope: &str) -> Result<Pace, String> {
    let Some(text) = daemon.store.pace(scope).map_err(|why| why.to_string())? else { return Ok(Pace::default()) };
    serde_json::from_str(&text).map_err(|why| format!("what is remembered of `{scope}` cannot be read: {why}"))
}
