//! Holding a request, and waiting for the reviewers' answer.

use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use approval::{ApprovalRequest, BREAK_GLASS, Hold, HoldState, Permit};
use audit::Receipt;
use host::{clock, socket};
use model::{HoldId, Request, ReviewerName};
use pdp::{Decision, Quorum};
use protocol::{AgentReply, HoldView, Refusal};

use crate::agent_connection::{AgentConnection, Ended, denied};
use crate::evaluation::{self, RequestContext};
use crate::holds::{For, denial_text};
use crate::permits::{Bound, approved_by, permit_id};
use crate::{hold_view, kill_switch, tickets, understanding};

/// The longest hold that is put to people, in bytes of what they would be shown. A longer one would not be read, and a few of them
/// would fill every page.
pub(crate) const MAX_VIEW_BYTES: usize = 128 * 1024;

/// A question to people, ready to be asked.
pub(crate) struct Asked {
    question: ApprovalRequest,
    view: HoldView,
    /// How much there is to read.
    pub(crate) bytes: usize,
}

impl AgentConnection<'_> {
    /// What people are asked, and are shown.
    pub(crate) fn prepare(
        &self,
        context: &RequestContext,
        decision: &Decision,
        quorum: &Quorum,
        reasons: &[String],
    ) -> Result<Asked, String> {
        let request = &context.request;
        self.enough_people(request, quorum, reasons)?;
        let now_ms = clock::now_ms();
        let id = HoldId::new(now_ms, clock::random_id().map_err(|why| why.to_string())?);
        let expires_at_ms = now_ms.saturating_add(u64::from(quorum.timeout_s).saturating_mul(1_000));
        let view = hold_view::shown(self.daemon, id.as_str(), context, decision, quorum, expires_at_ms);
        let bytes = serde_json::to_vec(&view).map_or(usize::MAX, |text| text.len());
        let question = ApprovalRequest {
            id,
            request: *decision.request(),
            agent: request.agent.clone(),
            owner: request.owner.clone(),
            above: request.chain.iter().map(|it| it.owner.clone()).collect(),
            quorum: quorum.clone(),
            expires_at_ms,
        };
        Ok(Asked { question, view, bytes })
    }

    /// Asks people, and waits for what they say or gives a ticket.
    pub(crate) fn hold(
        &mut self,
        context: RequestContext,
        decision: Decision,
        (Asked { question, view, bytes }, receipt): (Asked, Option<Receipt>),
        reasons: Vec<String>,
        (epoch, park): (u64, bool),
        started: Instant,
    ) -> Result<AgentReply, String> {
        let request = &context.request;
        if bytes > MAX_VIEW_BYTES {
            return Ok(denied(&format!(
                "the review text has {bytes} bytes (at most {MAX_VIEW_BYTES}): split the request, or put the content into a file"
            )));
        }
        let (id, expires_at_ms) = (question.id.clone(), question.expires_at_ms);
        let shown = (view, context.read.intent.clone());
        let store = |hold: Option<&Hold>| {
            hold.map_or(Ok(()), |hold| self.daemon.store.add_hold(hold).map_err(|why| why.to_string()))
        };
        let settle = |hold: Option<&Hold>| match receipt {
            Some(receipt) => store(hold).map(|()| receipt),
            None => self.record_decision(&context, &decision, started, || store(hold)),
        };
        let opened_for = match (park, context.hands_over) {
            (true, _) => For::Ticket,
            (false, true) => For::Host,
            (false, false) => For::Caller,
        };
        let (entry, woken, asked) =
            self.daemon.holds.open(self.daemon, &Hold::open(question), shown, opened_for, settle)?;
        if park {
            let ticket = (id.to_string(), expires_at_ms);
            if let Err(why) = tickets::park(self.daemon, &context, decision, asked, Arc::clone(&entry), ticket) {
                self.daemon.holds.end(self.daemon, &entry, HoldState::Lost);
                self.daemon.holds.tell(Some(&id));
                return Err(why);
            }
            self.daemon.holds.watch_over(&id);
            return Ok(AgentReply::Parked { hold: id.to_string(), expires_at_ms, reasons });
        }
        let since = Instant::now();
        let held = AgentReply::Held { hold: id.to_string(), expires_at_ms, reasons: reasons.clone() };
        let told = self.say(&held);
        // While people think: what there will be no time for when they answer.
        let (bound, permit_id) = (Bound::to(self.daemon, &context, decision.request()), permit_id());
        let ended = match told {
            Ok(()) => self.wait(&entry, &woken).unwrap_or(HoldState::Lost),
            Err(_) => HoldState::Lost,
        };
        // Subscribers are notified once the agent has its answer; see `agent_connection::converse`.
        self.ended_hold = Some(Ended { hold: id.clone(), _entry: Arc::clone(&entry), _woken: woken });
        let mut outcome = self.daemon.holds.end(self.daemon, &entry, ended);
        self.pending_writes.moved = outcome.unstored.take();
        let said = || {
            let state = outcome.hold.state().as_str().to_owned();
            vec![("hold", id.to_string()), ("state", state), ("answers", outcome.hold.answers().len().to_string())]
        };
        self.daemon.spans.note(decision.request(), "hold", since, said, outcome.hold.state() == HoldState::Lost);
        let people: Vec<&str> = outcome.hold.answers().iter().map(|answer| answer.reviewer.as_str()).collect();
        let marked = format!("{} {}", outcome.hold.state().as_str(), people.join(", "));
        self.daemon.recordings.mark(&request.agent, &request.session, || marked.trim_end().to_owned());
        match (outcome.hold.state(), outcome.answered) {
            (HoldState::Approved, Some(answered)) => {
                if let Some(path) = understanding::changed_since(&context.read.facts) {
                    return Ok(self.refuse_changed(decision.request(), &path));
                }
                // What people said yes to was asked by other rules: their yes is not one to these.
                let now = self.daemon.policy.epoch();
                if let Some(flag) = kill_switch::stops(self.daemon, request) {
                    return Ok(self.refuse_changed(decision.request(), &format!("people stopped this (flag `{flag}`)")));
                }
                if !context.has_its_key(self.daemon) {
                    return Ok(self.refuse_changed(decision.request(), "the agent's key"));
                }
                if now != epoch && !evaluation::still_asks(self.daemon, &context, &decision)? {
                    return Ok(
                        self.refuse_changed(decision.request(), "the rules or flags that it was asked by; ask again")
                    );
                }
                let permit =
                    Permit::for_approved(&decision, &asked, &outcome.hold, &answered, permit_id?, clock::now_ms());
                let (permit, hands_over) = (permit.map_err(|why| why.to_string())?, context.hands_over);
                if hands_over {
                    evaluation::approved(self.daemon, &context, evaluation::kept(&context))?;
                } else {
                    // When the agent has its answer, before it can say what it does with it.
                    self.pending_writes.approved = Some(context);
                }
                let reply = self.hand_out(permit, bound, hands_over, reasons, now);
                Ok(approved_by(reply, outcome.hold.answers()))
            }
            (HoldState::Denied, _) => {
                evaluation::refused(self.daemon, &context)?;
                Ok(denied(&denial_text(outcome.told.as_ref())))
            }
            (HoldState::Expired, _) => Ok(AgentReply::Deny {
                refusal: Refusal::Expired,
                reasons: vec!["no reviewer decided in time, so it is denied".to_owned()],
            }),
            (HoldState::Open | HoldState::Lost | HoldState::Approved, _) => {
                match kill_switch::stops(self.daemon, request) {
                    Some(flag) => Ok(denied(&kill_switch::words(&flag))),
                    None => Err("the hold was lost".to_owned()),
                }
            }
        }
    }

    fn enough_people(&self, request: &Request, quorum: &Quorum, reasons: &[String]) -> Result<(), String> {
        let people = self.daemon.people_now()?;
        let answers_for =
            |name: &ReviewerName| request.owner == *name || request.chain.iter().any(|it| it.owner == *name);
        let could: Vec<&pdp::Person> = people.iter().filter(|person| !answers_for(&person.name)).collect();
        // Members of the break-glass group count where the others are not enough.
        let alone = |person: &&pdp::Person| person.role.answers() && person.groups.iter().any(|it| it == BREAK_GLASS);
        if !quorum.is_met(&could) && !could.iter().any(alone) {
            return Err(format!(
                "this asks for {}, who do not own the agent, and those who are enrolled are not enough; enrol with `countersign reviewer add NAME` ({})",
                quorum.words(),
                reasons.first().map_or("", String::as_str)
            ));
        }
        Ok(())
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
                // Without a decision, it was stopped.
                return Ok(if entry.is_lost() { HoldState::Lost } else { HoldState::Expired });
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
}
