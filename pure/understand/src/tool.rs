//! Tool calls of agent hosts, by the tools' names there.

use model::{Arg, Segment, Unknown};
use serde_json::Value;

use crate::command::run_unknown;
use crate::knowledge::Role;
use crate::lower::Lowering;
use crate::{paths, text};

/// Whether an option of a host's shell call changes nothing of what is done: not where, as whom or within which bounds.
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
                _ => "this option of the shell call is not known to us",
            };
            walk.unknown(key, why);
        }
        return;
    }
    let mut segment = Segment { argv: vec![Arg::Known(name.to_owned())], ..Segment::default() };
    let by_path: Option<(Role, &[&str])> = match name {
        "Read" | "NotebookRead" | "read_file" | "ReadFile" => {
            Some((Role::Read, &["file_path", "notebook_path", "absolute_path", "path"]))
        }
        "Write" | "Edit" | "MultiEdit" | "NotebookEdit" => Some((Role::Write, &["file_path", "notebook_path"])),
        "WebFetch" => Some((Role::Url, &["url"])),
        _ => None,
    };
    match (name, by_path) {
        (_, Some((role, keys))) => {
            let named: Vec<String> = keys.iter().filter_map(|key| field(key)).collect();
            if named.is_empty() {
                segment.unknowns.push(Unknown { text: name.to_owned(), why: "the call names no place".to_owned() });
            }
            for value in named {
                text::observe(&value, &mut walk.intent);
                segment.argv.push(Arg::Known(value.clone()));
                let value = if role == Role::Url { value } else { walk.expanded(&value) };
                walk.effect(&Arg::Known(value), role, false, &mut segment.operations, &mut segment.unknowns);
            }
        }
        ("Grep" | "Glob" | "LS", None) => walk.search(name, input, &mut segment),
        ("TodoWrite" | "ExitPlanMode" | "AskUserQuestion" | "BashOutput", None) => {}
        (_, None) => {
            run_unknown(&mut segment, name, "what this tool does is not known to us");
            walk.suspect_input(input, MAX_TEXTS, &mut segment);
        }
    }
    walk.push(segment);
}

/// How many texts of an unknown tool's input are looked at.
const MAX_TEXTS: usize = 64;

impl Lowering<'_> {
    /// A path as hosts expand it: `~` is the home.
    fn expanded(&self, path: &str) -> String {
        let path = path.strip_prefix("file://").unwrap_or(path);
        match (path.strip_prefix('~'), &self.home) {
            (Some(rest), Some(home)) if rest.is_empty() || rest.starts_with('/') => format!("{home}{rest}"),
            (Some(_) | None, _) => path.to_owned(),
        }
    }

    /// A search: it reads what is in files, or looks at their names, below a directory and where a pattern says.
    fn search(&mut self, name: &str, input: &Value, segment: &mut Segment) {
        let field = |key: &str| input.get(key).and_then(Value::as_str).map(str::to_owned);
        let role = if name == "Grep" { Role::Read } else { Role::Look };
        let directory = field("path").map_or_else(|| ".".to_owned(), |path| self.expanded(&path));
        let pattern = if name == "Glob" { field("pattern") } else { field("glob") };
        for text in [field("path"), pattern.clone()].into_iter().flatten() {
            text::observe(&text, &mut self.intent);
            segment.argv.push(Arg::Known(text));
        }
        let Some(pattern) = pattern else {
            self.effect(&Arg::Known(directory), role, true, &mut segment.operations, &mut segment.unknowns);
            return;
        };
        for pattern in alternatives(&self.expanded(&pattern)) {
            let place = paths::join(&pattern, Some(directory.trim_end_matches('/')));
            let value = if is_pattern(&place) { Arg::Pattern(place) } else { Arg::Known(place) };
            self.effect(&value, role, true, &mut segment.operations, &mut segment.unknowns);
        }
        // A pattern without a directory in it is for names at any depth.
        if role == Role::Read && !pattern.starts_with('/') {
            self.effect(&Arg::Known(directory), role, true, &mut segment.operations, &mut segment.unknowns);
        }
    }

    /// What the texts in an unknown tool's input name.
    fn suspect_input(&mut self, input: &Value, left: usize, segment: &mut Segment) -> usize {
        let each = |walk: &mut Self, values: &mut dyn Iterator<Item = &Value>, segment: &mut Segment| {
            values.fold(left, |left, value| if left == 0 { 0 } else { walk.suspect_input(value, left, segment) })
        };
        match input {
            Value::String(text) => {
                let text = self.expanded(text);
                self.suspect(&text, segment);
                left.saturating_sub(1)
            }
            Value::Array(values) => each(self, &mut values.iter(), segment),
            Value::Object(fields) => each(self, &mut fields.values(), segment),
            Value::Null | Value::Bool(_) | Value::Number(_) => left,
        }
    }
}

fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?', '['])
}

/// The alternatives of the first braces in a pattern; nested or further ones stand for anything.
fn alternatives(pattern: &str) -> Vec<String> {
    let Some((head, (inside, tail))) =
        pattern.split_once('{').and_then(|(head, rest)| Some((head, rest.split_once('}')?)))
    else {
        return vec![pattern.to_owned()];
    };
    let anything = |text: &str| text.replace(['{', '}', ','], "*");
    if inside.split(',').count() > MAX_TEXTS {
        return vec![format!("{head}*{}", anything(tail))];
    }
    inside.split(',').map(|one| format!("{head}{}{}", anything(one), anything(tail))).collect()
}

#[cfg(test)]
mod tests {
    use model::{Category, Facts, Intent};
    use serde_json::{Value, json};

    use crate::{Subject, Surroundings, settle};

    fn read(tool: &str, input: &Value) -> Intent {
        let around = Surroundings {
            cwd: Some("/home/a/work"),
            home: Some("/home/a"),
            project: Some("/home/a/work"),
            ..Surroundings::default()
        };
        settle(Subject::Tool(tool, input), around, &mut Facts::default(), &mut |_| model::Fact::Unknown)
    }

    #[test]
    fn a_search_reads_where_its_pattern_says() {
        for (tool, input) in [
            ("Grep", json!({"pattern": ".", "path": "~/.ssh"})),
            ("Grep", json!({"pattern": ".", "path": "/home/a/.config"})),
            ("Grep", json!({"pattern": ".", "path": "/home/a/work", "glob": ".env*"})),
            ("Grep", json!({"pattern": ".", "glob": "../../a/.ssh/*"})),
            ("Grep", json!({"pattern": ".", "glob": "{src,~/.aws}/*"})),
            ("Read", json!({"file_path": "~/.claude/.credentials.json"})),
            ("NotebookRead", json!({"notebook_path": "/home/a/.jupyter/x"})),
            ("mcp__files__read", json!({"paths": ["/home/a/.ssh/id_rsa"]})),
        ] {
            let intent = read(tool, &input);
            assert!(
                intent.operations().any(|it| it.category == Category::CredentialAccess),
                "{tool} {input}: {intent:?}"
            );
        }
        for (tool, input) in [
            ("Grep", json!({"pattern": "token", "glob": "*.rs"})),
            ("Grep", json!({"pattern": "token", "path": "src", "glob": "**/*.{ts,tsx}"})),
            ("Grep", json!({"pattern": "token"})),
            ("Glob", json!({"pattern": "**/*.rs"})),
            ("Glob", json!({"pattern": "/home/a/.ssh/*"})),
            ("LS", json!({"path": "/home/a/work"})),
            ("Read", json!({"file_path": "/home/a/work/src/auth/token.rs"})),
        ] {
            let intent = read(tool, &input);
            let ordinary = intent.operations().all(|it| it.category == Category::ReadOnly);
            assert!(ordinary && intent.coverage() == model::Coverage::Full, "{tool} {input}: {intent:?}");
        }
        let glob = read("Glob", &json!({"pattern": "/home/a/.ssh/*"}));
        assert!(glob.operations().any(|it| it.resource.text().starts_with("/home/a/.ssh")), "{glob:?}");
    }
}
