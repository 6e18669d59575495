//! Evaluation of one request by the policy: its facts, place, time, and the counters of the asking agent.

use std::collections::BTreeSet;

use host::clock;
use model::{Act, Digest, Request};
use pdp::{Decision, Footprint, Pace, Policy, Situation, Verdict, note_sequences};
use state_sqlite::Durability;

use crate::activity_counters::RequestCounters;
use crate::state::Daemon;
use crate::understanding::{self, Read};

/// Where an agent is enrolled.
pub(crate) struct EnrolledAttributes {
    pub(crate) env: Option<String>,
    pub(crate) groups: Vec<String>,
    pub(crate) trust: u8,
}

/// A request with all that was looked up for it.
pub(crate) struct RequestContext {
    pub(crate) request: Request,
    pub(crate) read: Read,
    pub(crate) footprint: Footprint,
    /// The enforcement point hands the act to a host that acts by itself.
    pub(crate) hands_over: bool,
    place: EnrolledAttributes,
    /// The agent's key as it was when it asked, by its digest.
    key_digest: Digest,
}

impl RequestContext {
    /// Understands a request and looks at where it would be done.
    ///
    /// # Errors
    /// It could not be read.
    pub(crate) fn read(
        daemon: &Daemon,
        request: Request,
        place: EnrolledAttributes,
        hands_over: bool,
        key_digest: Digest,
    ) -> Result<Self, String> {
        let read = understanding::read(&request, &daemon.environment, &daemon.own)?;
        let footprint = Footprint::of(&read.intent, cwd_of(&request));
        Ok(Self { footprint, hands_over, place, key_digest, read, request })
    }

    /// Whether the key that asked is still the agent's: it can be replaced, and the agent removed, while a request is read or
    /// people are asked.
    pub(crate) fn has_its_key(&self, daemon: &Daemon) -> bool {
        daemon.agent_named(self.request.agent.as_str()).is_some_and(|agent| agent.key_digest == self.key_digest)
    }

    pub(crate) fn cwd(&self) -> Option<&str> {
        cwd_of(&self.request)
    }

    fn situation<'a>(
        &'a self,
        flags: &'a [String],
        used_up: &'a BTreeSet<String>,
        pair: Option<&'a RequestCounters>,
    ) -> Situation<'a> {
        let now_ms = clock::now_ms();
        let tainted = |pace: &Pace, scope| pace.is_tainted(now_ms, scope);
        Situation {
            agent: Some(self.request.agent.as_str()),
            groups: &self.place.groups,
            owner: Some(self.request.owner.as_str()),
            above: &self.request.chain,
            session: Some(self.request.session.as_str()),
            env: self.place.env.as_deref(),
            host: Some(&self.request.host),
            cwd: self.cwd(),
            project: self.read.project.as_ref().map(|it| it.root.as_str()),
            home: self.read.home.as_deref(),
            branch: self.read.project.as_ref().and_then(|it| it.branch.as_deref()),
            task: self.request.claims.task.as_deref(),
            flags,
            depth: u8::try_from(self.request.chain.len()).unwrap_or(u8::MAX),
            tainted: pair.is_some_and(|pair| {
                tainted(&pair.session, pdp::Scope::Session) || tainted(&pair.agent, pdp::Scope::Agent)
            }),
            trust: self.place.trust,
            used_up: Some(used_up),
            session_pace: pair.map(|pair| &pair.session),
            agent_pace: pair.map(|pair| &pair.agent),
            now_ms,
        }
    }
}

fn cwd_of(request: &Request) -> Option<&str> {
    match &request.act {
        Act::Exec(exec) => exec.cwd.as_text(),
        Act::Tool(call) => call.cwd.as_deref(),
    }
}

