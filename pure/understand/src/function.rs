//! Functions of the shell: a call runs the body in the shell's own state, with its arguments as `$1` and so on.
//!
//! A body is walked where it is called. One that no call was seen of is walked at the end of the text with nothing
//! known, since a text, a trap or the shell itself may still call it.

use std::collections::BTreeMap;

use brush_parser::ast::FunctionDefinition;
use model::{Action, Arg, Category, Factor, Operation, Resource, Reversibility, Segment, Unknown};

use crate::command::run_unknown;
use crate::compound::{Frame, FrameKind};
use crate::lower::Lowering;
use crate::state::{Body, State};
use crate::{builtin, knowledge, other_shell};

/// How many calls may be open within each other.
const MAX_CALLS: usize = 8;

/// How many bodies one name may have where ways meet.
const MAX_BODIES: usize = 4;

/// What is known of the calls of functions in a text.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    /// Names of the functions whose bodies are being walked.
    open: Vec<String>,
    /// The values that names had before a function made them its own.
    locals: Vec<BTreeMap<String, Option<Arg>>>,
    /// Definitions that no call was seen of.
    uncalled: Vec<(String, Body)>,
}

impl Calls {
    /// What is known behind every function that is open: their own variables and arguments are gone.
    pub(crate) fn leave_all(&self, state: &mut State) {
        if self.open.is_empty() {
            return;
        }
        state.set_positional(None);
        for name in self.locals.iter().flat_map(BTreeMap::keys) {
            state.variables.insert(name.clone(), crate::state::unknown(name));
        }
    }
}

impl Lowering<'_> {
    pub(crate) fn define(&mut self, function: &FunctionDefinition) {
        let name = &function.fname.value;
        if other_shell::is_hook(self.shell, name) {
            self.unknown(name, "Z shell calls a function of this name by itself");
        }
        // It is looked for among those that are known.
        if !self.budget.take_entries(self.calls.uncalled.len().max(self.functions.len())) {
            return;
        }
        let why = format!("it is a program of its own: it defines `{name}`");
        if !self.intent.factors.iter().any(|factor| factor.why == why) {
            self.intent.factors.push(Factor { name: "own_functions", points: 20, why });
        }
        let body = Body::of(function);
        self.budget.take_bytes(body.len());
        if !self.calls.uncalled.iter().any(|(_, known)| *known == body) {
            self.calls.uncalled.push((name.clone(), body.clone()));
        }
        self.state.define(name, body);
    }

    /// Calls a function, if the name means one. Returns whether it can mean nothing else.
    pub(crate) fn call_function(&mut self, name: &str, args: &[Arg], segment: &mut Segment) -> bool {
        let Some(function) = self.state.functions.get(name).cloned() else { return false };
        if self.calls.open.iter().any(|open| open == name) {
            self.calls_itself(name, segment);
            return true;
        }
        if self.calls.open.len() >= MAX_CALLS || function.bodies.len() > MAX_BODIES {
            run_unknown(segment, name, "there are more calls of functions than are followed");
            self.state.forget();
            return true;
        }
        self.calls.uncalled.retain(|(_, body)| !function.bodies.contains(body));
        let before = self.fork();
        let mut end = if function.certain { State::nowhere() } else { self.copy_of(&before) };
        for body in &function.bodies {
            self.state = self.copy_of(&before);
            self.body(name, body, args);
            end.join(std::mem::take(&mut self.state));
        }
        self.state = end;
        // In other shells the program of the name, or the builtin, may come first.
        function.certain && !builtin::is_builtin(name) && knowledge::find(name).is_none()
    }

    /// Walks a body with its arguments; the state is then what the function leaves.
    fn body(&mut self, name: &str, body: &Body, args: &[Arg]) {
        let whole = args.iter().all(|arg| matches!(arg, Arg::Known(_)));
        let outside = self.state.positional.clone();
        if whole {
            self.state.set_positional(Some(args.into()));
        } else {
            self.state.set_partly(args);
        }
        self.calls.open.push(name.to_owned());
        self.calls.locals.push(BTreeMap::new());
        self.frames.push(Frame { kind: FrameKind::Function, jumped: State::nowhere() });
        self.within(body.definition.body.1.as_ref(), |walk| walk.compound(&body.definition.body.0));
        self.settle();
        if let Some(frame) = self.frames.pop() {
            self.state.join(frame.jumped);
        }
        self.calls.open.pop();
        for (name, value) in self.calls.locals.pop().unwrap_or_default() {
            let same = self.state.variables.get(&name) == value.as_ref();
            if !same {
                self.state.variables.insert(name.clone(), crate::state::unknown(&name));
            }
        }
        self.state.set_positional(outside);
    }

    /// A name is made the function's own. Gives whether a function is open.
    pub(crate) fn localize(&mut self, name: &str) -> bool {
        let value = self.state.variables.get(name).cloned();
        let Some(locals) = self.calls.locals.last_mut() else { return false };
        locals.entry(name.to_owned()).or_insert(value);
        true
    }

    fn calls_itself(&mut self, name: &str, segment: &mut Segment) {
        segment.operations.push(Operation {
            action: Action::Control,
            resource: Resource::Service("processes of this machine".to_owned()),
            category: Category::ServiceProcessControl,
            reversibility: Reversibility::Partial,
            recursive: false,
        });
        segment.factors.push(Factor {
            name: "calls_itself",
            points: 20,
            why: format!("`{name}` calls itself, perhaps without end"),
        });
        segment.unknowns.push(Unknown {
            text: name.to_owned(),
            why: "how often a function calls itself is not known before it runs".to_owned(),
        });
        self.state.forget();
    }

    /// Walks what no call was seen of, and what runs at another time in another directory.
    pub(crate) fn uncalled(&mut self) {
        for (text, moves) in std::mem::take(&mut self.traps) {
            if self.moves > moves {
                self.contained(|walk| {
                    walk.state.forget();
                    walk.shell(&text);
                });
            }
        }
        self.traps.clear();
        while let Some((name, body)) = self.calls.uncalled.pop() {
            if self.budget.is_spent() {
                return;
            }
            self.contained(|walk| {
                walk.state.forget();
                walk.body(&name, &body, &[Arg::Unknown("$@".to_owned())]);
            });
        }
    }
}
