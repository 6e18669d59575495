//! Subscribers to the list of open holds: the web gate and the notifier. The thread that changes the list sends them the change
//! at once, as far as it goes without waiting; a thread of each follower's own sends what is left.

use std::collections::BTreeMap;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Condvar, Mutex, PoisonError, TryLockError, Weak};
use std::time::Duration;

use host::socket;
use protocol::{MAX_OPERATOR_ANSWER, OperatorReply};

use super::Holds;
use crate::state::lock;

/// Interval between messages to a subscriber when nothing changes, so that a closed connection is noticed.
const HEARTBEAT: Duration = Duration::from_secs(10);

/// Timeout for one message to a subscriber.
const PATIENCE: Duration = Duration::from_secs(5);

/// How many subscribers the changing thread notifies itself. The others get the change a moment later.
const AT_ONCE: usize = 2;

/// A subscriber.
pub(crate) struct Follower {
    state: Mutex<State>,
    /// There is something that was not sent.
    is_behind: Mutex<bool>,
    behind: Condvar,
}

struct State {
    stream: UnixStream,
    /// What they know of each hold, as [`protocol::HoldView::changes`] counts.
    known: BTreeMap<String, usize>,
    seen: u64,
    /// The end of a message that did not go at once.
    rest: Vec<u8>,
}

/// All of them.
#[derive(Default)]
pub(crate) struct Subscribers(Mutex<Vec<Weak<Follower>>>);

impl Subscribers {
    /// Sends all subscribers what changed. Never waits.
    pub(super) fn tell(&self, holds: &Holds) {
        let all: Vec<Arc<Follower>> = {
            let mut all = lock(&self.0);
            all.retain(|it| it.strong_count() > 0);
            all.iter().filter_map(Weak::upgrade).collect()
        };
        let mut anybody = false;
        for (number, follower) in all.iter().enumerate() {
            let went = match follower.state.try_lock() {
                _ if number >= AT_ONCE => false,
                Ok(mut state) => state.send_now(holds),
                Err(TryLockError::Poisoned(state)) => state.into_inner().send_now(holds),
                Err(TryLockError::WouldBlock) => false,
            };
            anybody |= went;
            if !went {
                *lock(&follower.is_behind) = true;
                follower.behind.notify_one();
            }
        }
        if anybody {
            socket::yield_to_receiver();
        }
    }
}

impl Holds {
    /// Sends one subscriber the list, then its changes, until the connection closes.
    pub(crate) fn follow(&self, stream: &UnixStream) {
        let Ok(stream) = stream.try_clone() else { return };
        let state = State { stream, known: BTreeMap::new(), seen: 0, rest: Vec::new() };
        let follower =
            Arc::new(Follower { state: Mutex::new(state), is_behind: Mutex::new(false), behind: Condvar::new() });
        {
            // Whatever changes from here on finds them at the list still.
            let mut state = lock(&follower.state);
            lock(&self.subscribers.0).push(Arc::downgrade(&follower));
            let (holds, seen) = self.list();
            state.known = holds.iter().map(|it| (it.id.clone(), it.changes())).collect();
            state.seen = seen;
            if state.send(&OperatorReply::Holds { holds }).is_err() {
                return;
            }
        }
        loop {
            let mut state = lock(&follower.state);
            if state.catch_up(self).is_err() {
                return;
            }
            drop(state);
            let is_behind = lock(&follower.is_behind);
            let waited = follower.behind.wait_timeout_while(is_behind, HEARTBEAT, |it| !*it);
            *waited.unwrap_or_else(PoisonError::into_inner).0 = false;
        }
    }
}

impl State {
    /// What changed since they heard last.
    fn next(&mut self, holds: &Holds) -> OperatorReply {
        let (changed, gone, now) = holds.changes(&mut self.known, self.seen);
        self.seen = now;
        OperatorReply::Changed { changed, gone }
    }

    /// Sends what changed as far as it goes without waiting. Says whether all of it went.
    fn send_now(&mut self, holds: &Holds) -> bool {
        if !self.rest.is_empty() {
            return false;
        }
        let Ok(frame) = protocol::encode(&self.next(holds), MAX_OPERATOR_ANSWER) else { return false };
        let went = socket::send_now(&self.stream, &frame).unwrap_or(0);
        self.rest = frame.get(went..).unwrap_or_default().to_vec();
        self.rest.is_empty()
    }

    /// Sends what is left and what changed meanwhile, or that nothing did.
    fn catch_up(&mut self, holds: &Holds) -> Result<(), socket::Failed> {
        let rest = std::mem::take(&mut self.rest);
        socket::send_rest(&self.stream, &rest, PATIENCE)?;
        let next = self.next(holds);
        self.send(&next)
    }

    fn send(&self, hears: &OperatorReply) -> Result<(), socket::Failed> {
        socket::send(&self.stream, hears, MAX_OPERATOR_ANSWER, PATIENCE)
    }
}
