//! The operator's socket, for the gates that tell others: each waits on a thread of its own.

use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

use host::install_paths::Layout;
use host::socket;
use protocol::{ClosedHold, HoldView, MAX_OPERATOR_ANSWER, MAX_OPERATOR_FRAME, OperatorReply, OperatorRequest};

/// Timeout for the daemon's reply. It sends the list at least every ten seconds.
const PATIENCE: Duration = Duration::from_secs(20);

/// What the daemon tells of holds.
pub(crate) enum HoldUpdate {
    /// All that are open.
    All(Vec<HoldView>),
    /// New or answered ones, and the ids of those that are gone.
    Changed(Vec<HoldView>, Vec<ClosedHold>),
}

/// The way to `countersignd`.
pub(crate) struct OperatorClient {
    socket: PathBuf,
}

impl OperatorClient {
    /// The socket of an installation.
    pub(crate) fn new(layout: &Layout) -> Self {
        Self { socket: layout.operator_socket() }
    }

    fn connect(&self) -> Result<UnixStream, String> {
        let why = |why| format!("countersignd does not answer ({why}); nothing is allowed meanwhile");
        UnixStream::connect(&self.socket).map_err(why)
    }

    /// Asks something. A refusal is an answer, too.
    ///
    /// # Errors
    /// The daemon cannot be reached, or answers what does not belong here.
    pub(crate) fn ask(&self, say: &OperatorRequest) -> Result<OperatorReply, String> {
        let stream = self.connect()?;
        send(&stream, say)?;
        hear(&stream)
    }

    /// Hears the list of open holds, then what changes, until `each` has enough or the daemon is gone.
    ///
    /// # Errors
    /// The daemon cannot be reached any more.
    #[expect(clippy::wildcard_enum_match_arm, reason = "an answer that does not belong to the question is an error")]
    pub(crate) fn follow(&self, each: &mut dyn FnMut(HoldUpdate) -> bool) -> Result<(), String> {
        let stream = self.connect()?;
        send(&stream, &OperatorRequest::Holds { follow: true })?;
        loop {
            let told = match hear(&stream)? {
                OperatorReply::Holds { holds } => HoldUpdate::All(holds),
                OperatorReply::Changed { changed, gone } => HoldUpdate::Changed(changed, gone),
                _ => {
                    return Err(
                        "unexpected reply from `countersignd`; all programs must be of the same release".to_owned()
                    );
                }
            };
            if !each(told) {
                return Ok(());
            }
        }
    }
}

fn send(stream: &UnixStream, say: &OperatorRequest) -> Result<(), String> {
    socket::send(stream, say, MAX_OPERATOR_FRAME, PATIENCE).map_err(|why| why.to_string())
}

fn hear(stream: &UnixStream) -> Result<OperatorReply, String> {
    socket::receive(stream, MAX_OPERATOR_ANSWER, Some(PATIENCE), PATIENCE).map_err(|why| why.to_string())
}
