//! Compiles `programs/*.toml` into a sorted table, so that knowing five hundred programs costs nothing at start-up.
//!
//! A mistake in a file stops the build and names the file, the program and the key.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "a mistake in the data must stop the build")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::{env, fs, path::Path};

use toml::{Table, Value};

const ROLES: &[(&str, &str)] = &[
    ("text", "Text"),
    ("read", "Read"),
    ("write", "Write"),
    ("delete", "Delete"),
    ("inspect", "Inspect"),
    ("url", "Url"),
    ("host", "Host"),
    ("send", "Send"),
    ("install", "Install"),
    ("control", "Control"),
    ("permit", "Permit"),
    ("elevate", "Elevate"),
    ("shell", "Shell"),
    ("program", "Program"),
    ("code", "Code"),
    ("script", "Script"),
    ("database", "Database"),
    ("history", "History"),
    ("container", "Container"),
    ("cloud", "Cloud"),
    ("persist", "Persist"),
    ("opaque", "Opaque"),
];

fn main() {
    println!("cargo::rerun-if-changed=programs");
    let mut programs: BTreeMap<String, String> = BTreeMap::new();
    let mut files: Vec<_> = fs::read_dir("programs").expect("programs/").map(|entry| entry.unwrap().path()).collect();
    files.sort();
    for file in files.iter().filter(|file| file.extension().is_some_and(|it| it == "toml")) {
        let text = fs::read_to_string(file).expect("a readable file");
        let table: Table = text.parse().unwrap_or_else(|why| panic!("{}: {why}", file.display()));
        for (names, entry) in table {
            for name in names.split(" | ") {
                let place = format!("{}: `{name}`", file.display());
                let line = program(name, entry.as_table().unwrap_or_else(|| panic!("{place}: not a table")), &place);
                assert!(programs.insert(name.to_owned(), line).is_none(), "{place}: named twice");
            }
        }
    }
    let mut out = String::from("pub(crate) static PROGRAMS: &[Program] = &[\n");
    for line in programs.values() {
        out.push_str(line);
    }
    out.push_str("];\n");
    let target = Path::new(&env::var("OUT_DIR").expect("OUT_DIR")).join("programs.rs");
    fs::write(target, out).expect("a writable OUT_DIR");
}

fn program(name: &str, entry: &Table, place: &str) -> String {
    const KEYS: &[&str] = &[
        "operands",
        "first",
        "last",
        "always",
        "flags",
        "options",
        "recursive",
        "wraps",
        "subcommands",
        "assigns",
        "example",
    ];
    for key in entry.keys() {
        assert!(KEYS.contains(&key.as_str()), "{place}: unknown key `{key}`");
    }
    let role_of = |key: &str| entry.get(key).map(|it| role(it.as_str().unwrap_or(""), place));
    let optional = |key: &str| role_of(key).map_or("None".to_owned(), |it| format!("Some({it})"));
    let words = |key: &str| -> Vec<String> {
        let mut words: Vec<String> =
            entry.get(key).and_then(Value::as_str).unwrap_or("").split_whitespace().map(str::to_owned).collect();
        words.sort();
        words
    };
    let mut options: Vec<(String, String)> = Vec::new();
    if let Some(table) = entry.get("options").and_then(Value::as_table) {
        for (names, value) in table {
            let meaning = role(value.as_str().unwrap_or(""), place);
            options.extend(names.split_whitespace().map(|option| (option.to_owned(), meaning.clone())));
        }
    }
    options.sort();
    let mut line = String::new();
    writeln!(
        line,
        "Program {{ name: {name:?}, operands: {}, first: {}, last: {}, always: {}, flags: &{:?}, options: &[{}], \
         recursive: &{:?}, wraps: {:?}, subcommands: {}, assigns: {} }},",
        role_of("operands").unwrap_or_else(|| "Role::Opaque".to_owned()),
        optional("first"),
        optional("last"),
        optional("always"),
        words("flags"),
        options.iter().map(|(option, role)| format!("({option:?}, {role})")).collect::<Vec<_>>().join(", "),
        words("recursive"),
        entry.get("wraps").and_then(Value::as_integer),
        entry.get("subcommands").and_then(Value::as_bool).unwrap_or(false),
        entry.get("assigns").and_then(Value::as_bool).unwrap_or(false),
    )
    .expect("writing to a string");
    line
}

fn role(word: &str, place: &str) -> String {
    let known = ROLES.iter().find(|(name, _)| *name == word);
    let (_, variant) = known.unwrap_or_else(|| panic!("{place}: `{word}` is no role"));
    format!("Role::{variant}")
}
