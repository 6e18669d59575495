//! Statements to segments: every construct that can run a command is walked, and each simple command lands in the
//! intent as a segment of its own.

use brush_parser::ast::{Command, CompoundList, ExtendedTestExpr, Program, RedirectList, UnaryPredicate};
use model::{Arg, Fact, FactQuery, Facts, Intent, Unknown};

use crate::budget::Budget;
use crate::compound::{Frame, FrameKind};
use crate::function::Calls;
use crate::simple::Dress;
use crate::state::{Link, State};
use crate::stream::Stream;
use crate::{MAX_DEPTH, MAX_QUERIES, Shell, Surroundings, agreement, other_shell, parser, plain, text};

/// The walk through a text: what was found so far, and the state of the shell at this point.
pub(crate) struct Lowering<'a> {
    pub(crate) intent: Intent,
    source: Source<'a>,
    /// The state of the shell, where the last command succeeded.
    pub(crate) state: State,
    /// The same where it failed, if that is another.
    pub(crate) failed: Option<Box<State>>,
    /// The loops, functions and shells around what is read now.
    pub(crate) frames: Vec<Frame>,
    /// How far the text is followed yet.
    pub(crate) budget: Budget,
    /// How many values of loops are walked one by one here, with those of the loops around.
    pub(crate) fan: usize,
    /// What a command's name may stand for here.
    pub(crate) dispatch: Dispatch,
    /// Functions that were defined and called.
    pub(crate) calls: Calls,
    /// A wrapper runs what is read now on another machine, or below another root.
    pub(crate) elsewhere: bool,
    /// Actions of traps, each with how often the directory had been changed when it was set.
    pub(crate) traps: Vec<(String, usize)>,
    /// A trap runs between commands, where what it prints lands among what they print.
    pub(crate) traced_by_traps: bool,
    /// How often a redirection was met that reads what comes in by another name.
    pub(crate) rereads: usize,
    /// Files whose text was read as commands, as they were before the text ran.
    pub(crate) ran_files: Vec<String>,
    /// Variables that got what was fetched from the network, and from where.
    pub(crate) fetched: Vec<(String, String)>,
    /// How often the text changed the directory.
    pub(crate) moves: usize,
    /// The command at hand has redirections, any of which may fail.
    pub(crate) redirected: bool,
    /// The text closes descriptors: from there on a copy of one may fail.
    pub(crate) closes: bool,
    /// How often an expansion or an assignment was met that may end its line.
    pub(crate) drops: usize,
    /// Links that the text may have made, and where each leads. They are on the disk, whichever shell made them.
    pub(crate) links: Vec<Link>,
    /// Arguments for the text of the shell that is about to be read, `$0` first.
    pub(crate) positional_for_shell: Option<Vec<Arg>>,
    /// Variables with secrets whose value the command at hand is given.
    pub(crate) secrets: Vec<String>,
    /// What comes in on standard input holds a secret.
    pub(crate) secret_comes_in: bool,
    pub(crate) home: Option<String>,
    /// What the last pipeline of a text prints.
    pub(crate) printed: Stream,
    pub(crate) wrappers: Vec<String>,
    /// The working directory at the start of the text.
    pub(crate) began_in: Option<String>,
    /// A wrapper around what is read now sets variables for it.
    pub(crate) dressed: bool,
    pub(crate) depth: usize,
    /// The shell that reads the text at hand.
    pub(crate) shell: Shell,
    /// The commands inside the word at hand that were walked; nothing outside of a word that is checked.
    pub(crate) walked: Option<Vec<String>>,
    /// What the command before in a pipeline hands on.
    pub(crate) stream: Stream,
    /// Where the segments of the command at hand begin, with those of its substitutions.
    pub(crate) began: usize,
    /// A place outside the project whose content the segment at hand reads.
    pub(crate) away: Option<String>,
    /// A place of the firewall's own that the segment at hand touches.
    pub(crate) own_house: Option<String>,
    /// The project that the work is on.
    pub(crate) project: Option<String>,
    /// Where the firewall keeps what is its own.
    pub(crate) own: Vec<String>,
    /// Where its programs are.
    pub(crate) own_programs: Vec<String>,
}

/// What a command's name may stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dispatch {
    /// An alias, a function, a builtin or a program.
    Shell,
    /// A builtin or a program (`command NAME`).
    Builtin,
    /// A program: another program runs it, not the shell.
    Program,
}

