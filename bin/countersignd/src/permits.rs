//! Permits on a connection: handed out, used once, reported.

use std::sync::Arc;
use std::time::{Duration, Instant};

use approval::{Answer, PERMIT_LIFE_MS, Permit};
use host::clock;
use model::{Act, AgentName, Digest, Facts, PermitId, RequestDigest, SessionId};
use protocol::{AgentReply, RecordingHead, SealedText, Terminal, TerminalEvent};
use record::Outcome;

use crate::agent_connection::{AgentConnection, denied, undecided};
use crate::evaluation::RequestContext;
use crate::hold_view;
use crate::recordings::{MAX_EVENTS_BYTES, Recording};
use crate::state::Daemon;
use crate::understanding;

/// How much of an act's words a recording is titled with.
const MAX_TITLE_CHARS: usize = 200;

/// A permit that was handed out and waits to be used.
pub(crate) struct Issued {
    id: PermitId,
    request: RequestDigest,
    act: Digest,
    facts: Facts,
    until: Instant,
    until_ms: u64,
    since_ms: u64,
    /// The count of changes of rules and flags that the decision rests on.
    epoch: u64,
    /// A rule lets it run only with its terminal recorded.
    must_record: bool,
    /// What runs, for people.
    title: String,
    whose: Whose,
}

/// A spent permit whose act has not been reported.
pub(crate) struct Running {
    pub(crate) whose: Whose,
    pub(crate) since: Instant,
    recording: Option<Arc<Recording>>,
}

/// Whose act it is, for what is remembered of them.
#[derive(Clone)]
pub(crate) struct Whose {
    pub(crate) request: RequestDigest,
    pub(crate) agent: AgentName,
    pub(crate) session: SessionId,
    /// What makes two acts the same.
    pub(crate) same: String,
}

/// What a permit will be bound to, once there is one.
pub(crate) struct Bound {
    act: Digest,
    facts: Facts,
    title: String,
    whose: Whose,
}

impl Bound {
    /// To a request as it was read.
    pub(crate) fn to(daemon: &Daemon, context: &RequestContext, request: &RequestDigest) -> Self {
        let whose = Whose {
            request: *request,
            agent: context.request.agent.clone(),
            session: context.request.session.clone(),
            same: context.footprint.same.clone(),
        };
        let title =
            daemon.redactor.text(&hold_view::asked(&context.request.act)).chars().take(MAX_TITLE_CHARS).collect();
        Self { act: context.request.act.digest(), facts: context.read.facts.clone(), title, whose }
    }
}

/// Adds the names of those who approved, for the agent's terminal.
pub(crate) fn approved_by(mut reply: AgentReply, answers: &[Answer]) -> AgentReply {
    if let AgentReply::Allow { approved_by, .. } = &mut reply {
        *approved_by = answers.iter().map(|it| it.reviewer.to_string()).collect();
    }
    reply
}

