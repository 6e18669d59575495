//! Pipelines: each command on its own, and what flows from one into the next.

use brush_parser::ast::{
    Command, CommandPrefixOrSuffixItem as Item, IoFileRedirectKind, IoFileRedirectTarget, IoRedirect, Pipeline,
    SimpleCommand,
};
use model::{Action, Arg, Flow, Resource};

use crate::Shell;
use crate::leak::{self, Leak};
use crate::lower::Lowering;
use crate::state::Outcome;
use crate::stream::Stream;

/// How many flows are noted. A text with more of them is not understood.
const MAX_FLOWS: usize = 1_024;

impl Lowering<'_> {
    pub(crate) fn pipeline(&mut self, pipeline: &Pipeline) {
        if let [only] = pipeline.seq.as_slice() {
            let first = self.intent.segments.len();
            // Other shells time a program, or a shell of its own.
            let timed = pipeline.timed.is_some() && self.shell != Shell::Bash;
            let before = timed.then(|| self.fork());
            self.command(only, false);
            if let Some(before) = before {
                self.or_before(self.copy_of(&before));
                self.state.join(before);
            }
            self.printed = self.handed_on(only, first, &Stream::default());
            if pipeline.bang {
                let Outcome { success, failure } = self.outcome();
                self.resume(Outcome { success: failure, failure: success });
            }
            return;
        }
        let began = self.intent.segments.len();
        let outer = std::mem::take(&mut self.stream);
        self.failed = None;
        for (at, command) in pipeline.seq.iter().enumerate() {
            let first = self.intent.segments.len();
            let stream = self.stream.clone();
            let outside_feed = self.secret_comes_in;
            if at > 0 {
                self.secret_comes_in = self.secret_since(began);
            }
            if at.saturating_add(1) < pipeline.seq.len() {
                self.contained(|walk| walk.command(command, at > 0));
            } else {
                // Some shells, and Bash with `lastpipe`, run the last part in the shell itself.
                let mut outside = self.fork();
                self.contained(|walk| {
                    walk.command(command, at > 0);
                    walk.settle();
                    outside.join(std::mem::take(&mut walk.state));
                });
                self.state = outside;
            }
            self.secret_comes_in = outside_feed;
            self.stream = self.handed_on(command, first, &stream);
            if at > 0 {
                self.flow(began, first);
            }
        }
        self.printed = std::mem::replace(&mut self.stream, outer);
    }

    /// Data of the commands before, whose segments are from `began` on, goes into the segments from `first` on.
    fn flow(&mut self, began: usize, first: usize) {
        let Some((before, stage)) = self.intent.segments.split_at_mut_checked(first) else { return };
        let upstream = before.get(began..).unwrap_or_default();
        let count = upstream.iter().map(|segment| segment.operations.len()).fold(0, usize::saturating_add);
        if !self.budget.take_entries(count) {
            return;
        }
        let operations = || upstream.iter().flat_map(|segment| &segment.operations);
        // A wrapper gives its input to what it runs, and both are of one stage: what came in is not what they print.
        let fetched = operations()
            .find(|operation| operation.action == Action::Connect && operation.resource != Resource::System);
        let secret = leak::handed_on(upstream).map(|operation| operation.resource.text().to_owned());
        let leaks: Vec<Leak> = match &secret {
            Some(_) => stage.iter().map(|segment| leak::of_pipe(segment, stage)).collect(),
            None => Vec::new(),
        };
        let mut flows = Vec::new();
        for (at, segment) in stage.iter_mut().enumerate() {
            let runs_input = segment.factors.iter().any(|factor| factor.name == "code_from_input");
            if runs_input && let Some(fetched) = fetched {
                crate::command::mark_download(segment, fetched.resource.text());
            }
            if let (Some(secret), Some(leak)) = (&secret, leaks.get(at)) {
                crate::command::mark_leak(segment, *leak, secret);
            }
            let from = operations().filter(|operation| matches!(operation.action, Action::Read | Action::Connect));
            let sinks = segment.operations.iter().filter(|operation| {
                matches!(operation.action, Action::Write | Action::Send | Action::Connect | Action::Run)
            });
            let pairs = from.flat_map(|from| sinks.clone().map(move |into| (from, into)));
            let more = MAX_FLOWS.saturating_add(1).saturating_sub(flows.len());
            flows.extend(
                pairs.take(more).map(|(from, into)| Flow { from: from.resource.clone(), into: into.resource.clone() }),
            );
        }
        self.intent.flows.extend(flows);
        if self.intent.flows.len() > MAX_FLOWS {
            self.intent.flows.truncate(MAX_FLOWS);
            self.unknown("", "the text has more flows of data than are looked at");
        }
        let Some((before, stage)) = self.intent.segments.split_at_checked(first) else { return };
        let secret = leak::handed_on(before.get(began..).unwrap_or_default()).map(|it| it.resource.clone());
        if let Some(secret) = secret {
            let stage = stage.to_vec();
            for segment in &stage {
                self.copied(&secret, segment);
            }
        }
    }

    /// What a command writes, by the segment that it became, when this comes in.
    fn handed_on(&self, command: &Command, first: usize, incoming: &Stream) -> Stream {
        match (command, self.intent.segments.last()) {
            (Command::Simple(simple), Some(segment))
                if self.intent.segments.len() > first
                    && !segment.dressed
                    // What an assignment's own substitution prints, the assignment does not.
                    && simple.word_or_name.is_some()
                    && !diverts_output(simple)
                    // Where a redirection fails the command does not run, and prints nothing.
                    && !redirects(simple).any(|redirect| self.may_fail(redirect))
                    // What a trap prints comes in between.
                    && !self.traced_by_traps =>
            {
                // What a redirection opens comes in instead.
                let nothing = Stream::default();
                // A function or an alias of the name prints what it likes.
                let own = |name: &str| self.functions.contains_key(name) || self.aliases.contains_key(name);
                if segment.argv.iter().filter_map(Arg::known).any(own) {
                    return nothing;
                }
                let incoming = if takes_input(simple) { &nothing } else { incoming };
                incoming.through(&segment.argv, self.cwd.as_deref())
            }
            (Command::Simple(_) | Command::Compound(..) | Command::Function(_) | Command::ExtendedTest(..), _) => {
                Stream::default()
            }
        }
    }
}

