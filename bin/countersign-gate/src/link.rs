//! The operator's socket, for the gates that tell others: each waits on a thread of its own.

use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use host::layout::Layout;
use host::socket;
use wire::{Gone, HoldView, MAX_OPERATOR_ANSWER, MAX_OPERATOR_FRAME, OperatorHears, OperatorSays};

/// How long the daemon may take for an answer. It tells a list at least every ten seconds.
const PATIENCE: Duration = Duration::from_secs(20);

/// How many connections wait for the next question, and for how long: shorter than the daemon waits for one.
const MOST_IDLE: usize = 4;
const IDLE: Duration = Duration::from_secs(30);

/// What the daemon tells of holds.
pub(crate) enum Told {
    /// All that are open.
    All(Vec<HoldView>),
    /// New or answered ones, and the ids of those that are gone.
    Changed(Vec<HoldView>, Vec<Gone>),
}

/// The way to `countersignd`. A connection that was used waits for the next question for a while.
pub(crate) struct Operators {
    socket: PathBuf,
    idle: Mutex<Vec<(UnixStream, Instant)>>,
}

impl Operators {
    /// The socket of an installation.
    pub(crate) fn new(layout: &Layout) -> Self {
        Self { socket: layout.operator_socket(), idle: Mutex::default() }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<(UnixStream, Instant)>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A connection that waits, and that the daemon has not ended meanwhile.
    fn waiting(&self) -> Option<UnixStream> {
        let mut idle = self.idle();
        idle.retain(|(_, since)| since.elapsed() < IDLE);
        std::iter::from_fn(|| idle.pop()).map(|(stream, _)| stream).find(socket::is_quiet)
    }

    fn connect(&self) -> Result<UnixStream, String> {
        let why = |why| format!("countersignd does not answer ({why}); nothing is allowed meanwhile");
        UnixStream::connect(&self.socket).map_err(why)
    }
}

fn send(stream: &UnixStream, say: &OperatorSays) -> Result<(), String> {
    socket::send(stream, say, MAX_OPERATOR_FRAME, PATIENCE).map_err(|why| why.to_string())
}

fn hear(stream: &UnixStream) -> Result<OperatorHears, String> {
    socket::receive(stream, MAX_OPERATOR_ANSWER, Some(PATIENCE), PATIENCE).map_err(|why| why.to_string())
}

impl Operators {
    /// Asks something. A refusal is an answer, too.
    ///
    /// # Errors
    /// The daemon cannot be reached, or answers what does not belong here.
    pub(crate) fn ask(&self, say: &OperatorSays) -> Result<OperatorHears, String> {
        let stream = match self.waiting() {
            Some(stream) => stream,
            None => self.connect()?,
        };
        // What was sent is never sent again: nobody knows how far it came.
        send(&stream, say)?;
        let heard = hear(&stream)?;
        let mut idle = self.idle();
        if idle.len() < MOST_IDLE {
            idle.push((stream, Instant::now()));
        }
        Ok(heard)
    }

    /// Hears the list of open holds, then what changes, until `each` has enough or the daemon is gone.
    ///
    /// # Errors
    /// The daemon cannot be reached any more.
    #[expect(clippy::wildcard_enum_match_arm, reason = "an answer that does not belong to the question is an error")]
    pub(crate) fn follow(&self, each: &mut dyn FnMut(Told) -> bool) -> Result<(), String> {
        let stream = self.connect()?;
        send(&stream, &OperatorSays::Holds { follow: true })?;
        loop {
            let told = match hear(&stream)? {
                OperatorHears::Holds { holds } => Told::All(holds),
                OperatorHears::Changed { changed, gone } => Told::Changed(changed, gone),
                _ => return Err("the daemon answered something else".to_owned()),
            };
            if !each(told) {
                return Ok(());
            }
        }
    }
}
