//! One simple command: which program it is, which wrappers start it, and what it does.

use model::{Action, Arg, Category, Fact, FactQuery, Factor, Operation, Resource, Reversibility, Segment};

use crate::knowledge::{self, Known, Role};
use crate::leak::{self, Leak};
use crate::lower::{Dispatch, Lowering};
use crate::other_shell::Shell;
use crate::simple::Dress;
use crate::{builtin, code, exact, other_shell, paths};

/// Shells whose language the parser reads.
const SHELLS: &[&str] = &["sh", "bash", "dash", "ash", "rbash"];

/// What comes in on a command's standard input.
#[derive(Clone, Debug, Default)]
pub(crate) struct Input {
    /// Something other than the terminal.
    pub(crate) fed: bool,
    /// The text, where it is known; `Some(None)` where it is a text that is not known.
    pub(crate) text: Option<Option<String>>,
}

/// Marks a segment as running what another command fetched.
pub(crate) fn mark_download(segment: &mut Segment, from: &str) {
    segment.operations.push(Operation {
        action: Action::Run,
        resource: Resource::Unknown(format!("code from {from}")),
        category: Category::RemoteCode,
        reversibility: Reversibility::Irreversible,
        recursive: false,
    });
    segment.factors.push(Factor {
        name: "download_and_run",
        points: 40,
        why: format!("runs code that comes from {from}"),
    });
}

/// Marks a segment by what is known of a secret and the network: that it goes out, or that it could.
pub(crate) fn mark_leak(segment: &mut Segment, leak: Leak, secret: &str) {
    let (name, points, why) = match leak {
        Leak::No => return,
        Leak::Perhaps => {
            let why = format!("it reads {secret} and talks to the network; whether that is sent is not known");
            ("secret_near_network", 25, why)
        }
        Leak::Known => ("secret_to_network", 40, format!("{secret} would leave over the network")),
    };
    if !segment.factors.iter().any(|factor| factor.name == name) {
        segment.factors.push(Factor { name, points, why });
    }
}

/// Whether a program is a shell whose language the parser reads.
pub(crate) fn is_shell(name: &str) -> bool {
    SHELLS.contains(&name)
}

