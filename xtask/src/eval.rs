//! `cargo xtask eval DIR`: how well commands are understood and judged, measured on files of cases.
//!
//! Cases are other people's or ours, JSON lines with `id`, `text`, `label` and `category`. Which figures a file gives
//! depends on its labels and its name; what is measured, and how, is described with each figure in `figures.rs`.

mod answers;
mod figures;
mod suggest;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::run::{built, release};
use answers::Answered;

/// Judges every `.jsonl` file of a directory, prints the figures and writes them as JSON.
pub(crate) fn main(words: &[String]) -> Result<(), String> {
    let (mut directory, mut policy, mut show, mut only) = (None, None, None, None);
    let mut suggested = false;
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--corpus" => directory = Some(PathBuf::from(words.next().ok_or("--corpus needs a directory")?)),
            "--suggest" => suggested = true,
            "--policy" => policy = Some(words.next().ok_or("--policy needs a directory of rules")?.clone()),
            "--show" => show = Some(words.next().ok_or("--show needs the name of a figure")?.clone()),
            "--only" => only = Some(words.next().ok_or("--only needs a part of a file's name")?.clone()),
            word if word.starts_with('-') => return Err(format!("`{word}` is no option of eval")),
            word => directory = Some(PathBuf::from(word)),
        }
    }
    let directory = directory.ok_or("eval needs a directory of .jsonl files")?;
    if suggested {
        return suggest::main(&directory);
    }
    let program = release()?.join("countersign");
    let policy = policy.map(|policy| as_directory(Path::new(&policy))).transpose()?;
    let mut files = files_of(&directory)?;
    files.retain(|file| only.as_ref().is_none_or(|only| name_of(file).contains(only.as_str())));
    let mut all: BTreeMap<String, Vec<Answered>> = BTreeMap::new();
    println!(
        "{:<26} {:>6} {:>6} {:>6} {:>6} {:>6} {:>9} {:>8} {:>8}",
        "file", "rows", "allow", "ask", "deny", "error", "partial %", "p50 µs", "p99 µs"
    );
    for file in files {
        let rows = answers::ask(&program, &file, policy.as_deref())?;
        overview(&name_of(&file), &rows);
        all.insert(name_of(&file), rows);
    }
    let figures = figures::measure(&all)?;
    println!("\n{:<46} {:<24} {:>8} {:>7} {:>9} {:>8}", "figure", "on", "of", "cases", "value", "aim");
    for figure in &figures {
        println!("{figure}");
    }
    if let Some(wanted) = show {
        for figure in figures.iter().filter(|it| it.name.contains(&wanted) || it.on.contains(&wanted)) {
            println!("\n== {} on {}: {}", figure.name, figure.on, figure.cases.len());
            figure.cases.iter().for_each(|case| println!("{case}"));
        }
    }
    let out = built("eval.json");
    let value: Vec<Value> = figures.iter().map(figures::Figure::to_value).collect();
    std::fs::write(&out, format!("{:#}\n", json!(value))).map_err(|why| format!("{}: {why}", out.display()))?;
    println!("\nwritten: {}", out.display());
    Ok(())
}

/// A file of rules alone in a directory, as `countersign check` takes them; a directory as it is.
fn as_directory(policy: &Path) -> Result<String, String> {
    if policy.is_dir() {
        return Ok(policy.display().to_string());
    }
    let directory = built("eval-policy");
    let _ = std::fs::remove_dir_all(&directory);
    let name = policy.file_name().ok_or("--policy names no file")?;
    std::fs::create_dir_all(&directory)
        .and_then(|()| std::fs::copy(policy, directory.join(name)))
        .map_err(|why| format!("{}: {why}", policy.display()))?;
    Ok(directory.display().to_string())
}

fn files_of(directory: &Path) -> Result<Vec<PathBuf>, String> {
    let entries = std::fs::read_dir(directory).map_err(|why| format!("{}: {why}", directory.display()))?;
    let mut files: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|it| it == "jsonl"))
        .collect();
    files.sort();
    if files.is_empty() { Err(format!("{}: no .jsonl files", directory.display())) } else { Ok(files) }
}

fn name_of(file: &Path) -> String {
    file.file_stem().map(|it| it.to_string_lossy().into_owned()).unwrap_or_default()
}

fn overview(name: &str, rows: &[Answered]) {
    let count = |verdict: &str| rows.iter().filter(|row| row.verdict() == verdict).count();
    let partial = rows.iter().filter(|row| row.is_partial()).count();
    let micros = sorted_micros(rows);
    println!(
        "{name:<26} {:>6} {:>6} {:>6} {:>6} {:>6} {:>9.1} {:>8} {:>8}",
        rows.len(),
        count("allow"),
        count("ask"),
        count("deny"),
        count("error"),
        100.0 * partial as f64 / rows.len().max(1) as f64,
        at(&micros, 0.5),
        at(&micros, 0.99)
    );
}

fn sorted_micros(rows: &[Answered]) -> Vec<u64> {
    let mut micros: Vec<u64> = rows.iter().filter_map(|row| row.answer.get("micros")?.as_u64()).collect();
    micros.sort_unstable();
    micros
}

fn at(sorted: &[u64], share: f64) -> u64 {
    sorted.get(((sorted.len() as f64) * share) as usize).copied().unwrap_or(0)
}
