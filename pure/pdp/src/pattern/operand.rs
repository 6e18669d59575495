//! Words of a command that are no options: names and paths, numbers, and targets of a build.

use super::glob::{Glob, Wild};

/// What a word that is no option may be.
#[derive(Clone, Debug)]
pub(crate) enum Operand {
    /// `$NAME`: a name or a path of this machine, so no assignment, no address, and no list of further arguments.
    Name,
    /// `$NUMBER`
    Number,
    /// `$TARGET`: a target or script that is known to build, test or check.
    Target,
    /// A glob.
    Glob(Glob),
}

impl Operand {
    /// Reads `$NAME`, `$NUMBER`, `$TARGET` or a glob.
    pub(crate) fn new(word: &str) -> Result<Self, String> {
        match word {
            "$NAME" => Ok(Self::Name),
            "$NUMBER" => Ok(Self::Number),
            "$TARGET" => Ok(Self::Target),
            _ if word.starts_with('$') => {
                Err(format!("`{word}` is no kind of operand; there are $NAME, $NUMBER and $TARGET"))
            }
            _ => Glob::new(word, Wild::Argument).map(Self::Glob),
        }
    }

    pub(crate) fn matches(&self, word: &str) -> bool {
        match self {
            Self::Name => is_name(word),
            Self::Number => !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit()),
            Self::Target => is_build_target(word),
            Self::Glob(glob) => glob.matches(word),
        }
    }
}

/// Whether a word is no more than a name or a path here: many programs take `NAME=VALUE` for a setting, `@FILE` for a
/// list of further arguments, and `HOST.TLD/PATH` or `NAME@VERSION` for something to fetch.
fn is_name(word: &str) -> bool {
    let setting = word.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.:+?!".contains(&byte))
    });
    let host = word.split_once('/').is_some_and(|(head, rest)| {
        let labels = head.contains('.') && !head.starts_with('.') && !head.ends_with('.');
        labels && head.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte)) && !rest.is_empty()
    });
    !setting && !host && !word.contains('@') && !word.contains("://")
}

/// Words of which one begins the name of a target that builds, tests or checks.
const BUILDS: &[&str] = &[
    "all",
    "analyse",
    "analyze",
    "assemble",
    "audit",
    "bench",
    "benchmark",
    "benchmarks",
    "build",
    "builds",
    "bundle",
    "check",
    "checks",
    "ci",
    "clean",
    "clippy",
    "codegen",
    "compile",
    "cov",
    "coverage",
    "cypress",
    "debug",
    "default",
    "dev",
    "develop",
    "dist",
    "distclean",
    "doc",
    "docs",
    "doctest",
    "e2e",
    "eslint",
    "examples",
    "fast",
    "fix",
    "flake8",
    "fmt",
    "format",
    "formatting",
    "gen",
    "generate",
    "help",
    "html",
    "int",
    "integration",
    "isort",
    "jest",
    "lib",
    "lint",
    "linter",
    "linting",
    "list",
    "minify",
    "mypy",
    "mostlyclean",
    "optimize",
    "pack",
    "playwright",
    "pre",
    "prebuild",
    "precommit",
    "prelint",
    "pretest",
    "prettier",
    "preview",
    "proto",
    "protobuf",
    "protos",
    "pylint",
    "pytest",
    "quality",
    "rebuild",
    "ruff",
    "sass",
    "serve",
    "smoke",
    "snapshot",
    "spec",
    "specs",
    "start",
    "static",
    "storybook",
    "style",
    "stylelint",
    "tests",
    "test",
    "tox",
    "transpile",
    "ts",
    "tsc",
    "type",
    "typecheck",
    "typedoc",
    "types",
    "typing",
    "unit",
    "unittest",
    "unittests",
    "validate",
    "verify",
    "version",
    "vet",
    "vitest",
    "wasm",
    "watch",
    "webpack",
    "vite",
];

/// Words with which a target does more than to build, wherever they are in its name.
const BEYOND: &[&str] = &[
    "apply",
    "backup",
    "bootstrap",
    "console",
    "delete",
    "deploy",
    "deployment",
    "destroy",
    "down",
    "drop",
    "exec",
    "install",
    "login",
    "migrate",
    "migration",
    "migrations",
    "promote",
    "provision",
    "publish",
    "purge",
    "push",
    "release",
    "releases",
    "reset",
    "restore",
    "rollback",
    "rollout",
    "seed",
    "send",
    "setup",
    "ship",
    "shell",
    "ssh",
    "submit",
    "sync",
    "tag",
    "uninstall",
    "up",
    "upgrade",
    "upload",
    "wipe",
    "env",
    "eval",
    "run",
    "db",
    "infra",
    "terraform",
    "helm",
    "kubectl",
    "aws",
    "gcloud",
    "npx",
    "curl",
    "notify",
    "announce",
];

/// Endings of files that a build makes.
const BUILT: &[&str] = &["o", "a", "so", "d", "obj", "lib", "exe", "elf", "bin", "hex", "wasm", "html", "pdf", "css"];

/// Whether a target or script is known to build, test or check, by its name: `test`, `test:unit`, `build-docs`.
fn is_build_target(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b":-_./+".contains(&byte);
    if !lower.bytes().all(plain) || lower.starts_with(['/', ':', '-']) || lower.contains("..") {
        return false;
    }
    let mut words = lower.split([':', '-', '_', '.', '/']).filter(|word| !word.is_empty());
    let beyond = words.clone().any(|word| BEYOND.contains(&word));
    let built = lower.rsplit_once('.').is_some_and(|(_, ending)| BUILT.contains(&ending));
    !beyond && (built || words.next().is_some_and(|first| BUILDS.contains(&first)))
}

#[cfg(test)]
mod tests {
    use super::Operand;

    fn is(kind: &str, word: &str) -> bool {
        Operand::new(kind).unwrap().matches(word)
    }

    #[test]
    fn a_target_builds_by_its_first_word_and_does_no_more_by_any_other() {
        for name in ["test", "test:unit", "lint:fix", "build:prod", "build-docs", "type-check", "fmt", "src/a.o", "e2e"]
        {
            assert!(is("$TARGET", name), "{name}");
        }
        for name in [
            "deploy",
            "publish",
            "release",
            "install",
            "build-and-deploy",
            "docker:push",
            "test:db:drop",
            "db:migrate",
            "env",
            "curl",
            "seed",
            "prod",
            "/tmp/x",
            "CC=gcc",
            "https://example.com",
            "my-thing",
            "build@evil",
        ] {
            assert!(!is("$TARGET", name), "{name}");
        }
    }

    #[test]
    fn a_name_is_no_setting_no_list_and_no_address() {
        for name in ["./...", ".", "tests/test_a.py::test_x", "TestA", "src/a.rs", "not slow", "../x", "module::test"] {
            assert!(is("$NAME", name), "{name}");
        }
        for name in
            ["CC=gcc", "@args", "https://example.com/x", "example.com/x", "evil@git", "MAKEFLAGS=--eval", "x:=y"]
        {
            assert!(!is("$NAME", name), "{name}");
        }
        assert!(is("$NUMBER", "8") && !is("$NUMBER", "8x"));
        assert!(Operand::new("$NAMES").is_err());
    }
}
