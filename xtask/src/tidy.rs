//! The house rules, as checks over the text of the tree. Each check has a test below that plants a violation and must
//! find it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use toml::{Table, Value};

use crate::generate;
use crate::run::root;

/// Files by path from the root.
type Tree = BTreeMap<String, String>;

/// A check: its name, and what it finds.
type Check = (&'static str, fn(&Tree) -> Vec<String>);

const CHECKS: &[Check] = &[
    ("law of dependence", dependence),
    ("pure layer", purity),
    ("unsafe code", unsafe_code),
    ("file length", length),
    ("dependency table", dependencies),
    ("changelog", changelog),
    ("generated files", generated),
    ("lints", lints),
    ("documents", documents),
    ("words", words),
];

/// Above this many lines a file says in its header why it is long.
const LONG: usize = 600;

/// Above this many lines a file stands in the ratchet and may only shrink.
const RATCHET: usize = 320;

/// The ratchet: path and lines.
const RATCHET_FILE: &str = "xtask/long-files.toml";

/// Runs every check over the working tree.
pub(crate) fn main() -> Result<(), String> {
    let tree = tree()?;
    let mut found = 0_usize;
    for (name, check) in CHECKS {
        for problem in check(&tree) {
            eprintln!("tidy: {name}: {problem}");
            found = found.saturating_add(1);
        }
    }
    if found == 0 {
        eprintln!("tidy: {} checks over {} files hold", CHECKS.len(), tree.len());
        Ok(())
    } else {
        Err(format!("tidy found {found} problem(s)"))
    }
}

/// Every text file that git tracks or would track.
pub(crate) fn tree() -> Result<Tree, String> {
    let listed = Command::new("git")
        .args(["ls-files", "-co", "--exclude-standard"])
        .current_dir(root())
        .output()
        .map_err(|why| format!("git: {why}"))?;
    let names = String::from_utf8(listed.stdout).map_err(|_| "a file name is not UTF-8")?;
    let mut tree = Tree::new();
    for name in names.lines() {
        if let Ok(text) = fs::read_to_string(Path::new(&root()).join(name)) {
            tree.insert(name.to_owned(), text);
        }
    }
    Ok(tree)
}

/// The layer of a path: its first directory.
fn layer(path: &str) -> &str {
    path.split('/').next().unwrap_or("")
}

/// The manifests of what is built with the product; `bench/` only measures against others.
fn manifests(tree: &Tree) -> impl Iterator<Item = (&String, &String)> {
    tree.iter().filter(|(path, _)| path.ends_with("/Cargo.toml") && layer(path) != "bench")
}

/// Our packages: name and directory, and the names they depend on outside tests.
fn packages(tree: &Tree) -> Vec<(String, String, Vec<String>)> {
    manifests(tree)
        .filter_map(|(path, text)| {
            let table: Table = text.parse().ok()?;
            let name = table.get("package")?.get("name")?.as_str()?.to_owned();
            let wanted = ["dependencies", "build-dependencies"];
            let wanted = wanted.iter().filter_map(|key| table.get(*key).and_then(Value::as_table));
            let place = path.trim_end_matches("/Cargo.toml").to_owned();
            Some((name, place, wanted.flat_map(|it| it.keys().cloned()).collect()))
        })
        .collect()
}

/// Programs see both layers, edges see the pure layer, the pure layer sees itself; nothing sees sideways at the edge.
fn dependence(tree: &Tree) -> Vec<String> {
    let packages = packages(tree);
    let layers: BTreeMap<&str, &str> = packages.iter().map(|(name, path, _)| (name.as_str(), layer(path))).collect();
    let mut problems = Vec::new();
    for (name, path, wanted) in &packages {
        for other in wanted {
            let Some(their) = layers.get(other.as_str()) else { continue };
            let allowed: &[&str] = match layer(path) {
                "pure" | "edge" => &["pure"],
                "bin" => &["pure", "edge"],
                _ => &["pure", "edge", "testkit"],
            };
            if !allowed.contains(their) {
                problems.push(format!("`{name}` ({}) depends on `{other}` ({their})", layer(path)));
            }
        }
        let judges_by_reading = name == "pdp" && wanted.iter().any(|other| other == "understand");
        if judges_by_reading {
            problems.push("`pdp` must not know how texts are read".to_owned());
        }
    }
    for banned in ["common", "util", "utils", "types", "helpers", "misc"] {
        if layers.contains_key(banned) {
            problems.push(format!("there is no `{banned}`: say what the crate is about"));
        }
    }
    problems
}

/// The source of a file without its tests, and without comments.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let end = text.find("#[cfg(test)]").unwrap_or(text.len());
    text.get(..end).unwrap_or(text).lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//"))
}

