//! The agents' socket: a connection submits, redeems and reports. There is no other word.
//!
//! Order of durability for one act: decision recorded → (answer recorded) → permit → spent, in the store and in the
//! record → act → outcome recorded. After a crash at any of these the act either was not done, or the record shows that
//! it was about to be.

use std::collections::BTreeMap;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use approval::{Hold, HoldState, PERMIT_LIFE_MS, Permit, Question};
use audit::{Receipt, RecordKind};
use host::clock;
use host::socket::{self, Failed};
use model::{Act, Claims, Digest, Facts, HoldId, PermitId, Request, RequestDigest, RequestId, Seen, SessionId};
use pdp::{Decision, Quorum, Situation, Verdict};
use serde_json::json;
use wire::{AgentHears, AgentSays, MAX_AGENT_FRAME, Refusal, SealedText};

use crate::daemon::Daemon;
use crate::judge::{self, Read};
use crate::view;

/// How long the other side may take to send the rest of a message, or to take ours.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long a connection may stay silent when nothing runs under it.
const IDLE: Duration = Duration::from_secs(30);

/// The longest intent or task that is taken over, in bytes.
const MAX_CLAIM_BYTES: usize = 4_096;

/// A permit that was handed out and waits to be used.
struct Issued {
    id: PermitId,
    request: RequestDigest,
    act: Digest,
    facts: Facts,
    until: Instant,
    until_ms: u64,
    since_ms: u64,
}

/// One connection.
struct Talk<'a> {
    daemon: &'a Daemon,
    stream: &'a UnixStream,
    seen: Seen,
    /// Permits of this connection: another connection cannot use them.
    issued: BTreeMap<String, Issued>,
    /// Spent permits whose act has not been reported.
    running: BTreeMap<String, RequestDigest>,
}

/// Serves one connection until it ends.
pub(crate) fn converse(daemon: &Daemon, stream: &UnixStream, seen: Seen) {
    let mut talk = Talk { daemon, stream, seen, issued: BTreeMap::new(), running: BTreeMap::new() };
    loop {
        let idle = if talk.running.is_empty() { Some(IDLE) } else { None };
        let heard = match socket::receive::<AgentSays>(stream, MAX_AGENT_FRAME, idle, PATIENCE) {
            Ok(AgentSays::Submit { key, session, act, intent, task, search_path, hands_over }) => {
                let claims = Claims { intent: short(intent), task: short(task), search_path: short(search_path) };
                talk.submit(&key, &session, &act, claims, hands_over)
            }
            Ok(AgentSays::Redeem { permit, act }) => talk.redeem(&permit, &act),
            Ok(AgentSays::Outcome { permit, exit, signal, millis }) => talk.outcome(&permit, exit, signal, millis),
            Err(Failed::Closed) => break,
            Err(Failed::Refused(why)) => {
                daemon.note_refusal(seen, &why.to_string());
                let _ = talk.say(&undecided(&why.to_string()));
                break;
            }
            Err(Failed::Socket(_)) => break,
        };
        if talk.say(&heard).is_err() {
            break;
        }
    }
    for (permit, request) in talk.running {
        let body = json!({"permit": permit, "request_digest": request.to_string(), "outcome": "unknown"});
        let _ = daemon.record(RecordKind::Outcome, body);
    }
}

fn short(text: Option<String>) -> Option<String> {
    text.map(|text| text.chars().take(MAX_CLAIM_BYTES).collect())
}

fn undecided(why: &str) -> AgentHears {
    AgentHears::Deny { refusal: Refusal::Undecided, reasons: vec![why.to_owned()] }
}

fn denied(why: &str) -> AgentHears {
    AgentHears::Deny { refusal: Refusal::Denied, reasons: vec![why.to_owned()] }
}