/// Decides, and counts what is allowed: both in one step for each agent, so that two requests at once cannot both take
/// the last place under a limit.
///
/// # Errors
/// What is remembered could not be read or kept. The request is refused.
pub(crate) fn decide(daemon: &Daemon, context: &RequestContext) -> Result<Decision, String> {
    let policy = daemon.policy.current();
    let flags = daemon.flags.set();
    daemon.paces.with(daemon, &context.request.agent, &context.request.session, |pair| {
        let decision = within_uses(daemon, context, &policy, &flags, pair)?;
        let now_ms = clock::now_ms();
        let keep = match decision.verdict() {
            Verdict::Allow(_) => {
                note(context, &policy, &flags, pair, false);
                (context.footprint.changes || context.footprint.taints).then_some(kept(context))
            }
            Verdict::Deny => {
                pair.agent.note_refusal(now_ms, context.footprint.cost);
                Some(Durability::InOrder)
            }
            Verdict::Ask(..) => None,
        };
        Ok((decision, keep))
    })
}

/// Judges; where a rule that may decide only so often has done so, judges again without it.
fn within_uses(
    daemon: &Daemon,
    context: &RequestContext,
    policy: &Policy,
    flags: &[String],
    pair: &RequestCounters,
) -> Result<Decision, String> {
    let mut used_up = BTreeSet::new();
    loop {
        let situation = context.situation(flags, &used_up, Some(pair));
        let decision = pdp::evaluate(context.request.digest(), &context.read.intent, &situation, policy);
        if !matches!(decision.verdict(), Verdict::Allow(_)) {
            return Ok(decision);
        }
        let mut left_out = None;
        for id in decision.rules() {
            let Some((uses, rate)) = policy.limits_of(id) else { continue };
            let rate = rate.map(|(times, span_ms)| (times, situation.now_ms.saturating_sub(span_ms)));
            if !daemon.store.use_rule(id, uses, rate, situation.now_ms).map_err(|why| why.to_string())? {
                left_out = Some(id.clone());
                break;
            }
        }
        match left_out {
            Some(id) => drop(used_up.insert(id)),
            None => return Ok(decision),
        }
    }
}

/// Whether people would still be asked the same, under the rules and flags of now.
pub(crate) fn still_asks(daemon: &Daemon, context: &RequestContext, before: &Decision) -> Result<bool, String> {
    let policy = daemon.policy.current();
    let flags = daemon.flags.set();
    daemon.paces.with(daemon, &context.request.agent, &context.request.session, |pair| {
        let none = BTreeSet::new();
        let situation = context.situation(&flags, &none, Some(pair));
        let now = pdp::evaluate(context.request.digest(), &context.read.intent, &situation, &policy);
        Ok((now.verdict() == before.verdict(), None))
    })
}

/// Reviewers approved, so a person has looked. It is counted before the permit can be spent.
pub(crate) fn approved(daemon: &Daemon, context: &RequestContext, keep: Durability) -> Result<(), String> {
    let policy = daemon.policy.current();
    let flags = daemon.flags.set();
    daemon.paces.with(daemon, &context.request.agent, &context.request.session, |pair| {
        note(context, &policy, &flags, pair, true);
        Ok(((), Some(keep)))
    })
}

/// People said no.
pub(crate) fn refused(daemon: &Daemon, context: &RequestContext) -> Result<(), String> {
    daemon.paces.with(daemon, &context.request.agent, &context.request.session, |pair| {
        pair.agent.note_refusal(clock::now_ms(), context.footprint.cost);
        Ok(((), Some(Durability::InOrder)))
    })
}

/// How far a pace that counts this act must have come. Its permit is spent durably before the act is done, and the store keeps
/// the order; an act that is handed over has no permit to spend.
pub(crate) fn kept(context: &RequestContext) -> Durability {
    if context.hands_over { Durability::Durable } else { Durability::InOrder }
}

fn note(context: &RequestContext, policy: &Policy, flags: &[String], pair: &mut RequestCounters, attended: bool) {
    let none = BTreeSet::new();
    let situation = context.situation(flags, &none, None);
    for pace in [&mut pair.session, &mut pair.agent] {
        pace.note(&context.footprint, situation.now_ms, attended);
        note_sequences(pace, &context.read.intent, &situation, policy);
    }
}
