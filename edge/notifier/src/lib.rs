//! Telling people of holds: each channel has a thread and a queue of its own, so that one that hangs holds up no other, and never a hold.

mod push;
mod router;
mod senders;

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use notification::{Channels, Notice};

pub use push::Devices;
pub use router::{Delivery, Router};
use senders::Sender;

/// How many notices may wait for one channel. The oldest make room.
const MOST_WAITING: usize = 256;

/// How often a notice is tried, and how long is waited before it is tried again at first; then twice as long, and so on.
const TRIES: u32 = 6;
const FIRST_WAIT: Duration = Duration::from_millis(500);

/// The queue of one channel.
#[derive(Default)]
struct Queue {
    waiting: Mutex<VecDeque<Arc<Notice>>>,
    came: Condvar,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, VecDeque<Arc<Notice>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, notice: Arc<Notice>) {
        let mut waiting = self.lock();
        if waiting.len() >= MOST_WAITING {
            waiting.pop_front();
        }
        waiting.push_back(notice);
        self.came.notify_one();
    }

    fn pop(&self) -> Arc<Notice> {
        let mut waiting = self.lock();
        loop {
            match waiting.pop_front() {
                Some(notice) => return notice,
                None => waiting = self.came.wait(waiting).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }
}

/// A channel.
struct RunningChannel {
    name: &'static str,
    from: notification::Level,
    when: notification::When,
    queue: Arc<Queue>,
}

/// Starts a thread for each channel that is written in the file.
///
/// # Errors
/// A file with a secret is not there, can be read by others, or is empty.
fn start(
    channels: &Channels,
    secret: senders::Secrets<'_>,
    devices: Option<Arc<dyn Devices>>,
) -> Result<Vec<RunningChannel>, String> {
    let mut all = Vec::new();
    for (mut sender, from, when) in Sender::all(channels, secret, devices)? {
        let queue = Arc::new(Queue::default());
        let (name, theirs) = (sender.name(), Arc::clone(&queue));
        let work = move || {
            loop {
                let notice = theirs.pop();
                tell(&mut sender, &notice);
            }
        };
        std::thread::Builder::new().name(name.to_owned()).spawn(work).map_err(|why| why.to_string())?;
        all.push(RunningChannel { name, from, when, queue });
    }
    Ok(all)
}

/// Tells one notice, as often as it takes within reason.
fn tell(sender: &mut Sender, notice: &Notice) {
    let mut wait = FIRST_WAIT;
    for left in (0..TRIES).rev() {
        match sender.send(notice) {
            Ok(()) => return,
            Err(why) if left == 0 || !why.is_passing => {
                eprintln!("countersign-gate: {}: not sent ({why})", sender.name());
                return;
            }
            Err(why) => {
                std::thread::sleep(why.wait.unwrap_or(wait).min(Duration::from_secs(60)));
                wait = wait.saturating_mul(2);
            }
        }
    }
}

/// Milliseconds since 1970.
fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
