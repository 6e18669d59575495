//! Pipelines joined by `&&` and `||`.

use std::collections::BTreeMap;

use brush_parser::ast::{AndOr, AndOrList, Command, Pipeline};
use model::Arg;

use crate::lower::Lowering;
use crate::stream::Stream;

impl Lowering<'_> {
    /// Pipelines joined by `&&` and `||`. What a part behind one of these changes holds along `&&`, and is not known
    /// after that: it may never have run.
    pub(crate) fn chain(&mut self, chain: &AndOrList) {
        let start = self.cwd.clone();
        self.pipeline(&chain.first);
        let before = (self.cwd.clone(), self.variables.clone());
        for (at, next) in chain.additional.iter().enumerate() {
            let (AndOr::And(pipeline) | AndOr::Or(pipeline)) = next;
            // Behind `cd x ||` one stands where one stood, or nowhere known; `cd x || exit` leaves no doubt after it.
            if matches!(next, AndOr::Or(_)) && self.cwd != start && !leaves(pipeline) {
                self.cwd = None;
            }
            self.pipeline(pipeline);
            self.printed = Stream::default();
            let holds =
                matches!((next, chain.additional.get(at.saturating_add(1))), (AndOr::And(_), Some(AndOr::And(_))));
            if !holds {
                self.forget_changes(&before);
            }
        }
    }

    /// Takes as unknown whatever is otherwise than it was.
    fn forget_changes(&mut self, (cwd, variables): &(Option<String>, BTreeMap<String, Arg>)) {
        if self.cwd != *cwd {
            self.cwd = None;
        }
        let changed: Vec<String> = self
            .variables
            .iter()
            .filter(|(name, value)| variables.get(*name) != Some(*value))
            .map(|(name, _)| name.clone())
            .collect();
        for name in changed {
            let unknown = Arg::Unknown(format!("${name}"));
            self.variables.insert(name, unknown);
        }
    }
}

/// Whether a pipeline does nothing but leave: what follows then ran only where what stands before it held.
fn leaves(pipeline: &Pipeline) -> bool {
    matches!(pipeline.seq.as_slice(), [Command::Simple(simple)]
        if simple.prefix.is_none() && simple.word_or_name.as_ref().is_some_and(|word| matches!(word.value.as_str(), "exit" | "return" | "break" | "continue")))
}