impl std::ops::Deref for Lowering<'_> {
    type Target = State;

    fn deref(&self) -> &State {
        &self.state
    }
}

impl std::ops::DerefMut for Lowering<'_> {
    fn deref_mut(&mut self) -> &mut State {
        &mut self.state
    }
}

/// Where facts come from.
pub(crate) enum Source<'a> {
    /// What is known so far; the rest is asked for.
    Asking(&'a Facts, Vec<FactQuery>),
    /// The function that looks up facts, and how many more times.
    Looking { facts: &'a mut Facts, look: &'a mut dyn FnMut(&FactQuery) -> Fact, left: usize },
}

impl<'a> Lowering<'a> {
    pub(crate) fn new(around: Surroundings<'_>, source: Source<'a>) -> Self {
        Self {
            intent: Intent::default(),
            source,
            state: State::new(around.cwd, around.home),
            failed: None,
            frames: Vec::new(),
            budget: Budget::default(),
            fan: 1,
            dispatch: Dispatch::Shell,
            calls: Calls::default(),
            elsewhere: false,
            traps: Vec::new(),
            traced_by_traps: false,
            rereads: 0,
            ran_files: Vec::new(),
            fetched: Vec::new(),
            moves: 0,
            redirected: false,
            closes: false,
            drops: 0,
            links: Vec::new(),
            positional_for_shell: None,
            secrets: Vec::new(),
            secret_comes_in: false,
            began_in: around.cwd.map(str::to_owned),
            home: around.home.map(str::to_owned),
            printed: Stream::default(),
            wrappers: Vec::new(),
            dressed: false,
            depth: 0,
            shell: around.shell,
            walked: None,
            stream: Stream::default(),
            began: 0,
            away: None,
            own_house: None,
            project: around.project.map(str::to_owned),
            own: around.own.to_vec(),
            own_programs: around.own_programs.to_vec(),
        }
    }

    pub(crate) fn finish(mut self) -> (Intent, Vec<FactQuery>) {
        if self.budget.is_spent() {
            self.unknown("", "the text is too long to follow: it may run more than is looked at");
        }
        self.note_changed_files();
        match self.source {
            Source::Asking(_, needs) => (self.intent, needs),
            Source::Looking { .. } => (self.intent, Vec::new()),
        }
    }

    /// Notes that a part of the text as a whole is not understood.
    pub(crate) fn unknown(&mut self, text: &str, why: &str) {
        self.intent.unknowns.push(Unknown { text: text.to_owned(), why: why.to_owned() });
    }

    /// A fact, or nothing yet: then it is asked for, up to the limit, beyond which it counts as unknown.
    pub(crate) fn fact(&mut self, query: FactQuery) -> Fact {
        match &mut self.source {
            Source::Asking(facts, needs) => {
                if let Some(fact) = facts.find(&query) {
                    return fact.clone();
                }
                if needs.len() < MAX_QUERIES && !needs.contains(&query) {
                    needs.push(query);
                }
                Fact::Unknown
            }
            Source::Looking { facts, look, left } => {
                if let Some(fact) = facts.find(&query) {
                    return fact.clone();
                }
                // What was not looked at is not known to be harmless.
                let Some(fewer) = left.checked_sub(1) else { return Fact::Unseen };
                *left = fewer;
                let fact = look(&query);
                facts.learn(query, fact.clone());
                fact
            }
        }
    }

    /// A text for the shell.
    pub(crate) fn shell(&mut self, text: &str) {
        if self.depth >= MAX_DEPTH {
            self.unknown(text, "texts are nested too deep");
            return;
        }
        if !self.budget.take_bytes(text.len()) {
            return;
        }
        if self.depth > 0 || !self.wrappers.is_empty() {
            text::observe_decoded(text, &mut self.intent);
        }
        if let Some(argv) = plain::command(text) {
            let before = self.intent.segments.len();
            self.failed = None;
            self.run(argv, Dress::default(), false, before);
            let own = self.intent.segments.last().filter(|_| self.intent.segments.len() > before);
            self.printed = own
                .filter(|_| !self.traced_by_traps)
                .map_or_else(Stream::default, |own| Stream::default().through(&own.argv, self.cwd.as_deref()));
            return;
        }
        self.depth = self.depth.saturating_add(1);
        let began = self.intent.segments.len();
        match parser::program(text) {
            Ok(program) => {
                self.compare(text, &program);
                let Program { complete_commands } = program;
                self.lists(&complete_commands);
                if complete_commands.len() != 1 {
                    self.printed = Stream::default();
                }
            }
            Err(why) => match parser::with_mistakes(text) {
                Some((Program { complete_commands }, passed)) => {
                    self.lists(&complete_commands);
                    self.printed = Stream::default();
                    for line in passed {
                        self.unknown(&line, "a mistake, which the shell passes over to go on with what follows");
                    }
                }
                None => self.unknown(text, &format!("the shell text could not be parsed: {why}")),
            },
        }
        self.depth = self.depth.saturating_sub(1);
        let inside = self.intent.segments.get(began..).unwrap_or_default();
        if self.shell.may_be_posix()
            && inside.iter().any(crate::shell::runs_a_text)
            && other_shell::makes_other_words(text)
        {
            self.unknown(text, "shells differ on the words that this makes, and some of them are run as a text");
        }
    }

