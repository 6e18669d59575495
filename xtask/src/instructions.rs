//! Instructions per command, page by page of the corpus: counted, not timed, so that a change shows in review on any
//! machine. Needs `valgrind`.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::process::{Command, Stdio};

use serde_json::json;

use crate::run::{built, release, root};

/// Where the counts are kept.
const COUNTS: &str = "xtask/instructions.toml";

/// Counts, compares with the kept counts, and keeps the new ones.
pub(crate) fn main() -> Result<(), String> {
    let program = release()?.join("countersign");
    let kept: toml::Table = fs::read_to_string(root().join(COUNTS)).unwrap_or_default().parse().unwrap_or_default();
    let mut pages: Vec<_> = fs::read_dir(root().join("corpus"))
        .map_err(|why| format!("corpus: {why}"))?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|it| it == "md"))
        .collect();
    pages.sort();
    let none = count(&program, &[])?;
    let mut out = String::from(
        "# Instructions per command of each page of `corpus/`: reading, judging and writing the answer of `check --jsonl`.\n\
         # Written by `cargo xtask instructions`.\n",
    );
    println!("{:<16} {:>9} {:>12} {:>12}", "page", "commands", "kept", "now");
    for page in pages {
        let name = page.file_stem().map(|it| it.to_string_lossy().into_owned()).unwrap_or_default();
        let commands = commands(&fs::read_to_string(&page).map_err(|why| why.to_string())?);
        if commands.is_empty() {
            continue;
        }
        let each = count(&program, &commands)?.saturating_sub(none) / commands.len() as u64;
        let before = kept.get(&name).and_then(toml::Value::as_integer).unwrap_or(0);
        println!("{name:<16} {:>9} {before:>12} {each:>12}", commands.len());
        let _ = writeln!(out, "{name} = {each}");
    }
    fs::write(root().join(COUNTS), out).map_err(|why| format!("{COUNTS}: {why}"))
}

/// The commands of a page: the lines of its `each` blocks.
fn commands(page: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if line.starts_with("```sh each ") {
            found.extend(lines.by_ref().take_while(|line| *line != "```").map(str::to_owned));
        } else if line.starts_with("```sh ") {
            let body: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            found.push(body.join("\n"));
        }
    }
    found
}

fn count(program: &std::path::Path, commands: &[String]) -> Result<u64, String> {
    let input: String = commands
        .iter()
        .map(|command| format!("{}\n", json!({"id": 0, "command": command, "cwd": "/nonexistent/project"})))
        .collect();
    let path = built("instructions.jsonl");
    fs::write(&path, input).map_err(|why| why.to_string())?;
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(program)
        .args(["check", "--jsonl"])
        .env("COUNTERSIGN_DIR", "/nonexistent")
        .env("HOME", "/nonexistent")
        .env("PATH", "/usr/bin:/bin")
        .stdin(File::open(&path).map_err(|why| why.to_string())?)
        .stdout(Stdio::null())
        .output()
        .map_err(|why| format!("valgrind: {why}; install the package `valgrind`"))?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    said.lines()
        .find_map(|line| line.split_once("Collected :").and_then(|(_, number)| number.trim().parse().ok()))
        .ok_or_else(|| format!("valgrind counted nothing: {said}"))
}