impl AgentConnection<'_> {
    pub(crate) fn hand_out(
        &mut self,
        permit: Permit,
        bound: Bound,
        hands_over: bool,
        reasons: Vec<String>,
        epoch: u64,
    ) -> AgentReply {
        let now_ms = clock::now_ms();
        let Bound { act, facts, title, whose } = bound;
        let issued = Issued {
            id: permit.id().clone(),
            request: *permit.request(),
            act,
            facts,
            until: Instant::now().checked_add(Duration::from_millis(PERMIT_LIFE_MS)).unwrap_or_else(Instant::now),
            until_ms: permit.expires_at_ms(),
            since_ms: now_ms,
            epoch,
            must_record: permit.obligations().record,
            title,
            whose,
        };
        let digest = permit.request().to_string();
        if !hands_over {
            self.issued.insert(permit.id().to_string(), issued);
        }
        let sealed = permit.seal(&self.daemon.permit_key);
        AgentReply::Allow {
            permit: SealedText { text: sealed.text, signature: sealed.signature },
            request: digest,
            reasons,
            approved_by: Vec::new(),
        }
    }

    pub(crate) fn redeem(&mut self, permit: &str, act: &serde_json::Value, terminal: Option<Terminal>) -> AgentReply {
        // Taken out before anything is checked: a permit is tried once.
        let Some(issued) = self.issued.remove(permit) else {
            return denied("there is no such permit here: it was used, or is another connection's");
        };
        // Before the flags are looked at: what stops it after that finds it here.
        if let Err(why) = self.daemon.acts.begin(permit, &issued.whose, self.stream) {
            return undecided(&why);
        }
        let heard = self.spend(issued, act, terminal);
        if !matches!(heard, AgentReply::Spent) {
            self.daemon.acts.end(permit);
        }
        heard
    }

    fn spend(&mut self, issued: Issued, act: &serde_json::Value, terminal: Option<Terminal>) -> AgentReply {
        let now_ms = clock::now_ms();
        if Instant::now() >= issued.until || now_ms >= issued.until_ms || now_ms < issued.since_ms {
            return denied("the permit is too old");
        }
        if Act::from_value(act).map(|act| act.digest()) != Ok(issued.act) {
            return self
                .refuse_changed(&issued.request, "the act: arguments, directory, environment, executable or a script");
        }
        if self.daemon.policy.epoch() != issued.epoch {
            return self.refuse_changed(&issued.request, "the rules or flags that it was decided by; ask again");
        }
        if let Some(path) = understanding::changed_since(&issued.facts) {
            return self.refuse_changed(&issued.request, &path);
        }
        if issued.must_record && terminal.is_none() {
            return denied("a rule requires a recording, and this enforcement point cannot record");
        }
        let recording = match terminal.map(|terminal| self.begin(&issued, terminal)).transpose() {
            Ok(recording) => recording,
            Err(why) => return undecided(&why),
        };
        match self.daemon.store.spend(&issued.id, &issued.request, now_ms) {
            Ok(true) => {}
            Ok(false) => return denied("the permit was spent before"),
            Err(why) => return undecided(&why.to_string()),
        }
        let spent = record::Permit::Spent {
            permit: issued.id.to_string(),
            request_digest: issued.request.to_string(),
            recording: recording.as_ref().map(|it| it.id.clone()),
        };
        match self.daemon.record(spent) {
            Ok(_receipt) => {
                self.running
                    .insert(issued.id.to_string(), Running { whose: issued.whose, since: Instant::now(), recording });
                AgentReply::Spent
            }
            Err(why) => undecided(&why),
        }
    }

    fn begin(&self, issued: &Issued, terminal: Terminal) -> Result<Arc<Recording>, String> {
        let head = RecordingHead {
            agent: issued.whose.agent.to_string(),
            session: issued.whose.session.to_string(),
            request: issued.request.to_string(),
            title: issued.title.clone(),
            terminal: Terminal { name: self.daemon.redactor.text(&terminal.name), ..terminal },
        };
        self.daemon.recordings.begin(&self.daemon.layout.log_socket(), head)
    }

    /// What is about to go over a terminal: it may when this is answered.
    pub(crate) fn recorded(&self, permit: &str, events: Vec<TerminalEvent>) -> AgentReply {
        let Some(recording) = self.running.get(permit).and_then(|running| running.recording.as_ref()) else {
            return undecided("no act is recorded under this permit");
        };
        let is_theirs = |event: &TerminalEvent| matches!(event.kind.as_str(), "o" | "i" | "r");
        if !events.iter().all(is_theirs)
            || events.iter().map(|event| event.text.len()).sum::<usize>() > MAX_EVENTS_BYTES
        {
            return undecided("this cannot be recorded");
        }
        match recording.add(events) {
            Ok(()) => AgentReply::Noted,
            Err(why) => undecided(&why),
        }
    }

    pub(crate) fn refuse_changed(&self, request: &RequestDigest, what: &str) -> AgentReply {
        let what = self.daemon.redactor.text(what);
        let why = format!("changed: {what}");
        let _ = self.daemon.record(record::Permit::Refused { request_digest: request.to_string(), why });
        denied(&format!("the act changed after the decision: {what}"))
    }

    pub(crate) fn outcome(&mut self, permit: &str, exit: Option<i32>, signal: Option<i32>, millis: u64) -> AgentReply {
        let Some(running) = self.running.remove(permit) else { return undecided("no act runs under this permit") };
        let Running { whose, since, recording } = running;
        self.daemon.acts.end(permit);
        // One that was cut does not keep from the record how the act ended.
        let cut = recording.and_then(|recording| recording.end().err());
        self.daemon.activity.change_signal.notify();
        let failed = exit != Some(0);
        let said = || vec![("exit", exit.map_or_else(|| "none".to_owned(), |code| code.to_string()))];
        self.daemon.spans.note(&whose.request, "act", since, said, failed);
        let noted = self.daemon.paces.with(self.daemon, &whose.agent, &whose.session, |pair| {
            pair.agent.note_outcome(&whose.same, failed);
            pair.session.note_outcome(&whose.same, failed);
            Ok(((), failed.then_some(state_sqlite::Durability::InOrder)))
        });
        if let Err(why) = noted {
            return undecided(&why);
        }
        let (permit, request_digest) = (permit.to_owned(), whose.request.to_string());
        let ended = Outcome::Ended { permit, request_digest, exit, signal, millis };
        match (self.daemon.record(ended), cut) {
            (Ok(_receipt), None) => AgentReply::Noted,
            (Err(why), _) | (Ok(_), Some(why)) => undecided(&why),
        }
    }
}

pub(crate) fn permit_id() -> Result<PermitId, String> {
    Ok(PermitId::new(clock::now_ms(), clock::random_id().map_err(|why| why.to_string())?))
}
