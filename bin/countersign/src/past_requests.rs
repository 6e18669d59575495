//! What agents asked before: from the record's files, or from a file of cases. For trying rules on it.

use std::collections::BTreeMap;
use std::path::Path;

use host::install_paths::Layout;
use serde_json::Value;
use understand::Subject;

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
        reader.read(subject, self.cwd.as_deref())
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
    log::records(directory, &mut |record: &Value| {
        let text = |pointer: &str| record.pointer(pointer).and_then(Value::as_str);
        let at_ms = record.get("at_ms").and_then(Value::as_u64).unwrap_or(0);
        let Some(digest) = text("/body/request_digest") else { return };
        match text("/kind") {
            Some("decision") if at_ms >= since_ms => {
                if let Some(past) = of_decision(record, digest, at_ms) {
                    places.insert(digest.to_owned(), acts.len());
                    acts.push(past);
                }
            }
            Some("answer") => {
                let state = text("/body/state").filter(|state| matches!(*state, "approved" | "denied" | "expired"));
                let past = places.get(digest).and_then(|at| acts.get_mut(*at));
                if let (Some(state), Some(past)) = (state, past) {
                    past.answer = Some(state.to_owned());
                }
            }
            Some(_) | None => {}
        }
    })?;
    Ok(acts)
}

fn of_decision(record: &Value, digest: &str, at_ms: u64) -> Option<Past> {
    let text = |pointer: &str| record.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let act = record.pointer("/body/request/act")?;
    let argv = act.get("argv").and_then(Value::as_array);
    let act = match argv {
        Some(words) => PastAct::Argv(words.iter().map(|word| word.as_str().map(str::to_owned)).collect::<Option<_>>()?),
        None => PastAct::Tool(text("/body/request/act/tool")?, act.get("input")?.clone()),
    };
    let line = match &act {
        PastAct::Argv(words) => words.join(" "),
        PastAct::Shell(text) => text.clone(),
        PastAct::Tool(name, input) => match input.get("command").and_then(Value::as_str) {
            Some(command) if name == "Bash" => command.to_owned(),
            Some(_) | None => format!("{name} {input}"),
        },
    };
    let rules = record.pointer("/body/rules").and_then(Value::as_array);
    Some(Past {
        id: digest.to_owned(),
        at_ms,
        agent: text("/body/request/agent"),
        cwd: text("/body/request/act/cwd"),
        line,
        act,
        verdict: text("/body/would").or_else(|| text("/body/verdict")),
        rules: rules.map(|it| it.iter().filter_map(|id| id.as_str().map(str::to_owned)).collect()).unwrap_or_default(),
        answer: None,
    })
}
