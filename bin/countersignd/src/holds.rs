//! Open holds: who waits, who answers, and the one moment at which a hold is decided.
//!
//! An answer goes through these steps, under the hold's own lock, so that two answers follow one another:
//!
//! 1. the pure state machine takes it, or refuses it. A crash after this: nothing happened.
//! 2. the answer is recorded. A crash after this: the record shows an answer; the hold is still open in the store, is
//!    ended as lost at the next start, and nothing was done.
//! 3. the store moves the hold on, compare-and-set. A crash after this: approved, but the waiting connection is gone with us.
//! 4. the waiting thread is woken. Only now can there be a permit.
//!
//! Where the waiting client must come back to spend its permit, its thread does the third step: the client has its answer first,
//! and is not heard again before it is stored. A crash in between leaves a permit that no client can use.

mod change_feed;
mod entry;
mod open_index;
mod subscribers;

use std::collections::VecDeque;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use approval::{Answer, Hold, HoldState, Vote};
use audit::Receipt;
use host::clock;
use model::{HoldId, Intent};
use protocol::HoldView;
use record::{AnswerState, Member};

pub(crate) use entry::{DenialNote, Entry, For, denial_text};

use crate::change_signal::ChangeSignal;
use crate::state::{Daemon, lock};
use open_index::OpenHolds;

/// The most holds that may be open at once. Beyond it requests that would be held are refused.
const MAX_OPEN: usize = 1_000;

/// Of how many closed holds it is remembered what became of them, for those who follow.
const MAX_CLOSED: usize = 2_048;

/// The most holds that one agent may have open.
const MAX_OPEN_PER_AGENT: usize = 100;

/// What became of a hold whose agent was stopped.
const STOPPED: &str = "stopped";

#[derive(Default)]
pub(crate) struct Holds {
    open: Mutex<OpenHolds>,
    /// Counts changes of the list, for those who follow it.
    changes: Mutex<change_feed::Changes>,
    changed: Condvar,
    subscribers: subscribers::Subscribers,
    /// A hold waits without a connection.
    is_watched: AtomicBool,
    /// What became of the last ones that were closed.
    closed: Mutex<VecDeque<(String, String)>>,
    /// Rung when something begins to wait, or ends to.
    change_signal: Arc<ChangeSignal>,
}

/// How a hold ended for the waiting thread: the hold, and for an approval the receipt of the answer that decided it.
pub(crate) struct Outcome {
    pub(crate) hold: Hold,
    pub(crate) answered: Option<Receipt>,
    /// With a denial: the message to the agent.
    pub(crate) told: Option<DenialNote>,
    /// The stored state and the new one: the waiting thread stores it before its client is heard again.
    pub(crate) unstored: Option<(Hold, Hold)>,
}

/// The record says what was answered; this says that it did not count.
pub(crate) fn void(daemon: &Daemon, hold: &Hold, why: &str) {
    let (id, request) = (hold.question().id.to_string(), hold.question().request.to_string());
    let _ = daemon.record(record::Answer::ended(id, request, AnswerState::Void, Some(why.to_owned())));
}

impl Holds {
    /// Makes an empty one.
    pub(crate) fn new(change_signal: Arc<ChangeSignal>) -> Self {
        Self { change_signal, ..Self::default() }
    }

    /// Opens a hold: it is shown, and `settle` makes durable that it was asked, and stores it; with no hold, there is no place for
    /// it, and only that it was asked is made durable. No answer is taken before that; where it fails, the hold is lost,
    /// and subscribers are notified. The stream becomes readable when it is decided.
    ///
    /// While the log does not answer, nothing is shown that is not durable: an agent could put texts before people of which
    /// there is no record.
    pub(crate) fn open<T>(
        &self,
        daemon: &Daemon,
        hold: &Hold,
        shown: (HoldView, Intent),
        opened_for: For,
        settle: impl FnOnce(Option<&Hold>) -> Result<T, String>,
    ) -> Result<(Arc<Entry>, UnixStream, T), String> {
        if let Some(why) = self.is_full(&shown.0.agent) {
            return settle(None).and(Err(why));
        }
        let (entry, woken) = Entry::new(hold.clone(), shown, opened_for)?;
        if !daemon.log_answers() {
            let settled = settle(Some(hold))?;
            self.show(hold, &entry);
            return Ok((entry, woken, settled));
        }
        // Answers wait here until it is settled.
        let unsettled = lock(&entry.unsettled);
        self.show(hold, &entry);
        let settled = settle(Some(hold));
        if settled.is_err() {
            let lost = hold.ended(HoldState::Lost);
            let _ = daemon.store.move_on(hold, &lost);
            lock(&entry.inner).hold = lost.clone();
            self.close(daemon, &hold.question().id, &entry, &lost);
            self.tell(Some(&hold.question().id));
        }
        drop(unsettled);
        Ok((entry, woken, settled?))
    }

