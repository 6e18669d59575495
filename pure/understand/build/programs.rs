//! Compiles `programs/*.toml` into a hashed table.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

/// Buckets of the table; about as many as there are names, so that a look-up sees one or two.
const BUCKETS: usize = 4096;

/// The table as a file of Rust.
pub(crate) fn compile() -> String {
    println!("cargo::rerun-if-changed=programs");
    let mut entries: Vec<String> = Vec::new();
    let mut names: BTreeMap<String, usize> = BTreeMap::new();
    let mut prefixes: Vec<(String, usize)> = Vec::new();
    let mut suffixes: Vec<(String, usize)> = Vec::new();
    let mut files = toml_files(Path::new("programs"));
    files.sort();
    for file in files {
        let text = fs::read_to_string(&file).expect("a readable file");
        let table: Table = text.parse().unwrap_or_else(|why| panic!("{}: {why}", file.display()));
        for (key, entry) in &table {
            let place = format!("{}: `{key}`", file.display());
            let entry = entry.as_table().unwrap_or_else(|| panic!("{place}: not a table"));
            let entry = &inherited(&table, entry, &place);
            let own = if entry.contains_key("family") { family(entry, &place) } else { split_names(key) };
            entries.push(program(entry, &place));
            for (key, list) in [("prefixes", &mut prefixes), ("suffixes", &mut suffixes)] {
                for word in entry.get(key).and_then(Value::as_str).unwrap_or("").split_whitespace() {
                    list.push((word.to_owned(), entries.len() - 1));
                }
            }
            for name in own {
                assert!(names.insert(name.clone(), entries.len() - 1).is_none(), "{place}: `{name}` is named twice");
            }
        }
    }
    for name in names.keys() {
        let parent = name.rsplit_once(' ').map_or("", |(parent, _)| parent);
        let first = name.split(' ').next().unwrap_or("");
        assert!(parent.is_empty() || names.contains_key(first), "`{name}` has no entry `{first}`");
    }
    let mut buckets: Vec<Vec<(String, usize)>> = vec![Vec::new(); BUCKETS];
    for (name, entry) in names {
        buckets[bucket(&name)].push((name, entry));
    }
    let mut out = String::from("pub(crate) static PROGRAMS: &[Program] = &[\n");
    out.extend(entries);
    out.push_str("];\npub(crate) static BUCKETS: &[&[(&str, u16)]] = &[\n");
    for bucket in buckets {
        writeln!(out, "&{bucket:?},").unwrap();
    }
    out.push_str("];\n");
    writeln!(out, "pub(crate) static PREFIXES: &[(&str, u16)] = &{prefixes:?};").unwrap();
    writeln!(out, "pub(crate) static SUFFIXES: &[(&str, u16)] = &{suffixes:?};").unwrap();
    out
}

fn toml_files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).expect("programs/").map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| if path.is_dir() { toml_files(&path) } else { vec![path] })
        .filter(|path| path.extension().is_some_and(|it| it == "toml"))
        .collect()
}

/// The entry with the options of the one that it inherits from.
fn inherited(file: &Table, entry: &Table, place: &str) -> Table {
    let mut whole = entry.clone();
    let Some(name) = entry.get("inherits").and_then(Value::as_str) else { return whole };
    let (_, from) = file
        .iter()
        .find(|(key, _)| split_names(key).contains(name))
        .unwrap_or_else(|| panic!("{place}: inherits from `{name}`, which is not in this file"));
    for key in ["flags", "recursive"] {
        let words: Vec<&str> = [&whole, from.as_table().expect("a table")]
            .iter()
            .filter_map(|it| it.get(key).and_then(Value::as_str))
            .collect();
        let joined = words.join(" ");
        whole.insert(key.to_owned(), Value::String(joined));
    }
    for key in ["options", "acts", "each", "pairs"] {
        let mut table = whole.get(key).and_then(Value::as_table).cloned().unwrap_or_default();
        let own: BTreeSet<String> =
            table.keys().flat_map(|names| names.split_whitespace()).map(str::to_owned).collect();
        for (names, value) in from.get(key).and_then(Value::as_table).into_iter().flatten() {
            let rest: Vec<&str> = names.split_whitespace().filter(|name| !own.contains(*name)).collect();
            table.entry(rest.join(" ")).or_insert_with(|| value.clone());
        }
        whole.insert(key.to_owned(), Value::Table(table));
    }
    whole
}

fn split_names(key: &str) -> BTreeSet<String> {
    key.split(" | ").map(str::to_owned).collect()
}

/// The programs of a family.
fn family(entry: &Table, place: &str) -> BTreeSet<String> {
    let programs = entry.get("programs").and_then(Value::as_str).unwrap_or_else(|| panic!("{place}: no `programs`"));
    let names: Vec<&str> = programs.split_whitespace().collect();
    let set: BTreeSet<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let twice = names.iter().find(|name| names.iter().filter(|it| it == name).count() > 1);
    assert!(twice.is_none(), "{place}: `{}` is listed twice", twice.unwrap_or(&""));
    set
}

