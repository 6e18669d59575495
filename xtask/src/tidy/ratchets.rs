//! Figures that may only fall: what is wrong with the house in numbers, kept in `xtask/ratchets.toml`.
//!
//! A change that makes one of them rise fails; one that makes it fall writes the new figure with
//! `cargo xtask tidy --lower`, so that it cannot rise again.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use toml::{Table, Value};

use super::{Tree, code, layer, prose};
use crate::run::root;

/// Where the figures are kept.
pub(crate) const RATCHETS: &str = "xtask/ratchets.toml";

/// A function above this many lines counts.
const LONG_FUNCTION_LINES: usize = 70;

/// Programs whose crates are counted.
const PROGRAMS: &[&str] = &["countersign", "countersignd", "countersign-logd", "countersign-gate"];

/// Every figure that the text of the tree gives.
pub(crate) fn figures(tree: &Tree) -> BTreeMap<String, usize> {
    let mut figures = BTreeMap::new();
    figures.insert("untyped_errors".to_owned(), product(tree).map(|(_, text)| untyped_errors(text)).sum());
    figures.insert("long_functions".to_owned(), product(tree).map(|(_, text)| long_functions(text).len()).sum());
    figures.insert("files_in_circles".to_owned(), circles(tree).iter().map(BTreeSet::len).sum());
    figures.insert("banned_words".to_owned(), prose::read(tree).map(|(_, text)| prose::banned_words(text)).sum());
    figures.insert("long_sentences".to_owned(), prose::manual(tree).map(|(_, text)| prose::long_sentences(text)).sum());
    figures
}

/// How many crates of others each program is linked from, by the lock file. Our own are not counted: to split one costs nothing.
///
/// # Errors
/// Cargo does not answer.
pub(crate) fn crates() -> Result<BTreeMap<String, usize>, String> {
    PROGRAMS.iter().map(|program| Ok((format!("crates.{program}"), crates_of(program)?))).collect()
}

fn crates_of(program: &str) -> Result<usize, String> {
    let words = ["tree", "--locked", "-p", program, "-e", "normal", "--prefix", "none", "-f", "{p}"];
    let listed = Command::new(crate::run::cargo()).args(words).current_dir(root()).output();
    let listed = listed.map_err(|why| format!("cargo tree: {why}"))?;
    if !listed.status.success() {
        return Err(format!("cargo tree -p {program}: {}", String::from_utf8_lossy(&listed.stderr).trim()));
    }
    Ok(foreign(&String::from_utf8_lossy(&listed.stdout)))
}

/// The crates of a list that come from a registry. Ours have their directory: `record v0.1.0 (/…/pure/record)`.
fn foreign(listed: &str) -> usize {
    let theirs = listed.lines().filter(|line| !line.trim().is_empty() && !line.contains("(/"));
    theirs.filter_map(|line| line.split(" (").next()).collect::<BTreeSet<&str>>().len()
}

/// Holds figures against what is kept.
pub(crate) fn compare(found: &BTreeMap<String, usize>, kept: &str) -> Vec<String> {
    let kept: Table = kept.parse().unwrap_or_default();
    let mut problems = Vec::new();
    for (name, now) in found {
        let limit = kept.get(name).and_then(Value::as_integer).and_then(|it| usize::try_from(it).ok());
        match limit {
            None => problems.push(format!("`{name}` is {now} and not in {RATCHETS}: run `cargo xtask tidy --lower`")),
            Some(limit) if *now > limit => {
                problems.push(format!("`{name}` rose from {limit} to {now}; it may only fall"));
            }
            Some(limit) if *now < limit => {
                problems.push(format!("`{name}` fell from {limit} to {now}: keep it with `cargo xtask tidy --lower`"));
            }
            Some(_) => {}
        }
    }
    for name in kept.keys().filter(|name| !found.contains_key(*name)) {
        problems.push(format!("{RATCHETS} keeps `{name}`, which is no figure"));
    }
    problems
}

