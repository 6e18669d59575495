//! The order of judgement: block rules, then the ordered rules, then the default; each segment on its own, and the
//! strictest answer for the whole.

use model::{Action, Coverage, Intent, Level, NonEmpty, RequestDigest, Segment};

use crate::decision::{Decision, Obligations, Quorum, Reason, Source, Verdict};
use crate::policy::Policy;
use crate::risk::{base, of_segment, risk_of};
use crate::rule::{Rule, RuleVerdict};

/// What of the world a rule's context may look at. The clock comes in here.
#[derive(Clone, Copy, Debug)]
pub struct Situation<'a> {
    /// The agent's name.
    pub agent: Option<&'a str>,
    /// The working directory.
    pub cwd: Option<&'a str>,
    /// Now, milliseconds since 1970.
    pub now_ms: u64,
}

/// From how many points on an observation on the text as a whole makes people decide.
const ASK_POINTS: i32 = 20;

/// Judges an intent.
pub fn evaluate(request: RequestDigest, intent: &Intent, situation: &Situation<'_>, policy: &Policy) -> Decision {
    let mut verdict = Verdict::Allow(Obligations::default());
    let mut reasons: Vec<(u8, Reason)> = Vec::new();
    for segment in &intent.segments {
        let (next, reason) = judge(segment, situation, policy);
        let rank = match &next {
            Verdict::Deny => 0,
            Verdict::Ask(..) => 1,
            Verdict::Allow(_) => 2,
        };
        if !reasons.iter().any(|(_, known)| *known == reason) {
            reasons.push((rank, reason));
        }
        verdict = verdict.strictest(next);
    }
    for unknown in &intent.unknowns {
        verdict = verdict.strictest(Verdict::Ask(Quorum::DEFAULT, Obligations::default()));
        reasons.push((1, Reason { source: Source::Factor("partial_coverage"), text: unknown.why.clone() }));
    }
    if let Some(factor) = intent.factors.iter().find(|factor| factor.points >= ASK_POINTS) {
        verdict = verdict.strictest(Verdict::Ask(Quorum::DEFAULT, Obligations::default()));
        reasons.push((1, Reason { source: Source::Factor(factor.name), text: factor.why.clone() }));
    }
    // What led to the verdict is said; what was milder is not a reason for it.
    let decisive = reasons.iter().map(|(rank, _)| *rank).min().unwrap_or(0);
    reasons.retain(|(rank, _)| *rank == decisive);
    let nothing =
        Reason { source: Source::Factor("no_effect"), text: "it does nothing outside its own shell".to_owned() };
    let reasons = NonEmpty::from_vec(reasons.into_iter().map(|(_, reason)| reason).collect())
        .unwrap_or_else(|| NonEmpty::of(nothing));
    Decision::new(request, verdict, reasons, risk_of(intent), intent.coverage(), policy.digest())
}

fn judge(segment: &Segment, situation: &Situation<'_>, policy: &Policy) -> (Verdict, Reason) {
    let by = |rule: &Rule| Reason { source: Source::Rule(rule.id.clone()), text: rule.why() };
    if let Some(rule) = policy.blocks.iter().find(|rule| rule.speaks(segment, situation)) {
        return (Verdict::Deny, by(rule));
    }
    if let Some(rule) = policy.ordered.iter().find(|rule| rule.speaks(segment, situation)) {
        let verdict = match rule.verdict {
            RuleVerdict::Allow => Verdict::Allow(Obligations::default()),
            RuleVerdict::Ask => Verdict::Ask(rule.quorum, Obligations::default()),
            RuleVerdict::Deny | RuleVerdict::Block => Verdict::Deny,
        };
        return (verdict, by(rule));
    }
    by_default(segment)
}

/// Without a rule: what is fully understood, low in risk and only reads runs; the rest asks.
fn by_default(segment: &Segment) -> (Verdict, Reason) {
    let ask = |name: &'static str, text: String| {
        let reason = Reason { source: Source::Factor(name), text };
        (Verdict::Ask(Quorum::DEFAULT, Obligations::default()), reason)
    };
    if let Coverage::Partial(unknowns) = segment.coverage() {
        return ask("partial_coverage", unknowns.first().why.clone());
    }
    let level = of_segment(segment).level();
    let reads = segment.operations.iter().all(|operation| matches!(operation.action, Action::Read | Action::Inspect));
    if level == Level::Low && reads {
        let reason = Reason {
            source: Source::Factor("low_risk_read"),
            text: "it only reads, and all of it is understood".to_owned(),
        };
        return (Verdict::Allow(Obligations::default()), reason);
    }
    let worst = segment.operations.iter().max_by_key(|operation| base(operation.category));
    let what = worst.map_or_else(String::new, |it| format!(": {it}"));
    ask("default_ask", format!("{} risk{what}", level.as_str()))
}
