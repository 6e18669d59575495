//! What agents asked before: from the record's files, or from a file of cases. For trying rules on it.

use std::collections::BTreeMap;
use std::path::Path;

use host::install_paths::Layout;
use record::{Act, AnswerState, Decision, Event};
use serde_json::Value;
use understand::{Shell, Subject};

use crate::local_evaluation::{Read, Reader};
use crate::log;

/// One act that was asked for.
pub(crate) struct Past {
    /// Its digest, or its id in a file of cases.
    pub(crate) id: String,
    pub(crate) at_ms: u64,
    pub(crate) agent: Option<String>,
    pub(crate) cwd: Option<String>,
    /// The act in one line.
    pub(crate) line: String,
    act: PastAct,
    /// What was decided then.
    pub(crate) verdict: Option<String>,
    /// The rules that spoke then.
    pub(crate) rules: Vec<String>,
    /// How a hold ended: `approved`, `denied`, `expired`.
    pub(crate) answer: Option<String>,
}

enum PastAct {
    Argv(Vec<String>),
    Shell(String),
    Tool(String, Value),
}

impl Past {
    /// Understands it again. Files may have changed since; a missing file is unknown.
    pub(crate) fn read(&self, reader: &Reader) -> Read {
        let subject = match &self.act {
            PastAct::Argv(words) => Subject::Argv(words),
            PastAct::Shell(text) => Subject::Shell(text),
            PastAct::Tool(name, input) => Subject::Tool(name, input),
        };
        reader.read(subject, self.cwd.as_deref(), Shell::Unknown)
    }
}

/// The acts of a file of cases (`--history FILE`), or of the record of this installation or of another directory.
pub(crate) fn load(from: Option<&Path>, since_ms: u64) -> Result<Vec<Past>, String> {
    match from {
        Some(file) if file.is_file() => of_cases(file),
        Some(directory) => of_record(directory, since_ms),
        None => of_record(&Layout::from_environment()?.log, since_ms),
    }
}

fn of_cases(file: &Path) -> Result<Vec<Past>, String> {
    let text = std::fs::read_to_string(file).map_err(|why| format!("`{}`: {why}", file.display()))?;
    let mut acts = Vec::new();
    for (number, line) in (1_usize..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
        let wrong = |what: &str| format!("`{}`, line {number}: {what}", file.display());
        let value: Value = serde_json::from_str(line).map_err(|why| wrong(&why.to_string()))?;
        let word = |key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
        let Some(command) = word("command") else { return Err(wrong("no `command`")) };
        acts.push(Past {
            id: word("id").unwrap_or_else(|| number.to_string()),
            at_ms: 0,
            agent: word("agent"),
            cwd: word("cwd"),
            line: command.clone(),
            act: PastAct::Shell(command),
            verdict: None,
            rules: Vec::new(),
            answer: None,
        });
    }
    Ok(acts)
}

fn of_record(directory: &Path, since_ms: u64) -> Result<Vec<Past>, String> {
    let mut acts: Vec<Past> = Vec::new();
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    log::records(directory, &mut |record| match record.event() {
        Some(Event::Decision(decision)) if record.at_ms >= since_ms => {
            let digest = decision.request_digest.clone();
            if let Some(past) = of_decision(*decision, record.at_ms) {
                places.insert(digest, acts.len());
                acts.push(past);
            }
        }
        Some(Event::Answer(answer)) => {
            let past = places.get(&answer.request_digest).and_then(|at| acts.get_mut(*at));
            match (answer.state, past) {
                (state @ (AnswerState::Approved | AnswerState::Denied | AnswerState::Expired), Some(past)) => {
                    past.answer = Some(state.as_str().to_owned());
                }
                (AnswerState::Open | AnswerState::Lost | AnswerState::Void | AnswerState::Refused, _) | (_, None) => {}
            }
        }
        Some(_) | None => {}
    })?;
    Ok(acts)
}

fn of_decision(decision: Decision, at_ms: u64) -> Option<Past> {
    let Decision { request, request_digest, verdict, would, rules, .. } = decision;
    let (line, cwd) = (request.act.command(), request.act.cwd().map(std::borrow::Cow::into_owned));
    let act = match request.act {
        Act::Exec { argv, .. } => {
            PastAct::Argv(argv.iter().map(|word| word.as_text().map(str::to_owned)).collect::<Option<_>>()?)
        }
        Act::Tool { tool, input, .. } => PastAct::Tool(tool, input),
    };
    Some(Past {
        id: request_digest,
        at_ms,
        agent: Some(request.agent),
        cwd,
        line,
        act,
        verdict: Some(would.map_or(verdict.as_str(), |it| it.as_str()).to_owned()),
        rules,
        answer: None,
    })
}
