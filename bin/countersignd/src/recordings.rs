//! Recordings under way: what enforcement points send of their terminals goes to the log, with the moments at which something
//! was asked and decided in the same session.

use std::collections::BTreeMap;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use host::socket;
use model::{AgentName, SessionId};
use protocol::{LogReply, LogRequest, MAX_LOG_FRAME, RecordingHead, TerminalEvent};

use crate::agent_activity::SessionKey;
use crate::state::lock;

/// Timeout for the log's reply. After that, the recorded act ends.
const PATIENCE: Duration = Duration::from_secs(10);

/// The most recordings at once.
const MAX_RECORDINGS: usize = 256;

/// The most text that one message may add, in bytes.
pub(crate) const MAX_EVENTS_BYTES: usize = 256 * 1024;

/// One recording, on a connection of its own: where it ends without a word, the log cuts the recording off.
pub(crate) struct Recording {
    pub(crate) id: String,
    link: Mutex<UnixStream>,
}

impl Recording {
    /// Adds events; they are written when this has returned.
    pub(crate) fn add(&self, events: Vec<TerminalEvent>) -> Result<(), String> {
        done(ask(&lock(&self.link), &LogRequest::Add { events })?)
    }

    /// Ends it: its digest is in the log when this has returned.
    pub(crate) fn end(&self) -> Result<(), String> {
        done(ask(&lock(&self.link), &LogRequest::End)?)
    }
}

fn ask(link: &UnixStream, say: &LogRequest) -> Result<LogReply, String> {
    let down = |why: &dyn std::fmt::Display| format!("the recording cannot be written: {why}");
    socket::send(link, say, MAX_LOG_FRAME, PATIENCE).map_err(|why| down(&why))?;
    let said = socket::receive(link, MAX_LOG_FRAME, Some(PATIENCE), PATIENCE).map_err(|why| down(&why))?;
    if let LogReply::Failed { why } = said { Err(why) } else { Ok(said) }
}

fn done(said: LogReply) -> Result<(), String> {
    if matches!(said, LogReply::Done { .. }) {
        Ok(())
    } else {
        Err("unexpected reply from `countersign-logd`; all programs must be of the same release".to_owned())
    }
}

/// Recordings by agent and session.
type OpenRecordings = BTreeMap<SessionKey, Vec<Weak<Recording>>>;

/// Those under way.
#[derive(Default)]
pub(crate) struct Recordings(Mutex<OpenRecordings>);

impl Recordings {
    /// Begins one.
    pub(crate) fn begin(&self, log: &Path, head: RecordingHead) -> Result<Arc<Recording>, String> {
        {
            let mut open = lock(&self.0);
            open.retain(|_, list| {
                list.retain(|it| it.strong_count() > 0);
                !list.is_empty()
            });
            if open.values().map(Vec::len).sum::<usize>() >= MAX_RECORDINGS {
                return Err(format!("{MAX_RECORDINGS} terminals are recorded already"));
            }
        }
        let key = (head.agent.clone(), head.session.clone());
        let link = UnixStream::connect(log).map_err(|why| format!("the log cannot be reached: {why}"))?;
        if !socket::peer(&link).is_ok_and(|peer| peer.uid == host::files::my_uid()) {
            return Err("the log's socket belongs to another user".to_owned());
        }
        let LogReply::Began { recording: id } = ask(&link, &LogRequest::Begin { head })? else {
            return Err("unexpected reply from `countersign-logd`; all programs must be of the same release".to_owned());
        };
        let recording = Arc::new(Recording { id, link: Mutex::new(link) });
        lock(&self.0).entry(key).or_default().push(Arc::downgrade(&recording));
        Ok(recording)
    }

    /// Cuts the recordings of those that are meant, by agent and session: what cannot be recorded ends. Says how many.
    pub(crate) fn cut(&self, is_meant: &dyn Fn(&str, &str) -> bool) -> usize {
        let open: Vec<_> = {
            let open = lock(&self.0);
            let meant = open.iter().filter(|((agent, session), _)| is_meant(agent, session));
            meant.flat_map(|(_, list)| list).filter_map(Weak::upgrade).collect()
        };
        for recording in &open {
            let _ = lock(&recording.link).shutdown(std::net::Shutdown::Both);
        }
        open.len()
    }

    /// The last one that goes on in each session.
    pub(crate) fn of_sessions(&self) -> BTreeMap<SessionKey, String> {
        let open = lock(&self.0);
        let last = |list: &Vec<Weak<Recording>>| list.iter().rev().find_map(Weak::upgrade).map(|it| it.id.clone());
        open.iter().filter_map(|(key, list)| Some((key.clone(), last(list)?))).collect()
    }

    /// Marks a moment in the recordings of a session. What cannot be marked is in the record all the same.
    pub(crate) fn mark(&self, agent: &AgentName, session: &SessionId, text: impl FnOnce() -> String) {
        let key = (agent.to_string(), session.to_string());
        let open: Vec<_> = lock(&self.0).get(&key).into_iter().flatten().filter_map(Weak::upgrade).collect();
        if open.is_empty() {
            return;
        }
        let text = text();
        for recording in open {
            let _ = recording.add(vec![TerminalEvent { kind: "m".to_owned(), text: text.clone() }]);
        }
    }
}
