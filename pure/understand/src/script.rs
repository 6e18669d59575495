//! Files that are run: a shell script is read and understood in turn, anything else is opaque.

use model::{Action, Category, Fact, FactQuery, Factor, FileKind, Operation, Resource, Reversibility, Segment};

use crate::command::run_unknown;
use crate::compound::{Frame, FrameKind};
use crate::lower::Lowering;
use crate::paths;
use crate::state::State;

impl Lowering<'_> {
    /// A file that is executed, or read by a shell that is started for it.
    pub(crate) fn script(&mut self, path: &str, segment: &mut Segment) {
        self.file_of_commands(path, segment, |walk, text| walk.process(text));
    }

    /// A file that this very shell reads.
    pub(crate) fn sourced(&mut self, path: &str, segment: &mut Segment) {
        let understood = self.file_of_commands(path, segment, |walk, text| {
            walk.frames.push(Frame { kind: FrameKind::Function, jumped: State::nowhere() });
            walk.shell(text);
            walk.settle();
            if let Some(frame) = walk.frames.pop() {
                walk.state.join(frame.jumped);
            }
        });
        if !understood {
            self.state.forget();
        }
    }

    /// Reads a file of commands. Says whether it was walked.
    fn file_of_commands(&mut self, path: &str, segment: &mut Segment, walk: impl FnOnce(&mut Self, &str)) -> bool {
        if paths::is_sink(path) || paths::is_of_own_process(path) {
            run_unknown(segment, path, "runs whatever comes out of the pipe");
            let why = "runs whatever comes in".to_owned();
            segment.factors.push(Factor { name: "code_from_input", points: 15, why });
            return false;
        }
        if !path.starts_with('/') {
            run_unknown(segment, path, "the working directory is not known, so neither is this file");
            return false;
        }
        if self.may_have_changed(path) {
            run_unknown(segment, path, "the text itself changes this file before it runs it");
            return false;
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
                        walk(self, &text);
                        self.wrappers.pop();
                        return true;
                    }
                }
            }
            Fact::File(FileKind::Missing) => run_unknown(segment, path, "there is no such file now"),
            Fact::File(FileKind::Directory | FileKind::Opaque)
            | Fact::Program(_)
            | Fact::RealPath(_)
            | Fact::Unseen
            | Fact::Unknown => {
                run_unknown(segment, path, "a file that could not be read as a script");
            }
        }
        false
    }
}

/// How many changed places are kept. A text with more of them may have changed any.
const MAX_CHANGED: usize = 64;

impl Lowering<'_> {
    /// Keeps the places that a command changes.
    pub(crate) fn note_changes(&mut self, segment: &Segment) {
        for operation in &segment.operations {
            let changes = matches!(operation.action, Action::Write | Action::Delete);
            if changes && self.changed.len() < MAX_CHANGED && !self.changed.contains(&operation.resource) {
                self.changed.push(operation.resource.clone());
            }
        }
    }

    /// Whether the text may have changed a file before it is run: its content now is then not what runs.
    fn may_have_changed(&self, path: &str) -> bool {
        let reaches = |resource: &Resource| match resource {
            Resource::Path(place) => paths::is_below(path, place.trim_end_matches('/')),
            Resource::Pattern(_) | Resource::Unknown(_) => true,
            Resource::Host(_)
            | Resource::Program(_)
            | Resource::Package(_)
            | Resource::Service(_)
            | Resource::Tool(_)
            | Resource::Database(_)
            | Resource::System => false,
        };
        self.changed.len() >= MAX_CHANGED || self.changed.iter().any(reaches)
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