impl Lowering<'_> {
    /// An argument vector that is executed without a shell.
    pub(crate) fn vector(&mut self, argv: &[String]) {
        self.execute(argv, Dress::default());
    }

    /// The same, with its wrappers.
    pub(crate) fn execute(&mut self, argv: &[String], dress: Dress) {
        let argv: Vec<Arg> = argv.iter().cloned().map(Arg::Known).collect();
        self.run(argv, dress, false, 0);
    }

    /// A command with its words expanded. `before` is where the segments of its own substitutions begin.
    pub(crate) fn run(&mut self, argv: Vec<Arg>, dress: Dress, piped: bool, before: usize) {
        if !self.budget.take_steps(1) {
            return;
        }
        let Some((head, args)) = argv.split_first() else {
            let segment = self.bare(argv, dress);
            self.push(segment);
            return;
        };
        let input = self.input_of(&dress, piped);
        // What a redirection opens comes in instead of what the command before prints.
        let stream = (dress.inputs > 0).then(|| std::mem::take(&mut self.stream));
        let fed = dress.reads_elsewhere || dress.input.is_some();
        self.redirected = dress.redirected;
        let mut segment = self.bare(argv.clone(), dress);
        segment.fed |= piped;
        let started = self.intent.segments.len();
        crate::terminal::observe(&mut segment);
        let secrets = std::mem::take(&mut self.secrets);
        let outer = std::mem::replace(&mut self.began, before);
        match head.known() {
            Some(name) => self.named(name, args, &mut segment, input),
            None => {
                run_unknown(&mut segment, head.text(), "the program is not known before it runs");
                // What expands to nothing without quotes leaves the next word to be the command.
                if head.text().starts_with(['$', '`'])
                    && args.first().and_then(Arg::known).is_some_and(|word| !word.starts_with('-'))
                {
                    self.contained(|walk| walk.run(args.to_vec(), Dress::default(), piped, before));
                }
                // It may be a builtin or a function that changes the shell.
                if self.dispatch == Dispatch::Shell {
                    self.state.forget();
                }
            }
        }
        let takes_input = matches!(head.known(), Some("read" | "mapfile" | "readarray"));
        let comes_in =
            takes_input && (self.secret_comes_in || leak::handed_on(std::slice::from_ref(&segment)).is_some());
        if let Some(stream) = stream {
            self.stream = stream;
        }
        if !secrets.is_empty() || comes_in || self.secret_since(before) {
            self.hand_on_secrets(head.text(), args);
        }
        self.given_secrets(head.text(), secrets, &mut segment);
        self.began = outer;
        self.note_flows(&mut segment, before..started, fed);
        self.note_copies(&segment);
        self.push(segment);
    }

    /// What comes in on a command's standard input. In Z shell, several redirections of it, or one behind a pipe, come in
    /// one after the other.
    fn input_of(&self, dress: &Dress, piped: bool) -> Input {
        let several = dress.inputs > 1 || (piped && dress.inputs > 0);
        let text = if several && self.shell.may_be_zsh() {
            Some(None)
        } else if dress.inputs > 0 || dress.reads_elsewhere || dress.input.is_some() {
            dress.input.clone()
        } else if piped {
            self.stream.plain().map(Some)
        } else {
            None
        };
        Input { fed: piped || dress.reads_elsewhere, text }
    }

    /// Notes what is known to flow from the substitutions in a command's words, which are the segments of `inner`, and
    /// from what it reads itself.
    fn note_flows(&self, segment: &mut Segment, inner: std::ops::Range<usize>, fed: bool) {
        let inner = self.intent.segments.get(inner).unwrap_or_default();
        // What a program may fetch for its own work, without an address in the text, is no download that is then run.
        let mut fetched = inner
            .iter()
            .flat_map(|it| &it.operations)
            .filter(|operation| operation.action == Action::Connect && operation.resource != Resource::System);
        let runs = segment.operations.iter().any(|operation| operation.action == Action::Run);
        if runs
            && let Some(fetched) = fetched.next()
            && leak::runs_substitution(segment, fed)
        {
            mark_download(segment, fetched.resource.text());
        }
        let named = |word: &Arg, name: &str| {
            let rest = word.text().split('$').skip(1).map(|rest| rest.trim_start_matches('{'));
            let goes_on = |c: char| c.is_ascii_alphanumeric() || c == '_';
            let mut found = rest.filter_map(|rest| rest.strip_prefix(name));
            word.known().is_none() && found.any(|behind| !behind.starts_with(goes_on))
        };
        let holds = |name: &str| leak::runs_word(segment, false, &|word: &Arg| named(word, name));
        if runs && let Some((_, from)) = self.fetched.iter().find(|(name, _)| holds(name)) {
            mark_download(segment, from);
        }
        let linked = |path: &str| self.linked(path);
        let ways = leak::Ways { cwd: self.cwd.as_deref(), linked: &linked };
        let (leak, secret) = leak::of(segment, inner, fed, &ways);
        mark_leak(segment, leak, &secret);
    }

    fn named(&mut self, name: &str, args: &[Arg], segment: &mut Segment, input: Input) {
        if self.dispatch == Dispatch::Shell {
            self.expand_alias(name, args, segment);
            let before = self.functions.contains_key(name).then(|| self.fork());
            if self.call_function(name, args, segment) {
                return;
            }
            if let Some(before) = before {
                // The function ran, or what it hides did: one of the two.
                let function = self.outcome();
                self.state = before;
                self.named_by_none(name, args, segment, input);
                let mut end = self.outcome();
                end.join(function);
                self.resume(end);
                return;
            }
        }
        self.named_by_none(name, args, segment, input);
    }

    /// A builtin or a program, by its name, where no function has it.
    fn named_by_none(&mut self, name: &str, args: &[Arg], segment: &mut Segment, input: Input) {
        if name.contains('/') {
            let path = paths::join(name, self.cwd.as_deref());
            if paths::has_parent(&path) || !self.is_installed(&path) {
                self.script(&path, segment);
                return;
            }
        } else if self.dispatch == Dispatch::Program && builtin::is_builtin(name) && knowledge::find(name).is_none() {
            run_unknown(segment, name, "a builtin of the shell, but here a program runs it");
            return;
        } else if self.dispatch != Dispatch::Program && self.builtin_or_program(name, args, segment) {
            return;
        } else {
            if self.lookup_changed {
                run_unknown(segment, name, "an earlier part of the text changed how programs are looked up");
                segment.found_at = Some("wherever the text makes it be looked up".to_owned());
            }
            match self.fact(FactQuery::Program(name.to_owned())) {
                Fact::Program(Some(path)) if !self.is_installed(&path) => {
                    run_unknown(segment, name, &format!("`{name}` is `{path}` here, which is no part of the system"));
                    segment.found_at.get_or_insert(path);
                }
                Fact::Unseen => {
                    run_unknown(segment, name, "a directory that is searched for programs could not be looked into");
                    segment.found_at.get_or_insert("a directory that could not be looked into".to_owned());
                }
                Fact::Program(_) | Fact::File(_) | Fact::RealPath(_) | Fact::Names(_) | Fact::Unknown => {}
            }
        }
        self.program(name, args, segment, input);
    }

    /// Whether a program file is part of the system, or of this firewall wherever that is installed.
    fn is_installed(&self, path: &str) -> bool {
        paths::is_system_program(path) || self.own_programs.iter().any(|own| own == path)
    }

    /// A builtin, if it is one. Where another shell that may run the text has no such builtin, it changes nothing
    /// there, and both ways are kept.
    fn builtin_or_program(&mut self, name: &str, args: &[Arg], segment: &mut Segment) -> bool {
        let before = if self.runs_surely(name) { None } else { Some(self.fork()) };
        let is_builtin = self.builtin_if_there(name, args, segment);
        if is_builtin && let Some(before) = before {
            self.settle();
            self.state.join(before);
        }
        is_builtin
    }

    /// Whether the shell that runs the text runs a builtin here. In Z shell `command` runs no builtin; POSIX shells have
    /// no `builtin`, and fewer builtins. Where the shell is not known, it is taken to have those of Bash.
    fn runs_surely(&self, name: &str) -> bool {
        let named = self.dispatch == Dispatch::Shell;
        match self.shell {
            Shell::Bash | Shell::Other => true,
            Shell::Zsh | Shell::Unknown => named,
            Shell::Sh => named && !builtin::is_of_bash(name),
        }
    }

    /// A builtin, which fails where the shell does not have it.
    fn builtin_if_there(&mut self, name: &str, args: &[Arg], segment: &mut Segment) -> bool {
        if !other_shell::lacks(self.shell, name) {
            return self.builtin(name, args, segment);
        }
        let mut failed = self.fork();
        let found = self.builtin(name, args, segment);
        let other = self.failed.take().map_or_else(|| self.fork(), |state| *state);
        failed.join(other);
        self.failed = Some(Box::new(failed));
        found
    }

    /// Whether the shell expands an alias depends on how it was started: what both readings do is said.
    fn expand_alias(&mut self, name: &str, args: &[Arg], segment: &mut Segment) {
        if !self.aliases.contains_key(name) || !self.budget.take_entries(self.aliases.len()) {
            return;
        }
        let Some(texts) = self.state.aliases.remove(name) else { return };
        let before = self.fork();
        let mut end = self.copy_of(&before);
        match args.iter().map(Arg::known).collect::<Option<Vec<_>>>() {
            Some(words) => {
                let quoted: Vec<String> =
                    words.iter().map(|word| format!("'{}'", word.replace('\'', "'\\''"))).collect();
                for text in &texts {
                    self.state = self.copy_of(&before);
                    self.shell(&format!("{text} {}", quoted.join(" ")));
                    self.settle();
                    end.join(std::mem::take(&mut self.state));
                }
            }
            None => {
                run_unknown(segment, name, "an alias with arguments that are not known before it runs");
                end.forget();
            }
        }
        self.state = end;
        self.state.aliases.insert(name.to_owned(), texts);
    }

    /// A program, by its name.
    fn program(&mut self, name: &str, args: &[Arg], segment: &mut Segment, input: Input) {
        let name = name.rsplit('/').next().unwrap_or(name);
        if exact::only_looks(name, args) {
            crate::program::act(&[Role::Inspect], &mut segment.operations);
        } else if SHELLS.contains(&name) {
            self.shell_program(name, args, segment, input);
        } else if let Some(language) = code::language_of(name) {
            self.interpreter(name, language, args, segment, &input);
        } else if name == "find" {
            self.find(args, segment);
        } else {
            // `yq eval FILTER FILE` is `yq FILTER FILE`.
            let named = matches!(args.first().and_then(Arg::known), Some("e" | "eval" | "ea" | "eval-all"));
            let args = if name == "yq" && named { args.get(1..).unwrap_or_default() } else { args };
            // `gcc-12`, `pip3.11`: the same program in another version.
            let family = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.').trim_end_matches('-');
            let versioned = name.get(family.len()..).is_some_and(|version| version.contains(['-', '.']));
            match knowledge::find(name).or_else(|| knowledge::find(family).filter(|_| versioned)) {
                Some(entry) => self.by_entry(entry, args, segment, &input),
                None if name.starts_with("git-") => {
                    let words = std::iter::once(Arg::Known(name.trim_start_matches("git-").to_owned()))
                        .chain(args.iter().cloned());
                    self.named("git", &words.collect::<Vec<_>>(), segment, input);
                }
                None => {
                    run_unknown(segment, name, "this program is not known to us");
                    for arg in args {
                        self.suspect(arg.text(), segment);
                    }
                }
            }
            // The new name is made first, and leads elsewhere then.
            self.links_of(name, args, segment);
        }
    }

    pub(crate) fn by_entry(&mut self, entry: Known, args: &[Arg], segment: &mut Segment, input: &Input) {
        if entry.name == "command" && matches!(args.first().and_then(Arg::known), Some("-v" | "-V")) {
            return;
        }
        let split = (entry.name == "env").then(|| crate::split_string::split(args)).flatten();
        let args = split.as_deref().unwrap_or(args);
        let mut parsed = self.parse(entry, args);
        self.without_values(entry, args, &mut parsed, segment, input);
        segment.operations.append(&mut parsed.operations);
        segment.unknowns.append(&mut parsed.unknowns);
        self.carried(entry, args, segment);
        self.overrides(entry, args, segment);
        let terminal = crate::pty::makes_one(entry.name);
        if terminal {
            self.wrappers.push(entry.name.to_owned());
        }
        for text in &parsed.shell_texts {
            self.shell_text(text, segment);
        }
        if terminal {
            self.wrappers.pop();
        }
        for named in &parsed.programs {
            self.program_in_option(entry.name, named, segment);
        }
        for code in &parsed.codes {
            self.code(entry.name, code, segment);
        }
        for statement in &parsed.statements {
            self.sql_argument(statement, segment);
        }
        if parsed.from_input {
            self.code_in_input(entry.name, segment, input);
        } else if code::runs_what_comes_in(entry.name, &parsed) {
            self.code_from_input(entry.name, segment, input);
        }
        if entry.subcommands {
            self.subcommand(entry, parsed, segment, input);
        } else if entry.wraps.is_some() {
            self.wrapper(entry, parsed, segment, input);
        }
    }
}

