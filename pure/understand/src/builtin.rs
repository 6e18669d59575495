//! Builtins of the shell: they change the shell itself, or what it knows, and so how the rest of the text is read.

use model::{Action, Arg, Category, Fact, FactQuery, FileKind, Operation, Resource, Reversibility, Segment, Unknown};

use crate::command::run_unknown;
use crate::compound::FrameKind;
use crate::lower::{Dispatch, Lowering};
use crate::simple::Dress;
use crate::state::unknown;
use crate::{Shell, paths};

/// Builtins that change nothing we judge.
const QUIET_BUILTINS: &[&str] = &["wait", "jobs", "times", "logout", "dirs", "caller", "disown", "umask", "ulimit"];

/// Builtins that this file and its neighbours give a meaning.
const BUILTINS: &[&str] = &[
    "cd",
    "pushd",
    "popd",
    "read",
    "export",
    "declare",
    "typeset",
    "local",
    "readonly",
    "unset",
    "mapfile",
    "readarray",
    "getopts",
    "set",
    "shopt",
    "alias",
    "history",
    "bind",
    "complete",
    "compgen",
    "compopt",
    "unalias",
    "enable",
    "fc",
    "hash",
    "trap",
    "eval",
    "source",
    ".",
    "let",
    "exit",
    "return",
    "break",
    "continue",
    "shift",
    "suspend",
];

/// Whether a name is one of a builtin that changes the shell, and of no program.
pub(crate) fn is_builtin(name: &str) -> bool {
    BUILTINS.contains(&name) || QUIET_BUILTINS.contains(&name)
}

/// Builtins that a POSIX shell need not have, and whose lack it survives.
const OF_BASH: &[&str] =
    &["declare", "typeset", "pushd", "popd", "mapfile", "readarray", "let", "source", "shopt", "printf"];

/// Whether a shell that is not Bash may know nothing of a builtin, or of its option that sets a variable.
pub(crate) fn is_of_bash(name: &str) -> bool {
    OF_BASH.contains(&name)
}

