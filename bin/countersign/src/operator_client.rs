//! The way to `countersignd` for people's tools.

use std::os::unix::net::UnixStream;
use std::time::Duration;

use host::install_paths::Layout;
use host::socket::{self, Failed};
use protocol::{HoldView, MAX_OPERATOR_ANSWER, MAX_OPERATOR_FRAME, OperatorReply, OperatorRequest};

/// Timeout for the daemon's reply.
const PATIENCE: Duration = Duration::from_secs(20);

/// A connection to the operator's socket.
pub(crate) struct OperatorClient(UnixStream);

impl OperatorClient {
    /// Connects.
    pub(crate) fn connect(layout: &Layout) -> Result<Self, String> {
        let path = layout.operator_socket();
        UnixStream::connect(&path).map(Self).map_err(|why| {
            format!("the daemon does not answer at `{}` ({why}); start it with `countersign up`", path.display())
        })
    }

    /// Sends a message and waits for the answer; a refusal is an error.
    pub(crate) fn ask(&self, message: &OperatorRequest) -> Result<OperatorReply, String> {
        socket::send(&self.0, message, MAX_OPERATOR_FRAME, PATIENCE).map_err(|why| why.to_string())?;
        match self.hear(Some(PATIENCE))? {
            OperatorReply::Refused { why } => Err(why),
            heard => Ok(heard),
        }
    }

    /// Waits for a message, or for time to run out: then nothing.
    pub(crate) fn hear(&self, within: Option<Duration>) -> Result<OperatorReply, String> {
        socket::receive(&self.0, MAX_OPERATOR_ANSWER, within, PATIENCE).map_err(|why| match why {
            Failed::Closed => "the daemon closed the connection".to_owned(),
            Failed::Refused(_) | Failed::Socket(_) => why.to_string(),
        })
    }

    /// The open holds.
    pub(crate) fn holds(&self) -> Result<Vec<HoldView>, String> {
        match self.ask(&OperatorRequest::Holds { follow: false })? {
            OperatorReply::Holds { holds } => Ok(holds),
            _ => Err(unexpected()),
        }
    }

    /// The one open hold whose id is, or contains, this text.
    pub(crate) fn hold(&self, id: &str) -> Result<HoldView, String> {
        let mut found: Vec<HoldView> =
            self.holds()?.into_iter().filter(|hold| hold.id == id || (id.len() >= 4 && hold.id.contains(id))).collect();
        match (found.pop(), found.is_empty()) {
            (Some(hold), true) => Ok(hold),
            (Some(_), false) => Err(format!("more than one open hold has `{id}` in its id; write more of it")),
            (None, _) => Err(format!(
                "there is no open hold `{id}`: it was decided, or its time is over. `countersign review --once` lists what is open"
            )),
        }
    }
}

/// The words for an answer that does not belong to the question.
pub(crate) fn unexpected() -> String {
    "unexpected reply from `countersignd`; all programs must be of the same release".to_owned()
}

/// Asks for something that is done or refused, and prints what was done: as a sentence, or as JSON.
///
/// # Errors
/// The daemon cannot be reached, or refuses.
pub(crate) fn print_done(link: &OperatorClient, say: &OperatorRequest, json: bool) -> Result<(), String> {
    match link.ask(say)? {
        OperatorReply::Done { what } => say_done(&what, json),
        _ => return Err(unexpected()),
    }
    Ok(())
}

/// Prints what was done: as a sentence, or as JSON.
pub(crate) fn say_done(what: &str, json: bool) {
    if json {
        println!("{}", serde_json::json!({"done": what}));
    } else {
        println!("{what}");
    }
}
