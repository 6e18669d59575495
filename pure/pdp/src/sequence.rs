//! Rules over whole sessions: acts that are harmless alone, and not one after the other.
//!
//! The last step of a sequence is what the rule decides about. Earlier steps are remembered when they are done, each
//! with the time at which the first one was, so that a sequence that takes longer than its window is forgotten.

use std::collections::BTreeMap;

use model::{Intent, Segment};
use serde::{Deserialize, Serialize};

use crate::evaluate::Situation;
use crate::pattern::Reading;
use crate::quorum::Quorum;
use crate::rule::{self, OneOrMany, Rule, RuleText, RuleVerdict, Wrong};

/// The most steps of a sequence.
const MAX_STEPS: usize = 8;

/// The most different resources that one step counts.
const MAX_DISTINCT: usize = 64;

/// A rule over a session, as written in a file
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct SequenceText {
    /// The rule's name, the only one of its kind in the whole policy
    pub(crate) id: String,
    /// What is said to the last step: `ask` or `deny`
    verdict: RuleVerdict,
    /// The reason, shown to the agent and to reviewers
    reason: Option<String>,
    /// Within how many seconds all steps happen
    within_s: u32,
    /// How many people must agree
    people: Option<u8>,
    /// The steps, in order
    steps: Vec<StepText>,
    /// Sessions, as lists of commands, of which the last is caught
    matches: Vec<Vec<String>>,
    /// Sessions of which nothing is caught
    spares: Vec<Vec<String>>,
}

/// One step
#[derive(Clone, Debug, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct StepText {
    /// As in a rule
    command: Option<String>,
    /// As in a rule
    effect: Option<OneOrMany>,
    /// As in a rule
    path: Option<OneOrMany>,
    /// As in a rule
    host: Option<OneOrMany>,
    /// As in a rule
    resource: Option<OneOrMany>,
    /// As in a rule
    sql: Option<OneOrMany>,
    /// As in a rule
    category: Option<OneOrMany>,
    /// As in a rule
    factor: Option<OneOrMany>,
    /// As in a rule
    tool: Option<String>,
    /// As in a rule
    level: Option<String>,
    /// As in a rule
    reversibility: Option<String>,
    /// On how many different resources it has to happen: 1 if left out
    distinct: Option<u8>,
}

/// A rule over a session.
#[derive(Clone, Debug)]
pub(crate) struct Sequence {
    pub(crate) id: String,
    pub(crate) denies: bool,
    pub(crate) reason: String,
    pub(crate) quorum: Quorum,
    within_ms: u64,
    steps: Vec<(Rule, usize)>,
    matches: Vec<Vec<String>>,
    spares: Vec<Vec<String>>,
}

/// How far a session has come in a sequence.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Progress {
    /// For each step that was completed: when the first step of that run was.
    starts: Vec<Option<u64>>,
    /// For each step that counts resources: which, and when.
    seen: Vec<BTreeMap<String, u64>>,
}

/// Reads a sequence.
pub(crate) fn read(text: SequenceText, file: &str) -> Result<Sequence, Wrong> {
    if !matches!(text.verdict, RuleVerdict::Ask | RuleVerdict::Deny) {
        return Err(("verdict", "a sequence can only `ask` or `deny`".to_owned()));
    }
    if text.steps.is_empty() || text.steps.len() > MAX_STEPS {
        return Err(("steps", format!("a sequence has 1 to {MAX_STEPS} steps")));
    }
    let mut steps = Vec::new();
    for step in text.steps {
        let distinct = usize::from(step.distinct.unwrap_or(1));
        if !(1..=MAX_DISTINCT).contains(&distinct) {
            return Err(("steps", format!("`distinct` is between 1 and {MAX_DISTINCT}")));
        }
        steps.push((rule::read(as_rule(step), (file.to_owned(), 0)).map_err(|(_, why)| ("steps", why))?, distinct));
    }
    let quorum = Quorum { people: text.people.unwrap_or(1).max(1), ..Quorum::DEFAULT };
    Ok(Sequence {
        reason: text.reason.unwrap_or_else(|| "these acts, one after the other, are a known pattern".to_owned()),
        denies: text.verdict == RuleVerdict::Deny,
        within_ms: u64::from(text.within_s).saturating_mul(1_000),
        id: text.id,
        quorum,
        steps,
        matches: text.matches,
        spares: text.spares,
    })
}

