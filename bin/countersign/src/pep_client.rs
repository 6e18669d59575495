//! The way to `countersignd` for an enforcement point.

use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use host::install_paths::Layout;
use host::process_tree::StopListener;
use host::socket::{self, Failed};
use model::Act;
use protocol::{AgentReply, AgentRequest, MAX_AGENT_FRAME};

/// Timeout for one part of a message.
const PATIENCE: Duration = Duration::from_secs(5);

/// Timeout for a reply that needs no reviewers.
const ANSWER_WITHIN: Duration = Duration::from_secs(20);

/// What an agent's key may have, in bytes.
const MAX_KEY_BYTES: u64 = 1024;

/// A connection to the agents' socket.
pub(crate) struct PepClient(UnixStream);

impl PepClient {
    /// Connects.
    pub(crate) fn connect(layout: &Layout) -> Result<Self, String> {
        let path = layout.agent_socket();
        UnixStream::connect(&path).map(Self).map_err(|why| {
            format!("the daemon does not answer at `{}` ({why}); nothing is allowed without it. Start it with `countersign up`", path.display())
        })
    }

    /// Asks whether an act may be done.
    pub(crate) fn submit(
        &self,
        key: String,
        session: String,
        act: &Act,
        claims: Claims,
        hands_over: bool,
        park: bool,
    ) -> Result<AgentReply, String> {
        self.say(&AgentRequest::Submit {
            key,
            session,
            act: act.to_value(),
            intent: claims.intent,
            task: claims.task,
            search_path: claims.search_path,
            hands_over,
            park,
        })?;
        self.hear(ANSWER_WITHIN)
    }

    /// Sends a message.
    pub(crate) fn say(&self, message: &AgentRequest) -> Result<(), String> {
        socket::send(&self.0, message, MAX_AGENT_FRAME, PATIENCE).map_err(|why| why.to_string())
    }

    /// Waits for a message.
    pub(crate) fn hear(&self, within: Duration) -> Result<AgentReply, String> {
        socket::receive(&self.0, MAX_AGENT_FRAME, Some(within), PATIENCE).map_err(|why| match why {
            Failed::Closed => "the daemon closed the connection before it decided".to_owned(),
            Failed::Refused(_) | Failed::Socket(_) => why.to_string(),
        })
    }

    /// Ends what we run from here on when people stop it.
    pub(crate) fn watch(&self) -> Result<StopListener, String> {
        StopListener::begin(&self.0).map_err(|why| format!("it could not be stopped ({why}), so it is not run"))
    }

    /// Sends a message and waits for the answer.
    pub(crate) fn ask(&self, message: &AgentRequest) -> Result<AgentReply, String> {
        self.say(message)?;
        self.hear(ANSWER_WITHIN)
    }
}

/// What the agent says of its act.
#[derive(Default)]
pub(crate) struct Claims {
    pub(crate) intent: Option<String>,
    pub(crate) task: Option<String>,
    /// The search path for programs.
    pub(crate) search_path: Option<String>,
}

/// Our own search path. One that is not UTF-8 is refused: what cannot be said cannot be judged.
pub(crate) fn search_path() -> Result<Option<String>, String> {
    match std::env::var("PATH") {
        Ok(path) => Ok(Some(path)),
        Err(std::env::VarError::NotPresent) => Ok(None),
        Err(std::env::VarError::NotUnicode(_)) => {
            Err("`PATH` is not UTF-8, so where programs are found is not known".to_owned())
        }
    }
}

/// The key of an agent: from the environment, from a file, or from the key file of the agent's name.
pub(crate) fn key(layout: &Layout, agent: Option<&str>, file: Option<&Path>) -> Result<String, String> {
    if let Some(key) = std::env::var("COUNTERSIGN_KEY").ok().filter(|key| !key.is_empty()) {
        return Ok(key);
    }
    let path: PathBuf = match (file, agent) {
        (Some(file), _) => file.to_owned(),
        (None, Some(agent)) => {
            let name = model::AgentName::parse(agent).map_err(|why| why.to_string())?;
            layout.agent_key(name.as_str())
        }
        (None, None) => {
            return Err(
                "which agent is this? Say `--agent NAME`, or set COUNTERSIGN_AGENT or COUNTERSIGN_KEY_FILE".to_owned()
            );
        }
    };
    let bytes = host::files::read_small(&path, MAX_KEY_BYTES).map_err(|why| format!("`{}`: {why}", path.display()))?;
    let bytes = bytes.ok_or_else(|| {
        format!(
            "there is no key in `{}`; make the agent with `countersign agent add NAME --owner WHO --save`",
            path.display()
        )
    })?;
    let key = String::from_utf8(bytes).map_err(|_| format!("`{}` is no key", path.display()))?;
    Ok(key.trim().to_owned())
}
