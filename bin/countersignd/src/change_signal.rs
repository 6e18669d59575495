//! A bell: rung when something changed, heard by those who look at it.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use crate::state::lock;

/// Counts how often it was rung.
#[derive(Default)]
pub(crate) struct ChangeSignal {
    count: Mutex<u64>,
    notified: Condvar,
}

impl ChangeSignal {
    /// Something changed. It costs little without listeners.
    pub(crate) fn notify(&self) {
        let mut count = lock(&self.count);
        *count = count.wrapping_add(1);
        self.notified.notify_all();
    }

    /// How often it was rung so far: to be asked for before what changes is looked at.
    pub(crate) fn count(&self) -> u64 {
        *lock(&self.count)
    }

    /// Waits until it was rung more often than so many times, for so long at most.
    pub(crate) fn wait(&self, heard: u64, within: Duration) {
        let waited = self.notified.wait_timeout_while(lock(&self.count), within, |count| *count == heard);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }
}
