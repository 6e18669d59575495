//! Compound commands: each way through them is walked from a copy of the state, and the ends are joined.

use brush_parser::ast::{
    CaseClauseCommand, CaseItemPostAction, CompoundCommand, ForClauseCommand, IfClauseCommand,
    WhileOrUntilClauseCommand,
};
use model::{Arg, Intent};

use crate::lower::Lowering;
use crate::simple::Dress;
use crate::state::{Outcome, State, unknown};
use crate::{Shell, calculation};

/// How often a loop is walked until nothing more changes from one time to the next.
const MAX_PASSES: usize = 6;

/// What jumps end at.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) kind: FrameKind,
    /// The state on all ways that jumped here, if any did.
    pub(crate) jumped: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FrameKind {
    /// `break` and `continue`.
    Loop,
    /// `return`.
    Function,
    /// An error in an expansion or an assignment.
    Line,
    /// A shell of its own, which no jump leaves.
    Shell,
}

impl Lowering<'_> {
    pub(crate) fn compound(&mut self, compound: &CompoundCommand) {
        match compound {
            CompoundCommand::Arithmetic(command) => {
                let expression = &command.expr.value;
                if self.shell != Shell::Bash && calculation::could_be_command(expression) {
                    self.unknown(
                        expression,
                        "a shell without `((` takes it for two shells, and the words for a command",
                    );
                }
                self.arithmetic(expression);
            }
            CompoundCommand::ArithmeticForClause(command) => {
                for part in [&command.initializer, &command.condition, &command.updater].into_iter().flatten() {
                    self.arithmetic(&part.value);
                }
                self.repeated(|walk| walk.list(&command.body.list));
            }
            CompoundCommand::BraceGroup(group) => self.list(&group.list),
            CompoundCommand::Subshell(subshell) => self.contained(|walk| walk.list(&subshell.list)),
            CompoundCommand::ForClause(command) => self.for_each(command),
            CompoundCommand::CaseClause(command) => self.case(command),
            CompoundCommand::IfClause(command) => self.branches(command),
            CompoundCommand::WhileClause(command) => self.conditional_loop(command, false),
            CompoundCommand::UntilClause(command) => self.conditional_loop(command, true),
            CompoundCommand::Coprocess(command) => {
                self.contained(|walk| walk.command(&command.body, true));
                let name = command.name.as_ref().map_or("COPROC", |name| name.value.as_str()).to_owned();
                for name in [format!("{name}_PID"), name] {
                    self.state.put(&name, unknown(&name));
                }
            }
        }
    }

    fn branches(&mut self, command: &IfClauseCommand) {
        self.list(&command.condition);
        let Outcome { success, failure: mut otherwise } = self.outcome();
        self.state = success;
        self.list(&command.then);
        let mut end = self.outcome();
        for branch in command.elses.iter().flatten() {
            self.state = otherwise;
            otherwise = State::nowhere();
            if let Some(condition) = &branch.condition {
                self.list(condition);
                let Outcome { success, failure } = self.outcome();
                self.state = success;
                otherwise = failure;
            }
            self.list(&branch.body);
            end.join(self.outcome());
        }
        // Where no branch is taken it succeeds.
        end.success.join(otherwise);
        self.resume(end);
    }

    fn case(&mut self, command: &CaseClauseCommand) {
        let _ = self.word(&command.value.value);
        let mut unmatched = self.fork();
        let mut end = Outcome { success: State::nowhere(), failure: State::nowhere() };
        let mut falling = State::nowhere();
        for case in &command.cases {
            self.state = self.copy_of(&unmatched);
            for pattern in &case.patterns {
                let _ = self.word(&pattern.value);
            }
            unmatched.join(self.fork());
            self.state.join(std::mem::replace(&mut falling, State::nowhere()));
            case.cmd.iter().for_each(|list| self.list(list));
            match case.post_action {
                CaseItemPostAction::ExitCase => end.join(self.outcome()),
                CaseItemPostAction::UnconditionallyExecuteNextCaseItem => {
                    self.settle();
                    end.success.join(self.fork());
                    falling = std::mem::take(&mut self.state);
                }
                CaseItemPostAction::ContinueEvaluatingCases => {
                    self.settle();
                    unmatched.join(std::mem::take(&mut self.state));
                }
            }
        }
        end.success.join(unmatched);
        self.resume(end);
    }

    fn conditional_loop(&mut self, command: &WhileOrUntilClauseCommand, until: bool) {
        self.repeated(|walk| {
            walk.list(&command.0);
            let Outcome { success, failure } = walk.outcome();
            let (goes_on, ends) = if until { (failure, success) } else { (success, failure) };
            walk.state = goes_on;
            walk.list(&command.1.list);
            walk.settle();
            walk.state.join(ends);
        });
    }

    fn for_each(&mut self, command: &ForClauseCommand) {
        let name = &command.variable_name;
        let outer = std::mem::take(&mut self.secrets);
        let began = self.intent.segments.len();
        let values = match &command.values {
            Some(words) => Some(words.iter().flat_map(|word| self.words(&word.value)).collect()),
            None => self.state.positional.as_deref().map(<[Arg]>::to_vec),
        };
        let given = !std::mem::replace(&mut self.secrets, outer).is_empty();
        if given || self.secret_since(began) {
            self.state.secrets.insert(name.clone());
        }
        let fan = self.fan;
        let values = each_value(values, name, MAX_VALUES.min(MAX_FAN.checked_div(fan).unwrap_or(1)));
        self.fan = fan.saturating_mul(values.len().max(1));
        // The loop sets its variable each time, so what it was before is not known behind the first.
        if values.iter().any(|value| self.state.variables.get(name) != Some(value)) {
            self.state.variables.insert(name.clone(), unknown(name));
        }
        self.repeated(|walk| {
            let start = walk.fork();
            let mut end = State::nowhere();
            for value in &values {
                walk.state = walk.copy_of(&start);
                let mut dress = Dress::default();
                walk.set(name, value.clone(), false, &mut dress);
                walk.intent.unknowns.extend(dress.unknowns);
                walk.list(&command.body.list);
                walk.settle();
                end.join(std::mem::take(&mut walk.state));
            }
            walk.state = end;
        });
        self.fan = fan;
    }

    /// Something that runs any number of times, or never. It is walked until a further time would find nothing that
    /// the times before did not; what the last walk found counts.
    fn repeated(&mut self, mut walk: impl FnMut(&mut Self)) {
        let mark = Mark::of(&self.intent);
        let mut earlier = Intent::default();
        for pass in 0..MAX_PASSES {
            let head = self.fork();
            self.frames.push(Frame { kind: FrameKind::Loop, jumped: State::nowhere() });
            walk(self);
            self.settle();
            let mut after = std::mem::take(&mut self.state);
            if let Some(frame) = self.frames.pop() {
                after.join(frame.jumped);
            }
            let mut next = self.copy_of(&head);
            next.join(after);
            let settled = next == head;
            self.state = next;
            if self.budget.is_spent() {
                // The walk was cut short: what the one before it found counts, too.
                return mark.put_back(&mut self.intent, earlier);
            }
            if settled {
                return;
            }
            if pass.saturating_add(1) == MAX_PASSES {
                break;
            }
            earlier = mark.take_off(&mut self.intent);
        }
        self.state.forget();
        self.unknown("", "a loop changes more from one time to the next than is followed");
    }

    /// A jump: `break` and `continue` go to the loops around, `return` to the function.
    pub(crate) fn jump(&mut self, to: FrameKind) -> bool {
        let shells =
            self.frames.iter().rposition(|frame| frame.kind == FrameKind::Shell).map_or(0, |at| at.saturating_add(1));
        let functions = self.frames.iter().rposition(|frame| frame.kind == FrameKind::Function);
        let first = match to {
            FrameKind::Loop => functions.map_or(0, |at| at.saturating_add(1)).max(shells),
            FrameKind::Function | FrameKind::Line | FrameKind::Shell => {
                functions.filter(|at| *at >= shells).unwrap_or(self.frames.len())
            }
        };
        let state = &self.state;
        let mut landed = false;
        for frame in self.frames.iter_mut().skip(first).filter(|frame| frame.kind == to) {
            frame.jumped.join(state.clone());
            landed = true;
        }
        landed
    }
}

