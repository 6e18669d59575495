//! What the shell knows at one point of the text, and what it may know where several ways to a point meet.
//!
//! Every construct that can take one of several ways walks each of them from a copy of the state and joins the ends.
//! [`State::join`] keeps what holds on both ways; a value that differs becomes unknown. So a value that is known was
//! set on every way that leads here, and no possible value is forgotten.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use brush_parser::ast::FunctionDefinition;
use model::Arg;

use crate::shared::Shared;

/// The state of one shell.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct State {
    /// The working directory; nothing where it is not known.
    pub(crate) cwd: Option<String>,
    /// The directory is that of a `cd` that failed though its directory is there: a way that hardly occurs.
    stayed: bool,
    /// Variables that the text set, with the value where the text alone fixes it. Positional parameters are among
    /// them, by number.
    pub(crate) variables: Shared<BTreeMap<String, Arg>>,
    /// The positional parameters from `$1` on, where they are known.
    pub(crate) positional: Option<Rc<[Arg]>>,
    /// Names whose later values reach the programs that are run.
    pub(crate) exported: Shared<BTreeSet<String>>,
    /// Every variable that is set from here on is exported (`set -a`).
    pub(crate) exports_all: bool,
    /// Every command is printed with its values before it runs (`set -x`).
    pub(crate) traces: bool,
    /// A pattern that matches nothing may be no word at all (`nullglob`).
    pub(crate) drops_unmatched: bool,
    /// Names that may have the integer attribute: what is assigned to them is evaluated.
    pub(crate) integers: Shared<BTreeSet<String>>,
    /// Names that may be read-only: an assignment to them may fail.
    pub(crate) constants: Shared<BTreeSet<String>>,
    /// Names that may hold a secret of the environment.
    pub(crate) secrets: Shared<BTreeSet<String>>,
    /// Names that change at times that the text does not fix (traps), or on assignment (`declare -l`).
    volatile: Shared<BTreeSet<String>>,
    /// The directory changes at such times.
    adrift: bool,
    /// Aliases that may be defined: every text that each may stand for.
    pub(crate) aliases: Shared<BTreeMap<String, Vec<String>>>,
    pub(crate) functions: Shared<BTreeMap<String, Function>>,
    /// The text may have changed how program names are looked up.
    pub(crate) lookup_changed: bool,
    /// Nothing runs from here: the text has left the shell, the function or the loop.
    dead: bool,
}

/// What a name may stand for as a function.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Function {
    pub(crate) bodies: Vec<Body>,
    /// It is defined on every way that leads here.
    pub(crate) certain: bool,
}

/// A function's definition.
#[derive(Clone, Debug)]
pub(crate) struct Body {
    pub(crate) definition: Rc<FunctionDefinition>,
    text: Rc<str>,
}

impl PartialEq for Body {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Body {
    /// How long its text is, in bytes.
    pub(crate) fn len(&self) -> usize {
        self.text.len()
    }

    pub(crate) fn of(definition: &FunctionDefinition) -> Self {
        Self { definition: Rc::new(definition.clone()), text: definition.to_string().into() }
    }
}

/// A second name of a place.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Link {
    /// The new name, absolute.
    pub(crate) name: String,
    /// What it leads to, absolute.
    pub(crate) target: String,
}

/// How a command leaves the shell: as it is where the command succeeded, and where it failed.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    pub(crate) success: State,
    pub(crate) failure: State,
}

impl Outcome {
    pub(crate) fn join(&mut self, other: Self) {
        self.success.join(other.success);
        self.failure.join(other.failure);
    }
}

/// Variables that the shell sets again by itself: what a text assigns to them does not last.
fn is_set_by_the_shell(name: &str) -> bool {
    const NAMES: &[&str] = &[
        "_",
        "DIRSTACK",
        "EPOCHREALTIME",
        "EPOCHSECONDS",
        "ERRNO",
        "FUNCNAME",
        "GROUPS",
        "HISTCMD",
        "LINENO",
        "MATCH",
        "MBEGIN",
        "MEND",
        "PIPESTATUS",
        "RANDOM",
        "SECONDS",
        "SRANDOM",
        "TTYIDLE",
        "match",
        "mbegin",
        "mend",
        "pipestatus",
        "reply",
        "signals",
        "status",
    ];
    NAMES.contains(&name) || name.starts_with("BASH_") || name.starts_with("COMP_")
}

impl State {
    pub(crate) fn new(cwd: Option<&str>, home: Option<&str>) -> Self {
        let mut state = Self { cwd: cwd.map(str::to_owned), ..Self::default() };
        for (name, value) in [("PWD", cwd), ("HOME", home)] {
            state.put(name, value.map_or_else(|| unknown(name), |value| Arg::Known(value.to_owned())));
        }
        state
    }

