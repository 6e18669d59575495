//! `countersign log why`: the whole story of one request, from what was meant to what came of it.

use std::path::Path;
use std::process::ExitCode;

use audit::term;
use log_store::Wanted;
use model::display::exact;
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
    super::records_with(directory, &wanted_records, &mut |record: &Value| {
        if text(record, "/body/request_digest") == digest {
            story.push(record.clone());
        }
    })?;
    if as_json {
        println!("{}", json!({"request_digest": digest, "records": story}));
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
    super::records(directory, &mut |record: &Value| {
        let names = ["/body/request_digest", "/body/request/id", "/body/hold", "/body/permit"];
        // A part of an id is enough for people: the end of a hold's id is what the list shows.
        let named = names.iter().any(|name| {
            let name = text(record, name);
            name.starts_with(wanted) || (name.contains('_') && name.ends_with(wanted))
        });
        let digest = text(record, "/body/request_digest");
        if named && !digest.is_empty() && !found.iter().any(|it| it == digest) {
            found.push(digest.to_owned());
        }
    })?;
    match found.as_slice() {
        [one] => Ok(one.clone()),
        [] => Err(format!("the record has no request `{wanted}`; `countersign log show` lists them")),
        many => Err(format!("`{wanted}` is the beginning of {} requests; give more characters", many.len())),
    }
}

fn text<'a>(record: &'a Value, pointer: &str) -> &'a str {
    record.pointer(pointer).and_then(Value::as_str).unwrap_or("")
}

fn tell(record: &Value) -> Vec<String> {
    let seq = record.get("seq").and_then(Value::as_u64).unwrap_or(0);
    let at = time_format::shown(record.get("at_ms").and_then(Value::as_u64).unwrap_or(0));
    let of = |pointer: &str| text(record, pointer).to_owned();
    let mut lines = vec![format!("{at}  record {seq}  {}", of("/kind"))];
    let mut say = |name: &str, what: String| {
        if !what.is_empty() {
            lines.push(format!("    {name:<10} {what}"));
        }
    };
    match text(record, "/kind") {
        "decision" => {
            say("agent", format!("{}, for which {} answers", of("/body/request/agent"), of("/body/request/owner")));
            let above = record.pointer("/body/request/chain").and_then(Value::as_array).into_iter().flatten();
            let above: Vec<String> =
                above.map(|it| format!("{}, for which {} answers", said(it, "/agent"), said(it, "/owner"))).collect();
            say("for", above.join("; for "));
            say("session", format!("{} on {}", of("/body/request/session"), of("/body/request/host")));
            say("meant", said(record, "/body/request/claims/intent"));
            say("task", said(record, "/body/request/claims/task"));
            say("asked", record.pointer("/body/request/act").map(super::act).unwrap_or_default());
            say("in", of("/body/request/act/cwd"));
            for operation in list(record, "/body/operations") {
                let part = |key: &str| operation.get(key).and_then(Value::as_str).unwrap_or("");
                say("would", format!("{} {} {}", part("action"), part("kind"), part("resource")));
            }
            for unknown in list(record, "/body/unknowns") {
                say("unknown", unknown.get("why").and_then(Value::as_str).unwrap_or("").to_owned());
            }
            let score = record.pointer("/body/score").and_then(Value::as_u64).unwrap_or(0);
            say(
                "risk",
                format!(
                    "{} ({score}/100), undo: {}, coverage: {}",
                    of("/body/level"),
                    of("/body/reversibility"),
                    of("/body/coverage")
                ),
            );
            let would = of("/body/would");
            let would = if would.is_empty() { would } else { format!(" (the policy only observed; it would {would})") };
            say("verdict", format!("{}{would}", of("/body/verdict")));
            for reason in list(record, "/body/reasons") {
                say("because", reason.as_str().unwrap_or("").to_owned());
            }
            say("policy", of("/body/policy"));
        }
        "answer" => {
            let reviewer = of("/body/reviewer");
            let who =
                if reviewer.is_empty() { String::new() } else { format!(" by {reviewer} ({})", of("/body/assurance")) };
            say("hold", of("/body/hold"));
            say(
                "said",
                format!("{}{who}; the hold is {}", of("/body/said"), of("/body/state"))
                    .trim_start_matches("; ")
                    .to_owned(),
            );
            say("why", of("/body/why"));
        }
        "permit" => {
            say("permit", format!("{} {}", of("/body/permit"), of("/body/state")));
            say("why", of("/body/why"));
        }
        "outcome" => {
            let number = |pointer: &str| record.pointer(pointer).and_then(Value::as_i64);
            let how = match (number("/body/exit"), number("/body/signal")) {
                (Some(exit), _) => format!("exit status {exit}"),
                (None, Some(signal)) => format!("signal {signal}"),
                (None, None) => "unknown: the enforcement point disconnected".to_owned(),
            };
            say("came of it", format!("{how}, after {} ms", number("/body/millis").unwrap_or(0)));
        }
        "recording" => {
            say("recording", format!("{} {}", of("/body/recording"), of("/body/state")));
            say("digest", of("/body/digest"));
        }
        _ => say("body", record.get("body").map(ToString::to_string).unwrap_or_default()),
    }
    lines
}

/// What the agent said, marked as such.
fn said(record: &Value, pointer: &str) -> String {
    match text(record, pointer) {
        "" => String::new(),
        claim => format!("“{claim}” (the agent says so)"),
    }
}

fn list<'a>(record: &'a Value, pointer: &str) -> impl Iterator<Item = &'a Value> {
    record.pointer(pointer).and_then(Value::as_array).into_iter().flatten()
}