fn purity(tree: &Tree) -> Vec<String> {
    const BANNED: &[&str] = &[
        "std::fs",
        "std::net",
        "std::process",
        "std::thread",
        "std::os",
        "std::env",
        "SystemTime",
        "Instant::",
        "HashMap",
        "HashSet",
        "println!",
        "eprintln!",
        "getrandom",
        "rand::",
        "thread_local!",
        "static mut",
        "tokio",
        "unsafe",
    ];
    let sources =
        tree.iter().filter(|(path, _)| path.starts_with("pure/") && path.contains("/src/") && path.ends_with(".rs"));
    sources
        .flat_map(|(path, text)| {
            code(text).flat_map(move |(line, code)| {
                // `operand::x` holds `rand::`, and is another word.
                let names = move |word: &&&str| {
                    let inside = |c: char| c.is_alphanumeric() || c == '_';
                    code.match_indices(**word)
                        .any(|(at, _)| !code.get(..at).is_some_and(|before| before.ends_with(inside)))
                };
                let found = BANNED.iter().filter(names);
                found.map(move |word| {
                    format!("{path}:{}: `{word}` has no place in the pure layer", line.saturating_add(1))
                })
            })
        })
        .collect()
}

fn unsafe_code(tree: &Tree) -> Vec<String> {
    let sources = tree.iter().filter(|(path, _)| path.ends_with(".rs") && !path.starts_with("xtask/"));
    let mut problems = Vec::new();
    for (path, text) in sources {
        let lines: Vec<&str> = text.lines().collect();
        for (at, line) in lines.iter().enumerate() {
            let opens = line.contains("unsafe {") || line.trim_start().starts_with("unsafe impl");
            if !opens || line.trim_start().starts_with("//") {
                continue;
            }
            if !path.starts_with("edge/host/") {
                problems.push(format!("{path}:{}: `unsafe` lives in `edge/host`", at.saturating_add(1)));
            }
            let reasoned = lines.iter().take(at).rev().take(3).any(|before| before.contains("SAFETY:"));
            if !reasoned {
                problems.push(format!("{path}:{}: an `unsafe` without its `SAFETY:` reason", at.saturating_add(1)));
            }
        }
    }
    problems
}

fn length(tree: &Tree) -> Vec<String> {
    let known: Table = tree.get(RATCHET_FILE).and_then(|text| text.parse().ok()).unwrap_or_default();
    let mut problems = Vec::new();
    for (path, text) in
        tree.iter().filter(|(path, _)| path.ends_with(".rs") || path.ends_with(".ts") || path.ends_with(".tsx"))
    {
        let lines = text.lines().count();
        let header: String = text.lines().take_while(|line| line.starts_with("//")).collect();
        if lines > LONG && !header.contains("Long because") {
            problems.push(format!("{path} has {lines} lines; above {LONG} the header says why (`Long because …`)"));
        }
        let allowed = known.get(path).and_then(Value::as_integer).and_then(|it| usize::try_from(it).ok());
        match allowed {
            None if lines > RATCHET => {
                problems.push(format!("{path} has {lines} lines; split it, or add `\"{path}\" = {lines}` to {RATCHET_FILE} and say why in the commit"));
            }
            Some(allowed) if lines > allowed => {
                problems.push(format!("{path} grew from {allowed} to {lines} lines; it may only shrink"))
            }
            Some(_) if lines <= RATCHET => problems.push(format!("{path} is short now: take it out of {RATCHET_FILE}")),
            Some(_) | None => {}
        }
    }
    for path in known.keys().filter(|path| !tree.contains_key(*path)) {
        problems.push(format!("{path} is gone: take it out of {RATCHET_FILE}"));
    }
    problems
}

fn dependencies(tree: &Tree) -> Vec<String> {
    let parse = |path: &str| -> Table { tree.get(path).and_then(|text| text.parse().ok()).unwrap_or_default() };
    let manifest = parse("Cargo.toml");
    let declared = manifest.get("workspace").and_then(|it| it.get("dependencies")).and_then(Value::as_table);
    let foreign: BTreeSet<&str> = declared
        .into_iter()
        .flatten()
        .filter(|(_, value)| value.get("path").is_none())
        .map(|(name, _)| name.as_str())
        .collect();
    let table = parse("xtask/dependencies.toml");
    let mut problems = Vec::new();
    for name in &foreign {
        let said = |key: &str| {
            table.get(*name).and_then(|row| row.get(key)).and_then(Value::as_str).is_some_and(|text| text.len() > 10)
        };
        if !said("why") || !said("touches") {
            problems.push(format!("`{name}` needs its row in xtask/dependencies.toml: `why`, and what it `touches`"));
        }
    }
    for name in table.keys().filter(|name| !foreign.contains(name.as_str())) {
        problems.push(format!("xtask/dependencies.toml speaks of `{name}`, which is not a dependency"));
    }
    for (name, path, _) in packages(tree) {
        let text = tree.get(&format!("{path}/Cargo.toml")).map_or("", String::as_str);
        let table: Table = text.parse().unwrap_or_default();
        for key in ["dependencies", "dev-dependencies", "build-dependencies"] {
            for (wanted, value) in table.get(key).and_then(Value::as_table).into_iter().flatten() {
                if value.get("workspace").and_then(Value::as_bool) != Some(true) {
                    problems
                        .push(format!("`{name}` declares `{wanted}` by itself; it belongs into the workspace's list"));
                }
            }
        }
    }
    problems
}

