//! The change feed: open holds and their changes, for subscribers.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use host::clock;
use model::HoldId;
use protocol::{ClosedHold, HoldView};

use super::{Entry, Holds};
use crate::agent_activity::SessionKey;
use crate::state::lock;

impl Holds {
    /// All open holds for people's eyes, oldest first, and the count of changes so far.
    pub(crate) fn list(&self) -> (Vec<HoldView>, u64) {
        let changes = lock(&self.changes).count;
        let entries: Vec<Arc<Entry>> = lock(&self.open).values().cloned().collect();
        (entries.iter().map(|entry| entry.shown()).collect(), changes)
    }

    /// What changed since `seen`, for a subscriber who knows `known`, which is updated: new or answered holds, those that are
    /// gone, and the count of changes so far. It looks at what changed, however many wait.
    pub(crate) fn changes(
        &self,
        known: &mut BTreeMap<String, usize>,
        seen: u64,
    ) -> (Vec<HoldView>, Vec<ClosedHold>, u64) {
        let (touched, now) = {
            let changes = lock(&self.changes);
            (changes.since(seen), changes.count)
        };
        // A subscriber too far behind gets everything.
        let touched = touched.unwrap_or_else(|| {
            let open = lock(&self.open);
            open.keys().map(HoldId::to_string).chain(known.keys().cloned()).collect()
        });
        let (mut changed, mut gone) = (Vec::new(), Vec::new());
        for id in touched {
            let entry = HoldId::parse(&id).ok().and_then(|id| lock(&self.open).get(&id).cloned());
            match entry {
                Some(entry) if known.get(&id) != Some(&entry.changes()) => {
                    let view = entry.shown();
                    known.insert(id, view.changes());
                    changed.push(view);
                }
                Some(_) => {}
                None if known.remove(&id).is_some() => gone.push(id),
                None => {}
            }
        }
        let closed = lock(&self.closed);
        let outcome =
            |id: &String| closed.iter().rev().find(|(closed, _)| closed == id).map(|(_, outcome)| outcome.clone());
        let gone =
            gone.into_iter().map(|id| ClosedHold { outcome: outcome(&id).unwrap_or_else(|| "closed".to_owned()), id });
        (changed, gone.collect(), now)
    }

    /// How many wait in each session.
    pub(crate) fn of_sessions(&self) -> BTreeMap<SessionKey, usize> {
        let mut out = BTreeMap::new();
        for entry in lock(&self.open).values().filter(|it| !it.is_lost()) {
            let count: &mut usize = out.entry((entry.view.agent.clone(), entry.view.session.clone())).or_default();
            *count = count.saturating_add(1);
        }
        out
    }

    /// How many are open, and the count of changes so far.
    pub(crate) fn count(&self) -> (usize, u64) {
        let changes = lock(&self.changes).count;
        (lock(&self.open).len(), changes)
    }

    /// How long a hold is open, in seconds.
    pub(crate) fn age_s(&self, id: &str) -> u64 {
        let open = lock(&self.open);
        let since = HoldId::parse(id).ok().and_then(|id| open.get(&id).map(|entry| entry.opened_ms));
        since.map_or(0, |since| clock::now_ms().saturating_sub(since) / 1_000)
    }

    /// Waits for a change after `seen`, for at most `within`. Says whether there was one.
    pub(crate) fn wait_for_change(&self, seen: u64, within: Duration) -> bool {
        let changes = lock(&self.changes);
        let waited = self.changed.wait_timeout_while(changes, within, |changes| changes.count == seen);
        waited.unwrap_or_else(PoisonError::into_inner).0.count != seen
    }

    /// A person's role or groups changed: lists are drawn again.
    pub(crate) fn people_changed(&self) {
        self.tell(None);
    }

    /// A hold changed: those who follow hear of it.
    pub(crate) fn tell(&self, id: Option<&HoldId>) {
        lock(&self.changes).note(id);
        self.subscribers.tell(self);
        self.change_signal.notify();
        if id.is_none() || self.is_watched.load(Ordering::SeqCst) {
            self.changed.notify_all();
        }
    }

    /// A hold waits without a connection: the settling thread looks at its deadline, and gets its changes. Said when
    /// they can find it: before that they would look in vain, and go back to sleep.
    pub(crate) fn watch_over(&self, id: &HoldId) {
        self.watch(true);
        self.tell(Some(id));
    }

    /// Whether the thread that settles parked holds gets changes.
    pub(crate) fn watch(&self, on: bool) {
        self.is_watched.store(on, Ordering::SeqCst);
    }
}

/// How many changes are remembered, for those who follow.
const REMEMBERED: usize = 4_096;

/// Counts changes of the list, and remembers of which holds the last ones were.
#[derive(Default)]
pub(super) struct Changes {
    count: u64,
    last: VecDeque<String>,
}

impl Changes {
    fn note(&mut self, id: Option<&HoldId>) {
        self.count = self.count.wrapping_add(1);
        if self.last.len() >= REMEMBERED {
            self.last.pop_front();
        }
        self.last.push_back(id.map(HoldId::to_string).unwrap_or_default());
    }

    /// The holds that changed after a count, if that far is remembered.
    fn since(&self, seen: u64) -> Option<BTreeSet<String>> {
        let behind = usize::try_from(self.count.wrapping_sub(seen)).ok()?;
        let from = self.last.len().checked_sub(behind)?;
        Some(self.last.range(from..).filter(|id| !id.is_empty()).cloned().collect())
    }
}
