//! Statements to segments: every construct that can run a command is walked, and each simple command lands in the
//! intent as a segment of its own.

use std::collections::{BTreeMap, BTreeSet};

use brush_parser::ast::{
    Command, CompoundCommand, CompoundList, ExtendedTestExpr, Program, SeparatorOperator, UnaryPredicate,
};
use model::{Arg, Fact, FactQuery, Factor, Facts, Intent, Unknown};

use crate::simple::Dress;
use crate::stream::Stream;
use crate::{MAX_DEPTH, MAX_QUERIES, Shell, Surroundings, agreement, other_shell, parser, plain, text};

/// The state of the walk. Variables hold their value where the text alone fixes it.
pub(crate) struct Lowering<'a> {
    pub(crate) intent: Intent,
    source: Source<'a>,
    pub(crate) cwd: Option<String>,
    pub(crate) home: Option<String>,
    pub(crate) variables: BTreeMap<String, Arg>,
    /// Aliases that the text defines.
    pub(crate) aliases: BTreeMap<String, String>,
    /// What the last pipeline of a text prints.
    pub(crate) printed: Stream,
    pub(crate) functions: BTreeSet<String>,
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
    /// Set where the text changed how program names are looked up.
    pub(crate) lookup_changed: bool,
}

/// Where facts come from.
pub(crate) enum Source<'a> {
    /// What is known so far; the rest is asked for.
    Asking(&'a Facts, Vec<FactQuery>),
    /// Somebody who looks, and how many more times.
    Looking { facts: &'a mut Facts, look: &'a mut dyn FnMut(&FactQuery) -> Fact, left: usize },
}

impl<'a> Lowering<'a> {
    pub(crate) fn new(around: Surroundings<'_>, source: Source<'a>) -> Self {
        let mut variables = BTreeMap::new();
        for (name, value) in [("PWD", around.cwd), ("HOME", around.home)] {
            let value = value.map_or_else(|| Arg::Unknown(format!("${name}")), |value| Arg::Known(value.to_owned()));
            variables.insert(name.to_owned(), value);
        }
        Self {
            intent: Intent::default(),
            source,
            cwd: around.cwd.map(str::to_owned),
            began_in: around.cwd.map(str::to_owned),
            home: around.home.map(str::to_owned),
            variables,
            aliases: BTreeMap::new(),
            printed: Stream::default(),
            functions: BTreeSet::new(),
            wrappers: Vec::new(),
            dressed: false,
            depth: 0,
            shell: around.shell,
            walked: None,
            stream: Stream::default(),
            began: 0,
            away: None,
            lookup_changed: false,
        }
    }

