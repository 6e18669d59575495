//! A request: judged, recorded, then answered or held.

use std::time::Instant;

use approval::Permit;
use audit::Receipt;
use host::clock;
use model::{Act, Claims, Request, RequestId, SessionId};
use pdp::{Decision, Verdict};
use protocol::{AgentReply, Refusal};
use state_sqlite::AgentRow;

use crate::agent_connection::{AgentConnection, AnswerMode, denied, undecided};
use crate::await_approval::MAX_VIEW_BYTES;
use crate::evaluation::{self, EnrolledAttributes, RequestContext};
use crate::permits::{Bound, permit_id};
use crate::{agent_activity, delegation, hold_view, kill_switch, understanding};

/// The longest search path for programs, in bytes.
const MAX_SEARCH_PATH_BYTES: usize = 16 * 1024;

impl AgentConnection<'_> {
    pub(crate) fn submit(
        &mut self,
        key: &str,
        session: &str,
        act: &serde_json::Value,
        claims: Claims,
        how: AnswerMode,
    ) -> AgentReply {
        let agent = match self.known(key) {
            Ok(agent) => agent,
            Err(why) => return undecided(why),
        };
        // Not cut: a program could be found beyond where it was.
        if claims.search_path.as_ref().is_some_and(|path| path.len() > MAX_SEARCH_PATH_BYTES) {
            return undecided("the search path is too long to be looked through");
        }
        let act = match Act::from_value(act) {
            Ok(act) => act,
            Err(why) => return undecided(&why.to_string()),
        };
        let session = match SessionId::parse(session) {
            Ok(session) => session,
            Err(why) => return undecided(&format!("the session is malformed: {why}")),
        };
        let Ok(random) = clock::random_id() else { return undecided("the kernel gives no random bytes") };
        let (chain, trust) = match delegation::of(self.daemon, &agent) {
            Ok(found) => found,
            Err(why) => return undecided(&why),
        };
        let request = Request {
            id: RequestId::new(clock::now_ms(), random),
            agent: agent.name,
            owner: agent.owner,
            chain,
            session,
            host: self.daemon.host.clone(),
            act,
            claims,
            seen: self.seen,
        };
        let place = EnrolledAttributes { env: agent.env, groups: agent.groups, trust };
        RequestContext::read(self.daemon, request, place, how.hands_over, agent.key_digest)
            .and_then(|context| self.decide(context, how.park))
            .unwrap_or_else(|why| {
                self.daemon.metrics.verdict("undecided");
                undecided(&why)
            })
    }

    /// The agent whose key this is, where it may be used from here.
    fn known(&self, key: &str) -> Result<AgentRow, &'static str> {
        let Some(agent) = self.daemon.agent(key) else {
            self.daemon.note_refusal(self.seen, "an unknown agent key");
            return Err("this agent key is not known; make an agent with `countersign agent add NAME --owner WHO`");
        };
        if agent.uid.is_some_and(|uid| uid != self.seen.uid) {
            self.daemon.note_refusal(self.seen, "an agent key used by another user");
            return Err("this agent key is bound to another user of this machine");
        }
        Ok(agent)
    }

    /// Whose key it is, and which rules and flags are in force: for an enforcement point that gives an answer a second time.
    pub(crate) fn standing(&self, key: &str) -> AgentReply {
        match self.known(key) {
            Ok(agent) => AgentReply::Standing { agent: agent.name.to_string(), epoch: self.daemon.policy.epoch() },
            Err(why) => undecided(why),
        }
    }

    /// Judge, record, then answer or hold. Any `Err` is a refusal: nothing was permitted.
    fn decide(&mut self, context: RequestContext, park: bool) -> Result<AgentReply, String> {
        let started = Instant::now();
        let request = &context.request;
        if let Some(path) = understanding::disagrees(request, &context.read.facts) {
            return Ok(denied(&format!("`{path}` changed while it was being read")));
        }
        // Read before the flags are looked at: one that is set after this ends the permit.
        let epoch = self.daemon.policy.epoch();
        // A key that is replaced after this raises the epoch.
        if !context.has_its_key(self.daemon) {
            self.daemon.note_refusal(self.seen, "an agent key that was replaced or removed");
            return Ok(denied("the agent's key was replaced or removed meanwhile"));
        }
        if let Some(flag) = kill_switch::stops(self.daemon, request) {
            self.daemon.note_refusal(self.seen, &format!("{} is stopped by the flag `{flag}`", request.agent));
            return Ok(denied(&kill_switch::words(&flag)));
        }
        let decision = evaluation::decide(self.daemon, &context)?;
        self.traced = Some((*decision.request(), started));
        let reasons: Vec<String> =
            decision.reasons().iter().map(|it| self.daemon.redactor.text(&it.to_string())).collect();
        let cannot_oblige = match decision.verdict() {
            Verdict::Deny => None,
            Verdict::Allow(obligations) | Verdict::Ask(_, obligations) => Some(obligations),
        }
        .filter(|obliged| context.hands_over && !obliged.is_empty())
        .map(ToString::to_string);
        let asked = match decision.verdict() {
            Verdict::Ask(quorum, _) => Some(self.prepare(&context, &decision, quorum, &reasons)),
            Verdict::Allow(_) | Verdict::Deny => None,
        };
        // What is put to people is shown to them while the disk works; everything else is recorded first.
        let is_asked_now = matches!(&asked, Some(Ok(asked)) if asked.bytes <= MAX_VIEW_BYTES)
            && cannot_oblige.is_none()
            && !self.daemon.parked.knows(&context);
        let receipt =
            if is_asked_now { None } else { Some(self.record_decision(&context, &decision, started, || Ok(()))?) };
        if let Some(obliged) = cannot_oblige {
            return Ok(denied(&format!(
                "a rule lets this run only with {obliged}, and this enforcement point hands the act to a host that it cannot hold to that; use `countersign run`"
            )));
        }
        match (decision.verdict(), asked, receipt) {
            (Verdict::Allow(_), _, Some(receipt)) => {
                let permit = Permit::for_allowed(&decision, &receipt, permit_id()?, clock::now_ms());
                let bound = Bound::to(self.daemon, &context, decision.request());
                Ok(self.hand_out(permit.map_err(|why| why.to_string())?, bound, context.hands_over, reasons, epoch))
            }
            (Verdict::Ask(..), Some(asked), receipt) => {
                let by_ticket = if is_asked_now { None } else { self.by_ticket(&context, &reasons, park) };
                match by_ticket {
                    Some(answer) => Ok(answer),
                    None => self.hold(context, decision, (asked?, receipt), reasons, (epoch, park), started),
                }
            }
            (Verdict::Deny | Verdict::Allow(_) | Verdict::Ask(..), _, _) => {
                Ok(AgentReply::Deny { refusal: Refusal::Denied, reasons })
            }
        }
    }

    /// Makes a decision durable; `meanwhile` is done while the disk works.
    pub(crate) fn record_decision(
        &self,
        context: &RequestContext,
        decision: &Decision,
        started: Instant,
        meanwhile: impl FnOnce() -> Result<(), String>,
    ) -> Result<Receipt, String> {
        let request = &context.request;
        let body = hold_view::recorded_decision(request, &context.read.intent, decision, &self.daemon.redactor);
        let brief = agent_activity::brief(&body);
        let recorded = self.daemon.begin_record(body.into())?;
        let done = meanwhile();
        let receipt = recorded.receipt()?;
        self.daemon.activity.note(self.daemon, request, brief, decision);
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
        self.daemon.spans.note(decision.request(), "decision", started, said, false);
        self.daemon.recordings.mark(&request.agent, &request.session, || {
            format!("{}: {}", decision.verdict().as_str(), self.daemon.redactor.text(&hold_view::asked(&request.act)))
        });
        done.map(|()| receipt)
    }
}
