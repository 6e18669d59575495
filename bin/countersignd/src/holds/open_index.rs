//! The holds that are open, and how many of them each agent has.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::Arc;

use model::HoldId;

use super::Entry;

/// By id. It is read as a map; what is put in and taken out is counted.
#[derive(Default)]
pub(super) struct OpenHolds {
    by_id: BTreeMap<HoldId, Arc<Entry>>,
    /// How many each agent has: asked for with every hold, so not counted out each time. An agent with none is not in it.
    of_agents: BTreeMap<String, usize>,
}

impl OpenHolds {
    /// How many an agent has.
    pub(super) fn of(&self, agent: &str) -> usize {
        self.of_agents.get(agent).copied().unwrap_or(0)
    }

    /// Puts one in.
    pub(super) fn insert(&mut self, id: HoldId, entry: Arc<Entry>) {
        let agent = entry.view.agent.clone();
        if self.by_id.insert(id, entry).is_none() {
            let own = self.of_agents.entry(agent).or_default();
            *own = own.saturating_add(1);
        }
    }

    /// Takes one out, if it is there.
    pub(super) fn remove(&mut self, id: &HoldId) {
        let Some(entry) = self.by_id.remove(id) else { return };
        if let Some(own) = self.of_agents.get_mut(&entry.view.agent) {
            *own = own.saturating_sub(1);
            if *own == 0 {
                self.of_agents.remove(&entry.view.agent);
            }
        }
    }
}

impl Deref for OpenHolds {
    type Target = BTreeMap<HoldId, Arc<Entry>>;

    fn deref(&self) -> &Self::Target {
        &self.by_id
    }
}
