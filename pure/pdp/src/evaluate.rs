//! The order of judgement: block rules, then the ordered rules, then the default; each segment on its own, and the
//! strictest answer for the whole. After that, what is remembered of the session and the agent can only tighten.

use std::collections::BTreeSet;

use model::{Action, Intent, NonEmpty, RequestDigest, Segment};

use crate::decision::{Decision, Obligations, Reason, Source, Verdict};
use crate::pace::{Footprint, Pace, Scope};
use crate::policy::{Mode, Policy, Settings};
use crate::quorum::Quorum;
use crate::risk::{base, of_segment, risk_of};
use crate::rule::{Rule, RuleVerdict};
use crate::scope;
use crate::sequence::Progress;

/// What of the world a decision may look at. The clock comes in here.
#[derive(Clone, Copy, Debug, Default)]
pub struct Situation<'a> {
    /// The agent's name.
    pub agent: Option<&'a str>,
    /// The groups that it is in.
    pub groups: &'a [String],
    /// Who answers for it.
    pub owner: Option<&'a str>,
    /// The agents above it, on whose orders it acts.
    pub above: &'a [model::Delegator],
    /// The session, as the enforcement point names it.
    pub session: Option<&'a str>,
    /// The environment that the agent is enrolled for.
    pub env: Option<&'a str>,
    /// The machine.
    pub host: Option<&'a str>,
    /// The working directory.
    pub cwd: Option<&'a str>,
    /// The repository that it is in.
    pub project: Option<&'a str>,
    /// The home of the agent's user.
    pub home: Option<&'a str>,
    /// The branch that is checked out there.
    pub branch: Option<&'a str>,
    /// The task, as the agent names it.
    pub task: Option<&'a str>,
    /// Operator flags that are set.
    pub flags: &'a [String],
    /// Hops of delegation.
    pub depth: u8,
    /// Whether the session has read content from outside.
    pub tainted: bool,
    /// The agent's trust, 0 to 4.
    pub trust: u8,
    /// Rules that were used as often as they may be.
    pub used_up: Option<&'a BTreeSet<String>>,
    /// What is remembered of the session.
    pub session_pace: Option<&'a Pace>,
    /// What is remembered of the agent.
    pub agent_pace: Option<&'a Pace>,
    /// Now, milliseconds since 1970.
    pub now_ms: u64,
}

impl Situation<'_> {
    /// Where the examples of rules take place.
    pub(crate) const fn of_examples() -> Situation<'static> {
        Situation {
            agent: None,
            groups: &[],
            owner: None,
            above: &[],
            session: None,
            env: None,
            host: None,
            cwd: Some("/work/project"),
            project: Some("/work/project"),
            home: Some("/home/agent"),
            branch: None,
            task: None,
            flags: &[],
            depth: 0,
            tainted: false,
            trust: 0,
            used_up: None,
            session_pace: None,
            agent_pace: None,
            now_ms: 0,
        }
    }
}

/// From how many points on an observation on the text as a whole makes people decide.
const ASK_POINTS: i32 = 20;

/// What is put together on the way.
struct Judging {
    verdict: Verdict,
    reasons: Vec<(u8, Reason)>,
    rules: Vec<String>,
}

impl Judging {
    fn add(&mut self, next: Verdict, reason: Reason) {
        let rank = match &next {
            Verdict::Deny => 0,
            Verdict::Ask(..) => 1,
            Verdict::Allow(_) => 2,
        };
        if !self.reasons.iter().any(|(_, known)| *known == reason) {
            self.reasons.push((rank, reason));
        }
        let so_far = std::mem::replace(&mut self.verdict, Verdict::Deny);
        self.verdict = so_far.strictest(next);
    }

    fn ask(&mut self, name: &'static str, text: String, quorum: &Quorum) {
        self.add(Verdict::Ask(quorum.clone(), Obligations::default()), Reason { source: Source::Factor(name), text });
    }
}

