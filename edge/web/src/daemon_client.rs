//! The operator's socket of `countersignd`: questions of pages, the list of holds, recordings.

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use protocol::{
    ActivityView, ClosedHold, HoldView, MAX_OPERATOR_ANSWER, MAX_OPERATOR_FRAME, OperatorReply, OperatorRequest,
};
use tokio::time::timeout;

use crate::daemon_connection::DaemonConnection;
use crate::hold_cache::HoldCache;

/// Timeout for the daemon's reply. It sends the list at least every ten seconds.
const PATIENCE: Duration = Duration::from_secs(20);

/// Pause before the next attempt to reach the daemon.
const AGAIN: Duration = Duration::from_millis(500);

/// How many connections wait for the next question, and for how long: shorter than the daemon waits for one.
const MOST_IDLE: usize = 4;
const IDLE: Duration = Duration::from_secs(30);

const OTHER: &str = "unexpected reply from `countersignd`; all programs must be of the same release";

/// What the daemon tells of holds.
pub(crate) enum HoldUpdate {
    /// All that are open.
    All(Vec<HoldView>),
    /// New or answered ones, and the ids of those that are gone.
    Changed(Vec<HoldView>, Vec<ClosedHold>),
}

/// The way to `countersignd`. A connection that was used waits for the next question for a while.
pub(crate) struct DaemonClient {
    socket: PathBuf,
    idle: Mutex<Vec<(DaemonConnection, Instant)>>,
}

/// Where agents work, as it changes.
pub(crate) struct Working {
    line: DaemonConnection,
}

/// A recording, as it comes.
pub(crate) struct Watching {
    line: DaemonConnection,
    ended: bool,
}

impl DaemonClient {
    /// The daemon behind a socket.
    pub(crate) fn new(socket: PathBuf) -> Self {
        Self { socket, idle: Mutex::default() }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<(DaemonConnection, Instant)>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A connection that waits, and that the daemon has not ended meanwhile.
    fn waiting(&self) -> Option<DaemonConnection> {
        let mut idle = self.idle();
        idle.retain(|(_, since)| since.elapsed() < IDLE);
        std::iter::from_fn(|| idle.pop()).map(|(line, _)| line).find(DaemonConnection::is_quiet)
    }

    async fn begin(&self, say: &OperatorRequest) -> Result<DaemonConnection, String> {
        let mut line = DaemonConnection::open(&self.socket).await?;
        send(&mut line, say).await?;
        Ok(line)
    }

    /// Asks something. A refusal is an answer, too.
    ///
    /// # Errors
    /// The daemon cannot be reached, or answers what does not belong here.
    pub(crate) async fn ask(&self, say: &OperatorRequest) -> Result<OperatorReply, String> {
        let waiting = self.waiting();
        let mut line = match waiting {
            Some(line) => line,
            None => DaemonConnection::open(&self.socket).await?,
        };
        // A sent message is never sent again: it is unknown how far it came.
        send(&mut line, say).await?;
        let heard = hear(&mut line).await?;
        let mut idle = self.idle();
        if idle.len() < MOST_IDLE {
            idle.push((line, Instant::now()));
        }
        Ok(heard)
    }

    /// Begins to look at a recording.
    ///
    /// # Errors
    /// The daemon cannot be reached.
    pub(crate) async fn watch(&self, say: &OperatorRequest) -> Result<Watching, String> {
        Ok(Watching { line: self.begin(say).await?, ended: false })
    }

    /// Begins to look where agents work.
    ///
    /// # Errors
    /// The daemon cannot be reached.
    pub(crate) async fn work(&self, say: &OperatorRequest) -> Result<Working, String> {
        Ok(Working { line: self.begin(say).await? })
    }

    /// Keeps the list of open holds, for as long as the gate runs.
    pub(crate) async fn follow(&self, live: &HoldCache) {
        loop {
            let _ = self.followed(live).await;
            live.away();
            tokio::time::sleep(AGAIN).await;
        }
    }

    async fn followed(&self, live: &HoldCache) -> Result<(), String> {
        let mut line = self.begin(&OperatorRequest::Holds { follow: true }).await?;
        loop {
            live.take(match hear(&mut line).await? {
                OperatorReply::Holds { holds } => HoldUpdate::All(holds),
                OperatorReply::Changed { changed, gone } => HoldUpdate::Changed(changed, gone),
                _ => return Err(OTHER.to_owned()),
            });
        }
    }
}

impl Working {
    /// How it is next.
    ///
    /// # Errors
    /// The viewer is no longer signed in, or the daemon cannot be reached.
    pub(crate) async fn next(&mut self) -> Result<ActivityView, String> {
        match hear(&mut self.line).await? {
            OperatorReply::Work(work) => Ok(work),
            OperatorReply::Refused { why } => Err(why),
            _ => Err(OTHER.to_owned()),
        }
    }
}

impl Watching {
    /// The next lines, nothing at the end. No lines are a sign of life.
    ///
    /// # Errors
    /// It is refused, or the daemon cannot be reached any more.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<String>>, String> {
        if self.ended {
            return Ok(None);
        }
        let heard = hear(&mut self.line).await;
        self.ended = !matches!(heard, Ok(OperatorReply::Lines { ended: false, .. }));
        match heard? {
            OperatorReply::Lines { lines, .. } => Ok(Some(lines)),
            OperatorReply::Refused { why } => Err(why),
            _ => Err(OTHER.to_owned()),
        }
    }
}

async fn send(line: &mut DaemonConnection, say: &OperatorRequest) -> Result<(), String> {
    let frame = protocol::encode(say, MAX_OPERATOR_FRAME).map_err(|why| why.to_string())?;
    in_time(line.send(&frame)).await
}

async fn hear(line: &mut DaemonConnection) -> Result<OperatorReply, String> {
    in_time(line.hear(MAX_OPERATOR_ANSWER)).await
}

async fn in_time<T>(what: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    timeout(PATIENCE, what).await.unwrap_or_else(|_| Err("countersignd takes too long".to_owned()))
}
