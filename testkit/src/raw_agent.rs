//! An enforcement point that says whatever a test wants it to say.

use std::ffi::OsString;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use host::{executable_identity, socket};
use model::Act;
use protocol::{AgentReply, AgentRequest, MAX_AGENT_FRAME};
use serde_json::{Value, json};

/// How long anything may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A connection to the agents' socket.
pub struct RawAgent {
    /// The socket, to be broken at will.
    pub stream: UnixStream,
    key: String,
}

impl RawAgent {
    /// Connects with a key.
    pub fn connect(socket: &std::path::Path, key: &str) -> Self {
        Self { stream: UnixStream::connect(socket).expect("the agents' socket"), key: key.to_owned() }
    }

    /// Sends a request for an act without waiting for the answer.
    pub fn send_submit(&self, session: &str, act: &Value, hands_over: bool) {
        let submit = AgentRequest::Submit {
            key: self.key.clone(),
            session: session.to_owned(),
            act: act.clone(),
            intent: None,
            task: None,
            search_path: None,
            hands_over,
            park: false,
        };
        self.say(&submit);
    }

    /// Sends a request and waits for the first answer.
    pub fn submit(&self, act: &Value) -> AgentReply {
        self.send_submit("test", act, false);
        self.hear().expect("an answer")
    }

    /// Tries to use a permit for an act.
    pub fn redeem(&self, permit: &str, act: &Value) -> AgentReply {
        self.say(&AgentRequest::Redeem { permit: permit.to_owned(), act: act.clone(), terminal: None });
        self.hear().expect("an answer")
    }

    /// Sends any message.
    pub fn say(&self, message: &AgentRequest) {
        socket::send(&self.stream, message, MAX_AGENT_FRAME, PATIENCE).expect("the daemon takes it");
    }

    /// Waits for a message.
    pub fn hear(&self) -> Result<AgentReply, socket::Failed> {
        socket::receive(&self.stream, MAX_AGENT_FRAME, Some(PATIENCE), PATIENCE)
    }
}

/// The permit's id in an answer that allows.
pub fn permit_of(heard: &AgentReply) -> String {
    let AgentReply::Allow { permit, .. } = heard else { panic!("not allowed: {heard:?}") };
    let text: Value = serde_json::from_str(&permit.text).unwrap();
    text.get("id").and_then(Value::as_str).unwrap().to_owned()
}

/// The act of executing these words here and now.
pub fn exec_act(words: &[&str]) -> Value {
    let argv: Vec<OsString> = words.iter().map(OsString::from).collect();
    executable_identity::observe(&argv, vec![("PATH".into(), "/usr/bin:/bin".into())]).expect("an act").act.to_value()
}

/// The act of a host's `Bash` tool.
pub fn bash_act(command: &str) -> Value {
    let call = model::ToolCall {
        host: "claude-code".to_owned(),
        tool: "Bash".to_owned(),
        input: json!({ "command": command }),
        call: None,
        cwd: Some("/tmp".to_owned()),
        shell: None,
    };
    Act::Tool(call).to_value()
}