/// Judges an intent.
pub fn evaluate(request: RequestDigest, intent: &Intent, situation: &Situation<'_>, policy: &Policy) -> Decision {
    let settings = policy.settings();
    let mut judging =
        Judging { verdict: Verdict::Allow(Obligations::default()), reasons: Vec::new(), rules: Vec::new() };
    let risk = risk_of(intent);
    for segment in worst_first(&intent.segments) {
        match policy.first(segment, intent, situation) {
            Some(rule) => by_rule(rule, segment, settings, &mut judging),
            None => by_default(segment, risk.level(), settings, &mut judging),
        }
        by_doubt(segment, intent, situation, policy, &mut judging);
    }
    let asked = &settings.quorum(risk.level());
    for unknown in &intent.unknowns {
        judging.ask("partial_coverage", unknown.why.clone(), asked);
    }
    if let Some(factor) = intent.factors.iter().find(|factor| factor.points >= ASK_POINTS) {
        judging.ask(factor.name, factor.why.clone(), asked);
    }
    tighten(intent, situation, policy, asked, &mut judging);
    by_guard(intent, situation, policy, asked, &mut judging);
    if let (Verdict::Ask(..), Some(quorum), model::Reversibility::Irreversible) =
        (&judging.verdict, &settings.irreversible, intent.reversibility())
    {
        let text = "what cannot be undone needs more".to_owned();
        judging.ask("irreversible", text, quorum);
    }
    if let (Verdict::Ask(..), Some((hours, quorum))) = (&judging.verdict, &settings.quiet)
        && hours.hold(situation.now_ms)
    {
        judging.ask("quiet_hours", "these are quiet hours, which ask for more".to_owned(), quorum);
    }
    let would = match (settings.mode, &judging.verdict) {
        (Mode::Observe, Verdict::Ask(..) | Verdict::Deny) => Some(observe(&mut judging)),
        (Mode::Observe, Verdict::Allow(_)) | (Mode::Enforce, _) => None,
    };
    let Judging { verdict, mut reasons, rules } = judging;
    // What led to the verdict is said; what was milder is not a reason for it.
    let decisive = reasons.iter().map(|(rank, _)| *rank).min().unwrap_or(0);
    reasons.retain(|(rank, _)| *rank == decisive);
    let nothing =
        Reason { source: Source::Factor("no_effect"), text: "it does nothing outside its own shell".to_owned() };
    let reasons = NonEmpty::from_vec(reasons.into_iter().map(|(_, reason)| reason).collect())
        .unwrap_or_else(|| NonEmpty::of(nothing));
    Decision::new(request, verdict, would, reasons, rules, risk, intent.coverage(), policy.digest())
}

/// The parts of an intent, the riskiest first: what is said of it leads, and is said with the level of the whole.
fn worst_first(segments: &[Segment]) -> impl Iterator<Item = &Segment> {
    let mut order: Vec<&Segment> = segments.iter().collect();
    if order.len() > 1 {
        order.sort_by_cached_key(|segment| std::cmp::Reverse(of_segment(segment).score()));
    }
    order.into_iter()
}

/// A rule that blocks rests on what is known. Where it would speak if what is not known were what it is about, people
/// decide, and are shown the doubt.
fn by_doubt(segment: &Segment, whole: &Intent, situation: &Situation<'_>, policy: &Policy, judging: &mut Judging) {
    let open = segment.argv.iter().any(|word| word.known().is_none())
        || segment.operations.iter().any(|it| matches!(it.resource, model::Resource::Pattern(_)));
    if !open || judging.verdict == Verdict::Deny {
        return;
    }
    let doubt = policy.blocking().iter().find_map(|rule| Some((rule, rule.doubts(segment, whole, situation)?)));
    if let Some((rule, place)) = doubt {
        let text = format!("{place} may be what the rule `{}` blocks: {}", rule.id, rule.why());
        judging.ask("in_doubt", text, &policy.settings().quorum(of_segment(segment).level()));
    }
}

fn by_rule(rule: &Rule, segment: &Segment, settings: &Settings, judging: &mut Judging) {
    if !judging.rules.contains(&rule.id) {
        judging.rules.push(rule.id.clone());
    }
    let reason = Reason { source: Source::Rule(rule.id.clone()), text: rule.why() };
    let verdict = match rule.verdict {
        RuleVerdict::Allow => Verdict::Allow(rule.obligations.clone()),
        RuleVerdict::Ask => {
            let asked = rule.quorum.clone().unwrap_or_else(|| settings.quorum(of_segment(segment).level()));
            Verdict::Ask(asked, rule.obligations.clone())
        }
        RuleVerdict::Deny | RuleVerdict::Block => Verdict::Deny,
    };
    judging.add(verdict, reason);
}

/// Without a rule: what is fully understood, low in risk and only reads runs (if the policy lets it); the rest asks.
fn by_default(segment: &Segment, whole: model::Level, settings: &Settings, judging: &mut Judging) {
    let level = of_segment(segment).level();
    let asked = &settings.quorum(level);
    if let Some(unknown) = segment.unknowns.first() {
        return judging.ask("partial_coverage", unknown.why.clone(), asked);
    }
    let reads = segment.operations.iter().all(|operation| matches!(operation.action, Action::Read | Action::Inspect));
    if level == model::Level::Low && reads && (settings.reads_run || segment.operations.is_empty()) {
        let text = "it only reads, and all of it is understood".to_owned();
        let reason = Reason { source: Source::Factor("low_risk_read"), text };
        return judging.add(Verdict::Allow(Obligations::default()), reason);
    }
    let worst = segment.operations.iter().max_by_key(|operation| base(operation.category));
    let what = worst.map_or_else(String::new, |it| format!(": {it}"));
    // The first of them is the riskiest, and leads to the score of the whole.
    let leads = !judging.reasons.iter().any(|(_, it)| it.source == Source::Factor("default_ask"));
    let said = if leads { whole.max(level) } else { level };
    judging.ask("default_ask", format!("{} risk{what}", said.as_str()), asked);
}

