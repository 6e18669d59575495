//! `countersign log why`: the whole story of one request, from what was meant to what came of it.

use std::path::Path;
use std::process::ExitCode;

use log_store::Wanted;
use model::display::exact;
use record::{Answer, Decision, Event, Outcome, Permit, Record, term};
use serde_json::{Value, json};

use crate::time_format;

/// Tells it. The request is named by the beginning of its digest or id, or by its hold or permit.
pub(crate) fn main(directory: &Path, wanted: &str, as_json: bool) -> Result<ExitCode, String> {
    if wanted.len() < 4 {
        return Err("name the request by four characters at least".to_owned());
    }
    let digest = find(directory, wanted)?;
    let mut story = Vec::new();
    let wanted_records = Wanted { terms: vec![term("request", &digest)], ..Wanted::default() };
    super::records_with(directory, &wanted_records, &mut |record| {
        if record.event().is_some_and(|event| event.request_digest() == Some(digest.as_str())) {
            story.push(record.clone());
        }
    })?;
    if as_json {
        let records: Vec<Value> = story.iter().map(Record::to_value).collect();
        println!("{}", json!({"request_digest": digest, "records": records}));
        return Ok(ExitCode::SUCCESS);
    }
    for record in &story {
        for line in tell(record) {
            println!("{}", exact(&line));
        }
    }
    println!("\nto verify that none of this was changed: countersign log verify");
    Ok(ExitCode::SUCCESS)
}

/// The digest of the newest request that is named so.
fn find(directory: &Path, wanted: &str) -> Result<String, String> {
    let mut found: Vec<String> = Vec::new();
    super::records(directory, &mut |record| {
        let Some(event) = record.event() else { return };
        // A part of an id is enough for people: the end of a hold's id is what the list shows.
        let is_meant = |name: &str| name.starts_with(wanted) || (name.contains('_') && name.ends_with(wanted));
        let Some(digest) = event.request_digest() else { return };
        if event.names().into_iter().any(is_meant) && !found.iter().any(|it| it == digest) {
            found.push(digest.to_owned());
        }
    })?;
    match found.as_slice() {
        [one] => Ok(one.clone()),
        [] => Err(format!("the record has no request `{wanted}`; `countersign log show` lists them")),
        many => Err(format!("`{wanted}` is the beginning of {} requests; give more characters", many.len())),
    }
}

/// What is said of a record: names, and what they are.
#[derive(Default)]
struct Lines(Vec<String>);

impl Lines {
    fn say(&mut self, name: &str, what: impl Into<String>) {
        let what = what.into();
        if !what.is_empty() {
            self.0.push(format!("    {name:<10} {what}"));
        }
    }
}

fn tell(record: &Record) -> Vec<String> {
    let at = time_format::shown(record.at_ms);
    let mut lines = Lines(vec![format!("{at}  record {}  {}", record.seq, record.kind.as_str())]);
    match record.event() {
        Some(Event::Decision(it)) => decision(&it, &mut lines),
        Some(Event::Answer(it)) => answer(&it, &mut lines),
        Some(Event::Permit(it)) => match it {
            Permit::Spent { permit, .. } => lines.say("permit", format!("{permit} spent")),
            Permit::TicketUsed { hold, .. } => lines.say("ticket", format!("{hold} used")),
            Permit::Refused { why, .. } => {
                lines.say("permit", "refused");
                lines.say("why", why);
            }
        },
        Some(Event::Outcome(it)) => outcome(&it, &mut lines),
        Some(Event::Recording(it)) => {
            lines.say("recording", format!("{} {}", it.recording(), it.state()));
            lines.say("digest", it.digest().unwrap_or_default());
        }
        Some(Event::Start(_) | Event::Change(_) | Event::Refusal(_) | Event::Access(_)) | None => {
            lines.say("body", record.body().to_string());
        }
    }
    lines.0
}

fn decision(it: &Decision, lines: &mut Lines) {
    let request = &it.request;
    lines.say("agent", format!("{}, for which {} answers", request.agent, request.owner));
    let above = |it: &record::Delegator| format!("{}, for which {} answers", it.agent, it.owner);
    lines.say("for", request.chain.iter().map(above).collect::<Vec<_>>().join("; for "));
    lines.say("session", format!("{} on {}", request.session, request.host));
    lines.say("meant", request.claims.intent.as_deref().map(said).unwrap_or_default());
    lines.say("task", request.claims.task.as_deref().map(said).unwrap_or_default());
    lines.say("asked", request.act.line());
    lines.say("in", request.act.cwd().unwrap_or_default());
    for operation in &it.operations {
        let (action, kind) = (operation.action.as_str(), operation.kind.as_str());
        lines.say("would", format!("{action} {kind} {}", operation.resource));
    }
    for unknown in &it.unknowns {
        lines.say("unknown", &unknown.why);
    }
    let (level, undo, coverage) = (it.level.as_str(), it.reversibility.as_str(), it.coverage.as_str());
    lines.say("risk", format!("{level} ({}/100), undo: {undo}, coverage: {coverage}", it.score));
    let would = |it: record::Would| format!(" (the policy only observed; it would {})", it.as_str());
    lines.say("verdict", format!("{}{}", it.verdict.as_str(), it.would.map(would).unwrap_or_default()));
    for reason in &it.reasons {
        lines.say("because", reason);
    }
    lines.say("policy", &it.policy);
}

fn answer(it: &Answer, lines: &mut Lines) {
    lines.say("hold", &it.hold);
    let who = it.reviewer.as_deref().map_or_else(String::new, |reviewer| {
        format!(" by {reviewer} ({})", it.assurance.map_or("", |assurance| assurance.as_str()))
    });
    let said = format!("{}{who}; the hold is {}", it.said.map_or("", |vote| vote.as_str()), it.state.as_str());
    lines.say("said", said.trim_start_matches("; "));
    lines.say("why", it.why.as_deref().unwrap_or_default());
}

fn outcome(it: &Outcome, lines: &mut Lines) {
    let gone = "unknown: the enforcement point disconnected".to_owned();
    let (how, millis) = match it {
        Outcome::Ended { exit: Some(exit), millis, .. } => (format!("exit status {exit}"), *millis),
        Outcome::Ended { signal: Some(signal), millis, .. } => (format!("signal {signal}"), *millis),
        Outcome::Ended { millis, .. } => (gone, *millis),
        Outcome::Unknown { .. } => (gone, 0),
    };
    lines.say("came of it", format!("{how}, after {millis} ms"));
}

/// What the agent said, marked as such.
fn said(claim: &str) -> String {
    if claim.is_empty() { String::new() } else { format!("“{claim}” (the agent says so)") }
}
