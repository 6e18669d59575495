//! A decision laid out for a person. Nothing in the text can alter the display: all of it is made visible first.

use std::fmt::Write as _;

use model::display::visible;
use model::{Action, Coverage, Intent};
use pdp::{Decision, Verdict};

/// The decision in one line.
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
        Verdict::Ask(..) => "ask: an approval is needed first",
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
            let place =
                place_of(text, operation.resource.text()).map_or_else(String::new, |at| format!(", column {at}"));
            say(format!("     {}   [{}{place}]", visible(&operation.to_string()), operation.category.as_str()));
        }
        if segment.operations.is_empty() && segment.unknowns.is_empty() {
            say("     nothing outside its own shell".to_owned());
        }
        for unknown in &segment.unknowns {
            let place = place_of(text, &unknown.text).map_or_else(String::new, |at| format!(" (column {at})"));
            say(format!("     ? {}{place}: {}", visible(&unknown.text), visible(&unknown.why)));
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
    let advice = narrower(intent);
    for (number, line) in advice.iter().enumerate() {
        say(format!("{}  {line}", if number == 0 { "Narrower" } else { "        " }));
    }
    out
}

/// The column of the text (from 1, in characters) where a name occurs: the name, or as much of its end as was written.
fn place_of(text: &str, what: &str) -> Option<usize> {
    let ends =
        std::iter::once(what).chain(what.match_indices('/').filter_map(|(at, _)| what.get(at.saturating_add(1)..)));
    let found = ends.filter(|end| end.len() > 1).find_map(|end| text.find(end))?;
    text.get(..found).map(|before| before.chars().count().saturating_add(1))
}

/// What would let less happen, or let more of it be understood.
fn narrower(intent: &Intent) -> Vec<&'static str> {
    const BY_DOUBT: &[(&str, &str)] = &[
        ("is not known before it runs", "write names out in place of variables and substitutions"),
        ("taken as an option", "write `./*` in place of `*`, so that no file name can be an option"),
        ("would be taken apart", "use `find … -print0 | xargs -0`, or `find … -exec … {} +`"),
        ("program is not known", "use a program that is known (docs/reference/programs.md), or add an entry for it"),
        ("option is not known", "leave out the option that is not known, or add it to the program's entry"),
        ("not part of the command", "run the code directly, or show reviewers that code"),
        ("shells differ", "use `bash -c` in place of `sh -c`"),
        ("where `..` leads", "give the path from the root or from the project, without `..`"),
        ("no such file now", "write the script first, in a separate request"),
    ];
    const BY_FACTOR: &[(&str, &str)] = &[
        ("download_and_run", "fetch it to a file, read it, then run the file"),
        ("broad_path", "name the directory that is meant"),
        ("outside_project", "work on a copy inside the project"),
        ("code_from_input", "put the code into a file and run that"),
        ("own_functions", "give the commands one by one"),
    ];
    let parts = intent.segments.iter().flat_map(|segment| &segment.unknowns).chain(&intent.unknowns);
    let doubts =
        parts.filter_map(|unknown| BY_DOUBT.iter().find(|(mark, _)| unknown.why.contains(mark)).map(|(_, line)| *line));
    let factors = intent.segments.iter().flat_map(|segment| &segment.factors).chain(&intent.factors);
    let factors =
        factors.filter_map(|factor| BY_FACTOR.iter().find(|(name, _)| *name == factor.name).map(|(_, line)| *line));
    let mut lines: Vec<&str> = Vec::new();
    for line in doubts.chain(factors) {
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    if intent.operations().any(|operation| operation.action == Action::Elevate) {
        lines.push("leave out the change of user where the command works without");
    }
    if intent.operations().any(|operation| operation.recursive && operation.action == Action::Delete) {
        lines.push("name the files to remove, or look at the list first (`find … -print`)");
    }
    lines
}
