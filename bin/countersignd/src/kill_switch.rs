//! The kill switch: flags that stop an agent, a session, or everything.

use model::{AgentName, Delegator, Request, SessionId};

use crate::delegation;
use crate::state::Daemon;

/// What begins the name of a flag that stops something: `stop` all, `stop:AGENT` one agent, `stop:AGENT/SESSION` one session.
pub(crate) const STOP: &str = "stop";

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

/// The flag that stops the asking agent, if one does.
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
    let flags = daemon.flags.names();
    if !flags.iter().any(|name| name.starts_with(STOP)) {
        return None;
    }
    let names = [stop_name(None, None), stop_name(Some(agent), None), stop_name(Some(agent), Some(session))];
    // What is stopped gives no orders.
    let above = chain.iter().map(|it| stop_name(Some(&it.agent), None));
    names.into_iter().chain(above).find(|name| flags.contains(name))
}

/// The message to a stopped agent.
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
    crate::flags::change(daemon, &name, true, by)?;
    let is_meant = |of: &str, in_session: &str| {
        match (agent, session) {
            (None, _) => true,
            // Agents that act on its orders stop with it.
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