fn changelog(tree: &Tree) -> Vec<String> {
    let text = tree.get("CHANGELOG.md").map_or("", String::as_str);
    let unreleased = text.split("\n## ").find(|section| section.starts_with("Unreleased"));
    match unreleased {
        Some(section) if section.lines().any(|line| line.starts_with("- ")) => Vec::new(),
        Some(_) | None => vec!["CHANGELOG.md needs a section `## Unreleased` with what changed for users".to_owned()],
    }
}

fn generated(tree: &Tree) -> Vec<String> {
    match generate::programs(tree) {
        Ok(text) if tree.get(generate::PROGRAMS) == Some(&text) => Vec::new(),
        Ok(_) => vec![format!("{} is not what its sources say: run `cargo xtask generate`", generate::PROGRAMS)],
        Err(why) => vec![why],
    }
}

/// Every crate takes the workspace's lints, and an exception gives its reason.
fn lints(tree: &Tree) -> Vec<String> {
    let mut problems: Vec<String> = manifests(tree)
        .filter(|(_, text)| !text.contains("[lints]\nworkspace = true"))
        .map(|(path, _)| format!("{path} does not take the workspace's lints"))
        .collect();
    for (path, text) in tree.iter().filter(|(path, _)| path.ends_with(".rs")) {
        let bare = text.contains(concat!("#[", "ignore]")) || text.contains(concat!("#[", "ignore ="));
        if bare {
            problems.push(format!("{path} has an ignored test"));
        }
    }
    problems
}

fn documents(tree: &Tree) -> Vec<String> {
    const NEEDED: &[&str] = &[
        "README.md",
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
        "CHANGELOG.md",
        "LICENSE",
        "docs/threat-model.md",
        "docs/gaps.md",
        "docs/bypasses.md",
    ];
    NEEDED.iter().filter(|path| !tree.contains_key(**path)).map(|path| format!("{path} is missing")).collect()
}

