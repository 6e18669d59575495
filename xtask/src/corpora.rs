//! Judging files of commands: how many of each verdict, and how fast. For looking; nothing is decided by it.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::Instant;

use serde_json::{Value, json};

use crate::run::release;

/// Judges every `.jsonl` file of a directory: objects with a `text` and maybe a `label`.
pub(crate) fn main(directory: &str) -> Result<(), String> {
    let program = release()?.join("countersign");
    let mut paths: Vec<_> = std::fs::read_dir(directory)
        .map_err(|why| format!("{directory}: {why}"))?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|it| it == "jsonl"))
        .collect();
    paths.sort();
    println!(
        "{:<26} {:>7} {:>7} {:>7} {:>7} {:>7} {:>8} {:>8} {:>9}",
        "file", "lines", "allow", "ask", "deny", "error", "partial%", "p50 µs", "p99 µs"
    );
    for path in paths {
        let text = std::fs::read_to_string(&path).map_err(|why| format!("{}: {why}", path.display()))?;
        let rows: Vec<Value> = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        let input: String = rows
            .iter()
            .map(|row| {
                format!("{}\n", json!({"id": row.get("id"), "command": row.get("text"), "cwd": "/home/agent/project"}))
            })
            .collect();
        let (answers, seconds) = judge(&program, input)?;
        if answers.len() != rows.len() {
            return Err(format!("{}: {} lines in, {} out", path.display(), rows.len(), answers.len()));
        }
        report(
            &path.file_stem().map(|it| it.to_string_lossy().into_owned()).unwrap_or_default(),
            &rows,
            &answers,
            seconds,
        );
    }
    Ok(())
}

fn judge(program: &std::path::Path, input: String) -> Result<(Vec<Value>, f64), String> {
    let started = Instant::now();
    let mut child = Command::new(program)
        .args(["check", "--jsonl"])
        .env("COUNTERSIGN_DIR", "/nonexistent")
        .env("HOME", "/home/agent")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|why| why.to_string())?;
    let mut stdin = child.stdin.take().ok_or("no standard input")?;
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().map_err(|why| why.to_string())?;
    let _ = writer.join();
    if !output.status.success() {
        return Err(format!("check ended with {}", output.status));
    }
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    Ok((text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect(), started.elapsed().as_secs_f64()))
}

fn report(name: &str, rows: &[Value], answers: &[Value], seconds: f64) {
    let word = |answer: &Value| answer.get("verdict").and_then(Value::as_str).unwrap_or("error").to_owned();
    let mut verdicts: BTreeMap<String, usize> = BTreeMap::new();
    let mut by_label: BTreeMap<(String, String), usize> = BTreeMap::new();
    for (row, answer) in rows.iter().zip(answers) {
        *verdicts.entry(word(answer)).or_default() += 1;
        let label = row.get("label").and_then(Value::as_str).unwrap_or("-").to_owned();
        *by_label.entry((label, word(answer))).or_default() += 1;
    }
    let count = |verdict: &str| verdicts.get(verdict).copied().unwrap_or(0);
    let partial = answers.iter().filter(|it| it.get("coverage").and_then(Value::as_str) == Some("partial")).count();
    let mut micros: Vec<u64> = answers.iter().filter_map(|it| it.get("micros")?.as_u64()).collect();
    micros.sort_unstable();
    let at = |share: f64| micros.get(((micros.len() as f64) * share) as usize).copied().unwrap_or(0);
    println!(
        "{name:<26} {:>7} {:>7} {:>7} {:>7} {:>7} {:>8.1} {:>8} {:>9}   {:.0} lines/s",
        rows.len(),
        count("allow"),
        count("ask"),
        count("deny"),
        count("error"),
        100.0 * partial as f64 / rows.len().max(1) as f64,
        at(0.5),
        at(0.99),
        rows.len() as f64 / seconds
    );
    let labels: Vec<String> =
        by_label.iter().take(24).map(|((label, verdict), count)| format!("{label}→{verdict} {count}")).collect();
    println!("    {}", labels.join(", "));
}
