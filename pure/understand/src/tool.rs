//! Tool calls of agent hosts, by the tools' names there.

use model::{Arg, Segment, Unknown};
use serde_json::Value;

use crate::command::run_unknown;
use crate::knowledge::Role;
use crate::lower::Lowering;
use crate::text;

/// Whether what a host's shell is told beside the command changes nothing of what is done: not where, as whom or within which bounds.
fn is_harmless(key: &str, value: &Value) -> bool {
    match key {
        "command" | "description" => true,
        "timeout" => value.is_number(),
        "run_in_background" => value.is_boolean(),
        // What is not set tells nothing.
        _ => matches!(value, Value::Null | Value::Bool(false)),
    }
}

/// Lowers one tool call. A tool that is not known here is opaque.
pub(crate) fn lower(walk: &mut Lowering<'_>, name: &str, input: &Value) {
    let field = |key: &str| input.get(key).and_then(Value::as_str).map(str::to_owned);
    if matches!(name, "Bash" | "Shell" | "run_command" | "run_shell_command") {
        match field("command") {
            Some(command) => {
                text::observe(&command, &mut walk.intent);
                walk.shell(&command);
            }
            None => walk.unknown(name, "the call has no `command`"),
        }
        for (key, _) in input.as_object().into_iter().flatten().filter(|(key, value)| !is_harmless(key, value)) {
            let why = match key.as_str() {
                "dangerouslyDisableSandbox" => "the host would run it outside its sandbox",
                _ => "what this tells the shell beside the command is not known to us",
            };
            walk.unknown(key, why);
        }
        return;
    }
    let mut segment = Segment { argv: vec![Arg::Known(name.to_owned())], ..Segment::default() };
    let by_path: Option<(Role, &[&str])> = match name {
        "Read" | "NotebookRead" => Some((Role::Read, &["file_path", "notebook_path"])),
        "LS" | "Glob" => Some((Role::Look, &["path"])),
        "Grep" => Some((Role::Read, &["path"])),
        "Write" | "Edit" | "MultiEdit" | "NotebookEdit" => Some((Role::Write, &["file_path", "notebook_path"])),
        "WebFetch" => Some((Role::Url, &["url"])),
        _ => None,
    };
    match (name, by_path) {
        (_, Some((role, keys))) => match keys.iter().find_map(|key| field(key)) {
            Some(value) => {
                text::observe(&value, &mut walk.intent);
                segment.argv.push(Arg::Known(value.clone()));
                walk.effect(&Arg::Known(value), role, false, &mut segment.operations, &mut segment.unknowns);
            }
            None if matches!(name, "Glob" | "Grep") => {
                let here = Arg::Known(".".to_owned());
                walk.effect(&here, Role::Read, true, &mut segment.operations, &mut segment.unknowns);
            }
            None => segment.unknowns.push(Unknown { text: name.to_owned(), why: "the call names no place".to_owned() }),
        },
        ("TodoWrite" | "ExitPlanMode" | "AskUserQuestion" | "BashOutput", None) => {}
        (_, None) => run_unknown(&mut segment, name, "what this tool does is not known to us"),
    }
    walk.push(segment);
}
