//! The operator's socket, for the web gate.

use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

use host::layout::Layout;
use host::socket;
use web::Told;
use wire::{MAX_OPERATOR_ANSWER, MAX_OPERATOR_FRAME, OperatorHears, OperatorSays};

/// How long the daemon may take for an answer. It tells a list at least every ten seconds.
const PATIENCE: Duration = Duration::from_secs(20);

/// The way to `countersignd`: a connection for each question.
pub(crate) struct Operators(PathBuf);

impl Operators {
    /// The socket of an installation.
    pub(crate) fn new(layout: &Layout) -> Self {
        Self(layout.operator_socket())
    }

    fn connect(&self) -> Result<UnixStream, String> {
        let why = |why| format!("countersignd does not answer ({why}); nothing is allowed meanwhile");
        UnixStream::connect(&self.0).map_err(why)
    }
}

fn send(stream: &UnixStream, say: &OperatorSays) -> Result<(), String> {
    socket::send(stream, say, MAX_OPERATOR_FRAME, PATIENCE).map_err(|why| why.to_string())
}

fn hear(stream: &UnixStream) -> Result<OperatorHears, String> {
    socket::receive(stream, MAX_OPERATOR_ANSWER, Some(PATIENCE), PATIENCE).map_err(|why| why.to_string())
}

#[expect(clippy::wildcard_enum_match_arm, reason = "an answer that does not belong to the question is an error")]
impl web::Link for Operators {
    fn ask(&self, say: &OperatorSays) -> Result<OperatorHears, String> {
        let stream = self.connect()?;
        send(&stream, say)?;
        hear(&stream)
    }

    fn watch(&self, say: &OperatorSays, each: &mut dyn FnMut(Vec<String>) -> bool) -> Result<(), String> {
        let stream = self.connect()?;
        send(&stream, say)?;
        loop {
            match hear(&stream)? {
                OperatorHears::Lines { lines, ended } => {
                    if !each(lines) || ended {
                        return Ok(());
                    }
                }
                OperatorHears::Refused { why } => return Err(why),
                _ => return Err("the daemon answered something else".to_owned()),
            }
        }
    }

    fn follow(&self, each: &mut dyn FnMut(Told) -> bool) -> Result<(), String> {
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
