//! Compiles `variables/inherited.toml`: what of an environment steers programs, and what does not.

use std::fmt::Write as _;
use std::fs;

use toml::Table;

const PATH: &str = "variables/inherited.toml";

/// The lists as a file of Rust: a constant for each list of words, and two tables by name.
pub(crate) fn compile() -> String {
    println!("cargo::rerun-if-changed=variables");
    let text = fs::read_to_string(PATH).unwrap_or_else(|why| panic!("{PATH}: {why}"));
    let table: Table = text.parse().unwrap_or_else(|why| panic!("{PATH}: {why}"));
    let mut out = String::new();
    for (name, section, key) in [
        ("WATCHED", None, "watched"),
        ("OF_A_SESSION", None, "session"),
        ("EDITORS", Some("values"), "editors"),
        ("SHELLS", Some("values"), "shells"),
        ("FAMILIES", Some("steer"), "families"),
        ("NAMES", Some("steer"), "names"),
        ("ENDINGS", Some("steer"), "endings"),
        ("HARMLESS_FAMILIES", Some("harmless"), "families"),
        ("HARMLESS", Some("harmless"), "names"),
    ] {
        let from = section.map_or(&table, |it| section_of(&table, it));
        let list = from.get(key).unwrap_or_else(|| panic!("{PATH}: `{key}` is missing"));
        writeln!(out, "const {name}: &[&str] = &{:?};", words(key, list)).unwrap();
    }
    let shown = table.get("only_show").unwrap_or_else(|| panic!("{PATH}: `only_show` is missing"));
    writeln!(out, "pub(crate) const ONLY_SHOW: &[&str] = &{:?};", words("only_show", shown)).unwrap();
    out.push_str("const READERS: &[(&str, &[&str])] = &[\n");
    for (names, programs) in section_of(&table, "readers") {
        for name in names.split_whitespace() {
            writeln!(out, "({name:?}, &{:?}),", words(names, programs)).unwrap();
        }
    }
    out.push_str("];\nconst USUAL: &[(&str, &[&str])] = &[\n");
    for (names, values) in section_of(&table, "usual") {
        let values = values.as_array().unwrap_or_else(|| panic!("{PATH}: `{names}` is no list"));
        let values: Vec<&str> =
            values.iter().map(|it| it.as_str().unwrap_or_else(|| panic!("{PATH}: `{names}` holds no text"))).collect();
        for value in &values {
            let stars = value.replace("**", "*").matches('*').count();
            assert!(stars < 2, "{PATH}: `{value}` has more than one `*`");
        }
        for name in names.split_whitespace() {
            writeln!(out, "({name:?}, &{values:?}),").unwrap();
        }
    }
    out.push_str("];\n");
    out
}

fn section_of<'a>(table: &'a Table, name: &str) -> &'a Table {
    table.get(name).and_then(toml::Value::as_table).unwrap_or_else(|| panic!("{PATH}: `[{name}]` is missing"))
}

fn words<'a>(key: &str, list: &'a toml::Value) -> Vec<&'a str> {
    let text = list.as_str().unwrap_or_else(|| panic!("{PATH}: `{key}` is no text"));
    let words: Vec<&str> = text.split_whitespace().collect();
    for (at, word) in words.iter().enumerate() {
        assert!(!words[..at].contains(word), "{PATH}: `{key}` lists `{word}` twice");
    }
    words
}
