//! Shells as programs: `sh -c TEXT`, `sh FILE`, or `sh` reading whatever comes in.

use model::{Arg, Factor, Segment, Unknown};

use crate::command::{Input, run_unknown};
use crate::lower::Lowering;
use crate::{knowledge, other_shell, paths, shell_state};

impl Lowering<'_> {
    /// `sh` and its kin: a text (`-c`), a script, or whatever comes in.
    pub(crate) fn shell_program(&mut self, name: &str, args: &[Arg], segment: &mut Segment, input: Input) {
        let bash = matches!(name, "bash" | "rbash");
        let mut rest = args.iter();
        let mut traced = false;
        while let Some(arg) = rest.next() {
            let Some(text) = arg.known() else {
                run_unknown(segment, arg.text(), "the script is not known before it runs");
                return;
            };
            match text {
                "--version" | "--help" => return,
                "--" | "-" | "-s" => break,
                "--norc" | "--noprofile" | "--posix" | "--verbose" => {}
                "--login" => starts_up(text, segment),
                "--rcfile" | "--init-file" => {
                    let _ = rest.next();
                    starts_up(text, segment);
                }
                "-O" | "+O" => {
                    if !rest.next().is_some_and(|name| shell_state::only_matches_names(name.text())) {
                        run_unknown(segment, text, "the shell's option changes how it reads the text");
                    }
                }
                "-o" | "+o" => {
                    let name = rest.next();
                    traced |= text == "-o" && name.and_then(Arg::known) == Some("xtrace");
                    if !name.is_none_or(|name| shell_state::leaves_reading(name, text)) {
                        run_unknown(segment, text, "the shell's option changes how it reads the text");
                    }
                }
                _ if text.starts_with("--") => run_unknown(segment, text, "the shell's option is not known to us"),
                _ if text.starts_with('-') || text.starts_with('+') => {
                    traced |= text.starts_with('-') && text.contains('x');
                    traced |= letters(text, &mut rest, segment);
                    if text.starts_with('-') && text.contains('c') {
                        self.text_in_words(bash, traced, &mut rest, segment);
                        return;
                    }
                }
                path if paths::is_standard_input(path) => break,
                path => {
                    let path = paths::join(path, self.cwd.as_deref());
                    self.script(&path, segment);
                    return;
                }
            }
        }
        self.text_that_comes_in(bash, input, segment);
    }

    /// `-c TEXT`, with its parameters behind it.
    fn text_in_words(&mut self, bash: bool, traced: bool, rest: &mut std::slice::Iter<'_, Arg>, segment: &mut Segment) {
        let Some(text) = rest.next() else {
            run_unknown(segment, "-c", "the option lacks its text");
            return;
        };
        let positional: Vec<Arg> = rest.cloned().collect();
        let traces = self.state.traces;
        self.state.traces |= traced;
        self.shell_text_with(bash, text, &positional, segment);
        self.state.traces = traces;
    }

    /// A text that the shell reads from its standard input.
    fn text_that_comes_in(&mut self, bash: bool, input: Input, segment: &mut Segment) {
        match input.text {
            Some(Some(text)) => {
                self.wrappers.push("sh".to_owned());
                let began = self.intent.segments.len();
                let rereads = self.rereads;
                self.process(&text);
                self.wrappers.pop();
                let inside = self.intent.segments.get(began..).unwrap_or_default();
                if let Some(reader) = inside.iter().find(|it| replaces_input(it) || reads_on(it, &text)) {
                    let text = reader.argv.first().map_or("", Arg::text).to_owned();
                    let why = "it may read from the text that the shell itself is reading".to_owned();
                    segment.unknowns.push(Unknown { text, why });
                }
                if self.rereads != rereads && text.trim_end().contains('\n') {
                    let why = "it may read from the text that the shell itself is reading".to_owned();
                    segment.unknowns.push(Unknown { text: "(input)".to_owned(), why });
                }
                if !bash {
                    doubt(&text, segment);
                }
            }
            Some(None) => run_unknown(segment, "(input)", "the shell runs a text that is not known before it runs"),
            None => {
                let why =
                    if input.fed { "the shell runs whatever comes in" } else { "the shell runs whatever is typed" };
                run_unknown(segment, "(input)", why);
                segment.factors.push(Factor { name: "code_from_input", points: 15, why: why.to_owned() });
            }
        }
    }

    /// A text with its positional parameters, `$0` first.
    fn shell_text_with(&mut self, bash: bool, text: &Arg, positional: &[Arg], segment: &mut Segment) {
        self.positional_for_shell = Some(positional.to_vec());
        self.shell_text_for(bash, text, segment);
        self.positional_for_shell = None;
    }

    /// A text that the system's shell will run, in a shell of its own.
    pub(crate) fn shell_text(&mut self, text: &Arg, segment: &mut Segment) {
        self.shell_text_for(false, text, segment);
    }

    /// The same, for a shell that is Bash or may be another.
    pub(crate) fn shell_text_for(&mut self, bash: bool, text: &Arg, segment: &mut Segment) {
        match text.known() {
            Some(text) => {
                self.wrappers.push("sh -c".to_owned());
                self.process(text);
                self.wrappers.pop();
                if !bash {
                    doubt(text, segment);
                }
            }
            None => run_unknown(segment, text.text(), "the text for the shell is not known before it runs"),
        }
    }
}

