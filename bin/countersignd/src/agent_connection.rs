//! The agents' socket: a connection submits, redeems and reports. There is no other word.
//!
//! Order of durability for one act: decision recorded → (answer recorded) → permit → spent, in the store and in the
//! record → act → outcome recorded. After a crash at any of these the act either was not done, or the record shows that
//! it was about to be.

use std::collections::BTreeMap;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use approval::Hold;
use host::socket::{self, Failed};
use model::{Claims, HoldId, PeerCredentials, RequestDigest};
use protocol::{AgentReply, AgentRequest, MAX_AGENT_FRAME, Refusal};
use record::Outcome;
use state_sqlite::Durability;

use crate::evaluation::{self, RequestContext};
use crate::holds::{Entry, void};
use crate::permits::{Issued, Running};
use crate::state::Daemon;

/// Timeout for the rest of a message, or for sending one.
const PATIENCE: Duration = Duration::from_secs(5);

/// Maximum silence on a connection without a running act.
const IDLE: Duration = Duration::from_secs(30);

/// The longest intent or task that is taken over, in bytes.
const MAX_CLAIM_BYTES: usize = 4_096;

/// How an answer is wanted.
#[derive(Clone, Copy)]
pub(crate) struct AnswerMode {
    pub(crate) hands_over: bool,
    pub(crate) park: bool,
}

/// One connection.
pub(crate) struct AgentConnection<'a> {
    pub(crate) daemon: &'a Daemon,
    pub(crate) stream: &'a UnixStream,
    pub(crate) seen: PeerCredentials,
    /// Permits of this connection: another connection cannot use them.
    pub(crate) issued: BTreeMap<String, Issued>,
    /// Spent permits whose act has not been reported.
    pub(crate) running: BTreeMap<String, Running>,
    /// A hold ended; subscribers are notified once the agent has its answer.
    pub(crate) ended_hold: Option<Ended>,
    pub(crate) pending_writes: PendingWrites,
    /// The request that is being answered, and since when.
    pub(crate) traced: Option<(RequestDigest, Instant)>,
}

/// What is stored when the agent has its answer, and before it is heard again.
#[derive(Default)]
pub(crate) struct PendingWrites {
    /// What people said yes to, to be counted.
    pub(crate) approved: Option<RequestContext>,
    /// A hold that was decided: as the store has it, and as it is.
    pub(crate) moved: Option<(Hold, Hold)>,
}

/// A hold that ended, with what is let go of when the agent has its answer.
pub(crate) struct Ended {
    pub(crate) hold: HoldId,
    pub(crate) _entry: Arc<Entry>,
    pub(crate) _woken: UnixStream,
}

/// Serves one connection until it ends.
pub(crate) fn converse(daemon: &Daemon, stream: &UnixStream, seen: PeerCredentials) {
    let mut connection = AgentConnection {
        daemon,
        stream,
        seen,
        issued: BTreeMap::new(),
        running: BTreeMap::new(),
        ended_hold: None,
        pending_writes: PendingWrites::default(),
        traced: None,
    };
    loop {
        let idle = if connection.running.is_empty() { Some(IDLE) } else { None };
        let heard = match socket::receive::<AgentRequest>(stream, MAX_AGENT_FRAME, idle, PATIENCE) {
            Ok(AgentRequest::Submit { key, session, act, intent, task, search_path, hands_over, park }) => {
                let claims = Claims { intent: short(intent), task: short(task), search_path };
                connection.submit(&key, &session, &act, claims, AnswerMode { hands_over, park })
            }
            Ok(AgentRequest::Standing { key }) => connection.standing(&key),
            Ok(AgentRequest::Redeem { permit, act, terminal }) => connection.redeem(&permit, &act, terminal),
            Ok(AgentRequest::Recorded { permit, events }) => connection.recorded(&permit, events),
            Ok(AgentRequest::Outcome { permit, exit, signal, millis }) => {
                connection.outcome(&permit, exit, signal, millis)
            }
            Err(Failed::Closed) => break,
            Err(Failed::Refused(why)) => {
                daemon.note_refusal(seen, &why.to_string());
                let _ = connection.say(&undecided(&why.to_string()));
                break;
            }
            Err(Failed::Socket(_)) => break,
        };
        let said = connection.say(&heard);
        if connection.ended_hold.is_some() {
            socket::yield_to_receiver();
        }
        if let Some((request, since)) = connection.traced.take() {
            let failed = matches!(&heard, AgentReply::Deny { refusal: Refusal::Undecided, .. });
            daemon.spans.note(&request, "request", since, || vec![("answer", heard.word().to_owned())], failed);
        }
        // A permit whose act is not counted, or whose hold is not stored, is not spent: the conversation ends, and its permits with it.
        if let Err(why) = connection.settle() {
            eprintln!("countersignd: what was allowed could not be stored ({why}), so it is not done");
            break;
        }
        connection.tell();
        if said.is_err() {
            break;
        }
    }
    let running = std::mem::take(&mut connection.running);
    for (permit, Running { whose, since, .. }) in running {
        daemon.acts.end(&permit);
        daemon.spans.note(&whose.request, "act", since, || vec![("exit", "unknown".to_owned())], true);
        let _ = daemon.record(Outcome::Unknown { permit, request_digest: whose.request.to_string() });
    }
}

fn short(text: Option<String>) -> Option<String> {
    text.map(|text| text.chars().take(MAX_CLAIM_BYTES).collect())
}

pub(crate) fn undecided(why: &str) -> AgentReply {
    AgentReply::Deny { refusal: Refusal::Undecided, reasons: vec![why.to_owned()] }
}

pub(crate) fn denied(why: &str) -> AgentReply {
    AgentReply::Deny { refusal: Refusal::Denied, reasons: vec![why.to_owned()] }
}

/// However a conversation ends, those who follow hear of its hold.
impl Drop for AgentConnection<'_> {
    fn drop(&mut self) {
        let _ = self.settle();
        self.running.keys().for_each(|permit| self.daemon.acts.end(permit));
        self.tell();
    }
}

impl AgentConnection<'_> {
    /// Stores what the agent's answer did not wait for.
    fn settle(&mut self) -> Result<(), String> {
        let PendingWrites { approved, moved } = std::mem::take(&mut self.pending_writes);
        if let Some((before, after)) = moved {
            let stored = match self.daemon.store.move_on(&before, &after) {
                Ok(true) => Ok(()),
                Ok(false) => Err("the store has another answer".to_owned()),
                Err(why) => Err(why.to_string()),
            };
            if let Err(why) = stored {
                void(self.daemon, &after, &why);
                return Err(why);
            }
        }
        approved.map_or(Ok(()), |context| evaluation::approved(self.daemon, &context, Durability::InOrder))
    }

    /// Tells those who follow that a hold ended.
    fn tell(&mut self) {
        if let Some(ended) = self.ended_hold.take() {
            self.daemon.holds.tell(Some(&ended.hold));
        }
    }

    pub(crate) fn say(&self, hears: &AgentReply) -> Result<(), Failed> {
        socket::send(self.stream, hears, MAX_AGENT_FRAME, PATIENCE)
    }
}
