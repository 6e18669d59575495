//! One open hold, with the connection that waits for it.

use std::io::Write as _;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use approval::Hold;
use audit::Receipt;
use host::clock;
use model::Intent;
use protocol::{HandOver, HoldView};

use crate::state::lock;

/// Who waits for what people say.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum For {
    /// A connection that comes back to spend a permit. Its thread notifies subscribers afterwards.
    Caller,
    /// A connection that hands the act to a host and does not come back.
    Host,
    /// A ticket.
    Ticket,
    /// None, a canary: it must be denied, and is never run.
    Canary,
}

/// One open hold.
pub(crate) struct Entry {
    pub(super) view: HoldView,
    pub(super) intent: Intent,
    pub(super) opened_ms: u64,
    /// The deadline on the monotonic clock. The stored deadline and this one both apply.
    pub(super) deadline: Instant,
    pub(super) inner: Mutex<Inner>,
    pub(super) lost: AtomicBool,
    /// How often it was sent over a channel.
    pub(super) hops: AtomicUsize,
    opened_for: For,
    /// Locked until it is durable that this was asked: no answer is taken before.
    pub(super) unsettled: Mutex<()>,
    wake: UnixStream,
}

pub(super) struct Inner {
    pub(super) hold: Hold,
    pub(super) answered: Option<Receipt>,
    /// The denying reviewer's message to the agent.
    pub(super) told: Option<DenialNote>,
    /// The stored state, where the waiting thread updates it.
    pub(super) unstored: Option<Hold>,
    /// To whom it was handed over.
    pub(super) handed: Vec<HandOver>,
}

/// The message to an agent with a denial.
#[derive(Clone)]
pub(crate) struct DenialNote {
    pub(crate) text: String,
    /// It is a question: the no is one for now.
    pub(crate) asks: bool,
}

/// The no in words.
pub(crate) fn denial_text(told: Option<&DenialNote>) -> String {
    match told {
        None => "a reviewer said no".to_owned(),
        Some(DenialNote { text, asks: false }) => format!("a reviewer said no: {text}"),
        Some(DenialNote { text, asks: true }) => {
            format!("a reviewer asks: {text} (for now it is a no; answer in the intent, and ask for the same again)")
        }
    }
}

impl Entry {
    /// A hold that is asked from now on, and what becomes readable when it is decided.
    pub(super) fn new(
        hold: Hold,
        (view, intent): (HoldView, Intent),
        opened_for: For,
    ) -> Result<(Arc<Self>, UnixStream), String> {
        let (wake, woken) = UnixStream::pair().map_err(|why| why.to_string())?;
        let timeout = Duration::from_secs(u64::from(hold.question().quorum.timeout_s));
        let deadline = Instant::now().checked_add(timeout).ok_or("the clock is out of range")?;
        let entry = Self {
            view,
            intent,
            opened_ms: clock::now_ms(),
            deadline,
            inner: Mutex::new(Inner { hold, answered: None, told: None, unstored: None, handed: Vec::new() }),
            lost: AtomicBool::new(false),
            hops: AtomicUsize::new(0),
            opened_for,
            unsettled: Mutex::default(),
            wake,
        };
        Ok((Arc::new(entry), woken))
    }

    /// Whether a connection waits for the decision.
    pub(super) fn is_awaited(&self) -> bool {
        matches!(self.opened_for, For::Caller | For::Host)
    }

    /// Whether the waiting thread stores the outcome.
    pub(super) fn stores_itself(&self) -> bool {
        self.opened_for == For::Caller
    }

    /// Whether it must be denied, and is never run.
    pub(super) fn is_canary(&self) -> bool {
        self.opened_for == For::Canary
    }

    /// Wakes the waiting thread without an answer: it ends the hold as lost.
    pub(super) fn lose(&self) {
        self.lost.store(true, Ordering::SeqCst);
        self.wake();
    }

    /// Wakes the waiting thread, which reads the outcome itself.
    pub(super) fn wake(&self) {
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
        let inner = lock(&self.inner);
        let agreed = inner.hold.answers().iter().map(|answer| answer.reviewer.to_string()).collect();
        HoldView { agreed, handed: inner.handed.clone(), ..self.view.clone() }
    }

    /// How often it changed, as [`HoldView::changes`] counts.
    pub(super) fn changes(&self) -> usize {
        let inner = lock(&self.inner);
        inner.hold.answers().len().saturating_add(inner.handed.len())
    }

    /// How long until the deadline, by both clocks.
    pub(crate) fn remaining(&self) -> Duration {
        let by_wall = self.view.expires_at_ms.saturating_sub(clock::now_ms());
        self.deadline.saturating_duration_since(Instant::now()).min(Duration::from_millis(by_wall))
    }
}
