//! `countersign check`: decide only, without any daemon.

use std::io::{BufRead, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use clap::Args;
use host::{clock, stack};
use model::{Coverage, Intent};
use pdp::{Decision, Policy, Source};
use serde_json::{Value, json};
use understand::{Dialect, Shell, Subject};

use crate::explain;
use crate::local_evaluation::Reader;
use crate::policy_source;

/// The longest line of `--jsonl`. A longer one is an error on its line.
const MAX_LINE_BYTES: u64 = 16 * 1024 * 1024;

#[derive(Args)]
pub(crate) struct CheckArgs {
    /// The command, as a shell would get it
    #[arg(required_unless_present = "jsonl", conflicts_with = "jsonl")]
    text: Option<String>,
    /// Explain the verdict: pieces, effects, unknown parts, and how the risk adds up
    #[arg(long)]
    explain: bool,
    /// The text is SQL, as a database would get it
    #[arg(long)]
    sql: bool,
    /// Print the verdict as JSON
    #[arg(long)]
    json: bool,
    /// Read one JSON object per line ({"id", "command" | "sql" | "message" | "tool" with "input", "cwd"?, "agent"?, "dialect"?, "shell"?})
    /// and print one per line, in order
    #[arg(long)]
    jsonl: bool,
    /// Judge with the rules of this directory alone
    #[arg(long, value_name = "DIR")]
    policy: Option<PathBuf>,
    /// Judge with a shipped preset: strict, developer, production or observe
    #[arg(long, value_name = "NAME", conflicts_with = "policy")]
    preset: Option<String>,
    /// Judge as if in this directory
    #[arg(long, value_name = "DIR")]
    cwd: Option<String>,
    /// The shell that would run the command (bash, sh or zsh); where it is not said, the command must mean the same in all of them
    #[arg(long, value_name = "NAME", value_parser = ["bash", "sh", "zsh"])]
    shell: Option<String>,
    /// Judge as if asked by this agent
    #[arg(long, value_name = "NAME")]
    agent: Option<String>,
}

/// Runs the verb.
pub(crate) fn main(args: &CheckArgs) -> Result<ExitCode, String> {
    let policy = policy_source::chosen(args.preset.as_deref(), args.policy.as_deref())?;
    // One thread with room to recurse for everything that is read.
    stack::on_large_stack(|| if args.jsonl { lines(&policy) } else { one(args, &policy) }).map_err(str::to_owned)?
}

struct Checked {
    intent: Intent,
    decision: Decision,
    micros: u128,
}

/// Where and by whom a text would be run.
struct Around<'a> {
    cwd: Option<&'a str>,
    agent: Option<&'a str>,
    shell: Option<&'a str>,
}

struct Judge<'a> {
    policy: &'a Policy,
    reader: Reader,
}

impl<'a> Judge<'a> {
    fn new(policy: &'a Policy) -> Self {
        Self { policy, reader: Reader::new() }
    }

    fn judge(&self, subject: Subject<'_>, text: &str, around: &Around<'_>) -> Checked {
        let started = Instant::now();
        let read = self.reader.read(subject, around.cwd, around.shell.map_or(Shell::Unknown, Shell::of_program));
        let decision = self.reader.decide(self.policy, text, &read, around.agent, clock::now_ms());
        Checked { intent: read.intent, decision, micros: started.elapsed().as_micros() }
    }
}

fn one(args: &CheckArgs, policy: &Policy) -> Result<ExitCode, String> {
    let text = args.text.as_deref().unwrap_or("");
    let subject = if args.sql { Subject::Sql(text, Dialect::Any) } else { Subject::Shell(text) };
    let around = Around { cwd: args.cwd.as_deref(), agent: args.agent.as_deref(), shell: args.shell.as_deref() };
    let checked = Judge::new(policy).judge(subject, text, &around);
    if args.json {
        println!("{}", to_value(&Value::Null, &checked));
    } else if args.explain {
        print!("{}", explain::explain(text, &checked.intent, &checked.decision));
    } else {
        println!("{}", explain::line(&checked.decision));
    }
    Ok(ExitCode::SUCCESS)
}

fn lines(policy: &Policy) -> Result<ExitCode, String> {
    let judge = Judge::new(policy);
    let mut input = std::io::BufReader::with_capacity(1 << 16, std::io::stdin().lock());
    let mut output = std::io::BufWriter::new(std::io::stdout().lock());
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = std::io::Read::take(&mut input, MAX_LINE_BYTES)
            .read_until(b'\n', &mut line)
            .map_err(|why| why.to_string())?;
        if read == 0 {
            break;
        }
        let whole = line.ends_with(b"\n") || u64::try_from(line.len()).is_ok_and(|length| length < MAX_LINE_BYTES);
        let answer = if whole {
            answer_line(&judge, &line)
        } else {
            let mut rest = Vec::new();
            while !rest.ends_with(b"\n") {
                rest.clear();
                if std::io::Read::take(&mut input, MAX_LINE_BYTES)
                    .read_until(b'\n', &mut rest)
                    .map_err(|why| why.to_string())?
                    == 0
                {
                    break;
                }
            }
            json!({"id": null, "error": format!("the line has more than {MAX_LINE_BYTES} bytes")})
        };
        writeln!(output, "{answer}").map_err(|why| why.to_string())?;
        let buffered = input.buffer().contains(&b'\n');
        // An interactive caller waits for each answer; a file is answered in blocks.
        if !buffered {
            output.flush().map_err(|why| why.to_string())?;
        }
    }
    output.flush().map_err(|why| why.to_string())?;
    Ok(ExitCode::SUCCESS)
}

