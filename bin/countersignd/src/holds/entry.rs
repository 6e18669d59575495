//! One open hold, with whoever waits for it.

use std::io::Write as _;
use std::os::unix::net::UnixStream;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use approval::Hold;
use audit::Receipt;
use host::clock;
use model::Intent;
use wire::HoldView;

use crate::daemon::hold as lock;

/// One open hold.
pub(crate) struct Entry {
    pub(super) view: HoldView,
    pub(super) intent: Intent,
    pub(super) opened_ms: u64,
    /// The deadline on a clock that nobody can set back. The stored deadline and this one both apply.
    pub(super) deadline: Instant,
    pub(super) inner: Mutex<Inner>,
    pub(super) lost: AtomicBool,
    /// How often somebody was told of it over a channel.
    pub(super) hops: AtomicUsize,
    /// It must be denied, and is never run.
    pub(crate) is_canary: AtomicBool,
    pub(super) wake: UnixStream,
}

pub(super) struct Inner {
    pub(super) hold: Hold,
    pub(super) answered: Option<Receipt>,
    /// What whoever said no wants the agent to be told.
    pub(super) reason: Option<String>,
}

impl Entry {
    /// Wakes whoever waits without an answer: they end it as lost.
    pub(super) fn lose(&self) {
        self.lost.store(true, Ordering::SeqCst);
        let mut wake = &self.wake;
        let _ = wake.write_all(b"!");
    }

    /// Whether people are still asked.
    pub(crate) fn is_open(&self) -> bool {
        !self.is_lost() && lock(&self.inner).hold.state() == approval::HoldState::Open
    }

    /// Whether it was ended from outside.
    pub(crate) fn is_lost(&self) -> bool {
        self.lost.load(Ordering::SeqCst)
    }

    /// As people see it now.
    pub(super) fn shown(&self) -> HoldView {
        let agreed = lock(&self.inner).hold.answers().iter().map(|answer| answer.reviewer.to_string()).collect();
        HoldView { agreed, ..self.view.clone() }
    }

    /// How long until the deadline, by both clocks.
    pub(crate) fn remaining(&self) -> Duration {
        let by_wall = self.view.expires_at_ms.saturating_sub(clock::now_ms());
        self.deadline.saturating_duration_since(Instant::now()).min(Duration::from_millis(by_wall))
    }
}