impl Lowering<'_> {
    /// Builtins of the shell that are no programs. Says whether it was one.
    pub(crate) fn builtin(&mut self, name: &str, args: &[Arg], segment: &mut Segment) -> bool {
        match name {
            "cd" | "pushd" => self.change_directory(name, args),
            "popd" => {
                let failed = Box::new(self.fork());
                self.moves = self.moves.saturating_add(1);
                self.state.enter(None);
                self.failed = Some(failed);
            }
            "exit" | "return" | "break" | "continue" | "logout" => {
                self.number(args, segment);
                if name != "logout" {
                    self.leave(name, args);
                }
            }
            "shift" => {
                self.number(args, segment);
                self.shift(args);
            }
            "read" | "export" | "declare" | "typeset" | "local" | "readonly" | "unset" | "mapfile" | "readarray"
            | "getopts" => self.declaration(name, args, segment),
            "set" => self.set_options(args, segment),
            "shopt" => self.shopt(args, segment),
            "alias" => self.alias(args, segment),
            "history" => self.history(args, segment),
            "bind" | "complete" | "compgen" | "compopt" | "unalias" | "enable" | "fc" => {
                self.table(name, args, segment);
            }
            "hash" => {
                let lists =
                    args.iter().all(|arg| matches!(arg.text(), "-r" | "-l" | "-t" | "-lt" | "-tl") || is_name(arg));
                if !lists {
                    self.lookup_changed = true;
                    let why = "changes which program runs".to_owned();
                    segment.unknowns.push(Unknown { text: name.to_owned(), why });
                }
            }
            "suspend" => {
                let why = "stops the shell that runs it".to_owned();
                segment.unknowns.push(Unknown { text: name.to_owned(), why });
            }
            "trap" => self.trap(args, segment),
            "eval" => self.eval(args, segment),
            "source" | "." => self.source(args, segment),
            "printf" if args.first().is_none_or(|arg| arg.text().starts_with("-v")) => {
                let glued = args.first().and_then(|arg| arg.text().strip_prefix("-v")).filter(|it| !it.is_empty());
                let words = match glued {
                    Some(name) => vec![Arg::Known(name.to_owned())],
                    None => args.get(1..2).unwrap_or_default().to_vec(),
                };
                self.received(&words, segment);
            }
            "printf" => {
                self.printed_numbers(args, segment);
                return false;
            }
            "wait" if args.iter().any(|arg| arg.text().starts_with('-')) => {
                let words: Vec<Arg> = args.iter().filter(|arg| !arg.text().starts_with('-')).cloned().collect();
                self.received(&words, segment);
            }
            "jobs" if args.iter().any(|arg| arg.known().is_none_or(|text| text.contains('x'))) => {
                self.jobs(args, segment);
            }
            "test" | "[" => {
                subscripts(args, segment);
                let terminal = args.windows(2).filter(|pair| pair.first().is_some_and(|arg| arg.text() == "-t"));
                let values: Vec<Arg> = terminal.filter_map(|pair| pair.get(1)).cloned().collect();
                self.number(&values, segment);
            }
            "let" => {
                for arg in args {
                    self.arithmetic(arg.text());
                    let name = arg.text().split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).next();
                    self.assigned_by_arithmetic(name.unwrap_or(""), arg.text(), segment);
                }
            }
            _ => return QUIET_BUILTINS.contains(&name),
        }
        true
    }

    /// Where Z shell takes a number it evaluates what it is given, and a subscript in it runs commands.
    pub(crate) fn number(&self, values: &[Arg], segment: &mut Segment) {
        let plain = |text: &str| !text.contains('[');
        if self.shell.may_be_zsh()
            && let Some(value) = values.iter().find(|value| !value.known().is_none_or(plain))
        {
            let why = "Z shell evaluates this as a number, which may run commands".to_owned();
            segment.unknowns.push(Unknown { text: value.text().to_owned(), why });
        }
    }

    /// `printf` evaluates words for any conversion but those of texts.
    fn printed_numbers(&self, args: &[Arg], segment: &mut Segment) {
        let Some((format, words)) = args.split_first() else { return };
        let numbers = format.known().is_none_or(|format| {
            let conversions = format.split('%').skip(1).filter(|piece| !piece.is_empty());
            let own = |c: char| c.is_ascii_alphabetic() || c == '*';
            conversions.map(|piece| piece.chars().find(|c| own(*c))).any(|c| !matches!(c, Some('s' | 'b' | 'c' | 'q')))
        });
        if numbers {
            self.number(words, segment);
            let unsure = |word: &&Arg| matches!(word, Arg::Unknown(text) if self.may_hold_any_text(text));
            if self.shell.may_be_zsh()
                && let Some(word) = words.iter().find(unsure)
            {
                let why = "Z shell evaluates this as a number, which may run commands".to_owned();
                segment.unknowns.push(Unknown { text: word.text().to_owned(), why });
            }
        }
    }

    /// Whether a word may hold what a file or another command wrote: anything but a variable that the text does not set.
    fn may_hold_any_text(&self, raw: &str) -> bool {
        let name = raw.trim_matches('"').trim_start_matches('$').trim_matches(['{', '}']);
        let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        !is_name || self.variables.contains_key(name)
    }

    /// `jobs -x COMMAND` runs it.
    fn jobs(&mut self, args: &[Arg], segment: &mut Segment) {
        run_unknown(segment, "jobs", "with `-x` it runs the words that follow");
        let command: Vec<Arg> = args.iter().skip_while(|arg| arg.text().starts_with('-')).cloned().collect();
        self.contained(|walk| {
            let before = walk.intent.segments.len();
            walk.run(command, Dress::default(), false, before);
        });
    }

    /// A text put together from words. Z shell may take it for a mistake, and then runs nothing of it and goes on.
    fn eval(&mut self, args: &[Arg], segment: &mut Segment) {
        let args = if args.first().is_some_and(|arg| arg.text() == "--") { args.get(1..) } else { Some(args) };
        let words = args.unwrap_or_default().iter().map(Arg::known).collect::<Option<Vec<_>>>();
        let Some(text) = words.map(|it| it.join(" ")) else {
            run_unknown(segment, "eval", "the text for the shell is not known before it runs");
            self.state.forget();
            return;
        };
        let before = self.shell.may_be_zsh().then(|| self.fork());
        self.shell(&text);
        let Some(before) = before else { return };
        self.settle();
        self.state.join(before);
        // In Z shell an error ends the text anywhere in it, and what is behind `eval` goes on.
        if text.trim().contains([';', '\n', '&', '|']) {
            let names: Vec<String> = self.state.variables.keys().filter(|name| text.contains(*name)).cloned().collect();
            for name in names {
                self.state.put(&name, unknown(&name));
            }
            if ["cd", "pushd", "popd"].iter().any(|it| text.contains(it)) {
                self.state.enter(None);
            }
        }
    }

    /// `cd` and `pushd`: where it succeeds the shell is there, where it fails it is where it was.
    fn change_directory(&mut self, name: &str, args: &[Arg]) {
        let mut failed = self.fork();
        // Options that every shell takes: with any other it fails in some, or does not move.
        let options = args.iter().take_while(|arg| name == "cd" && matches!(arg.text(), "-L" | "-P" | "--")).count();
        let lacking = name == "pushd" && self.shell == Shell::Sh;
        let mut directory = match args.get(options..).unwrap_or_default() {
            [] if name == "cd" => {
                self.home.clone().filter(|_| self.variables.get("HOME").is_some_and(|it| it.known().is_some()))
            }
            [Arg::Known(directory)]
                if !directory.is_empty()
                    && !directory.starts_with(['-', '+'])
                    && (directory.starts_with('/') || self.cwd.is_some()) =>
            {
                Some(paths::plain(directory, self.cwd.as_deref()))
            }
            _ => None,
        };
        let mut there = directory.is_some();
        if lacking {
            directory = None;
        }
        if let Some(path) = &directory {
            let path = path.clone();
            // Behind a link the shell and the system disagree on where `..` leads, so nothing relative is known.
            let elsewhere = match self.fact(FactQuery::RealPath(path.clone())) {
                Fact::RealPath(real) => real != path,
                Fact::Unseen => true,
                Fact::Program(_) | Fact::File(_) | Fact::Names(_) | Fact::Unknown => false,
            };
            if elsewhere || !self.linked(&path).is_empty() {
                directory = None;
            }
            // One that is missing may be made before; whether it is shows only when it runs.
            match self.fact(FactQuery::File(path)) {
                Fact::File(FileKind::Missing) => there = false,
                Fact::File(FileKind::Text(..) | FileKind::Opaque) => directory = None,
                Fact::File(FileKind::Directory)
                | Fact::Program(_)
                | Fact::RealPath(_)
                | Fact::Names(_)
                | Fact::Unseen
                | Fact::Unknown => {}
            }
        }
        if there && directory.as_deref().is_some_and(|path| !self.taken_away(path)) {
            failed.stay();
        }
        self.moves = self.moves.saturating_add(1);
        self.state.enter(directory);
        self.failed = Some(Box::new(failed));
    }

    /// Whether the text itself may have removed or shut a directory.
    fn taken_away(&self, path: &str) -> bool {
        let mut operations = self.intent.segments.iter().flat_map(|segment| &segment.operations);
        operations.any(|operation| {
            let text = operation.resource.text();
            matches!(operation.action, Action::Delete | Action::Permit)
                && (!text.starts_with('/')
                    || text.contains(['*', '?', '['])
                    || path
                        .strip_prefix(text.trim_end_matches('/'))
                        .is_some_and(|it| it.is_empty() || it.starts_with('/')))
        })
    }

    /// Words that leave the shell, a function or a loop.
    fn leave(&mut self, name: &str, args: &[Arg]) {
        let number = |arg: &Arg| {
            arg.known().is_some_and(|text| {
                !text.is_empty() && text.len() < 4 && text.bytes().all(|byte| byte.is_ascii_digit())
            })
        };
        let certain = match args {
            [] => true,
            [only] => {
                number(only) && (!only.text().trim_start_matches('0').is_empty() || matches!(name, "exit" | "return"))
            }
            _ => false,
        };
        let landed = match name {
            "exit" => true,
            "return" => self.jump(FrameKind::Function),
            _ => self.jump(FrameKind::Loop),
        };
        if certain && landed && !self.redirected && self.dispatch == Dispatch::Shell {
            self.state.leave();
        }
    }

    fn shift(&mut self, args: &[Arg]) {
        let count = match args {
            [] => Some(1),
            [only] => only.known().and_then(|text| text.parse::<usize>().ok()),
            _ => None,
        };
        let words = self.state.positional.take();
        let left = count.zip(words).and_then(|(count, words)| words.get(count..).map(Into::into));
        self.state.set_positional(left);
    }

    /// A file that this shell itself reads and runs.
    fn source(&mut self, args: &[Arg], segment: &mut Segment) {
        let args =
            if args.first().is_some_and(|arg| arg.text() == "--") { args.get(1..).unwrap_or_default() } else { args };
        match args.split_first() {
            Some((Arg::Known(path), words)) if path.contains('/') => {
                let path = paths::join(path, self.cwd.as_deref());
                let outside = self.state.positional.clone();
                let without = self.fork();
                if !words.is_empty() {
                    self.state.set_positional(Some(words.into()));
                    // A POSIX shell's `.` takes no words.
                    if self.shell.may_be_posix() {
                        self.state.join(without);
                    }
                }
                let before = self.fork();
                self.sourced(&path, segment);
                if words.is_empty() {
                    // It may change the parameters of the shell around it.
                    self.state.join(before);
                } else {
                    self.state.set_positional(outside);
                }
            }
            Some((other, _)) => {
                run_unknown(segment, other.text(), "the file that the shell reads is not known before it runs");
                self.state.forget();
            }
            None => {}
        }
    }

    /// An action that runs at another time: at a signal, at an error, before each command, or at the end.
    fn trap(&mut self, args: &[Arg], segment: &mut Segment) {
        let args =
            if args.first().is_some_and(|arg| arg.text() == "--") { args.get(1..).unwrap_or_default() } else { args };
        let [action, _, ..] = args else { return };
        if matches!(action.known(), Some("-" | "-l" | "-p" | "")) {
            return;
        }
        let Some(text) = action.known() else {
            run_unknown(segment, action.text(), "the text for the shell is not known before it runs");
            self.state.forget();
            return;
        };
        let signals = ["INT", "TERM", "HUP", "QUIT", "PIPE", "USR1", "USR2", "WINCH", "CHLD"];
        self.traced_by_traps |= args.iter().skip(1).any(|arg| {
            arg.known().is_none_or(|name| !signals.contains(&name.trim_start_matches("SIG").to_uppercase().as_str()))
        });
        let moves = self.moves;
        let mut outside = self.fork();
        let here = outside.cwd.clone();
        self.state.forget();
        self.state.variables.retain(|name, _| name == "HOME");
        self.state.cwd = here;
        self.shell(text);
        self.settle();
        let mut after = std::mem::take(&mut self.state);
        for name in after.variables.keys().filter(|name| *name != "HOME") {
            outside.unsettle(name);
        }
        self.traps.push((text.to_owned(), self.moves));
        if self.moves != moves {
            outside.drift();
        }
        outside.lookup_changed |= after.lookup_changed || outside.aliases != after.aliases;
        outside.exports_all |= after.exports_all;
        outside.traces |= after.traces;
        outside.drops_unmatched |= after.drops_unmatched;
        outside.exported.append(&mut after.exported);
        outside.integers.append(&mut after.integers);
        self.state = outside;
        let jumps =
            text.split(|c: char| !c.is_ascii_alphanumeric()).any(|it| matches!(it, "return" | "break" | "continue"));
        if jumps || text.contains('(') && text.contains('{') {
            let why = "a trap that changes where the text goes on is not followed".to_owned();
            segment.unknowns.push(Unknown { text: text.to_owned(), why });
        }
    }

    /// Builtins that show or change the shell's own tables.
    fn table(&mut self, name: &str, args: &[Arg], segment: &mut Segment) {
        const SHOWS: &[&str] = &["-p", "-P", "-l", "-v", "-V", "-s", "-S", "-a", "-b", "-c", "-A"];
        let shows = args.iter().all(|arg| SHOWS.contains(&arg.text()));
        if name == "unalias" {
            // The readings with the alias are kept: that shows more, never less.
            return;
        }
        if !shows || name == "fc" {
            self.lookup_changed |= name == "enable";
            let why = "changes how the shell reads what follows".to_owned();
            segment.unknowns.push(Unknown { text: name.to_owned(), why });
        }
    }

    /// Arithmetic may set a variable to a number.
    fn assigned_by_arithmetic(&mut self, name: &str, text: &str, segment: &mut Segment) {
        let sets = text.contains('=') || text.contains("++") || text.contains("--");
        if sets && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
            self.received(&[Arg::Known(name.to_owned())], segment);
        }
    }
}

/// `-v NAME` evaluates a subscript in the name.
fn subscripts(args: &[Arg], segment: &mut Segment) {
    for pair in args.windows(2) {
        if let [flag, name] = pair
            && matches!(flag.text(), "-v" | "-R")
            && name.known().is_none_or(|name| name.contains('['))
        {
            let why = "a subscript in a test is evaluated, which may run commands".to_owned();
            segment.unknowns.push(Unknown { text: name.text().to_owned(), why });
        }
    }
}

/// A word that is a plain name. Z shell's `hash NAME=PATH` defines what a name means.
fn is_name(arg: &Arg) -> bool {
    arg.known().is_some_and(|text| !text.is_empty() && !text.starts_with('-') && !text.contains('='))
}

/// What a builtin shows that is secret: values of variables.
pub(crate) fn shows_variables() -> Operation {
    Operation {
        action: Action::Read,
        resource: Resource::Unknown("the environment".to_owned()),
        category: Category::CredentialAccess,
        reversibility: Reversibility::Reversible,
        recursive: false,
    }
}
