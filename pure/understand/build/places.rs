//! Compiles `places/*.toml`: what is kept where.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;

use toml::Table;

/// The files, each with the kind that its places are of.
const FILES: &[(&str, &str)] = &[
    ("credentials", "Credential"),
    ("later", "Later"),
    ("devices", "Device"),
    ("own", "Own"),
    ("harmless", "Harmless"),
    ("spared", "Spared"),
];

struct Place {
    kind: &'static str,
    tool: String,
    root: &'static str,
    parts: Vec<String>,
    below: bool,
}

/// The places as a file of Rust: first those that begin with a plain part, sorted by it; then names with a wildcard;
/// then the others.
pub(crate) fn compile() -> String {
    println!("cargo::rerun-if-changed=places");
    let places: Vec<Place> = FILES.iter().flat_map(|(file, kind)| read(file, kind)).collect();
    let wild = |part: &str| part.contains(['*', '#']);
    let is_name = |place: &Place| place.parts.len() == 1 && place.root == "Anywhere" && !place.below;
    let (mut plain, others): (Vec<Place>, Vec<Place>) = places.into_iter().partition(|place| !wild(&place.parts[0]));
    plain.sort_by(|a, b| a.parts.cmp(&b.parts));
    let (names, others): (Vec<Place>, Vec<Place>) = others.into_iter().partition(is_name);
    let mut out = String::new();
    writeln!(out, "const PLAIN: usize = {};\nconst NAMES: usize = {};", plain.len(), plain.len() + names.len())
        .unwrap();
    writeln!(out, "static PARENTS: &[&str] = &{:?};", parents(&plain).into_iter().collect::<Vec<String>>()).unwrap();
    out.push_str("static ALL: &[Place] = &[\n");
    for Place { kind, tool, root, parts, below } in plain.iter().chain(&names).chain(&others) {
        writeln!(
            out,
            "Place {{ kind: Kind::{kind}, tool: {tool:?}, root: Root::{root}, parts: &{parts:?}, below: {below} }},"
        )
        .unwrap();
    }
    out.push_str("];\n");
    out
}

/// The directories of a home below which credentials lie, without those that are credentials as a whole.
fn parents(places: &[Place]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for place in places.iter().filter(|place| place.kind == "Credential" && place.root != "System") {
        if place.root == "Anywhere" && !place.parts[0].starts_with('.') {
            continue;
        }
        for end in 1..place.parts.len() {
            // What a person keeps there is not a program's.
            if place.parts[0] != "documents" {
                found.insert(place.parts[..end].join("/"));
            }
        }
    }
    found
}

fn read(file: &str, kind: &'static str) -> Vec<Place> {
    let path = format!("places/{file}.toml");
    let text = fs::read_to_string(&path).unwrap_or_else(|why| panic!("{path}: {why}"));
    let table: Table = text.parse().unwrap_or_else(|why| panic!("{path}: {why}"));
    let mut seen = BTreeSet::new();
    let mut places = Vec::new();
    for (topic, tools) in &table {
        for (tool, list) in tools.as_table().unwrap_or_else(|| panic!("{path}: `{topic}` is no table")) {
            for value in list.as_array().unwrap_or_else(|| panic!("{path}: `{tool}` is no list")) {
                let text = value.as_str().unwrap_or_else(|| panic!("{path}: `{tool}` holds what is no text"));
                assert!(seen.insert(text.to_ascii_lowercase()), "{path}: `{text}` is listed twice");
                places.push(place(text, kind, format!("{topic}: {tool}"), &path));
            }
        }
    }
    places
}

fn place(text: &str, kind: &'static str, tool: String, path: &str) -> Place {
    let lower = text.to_ascii_lowercase();
    let (root, rest) = match (lower.strip_prefix("~/"), lower.strip_prefix('/')) {
        (Some(rest), _) => ("Home", rest),
        (None, Some(rest)) => ("System", rest),
        (None, None) => ("Anywhere", lower.as_str()),
    };
    let below = rest.ends_with('/') || (root != "Anywhere" && kind != "Spared");
    let parts: Vec<String> = rest.trim_end_matches('/').split('/').map(str::to_owned).collect();
    assert!(parts.iter().all(|part| !part.is_empty() && part != "."), "{path}: `{text}` is no place");
    Place { kind, tool, root, parts, below }
}
