//! The house rules, as checks over the text of the tree. Each check has a test below that plants a violation and must
//! find it.

mod dependence;
mod documents;
mod glossary;
mod prose;
mod ratchets;
mod sources;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::run::root;

/// Files by path from the root.
type Tree = BTreeMap<String, String>;

/// A check: its name, and what it finds.
type Check = (&'static str, fn(&Tree) -> Vec<String>);

const CHECKS: &[Check] = &[
    ("law of dependence", dependence::dependence),
    ("pure layer", sources::purity),
    ("unsafe code", sources::unsafe_code),
    ("file length", sources::length),
    ("dependency table", dependence::dependencies),
    ("changelog", documents::changelog),
    ("generated files", documents::generated),
    ("lints", documents::lints),
    ("documents", documents::documents),
    ("paths in documents", documents::paths),
    ("words", documents::words),
    ("glossary", glossary::glossary),
];

/// Runs every check over the working tree. With `--lower`, figures of the ratchets that fell are kept first.
pub(crate) fn main(words: &[String]) -> Result<(), String> {
    let tree = tree()?;
    let mut figures = ratchets::figures(&tree);
    figures.extend(ratchets::crates()?);
    let mut kept = tree.get(ratchets::RATCHETS).cloned().unwrap_or_default();
    match words {
        [] => {}
        [word] if word == "--lower" => {
            kept = ratchets::lowered(&figures, &kept);
            fs::write(root().join(ratchets::RATCHETS), &kept)
                .map_err(|why| format!("{}: {why}", ratchets::RATCHETS))?;
        }
        _ => return Err("`tidy` takes `--lower` or nothing".to_owned()),
    }
    let mut found = 0_usize;
    for problem in ratchets::compare(&figures, &kept) {
        eprintln!("tidy: ratchets: {problem}");
        found = found.saturating_add(1);
    }
    for (name, check) in CHECKS {
        for problem in check(&tree) {
            eprintln!("tidy: {name}: {problem}");
            found = found.saturating_add(1);
        }
    }
    if found == 0 {
        eprintln!("tidy: {} checks over {} files hold, and {} ratchets", CHECKS.len(), tree.len(), figures.len());
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

/// The source of a file without its tests, and without comments.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let end = text.find("#[cfg(test)]").unwrap_or(text.len());
    text.get(..end).unwrap_or(text).lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//"))
}

/// Trees with a violation in them, for the tests of the checks.
#[cfg(test)]
mod planted {
    use super::Tree;

    pub(super) fn with(files: &[(&str, &str)]) -> Tree {
        files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect()
    }

    pub(super) fn manifest(name: &str, wants: &str) -> String {
        format!("[package]\nname = \"{name}\"\n[lints]\nworkspace = true\n[dependencies]\n{wants}\n")
    }
}
