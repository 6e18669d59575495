//! Where agents work: their sessions as they were last seen, for people who look, and who may want to stop one. In memory, and empty after
//! each start; the record has all of it.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use host::{clock, socket};
use model::display::visible;
use model::{AgentName, Request, SessionId};
use pdp::Decision;
use protocol::{ActivityView, MAX_OPERATOR_ANSWER, OperatorReply, SessionView};

use crate::change_signal::ChangeSignal;
use crate::state::{Daemon, lock};
use crate::{kill_switch, record_access};

/// The most sessions that are kept of one agent. Agents name sessions, so the least recently seen one makes room.
const MAX_SESSIONS_PER_AGENT: usize = 32;

/// The most that are shown.
const MAX_SHOWN: usize = 200;

/// How much of what was asked for is shown, in characters.
const MAX_CHARS: usize = 200;

/// Minimum interval between two updates.
const REST: Duration = Duration::from_secs(1);

/// Interval between messages to a viewer when nothing changes, so that a closed connection is noticed.
const HEARTBEAT: Duration = Duration::from_secs(10);

/// Timeout for one message to a viewer.
const PATIENCE: Duration = Duration::from_secs(5);

/// By agent and session.
pub(crate) type SessionKey = (String, String);

struct SessionActivity {
    since_ms: u64,
    last_ms: u64,
    last: String,
    verdict: &'static str,
    requests: u64,
    asked: u64,
    denied: u64,
}

/// The sessions, and what is rung when one of them changes.
pub(crate) struct AgentActivity {
    pub(crate) change_signal: Arc<ChangeSignal>,
    sessions: Mutex<BTreeMap<SessionKey, SessionActivity>>,
}

impl AgentActivity {
    /// Makes an empty one.
    pub(crate) fn new(change_signal: Arc<ChangeSignal>) -> Self {
        Self { change_signal, sessions: Mutex::default() }
    }

    /// Something was asked for, and decided. `brief` is what, as [`brief`] makes it.
    pub(crate) fn note(&self, daemon: &Daemon, request: &Request, brief: String, decision: &Decision) {
        let (agent, now_ms) = (request.agent.to_string(), clock::now_ms());
        let mut sessions = lock(&self.sessions);
        let key = (agent, request.session.to_string());
        if !sessions.contains_key(&key) {
            make_room(daemon, &mut sessions, &key.0);
        }
        let seen = sessions.entry(key).or_insert_with(|| SessionActivity {
            since_ms: now_ms,
            last_ms: now_ms,
            last: String::new(),
            verdict: "",
            requests: 0,
            asked: 0,
            denied: 0,
        });
        seen.last_ms = now_ms;
        seen.last = brief;
        seen.verdict = decision.verdict().as_str();
        seen.requests = seen.requests.saturating_add(1);
        seen.asked = seen.asked.saturating_add(u64::from(seen.verdict == "ask"));
        seen.denied = seen.denied.saturating_add(u64::from(seen.verdict == "deny"));
        drop(sessions);
        self.change_signal.notify();
    }
}

/// One that runs something or waits is not taken out: an agent that invents session names could hide it.
fn make_room(daemon: &Daemon, sessions: &mut BTreeMap<SessionKey, SessionActivity>, agent: &str) {
    let own = || sessions.range((agent.to_owned(), String::new())..).take_while(|((of, _), _)| of == agent);
    if own().count() < MAX_SESSIONS_PER_AGENT {
        return;
    }
    let (running, waiting) = (daemon.acts.of_sessions(), daemon.holds.of_sessions());
    let idle = own().filter(|(key, _)| !running.contains_key(*key) && !waiting.contains_key(*key));
    if let Some(oldest) = idle.min_by_key(|(_, seen)| seen.last_ms).map(|(key, _)| key.clone()) {
        sessions.remove(&oldest);
    }
}

/// How what was asked for begins, for people: of what is recorded, in which secrets are masked already.
pub(crate) fn brief(decision: &record::Decision) -> String {
    visible(&decision.request.act.brief(MAX_CHARS)).chars().take(MAX_CHARS).collect()
}

/// Everything as it is.
fn view(daemon: &Daemon) -> ActivityView {
    let running = daemon.acts.of_sessions();
    let waiting = daemon.holds.of_sessions();
    let recordings = daemon.recordings.of_sessions();
    let is_idle = |key: &SessionKey| !running.contains_key(key) && !waiting.contains_key(key);
    let (mut shown, more) = {
        let sessions = lock(&daemon.activity.sessions);
        let mut all: Vec<(&SessionKey, &SessionActivity)> = sessions.iter().collect();
        let more = all.len().saturating_sub(MAX_SHOWN);
        // Decisions wait for this lock: only what is shown is put into order.
        let order = |(key, seen): &(&SessionKey, &SessionActivity)| (is_idle(key), Reverse(seen.last_ms));
        if more > 0 {
            all.select_nth_unstable_by_key(MAX_SHOWN, order);
            all.truncate(MAX_SHOWN);
        }
        all.sort_by_key(order);
        (all.into_iter().map(|(key, seen)| seen.shown(key)).collect::<Vec<_>>(), more)
    };
    let set = daemon.flags.set();
    let stops: Vec<String> = set.into_iter().filter(|name| kill_switch::meant(name).is_some()).collect();
    for it in &mut shown {
        let key = (it.agent.clone(), it.session.clone());
        it.running = running.get(&key).copied().unwrap_or(0);
        it.waiting = waiting.get(&key).copied().unwrap_or(0);
        it.recording = recordings.get(&key).cloned();
        it.stopped = if stops.is_empty() { None } else { stopped(daemon, &it.agent, &it.session) };
    }
    ActivityView { sessions: shown, more, stops }
}

impl SessionActivity {
    fn shown(&self, (agent, session): &SessionKey) -> SessionView {
        SessionView {
            agent: agent.clone(),
            session: session.clone(),
            since_ms: self.since_ms,
            last_ms: self.last_ms,
            last: self.last.clone(),
            verdict: self.verdict.to_owned(),
            requests: self.requests,
            asked: self.asked,
            denied: self.denied,
            running: 0,
            waiting: 0,
            recording: None,
            stopped: None,
        }
    }
}

/// The flag that stops a session, its agent or one above it.
fn stopped(daemon: &Daemon, agent: &str, session: &str) -> Option<String> {
    let row = daemon.agent_named(agent)?;
    let (chain, _) = crate::delegation::of(daemon, &row).ok()?;
    let (agent, session) = (AgentName::parse(agent).ok()?, SessionId::parse(session).ok()?);
    kill_switch::stops_any(daemon, &agent, &session, &chain)
}

/// Says where agents work, and, if it is wanted, again whenever that changed, until the viewer leaves or is signed out.
pub(crate) fn tell(daemon: &Daemon, stream: &UnixStream, token: &str, follow: bool) -> Result<(), String> {
    loop {
        record_access::reader(daemon, token, false)?;
        let heard = daemon.activity.change_signal.count();
        let told = Instant::now();
        socket::send(stream, &OperatorReply::Work(view(daemon)), MAX_OPERATOR_ANSWER, PATIENCE)
            .map_err(|why| why.to_string())?;
        if !follow {
            return Ok(());
        }
        daemon.activity.change_signal.wait(heard, HEARTBEAT);
        std::thread::sleep(REST.saturating_sub(told.elapsed()));
    }
}
