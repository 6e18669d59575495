//! What the built program answers to each case of a file.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

/// A case with our answer.
pub(crate) struct Answered {
    pub(crate) case: Value,
    pub(crate) answer: Value,
}

impl Answered {
    pub(crate) fn text(&self) -> &str {
        self.case.get("text").and_then(Value::as_str).unwrap_or("")
    }

    pub(crate) fn label(&self) -> &str {
        self.case.get("label").and_then(Value::as_str).unwrap_or("")
    }

    pub(crate) fn category(&self) -> &str {
        self.case.get("category").and_then(Value::as_str).unwrap_or("")
    }

    pub(crate) fn verdict(&self) -> &str {
        self.answer.get("verdict").and_then(Value::as_str).unwrap_or("error")
    }

    pub(crate) fn is_partial(&self) -> bool {
        self.answer.get("coverage").and_then(Value::as_str) != Some("full")
    }

    /// The effects shown, as `(action, category, resource)`.
    pub(crate) fn effects(&self) -> Vec<(&str, &str, &str)> {
        let list = self.answer.get("operations").and_then(Value::as_array);
        list.into_iter()
            .flatten()
            .map(|it| {
                let part = |key: &str| it.get(key).and_then(Value::as_str).unwrap_or("");
                (part("action"), part("category"), part("resource"))
            })
            .collect()
    }
}

/// What kind of subject a case is: most are shell commands; SQL, tool calls and messages say so by their form.
fn subject(file: &str, case: &Value) -> Value {
    let text = case.get("text").and_then(Value::as_str).unwrap_or("");
    let category = case.get("category").and_then(Value::as_str).unwrap_or("");
    if file.starts_with("sql-") || (category.starts_with("Q/") && !text.starts_with("psql") && !text.contains("$(")) {
        let dialect = category.split(['/', '-']).next().unwrap_or("");
        return json!({"sql": text, "dialect": dialect});
    }
    if category.starts_with("R/") {
        return json!({"message": text});
    }
    if category.starts_with("P/") {
        return match serde_json::from_str::<Value>(text) {
            Ok(call) => json!({"tool": call.get("tool").or_else(|| call.get("name")).cloned().unwrap_or(json!("?")),
                "input": call.get("arguments").cloned().unwrap_or(call)}),
            Err(_) => json!({"tool": "?", "input": {"text": text}}),
        };
    }
    json!({"command": text})
}

/// Has a file's cases judged, all in one process, in order.
pub(crate) fn ask(program: &Path, file: &Path, policy: Option<&str>) -> Result<Vec<Answered>, String> {
    let text = std::fs::read_to_string(file).map_err(|why| format!("{}: {why}", file.display()))?;
    let name = file.file_stem().map(|it| it.to_string_lossy().into_owned()).unwrap_or_default();
    let cases: Vec<Value> = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    // A home and a project that are there, and empty: paths can then be followed to where they lead.
    let home = crate::run::built("eval-home");
    std::fs::create_dir_all(home.join("project/.git")).map_err(|why| format!("{}: {why}", home.display()))?;
    let input: String = cases
        .iter()
        .map(|case| {
            let mut line = subject(&name, case);
            if let Some(map) = line.as_object_mut() {
                map.insert("id".to_owned(), case.get("id").cloned().unwrap_or(Value::Null));
                map.insert("cwd".to_owned(), json!(home.join("project")));
            }
            format!("{line}\n")
        })
        .collect();
    let mut command = Command::new(program);
    command
        .args(["check", "--jsonl"])
        .env("COUNTERSIGN_DIR", "/nonexistent")
        .env("HOME", &home)
        .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    if let Some(policy) = policy {
        command.args(["--policy", policy]);
    }
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().map_err(|why| why.to_string())?;
    let mut stdin = child.stdin.take().ok_or("no standard input")?;
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().map_err(|why| why.to_string())?;
    let _ = writer.join();
    if !output.status.success() {
        return Err(format!("{name}: check ended with {}", output.status));
    }
    let answers: Vec<Value> =
        String::from_utf8_lossy(&output.stdout).lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    if answers.len() != cases.len() {
        return Err(format!("{name}: {} cases in, {} answers out", cases.len(), answers.len()));
    }
    Ok(cases.into_iter().zip(answers).map(|(case, answer)| Answered { case, answer }).collect())
}
