//! Compiles `secrets.toml` into tables. A mistake in the file stops the build and names the entry.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a mistake in the data must stop the build"
)]

use std::fmt::Write as _;
use std::path::Path;

use toml::{Table, Value};

const FILE: &str = "secrets.toml";

fn main() {
    println!("cargo::rerun-if-changed={FILE}");
    let text = std::fs::read_to_string(FILE).unwrap_or_else(|why| panic!("{FILE}: {why}"));
    let table: Table = text.parse().unwrap_or_else(|why| panic!("{FILE}: {why}"));
    let target = std::env::var("OUT_DIR").expect("OUT_DIR");
    std::fs::write(Path::new(&target).join("tables.rs"), tables(&table)).expect("a writable OUT_DIR");
}

fn tables(secrets: &Table) -> String {
    let mut out = String::new();
    let mut prefixes: Vec<(String, usize, String)> = Vec::new();
    for (kind, list) in secrets.get("prefixes").and_then(Value::as_table).into_iter().flatten() {
        for entry in list.as_str().unwrap_or("").split_whitespace() {
            let (prefix, least) = entry.rsplit_once('/').unwrap_or_else(|| panic!("{FILE}: `{entry}` gives no length"));
            prefixes.push((prefix.to_owned(), least.parse().expect("a length"), kind.clone()));
        }
    }
    // The longest prefix first, so that `sk-ant-` is not taken for `sk-`.
    prefixes.sort_by(|a, b| b.0.len().cmp(&a.0.len()).then(a.0.cmp(&b.0)));
    for pair in prefixes.windows(2) {
        assert!(pair[0].0 != pair[1].0, "{FILE}: `{}` is listed twice", pair[0].0);
    }
    writeln!(out, "pub(crate) static SECRET_PREFIXES: &[(&str, usize, &str)] = &{prefixes:?};").unwrap();
    let mut by_byte: Vec<Vec<u16>> = vec![Vec::new(); 128];
    for (at, (prefix, ..)) in prefixes.iter().enumerate() {
        by_byte[usize::from(prefix.as_bytes()[0])].push(u16::try_from(at).unwrap());
    }
    let by_byte: Vec<String> = by_byte.iter().map(|list| format!("&{list:?}")).collect();
    writeln!(out, "pub(crate) static SECRET_PREFIXES_BY_BYTE: &[&[u16]] = &[{}];", by_byte.join(", ")).unwrap();
    let mut names: Vec<(String, String)> = Vec::new();
    for (kind, list) in secrets.get("names").and_then(Value::as_table).into_iter().flatten() {
        names.extend(list.as_str().unwrap_or("").split_whitespace().map(|word| (word.to_owned(), kind.clone())));
    }
    writeln!(out, "pub(crate) static SECRET_NAMES: &[(&str, &str)] = &{names:?};").unwrap();
    out
}