    /// Says so where the text can be read otherwise than the tree reads it, here or in another shell.
    fn compare(&mut self, text: &str, program: &Program) {
        match agreement::check(text, program) {
            Ok(outline) => {
                if let Some(difference) = outline.differs.filter(|difference| difference.matters(self.shell)) {
                    self.unknown(text, difference.why());
                }
                if self.shell == Shell::Other {
                    self.unknown(text, "the shell that runs it has a language of its own");
                }
            }
            Err(why) => self.unknown(text, why),
        }
    }

    fn lists(&mut self, lists: &[CompoundList]) {
        for (at, list) in lists.iter().enumerate() {
            if at > 0 {
                self.settle();
            }
            self.line(list);
        }
    }

    /// A line: an expansion or an assignment that fails ends it, and the next one goes on from there.
    fn line(&mut self, list: &CompoundList) {
        self.frames.push(Frame { kind: FrameKind::Line, jumped: State::nowhere() });
        self.list(list);
        let Some(Frame { jumped, .. }) = self.frames.pop() else { return };
        if !jumped.is_nowhere() {
            self.settle();
            self.state.join(jumped);
        }
    }

    /// Notes that the line may end here, since what is expanded or assigned may be an error.
    pub(crate) fn may_drop(&mut self) {
        self.drops = self.drops.saturating_add(1);
        let inner = |frame: &&mut Frame| matches!(frame.kind, FrameKind::Line | FrameKind::Shell);
        let mut state = self.fork();
        self.calls.leave_all(&mut state);
        if let Some(frame) = self.frames.iter_mut().rev().find(inner)
            && frame.kind == FrameKind::Line
        {
            frame.jumped.join(state);
        }
    }

    /// The command at hand, or all of what is read now, may not have run: the state before it may still be the one.
    pub(crate) fn or_before(&mut self, before: State) {
        let mut failed = self.failed.take().unwrap_or_else(|| Box::new(self.fork()));
        failed.join(before);
        self.failed = Some(failed);
    }

    /// What redirections are around, which does not run where one of them fails.
    pub(crate) fn within(&mut self, redirects: Option<&RedirectList>, walk: impl FnOnce(&mut Self)) {
        let outer = self.secret_comes_in;
        let before = self.redirects_of(redirects).then(|| self.fork());
        walk(self);
        self.secret_comes_in = outer;
        if let Some(before) = before {
            self.or_before(before);
        }
    }

    /// A command substitution: a text whose output lands in a word, run in a shell of its own.
    pub(crate) fn nested(&mut self, text: &str) {
        self.contained(|walk| walk.shell(text));
    }

    /// A text that a shell runs which some program starts: it has only what is exported.
    pub(crate) fn process(&mut self, text: &str) {
        let words = self.positional_for_shell.take();
        self.contained(|walk| {
            walk.state = walk.state.of_new_shell(walk.home.as_deref());
            if let Some((zero, words)) = words.as_deref().and_then(<[Arg]>::split_first) {
                walk.state.put("0", zero.clone());
                let known = words.iter().all(|word| word.known().is_some());
                if known {
                    walk.state.set_positional(Some(words.into()));
                } else {
                    // An item that is not known may be several words; those before it keep their place.
                    walk.state.set_partly(words);
                }
            }
            walk.shell(text);
        });
    }