/// How much was found before a loop.
struct Mark {
    segments: usize,
    unknowns: usize,
    flows: usize,
    factors: usize,
}

impl Mark {
    const fn of(intent: &Intent) -> Self {
        Self {
            segments: intent.segments.len(),
            unknowns: intent.unknowns.len(),
            flows: intent.flows.len(),
            factors: intent.factors.len(),
        }
    }

    /// Takes off what was found since.
    fn take_off(&self, intent: &mut Intent) -> Intent {
        fn behind<T>(list: &mut Vec<T>, at: usize) -> Vec<T> {
            list.split_off(at.min(list.len()))
        }
        Intent {
            segments: behind(&mut intent.segments, self.segments),
            unknowns: behind(&mut intent.unknowns, self.unknowns),
            flows: behind(&mut intent.flows, self.flows),
            factors: behind(&mut intent.factors, self.factors),
        }
    }

    /// Puts what was taken off before what was found since.
    fn put_back(&self, intent: &mut Intent, earlier: Intent) {
        let later = self.take_off(intent);
        for Intent { segments, unknowns, flows, factors } in [earlier, later] {
            intent.segments.extend(segments);
            intent.unknowns.extend(unknowns);
            intent.flows.extend(flows);
            intent.factors.extend(factors);
        }
    }
}

/// How many values of a loop are walked one by one.
const MAX_VALUES: usize = 8;

/// The same with the values of the loops around it: the body of the innermost is walked once for each combination.
const MAX_FAN: usize = 64;

/// The values that a loop's variable takes: each on its own where there are not more than `most`, else one that represents
/// for all.
fn each_value(values: Option<Vec<Arg>>, name: &str, most: usize) -> Vec<Arg> {
    let Some(values) = values else { return vec![unknown(name)] };
    let plain = |value: &Arg| {
        value.known().is_some_and(|text| !text.contains(['/', ' ', '\n', '\t']) && !text.starts_with(['-', '.']))
    };
    if values.len() <= most {
        values
    } else if values.iter().all(plain) {
        vec![Arg::Pattern("*".to_owned())]
    } else {
        vec![unknown(name)]
    }
}
