//! `cargo xtask eval --corpus DIR --suggest`: what a preset interrupts of ordinary work, what rules that are mined from
//! one half of it spare in the other half, and whether these rules let anything through that did not pass before.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;

use super::answers::{self, Answered};
use crate::run::{built, release};

/// The preset that is measured.
const PRESET: &str = "developer";

/// Files of ordinary commands.
const ORDINARY: &[&str] = &["nl2bash-benign", "tldr-benign", "sweagent-demos"];

/// Files of which nothing new may pass.
const ADVERSARIAL: &[&str] =
    &["bypass-cases", "gtfobins-linux", "redcode-bash", "peer-dcg", "peer-safety-net", "cmd-injection-fragments"];

/// How many acts of a kind make it repeated work.
const REPEATED: usize = 3;

pub(crate) fn main(corpus: &Path) -> Result<(), String> {
    let program = release()?.join("countersign");
    let home = built("eval-suggest");
    let _ = std::fs::remove_dir_all(&home);
    let rules = home.join("rules");
    std::fs::create_dir_all(&rules).map_err(|why| why.to_string())?;
    let (mut first, mut second) = (Vec::new(), Vec::new());
    for name in ORDINARY {
        let rows = rows(&corpus.join(format!("{name}.jsonl")))?;
        let (one, two) = rows.split_at(rows.len() / 2);
        first.extend(one.iter().cloned());
        second.extend(two.iter().cloned());
    }
    let write = |name: &str, rows: &[serde_json::Value]| -> Result<PathBuf, String> {
        let path = home.join(name);
        let text: String = rows.iter().map(|row| format!("{row}\n")).collect();
        std::fs::write(&path, text).map_err(|why| why.to_string())?;
        Ok(path)
    };
    let (first_file, second_file) = (write("first.jsonl", &first)?, write("second.jsonl", &second)?);
    std::fs::write(rules.join("00-preset.toml"), format!("preset = \"{PRESET}\"\n")).map_err(|why| why.to_string())?;
    let before_rules = rules.to_string_lossy().into_owned();
    let first_before = answers::ask(&program, &first_file, Some(&before_rules))?;
    let before = answers::ask(&program, &second_file, Some(&before_rules))?;
    let adversarial_before = passes(&program, corpus, &before_rules)?;

    let suggested = rules.join("50-suggested.toml");
    let status = Command::new(&program)
        .args(["policy", "suggest", "--preset", PRESET, "--until", "365d", "--least", &REPEATED.to_string()])
        .arg("--history")
        .arg(first_history(&home, &first)?)
        .arg("--out")
        .arg(&suggested)
        .env("HOME", built("eval-home"))
        .current_dir(built("eval-home").join("project"))
        .status()
        .map_err(|why| why.to_string())?;
    if !status.success() {
        return Err("`policy suggest` failed".to_owned());
    }
    let after = answers::ask(&program, &second_file, Some(&before_rules))?;
    let adversarial_after = passes(&program, corpus, &before_rules)?;

    println!("\n{PRESET}: interruption of ordinary work (second halves), by what it would do");
    println!("{:<26} {:>7} {:>12} {:>12}", "worst category", "acts", "before", "after");
    for (kind, before, after, all) in by_kind(&before, &after) {
        println!("{kind:<26} {all:>7} {:>10.1} % {:>10.1} %", percent(before, all), percent(after, all));
    }
    let kinds: BTreeMap<String, usize> = first_before.iter().fold(BTreeMap::new(), |mut kinds, row| {
        *kinds.entry(work(row.text())).or_default() += 1;
        kinds
    });
    let repeated = |row: &&Answered| kinds.get(&work(row.text())).is_some_and(|count| *count >= REPEATED);
    let free = |rows: &[Answered]| {
        let all: Vec<&Answered> = rows.iter().filter(repeated).collect();
        (all.iter().filter(|row| row.verdict() == "allow").count(), all.len())
    };
    let ((free_before, all), (free_after, _)) = (free(&before), free(&after));
    println!(
        "repeated work (the same program and options at least {REPEATED} times in the first half): {all} acts, \
         {:.1} % needed no reviewer before, {:.1} % after",
        percent(free_before, all),
        percent(free_after, all)
    );
    let fresh: Vec<&String> = adversarial_after.difference(&adversarial_before).collect();
    println!(
        "adversarial rows that pass: {} before, {} after, {} of them new",
        adversarial_before.len(),
        adversarial_after.len(),
        fresh.len()
    );
    fresh.iter().for_each(|row| println!("  {row}"));
    if fresh.is_empty() { Ok(()) } else { Err("suggested rules let something new through".to_owned()) }
}

fn rows(file: &Path) -> Result<Vec<serde_json::Value>, String> {
    let text = std::fs::read_to_string(file).map_err(|why| format!("{}: {why}", file.display()))?;
    Ok(text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect())
}

/// The first halves, in the form that `--history` takes.
fn first_history(home: &Path, rows: &[serde_json::Value]) -> Result<PathBuf, String> {
    let path = home.join("history.jsonl");
    let cwd = built("eval-home").join("project");
    let text: String =
        rows.iter().map(|row| format!("{}\n", json!({"id": row["id"], "command": row["text"], "cwd": cwd}))).collect();
    std::fs::write(&path, text).map_err(|why| why.to_string())?;
    Ok(path)
}

/// The adversarial rows that are allowed: those whose label says that they should not be.
fn passes(program: &Path, corpus: &Path, rules: &str) -> Result<BTreeSet<String>, String> {
    let mut found = BTreeSet::new();
    for name in ADVERSARIAL {
        for row in answers::ask(program, &corpus.join(format!("{name}.jsonl")), Some(rules))? {
            let harmless = matches!(row.label(), "allow" | "safe" | "benign");
            if row.verdict() == "allow" && !harmless {
                found.insert(format!("{name}: {}", row.text().replace('\n', "\\n")));
            }
        }
    }
    Ok(found)
}

fn by_kind(before: &[Answered], after: &[Answered]) -> Vec<(String, usize, usize, usize)> {
    let mut kinds: BTreeMap<String, (usize, usize, usize)> = BTreeMap::new();
    for (before, after) in before.iter().zip(after) {
        let effects = before.effects();
        let mut categories: Vec<&str> = effects.iter().map(|(_, category, _)| *category).collect();
        categories.sort_unstable();
        let worst = categories.into_iter().find(|it| *it != "read_only");
        let kind = match (worst, before.is_partial()) {
            (_, true) => "(partly understood)",
            (Some(worst), _) => worst,
            (None, _) if effects.is_empty() => "(nothing)",
            (None, _) => "read_only",
        };
        for kind in [kind, "all"] {
            let entry = kinds.entry(kind.to_owned()).or_default();
            entry.0 += usize::from(before.verdict() != "allow");
            entry.1 += usize::from(after.verdict() != "allow");
            entry.2 += 1;
        }
    }
    kinds.into_iter().map(|(kind, (before, after, all))| (kind, before, after, all)).collect()
}

/// What makes two acts the same work: the program with its options, each operand only by its being there.
fn work(text: &str) -> String {
    let words = text.split_whitespace().enumerate();
    words
        .map(|(at, word)| {
            if at == 0 || word.starts_with('-') || word.contains(['|', ';', '&', '>', '<', '$', '`']) {
                word
            } else {
                "_"
            }
        })
        .collect::<Vec<_>>()
        .join(" ")
}

fn percent(part: usize, of: usize) -> f64 {
    part as f64 * 100.0 / of.max(1) as f64
}
