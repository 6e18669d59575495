//! Programs that give what they run a terminal of its own. There, what pages its output or has commands of its own is a
//! session: the writer to the terminal can run commands.

use model::{Action, Category, Operation, Resource, Reversibility, Segment};

/// Programs that make a terminal.
const MAKERS: &[&str] = &["script", "scriptlive", "unbuffer", "faketty", "rlwrap", "winpty", "empty"];

/// Programs that do the same on a terminal as elsewhere: they ask nothing and page nothing.
const PLAIN: &[&str] = &[
    "[",
    "basename",
    "cal",
    "cat",
    "cksum",
    "cmp",
    "column",
    "comm",
    "cut",
    "date",
    "df",
    "diff",
    "dirname",
    "du",
    "echo",
    "egrep",
    "env",
    "expr",
    "false",
    "fgrep",
    "file",
    "find",
    "fold",
    "free",
    "grep",
    "groups",
    "head",
    "hexdump",
    "hostname",
    "id",
    "jq",
    "ls",
    "lscpu",
    "md5sum",
    "nl",
    "nproc",
    "od",
    "paste",
    "printenv",
    "printf",
    "ps",
    "pwd",
    "readlink",
    "realpath",
    "rev",
    "rg",
    "sed",
    "seq",
    "sha1sum",
    "sha256sum",
    "sha512sum",
    "sleep",
    "sort",
    "stat",
    "strings",
    "tac",
    "tail",
    "test",
    "tr",
    "tree",
    "true",
    "tty",
    "uname",
    "uniq",
    "uptime",
    "wc",
    "which",
    "who",
    "whoami",
    "xxd",
    "yes",
];

/// Whether a program gives what it runs a terminal.
pub(crate) fn makes_one(program: &str) -> bool {
    MAKERS.contains(&program)
}

/// Adds the session that a program is on a terminal of its own.
pub(crate) fn session(wrappers: &[String], segment: &mut Segment) {
    let Some(program) = segment.argv.first().map(|head| head.text()) else { return };
    let program = program.rsplit('/').next().unwrap_or(program);
    if wrappers.iter().any(|it| makes_one(it)) && !PLAIN.contains(&program) {
        segment.operations.push(Operation {
            action: Action::Run,
            resource: Resource::Program(format!("a session of `{program}` on a terminal of its own")),
            category: Category::RemoteCode,
            reversibility: Reversibility::Partial,
            recursive: false,
        });
    }
}