/// A step matches as a rule that denies does: an unknown argument is a match, an unknown program is none.
fn as_rule(step: StepText) -> RuleText {
    RuleText {
        command: step.command,
        effect: step.effect,
        path: step.path,
        host: step.host,
        resource: step.resource,
        sql: step.sql,
        category: step.category,
        factor: step.factor,
        tool: step.tool,
        level: step.level,
        reversibility: step.reversibility,
        ..RuleText::named("step", RuleVerdict::Deny)
    }
}

impl Progress {
    /// Whether nothing has happened that the sequence waits for.
    pub(crate) fn is_empty(&self) -> bool {
        self.starts.iter().all(Option::is_none) && self.seen.iter().all(BTreeMap::is_empty)
    }
}

impl Sequence {
    /// Goes through an intent. Says whether it completes the sequence.
    pub(crate) fn advance(&self, progress: &mut Progress, intent: &Intent, situation: &Situation<'_>) -> bool {
        progress.starts.resize(self.steps.len(), None);
        progress.seen.resize(self.steps.len(), BTreeMap::new());
        let mut fired = false;
        for segment in &intent.segments {
            fired |= self.segment(progress, segment, intent, situation);
        }
        fired
    }

    fn segment(&self, progress: &mut Progress, segment: &Segment, whole: &Intent, situation: &Situation<'_>) -> bool {
        let now = situation.now_ms;
        let live = |start: Option<u64>| start.filter(|start| now.saturating_sub(*start) <= self.within_ms);
        let before = progress.starts.clone();
        let mut fired = false;
        // One segment can be more than one step, yet not a step and the next one in the same breath.
        for (at, (rule, distinct)) in self.steps.iter().enumerate() {
            let start = match at.checked_sub(1) {
                None => Some(now),
                Some(earlier) => live(before.get(earlier).copied().flatten()),
            };
            let Some(start) = start else { continue };
            if rule.fits(segment, whole, situation, Reading::Wide { program: false }).is_err() {
                continue;
            }
            let start = match progress.seen.get_mut(at) {
                Some(seen) if *distinct > 1 => {
                    seen.retain(|_, when| now.saturating_sub(*when) <= self.within_ms);
                    for operation in &segment.operations {
                        if seen.len() < MAX_DISTINCT && rule.is_about(operation, situation) {
                            // A digest: names of resources may be long, and must not be readable later.
                            let name =
                                model::Digest::within("countersign/resource/v1", operation.resource.text().as_bytes());
                            seen.entry(name.to_string()).or_insert(now);
                        }
                    }
                    if seen.len() < *distinct {
                        continue;
                    }
                    if at == 0 { seen.values().copied().min().unwrap_or(now) } else { start }
                }
                Some(_) | None => start,
            };
            if let Some(slot) = progress.starts.get_mut(at) {
                *slot = Some(start);
            }
            fired |= at.saturating_add(1) == self.steps.len();
        }
        fired
    }

    /// What is wrong with the sequence by its own examples: the key, and why.
    pub(crate) fn try_examples(&self, read: &dyn Fn(&str) -> Intent) -> Vec<(&'static str, String)> {
        let caught = |session: &[String]| {
            let mut progress = Progress::default();
            let mut at = None;
            for (place, text) in session.iter().enumerate() {
                if self.advance(&mut progress, &read(text), &Situation::of_examples()) {
                    at.get_or_insert(place);
                }
            }
            at
        };
        let mut problems = Vec::new();
        if self.matches.is_empty() || self.spares.is_empty() {
            problems.push(("matches", "`matches` and `spares` need at least one session each".to_owned()));
        }
        for session in &self.matches {
            if caught(session) != session.len().checked_sub(1) {
                problems.push(("matches", format!("it does not catch the last act of `{}`", session.join("`, `"))));
            }
        }
        for session in self.spares.iter().filter(|session| caught(session).is_some()) {
            problems
                .push(("spares", format!("it catches `{}`, which `spares` says it does not", session.join("`, `"))));
        }
        problems
    }
}