/// Writes figures that fell. One that rose is left as it is, and `tidy` goes on to fail.
pub(crate) fn lowered(found: &BTreeMap<String, usize>, kept: &str) -> String {
    let kept: Table = kept.parse().unwrap_or_default();
    let mut text = String::from(
        "# Figures that may only fall (`cargo xtask tidy`). `cargo xtask tidy --lower` writes those that fell.\n",
    );
    for (name, now) in found {
        let limit = kept.get(name).and_then(Value::as_integer).and_then(|it| usize::try_from(it).ok());
        text.push_str(&format!("\"{name}\" = {}\n", limit.map_or(*now, |limit| limit.min(*now))));
    }
    text
}

/// The Rust that ships.
fn product(tree: &Tree) -> impl Iterator<Item = (&String, &String)> {
    tree.iter().filter(|(path, _)| {
        matches!(layer(path), "pure" | "core" | "edge" | "bin") && path.contains("/src/") && path.ends_with(".rs")
    })
}

/// How often an error is a text: `Result<…, String>`.
fn untyped_errors(text: &str) -> usize {
    code(text).filter(|(_, line)| line.contains("Result<") && line.contains(", String>")).count()
}

/// The functions above the limit, by name. Read by indentation, which `cargo fmt` makes dependable.
fn long_functions(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().collect();
    let end = lines.iter().position(|line| line.trim() == "#[cfg(test)]").unwrap_or(lines.len());
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate().take(end) {
        let Some(name) = function_name(line) else { continue };
        let indent = line.len().saturating_sub(line.trim_start().len());
        let closes = |line: &&str| line.len() == indent.saturating_add(1) && line.trim_start() == "}";
        let rest = lines.get(at..).unwrap_or_default();
        if line.trim_end().ends_with('}') {
            continue;
        }
        let length = rest.iter().position(closes).map_or(0, |close| close.saturating_add(1));
        if length > LONG_FUNCTION_LINES {
            found.push(name.to_owned());
        }
    }
    found
}

/// The name of a function that begins on this line.
fn function_name(line: &str) -> Option<&str> {
    let mut words = line.split_whitespace().peekable();
    while words.next_if(|word| matches!(*word, "const" | "async" | "unsafe") || word.starts_with("pub")).is_some() {}
    words.next_if(|word| *word == "fn")?;
    words.next()?.split(['(', '<']).next()
}

/// Groups of files of one crate that import each other in a circle.
pub(crate) fn circles(tree: &Tree) -> Vec<BTreeSet<String>> {
    let mut found = Vec::new();
    let crates: BTreeSet<&str> = product(tree).filter_map(|(path, _)| path.split("/src/").next()).collect();
    for place in crates {
        let modules: BTreeMap<String, &String> = tree
            .iter()
            .filter_map(|(path, text)| Some((module_of(path.strip_prefix(place)?.strip_prefix("/src/")?)?, text)))
            .collect();
        let arrows: BTreeMap<&str, BTreeSet<&str>> =
            modules.iter().map(|(name, text)| (name.as_str(), imports(name, text, &modules))).collect();
        let mut seen: BTreeSet<&str> = BTreeSet::new();
        for start in arrows.keys() {
            if seen.contains(start) {
                continue;
            }
            let ahead = reached(start, &arrows);
            let circle: BTreeSet<&str> =
                ahead.iter().copied().filter(|other| reached(other, &arrows).contains(start)).collect();
            if circle.len() > 1 {
                seen.extend(&circle);
                found.push(circle.iter().map(|name| format!("{place}: {name}")).collect());
            }
        }
    }
    found
}

/// The module of a source file: `holds/open.rs` is `holds::open`. `main.rs` and `lib.rs` wire, and are no rooms.
fn module_of(file: &str) -> Option<String> {
    let name = file.strip_suffix(".rs")?;
    (!matches!(name, "main" | "lib") && !name.starts_with("bin/"))
        .then(|| name.trim_end_matches("/mod").replace('/', "::"))
}

