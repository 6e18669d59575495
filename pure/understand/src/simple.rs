//! Simple commands: assignments, words and redirections, put together.

use brush_parser::ast::{
    Assignment, AssignmentName, AssignmentValue, CommandPrefixOrSuffixItem as Item, SimpleCommand,
};
use model::{Action, Arg, Directory, Factor, Operation, Resource, Segment, Unknown};

use crate::lower::Lowering;
use crate::state::{Outcome, State, unknown};
use crate::{builtin, calculation, environment, other_shell, paths, read_names};

/// Variables that Bash makes read-only.
const SHELL_CONSTANTS: &[&str] = &["BASHOPTS", "BASH_VERSINFO", "EUID", "PPID", "SHELLOPTS", "UID"];

/// What is said of a text with more than [`crate::MAX_SEGMENTS`] commands.
const MORE_COMMANDS: &str = "the text has more commands than are looked at";

/// How many variables are kept that got what was fetched.
const MAX_FETCHED: usize = 16;

/// What a simple command has around its words.
#[derive(Clone, Default)]
pub(crate) struct Dress {
    pub(crate) operations: Vec<Operation>,
    pub(crate) unknowns: Vec<Unknown>,
    /// It writes somewhere, or sets variables for the program.
    pub(crate) worn: bool,
    /// What it reads from a here-document or here-string: the text, or that it is not known.
    pub(crate) input: Option<Option<String>>,
    /// Its standard input was opened by a redirection.
    pub(crate) reads_elsewhere: bool,
    /// How many redirections open its standard input. The last one counts; Z shell reads all of them.
    pub(crate) inputs: usize,
    /// That redirection is from a place that gives nothing.
    pub(crate) reads_sink: bool,
    /// It has redirections that may fail.
    pub(crate) redirected: bool,
    /// It is a builtin that takes words apart, by an `IFS` of its own if one is set in front of it.
    pub(crate) takes_words: bool,
}

impl Dress {
    /// Whether something comes in on standard input. A sink, such as `/dev/null`, gives nothing.
    const fn fed(&self) -> bool {
        self.input.is_some() || (self.reads_elsewhere && !self.reads_sink)
    }
}

