//! Compiles `exact/looks.toml`: commands that only look, word for word.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;

use toml::{Table, Value};

const PATH: &str = "exact/looks.toml";

/// The patterns by program, sorted by its name.
pub(crate) fn compile() -> String {
    println!("cargo::rerun-if-changed=exact");
    let text = fs::read_to_string(PATH).unwrap_or_else(|why| panic!("{PATH}: {why}"));
    let table: Table = text.parse().unwrap_or_else(|why| panic!("{PATH}: {why}"));
    let looks = table.get("look").and_then(Value::as_array).unwrap_or_else(|| panic!("{PATH}: no `[[look]]`"));
    let mut found: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for look in looks {
        let programs = look.get("programs").and_then(Value::as_str).unwrap_or_else(|| panic!("{PATH}: no `programs`"));
        let patterns =
            look.get("patterns").and_then(Value::as_array).unwrap_or_else(|| panic!("{PATH}: no `patterns`"));
        let patterns: Vec<&str> =
            patterns.iter().map(|it| it.as_str().unwrap_or_else(|| panic!("{PATH}: a pattern is no text"))).collect();
        for pattern in &patterns {
            let words: Vec<&str> = pattern.split_whitespace().collect();
            let early = words.iter().rev().skip(1).any(|word| *word == "*");
            assert!(!early, "{PATH}: `*` is allowed at the end only: `{pattern}`");
        }
        for program in programs.split_whitespace() {
            found.entry(program).or_default().extend(&patterns);
        }
    }
    let mut out = String::from("static LOOKS: &[(&str, &[&str])] = &[\n");
    for (program, patterns) in found {
        writeln!(out, "({program:?}, &{patterns:?}),").unwrap();
    }
    out.push_str("];\n");
    out
}
