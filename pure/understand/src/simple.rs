//! Simple commands: assignments, words and redirections, put together.

use brush_parser::ast::{
    Assignment, AssignmentName, AssignmentValue, CommandPrefixOrSuffixItem as Item, SimpleCommand,
};
use model::{Action, Arg, Factor, Operation, Resource, Segment, Unknown};

use crate::lower::Lowering;
use crate::{environment, other_shell, paths};

/// What a simple command has around its words.
#[derive(Default)]
pub(crate) struct Dress {
    pub(crate) operations: Vec<Operation>,
    pub(crate) unknowns: Vec<Unknown>,
    /// It writes somewhere, or sets variables for the program.
    pub(crate) worn: bool,
    /// What it reads from a here-document or here-string: the text, or that it is not known.
    pub(crate) input: Option<Option<String>>,
    /// Its standard input was opened by a redirection.
    pub(crate) reads_elsewhere: bool,
    /// That redirection is from a place that gives nothing.
    pub(crate) reads_sink: bool,
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
        for assignment in prefix {
            self.assign(assignment, simple.word_or_name.is_some(), &mut dress);
        }
        if simple.word_or_name.is_none() {
            if !dress.operations.is_empty() || !dress.unknowns.is_empty() {
                let segment = self.bare(argv, dress);
                self.push(segment);
            }
            return;
        }
        self.run(argv, dress, piped, segments_before);
    }

    /// Adds a segment, up to the limit.
    pub(crate) fn push(&mut self, mut segment: Segment) {
        let reaches = |operation: &&Operation| {
            matches!(operation.action, Action::Delete | Action::Permit)
                && crate::paths::is_broad(operation.resource.text(), self.home.as_deref())
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
        self.note_away(&mut segment.factors);
        if self.intent.segments.len() < crate::MAX_SEGMENTS {
            segment.wrappers.clone_from(&self.wrappers);
            segment.dressed |= self.dressed;
            segment.moved = self.cwd != self.began_in;
            self.intent.segments.push(segment);
        } else if self.intent.segments.len() == crate::MAX_SEGMENTS && self.intent.unknowns.len() < crate::MAX_SEGMENTS
        {
            self.unknown("", "the text has more commands than are looked at");
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
            moved: false,
            found_at: None,
        }
    }

    fn assign(&mut self, assignment: &Assignment, for_program: bool, dress: &mut Dress) {
        let (name, value) = match (&assignment.name, &assignment.value) {
            (AssignmentName::VariableName(name), AssignmentValue::Scalar(word)) => {
                (name.clone(), self.word(&word.value).unwrap_or_else(|| Arg::Known(String::new())))
            }
            (AssignmentName::VariableName(name), AssignmentValue::Array(items)) => {
                for (key, value) in items {
                    key.iter().for_each(|key| drop(self.word(&key.value)));
                    let _ = self.words(&value.value);
                }
                (name.clone(), Arg::Unknown(format!("${name}")))
            }
            (AssignmentName::ArrayElementName(name, index), value) => {
                self.arithmetic(index);
                if let AssignmentValue::Scalar(word) = value {
                    let _ = self.word(&word.value);
                }
                (name.clone(), Arg::Unknown(format!("${name}")))
            }
        };
        let value = if assignment.append { Arg::Unknown(format!("${name}")) } else { value };
        self.set(&name, value, for_program, dress);
    }

    /// A variable gets a value: for one program, or for the rest of the text.
    pub(crate) fn set(&mut self, name: &str, value: Arg, for_program: bool, dress: &mut Dress) {
        dress.worn |= for_program;
        if for_program && environment::names_a_program(name) {
            self.program_in_variable(&value, dress);
        }
        if other_shell::steers(self.shell, name) {
            let why = format!("where the shell is Z shell, setting `{name}` changes which program runs or how");
            dress.unknowns.push(Unknown { text: name.to_owned(), why });
        }
        if environment::steers_the_shell(name) || (for_program && !environment::is_harmless(name)) {
            self.lookup_changed |= environment::steers_the_shell(name);
            dress.unknowns.push(Unknown {
                text: name.to_owned(),
                why: format!("setting `{name}` can change what a program does or which program runs"),
            });
        }
        if !for_program {
            self.variables.insert(name.to_owned(), value);
        }
    }
}