/// One word per thing, and nothing of a workplace.
fn words(tree: &Tree) -> Vec<String> {
    // Spelled apart, so that this file does not find itself.
    let banned = [
        concat!("FIX", "ME"),
        concat!("XX", "X:"),
        concat!("HA", "CK:"),
        concat!("crates", ".io/api"),
        concat!("registry", ".npmjs"),
    ];
    let texts = tree.iter().filter(|(path, _)| !path.ends_with(".lock"));
    texts
        .flat_map(|(path, text)| {
            banned
                .iter()
                .filter(|word| text.contains(**word))
                .map(move |word| format!("{path}: `{word}` does not belong into the tree"))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(files: &[(&str, &str)]) -> Tree {
        files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect()
    }

    fn manifest(name: &str, wants: &str) -> String {
        format!("[package]\nname = \"{name}\"\n[lints]\nworkspace = true\n[dependencies]\n{wants}\n")
    }

    #[test]
    fn a_pure_crate_that_sees_the_edge_is_found() {
        let (model, host) = (manifest("model", "host.workspace = true"), manifest("host", ""));
        let tree = with(&[("pure/model/Cargo.toml", &model), ("edge/host/Cargo.toml", &host)]);
        assert_eq!(dependence(&tree).len(), 1);
        let (host, store) = (manifest("host", "store.workspace = true"), manifest("store", ""));
        let sideways = with(&[("edge/host/Cargo.toml", &host), ("edge/store/Cargo.toml", &store)]);
        assert_eq!(dependence(&sideways).len(), 1);
        let (pdp, understand) = (manifest("pdp", "understand.workspace = true"), manifest("understand", ""));
        let reads = with(&[("pure/pdp/Cargo.toml", &pdp), ("pure/understand/Cargo.toml", &understand)]);
        assert_eq!(dependence(&reads).len(), 1);
        assert_eq!(dependence(&with(&[("pure/util/Cargo.toml", &manifest("util", ""))])).len(), 1);
    }

    #[test]
    fn a_clock_in_the_pure_layer_is_found_and_one_in_its_tests_is_not() {
        let tree = with(&[("pure/model/src/a.rs", "fn f() { std::time::SystemTime::now(); }\n")]);
        assert_eq!(purity(&tree).len(), 1);
        assert!(purity(&with(&[("pure/model/src/a.rs", "use crate::operand::Fits;\n")])).is_empty());
        let tests = with(&[("pure/model/src/a.rs", "fn f() {}\n#[cfg(test)]\nmod tests { use std::fs; }\n")]);
        assert!(purity(&tests).is_empty());
    }

    #[test]
    fn unsafe_code_outside_host_or_without_reason_is_found() {
        let text = "fn f() {\n    unsafe { g() }\n}\n";
        assert_eq!(unsafe_code(&with(&[("edge/store/src/a.rs", text)])).len(), 2);
        assert_eq!(unsafe_code(&with(&[("edge/host/src/a.rs", text)])).len(), 1);
        assert!(unsafe_code(&with(&[("edge/host/src/a.rs", "// SAFETY: fine.\nunsafe { g() }\n")])).is_empty());
    }

    #[test]
    fn a_long_file_is_found_and_so_is_one_that_grows() {
        let long = "//! A.\n".to_owned() + &"x\n".repeat(RATCHET + 1);
        assert_eq!(length(&with(&[("a.rs", &long)])).len(), 1);
        let ratchet = format!("\"a.rs\" = {}\n", RATCHET + 2);
        assert!(length(&with(&[("a.rs", &long), (RATCHET_FILE, &ratchet)])).is_empty());
        let grown = long.clone() + "x\n";
        assert_eq!(length(&with(&[("a.rs", &grown), (RATCHET_FILE, &ratchet)])).len(), 1);
        assert_eq!(length(&with(&[("a.rs", "x\n"), (RATCHET_FILE, &ratchet)])).len(), 1);
        assert_eq!(length(&with(&[(RATCHET_FILE, &ratchet)])).len(), 1);
        let very = "//! A.\n".to_owned() + &"x\n".repeat(LONG + 1);
        assert_eq!(length(&with(&[("a.rs", &very), (RATCHET_FILE, "\"a.rs\" = 10000\n")])).len(), 1);
    }

    #[test]
    fn a_dependency_without_its_row_is_found_and_a_row_without_its_dependency() {
        let root = "[workspace.dependencies]\nserde = \"1\"\nmodel = { path = \"pure/model\" }\n";
        assert_eq!(dependencies(&with(&[("Cargo.toml", root)])).len(), 1);
        let row = "[serde]\nwhy = \"reads what others write\"\ntouches = \"nothing but memory\"\n";
        assert!(dependencies(&with(&[("Cargo.toml", root), ("xtask/dependencies.toml", row)])).is_empty());
        let stale = format!("{row}[gone]\nwhy = \"reads what others write\"\ntouches = \"nothing but memory\"\n");
        assert_eq!(dependencies(&with(&[("Cargo.toml", root), ("xtask/dependencies.toml", &stale)])).len(), 1);
        let alone = manifest("model", "serde = \"1\"");
        let tree = with(&[("Cargo.toml", root), ("xtask/dependencies.toml", row), ("pure/model/Cargo.toml", &alone)]);
        assert_eq!(dependencies(&tree).len(), 1);
    }

    #[test]
    fn an_empty_changelog_is_found() {
        assert_eq!(changelog(&with(&[("CHANGELOG.md", "# Changelog\n\n## Unreleased\n\n## 0.1\n- x\n")])).len(), 1);
        assert!(changelog(&with(&[("CHANGELOG.md", "# Changelog\n\n## Unreleased\n\n- x\n")])).is_empty());
    }

    #[test]
    fn a_stale_generated_file_is_found() {
        let tree =
            with(&[("pure/understand/programs/a.toml", "[cat]\noperands = \"read\"\n"), (generate::PROGRAMS, "old")]);
        assert_eq!(generated(&tree).len(), 1);
    }

    #[test]
    fn missing_lints_ignored_tests_documents_and_leftovers_are_found() {
        assert_eq!(lints(&with(&[("pure/a/Cargo.toml", "[package]\nname=\"a\"\n")])).len(), 1);
        assert_eq!(lints(&with(&[("a.rs", concat!("#[", "ignore]\nfn t() {}"))])).len(), 1);
        assert_eq!(documents(&with(&[])).len(), 9);
        assert_eq!(words(&with(&[("a.md", concat!("FIX", "ME later"))])).len(), 1);
    }
}
