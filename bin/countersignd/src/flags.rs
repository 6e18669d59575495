//! Operator flags: an incident, a freeze, a window for deployments. Every decision looks at those that are set.

use std::sync::Mutex;

use audit::RecordKind;
use model::{AgentName, Delegator, Request, SessionId};
use serde_json::json;
use state_sqlite::Store;

use crate::delegation;
use crate::state::{Daemon, lock};

/// Flags that anybody at the operator's socket may set: rules that allow cannot rest on them, so they only tighten.
const WITHOUT_PROOF: &[&str] = &["incident", "freeze", STOP];

/// The flags that are set, by name.
pub(crate) struct Flags(Mutex<Vec<String>>);

impl Flags {
    pub(crate) fn open(store: &Store) -> Result<Self, String> {
        let flags = store.flags().map_err(|why| why.to_string())?;
        Ok(Self(Mutex::new(flags.into_iter().map(|(name, ..)| name).collect())))
    }

    pub(crate) fn set(&self) -> Vec<String> {
        lock(&self.0).clone()
    }
}

/// Whether setting or clearing a flag takes a person's proof.
pub(crate) fn needs_proof(name: &str, on: bool) -> bool {
    !on || !(WITHOUT_PROOF.contains(&name) || meant(name).is_some())
}

/// What begins the name of a flag that stops something: `stop` all, `stop:AGENT` one agent, `stop:AGENT/SESSION` one session.
const STOP: &str = "stop";

/// The flag that stops an agent, one of its sessions, or everything.
pub(crate) fn stop_name(agent: Option<&AgentName>, session: Option<&SessionId>) -> String {
    match (agent, session) {
        (None, _) => STOP.to_owned(),
        (Some(agent), None) => format!("{STOP}:{agent}"),
        (Some(agent), Some(session)) => format!("{STOP}:{agent}/{session}"),
    }
}

/// Whom a flag of this name stops; nothing for one that is no such flag.
pub(crate) fn meant(name: &str) -> Option<(Option<AgentName>, Option<SessionId>)> {
    if name == STOP {
        return Some((None, None));
    }
    let whom = name.strip_prefix(STOP)?.strip_prefix(':')?;
    let (agent, session) = whom.split_once('/').map_or((whom, None), |(agent, session)| (agent, Some(session)));
    let session = session.map(SessionId::parse).transpose().ok()?;
    Some((Some(AgentName::parse(agent).ok()?), session))
}

/// The flag that stops whoever asks, if one does.
pub(crate) fn stops(daemon: &Daemon, request: &Request) -> Option<String> {
    stops_any(daemon, &request.agent, &request.session, &request.chain)
}

/// The flag that stops a session, its agent, or one on whose orders that acts.
pub(crate) fn stops_any(
    daemon: &Daemon,
    agent: &AgentName,
    session: &SessionId,
    chain: &[Delegator],
) -> Option<String> {
    let flags = lock(&daemon.flags.0);
    if !flags.iter().any(|name| name.starts_with(STOP)) {
        return None;
    }
    let names = [stop_name(None, None), stop_name(Some(agent), None), stop_name(Some(agent), Some(session))];
    // What is stopped gives no orders.
    let above = chain.iter().map(|it| stop_name(Some(&it.agent), None));
    names.into_iter().chain(above).find(|name| flags.contains(name))
}

/// What an agent is told that is stopped.
pub(crate) fn words(flag: &str) -> String {
    format!("people stopped this (flag `{flag}`); do not try again, ask them")
}

/// Stops an agent, one of its sessions, or everything: nothing more is allowed, what waits for people is denied, and what runs
/// ends.
///
/// # Errors
/// As [`change`].
pub(crate) fn stop(
    daemon: &Daemon,
    agent: Option<&AgentName>,
    session: Option<&SessionId>,
    by: &str,
) -> Result<String, String> {
    let name = stop_name(agent, session);
    change(daemon, &name, true, by)?;
    let is_meant = |of: &str, in_session: &str| {
        match (agent, session) {
            (None, _) => true,
            // Whoever acts on its orders stops with it.
            (Some(agent), None) => delegation::is_of(daemon, of, agent),
            (Some(agent), Some(session)) => agent.as_str() == of && session.as_str() == in_session,
        }
    };
    let held = daemon.holds.lose(&is_meant);
    let cut = daemon.recordings.cut(&is_meant);
    let ended = daemon.acts.stop(&is_meant);
    Ok(format!(
        "stopped: flag `{name}` is set, {held} holds ended, {ended} acts that run are ended, {cut} of them recorded"
    ))
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
    let what = if on { "flag set" } else { "flag cleared" };
    let _receipt = daemon.record(RecordKind::Change, json!({"what": what, "flag": name, "by": by}))?;
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
