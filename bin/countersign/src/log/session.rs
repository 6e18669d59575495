//! `countersign log session`: everything that one session asked for, and what came of it, in order.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::ExitCode;

use audit::term;
use log_store::Wanted;
use serde_json::{Value, json};

use super::summary;
use crate::time_format;

/// Prints it. Agents choose session names, so two agents may use the same name.
pub(super) fn main(directory: &Path, session: &str, agent: Option<&str>, as_json: bool) -> Result<ExitCode, String> {
    let text = |record: &Value, pointer: &str| record.pointer(pointer).and_then(Value::as_str).unwrap_or("").to_owned();
    let mut terms = vec![term("session", session)];
    terms.extend(agent.map(|agent| term("agent", agent)));
    let (mut story, mut requests) = (BTreeMap::new(), BTreeSet::new());
    let mut agents = BTreeSet::new();
    let take = |record: &Value, story: &mut BTreeMap<u64, Value>| {
        let seq = record.get("seq").and_then(Value::as_u64).unwrap_or(0);
        story.insert(seq, record.clone());
    };
    super::records_with(directory, &Wanted { terms, ..Wanted::default() }, &mut |record| {
        let is_of = text(record, "/body/request/session") == session
            && agent.is_none_or(|agent| text(record, "/body/request/agent") == agent);
        if is_of {
            requests.insert(text(record, "/body/request_digest"));
            agents.insert(text(record, "/body/request/agent"));
            take(record, &mut story);
        }
    })?;
    if story.is_empty() {
        return Err(format!("the record has no session `{session}`; `countersign log show --json` names them"));
    }
    // What people said and what came of it names the request alone, and comes later.
    let first = story.keys().next().copied().unwrap_or(0);
    super::records_with(directory, &Wanted { from: first, ..Wanted::default() }, &mut |record| {
        if requests.contains(&text(record, "/body/request_digest")) {
            take(record, &mut story);
        }
    })?;
    if as_json {
        let records: Vec<&Value> = story.values().collect();
        println!("{}", json!({"session": session, "agents": agents, "records": records}));
        return Ok(ExitCode::SUCCESS);
    }
    let at = |record: Option<&Value>| {
        time_format::shown(record.and_then(|record| record.get("at_ms")).and_then(Value::as_u64).unwrap_or(0))
    };
    let count = |verdict: &str| story.values().filter(|record| text(record, "/body/verdict") == verdict).count();
    println!(
        "session {session} of {}, from {} to {}: {} requests, {} allowed, {} asked, {} denied\n",
        agents.iter().map(|agent| model::display::visible(agent)).collect::<Vec<_>>().join(", "),
        at(story.values().next()),
        at(story.values().next_back()),
        requests.len(),
        count("allow"),
        count("ask"),
        count("deny")
    );
    for record in story.values() {
        println!("{}", summary(record));
    }
    println!("\nthe whole story of one request: countersign log why REQUEST");
    Ok(ExitCode::SUCCESS)
}
