//! Files that are run: a shell script is read and understood in turn, anything else is opaque.

use model::{Action, Category, Fact, FactQuery, FileKind, Operation, Resource, Reversibility, Segment};

use crate::command::run_unknown;
use crate::lower::Lowering;
use crate::paths;

impl Lowering<'_> {
    /// A file that is executed, or read by a shell.
    pub(crate) fn script(&mut self, path: &str, segment: &mut Segment) {
        if paths::is_sink(path) {
            run_unknown(segment, path, "runs whatever comes out of the pipe");
            return;
        }
        if !path.starts_with('/') {
            run_unknown(segment, path, "the working directory is not known, so neither is this file");
            return;
        }
        match self.fact(FactQuery::File(path.to_owned())) {
            Fact::File(FileKind::Text(text, _)) => {
                segment.operations.push(Operation {
                    action: Action::Read,
                    resource: Resource::Path(path.to_owned()),
                    category: Category::ReadOnly,
                    reversibility: Reversibility::Reversible,
                    recursive: false,
                });
                match shebang(&text) {
                    Some(other) if !is_shell(other) => {
                        run_unknown(segment, path, &format!("a script for `{other}`, which is not read yet"));
                    }
                    Some(_) | None => {
                        self.wrappers.push(path.to_owned());
                        self.nested(&text);
                        self.wrappers.pop();
                    }
                }
            }
            Fact::File(FileKind::Missing) => run_unknown(segment, path, "there is no such file now"),
            Fact::File(FileKind::Directory | FileKind::Opaque)
            | Fact::Program(_)
            | Fact::RealPath(_)
            | Fact::Unknown => {
                run_unknown(segment, path, "a file that could not be read as a script");
            }
        }
    }
}

/// The interpreter that the first line names.
fn shebang(text: &str) -> Option<&str> {
    text.strip_prefix("#!")?.lines().next().map(str::trim)
}

fn is_shell(interpreter: &str) -> bool {
    let mut words = interpreter.split_whitespace();
    let first = words.next().unwrap_or("");
    let program = if first.ends_with("/env") { words.next().unwrap_or("") } else { first };
    let known = matches!(program.rsplit('/').next(), Some("sh" | "bash" | "dash" | "ash"));
    known && words.all(|word| word.starts_with('-') && word.chars().skip(1).all(|c| "euxv".contains(c)))
}