impl Lowering<'_> {
    pub(crate) fn simple(&mut self, simple: &SimpleCommand, piped: bool) {
        let mut dress = Dress::default();
        let segments_before = self.intent.segments.len();
        let drops = self.drops;
        let outer_secrets = std::mem::take(&mut self.secrets);
        let mut prefix: Vec<&Assignment> = Vec::new();
        for item in simple.prefix.iter().flat_map(|prefix| prefix.0.iter()) {
            match item {
                Item::AssignmentWord(assignment, _) => prefix.push(assignment),
                Item::IoRedirect(redirect) => self.redirect(redirect, &mut dress),
                Item::Word(word) => drop(self.words(&word.value)),
                Item::ProcessSubstitution(_, subshell) => self.contained(|walk| walk.list(&subshell.list)),
            }
        }
        let mut argv: Vec<Arg> = simple.word_or_name.iter().flat_map(|word| self.words(&word.value)).collect();
        for item in simple.suffix.iter().flat_map(|suffix| suffix.0.iter()) {
            match item {
                Item::IoRedirect(redirect) => self.redirect(redirect, &mut dress),
                Item::Word(word) | Item::AssignmentWord(_, word) => {
                    let words = self.words(&word.value);
                    // `{NAME}>file` makes the shell put a number into the variable NAME.
                    let name = word.value.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
                    if name.is_some_and(|name| !name.is_empty() && !name.contains([',', '.', ' '])) {
                        self.unknown(&word.value, "before a redirection this sets a variable");
                    }
                    argv.extend(words);
                }
                Item::ProcessSubstitution(_, subshell) => {
                    self.contained(|walk| walk.list(&subshell.list));
                    argv.push(Arg::Known(paths::PIPE.to_owned()));
                }
            }
        }
        let for_program = simple.word_or_name.is_some();
        // What may not happen is joined with what was before.
        let before = (dress.redirected || (for_program && !prefix.is_empty())).then(|| self.fork());
        let redirected = dress.redirected;
        dress.takes_words = argv.first().and_then(Arg::known).is_some_and(|head| self.takes_words(head));
        let mut outside = Vec::new();
        for assignment in prefix {
            let (name, value) = self.assign(assignment, for_program, &mut dress);
            if for_program {
                outside.push((name.clone(), self.state.variables.get(&name).cloned()));
                self.state.put(&name, value);
            }
        }
        if !for_program {
            if !dress.operations.is_empty() || !dress.unknowns.is_empty() {
                let segment = self.bare(argv, dress);
                self.push(segment);
            }
            self.secrets = outer_secrets;
            if let Some(before) = before {
                self.or_before(before);
            }
            return;
        }
        let constant = self.drops != drops;
        let head = argv.first().and_then(Arg::known).map(str::to_owned);
        self.run_matched(argv, dress, piped, segments_before);
        self.secrets = outer_secrets;
        self.end_prefix(head.as_deref(), outside);
        if let Some(before) = before.filter(|_| redirected || self.drops != drops) {
            self.also_dropped(&before);
            if redirected || constant {
                self.or_before(before);
            }
        }
    }

    /// Runs a command whose words may have patterns. Under `nullglob` one that matches nothing is no word, so that the
    /// command is also run without it.
    fn run_matched(&mut self, argv: Vec<Arg>, dress: Dress, piped: bool, before: usize) {
        let patterns: Vec<usize> =
            argv.iter().enumerate().filter(|(_, arg)| matches!(arg, Arg::Pattern(_))).map(|(at, _)| at).collect();
        if !self.drops_unmatched || patterns.is_empty() {
            return self.run(argv, dress, piped, before);
        }
        if patterns.len() > 2 {
            self.unknown(
                "nullglob",
                "which of the patterns match nothing, and are no words, is not known before it runs",
            );
        }
        let start = self.state.clone();
        let mut end = Outcome { success: State::nowhere(), failure: State::nowhere() };
        let singles = patterns.iter().map(|at| vec![*at]);
        for gone in singles.chain([patterns.clone()]).filter(|gone| gone.len() != 1 || patterns.len() < 3) {
            let left = argv.iter().enumerate().filter(|(at, _)| !gone.contains(at)).map(|(_, arg)| arg.clone());
            self.state = start.clone();
            self.run(left.collect(), dress.clone(), piped, before);
            end.join(self.outcome());
        }
        self.state = start;
        self.run(argv, dress, piped, before);
        end.join(self.outcome());
        self.resume(end);
    }

    /// Where the line ended within a command, what was set for that command alone is gone.
    fn also_dropped(&mut self, before: &State) {
        if let Some(frame) = self.frames.last_mut().filter(|frame| !frame.jumped.is_nowhere()) {
            frame.jumped.join(before.clone());
        }
    }

    /// Whether a name is that of a builtin that takes words apart, and no other has it. What is set in front of one of these
    /// ends with it in every shell.
    fn takes_words(&self, head: &str) -> bool {
        matches!(head, "read" | "mapfile" | "readarray")
            && !self.functions.contains_key(head)
            && !self.aliases.contains_key(head)
    }

    /// Assignments before a command are set while it runs. Behind a builtin or a function it may stay set.
    fn end_prefix(&mut self, head: Option<&str>, outside: Vec<(String, Option<Arg>)>) {
        if outside.is_empty() {
            return;
        }
        let stays = head.is_none_or(|head| {
            (builtin::is_builtin(head) && !self.takes_words(head))
                || self.functions.contains_key(head)
                || self.aliases.contains_key(head)
                || matches!(head, ":" | "exec" | "command" | "builtin")
        });
        for state in std::iter::once(&mut self.state).chain(self.failed.as_deref_mut()) {
            for (name, value) in &outside {
                match value {
                    _ if stays && state.variables.get(name) != value.as_ref() => state.put(name, unknown(name)),
                    Some(value) => drop(state.variables.insert(name.clone(), value.clone())),
                    None => drop(state.variables.remove(name)),
                }
            }
        }
    }

    /// Adds a segment, up to the limit.
    pub(crate) fn push(&mut self, mut segment: Segment) {
        let reaches = |operation: &&Operation| {
            matches!(operation.action, Action::Delete | Action::Permit)
                && crate::paths::is_broad(operation.resource.text(), self.home.as_deref(), self.project.as_deref())
        };
        if let Some(wide) = segment.operations.iter().find(reaches) {
            let text = wide.resource.text();
            // Where the place itself is not known, it could be such a place, and people see the doubt.
            let known = !matches!(wide.resource, Resource::Unknown(_)) && text.starts_with(['/', '~']);
            segment.factors.push(if known {
                Factor { name: "broad_path", points: 25, why: format!("`{text}` reaches nearly everything") }
            } else {
                let why =
                    format!("`{text}` may reach nearly everything: which place it is, is not known before it runs");
                Factor { name: "may_be_broad", points: 25, why }
            });
        }
        crate::pty::session(&self.wrappers, &mut segment);
        self.note_own_service(&segment);
        self.note_places(&mut segment.factors);
        if self.intent.segments.len() < crate::MAX_SEGMENTS {
            segment.wrappers.clone_from(&self.wrappers);
            segment.dressed |= self.dressed;
            self.intent.segments.push(segment);
        } else if !self.intent.unknowns.iter().any(|it| it.why == MORE_COMMANDS) {
            self.unknown("", MORE_COMMANDS);
        }
    }

    /// A segment from words and dress alone.
    pub(crate) fn bare(&self, argv: Vec<Arg>, dress: Dress) -> Segment {
        let fed = dress.fed();
        Segment {
            argv,
            operations: dress.operations,
            unknowns: dress.unknowns,
            factors: Vec::new(),
            dressed: dress.worn,
            fed,
            wrappers: Vec::new(),
            directory: self.here(),
            found_at: None,
        }
    }

    /// The directory that a command runs in here.
    fn here(&self) -> Directory {
        match &self.cwd {
            _ if self.elsewhere => Directory::Unknown,
            here if *here == self.began_in && (here.is_some() || self.moves == 0) => Directory::Start,
            Some(here) => Directory::Moved(here.clone()),
            None => Directory::Unknown,
        }
    }

    fn assign(&mut self, assignment: &Assignment, for_program: bool, dress: &mut Dress) -> (String, Arg) {
        let outer = std::mem::take(&mut self.secrets);
        let began = self.intent.segments.len();
        let (name, value) = match (&assignment.name, &assignment.value) {
            (AssignmentName::VariableName(name), AssignmentValue::Scalar(word)) => {
                (name.clone(), self.word(&word.value).unwrap_or_else(|| Arg::Known(String::new())))
            }
            (AssignmentName::VariableName(name), AssignmentValue::Array(items)) => {
                for (key, value) in items {
                    key.iter().for_each(|key| drop(self.word(&key.value)));
                    let _ = self.words(&value.value);
                }
                (name.clone(), unknown(name))
            }
            (AssignmentName::ArrayElementName(name, index), value) => {
                self.subscript(index);
                if let AssignmentValue::Scalar(word) = value {
                    let _ = self.word(&word.value);
                }
                (name.clone(), unknown(name))
            }
        };
        let scalar = matches!(
            (&assignment.name, &assignment.value),
            (AssignmentName::VariableName(_), AssignmentValue::Scalar(_))
        );
        if !scalar && self.integers.contains(&name) {
            let why = "what an integer variable gets is evaluated, which may run commands".to_owned();
            dress.unknowns.push(Unknown { text: name.clone(), why });
        }
        let value = if assignment.append { unknown(&name) } else { value };
        self.set(&name, value.clone(), for_program, dress);
        let inside = self.intent.segments.get(began..).unwrap_or_default();
        let mut operations = inside.iter().flat_map(|segment| &segment.operations);
        let from = operations
            .find(|it| it.action == Action::Connect && it.resource != Resource::System)
            .map(|it| it.resource.text().to_owned());
        if let Some(from) = from.filter(|_| self.fetched.len() < MAX_FETCHED) {
            self.fetched.push((name.clone(), from));
        }
        let given = !std::mem::replace(&mut self.secrets, outer).is_empty();
        if given || self.secret_since(began) {
            self.state.secrets.insert(name.clone());
            if self.state.traces {
                dress.operations.push(builtin::shows_variables());
            }
        }
        (name, value)
    }

    /// A variable gets a value: for one program, or for the rest of the text.
    pub(crate) fn set(&mut self, name: &str, value: Arg, for_program: bool, dress: &mut Dress) {
        let says_little = for_program && self.says_little(name, &value);
        dress.worn |= for_program && !says_little;
        if for_program && name == "IFS" && dress.takes_words {
            return;
        }
        if self.constants.contains(name) || SHELL_CONSTANTS.contains(&name) {
            self.may_drop();
        }
        let reaches = for_program || self.exports_all || self.exported.contains(name);
        if reaches && !says_little && environment::names_a_program(name) {
            self.program_in_variable(&value, dress);
        }
        if other_shell::steers(self.shell, name) {
            let why = format!("where the shell is Z shell, setting `{name}` changes which program runs or how");
            dress.unknowns.push(Unknown { text: name.to_owned(), why });
        }
        // By these our own programs know which agent asks, and where.
        if name.starts_with("COUNTERSIGN_") {
            let why = "it says which agent this is, or where the firewall is".to_owned();
            dress.unknowns.push(Unknown { text: name.to_owned(), why });
        }
        let inherited = !reaches && environment::may_be_inherited(name);
        if environment::steers_the_shell(name)
            || inherited
            || (reaches && !says_little && !environment::is_harmless(name))
            || !environment::is_usual(name, &value)
        {
            self.state.lookup_changed |= environment::steers_the_shell(name);
            dress.unknowns.push(Unknown {
                text: name.to_owned(),
                why: format!("setting `{name}` can change what a program does or which program runs"),
            });
        }
        let number =
            value.known().is_some_and(calculation::is_number) || matches!(&value, Arg::Pattern(text) if text == "?*");
        if (self.integers.contains(name) || read_names::is_evaluated(name)) && !number {
            let why = "what an integer variable gets is evaluated, which may run commands".to_owned();
            dress.unknowns.push(Unknown { text: name.to_owned(), why });
            if !for_program {
                self.state.put(name, unknown(name));
            }
            return;
        }
        if !for_program {
            self.state.put(name, value);
        }
    }
}