    pub(crate) fn finish(self) -> (Intent, Vec<FactQuery>) {
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
                let Some(fewer) = left.checked_sub(1) else { return Fact::Unknown };
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
        if self.depth > 0 || !self.wrappers.is_empty() {
            text::observe_decoded(text, &mut self.intent);
        }
        if let Some(argv) = plain::command(text) {
            let before = self.intent.segments.len();
            self.run(argv, Dress::default(), false, before);
            let own = self.intent.segments.last().filter(|_| self.intent.segments.len() > before);
            self.printed =
                own.map_or_else(Stream::default, |own| Stream::default().through(&own.argv, self.cwd.as_deref()));
            return;
        }
        self.depth = self.depth.saturating_add(1);
        match parser::program(text) {
            Ok(program) => {
                self.compare(text, &program);
                let Program { complete_commands } = program;
                complete_commands.iter().for_each(|list| self.list(list));
                if complete_commands.len() != 1 {
                    self.printed = Stream::default();
                }
            }
            Err(why) => match parser::with_mistakes(text) {
                Some((Program { complete_commands }, passed)) => {
                    complete_commands.iter().for_each(|list| self.list(list));
                    self.printed = Stream::default();
                    for line in passed {
                        self.unknown(&line, "a mistake, which the shell passes over to go on with what follows");
                    }
                }
                None => self.unknown(text, &format!("the shell text could not be parsed: {why}")),
            },
        }
        self.depth = self.depth.saturating_sub(1);
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

    /// A command substitution: a text whose output lands in a word, run in a shell of its own.
    pub(crate) fn nested(&mut self, text: &str) {
        self.contained(|walk| walk.shell(text));
    }

    /// Something whose changes to directory and variables end with it.
    pub(crate) fn contained(&mut self, walk: impl FnOnce(&mut Self)) {
        let (cwd, variables) = (self.cwd.clone(), self.variables.clone());
        walk(self);
        (self.cwd, self.variables) = (cwd, variables);
    }

    /// Something that runs any number of times, or never: inside it no variable is known, and what it changes is
    /// not known afterwards.
    fn uncertain(&mut self, walk: impl FnOnce(&mut Self)) {
        let (cwd, outer) = (self.cwd.clone(), std::mem::take(&mut self.variables));
        walk(self);
        let changed = std::mem::replace(&mut self.variables, outer);
        for name in changed.into_keys() {
            let unknown = Arg::Unknown(format!("${name}"));
            self.variables.insert(name, unknown);
        }
        if self.cwd != cwd {
            self.cwd = None;
        }
    }

    pub(crate) fn list(&mut self, CompoundList(items): &CompoundList) {
        for item in items {
            match item.1 {
                // In the background a shell of its own runs it: nothing that it changes stays.
                SeparatorOperator::Async => self.contained(|walk| walk.chain(&item.0)),
                SeparatorOperator::Sequence => self.chain(&item.0),
            }
        }
        if items.len() != 1 {
            self.printed = Stream::default();
        }
    }

    pub(crate) fn command(&mut self, command: &Command, piped: bool) {
        match command {
            Command::Simple(simple) => self.simple(simple, piped),
            Command::Compound(compound, redirects) => {
                self.redirects_of(redirects.as_ref());
                self.compound(compound);
            }
            Command::Function(function) => {
                if other_shell::is_hook(self.shell, &function.fname.value) {
                    self.unknown(&function.fname.value, "Z shell calls a function of this name by itself");
                }
                self.functions.insert(function.fname.value.clone());
                self.intent.factors.push(Factor {
                    name: "own_functions",
                    points: 20,
                    why: format!("it is a program of its own: it defines `{}`", function.fname.value),
                });
                self.redirects_of(function.body.1.as_ref());
                self.uncertain(|walk| walk.compound(&function.body.0));
            }
            Command::ExtendedTest(test, redirects) => {
                self.redirects_of(redirects.as_ref());
                self.test(&test.expr);
            }
        }
    }

    fn compound(&mut self, compound: &CompoundCommand) {
        match compound {
            CompoundCommand::Arithmetic(command) => self.arithmetic(&command.expr.value),
            CompoundCommand::ArithmeticForClause(command) => {
                for part in [&command.initializer, &command.condition, &command.updater].into_iter().flatten() {
                    self.arithmetic(&part.value);
                }
                self.uncertain(|walk| walk.list(&command.body.list));
            }
            CompoundCommand::BraceGroup(group) => self.list(&group.list),
            CompoundCommand::Subshell(subshell) => self.contained(|walk| walk.list(&subshell.list)),
            CompoundCommand::ForClause(command) => {
                let values: Option<Vec<Arg>> = command
                    .values
                    .as_ref()
                    .map(|words| words.iter().flat_map(|word| self.words(&word.value)).collect());
                for value in each_value(values, &command.variable_name) {
                    let mut dress = Dress::default();
                    self.set(&command.variable_name, value.clone(), false, &mut dress);
                    self.intent.unknowns.extend(dress.unknowns);
                    self.uncertain(|walk| {
                        walk.variables.insert(command.variable_name.clone(), value);
                        walk.list(&command.body.list);
                    });
                }
            }
            CompoundCommand::CaseClause(command) => {
                let _ = self.word(&command.value.value);
                for case in &command.cases {
                    for pattern in &case.patterns {
                        let _ = self.word(&pattern.value);
                    }
                    self.uncertain(|walk| case.cmd.iter().for_each(|list| walk.list(list)));
                }
            }
            CompoundCommand::IfClause(command) => {
                self.list(&command.condition);
                self.uncertain(|walk| walk.list(&command.then));
                for branch in command.elses.iter().flatten() {
                    self.uncertain(|walk| {
                        branch.condition.iter().for_each(|list| walk.list(list));
                        walk.list(&branch.body);
                    });
                }
            }
            CompoundCommand::WhileClause(command) | CompoundCommand::UntilClause(command) => self.uncertain(|walk| {
                walk.list(&command.0);
                walk.list(&command.1.list);
            }),
            CompoundCommand::Coprocess(command) => self.contained(|walk| walk.command(&command.body, true)),
        }
    }

    fn test(&mut self, expression: &ExtendedTestExpr) {
        match expression {
            ExtendedTestExpr::And(left, right) | ExtendedTestExpr::Or(left, right) => {
                self.test(left);
                self.test(right);
            }
            ExtendedTestExpr::Not(inner) | ExtendedTestExpr::Parenthesized(inner) => self.test(inner),
            ExtendedTestExpr::UnaryTest(predicate, word) => {
                let value = self.word(&word.value);
                let evaluates = matches!(
                    predicate,
                    UnaryPredicate::ShellVariableIsSetAndAssigned | UnaryPredicate::ShellVariableIsSetAndNameRef
                );
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
                for word in [left, right] {
                    let value = self.word(&word.value);
                    let number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
                    if arithmetic && !value.as_ref().and_then(Arg::known).is_some_and(number) {
                        self.unknown(&word.value, "arithmetic evaluates the value, which may hold commands");
                    }
                }
            }
        }
    }
}

/// How many values of a loop are walked one by one.
const MAX_VALUES: usize = 8;

/// The values that a loop's variable takes: each on its own where they are few, else one that stands for all.
fn each_value(values: Option<Vec<Arg>>, name: &str) -> Vec<Arg> {
    let Some(values) = values else { return vec![Arg::Unknown(format!("${name}"))] };
    let plain = |value: &Arg| {
        value.known().is_some_and(|text| !text.contains(['/', ' ', '\n', '\t']) && !text.starts_with(['-', '.']))
    };
    if values.len() <= MAX_VALUES {
        values
    } else if values.iter().all(plain) {
        vec![Arg::Pattern("*".to_owned())]
    } else {
        vec![Arg::Unknown(format!("${name}"))]
    }
}
