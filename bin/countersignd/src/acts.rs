//! Acts that run: so that people can stop them. Whoever runs one keeps its connection open until it ended, and ends it when we close our
//! side of that connection and leave theirs open: what they say of its end is still heard.

use std::collections::BTreeMap;
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::Mutex;

use crate::daemon::hold as lock;
use crate::permits::Whose;

/// By permit.
#[derive(Default)]
pub(crate) struct Acts(Mutex<BTreeMap<String, Act>>);

struct Act {
    agent: String,
    session: String,
    stream: UnixStream,
}

impl Acts {
    /// One is about to run.
    pub(crate) fn begin(&self, permit: &str, whose: &Whose, stream: &UnixStream) -> Result<(), String> {
        let stream = stream.try_clone().map_err(|why| why.to_string())?;
        let act = Act { agent: whose.agent.to_string(), session: whose.session.to_string(), stream };
        lock(&self.0).insert(permit.to_owned(), act);
        Ok(())
    }

    /// It ended, or never began.
    pub(crate) fn end(&self, permit: &str) {
        lock(&self.0).remove(permit);
    }

    /// Stops those that are meant, by agent and session. Says how many.
    pub(crate) fn stop(&self, is_meant: &dyn Fn(&str, &str) -> bool) -> usize {
        let acts = lock(&self.0);
        let meant = acts.values().filter(|act| is_meant(&act.agent, &act.session));
        meant.filter(|act| act.stream.shutdown(Shutdown::Write).is_ok()).count()
    }
}
