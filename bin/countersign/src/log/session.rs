//! `countersign log session`: everything that one session asked for, and what came of it, in order.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::ExitCode;

use log_store::Wanted;
use record::{Record, Verdict, term};
use serde_json::{Value, json};

use super::summary;
use crate::time_format;

/// Prints it. Agents choose session names, so two agents may use the same name.
pub(super) fn main(directory: &Path, session: &str, agent: Option<&str>, as_json: bool) -> Result<ExitCode, String> {
    let mut terms = vec![term("session", session)];
    terms.extend(agent.map(|agent| term("agent", agent)));
    let (mut story, mut requests) = (BTreeMap::new(), BTreeSet::new());
    let mut agents = BTreeSet::new();
    super::records_with(directory, &Wanted { terms, ..Wanted::default() }, &mut |record| {
        let Some(event) = record.event() else { return };
        let of = event.agent().filter(|_| event.session() == Some(session));
        if let Some(of) = of.filter(|of| agent.is_none_or(|agent| agent == *of)) {
            requests.extend(event.request_digest().map(str::to_owned));
            agents.insert(of.to_owned());
            story.insert(record.seq, record.clone());
        }
    })?;
    if story.is_empty() {
        return Err(format!("the record has no session `{session}`; `countersign log show --json` names them"));
    }
    // What people said and what came of it names the request alone, and comes later.
    let first = story.keys().next().copied().unwrap_or(0);
    super::records_with(directory, &Wanted { from: first, ..Wanted::default() }, &mut |record| {
        let event = record.event();
        if event.as_ref().and_then(|event| event.request_digest()).is_some_and(|it| requests.contains(it)) {
            story.insert(record.seq, record.clone());
        }
    })?;
    if as_json {
        let records: Vec<Value> = story.values().map(Record::to_value).collect();
        println!("{}", json!({"session": session, "agents": agents, "records": records}));
        return Ok(ExitCode::SUCCESS);
    }
    let at = |record: Option<&Record>| time_format::shown(record.map_or(0, |record| record.at_ms));
    let verdicts: Vec<Verdict> = story
        .values()
        .filter_map(|record: &Record| record.event()?.decision().map(|decision| decision.verdict))
        .collect();
    let count = |verdict: Verdict| verdicts.iter().filter(|it| **it == verdict).count();
    println!(
        "session {session} of {}, from {} to {}: {} requests, {} allowed, {} asked, {} denied\n",
        agents.iter().map(|agent| model::display::visible(agent)).collect::<Vec<_>>().join(", "),
        at(story.values().next()),
        at(story.values().next_back()),
        requests.len(),
        count(Verdict::Allow),
        count(Verdict::Ask),
        count(Verdict::Deny)
    );
    for record in story.values() {
        println!("{}", summary(record));
    }
    println!("\nthe whole story of one request: countersign log why REQUEST");
    Ok(ExitCode::SUCCESS)
}