impl Talk<'_> {
    fn say(&self, hears: &AgentHears) -> Result<(), Failed> {
        socket::send(self.stream, hears, MAX_AGENT_FRAME, PATIENCE)
    }

    fn submit(
        &mut self,
        key: &str,
        session: &str,
        act: &serde_json::Value,
        claims: Claims,
        hands_over: bool,
    ) -> AgentHears {
        let Some(agent) = self.daemon.agent(key) else {
            self.daemon.note_refusal(self.seen, "an unknown agent key");
            return undecided(
                "this agent key is not known; make an agent with `countersign agent add NAME --owner WHO`",
            );
        };
        if agent.uid.is_some_and(|uid| uid != self.seen.uid) {
            self.daemon.note_refusal(self.seen, "an agent key used by another user");
            return undecided("this agent key is bound to another user of this machine");
        }
        let (Ok(act), Ok(session)) = (Act::from_value(act), SessionId::parse(session)) else {
            return undecided("the act or the session is malformed");
        };
        let Ok(random) = clock::random_id() else { return undecided("the kernel gives no random bytes") };
        let request = Request {
            id: RequestId::new(clock::now_ms(), random),
            agent: agent.name,
            owner: agent.owner,
            session,
            host: self.daemon.host.clone(),
            act,
            claims,
            seen: self.seen,
        };
        self.decide(&request, hands_over).unwrap_or_else(|why| undecided(&why))
    }

    /// Judge, record, then answer or hold. Any `Err` is a refusal: nothing was permitted.
    fn decide(&mut self, request: &Request, hands_over: bool) -> Result<AgentHears, String> {
        let read = judge::read(request)?;
        if let Some(path) = judge::disagrees(request, &read.facts) {
            return Ok(denied(&format!("`{path}` changed while it was being read")));
        }
        let cwd = match &request.act {
            Act::Exec(exec) => exec.cwd.as_text(),
            Act::Tool(call) => call.cwd.as_deref(),
        };
        let situation = Situation { agent: Some(request.agent.as_str()), cwd, now_ms: clock::now_ms() };
        let decision = pdp::evaluate(request.digest(), &read.intent, &situation, &self.daemon.policy);
        let body = view::decision_body(request, &read.intent, &decision, &self.daemon.scrubber);
        let receipt = self.daemon.record(RecordKind::Decision, body)?;
        let reasons: Vec<String> =
            decision.reasons().iter().map(|it| self.daemon.scrubber.text(&it.to_string())).collect();
        match decision.verdict() {
            Verdict::Deny => Ok(AgentHears::Deny { refusal: Refusal::Denied, reasons }),
            Verdict::Allow(_) => {
                let id = permit_id()?;
                let permit =
                    Permit::for_allowed(&decision, &receipt, id, clock::now_ms()).map_err(|why| why.to_string())?;
                Ok(self.hand_out(permit, request, read.facts, reasons, hands_over))
            }
            Verdict::Ask(quorum, _) => {
                let quorum = *quorum;
                self.hold(request, read, &decision, &receipt, quorum, reasons, hands_over)
            }
        }
    }

    #[expect(clippy::too_many_arguments, reason = "everything that one hold is about, used once")]
    fn hold(
        &mut self,
        request: &Request,
        read: Read,
        decision: &Decision,
        asked: &Receipt,
        quorum: Quorum,
        reasons: Vec<String>,
        hands_over: bool,
    ) -> Result<AgentHears, String> {
        let people = self.daemon.store.reviewers().map_err(|why| why.to_string())?;
        let eligible = people.iter().filter(|reviewer| reviewer.name != request.owner).count();
        if eligible < usize::from(quorum.people) {
            return Err(format!(
                "this needs {} reviewer(s) who do not own the agent, and {eligible} are enrolled; enrol one with `countersign reviewer add NAME` ({})",
                quorum.people,
                reasons.first().map_or("", String::as_str)
            ));
        }
        let now_ms = clock::now_ms();
        let id = HoldId::new(now_ms, clock::random_id().map_err(|why| why.to_string())?);
        let expires_at_ms = now_ms.saturating_add(u64::from(quorum.timeout_s).saturating_mul(1_000));
        let view = view::hold_view(
            id.as_str(),
            request,
            &read.intent,
            decision,
            &quorum,
            expires_at_ms,
            &self.daemon.scrubber,
        );
        let question = Question {
            id: id.clone(),
            request: *decision.request(),
            agent: request.agent.clone(),
            owner: request.owner.clone(),
            quorum,
            expires_at_ms,
        };
        let (entry, woken) = self.daemon.holds.open(self.daemon, Hold::open(question), view)?;
        let held = AgentHears::Held { hold: id.to_string(), expires_at_ms, reasons: reasons.clone() };
        let told = self.say(&held);
        let ended = match told {
            Ok(()) => self.wait(&entry, &woken)?,
            Err(_) => HoldState::Lost,
        };
        let outcome = self.daemon.holds.end(self.daemon, &entry, ended);
        match (outcome.hold.state(), outcome.answered) {
            (HoldState::Approved, Some(answered)) => {
                if let Some(path) = judge::changed_since(&read.facts) {
                    return Ok(self.refuse_changed(decision.request(), &path));
                }
                let permit =
                    Permit::for_approved(decision, asked, &outcome.hold, &answered, permit_id()?, clock::now_ms());
                Ok(self.hand_out(permit.map_err(|why| why.to_string())?, request, read.facts, reasons, hands_over))
            }
            (HoldState::Denied, _) => Ok(denied("a reviewer said no")),
            (HoldState::Expired, _) => Ok(AgentHears::Deny {
                refusal: Refusal::Expired,
                reasons: vec!["nobody decided in time, so it is denied".to_owned()],
            }),
            (HoldState::Open | HoldState::Lost | HoldState::Approved, _) => Err("the hold was lost".to_owned()),
        }
    }

    /// Waits until the hold is decided, its time is over, or the other side is gone. Says how it is to be ended if it
    /// is still open.
    fn wait(&self, entry: &Arc<crate::holds::Entry>, woken: &UnixStream) -> Result<HoldState, String> {
        loop {
            let remaining = entry.remaining();
            if remaining.is_zero() {
                return Ok(HoldState::Expired);
            }
            let (gone, decided) =
                socket::wait_for_either(self.stream, woken, remaining).map_err(|why| why.to_string())?;
            if decided {
                return Ok(HoldState::Expired);
            }
            // The protocol has no word to say while a hold is open: anything readable is an end or a breach.
            if gone && !self.has_more_requests() {
                return Ok(HoldState::Lost);
            }
            if gone {
                // Requests sent ahead wait their turn; only the hold's own end is waited for.
                std::thread::sleep(Duration::from_millis(20).min(remaining));
            }
        }
    }

    /// Whether what is readable is data, not the end of the connection.
    fn has_more_requests(&self) -> bool {
        host::socket::has_data(self.stream)
    }

    fn hand_out(
        &mut self,
        permit: Permit,
        request: &Request,
        facts: Facts,
        reasons: Vec<String>,
        hands_over: bool,
    ) -> AgentHears {
        let now_ms = clock::now_ms();
        let issued = Issued {
            id: permit.id().clone(),
            request: *permit.request(),
            act: request.act.digest(),
            facts,
            until: Instant::now().checked_add(Duration::from_millis(PERMIT_LIFE_MS)).unwrap_or_else(Instant::now),
            until_ms: permit.expires_at_ms(),
            since_ms: now_ms,
        };
        let digest = permit.request().to_string();
        if !hands_over {
            self.issued.insert(permit.id().to_string(), issued);
        }
        let sealed = permit.seal(&self.daemon.permit_key);
        AgentHears::Allow {
            permit: SealedText { text: sealed.text, signature: sealed.signature },
            request: digest,
            reasons,
        }
    }

    fn redeem(&mut self, permit: &str, act: &serde_json::Value) -> AgentHears {
        // Taken out before anything is checked: a permit is tried once.
        let Some(issued) = self.issued.remove(permit) else {
            return denied("there is no such permit here: it was used, or is another connection's");
        };
        let now_ms = clock::now_ms();
        if Instant::now() >= issued.until || now_ms >= issued.until_ms || now_ms < issued.since_ms {
            return denied("the permit is too old");
        }
        if Act::from_value(act).map(|act| act.digest()) != Ok(issued.act) {
            return self
                .refuse_changed(&issued.request, "the act: arguments, directory, environment, executable or a script");
        }
        if let Some(path) = judge::changed_since(&issued.facts) {
            return self.refuse_changed(&issued.request, &path);
        }
        match self.daemon.store.spend(&issued.id, &issued.request, now_ms) {
            Ok(true) => {}
            Ok(false) => return denied("the permit was spent before"),
            Err(why) => return undecided(&why.to_string()),
        }
        let body =
            json!({"permit": issued.id.as_str(), "request_digest": issued.request.to_string(), "state": "spent"});
        match self.daemon.record(RecordKind::Permit, body) {
            Ok(_receipt) => {
                self.running.insert(issued.id.to_string(), issued.request);
                AgentHears::Spent
            }
            Err(why) => undecided(&why),
        }
    }

    fn refuse_changed(&self, request: &RequestDigest, what: &str) -> AgentHears {
        let what = self.daemon.scrubber.text(what);
        let body =
            json!({"request_digest": request.to_string(), "state": "refused", "why": format!("changed: {what}")});
        let _ = self.daemon.record(RecordKind::Permit, body);
        denied(&format!("what would run is not what was decided on; changed: {what}"))
    }

    fn outcome(&mut self, permit: &str, exit: Option<i32>, signal: Option<i32>, millis: u64) -> AgentHears {
        let Some(request) = self.running.remove(permit) else { return undecided("no act runs under this permit") };
        let body = json!({
            "permit": permit, "request_digest": request.to_string(), "outcome": "ended", "exit": exit, "signal": signal, "millis": millis,
        });
        match self.daemon.record(RecordKind::Outcome, body) {
            Ok(_receipt) => AgentHears::Noted,
            Err(why) => undecided(&why),
        }
    }
}

fn permit_id() -> Result<PermitId, String> {
    Ok(PermitId::new(clock::now_ms(), clock::random_id().map_err(|why| why.to_string())?))
}
