//! Code in other languages that a command carries: interpreters, the small languages of text tools, and SQL.
//!
//! Only the plain cases are read: calls by name with literal arguments. Whatever else a code does, it is opaque, and
//! says so; an effect that is shown is certain, and full coverage means that every call in the code is known.

mod arguments;
mod awk;
mod calls;
mod dialect;
mod interpreter;
mod jq;
mod names;
mod scan;
mod sed;
mod sql;

use model::{Action, Arg, Category, Operation, Resource, Reversibility, Segment, Unknown};

use crate::command::{Input, run_unknown};
use crate::lower::Lowering;
use crate::program::Parsed;

pub(crate) use calls::language_of;
pub use dialect::Dialect;

impl Lowering<'_> {
    /// Code in a text tool's own language.
    pub(crate) fn code(&mut self, program: &str, code: &Arg, segment: &mut Segment) {
        let Some(text) = code.known() else {
            run_unknown(segment, code.text(), "the code is not known before it runs");
            return;
        };
        match program {
            "sed" | "gsed" | "ssed" => self.sed(text, segment),
            "awk" | "gawk" | "mawk" | "nawk" | "original-awk" => self.awk(text, segment),
            "rename" | "prename" | "file-rename"
                if sed::is_plain_substitution(text) || !text.contains(['/', '(', '$', '@']) => {}
            "jq" | "gojq" | "jaq" | "yq" => jq::read(text, segment),
            // One word of a command of the server: few of them load code, write files or go elsewhere.
            "redis-cli" | "valkey-cli" | "keydb-cli" => {
                const FAR: &[&str] = &[
                    "config",
                    "debug",
                    "eval",
                    "eval_ro",
                    "evalsha",
                    "evalsha_ro",
                    "fcall",
                    "fcall_ro",
                    "function",
                    "migrate",
                    "module",
                    "monitor",
                    "psync",
                    "replicaof",
                    "script",
                    "shutdown",
                    "slaveof",
                    "sync",
                    "acl",
                    "failover",
                ];
                if FAR.contains(&text.to_ascii_lowercase().as_str()) {
                    run_unknown(segment, text, "loads code into the server, or changes where it writes and connects");
                }
            }
            _ => {
                segment.operations.push(run(Resource::Unknown(text.to_owned())));
                self.suspect(text, segment);
                segment
                    .unknowns
                    .push(Unknown { text: text.to_owned(), why: "code in a language that is not read".to_owned() });
            }
        }
    }

    /// SQL given to a database's shell.
    pub(crate) fn sql_argument(&mut self, statement: &Arg, segment: &mut Segment) {
        match statement.known() {
            Some(text) => self.sql_shell(text, Dialect::Any, segment),
            None => {
                let resource = Resource::Database(statement.text().to_owned());
                segment.operations.push(Operation {
                    action: Action::Write,
                    resource,
                    category: Category::Database,
                    reversibility: Reversibility::Irreversible,
                    recursive: false,
                });
                segment.unknowns.push(Unknown {
                    text: statement.text().to_owned(),
                    why: "the SQL is not known before it runs".to_owned(),
                });
            }
        }
    }

    /// A program whose code is named as what comes in on standard input: read where that text is known.
    pub(crate) fn code_in_input(&mut self, program: &str, segment: &mut Segment, input: &Input) {
        match &input.text {
            Some(Some(text)) if !is_database(program) => self.code(program, &Arg::Known(text.clone()), segment),
            Some(_) | None => self.code_from_input(program, segment, input),
        }
    }

    /// A program that reads its commands from standard input, and nothing else was named.
    pub(crate) fn code_from_input(&mut self, program: &str, segment: &mut Segment, input: &Input) {
        match &input.text {
            Some(Some(text)) if is_database(program) => self.sql_shell(text, Dialect::Any, segment),
            None if !input.fed => segment.operations.push(run(Resource::Program(format!("a session of `{program}`")))),
            Some(_) | None => {
                run_unknown(segment, program, "runs whatever is typed or comes in");
                segment.factors.push(model::Factor {
                    name: "code_from_input",
                    points: 15,
                    why: "runs whatever comes in".to_owned(),
                });
            }
        }
    }
}

/// Programs that run what comes in on standard input when they are given no code.
pub(crate) fn runs_what_comes_in(program: &str, parsed: &Parsed) -> bool {
    let lists = |options: &[&str]| parsed.options.iter().any(|it| options.contains(&it.as_str()));
    is_database(program)
        && parsed.statements.is_empty()
        && !lists(&["-l", "--list", "--version", "-V", "--help", "-?", "-f", "--file"])
        && !parsed.options.iter().any(|it| it.starts_with("--file=") || it.starts_with("-f"))
}

fn is_database(program: &str) -> bool {
    matches!(program, "psql" | "mysql" | "mariadb" | "sqlite3" | "duckdb" | "clickhouse-client")
}

fn run(resource: Resource) -> Operation {
    Operation {
        action: Action::Run,
        resource,
        category: Category::RemoteCode,
        reversibility: Reversibility::Irreversible,
        recursive: false,
    }
}
