//! A request: judged, recorded, then answered or held.

use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

use approval::{Hold, HoldState, Permit, Question};
use audit::{Receipt, RecordKind};
use host::{clock, socket};
use model::{Act, Claims, HoldId, Request, RequestId, SessionId};
use pdp::{Decision, Quorum, Situation, Verdict};
use wire::{AgentHears, Refusal};

use crate::agents::{Talk, denied, undecided};
use crate::judge::{self, Read};
use crate::permits::permit_id;
use crate::view;

impl Talk<'_> {
    pub(crate) fn submit(
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
        let home = host::facts::home_of(request.seen.uid);
        let project = cwd.and_then(|cwd| host::project::project_of(std::path::Path::new(cwd), home.as_deref()));
        let situation = Situation {
            agent: Some(request.agent.as_str()),
            owner: Some(request.owner.as_str()),
            session: Some(request.session.as_str()),
            host: Some(&request.host),
            cwd,
            project: project.as_ref().map(|it| it.root.as_str()),
            branch: project.as_ref().and_then(|it| it.branch.as_deref()),
            home: home.as_deref(),
            task: request.claims.task.as_deref(),
            now_ms: clock::now_ms(),
            ..Situation::default()
        };
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
}
