//! A request: judged, recorded, then answered or held.

use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use approval::{BREAK_GLASS, Hold, HoldState, Permit, Question};
use audit::{Receipt, RecordKind};
use host::{clock, socket};
use model::{Act, Claims, HoldId, Request, RequestId, SessionId};
use pdp::{Decision, Quorum, Verdict};
use wire::{AgentHears, HoldView, Refusal};

use crate::agents::{How, Talk, denied, undecided};
use crate::holds::{For, no_words};
use crate::judging::{self, Case, Place};
use crate::permits::{Bound, permit_id};
use crate::view;
use crate::{flags, judge, parked};

/// The longest hold that is put to people, in bytes of what they would be shown. A longer one would not be read, and a few of them
/// would fill every page.
const MAX_VIEW_BYTES: usize = 128 * 1024;

/// A question to people, ready to be asked.
struct Asked {
    question: Question,
    view: HoldView,
    /// How much there is to read.
    bytes: usize,
}

impl Talk<'_> {
    pub(crate) fn submit(
        &mut self,
        key: &str,
        session: &str,
        act: &serde_json::Value,
        claims: Claims,
        how: How,
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
        let place = Place { env: agent.env, groups: agent.groups, trust: agent.trust };
        Case::read(request, place, how.hands_over).and_then(|case| self.decide(&case, how.park)).unwrap_or_else(|why| {
            self.daemon.metrics.verdict("undecided");
            undecided(&why)
        })
    }

    /// Judge, record, then answer or hold. Any `Err` is a refusal: nothing was permitted.
    fn decide(&mut self, case: &Case, park: bool) -> Result<AgentHears, String> {
        let started = Instant::now();
        let request = &case.request;
        if let Some(path) = judge::disagrees(request, &case.read.facts) {
            return Ok(denied(&format!("`{path}` changed while it was being read")));
        }
        // Read before the flags are looked at: one that is set after this ends the permit.
        let epoch = self.daemon.policy.epoch();
        if let Some(flag) = flags::stops(self.daemon, &request.agent, &request.session) {
            self.daemon.note_refusal(self.seen, &format!("{} is stopped by the flag `{flag}`", request.agent));
            return Ok(denied(&format!("people stopped this (flag `{flag}`); do not try again, ask them")));
        }
        let decision = judging::decide(self.daemon, case)?;
        self.traced = Some((*decision.request(), started));
        let reasons: Vec<String> =
            decision.reasons().iter().map(|it| self.daemon.scrubber.text(&it.to_string())).collect();
        let cannot_oblige = match decision.verdict() {
            Verdict::Deny => None,
            Verdict::Allow(obligations) | Verdict::Ask(_, obligations) => Some(obligations),
        }
        .filter(|obliged| case.hands_over && !obliged.is_empty())
        .map(ToString::to_string);
        let asked = match decision.verdict() {
            Verdict::Ask(quorum, _) => Some(self.prepare(case, &decision, quorum, &reasons)),
            Verdict::Allow(_) | Verdict::Deny => None,
        };
        // What is put to people is shown to them while the disk works; everything else is recorded first.
        let is_asked_now = matches!(&asked, Some(Ok(asked)) if asked.bytes <= MAX_VIEW_BYTES)
            && cannot_oblige.is_none()
            && !self.daemon.parked.knows(case);
        let receipt =
            if is_asked_now { None } else { Some(self.record_decision(case, &decision, started, || Ok(()))?) };
        if let Some(obliged) = cannot_oblige {
            return Ok(denied(&format!(
                "a rule lets this run only with {obliged}, and this enforcement point hands the act to a host that it cannot hold to that; use `countersign run`"
            )));
        }
        match (decision.verdict(), asked, receipt) {
            (Verdict::Allow(_), _, Some(receipt)) => {
                let permit = Permit::for_allowed(&decision, &receipt, permit_id()?, clock::now_ms());
                let bound = Bound::to(self.daemon, case, decision.request());
                Ok(self.hand_out(permit.map_err(|why| why.to_string())?, bound, case.hands_over, reasons, epoch))
            }
            (Verdict::Ask(..), Some(asked), receipt) => {
                let by_ticket = if is_asked_now { None } else { self.by_ticket(case, &reasons, park) };
                match by_ticket {
                    Some(answer) => Ok(answer),
                    None => self.hold(case, decision, (asked?, receipt), reasons, (epoch, park), started),
                }
            }
            (Verdict::Deny | Verdict::Allow(_) | Verdict::Ask(..), _, _) => {
                Ok(AgentHears::Deny { refusal: Refusal::Denied, reasons })
            }
        }
    }

    /// Makes a decision durable; `meanwhile` is done while the disk works.
    fn record_decision(
        &self,
        case: &Case,
        decision: &Decision,
        started: Instant,
        meanwhile: impl FnOnce() -> Result<(), String>,
    ) -> Result<Receipt, String> {
        let request = &case.request;
        let body = view::decision_body(request, &case.read.intent, decision, &self.daemon.scrubber);
        let recorded = self.daemon.begin_record(RecordKind::Decision, body)?;
        let done = meanwhile();
        let receipt = recorded.receipt()?;
        self.daemon.metrics.verdict(decision.verdict().as_str());
        self.daemon.metrics.decision.note(started.elapsed());
        let said = || {
            vec![
                ("agent", request.agent.to_string()),
                ("verdict", decision.verdict().as_str().to_owned()),
                ("level", decision.risk().level().as_str().to_owned()),
                ("coverage", decision.coverage().as_str().to_owned()),
                ("rules", decision.rules().join(" ")),
            ]
        };
        self.daemon.traces.note(decision.request(), "decision", started, said, false);
        self.daemon.recordings.mark(&request.agent, &request.session, || {
            format!("{}: {}", decision.verdict().as_str(), self.daemon.scrubber.text(&view::asked(&request.act)))
        });
        done.map(|()| receipt)
    }

    /// What people are asked, and are shown.
    fn prepare(&self, case: &Case, decision: &Decision, quorum: &Quorum, reasons: &[String]) -> Result<Asked, String> {
        let request = &case.request;
        self.enough_people(request, quorum, reasons)?;
        let now_ms = clock::now_ms();
        let id = HoldId::new(now_ms, clock::random_id().map_err(|why| why.to_string())?);
        let expires_at_ms = now_ms.saturating_add(u64::from(quorum.timeout_s).saturating_mul(1_000));
        let view = view::shown(self.daemon, id.as_str(), case, decision, quorum, expires_at_ms);
        let bytes = serde_json::to_vec(&view).map_or(usize::MAX, |text| text.len());
        let question = Question {
            id,
            request: *decision.request(),
            agent: request.agent.clone(),
            owner: request.owner.clone(),
            quorum: quorum.clone(),
            expires_at_ms,
        };
        Ok(Asked { question, view, bytes })
    }

    fn hold(
        &mut self,
        case: &Case,
        decision: Decision,
        (Asked { question, view, bytes }, receipt): (Asked, Option<Receipt>),
        reasons: Vec<String>,
        (epoch, park): (u64, bool),
        started: Instant,
    ) -> Result<AgentHears, String> {
        let request = &case.request;
        if bytes > MAX_VIEW_BYTES {
            return Ok(denied(&format!(
                "people would have to read {bytes} bytes to answer this, and nobody does ({MAX_VIEW_BYTES} at most): ask for less at once, or put it into a file"
            )));
        }
        let (id, expires_at_ms) = (question.id.clone(), question.expires_at_ms);
        let shown = (view, case.read.intent.clone());
        let store = |hold: Option<&Hold>| {
            hold.map_or(Ok(()), |hold| self.daemon.store.add_hold(hold).map_err(|why| why.to_string()))
        };
        let settle = |hold: Option<&Hold>| match receipt {
            Some(receipt) => store(hold).map(|()| receipt),
            None => self.record_decision(case, &decision, started, || store(hold)),
        };
        let opened_for = match (park, case.hands_over) {
            (true, _) => For::Ticket,
            (false, true) => For::Host,
            (false, false) => For::Caller,
        };
        let (entry, woken, asked) =
            self.daemon.holds.open(self.daemon, &Hold::open(question), shown, opened_for, settle)?;
        if park {
            let ticket = (id.to_string(), expires_at_ms);
            if let Err(why) = parked::park(self.daemon, case, decision, asked, Arc::clone(&entry), ticket) {
                self.daemon.holds.end(self.daemon, &entry, HoldState::Lost);
                self.daemon.holds.tell(Some(&id));
                return Err(why);
            }
            return Ok(AgentHears::Parked { hold: id.to_string(), expires_at_ms, reasons });
        }
        let since = Instant::now();
        let held = AgentHears::Held { hold: id.to_string(), expires_at_ms, reasons: reasons.clone() };
        let told = self.say(&held);
        // While people think: what there will be no time for when they answer.
        let (bound, permit_id) = (Bound::to(self.daemon, case, decision.request()), permit_id());
        let ended = match told {
            Ok(()) => self.wait(&entry, &woken).unwrap_or(HoldState::Lost),
            Err(_) => HoldState::Lost,
        };
        // Told when the agent has its answer; see `agents::converse`.
        self.tells = Some(id.clone());
        let mut outcome = self.daemon.holds.end(self.daemon, &entry, ended);
        self.owes.moved = outcome.unstored.take();
        let said = || {
            let state = outcome.hold.state().as_str().to_owned();
            vec![("hold", id.to_string()), ("state", state), ("answers", outcome.hold.answers().len().to_string())]
        };
        self.daemon.traces.note(decision.request(), "hold", since, said, outcome.hold.state() == HoldState::Lost);
        let people: Vec<&str> = outcome.hold.answers().iter().map(|answer| answer.reviewer.as_str()).collect();
        let marked = format!("{} {}", outcome.hold.state().as_str(), people.join(", "));
        self.daemon.recordings.mark(&request.agent, &request.session, || marked.trim_end().to_owned());
        match (outcome.hold.state(), outcome.answered) {
            (HoldState::Approved, Some(answered)) => {
                if let Some(path) = judge::changed_since(&case.read.facts) {
                    return Ok(self.refuse_changed(decision.request(), &path));
                }
                // What people said yes to was asked by other rules: their yes is not one to these.
                let now = self.daemon.policy.epoch();
                if let Some(flag) = flags::stops(self.daemon, &request.agent, &request.session) {
                    return Ok(self.refuse_changed(decision.request(), &format!("people stopped this (flag `{flag}`)")));
                }
                if now != epoch && !judging::still_asks(self.daemon, case, &decision)? {
                    return Ok(
                        self.refuse_changed(decision.request(), "the rules or flags that it was asked by; ask again")
                    );
                }
                if case.hands_over {
                    judging::approved(self.daemon, case, Some(judging::kept(case)))?;
                } else {
                    // Kept when the agent has its answer, before it can say what it does with it.
                    judging::approved(self.daemon, case, None)?;
                    self.owes.counted = Some((request.agent.clone(), request.session.clone()));
                }
                let permit =
                    Permit::for_approved(&decision, &asked, &outcome.hold, &answered, permit_id?, clock::now_ms());
                Ok(self.hand_out(permit.map_err(|why| why.to_string())?, bound, case.hands_over, reasons, now))
            }
            (HoldState::Denied, _) => {
                judging::refused(self.daemon, case)?;
                Ok(denied(&no_words(outcome.told.as_ref())))
            }
            (HoldState::Expired, _) => Ok(AgentHears::Deny {
                refusal: Refusal::Expired,
                reasons: vec!["nobody decided in time, so it is denied".to_owned()],
            }),
            (HoldState::Open | HoldState::Lost | HoldState::Approved, _) => Err("the hold was lost".to_owned()),
        }
    }

    fn enough_people(&self, request: &Request, quorum: &Quorum, reasons: &[String]) -> Result<(), String> {
        let people = self.daemon.people_now()?;
        let could: Vec<&pdp::Person> = people.iter().filter(|person| person.name != request.owner).collect();
        // Whoever may break the glass is asked where the others are not enough.
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
                // Where nobody decided, it was stopped.
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