impl Lowering<'_> {
    /// Whether a redirection may fail: anything but the sink, a text of the command's own, and the three descriptors
    /// that are there.
    fn may_fail(&self, redirect: &IoRedirect) -> bool {
        match redirect {
            IoRedirect::File(_, _, IoFileRedirectTarget::Fd(number)) => self.closes || *number > 2,
            IoRedirect::File(_, _, IoFileRedirectTarget::Filename(word)) => word.value != "/dev/null",
            IoRedirect::File(_, _, IoFileRedirectTarget::Duplicate(word)) => {
                self.closes || !matches!(word.value.as_str(), "0" | "1" | "2")
            }
            IoRedirect::File(_, _, IoFileRedirectTarget::ProcessSubstitution(..)) => false,
            IoRedirect::OutputAndError(..) => true,
            IoRedirect::HereDocument(..) | IoRedirect::HereString(..) => false,
        }
    }
}

/// The redirections around a command.
fn redirects(simple: &SimpleCommand) -> impl Iterator<Item = &IoRedirect> {
    let items = simple.prefix.iter().flat_map(|prefix| prefix.0.iter());
    items.chain(simple.suffix.iter().flat_map(|suffix| suffix.0.iter())).filter_map(|item| match item {
        Item::IoRedirect(redirect) => Some(redirect),
        Item::Word(_) | Item::AssignmentWord(..) | Item::ProcessSubstitution(..) => None,
    })
}

/// Whether a redirection may send a command's standard output elsewhere, or, in Z shell, there as well; or may fail, so
/// that the command prints nothing.
fn diverts_output(simple: &SimpleCommand) -> bool {
    redirects(simple).any(|redirect| match redirect {
        IoRedirect::File(number, kind, target) => {
            let target = match target {
                IoFileRedirectTarget::Filename(word) | IoFileRedirectTarget::Duplicate(word) => word.value.as_str(),
                IoFileRedirectTarget::Fd(1) => "1",
                IoFileRedirectTarget::Fd(2) => "2",
                IoFileRedirectTarget::Fd(_) | IoFileRedirectTarget::ProcessSubstitution(..) => "",
            };
            let errors = *number == Some(2) && matches!(target, "/dev/null" | "1" | "2");
            let reads = matches!(kind, IoFileRedirectKind::Read) && number.is_none_or(|number| number == 0);
            let gives_nothing = reads && target == "/dev/null";
            !errors && !gives_nothing
        }
        IoRedirect::OutputAndError(..) => true,
        IoRedirect::HereDocument(..) | IoRedirect::HereString(..) => false,
    })
}

/// Whether a command's standard input may be opened by a redirection.
fn takes_input(simple: &SimpleCommand) -> bool {
    redirects(simple).any(|redirect| match redirect {
        IoRedirect::File(_, kind, _) => matches!(
            kind,
            IoFileRedirectKind::Read | IoFileRedirectKind::ReadAndWrite | IoFileRedirectKind::DuplicateInput
        ),
        IoRedirect::HereDocument(..) | IoRedirect::HereString(..) => true,
        IoRedirect::OutputAndError(..) => false,
    })
}