/// FNV-1a; `knowledge.rs` has the same.
fn bucket(name: &str) -> usize {
    let hash = name
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    usize::try_from(hash % BUCKETS as u64).unwrap()
}

fn program(entry: &Table, place: &str) -> String {
    const KEYS: &[&str] = &[
        "family",
        "programs",
        "prefixes",
        "suffixes",
        "operands",
        "first",
        "last",
        "always",
        "flags",
        "options",
        "recursive",
        "wraps",
        "joins",
        "subcommands",
        "verbs",
        "assigns",
        "loose",
        "acts",
        "each",
        "instead",
        "shows",
        "style",
        "inherits",
        "pairs",
        "pipes",
        "remote",
        "examples",
    ];
    for key in entry.keys() {
        assert!(KEYS.contains(&key.as_str()), "{place}: unknown key `{key}`");
    }
    assert!(entry.contains_key("examples"), "{place}: no `examples`");
    let text =
        |key: &str| entry.get(key).map(|it| it.as_str().unwrap_or_else(|| panic!("{place}: `{key}` is no text")));
    let optional = |key: &str| text(key).map_or("None".to_owned(), |it| format!("Some({})", roles(it, place)));
    let words = |key: &str| -> Vec<&str> {
        let mut words: Vec<&str> = text(key).unwrap_or("").split_whitespace().collect();
        words.sort_unstable();
        words.dedup();
        words
    };
    let mut options: Vec<(&str, String)> = Vec::new();
    if let Some(table) = entry.get("options").and_then(Value::as_table) {
        for (names, value) in table {
            let meaning = roles(value.as_str().unwrap_or(""), place);
            // What an option of this name reads is a list of further files, whatever the program.
            let of = |option: &str| {
                let lists = matches!(option, "--files-from" | "--files0-from" | "--file-list" | "--filelist");
                if lists && meaning == "&[Role::Read]" { "&[Role::Names]".to_owned() } else { meaning.clone() }
            };
            options.extend(names.split_whitespace().map(|option| (option, of(option))));
        }
    }
    options.sort();
    for pair in options.windows(2) {
        assert!(pair[0].0 != pair[1].0, "{place}: option `{}` is listed twice", pair[0].0);
    }
    let by_option = |key: &str| -> String {
        let mut acts: Vec<(&str, String)> = Vec::new();
        if let Some(table) = entry.get(key).and_then(Value::as_table) {
            for (names, value) in table {
                let meaning = roles(value.as_str().unwrap_or(""), place);
                acts.extend(names.split_whitespace().map(|option| (option, meaning.clone())));
            }
        }
        acts.sort();
        acts.iter().map(|(option, role)| format!("({option:?}, {role})")).collect::<Vec<_>>().join(", ")
    };
    let style = match text("style").unwrap_or("long") {
        "long" => "Long",
        "bundle" => "Bundle",
        "word" => "Word",
        "apart" => "Apart",
        other => panic!("{place}: no style `{other}`"),
    };
    let flag = |key: &str| entry.get(key).and_then(Value::as_bool).unwrap_or(false);
    let operands = text("operands").or(text("loose")).unwrap_or("opaque");
    let mut line = String::new();
    writeln!(
        line,
        "Program {{ operands: {}, first: {}, last: {}, always: {}, loose: {}, flags: &{:?}, \
         options: &[{}], acts: &[{}], each: &[{}], instead: &{:?}, shows: &{:?}, recursive: &{:?}, wraps: {:?}, joins: {}, subcommands: {}, verbs: {}, assigns: {}, style: Style::{}, pairs: &[{}], pipes: &{:?}, remote: {} }},",
        roles(operands, place),
        optional("first"),
        optional("last"),
        roles(text("always").unwrap_or("text"), place),
        optional("loose"),
        words("flags"),
        options.iter().map(|(option, role)| format!("({option:?}, {role})")).collect::<Vec<_>>().join(", "),
        by_option("acts"),
        by_option("each"),
        words("instead"),
        words("shows"),
        words("recursive"),
        entry.get("wraps").and_then(Value::as_integer),
        flag("joins"),
        flag("subcommands") || entry.contains_key("verbs"),
        text("verbs").map_or("None".to_owned(), |it| format!("Some({})", role(it, place))),
        flag("assigns"),
        style,
        by_option("pairs"),
        words("pipes"),
        flag("remote"),
    )
    .expect("writing to a string");
    line
}

fn roles(words: &str, place: &str) -> String {
    let list: Vec<String> =
        words.split_whitespace().filter(|word| *word != "text").map(|word| role(word, place)).collect();
    format!("&[{}]", list.join(", "))
}

/// The name of the variant: the word with a capital. That it exists, the compiler checks.
fn role(word: &str, place: &str) -> String {
    let mut letters = word.chars();
    let first = letters.next().unwrap_or_else(|| panic!("{place}: an empty role"));
    format!("Role::{}{}", first.to_ascii_uppercase(), letters.as_str())
}