    /// The state in which another shell begins that this one starts: of the variables it has only what is exported.
    pub(crate) fn of_new_shell(&self, home: Option<&str>) -> Self {
        let mut state = Self::new(self.cwd.as_deref(), home);
        state.exported.clone_from(&self.exported);
        state.lookup_changed = self.lookup_changed;
        state.traces = self.traces;
        state
    }

    /// Joins the state of another way to the same point.
    pub(crate) fn join(&mut self, other: Self) {
        if other.dead {
            return;
        }
        if self.dead {
            *self = other;
            return;
        }
        if self.cwd == other.cwd {
            self.stayed &= other.stayed;
        } else if self.stayed && !other.stayed {
            self.cwd = other.cwd;
            self.stayed = false;
        } else if self.stayed || !other.stayed {
            self.cwd = None;
            self.stayed = false;
        }
        join_variables(&mut self.variables, &other.variables);
        if self.positional != other.positional {
            self.positional = None;
        }
        for (own, other) in [
            (&mut self.exported, &other.exported),
            (&mut self.integers, &other.integers),
            (&mut self.constants, &other.constants),
            (&mut self.volatile, &other.volatile),
            (&mut self.secrets, &other.secrets),
        ] {
            if !own.is_same(other) && !other.is_subset(own) {
                own.extend(other.iter().cloned());
            }
        }
        join_aliases(&mut self.aliases, &other.aliases);
        join_functions(&mut self.functions, &other.functions);
        self.exports_all |= other.exports_all;
        self.traces |= other.traces;
        self.drops_unmatched |= other.drops_unmatched;
        self.adrift |= other.adrift;
        self.lookup_changed |= other.lookup_changed;
    }

    /// Forgets every value: what follows may run at any time.
    pub(crate) fn forget(&mut self) {
        for (name, value) in self.variables.iter_mut() {
            *value = unknown(name);
        }
        self.cwd = None;
        self.stayed = false;
        self.positional = None;
        self.dead = false;
        if self.functions.values().any(|function| function.certain) {
            self.functions.values_mut().for_each(|function| function.certain = false);
        }
    }

    /// A variable gets a value, as far as its attributes let it.
    pub(crate) fn put(&mut self, name: &str, value: Arg) {
        let value = if is_set_by_the_shell(name)
            || self.volatile.contains(name)
            || (self.constants.contains(name) && self.variables.get(name).is_none_or(|old| *old != value))
        {
            unknown(name)
        } else {
            value
        };
        self.variables.insert(name.to_owned(), value);
    }

    /// From here on a variable has no known value, whatever is assigned.
    pub(crate) fn unsettle(&mut self, name: &str) {
        self.volatile.insert(name.to_owned());
        self.variables.insert(name.to_owned(), unknown(name));
    }

    /// Sets the positional parameters, `$1` first.
    pub(crate) fn set_positional(&mut self, words: Option<Rc<[Arg]>>) {
        self.variables.retain(|name, _| name == "0" || !name.starts_with(|c: char| c.is_ascii_digit() || c == '@'));
        for (at, word) in words.iter().flat_map(|words| words.iter()).enumerate() {
            self.variables.insert(at.saturating_add(1).to_string(), word.clone());
        }
        if let Some([only]) = words.as_deref() {
            self.variables.insert("@".to_owned(), only.clone());
        }
        self.positional = words;
    }

    /// Sets the positional parameters where some are patterns or not known: those before the first unknown word keep
    /// their place.
    pub(crate) fn set_partly(&mut self, words: &[Arg]) {
        self.set_positional(None);
        let plain = words.iter().take_while(|word| word.known().is_some()).count();
        // The first match of a pattern comes in its place; what follows may come later.
        let known = words.iter().take(plain).chain(words.get(plain).filter(|word| matches!(word, Arg::Pattern(_))));
        for (at, word) in known.enumerate() {
            self.variables.insert(at.saturating_add(1).to_string(), word.clone());
        }
        if let [only] = words {
            self.variables.insert("@".to_owned(), only.clone());
        }
    }

    /// The shell goes to a directory.
    pub(crate) fn enter(&mut self, directory: Option<String>) {
        self.cwd = directory.filter(|_| !self.adrift);
        self.stayed = false;
        let value = self.cwd.clone().map_or_else(|| unknown("PWD"), Arg::Known);
        self.put("PWD", value);
        self.put("OLDPWD", unknown("OLDPWD"));
    }