    fn is_full(&self, agent: &str) -> Option<String> {
        let open = lock(&self.open);
        if open.len() >= MAX_OPEN {
            return Some(format!("{MAX_OPEN} requests wait for people already"));
        }
        (open.of(agent) >= MAX_OPEN_PER_AGENT)
            .then(|| format!("{MAX_OPEN_PER_AGENT} requests of this agent wait for people already"))
    }

    fn show(&self, hold: &Hold, entry: &Arc<Entry>) {
        lock(&self.open).insert(hold.question().id.clone(), Arc::clone(entry));
        self.tell(Some(&hold.question().id));
    }

    /// Takes an answer whose proof was checked. See the steps at the top.
    pub(crate) fn answer(
        &self,
        daemon: &Daemon,
        id: &HoldId,
        answer: Answer,
        proof: Member<record::Proof>,
        told: Option<DenialNote>,
    ) -> Result<(HoldState, usize, usize), String> {
        let entry = lock(&self.open)
            .get(id)
            .cloned()
            .ok_or("there is no such open hold; it was decided, or its time is over")?;
        drop(lock(&entry.unsettled));
        let mut inner = lock(&entry.inner);
        if entry.is_lost() {
            return Err("this was stopped".to_owned());
        }
        if Instant::now() >= entry.deadline {
            return Err("the time for this hold is over; it was denied".to_owned());
        }
        if answer.at_ms < entry.opened_ms {
            return Err(
                "this machine's clock was set back since the hold was opened; nothing is approved until it is right"
                    .to_owned(),
            );
        }
        let people = daemon.people_now()?;
        let next = inner.hold.answered(answer.clone(), &people).map_err(|why| why.to_string())?;
        let (asks, why) = match &told {
            Some(told) if told.asks => (Some(told.text.clone()), None),
            told => (None, told.as_ref().map(|told| told.text.clone())),
        };
        let recorded = record::Answer {
            hold: id.to_string(),
            request_digest: inner.hold.question().request.to_string(),
            state: next.state().into(),
            reviewer: Some(answer.reviewer.to_string()),
            said: Some(answer.said.into()),
            assurance: Some(answer.assurance),
            proof,
            why,
            asks,
            // Revealed only after an answer: until then it looks like any other.
            canary: entry.is_canary(),
        };
        if answer.said == Vote::BreakGlass {
            eprintln!("countersignd: THE GLASS WAS BROKEN by {} for {id}", answer.reviewer);
        }
        let receipt = daemon.record(recorded)?;
        if next.state() != HoldState::Open && entry.stores_itself() && answer.said != Vote::BreakGlass {
            inner.unstored = Some(inner.hold.clone());
        } else {
            match daemon.store.move_on(&inner.hold, &next) {
                Ok(true) => {}
                Ok(false) => return Err("another answer came first".to_owned()),
                Err(why) => {
                    void(daemon, &next, &why.to_string());
                    return Err(format!("the answer does not count: {why}"));
                }
            }
        }
        inner.hold = next;
        inner.answered = Some(receipt);
        inner.told = told.or_else(|| inner.told.take());
        let after = inner.hold.clone();
        let state = after.state();
        let agreed = inner.hold.answers().len();
        let needed = usize::from(inner.hold.question().quorum.people);
        drop(inner);
        if state != HoldState::Open {
            self.close(daemon, id, &entry, &after);
        }
        // The waiting thread continues first, and notifies subscribers afterwards.
        if state == HoldState::Open || !entry.is_awaited() {
            self.tell(Some(id));
        }
        Ok((state, agreed, needed))
    }

    /// Notes that a hold is handed to another reviewer, if `record` could record it.
    pub(crate) fn hand_over(
        &self,
        id: &HoldId,
        handed: protocol::HandOver,
        most: usize,
        record: impl FnOnce() -> Result<(), String>,
    ) -> Result<(), String> {
        let entry = lock(&self.open).get(id).cloned().ok_or("it is decided already")?;
        let mut inner = lock(&entry.inner);
        if inner.hold.state() != HoldState::Open || inner.handed.len() >= most {
            return Err("it is decided already, or was handed over too often".to_owned());
        }
        record()?;
        inner.handed.push(handed);
        drop(inner);
        self.tell(Some(id));
        Ok(())
    }

