//! Lists: pipelines joined by `&&` and `||`, one after another, or in the background.

use brush_parser::ast::{AndOr, AndOrList, CompoundList, SeparatorOperator};

use crate::lower::Lowering;
use crate::state::{Outcome, State};
use crate::stream::Stream;

impl Lowering<'_> {
    /// A copy of the state, for another way from here on.
    pub(crate) fn fork(&self) -> State {
        self.copy_of(&self.state)
    }

    /// A copy of a state. One that is shared costs nothing until it is changed, and then as much as it holds.
    pub(crate) fn copy_of(&self, state: &State) -> State {
        self.budget.take_entries(state.size());
        state.clone()
    }

    pub(crate) fn list(&mut self, CompoundList(items): &CompoundList) {
        for (at, item) in items.iter().enumerate() {
            if self.budget.is_spent() {
                return;
            }
            match item.1 {
                // In the background a shell of its own runs it: nothing that it changes stays.
                SeparatorOperator::Async => self.background(&item.0),
                SeparatorOperator::Sequence => self.chain(&item.0),
            }
            if at.saturating_add(1) < items.len() {
                self.settle();
            }
        }
        if items.len() != 1 {
            self.printed = Stream::default();
        }
    }

    /// In Z shell all but the last of the pipelines joined by `&&` and `||` run in this shell.
    fn background(&mut self, chain: &AndOrList) {
        if chain.additional.is_empty() || !self.shell.may_be_zsh() {
            return self.contained(|walk| walk.chain(chain));
        }
        let before = self.fork();
        self.chain(chain);
        self.settle();
        self.state.join(before);
    }

    /// Pipelines joined by `&&` and `||`. Each runs in the state that the way to it leaves.
    fn chain(&mut self, chain: &AndOrList) {
        self.pipeline(&chain.first);
        if chain.additional.is_empty() {
            return;
        }
        let mut whole = self.outcome();
        for next in &chain.additional {
            if self.budget.is_spent() {
                break;
            }
            let (AndOr::And(pipeline) | AndOr::Or(pipeline)) = next;
            let skipped = match next {
                AndOr::And(_) => {
                    self.state = whole.success;
                    Outcome { success: State::nowhere(), failure: whole.failure }
                }
                AndOr::Or(_) => {
                    self.state = whole.failure;
                    self.state.reckon_with_failure();
                    Outcome { success: whole.success, failure: State::nowhere() }
                }
            };
            self.pipeline(pipeline);
            whole = self.outcome();
            whole.join(skipped);
        }
        self.printed = Stream::default();
        self.resume(whole);
    }

    /// Takes how the last command left the shell.
    pub(crate) fn outcome(&mut self) -> Outcome {
        let success = std::mem::take(&mut self.state);
        let failure = self.failed.take().map_or_else(|| self.copy_of(&success), |failed| *failed);
        Outcome { success, failure }
    }

    /// Goes on behind a command that left the shell so.
    pub(crate) fn resume(&mut self, Outcome { success, failure }: Outcome) {
        self.failed = (success != failure).then(|| Box::new(failure));
        self.state = success;
    }

    /// Goes on whether the last command succeeded or failed.
    pub(crate) fn settle(&mut self) {
        if let Some(failed) = self.failed.take() {
            self.state.join(*failed);
        }
    }
}