    /// Marks the directory as the one of a `cd` that failed, though nothing speaks for that.
    pub(crate) const fn stay(&mut self) {
        self.stayed = true;
    }

    /// The text itself reckons with the failure of a `cd`.
    pub(crate) const fn reckon_with_failure(&mut self) {
        self.stayed = false;
    }

    /// From here on the directory is not known, whatever `cd` says.
    pub(crate) fn drift(&mut self) {
        self.adrift = true;
        self.cwd = None;
    }

    /// A function is defined.
    pub(crate) fn define(&mut self, name: &str, body: Body) {
        let constant = self.functions.get(name).is_some_and(|it| it.certain && self.constants.contains(name));
        let function = self.functions.entry(name.to_owned()).or_default();
        if !constant {
            function.bodies.clear();
        }
        function.bodies.push(body);
        function.certain = true;
    }

    /// Nothing of this shell, function or loop runs behind this point.
    pub(crate) const fn leave(&mut self) {
        self.dead = true;
    }

    /// Whether no way leads here.
    pub(crate) const fn is_nowhere(&self) -> bool {
        self.dead
    }

    /// How many entries are copied where a copy of it is changed, as far as commands change them often.
    pub(crate) fn size(&self) -> usize {
        let sets = [&self.exported, &self.integers, &self.constants, &self.secrets, &self.volatile];
        sets.iter().map(|set| set.len()).fold(self.variables.len(), usize::saturating_add)
    }

    /// A state that no way leads to.
    pub(crate) fn nowhere() -> Self {
        Self { dead: true, ..Self::default() }
    }
}

/// Keeps the values on which two ways agree.
fn join_variables(own: &mut Shared<BTreeMap<String, Arg>>, other: &Shared<BTreeMap<String, Arg>>) {
    if own.is_same(other) {
        return;
    }
    let differ = own.iter().filter(|(name, value)| other.get(*name) != Some(*value));
    let added = other.keys().filter(|name| !own.contains_key(*name));
    let names: Vec<String> = differ.map(|(name, _)| name).chain(added).cloned().collect();
    for name in names {
        let value = unknown(&name);
        own.insert(name, value);
    }
}

/// Keeps every text that an alias may stand for on either way.
fn join_aliases(own: &mut Shared<BTreeMap<String, Vec<String>>>, other: &Shared<BTreeMap<String, Vec<String>>>) {
    if own == other {
        return;
    }
    for (name, texts) in other.iter() {
        let own = own.entry(name.clone()).or_default();
        own.extend(texts.iter().filter(|text| !own.contains(text)).cloned().collect::<Vec<_>>());
    }
}

/// Keeps every body that a function may have on either way; it is defined for certain where both ways define it.
fn join_functions(own: &mut Shared<BTreeMap<String, Function>>, other: &Shared<BTreeMap<String, Function>>) {
    if own == other {
        return;
    }
    for (name, function) in own.iter_mut() {
        function.certain &= other.get(name).is_some_and(|it| it.certain);
    }
    for (name, function) in other.iter() {
        let own = own.entry(name.clone()).or_default();
        own.bodies.extend(function.bodies.iter().filter(|it| !own.bodies.contains(it)).cloned().collect::<Vec<_>>());
    }
}

/// A variable whose value is not known.
pub(crate) fn unknown(name: &str) -> Arg {
    Arg::Unknown(format!("${name}"))
}

#[cfg(test)]
mod tests {
    use super::State;
    use model::Arg;

    fn with(name: &str, value: &str) -> State {
        let mut state = State::new(Some("/w"), None);
        state.put(name, Arg::Known(value.to_owned()));
        state
    }

    #[test]
    fn a_value_is_known_where_every_way_agrees() {
        let mut same = with("v", "a");
        same.join(with("v", "a"));
        assert_eq!(same.variables.get("v").and_then(Arg::known), Some("a"));
        for mut other in [with("v", "b"), with("w", "a")] {
            other.join(with("v", "a"));
            assert_eq!(other.variables.get("v").and_then(Arg::known), None);
        }
    }

    #[test]
    fn a_way_that_has_left_says_nothing() {
        let mut left = with("v", "b");
        left.leave();
        let mut state = with("v", "a");
        state.join(left.clone());
        assert_eq!(state, with("v", "a"));
        left.join(with("v", "a"));
        assert_eq!(left, with("v", "a"));
    }

    #[test]
    fn joining_twice_changes_nothing_more() {
        let mut once = with("v", "a");
        once.join(with("v", "b"));
        let mut twice = once.clone();
        twice.join(with("v", "b"));
        assert_eq!(once, twice);
    }
}