/// What an organisation adds. A guard that cannot be evaluated refuses.
fn by_guard(intent: &Intent, situation: &Situation<'_>, policy: &Policy, asked: &Quorum, judging: &mut Judging) {
    let Some(guard) = policy.guard() else { return };
    match guard.objections(intent, situation) {
        Err(why) => judging.add(Verdict::Deny, Reason { source: Source::Factor("guard_error"), text: why }),
        Ok(objections) => {
            for objection in objections {
                let reason = Reason { source: Source::Rule(objection.name.clone()), text: objection.why };
                let verdict = match objection.people {
                    None => Verdict::Deny,
                    Some(people) => Verdict::Ask(
                        asked.clone().strictest(Quorum { people, ..asked.clone() }),
                        Obligations::default(),
                    ),
                };
                judging.add(verdict, reason);
                judging.rules.push(objection.name);
            }
        }
    }
}

/// What is remembered of the session and the agent.
fn tighten(intent: &Intent, situation: &Situation<'_>, policy: &Policy, asked: &Quorum, judging: &mut Judging) {
    let settings = policy.settings();
    for sequence in policy.sequences() {
        for pace in [situation.session_pace, situation.agent_pace] {
            let mut progress = pace.and_then(|it| it.sequences.get(&sequence.id)).cloned().unwrap_or_default();
            if sequence.advance(&mut progress, intent, situation) {
                let reason = Reason { source: Source::Rule(sequence.id.clone()), text: sequence.reason.clone() };
                let ask = Verdict::Ask(sequence.quorum.clone().strictest(asked.clone()), Obligations::default());
                judging.add(if sequence.denies { Verdict::Deny } else { ask }, reason);
                if !judging.rules.contains(&sequence.id) {
                    judging.rules.push(sequence.id.clone());
                }
                break;
            }
        }
    }
    if let Some(why) = scope::outside(policy.tasks(), settings.task_required, intent, situation) {
        judging.ask("out_of_scope", why, asked);
    }
    if situation.depth > settings.depth {
        judging.ask("delegation", format!("it was delegated {} times over", situation.depth), asked);
    }
    if !matches!(judging.verdict, Verdict::Allow(_)) || (situation.session_pace, situation.agent_pace) == (None, None) {
        return;
    }
    let act = Footprint::of(intent, situation.cwd);
    for (pace, scope) in [(situation.session_pace, Scope::Session), (situation.agent_pace, Scope::Agent)] {
        if let Some(tightened) = pace.and_then(|pace| pace.tighten(&act, situation.now_ms, scope, settings)) {
            return judging.ask(tightened.name, tightened.why, asked);
        }
    }
}

/// A rule's result for a part of an intent: nothing where it matches, or why it does not.
#[derive(Clone, Debug)]
pub struct Considered<'a> {
    /// The rule.
    pub rule: &'a Rule,
    /// Why it does not speak, if it does not.
    pub miss: Option<crate::rule::Miss>,
}

/// Every rule that could speak about a part of an intent, in the order in which they are tried, up to the one that
/// decides; and the number of those that are about other things.
pub fn consider<'a>(
    policy: &'a Policy,
    segment: &Segment,
    whole: &Intent,
    situation: &Situation<'_>,
) -> (Vec<Considered<'a>>, usize) {
    let mut found = Vec::new();
    for rule in policy.candidates(segment) {
        let miss = rule.speaks(segment, whole, situation).err();
        found.push(Considered { rule, miss });
        if miss.is_none() {
            break;
        }
    }
    let others = policy.rules().len().saturating_sub(found.len());
    (found, others)
}

/// Notes in a pace how far sequences have come with an act that is done.
pub fn note_sequences(pace: &mut Pace, intent: &Intent, situation: &Situation<'_>, policy: &Policy) {
    pace.sequences.retain(|id, _| policy.sequences().iter().any(|it| it.id == *id));
    for sequence in policy.sequences() {
        let mut progress = pace.sequences.remove(&sequence.id).unwrap_or_default();
        sequence.advance(&mut progress, intent, situation);
        if progress != Progress::default() && !progress.is_empty() {
            pace.sequences.insert(sequence.id.clone(), progress);
        }
    }
}

/// Lets it run although the verdict is another, and says so first. Gives what the verdict would have been.
fn observe(judging: &mut Judging) -> &'static str {
    let would = judging.verdict.as_str();
    let text = format!("this policy only watches and DOES NOT PROTECT; it would {would}");
    judging.verdict = Verdict::Allow(Obligations::default());
    for (rank, _) in &mut judging.reasons {
        *rank = 2;
    }
    judging.reasons.insert(0, (2, Reason { source: Source::Factor("observed"), text }));
    would
}