/// A bundle of letters that a shell is started with, one of which may take the next word. Says whether that traces.
fn letters(text: &str, rest: &mut std::slice::Iter<'_, Arg>, segment: &mut Segment) -> bool {
    let on = text.starts_with('-');
    if on && text.contains(['l', 'i']) {
        starts_up(text, segment);
    }
    let harmless = text.chars().skip(1).all(|c| match c {
        'B' => on,
        'H' => !on,
        c => "befhilmnoprtuvxCEPTc".contains(c),
    });
    if !harmless {
        run_unknown(segment, text, "the shell's option is not known to us");
    }
    if !text.contains('o') {
        return false;
    }
    let name = rest.next();
    if !name.is_some_and(|name| shell_state::leaves_reading(name, text)) {
        run_unknown(segment, text, "the shell's option changes how it reads the text");
    }
    on && name.and_then(Arg::known) == Some("xtrace")
}

/// Whether a command runs a text that its words or its input hold.
pub(crate) fn runs_a_text(segment: &Segment) -> bool {
    let name = segment.argv.first().and_then(Arg::known).unwrap_or("");
    let name = name.rsplit('/').next().unwrap_or(name);
    let inside = segment.wrappers.iter().any(|wrapper| matches!(wrapper.as_str(), "sh" | "sh -c"));
    inside || name == "eval" || crate::command::is_shell(name)
}

/// `exec` without a program: with a redirection of standard input, the shell goes on reading there.
fn replaces_input(segment: &Segment) -> bool {
    let words = segment.argv.iter().map(Arg::text).skip_while(|word| matches!(*word, "command" | "builtin"));
    words.eq(["exec"])
}

/// Whether a command in a text that comes in on the shell's standard input may take lines of it that follow.
fn reads_on(segment: &Segment, text: &str) -> bool {
    /// Programs and builtins that do not read their standard input.
    const NEVER: &[&str] = &[
        ":",
        "[",
        "[[",
        "alias",
        "arch",
        "basename",
        "break",
        "cd",
        "chmod",
        "chown",
        "continue",
        "cp",
        "date",
        "declare",
        "df",
        "dirname",
        "du",
        "echo",
        "exit",
        "export",
        "false",
        "file",
        "find",
        "free",
        "git",
        "hash",
        "hostname",
        "id",
        "jobs",
        "kill",
        "ln",
        "local",
        "ls",
        "mkdir",
        "nproc",
        "popd",
        "printenv",
        "printf",
        "ps",
        "pushd",
        "pwd",
        "readlink",
        "readonly",
        "realpath",
        "return",
        "rmdir",
        "seq",
        "set",
        "shift",
        "shopt",
        "sleep",
        "stat",
        "test",
        "times",
        "touch",
        "trap",
        "tree",
        "true",
        "tty",
        "type",
        "typeset",
        "ulimit",
        "umask",
        "unalias",
        "uname",
        "unset",
        "uptime",
        "wait",
        "which",
        "whoami",
        "(redirection)",
    ];
    /// Programs that read what they are given, and standard input only where they are given nothing.
    const OF_FILES: &[knowledge::Role] = &[knowledge::Role::Read];
    let name = segment.argv.first().and_then(Arg::known).unwrap_or("");
    let name = name.rsplit('/').next().unwrap_or(name);
    let reads = |operation: &model::Operation| {
        operation.action == model::Action::Read
            && matches!(&operation.resource, model::Resource::Path(path)
                if !paths::is_standard_input(path) && !path.contains("/fd/"))
    };
    let given = || {
        segment.operations.iter().any(reads)
            && knowledge::find(name).is_some_and(|entry| OF_FILES.iter().any(|role| entry.operands.contains(role)))
    };
    // A copy of standard input is no other input.
    let copied = ["<&", "/dev/stdin", "/dev/fd/", "/proc/"].iter().any(|it| text.contains(it));
    let elsewhere = segment.fed && !copied;
    text.trim_end().contains('\n') && !elsewhere && !NEVER.contains(&name) && (copied || !given())
}

/// A shell that reads start-up files first: what they hold is not part of the text.
fn starts_up(option: &str, segment: &mut Segment) {
    run_unknown(segment, option, "the shell runs its start-up files first, which are not part of the command");
}

/// Says so where a text uses what shells read differently.
fn doubt(text: &str, segment: &mut Segment) {
    if let Some(mark) = other_shell::mark(text) {
        let why = "shells differ on what this means, and which one `sh` is here is not known".to_owned();
        segment.unknowns.push(Unknown { text: mark.to_owned(), why });
    }
}