    /// Ends a hold from the waiting side: its deadline passed, or the client is gone. An answer that was under way is
    /// waited for and counts: there is one deadline, and one place that decides. The caller notifies subscribers
    /// ([`Self::tell`]), who may have something more urgent to do first.
    pub(crate) fn end(&self, daemon: &Daemon, entry: &Arc<Entry>, as_state: HoldState) -> Outcome {
        let mut inner = lock(&entry.inner);
        let id = inner.hold.question().id.clone();
        let is_new = inner.hold.state() == HoldState::Open;
        if is_new {
            let next = inner.hold.ended(as_state);
            let why = entry.is_lost().then(|| STOPPED.to_owned());
            let request = next.question().request.to_string();
            let _ = daemon.record(record::Answer::ended(id.to_string(), request, next.state().into(), why));
            let _ = daemon.store.move_on(&inner.hold, &next);
            inner.hold = next;
        }
        let unstored = inner.unstored.take().map(|before| (before, inner.hold.clone()));
        let outcome =
            Outcome { hold: inner.hold.clone(), answered: inner.answered.take(), told: inner.told.take(), unstored };
        drop(inner);
        if is_new {
            self.close(daemon, &id, entry, &outcome.hold);
        }
        outcome
    }

    /// Ends the holds of those that are meant, by agent and session: the waiting threads get a lost hold. Returns how many.
    pub(crate) fn lose(&self, is_meant: &dyn Fn(&str, &str) -> bool) -> usize {
        let entries: Vec<Arc<Entry>> = lock(&self.open).values().cloned().collect();
        let meant = entries.iter().filter(|entry| is_meant(&entry.view.agent, &entry.view.session));
        meant.map(|entry| entry.lose()).count()
    }

    /// It is no longer open: the waiting thread is woken, and the rest is counting.
    fn close(&self, daemon: &Daemon, id: &HoldId, entry: &Entry, hold: &Hold) {
        let people: Vec<&str> = hold.answers().iter().map(|answer| answer.reviewer.as_str()).collect();
        let by = if people.is_empty() { String::new() } else { format!(" by {}", people.join(", ")) };
        let mut closed = lock(&self.closed);
        if closed.len() >= MAX_CLOSED {
            closed.pop_front();
        }
        let is_stopped = hold.state() == HoldState::Lost && entry.is_lost();
        let outcome = if is_stopped { STOPPED } else { hold.state().as_str() };
        closed.push_back((id.to_string(), format!("{outcome}{by}")));
        drop(closed);
        lock(&self.open).remove(id);
        entry.wake();
        host::socket::yield_to_receiver();
        let took = Duration::from_millis(clock::now_ms().saturating_sub(entry.opened_ms));
        daemon.metrics.ended(hold.state().as_str(), took);
        if hold.state() == HoldState::Approved && !entry.is_canary() {
            daemon.nearest.approved(&entry.view.agent, &entry.view.asked);
        }
    }

    /// What a held request would do, for rules to be derived from.
    pub(crate) fn intent(&self, id: &HoldId) -> Option<Intent> {
        lock(&self.open).get(id).map(|entry| entry.intent.clone())
    }

    /// Whose request it is, and where it would be done.
    pub(crate) fn place(&self, id: &HoldId) -> Option<(String, Option<String>)> {
        lock(&self.open).get(id).map(|entry| (entry.view.agent.clone(), entry.view.cwd.clone()))
    }

    /// What is asked, for an answer's proof to be checked against.
    pub(crate) fn question(&self, id: &HoldId) -> Option<approval::ApprovalRequest> {
        let entry = lock(&self.open).get(id).cloned()?;
        let inner = lock(&entry.inner);
        Some(inner.hold.question().clone())
    }

    /// Counts a notification of a hold, up to a limit. Returns whether it is open and may be sent.
    pub(crate) fn note_hop(&self, id: &HoldId, most: usize) -> bool {
        lock(&self.open).get(id).is_some_and(|entry| entry.hops.fetch_add(1, Ordering::SeqCst) < most)
    }

    /// What people are shown of a hold.
    pub(crate) fn shown(&self, id: &HoldId) -> Option<HoldView> {
        lock(&self.open).get(id).map(|entry| entry.view.clone())
    }
}
