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
        self.ran_files.push(path.to_owned());
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
            | Fact::Names(_)
            | Fact::Unseen
            | Fact::Unknown => {
                run_unknown(segment, path, "a file that could not be read as a script");
            }
        }
        false
    }
}

impl Lowering<'_> {
    /// A file of commands that the text itself may change is not the one that was read. Loops, pipelines and traps may
    /// change it after it was met.
    pub(crate) fn note_changed_files(&mut self) {
        let files = std::mem::take(&mut self.ran_files);
        for path in files {
            let mut segments = self.intent.segments.iter();
            if segments.any(|segment| segment.operations.iter().any(|it| changes(segment, it, &path))) {
                self.unknown(&path, "a file that is run, and that the text itself may change");
            }
        }
    }
}

/// Whether an operation may put something else in the place of a file.
fn changes(segment: &Segment, operation: &Operation, path: &str) -> bool {
    /// Parts of Git that leave the files of the work tree as they are.
    const LEAVES_FILES: &[&str] = &["add", "branch", "commit", "config", "fetch", "init", "notes", "remote", "tag"];
    if !matches!(operation.action, Action::Write | Action::Delete) {
        return false;
    }
    let Resource::Path(place) = &operation.resource else {
        let leaves = segment.argv.iter().any(|word| LEAVES_FILES.contains(&word.text()));
        // Archives, patches and Git write where their content says.
        let brings = matches!(operation.resource, Resource::System) && !leaves;
        return matches!(operation.resource, Resource::Unknown(_)) || brings;
    };
    let place = place.split(['*', '?', '[']).next().unwrap_or(place);
    if !place.starts_with('/') {
        return !place.starts_with('~');
    }
    let all = place.len() < operation.resource.text().len() || place.ends_with('/');
    let rest = path.strip_prefix(place.trim_end_matches('/'));
    rest.is_some_and(|rest| all || rest.is_empty() || rest.starts_with('/'))
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

#[cfg(test)]
mod tests {
    use model::{Digest, Fact, FactQuery, Facts, FileKind};

    use crate::{Shell, Subject, Surroundings, settle};

    /// Whether the script `ok.sh`, which says `echo hi`, is believed where a text runs it.
    fn is_believed(text: &str) -> bool {
        let script = FileKind::Text("echo hi\n".to_owned(), Digest::of_bytes(b"echo hi\n"));
        let mut look = |query: &FactQuery| match query {
            FactQuery::File(path) if path.ends_with("/ok.sh") => Fact::File(script.clone()),
            FactQuery::File(_) => Fact::File(FileKind::Missing),
            FactQuery::Program(_) | FactQuery::RealPath(_) | FactQuery::Names(_) => Fact::Unknown,
        };
        let around = Surroundings { cwd: Some("/w/p"), home: Some("/home/agent"), ..Surroundings::default() };
        let intent = settle(Subject::Shell(text), around, &mut Facts::default(), &mut look);
        !intent.unknowns.iter().any(|unknown| unknown.text.ends_with("ok.sh"))
    }

    #[test]
    fn a_script_that_the_text_may_change_is_not_the_one_that_was_read() {
        for text in [
            "echo 'rm -rf x' > ok.sh; sh ok.sh",
            "cp x.sh ok.sh && sh ok.sh",
            "tee ok.sh <<< 'rm x'; bash ok.sh",
            "echo id >> ok.sh; . ./ok.sh",
            "sed -i s/echo/touch/ ok.sh; sh ok.sh",
            "sort -o ok.sh evil; sh ok.sh",
            "git switch other && sh ok.sh",
            "git stash pop && ./ok.sh",
            "git checkout HEAD~1 -- . && sh ok.sh",
            "git apply x.patch; sh ok.sh",
            "git mv evil.sh ok.sh; sh ok.sh",
            "tar xf a.tar; sh ok.sh",
            "ln -sf evil.sh ok.sh; sh ok.sh",
            "mv evil.sh ok.sh; sh ok.sh",
            "cp -r other/. .; sh ok.sh",
            "install evil.sh ok.sh; sh ok.sh",
            "sh ok.sh & echo id > ok.sh",
            "for i in 1 2; do sh ok.sh; echo 'rm x' > ok.sh; done",
            "echo 'rm x' > ok.sh | sh ok.sh",
            "sh -c 'cat evil.sh > ok.sh'; sh ok.sh",
            "cat evil.sh | tee ok.sh >/dev/null; sh ok.sh",
            "rsync -a other/ ./ && sh ok.sh",
            "(cd sub && cp ../x ok.sh); sh sub/ok.sh",
        ] {
            assert!(!is_believed(text), "{text}");
        }
        for text in [
            "sh ok.sh",
            "echo done > log.txt; sh ok.sh",
            "sh ok.sh > out.txt",
            "./ok.sh && echo a >> notes",
            "git add -A && git commit -m x && sh ok.sh",
            "mkdir -p build && sh ok.sh",
        ] {
            assert!(is_believed(text), "{text}");
        }
    }

    #[test]
    fn words_behind_a_sourced_file_may_be_ignored() {
        let script = FileKind::Text("\"$1\" P\n".to_owned(), Digest::of_bytes(b"x"));
        let mut look = |query: &FactQuery| match query {
            FactQuery::Names(_) => Fact::Unknown,
            FactQuery::File(_) => Fact::File(script.clone()),
            FactQuery::Program(_) | FactQuery::RealPath(_) => Fact::Unknown,
        };
        for (shell, is_known) in [(Shell::Unknown, false), (Shell::Bash, true)] {
            let around = Surroundings { cwd: Some("/w/p"), shell, ..Surroundings::default() };
            let text = "set -- touch; . ./arg.sh echo";
            let intent = settle(Subject::Shell(text), around, &mut Facts::default(), &mut look);
            let echoes = |segment: &model::Segment| segment.argv.first().is_some_and(|word| word.text() == "echo");
            assert_eq!(intent.segments.iter().any(echoes), is_known, "{shell:?}");
        }
    }
}
