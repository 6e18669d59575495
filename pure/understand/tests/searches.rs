//! What is there decides what a search through everything reads, and what a list of settings shows.

use model::{Category, Digest, Fact, FactQuery, Facts, FileKind, Intent};
use understand::{Subject, Surroundings, settle};

const PROJECT: &str = "/home/a/project";

/// A project with these files, each with its text.
fn reading(text: &str, files: &[(&str, &str)]) -> Intent {
    let around =
        Surroundings { cwd: Some(PROJECT), home: Some("/home/a"), project: Some(PROJECT), ..Surroundings::default() };
    let file = |path: &str| files.iter().find(|(name, _)| format!("{PROJECT}/{name}") == path);
    let mut look = |query: &FactQuery| match query {
        FactQuery::Names(path) => {
            let below = format!("{path}/");
            let names = files.iter().filter_map(|(name, _)| {
                format!("{PROJECT}/{name}")
                    .strip_prefix(&below)
                    .filter(|it| !it.starts_with(".git/"))
                    .map(str::to_owned)
            });
            Fact::Names(names.collect())
        }
        FactQuery::Program(name) => Fact::Program(Some(format!("/usr/bin/{name}"))),
        FactQuery::RealPath(path) => Fact::RealPath(path.clone()),
        FactQuery::File(path) if path == PROJECT => Fact::File(FileKind::Directory),
        FactQuery::File(path) => Fact::File(match file(path) {
            Some((_, text)) => FileKind::Text((*text).to_owned(), Digest::of_bytes(text.as_bytes())),
            None => FileKind::Missing,
        }),
    };
    settle(Subject::Shell(text), around, &mut Facts::default(), &mut look)
}

fn reads_a_secret(intent: &Intent) -> bool {
    let mut operations = intent.segments.iter().flat_map(|it| &it.operations);
    operations.any(|it| it.category == Category::CredentialAccess)
}

const WITH_SECRET: &[(&str, &str)] =
    &[(".env", "API_KEY=abcdef\n"), ("src/main.rs", "fn main() {}\n"), ("tests/fixtures/server.key", "x")];
const WITHOUT: &[(&str, &str)] = &[("src/main.rs", "fn main() {}\n"), ("tests/fixtures/server.key", "x")];

#[test]
fn a_search_that_meets_a_secret_reads_it() {
    for text in [
        "grep -rh KEY .",
        "grep -R 'K.Y' .",
        "grep --dir=recurse . .",
        "grep -d recurse api_key .",
        "grep -rv fn .",
        "grep -r -e fn -e KEY .",
        "grep -f - -r . <<< ''",
        "rg -uuu KEY",
        "rg -. KEY",
        "rg --hidden --no-ignore KEY",
        "rg -uu -g '.e*' KEY",
        "git grep --untracked --no-exclude-standard .",
        "git grep --no-index KEY",
        "find . -type f -exec grep -h KEY {} +",
        "find . -type f -exec cat {} +",
        "find . -maxdepth 1 -exec head -n5 {} ';'",
        "find . -not -name '*.rs' -exec cat {} +",
        "find . -path ./src -prune -o -type f -exec cat {} +",
        "find . -maxdepth 1 -type f -print0 | xargs -0 grep -h KEY",
        "find . -type f -print0 | xargs -0 cat",
        // Whether it matches tells of what is in it, whatever is printed.
        "grep -rl '^API_KEY=a' .",
        "grep -rc '^API_KEY=a' .",
        "grep -rq '^API_KEY=a' .",
        "git grep --no-index -l API_KEY=a",
        "git grep --untracked API_KEY",
        "find . -type f -exec grep -l KEY {} +",
        // Expressions that hide which letters they need.
        "grep -r '[^]x]abc' .",
        "grep -r '[[:upper:]z]=' .",
        "grep -rP '(*UCP)K=' .",
        "rg --hidden '[[A-Z]z]=' .",
        "rg --hidden --passthrough zzz .",
        "grep -rnE 'TODO|K' .",
    ] {
        assert!(reads_a_secret(&reading(text, WITH_SECRET)), "{text}");
    }
}

#[test]
fn a_search_that_meets_none_is_ordinary() {
    for text in [
        "grep -rn TODO .",
        "grep -rn 'fn main' .",
        "grep -rnE 'TODO|return' .",
        "rg -uuu 'class Parser'",
        "grep -rn KEY src",
        "grep -rln TODO .",
        "grep -rn --include='*.rs' KEY .",
        "grep -rn --exclude='.env*' KEY .",
        "rg KEY",
        "rg -uuu -g '*.rs' KEY",
        "rg -uuu -g '!.env' KEY",
        "rg -uuu TODO",
        "git grep KEY",
        "find . -type f -exec grep -n TODO {} +",
        "find . -name '*.rs' -exec cat {} +",
        "find . -type d -exec ls {} +",
        "find . -type f -not -name '.env*' -exec cat {} +",
        "find . -type f -print0 | xargs -0 wc -l",
        "find src -type f -print0 | xargs -0 cat",
    ] {
        assert!(!reads_a_secret(&reading(text, WITH_SECRET)), "{text}");
    }
    for text in ["grep -rh KEY .", "rg -uuu KEY", "find . -type f -exec cat {} +"] {
        assert!(!reads_a_secret(&reading(text, WITHOUT)), "{text}");
    }
}

#[test]
fn settings_of_git_are_a_secret_where_they_hold_one() {
    let token = [(".git/config", "[http]\n\textraheader = AUTHORIZATION: basic eDp5\n")];
    let address = [(".git/config", "[remote \"origin\"]\n\turl = https://x:ghp_012345@github.com/a/b\n")];
    let plain = [(".git/config", "[remote \"origin\"]\n\turl = https://github.com/a/b\n[core]\n\tbare = false\n")];
    for text in ["git config --list", "git config -l --show-origin", "git config list", "cat .git/config"] {
        assert!(reads_a_secret(&reading(text, &token)), "{text}");
        assert!(reads_a_secret(&reading(text, &address)), "{text}");
        assert!(!reads_a_secret(&reading(text, &plain)), "{text}");
    }
    assert!(!reads_a_secret(&reading("git config -l --name-only", &token)));
}

#[test]
fn the_release_that_a_project_keeps_runs_as_yarn() {
    let kept = [(".yarnrc.yml", "yarnPath: .yarn/releases/yarn-4.1.0.cjs\n")];
    let coverage =
        |files: &[(&str, &str)]| reading("yarn --version", files).segments.iter().all(|it| it.unknowns.is_empty());
    assert!(!coverage(&kept));
    assert!(coverage(&[(".yarnrc.yml", "nodeLinker: node-modules\n")]));
    assert!(coverage(&[]));
}
