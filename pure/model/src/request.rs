//! A request: an act, who asks for it, what they say of themselves, and what we saw.

use serde_json::{Value, json};

use crate::{Act, AgentName, RequestDigest, RequestId, ReviewerName, SessionId, canon::canonical};

/// What the caller says of itself. Shown to people, recorded, never believed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claims {
    /// Why, in the agent's words.
    pub intent: Option<String>,
    /// A ticket or task.
    pub task: Option<String>,
    /// The search path for programs.
    pub search_path: Option<String>,
}

/// What the enforcement point's peer looked like from our side of the socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerCredentials {
    /// User id of the calling process (`SO_PEERCRED`).
    pub uid: u32,
    /// Group id.
    pub gid: u32,
    /// Process id, as of the moment it connected.
    pub pid: u32,
}

/// An agent on whose orders another acts, and who answers for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delegator {
    /// The agent.
    pub agent: AgentName,
    /// The person who answers for it.
    pub owner: ReviewerName,
}

/// One request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Its id.
    pub id: RequestId,
    /// The agent, proved by its key.
    pub agent: AgentName,
    /// The person who answers for the agent.
    pub owner: ReviewerName,
    /// The agents above it, the nearest first: on whose orders it acts.
    pub chain: Vec<Delegator>,
    /// The session, as claimed by the enforcement point.
    pub session: SessionId,
    /// The machine.
    pub host: String,
    /// What would be done.
    pub act: Act,
    /// What the caller says.
    pub claims: Claims,
    /// What we saw.
    pub seen: PeerCredentials,
}

impl Request {
    /// As JSON.
    pub fn to_value(&self) -> Value {
        let above = |it: &Delegator| json!({"agent": it.agent.as_str(), "owner": it.owner.as_str()});
        json!({
            "id": self.id.as_str(), "agent": self.agent.as_str(), "owner": self.owner.as_str(),
            "chain": self.chain.iter().map(above).collect::<Vec<_>>(),
            "session": self.session.as_str(), "host": self.host, "act": self.act.to_value(),
            "claims": { "intent": self.claims.intent, "task": self.claims.task,
                "search_path": self.claims.search_path },
            "seen": { "uid": self.seen.uid, "gid": self.seen.gid, "pid": self.seen.pid },
        })
    }

    /// The digest that approvals and permits are bound to: every member counts.
    pub fn digest(&self) -> RequestDigest {
        RequestDigest::of_canonical(&canonical(&self.to_value()))
    }
}
