//! Every example of every entry in `programs/`: the effects it names are among those found, and coverage is as it says.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

use std::fs;

use model::Coverage;
use toml::{Table, Value};
use understand::read_blind;

fn entries() -> Vec<(String, String, Table)> {
    let mut files: Vec<_> = fs::read_dir("programs").unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut found = Vec::new();
    for file in files.iter().filter(|file| file.extension().is_some_and(|it| it == "toml")) {
        let table: Table = fs::read_to_string(file).unwrap().parse().unwrap();
        for (key, entry) in table {
            found.push((file.display().to_string(), key, entry.as_table().unwrap().clone()));
        }
    }
    found
}

/// The effects as examples write them: paths relative to the working directory.
fn effects(text: &str) -> (Vec<String>, bool) {
    let intent = read_blind(text);
    let effects = intent
        .operations()
        .map(|it| {
            let resource = it.resource.text();
            format!("{} {}", it.action.as_str(), resource.strip_prefix("/work/project/").unwrap_or(resource))
        })
        .collect();
    (effects, matches!(intent.coverage(), Coverage::Partial(_)))
}

#[test]
fn every_example_has_its_effects() {
    let mut problems = Vec::new();
    let mut count = 0;
    for (file, key, entry) in entries() {
        let examples = entry.get("examples").and_then(Value::as_str).unwrap_or("");
        for line in examples.lines().filter(|line| !line.trim().is_empty()) {
            count += 1;
            let (command, expected) =
                line.split_once(" => ").unwrap_or_else(|| panic!("{file}: `{key}`: no ` => ` in `{line}`"));
            let (found, partial) = effects(command);
            let mut wants_partial = false;
            for expected in expected.split("; ") {
                let known = match expected {
                    "?" => {
                        wants_partial = true;
                        true
                    }
                    "nothing" => found.is_empty(),
                    _ if expected.contains(' ') => found.iter().any(|it| it == expected),
                    action => found.iter().any(|it| it.split(' ').next() == Some(action)),
                };
                if !known {
                    problems.push(format!("{file}: `{command}`: no `{expected}` in {found:?}"));
                }
            }
            if partial != wants_partial {
                let why = read_blind(command).coverage();
                problems.push(format!("{file}: `{command}`: coverage partial is {partial}: {why:?}"));
            }
        }
        if examples.trim().is_empty() {
            problems.push(format!("{file}: `{key}` has no example"));
        }
    }
    assert!(problems.is_empty(), "{} problems in {count} examples:\n{}", problems.len(), problems.join("\n"));
    assert!(count > 200, "only {count} examples were found");
}

#[test]
fn no_entry_that_promises_more_than_reading_is_a_mere_read() {
    for (file, key, entry) in entries() {
        let loose = entry.get("loose").and_then(Value::as_str).unwrap_or("text");
        let reads = loose.split_whitespace().all(|role| matches!(role, "text" | "read" | "look" | "inspect"));
        if reads || entry.contains_key("family") || entry.contains_key("verbs") {
            continue;
        }
        for name in key.split(" | ") {
            let intent = read_blind(&format!("{name} --made-up-option some/file.x"));
            let acts = intent.operations().any(|it| !matches!(it.action, model::Action::Read | model::Action::Inspect));
            let open = matches!(intent.coverage(), Coverage::Partial(_));
            assert!(acts || open, "{file}: `{name}` would be taken for a mere read");
        }
    }
}

#[test]
fn every_program_of_a_family_is_known_and_none_of_them_is_a_mere_read() {
    for (file, key, entry) in entries() {
        let names = entry.get("programs").and_then(Value::as_str).unwrap_or("");
        for name in names.split_whitespace() {
            let intent = read_blind(&format!("{name} --made-up-option some/file.x"));
            let known = intent
                .segments
                .iter()
                .flat_map(|it| &it.unknowns)
                .all(|it| it.why != "this program is not known to us");
            assert!(known, "{file}: `{key}`: {name}");
            let acts = intent.operations().any(|it| !matches!(it.action, model::Action::Read | model::Action::Inspect));
            assert!(acts, "{file}: `{key}`: `{name}` would be taken for a mere read");
        }
    }
}

#[test]
fn readers_list_their_options_whole() {
    // What only prints its words has no option that does more.
    const WORDS: &str = "echo | printf | yes | expr | factor | true | false | : | test | [ | pwd | sleep | usleep";
    let reads = |entry: &Table, key: &str| {
        let roles = entry.get(key).and_then(Value::as_str).unwrap_or("");
        roles.split_whitespace().all(|role| matches!(role, "text" | "read" | "look" | "inspect"))
    };
    for (file, key, entry) in entries() {
        let own = ["coreutils", "text", "files", "system", "network"].iter().any(|it| file.contains(it));
        let mere = entry.contains_key("loose")
            && ["loose", "always", "operands", "first", "last"].iter().all(|part| reads(&entry, part))
            && !entry.contains_key("wraps")
            && !entry.contains_key("verbs");
        assert!(!own || !mere || key == WORDS, "{file}: `{key}` can end in a mere read, and has `loose`");
    }
}