impl Lowering<'_> {
    /// Where a value of an option may be no word at all, the next word is the value: that reading counts, too.
    fn without_values(
        &mut self,
        entry: Known,
        args: &[Arg],
        parsed: &mut crate::program::Parsed,
        segment: &mut Segment,
        input: &Input,
    ) {
        /// How many such words are followed.
        const MAX_VANISHING: usize = 3;
        let vanishing = std::mem::take(&mut parsed.vanishing);
        if vanishing.len() > MAX_VANISHING {
            parsed.unknown(entry.name, "which words are values of options is not known before it runs");
            return;
        }
        for left in vanishing {
            let Some(at) = args.len().checked_sub(left) else { continue };
            let fewer: Vec<Arg> =
                args.iter().enumerate().filter(|(here, _)| *here != at).map(|(_, arg)| arg.clone()).collect();
            let before = segment.unknowns.len();
            self.by_entry(entry, &fewer, segment, input);
            // Without a value the program refuses to run.
            let refused = |unknown: &model::Unknown| unknown.why == crate::options::LACKS_VALUE;
            let own: Vec<model::Unknown> = segment.unknowns.drain(before..).filter(|it| !refused(it)).collect();
            segment.unknowns.extend(own);
        }
    }
}

/// Notes that the segment runs something that is not understood.
pub(crate) fn run_unknown(segment: &mut Segment, what: &str, why: &str) {
    segment.operations.push(Operation {
        action: Action::Run,
        resource: Resource::Program(what.to_owned()),
        category: Category::RemoteCode,
        reversibility: Reversibility::Irreversible,
        recursive: false,
    });
    segment.unknowns.push(model::Unknown { text: what.to_owned(), why: why.to_owned() });
}