/// The modules that a file names by `crate::…`.
fn imports<'a>(name: &str, text: &str, modules: &'a BTreeMap<String, &String>) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::new();
    for (_, line) in code(text) {
        for (at, _) in line.match_indices("crate::") {
            let path = line.get(at.saturating_add("crate::".len())..).unwrap_or("");
            let path: String = path.chars().take_while(|c| c.is_alphanumeric() || matches!(c, '_' | ':')).collect();
            // The longest module that the path begins with.
            let named = modules
                .keys()
                .filter(|module| path == **module || path.starts_with(&format!("{module}::")))
                .max_by_key(|module| module.len());
            found.extend(named.map(String::as_str).filter(|module| *module != name));
        }
    }
    found
}

fn reached<'a>(start: &'a str, arrows: &BTreeMap<&'a str, BTreeSet<&'a str>>) -> BTreeSet<&'a str> {
    let mut seen = BTreeSet::new();
    let mut next: Vec<&str> = vec![start];
    while let Some(at) = next.pop() {
        for to in arrows.get(at).into_iter().flatten() {
            if seen.insert(*to) {
                next.push(to);
            }
        }
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::super::planted::with;
    use super::*;

    #[test]
    fn errors_that_are_texts_are_counted_outside_of_tests() {
        let text = "fn f() -> Result<u8, String> {\n}\n#[cfg(test)]\nfn g() -> Result<u8, String> {\n}\n";
        assert_eq!(figures(&with(&[("pure/a/src/lib.rs", text)])).get("untyped_errors"), Some(&1));
    }

    #[test]
    fn a_function_above_the_limit_is_found_and_a_short_one_is_not() {
        let long =
            format!("impl A {{\n    pub(crate) async fn long(x: u8) {{\n{}    }}\n}}\n", "        x;\n".repeat(70));
        assert_eq!(long_functions(&long), ["long"]);
        let short = format!("fn short() {{\n{}}}\n", "    x;\n".repeat(68));
        assert!(long_functions(&short).is_empty());
    }

    #[test]
    fn modules_that_import_each_other_are_a_circle() {
        let tree = with(&[
            ("bin/a/src/main.rs", "mod x;\nmod y;\nmod z;\n"),
            ("bin/a/src/x.rs", "use crate::y::Y;\n"),
            ("bin/a/src/y.rs", "fn f() { crate::z::g(); }\n"),
            ("bin/a/src/z.rs", "use crate::x::X;\n"),
            ("bin/a/src/w.rs", "use crate::x::X;\n"),
        ]);
        let found = circles(&tree);
        assert_eq!(found.len(), 1);
        assert_eq!(found.first().map(BTreeSet::len), Some(3));
    }

    #[test]
    fn crates_of_others_are_counted_once_and_ours_are_not() {
        let listed = "countersignd v0.1.0 (/x/bin/countersignd)\nserde v1.0.1\nserde_derive v1.0.1 (proc-macro)\n\
                      record v0.1.0 (/x/pure/record)\n\nserde v1.0.1 (*)\n";
        assert_eq!(foreign(listed), 2);
    }

    #[test]
    fn a_figure_may_only_fall_and_what_fell_is_kept() {
        let found = BTreeMap::from([("a".to_owned(), 3), ("b".to_owned(), 1)]);
        assert!(compare(&found, "a = 3\nb = 1\n").is_empty());
        assert_eq!(compare(&found, "a = 2\nb = 1\n").len(), 1);
        assert_eq!(compare(&found, "a = 4\nb = 1\n").len(), 1);
        assert_eq!(compare(&found, "a = 3\nb = 1\nc = 1\n").len(), 1);
        let kept = lowered(&found, "a = 2\nb = 9\n");
        assert!(kept.contains("\"a\" = 2\n") && kept.contains("\"b\" = 1\n"), "{kept}");
    }
}
