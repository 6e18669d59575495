//! Trying a pattern of a rule that allows on what can stand behind its fixed words and do more than they say.

use model::{Action, Arg, Intent, Segment};

use super::load::Openings;
use crate::evaluate::Situation;
use crate::pattern::Reading;
use crate::rule::{Rule, RuleVerdict};

/// What opens a rule that allows, if anything does: the key, and why.
pub(super) fn by(rule: &Rule, openings: Openings, read: &dyn Fn(&str) -> Intent) -> Option<(&'static str, String)> {
    if rule.verdict != RuleVerdict::Allow || !rule.is_pattern() {
        return None;
    }
    let mut examples: Vec<Action> = Vec::new();
    for text in &rule.matches {
        examples.extend(read(text).operations().map(|operation| operation.action));
    }
    for words in rule.fixed_words() {
        for (text, runs) in openings(&words) {
            let argv: Vec<Arg> = text.split(' ').map(|word| Arg::Known(word.to_owned())).collect();
            if !rule.names_words(&argv) {
                continue;
            }
            let intent = read(&text);
            let Some(segment) = intent.segments.iter().find(|segment| rule.names_words(&segment.argv)) else {
                continue;
            };
            let situation = Situation::of_examples();
            let passes = rule.fits(segment, &intent, &situation, Reading::Narrow).is_ok();
            // Where only the examples bound the rule, what runs a program is not left to them.
            if (runs && rule.bounded_by_examples()) || (passes && (runs || goes_beyond(segment, &examples))) {
                let what = if runs { "runs a program" } else { "does more than its `matches`" };
                let why = format!(
                    "it would allow `{text}`, which {what}; write the subcommand out, bound it by `options` and `operands`, or say in `only` what it may do"
                );
                return Some((rule.written_as(), why));
            }
        }
    }
    None
}

/// Whether a part changes, sends or runs in a way in which no example does.
fn goes_beyond(segment: &Segment, examples: &[Action]) -> bool {
    let harmless = |action: Action| matches!(action, Action::Inspect | Action::Read);
    segment.operations.iter().any(|operation| !harmless(operation.action) && !examples.contains(&operation.action))
}
