//! Our tables compared with what the programs themselves say of their options (`manuals/options.toml`, kept by
//! `cargo xtask options --update`). A value that we take for an operand hides an operand, and the other way round.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use toml::{Table, Value};

/// The tables that are held against the programs.
const FILES: [&str; 6] = ["coreutils", "text", "files", "system", "network", "wrappers"];

/// Words in an option's name that sound like more than a text or a flag.
const SUSPICIOUS: [&str; 23] = [
    "output", "write", "exec", "command", "delete", "remove", "kill", "clear", "program", "script", "config", "load",
    "file", "log", "pager", "editor", "shell", "host", "plugin", "source", "library", "save", "dump",
];

fn table(path: &str) -> Table {
    fs::read_to_string(path).unwrap().parse().unwrap()
}

/// The words of a key: of a text, or the names in a table of options.
fn words<'a>(entry: &'a Table, key: &str) -> BTreeSet<&'a str> {
    match entry.get(key) {
        Some(Value::String(text)) => text.split_whitespace().collect(),
        Some(Value::Table(table)) => table.keys().flat_map(|names| names.split_whitespace()).collect(),
        _ => BTreeSet::new(),
    }
}

fn entries() -> BTreeMap<String, Table> {
    let mut found = BTreeMap::new();
    for file in FILES {
        for (key, entry) in table(&format!("programs/{file}.toml")) {
            for name in key.split(" | ") {
                found.insert(name.to_owned(), entry.as_table().unwrap().clone());
            }
        }
    }
    found
}

/// What an entry says that an option takes: `flags`, `values` or `optional`; nothing where it is not listed.
fn ours(entry: &Table, option: &str) -> Option<&'static str> {
    let flag = words(entry, "flags").contains(option) || words(entry, "recursive").contains(option);
    let value = words(entry, "options").contains(option) || words(entry, "pairs").contains(option);
    let digit = option.len() == 2 && option.ends_with(|c: char| c.is_ascii_digit());
    if digit && words(entry, "flags").contains("-#") {
        return None;
    }
    match (flag, value) {
        (true, true) => Some("optional"),
        (false, true) => Some("values"),
        (true, false) => Some("flags"),
        (false, false) => {
            let does = words(entry, "acts").contains(option);
            // What is glued to an option of `each` is a suffix.
            (does && !words(entry, "each").contains(option)).then_some("flags")
        }
    }
}

#[test]
fn options_take_what_the_programs_say() {
    let explained = table("manuals/explained.toml");
    let entries = entries();
    let (mut problems, mut count) = (Vec::new(), 0);
    for (name, said) in table("manuals/options.toml") {
        let (Some(entry), said) = (entries.get(&name), said.as_table().unwrap()) else { continue };
        let reasons = explained.get(&name).and_then(Value::as_table).cloned().unwrap_or_default();
        let is_explained = |option: &str| reasons.keys().any(|names| names.split(' ').any(|it| it == option));
        for theirs in ["flags", "values", "optional"] {
            for option in words(said, theirs) {
                let Some(ours) = ours(entry, option) else { continue };
                count += 1;
                let acts = ["acts", "each"].iter().any(|key| words(entry, key).contains(option));
                let plain = entry.get("options").and_then(Value::as_table).is_none_or(|options| {
                    options.iter().all(|(names, roles)| {
                        !names.split(' ').any(|it| it == option) || roles.as_str() == Some("text")
                    })
                });
                // A wrapper's flag with a value that is glued to it is not understood, and its words name no files.
                let wraps = entry.contains_key("wraps");
                if wraps && (ours, theirs) == ("flags", "optional") {
                    continue;
                }
                let sounds = !wraps && option.split('-').any(|word| SUSPICIOUS.contains(&word));
                if ours != theirs && !is_explained(option) {
                    problems.push(format!("{name} {option}: the program says {theirs}, we say {ours}"));
                } else if sounds && plain && !acts && !is_explained(option) {
                    problems.push(format!("{name} {option}: sounds like more than a text or a flag"));
                }
            }
        }
    }
    assert!(problems.is_empty(), "{} problems:\n{}", problems.len(), problems.join("\n"));
    assert!(count > 1_000, "only {count} options were compared");
}
