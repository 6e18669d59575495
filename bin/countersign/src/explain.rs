//! A decision laid out for a person. Nothing in the text can alter the display: all of it is made visible first.

use std::fmt::Write as _;

use model::display::visible;
use model::{Coverage, Intent};
use pdp::{Decision, Verdict};

/// One line.
pub(crate) fn line(decision: &Decision) -> String {
    let why = visible(&decision.reasons().first().to_string());
    format!(
        "{}  {} ({}/100)  {why}",
        decision.verdict().as_str(),
        decision.risk().level().as_str(),
        decision.risk().score()
    )
}

/// The whole.
pub(crate) fn explain(text: &str, intent: &Intent, decision: &Decision) -> String {
    let mut out = String::new();
    // Writing into a `String` cannot fail.
    let mut say = |line: String| {
        let _ = writeln!(out, "{line}");
    };
    let verdict = match decision.verdict() {
        Verdict::Allow(_) => "allow: it may run",
        Verdict::Ask(..) => "ask: people must agree first",
        Verdict::Deny => "deny: it does not run",
    };
    say(format!("Command   {}", visible(text)));
    say(format!("Verdict   {verdict}"));
    for reason in decision.reasons().iter() {
        say(format!("Because   {}", visible(&reason.to_string())));
    }
    say(format!("Undo      {}", intent.reversibility().as_str()));
    say(String::new());
    for (number, segment) in intent.segments.iter().enumerate() {
        let inside = if segment.wrappers.is_empty() {
            String::new()
        } else {
            format!("   (inside {})", visible(&segment.wrappers.join(", ")))
        };
        say(format!("{}. {}{inside}", number.saturating_add(1), visible(&segment.line())));
        for operation in &segment.operations {
            say(format!("     {}   [{}]", visible(&operation.to_string()), operation.category.as_str()));
        }
        if segment.operations.is_empty() && segment.unknowns.is_empty() {
            say("     nothing outside its own shell".to_owned());
        }
        for unknown in &segment.unknowns {
            say(format!("     ? {}: {}", visible(&unknown.text), visible(&unknown.why)));
        }
    }
    for flow in &intent.flows {
        say(format!("Flow      {} -> {}", visible(flow.from.text()), visible(flow.into.text())));
    }
    for unknown in &intent.unknowns {
        say(format!("Unknown   {}: {}", visible(&unknown.text), visible(&unknown.why)));
    }
    say(String::new());
    for factor in &decision.risk().factors {
        say(format!("  {:+4}  {}: {}", factor.points, factor.name, visible(&factor.why)));
    }
    say(format!("  = {:2}  {} risk (0 to 100)", decision.risk().score(), decision.risk().level().as_str()));
    let covered = match decision.coverage() {
        Coverage::Full => "full: all of it is accounted for".to_owned(),
        Coverage::Partial(_) => {
            "partial: the parts marked `?` are not accounted for, so it is never allowed by default".to_owned()
        }
    };
    say(format!("Coverage  {covered}"));
    out
}
