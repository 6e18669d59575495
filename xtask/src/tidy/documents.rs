//! What has to be there: changelog, documents, generated files, lints; and words that may not be.

use super::Tree;
use super::dependence::manifests;
use crate::generate;

pub(super) fn changelog(tree: &Tree) -> Vec<String> {
    let text = tree.get("CHANGELOG.md").map_or("", String::as_str);
    let unreleased = text.split("\n## ").find(|section| section.starts_with("Unreleased"));
    match unreleased {
        Some(section) if section.lines().any(|line| line.starts_with("- ")) => Vec::new(),
        Some(_) | None => vec!["CHANGELOG.md needs a section `## Unreleased` with what changed for users".to_owned()],
    }
}

pub(super) fn generated(tree: &Tree) -> Vec<String> {
    match generate::programs(tree) {
        Ok(text) if tree.get(generate::PROGRAMS) == Some(&text) => Vec::new(),
        Ok(_) => vec![format!("{} is not what its sources say: run `cargo xtask generate`", generate::PROGRAMS)],
        Err(why) => vec![why],
    }
}

/// Every crate takes the workspace's lints, and an exception gives its reason.
pub(super) fn lints(tree: &Tree) -> Vec<String> {
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

/// The longest overview that people read to its end, in lines.
const MAX_OVERVIEW_LINES: usize = 120;

pub(super) fn documents(tree: &Tree) -> Vec<String> {
    const NEEDED: &[&str] = &[
        "README.md",
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
        "CHANGELOG.md",
        "LICENSE",
        "docs/README.md",
        "docs/reference/glossary.md",
        "docs/explain/threat-model.md",
        "docs/explain/gaps.md",
        "docs/explain/bypasses.md",
    ];
    let missing = NEEDED.iter().filter(|path| !tree.contains_key(**path)).map(|path| format!("{path} is missing"));
    let long = tree.get("ARCHITECTURE.md").map(|text| text.lines().count()).filter(|lines| *lines > MAX_OVERVIEW_LINES);
    let long = long.map(|lines| {
        format!("ARCHITECTURE.md has {lines} lines, above {MAX_OVERVIEW_LINES}: move ideas to docs/explain")
    });
    missing.chain(long).collect()
}

/// Every file that a document names is there: a link to a Markdown file, and a path in backticks below a directory of
/// sources. The corpus, the changelog and closed bypasses tell of files that were.
pub(super) fn paths(tree: &Tree) -> Vec<String> {
    let there = |path: &str| {
        let path = path.trim_end_matches('/');
        tree.contains_key(path)
            || tree.keys().any(|known| known.strip_prefix(path).is_some_and(|rest| rest.starts_with('/')))
    };
    let mut problems = Vec::new();
    for (path, text) in tree.iter().filter(|(path, _)| path.ends_with(".md") && !path.starts_with("corpus/")) {
        let links = text.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next());
        let links = links.filter(|link| link.ends_with(".md") && !link.contains("://"));
        let mut named: Vec<String> = links.map(|link| resolved(path, link)).collect();
        if !path.ends_with("CHANGELOG.md") && !path.ends_with("bypasses.md") {
            let quoted = text.lines().flat_map(|line| line.split('`').skip(1).step_by(2));
            let quoted = quoted.filter(|it| LAYERS.iter().any(|layer| it.starts_with(layer)));
            named.extend(
                quoted.filter(|it| it.chars().all(|c| c.is_alphanumeric() || "/_-.".contains(c))).map(str::to_owned),
            );
        }
        problems
            .extend(named.iter().filter(|it| !there(it)).map(|it| format!("{path} names `{it}`, which is not there")));
    }
    problems
}

/// Directories of sources that documents name files of.
const LAYERS: &[&str] = &["pure/", "core/", "edge/", "bin/", "ui/", "testkit/", "xtask/", "api/", "sdk/", "docs/"];

/// The path from the root of what a document links to.
fn resolved(document: &str, link: &str) -> String {
    let mut parts: Vec<&str> = document.split('/').collect();
    parts.pop();
    for part in link.split('/') {
        match part {
            ".." => {
                parts.pop();
            }
            "." => {}
            name => parts.push(name),
        }
    }
    parts.join("/")
}

/// One word per thing, and nothing of a workplace.
pub(super) fn words(tree: &Tree) -> Vec<String> {
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
    use super::super::planted::with;
    use super::*;

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
    fn a_document_that_names_a_file_that_is_not_there_is_found() {
        let tree = with(&[
            ("docs/explain/a.md", "[b](../b.md) [c](c.md#part) `pure/x/src/y.rs` `pure/x` `cat pure/z`"),
            ("docs/b.md", ""),
            ("pure/x/src/other.rs", ""),
        ]);
        let found = paths(&tree).join("\n");
        assert_eq!(paths(&tree).len(), 2, "{found}");
        assert!(found.contains("docs/explain/c.md") && found.contains("pure/x/src/y.rs"), "{found}");
    }

    #[test]
    fn missing_lints_ignored_tests_documents_and_leftovers_are_found() {
        assert_eq!(lints(&with(&[("pure/a/Cargo.toml", "[package]\nname=\"a\"\n")])).len(), 1);
        assert_eq!(lints(&with(&[("a.rs", concat!("#[", "ignore]\nfn t() {}"))])).len(), 1);
        assert_eq!(documents(&with(&[])).len(), 11);
        let long = "x\n".repeat(121);
        assert_eq!(documents(&with(&[("ARCHITECTURE.md", long.as_str())])).len(), 11);
        assert_eq!(words(&with(&[("a.md", concat!("FIX", "ME later"))])).len(), 1);
    }
}
