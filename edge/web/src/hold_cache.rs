//! The open holds as the gate knows them, and the events that tell every page of a change: written once, however many look.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use protocol::{ClosedHold, HoldView};
use serde::Serialize;
use tokio::sync::broadcast::{Receiver, Sender, channel};

use crate::daemon_client::HoldUpdate;

/// How many events may wait for a page that does not read. Then its connection ends, and it reconnects.
const WAITING: usize = 1_024;

/// One event, as it is sent.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    /// Its name.
    pub(crate) name: &'static str,
    /// Its content.
    pub(crate) data: Arc<str>,
}

/// What changed, as pages hear it.
#[derive(Serialize)]
struct Changed<'a> {
    changed: &'a [HoldView],
    gone: &'a [ClosedHold],
}

/// The holds, and their subscribers.
pub(crate) struct HoldCache {
    /// By id; nothing while the daemon is away.
    holds: Mutex<Option<BTreeMap<String, HoldView>>>,
    tell: Sender<Change>,
}

impl Default for HoldCache {
    fn default() -> Self {
        Self { holds: Mutex::default(), tell: channel(WAITING).0 }
    }
}

impl HoldCache {
    fn holds(&self) -> MutexGuard<'_, Option<BTreeMap<String, HoldView>>> {
        self.holds.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the daemon is there.
    pub(crate) fn is_up(&self) -> bool {
        self.holds().is_some()
    }

    /// Everything as it is now, and every event after it: nothing lies between.
    pub(crate) fn subscribe(&self) -> (Change, Receiver<Change>) {
        let holds = self.holds();
        let now = match holds.as_ref() {
            Some(holds) => {
                Change::new("holds", serde_json::to_string(&holds.values().collect::<Vec<_>>()).unwrap_or_default())
            }
            None => Change::new("away", "{}".to_owned()),
        };
        (now, self.tell.subscribe())
    }

    /// Takes what the daemon tells.
    pub(crate) fn take(&self, told: HoldUpdate) {
        let mut holds = self.holds();
        let change = match told {
            HoldUpdate::All(all) => {
                let change = Change::new("holds", serde_json::to_string(&all).unwrap_or_default());
                *holds = Some(all.into_iter().map(|hold| (hold.id.clone(), hold)).collect());
                change
            }
            HoldUpdate::Changed(changed, gone) => {
                if changed.is_empty() && gone.is_empty() {
                    return;
                }
                let text = serde_json::to_string(&Changed { changed: &changed, gone: &gone }).unwrap_or_default();
                let change = Change::new("change", text);
                let known = holds.get_or_insert_default();
                gone.iter().for_each(|it| drop(known.remove(&it.id)));
                known.extend(changed.into_iter().map(|hold| (hold.id.clone(), hold)));
                change
            }
        };
        // There may be no listener.
        let _ = self.tell.send(change);
    }

    /// The daemon is away.
    pub(crate) fn away(&self) {
        let mut holds = self.holds();
        if holds.take().is_some() {
            let _ = self.tell.send(Change::new("away", "{}".to_owned()));
        }
    }
}

impl Change {
    fn new(name: &'static str, data: String) -> Self {
        Self { name, data: data.into() }
    }
}
