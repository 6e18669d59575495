//! What is open, told to those who follow.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use host::clock;
use model::HoldId;
use wire::{Gone, HoldView};

use super::{Entry, Holds};
use crate::daemon::hold as lock;

impl Holds {
    /// All open holds for people's eyes, oldest first, and the count of changes so far.
    pub(crate) fn list(&self) -> (Vec<HoldView>, u64) {
        let changes = *lock(&self.changes);
        let entries: Vec<Arc<Entry>> = lock(&self.open).values().cloned().collect();
        (entries.iter().map(|entry| entry.shown()).collect(), changes)
    }

    /// What changed since `known`, which is brought up to date: new or answered holds, those that are gone, and the count of
    /// changes so far.
    pub(crate) fn changes(&self, known: &mut BTreeMap<String, usize>) -> (Vec<HoldView>, Vec<Gone>, u64) {
        let changes = *lock(&self.changes);
        let entries: Vec<Arc<Entry>> = lock(&self.open).values().cloned().collect();
        let mut gone: BTreeSet<String> = known.keys().cloned().collect();
        let mut changed = Vec::new();
        for entry in entries {
            gone.remove(&entry.view.id);
            if known.get(&entry.view.id) != Some(&entry.changes()) {
                let view = entry.shown();
                known.insert(view.id.clone(), view.changes());
                changed.push(view);
            }
        }
        known.retain(|id, _| !gone.contains(id));
        let closed = lock(&self.closed);
        let outcome =
            |id: &String| closed.iter().rev().find(|(closed, _)| closed == id).map(|(_, outcome)| outcome.clone());
        let gone = gone.into_iter().map(|id| Gone { outcome: outcome(&id).unwrap_or_else(|| "closed".to_owned()), id });
        (changed, gone.collect(), changes)
    }

    /// How many are open, and the count of changes so far.
    pub(crate) fn count(&self) -> (usize, u64) {
        let changes = *lock(&self.changes);
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
        let waited = self.changed.wait_timeout_while(changes, within, |changes| *changes == seen);
        *waited.unwrap_or_else(PoisonError::into_inner).0 != seen
    }

    /// Somebody's role or groups changed: lists are drawn anew.
    pub(crate) fn people_changed(&self) {
        self.tell();
    }

    pub(super) fn tell(&self) {
        let mut changes = lock(&self.changes);
        *changes = changes.wrapping_add(1);
        drop(changes);
        self.changed.notify_all();
    }
}
