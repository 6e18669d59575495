//! What source files may hold: purity, `unsafe`, and how long they may be.

use toml::{Table, Value};

use super::{Tree, code};

/// Above this many lines a file says in its header why it is long.
const LONG: usize = 600;

/// Above this many lines a file is in the ratchet and may only shrink.
const RATCHET: usize = 320;

/// The ratchet: path and lines.
const RATCHET_FILE: &str = "xtask/long-files.toml";

pub(super) fn purity(tree: &Tree) -> Vec<String> {
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

pub(super) fn unsafe_code(tree: &Tree) -> Vec<String> {
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

pub(super) fn length(tree: &Tree) -> Vec<String> {
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

#[cfg(test)]
mod tests {
    use super::super::planted::with;
    use super::*;

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
}