fn answer_line(judge: &Judge<'_>, line: &[u8]) -> Value {
    let value = match model::unambiguous::parse(line) {
        Ok(value) => value,
        Err(why) => return json!({"id": null, "error": format!("not JSON: {why}")}),
    };
    let id = value.get("id").cloned().unwrap_or(Value::Null);
    let Some(map) = value.as_object() else { return json!({"id": null, "error": "not a JSON object"}) };
    let text_or_nothing = |key: &str| match map.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.as_str())),
        Some(_) => Err(json!({"id": id, "error": format!("`{key}` is no text")})),
    };
    let around = match (text_or_nothing("cwd"), text_or_nothing("agent"), text_or_nothing("shell")) {
        (Ok(cwd), Ok(agent), Ok(shell)) => Around { cwd, agent, shell },
        (Err(error), ..) | (_, Err(error), _) | (.., Err(error)) => return error,
    };
    if around.shell.is_some_and(|shell| !matches!(shell, "bash" | "sh" | "zsh")) {
        return json!({"id": id, "error": "`shell` is none of bash, sh and zsh"});
    }
    if around.cwd.is_some_and(|cwd| !cwd.starts_with('/')) {
        return json!({"id": id, "error": "`cwd` is not absolute"});
    }
    let (subject, text) = match subject_of(map) {
        Ok(found) => found,
        Err(why) => return json!({"id": id, "error": why}),
    };
    let mut answer = to_value(&id, &judge.judge(subject, text, &around));
    if let (Subject::Shell(text), Some(answer)) = (subject, answer.as_object_mut()) {
        answer.insert("parses".to_owned(), Value::Bool(understand::parses(text)));
    }
    answer
}

/// What a line asks about.
fn subject_of(map: &serde_json::Map<String, Value>) -> Result<(Subject<'_>, &str), String> {
    let text = |key: &str| map.get(key).and_then(Value::as_str);
    if let Some(command) = text("command") {
        return Ok((Subject::Shell(command), command));
    }
    if let Some(sql) = text("sql") {
        return Ok((Subject::Sql(sql, text("dialect").map_or(Dialect::Any, Dialect::named)), sql));
    }
    if let Some(message) = text("message") {
        return Ok((Subject::Message(message), message));
    }
    match (text("tool"), map.get("input")) {
        (Some(tool), Some(input)) => Ok((Subject::Tool(tool, input), tool)),
        _ => Err("`command` (or `sql`, `message`, `tool` with `input`) is missing, or no text".to_owned()),
    }
}

fn to_value(id: &Value, checked: &Checked) -> Value {
    let Checked { intent, decision, micros } = checked;
    let reasons: Vec<Value> = decision
        .reasons()
        .iter()
        .map(|reason| match &reason.source {
            Source::Rule(rule) => json!({"rule": rule, "text": reason.text}),
            Source::Factor(factor) => json!({"factor": factor, "text": reason.text}),
        })
        .collect();
    let categories: std::collections::BTreeSet<&str> = intent.operations().map(|it| it.category.as_str()).collect();
    let operations: Vec<Value> = intent
        .operations()
        .map(|it| {
            json!({"action": it.action.as_str(), "kind": it.resource.kind(), "resource": it.resource.text(),
            "category": it.category.as_str(), "reversibility": it.reversibility.as_str()})
        })
        .collect();
    let unknowns: Vec<Value> = match decision.coverage() {
        Coverage::Full => Vec::new(),
        Coverage::Partial(parts) => parts.iter().map(|part| json!({"text": part.text, "why": part.why})).collect(),
    };
    json!({
        "id": id, "verdict": decision.verdict().as_str(), "level": decision.risk().level().as_str(), "score": decision.risk().score(),
        "categories": categories, "reversibility": intent.reversibility().as_str(), "coverage": decision.coverage().as_str(),
        "reasons": reasons, "factors": decision.risk().factors.iter().map(|it| json!({"name": it.name, "points": it.points, "why": it.why})).collect::<Vec<_>>(),
        "operations": operations, "unknowns": unknowns, "micros": u64::try_from(*micros).unwrap_or(u64::MAX),
    })
}
