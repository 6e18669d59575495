//! Compiles `languages/*.toml`: which functions of a language's library do what, and lists of words.

use std::fmt::Write as _;
use std::fs;

use toml::{Table, Value};

const LANGUAGES: &[&str] = &["python", "perl", "ruby", "javascript", "php", "lua", "other"];

fn table(name: &str) -> Table {
    println!("cargo::rerun-if-changed=languages");
    let path = format!("languages/{name}.toml");
    let text = fs::read_to_string(&path).unwrap_or_else(|why| panic!("{path}: {why}"));
    text.parse().unwrap_or_else(|why| panic!("{path}: {why}"))
}

fn words_of<'a>(table: &'a Table, key: &str) -> Vec<&'a str> {
    table.get(key).and_then(Value::as_str).unwrap_or("").split_whitespace().collect()
}

/// The languages as a file of Rust.
pub(crate) fn compile() -> String {
    let mut out = String::from("pub(crate) static LANGUAGES: &[Language] = &[\n");
    for name in LANGUAGES {
        let table = table(name);
        let words = |key: &str| format!("&{:?}", words_of(&table, key));
        let letters = |key: &str| format!("&{:?}", words_of(&table, key).concat().chars().collect::<Vec<char>>());
        let flag = |key: &str| table.get(key).and_then(Value::as_bool).unwrap_or(false);
        let mut calls: Vec<(String, String)> = Vec::new();
        for (act, names) in table.get("calls").and_then(Value::as_table).into_iter().flatten() {
            let act = act_of(act);
            let names = names.as_str().unwrap_or_else(|| panic!("{name}: `{act}` is no text"));
            calls.extend(names.split_whitespace().map(|name| (name.to_owned(), act.clone())));
        }
        calls.sort();
        for pair in calls.windows(2) {
            assert!(pair[0].0 != pair[1].0, "{name}: `{}` is listed twice", pair[0].0);
        }
        let calls: Vec<String> = calls.iter().map(|(name, act)| format!("({name:?}, {act})")).collect();
        writeln!(
            out,
            "Language {{ name: {:?}, programs: {}, code: {}, modules: {}, values: {}, lexis: Lexis {{ comments: {}, filled: {}, \
             triple: {}, back_quote_runs: {}, joins: {}, sigils: {} }}, calls: &[{}], imports: {}, modules_known: {}, keywords: {} }},",
            table.get("name").and_then(Value::as_str).unwrap_or(name),
            words("programs"),
            words("code"),
            words("modules"),
            words("values"),
            words("comments"),
            letters("filled"),
            flag("triple_quotes"),
            flag("back_quote_runs"),
            words("joins"),
            letters("sigils"),
            calls.join(", "),
            words("imports"),
            words("modules_known"),
            words("keywords"),
        )
        .unwrap();
    }
    out.push_str("];\n");
    out
}

fn act_of(word: &str) -> String {
    match word {
        "pure" => "Act::Pure".to_owned(),
        "open" => "Act::Open".to_owned(),
        "shell" => "Act::Shell".to_owned(),
        "exec" => "Act::Exec".to_owned(),
        "code_made" => "Act::Code".to_owned(),
        "environment" => "Act::Environment".to_owned(),
        "elevate" => "Act::Elevate".to_owned(),
        role => {
            let mut letters = role.chars();
            let first = letters.next().unwrap().to_ascii_uppercase();
            format!("Act::On(Role::{first}{})", letters.as_str())
        }
    }
}

/// Lists of words as a file of Rust.
pub(crate) fn words() -> String {
    let mut out = String::new();
    for (file, prefix) in [("subcommands", ""), ("sql", "SQL_")] {
        for (key, words) in table(file) {
            let mut words: Vec<&str> = words.as_str().unwrap_or("").split_whitespace().collect();
            words.sort_unstable();
            writeln!(out, "pub(crate) static {prefix}{}: &[&str] = &{words:?};", key.to_ascii_uppercase()).unwrap();
        }
    }
    out
}
