//! Running acts, so that people can stop them. An enforcement point keeps its connection open until the act ended, and ends the act when
//! we close our sending side and keep reading: its report of the end still arrives.

use std::collections::BTreeMap;
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex};

use crate::agent_activity::SessionKey;
use crate::change_signal::ChangeSignal;
use crate::permits::Whose;
use crate::state::lock;

/// By permit, and what is rung when one begins or ends.
pub(crate) struct RunningActs {
    by_permit: Mutex<BTreeMap<String, RunningAct>>,
    change_signal: Arc<ChangeSignal>,
}

struct RunningAct {
    agent: String,
    session: String,
    stream: UnixStream,
}

impl RunningActs {
    /// Makes an empty one.
    pub(crate) fn new(change_signal: Arc<ChangeSignal>) -> Self {
        Self { by_permit: Mutex::default(), change_signal }
    }

    /// One is about to run.
    pub(crate) fn begin(&self, permit: &str, whose: &Whose, stream: &UnixStream) -> Result<(), String> {
        let stream = stream.try_clone().map_err(|why| why.to_string())?;
        let act = RunningAct { agent: whose.agent.to_string(), session: whose.session.to_string(), stream };
        lock(&self.by_permit).insert(permit.to_owned(), act);
        self.change_signal.notify();
        Ok(())
    }

    /// It ended, or never began.
    pub(crate) fn end(&self, permit: &str) {
        lock(&self.by_permit).remove(permit);
        self.change_signal.notify();
    }

    /// Stops those that are meant, by agent and session. Says how many.
    pub(crate) fn stop(&self, is_meant: &dyn Fn(&str, &str) -> bool) -> usize {
        let acts = lock(&self.by_permit);
        let meant = acts.values().filter(|act| is_meant(&act.agent, &act.session));
        meant.filter(|act| act.stream.shutdown(Shutdown::Write).is_ok()).count()
    }

    /// How many run in each session.
    pub(crate) fn of_sessions(&self) -> BTreeMap<SessionKey, usize> {
        let mut out = BTreeMap::new();
        for act in lock(&self.by_permit).values() {
            let count: &mut usize = out.entry((act.agent.clone(), act.session.clone())).or_default();
            *count = count.saturating_add(1);
        }
        out
    }
}