    /// Something that runs in a shell of its own: its changes end with it.
    pub(crate) fn contained(&mut self, walk: impl FnOnce(&mut Self)) {
        let state = self.fork();
        let dispatch = std::mem::replace(&mut self.dispatch, Dispatch::Shell);
        let secrets = std::mem::take(&mut self.secrets);
        self.frames.push(Frame { kind: FrameKind::Shell, jumped: State::nowhere() });
        walk(self);
        self.frames.pop();
        self.dispatch = dispatch;
        self.secrets = secrets;
        self.state = state;
        self.failed = None;
    }

    pub(crate) fn command(&mut self, command: &Command, piped: bool) {
        self.failed = None;
        if !self.budget.take_steps(1) {
            return;
        }
        match command {
            Command::Simple(simple) => self.simple(simple, piped),
            Command::Compound(compound, redirects) => {
                self.within(redirects.as_ref(), |walk| walk.compound(compound));
            }
            Command::Function(function) => self.define(function),
            Command::ExtendedTest(test, redirects) => {
                let _ = self.redirects_of(redirects.as_ref());
                self.test(&test.expr);
            }
        }
    }

    /// A shell without `[[` takes the text after `&&` or `||` for a command: what the text itself put into a variable
    /// may then run.
    fn command_of_test(&mut self, expression: &ExtendedTestExpr) {
        let word = match expression {
            ExtendedTestExpr::BinaryTest(_, word, _) | ExtendedTestExpr::UnaryTest(_, word) => word,
            ExtendedTestExpr::And(left, _) | ExtendedTestExpr::Or(left, _) => return self.command_of_test(left),
            ExtendedTestExpr::Not(inner) | ExtendedTestExpr::Parenthesized(inner) => {
                return self.command_of_test(inner);
            }
        };
        let name = word.value.trim_matches('"').trim_start_matches('$').trim_matches(['{', '}']);
        let set = self.variables.get(name).and_then(Arg::known).filter(|_| !matches!(name, "HOME" | "PWD"));
        let runs = set.is_some_and(|value| !value.is_empty() && !value.bytes().all(|byte| byte.is_ascii_digit()));
        if runs && self.shell != Shell::Bash && self.shell != Shell::Zsh {
            self.unknown(&word.value, "a shell without `[[` runs the value as a command");
        }
    }

    fn test(&mut self, expression: &ExtendedTestExpr) {
        match expression {
            ExtendedTestExpr::And(left, right) | ExtendedTestExpr::Or(left, right) => {
                self.test(left);
                self.command_of_test(right);
                self.test(right);
            }
            ExtendedTestExpr::Not(inner) | ExtendedTestExpr::Parenthesized(inner) => self.test(inner),
            ExtendedTestExpr::UnaryTest(predicate, word) => {
                let value = self.word(&word.value);
                let evaluates = matches!(
                    predicate,
                    UnaryPredicate::ShellVariableIsSetAndAssigned | UnaryPredicate::ShellVariableIsSetAndNameRef
                );
                if matches!(predicate, UnaryPredicate::FdIsOpenTerminal)
                    && self.shell.may_be_zsh()
                    && value.as_ref().and_then(Arg::known).is_none_or(|it| it.contains('['))
                {
                    self.unknown(&word.value, "Z shell evaluates this as a number, which may run commands");
                }
                if evaluates && value.as_ref().and_then(Arg::known).is_none_or(|name| name.contains('[')) {
                    self.unknown(&word.value, "a subscript in a test is evaluated, which may run commands");
                }
            }
            ExtendedTestExpr::BinaryTest(predicate, left, right) => {
                use brush_parser::ast::BinaryPredicate as P;
                let arithmetic = matches!(
                    predicate,
                    P::ArithmeticEqualTo
                        | P::ArithmeticNotEqualTo
                        | P::ArithmeticLessThan
                        | P::ArithmeticLessThanOrEqualTo
                        | P::ArithmeticGreaterThan
                        | P::ArithmeticGreaterThanOrEqualTo
                );
                let outer = std::mem::take(&mut self.secrets);
                for word in [left, right] {
                    let value = self.word(&word.value);
                    let number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
                    if arithmetic && !value.as_ref().and_then(Arg::known).is_some_and(number) {
                        self.unknown(&word.value, "arithmetic evaluates the value, which may hold commands");
                    }
                }
                // A match leaves its parts in variables.
                let holds = !std::mem::replace(&mut self.secrets, outer).is_empty();
                if holds && matches!(predicate, P::StringMatchesRegex) {
                    self.state.secrets.extend(["BASH_REMATCH", "MATCH", "match"].map(str::to_owned));
                }
            }
        }
    }
}
