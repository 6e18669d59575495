//! What people's tools and `countersignd` say to each other on the operator's socket.

use serde::{Deserialize, Serialize};

/// From a person's tool.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "say", rename_all = "snake_case", deny_unknown_fields)]
pub enum OperatorSays {
    /// Which holds are open? With `follow`, the list comes again whenever it changes.
    Holds {
        /// Keep telling.
        follow: bool,
    },
    /// An answer to a hold.
    Answer {
        /// The hold.
        hold: String,
        /// `approve` or `deny`.
        said: String,
        /// Who says it, and the proof.
        by: Vouch,
    },
    /// A new agent.
    AddAgent {
        /// Its name.
        name: String,
        /// Who answers for it.
        owner: String,
        /// The only user id that may use its key, if it is bound to one.
        uid: Option<u32>,
    },
    /// Which agents are there?
    Agents,
    /// A new reviewer.
    AddReviewer {
        /// Name.
        name: String,
        /// An SSH public key, or nothing for a code generator.
        ssh_key: Option<String>,
        /// A reviewer who vouches for the new one. Nobody is needed for the very first.
        vouch: Option<Vouch>,
    },
    /// Which reviewers are there?
    Reviewers,
    /// How are things?
    Status,
}

/// A reviewer and the proof that it is them.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vouch {
    /// Who.
    pub reviewer: String,
    /// How we know.
    pub proof: Proof,
}

/// Proof of a person.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Proof {
    /// A code of their authenticator.
    Totp(String),
    /// An SSH signature (PEM).
    Ssh(String),
}

/// To a person's tool.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "say", rename_all = "snake_case", deny_unknown_fields)]
pub enum OperatorHears {
    /// The open holds.
    Holds {
        /// Oldest first.
        holds: Vec<HoldView>,
    },
    /// The answer counted.
    Answered {
        /// The hold's state now.
        state: String,
        /// People who agreed so far.
        agreed: usize,
        /// People needed.
        needed: usize,
    },
    /// The agent exists; this is its key, shown once.
    Agent {
        /// The key.
        key: String,
    },
    /// All agents.
    Agents {
        /// By name.
        agents: Vec<AgentView>,
    },
    /// The reviewer exists.
    Reviewer {
        /// The key URI for an authenticator app, shown once.
        totp_uri: Option<String>,
    },
    /// All reviewers.
    Reviewers {
        /// By name.
        reviewers: Vec<ReviewerView>,
    },
    /// How things are.
    Status(Status),
    /// It was not done.
    Refused {
        /// Why.
        why: String,
    },
}

/// An open hold, as people see it. Every text in it is safe to show and free of secrets.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct HoldView {
    /// The hold.
    pub id: String,
    /// The request's digest, which signatures cover.
    pub request: String,
    /// The agent.
    pub agent: String,
    /// Its owner.
    pub owner: String,
    /// The session.
    pub session: String,
    /// Where it would run.
    pub host: String,
    /// The directory.
    pub cwd: Option<String>,
    /// What was asked, whole.
    pub asked: String,
    /// Its pieces, one simple command each.
    pub pieces: Vec<String>,
    /// What it would do, in words.
    pub effects: Vec<String>,
    /// What is not known.
    pub unknowns: Vec<String>,
    /// Why it is asked.
    pub reasons: Vec<String>,
    /// Level.
    pub level: String,
    /// Score, 0–100.
    pub score: u8,
    /// What made the score.
    pub factors: Vec<Factor>,
    /// Reversibility.
    pub reversibility: String,
    /// Full or partial.
    pub coverage: String,
    /// Why, in the agent's words: a claim.
    pub intent: Option<String>,
    /// The task: a claim.
    pub task: Option<String>,
    /// The calling user id, as seen.
    pub uid: u32,
    /// Until when, milliseconds since 1970.
    pub expires_at_ms: u64,
    /// People needed.
    pub needed: usize,
    /// Who agreed so far.
    pub agreed: Vec<String>,
    /// `totp` or `signature`.
    pub assurance: String,
}

/// A named part of the score.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Factor {
    /// Its name.
    pub name: String,
    /// Points.
    pub points: i32,
    /// Why.
    pub why: String,
}

/// An agent.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AgentView {
    /// Name.
    pub name: String,
    /// Owner.
    pub owner: String,
    /// Bound to this user id.
    pub uid: Option<u32>,
    /// Since when, milliseconds since 1970.
    pub created_ms: u64,
}

/// A reviewer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ReviewerView {
    /// Name.
    pub name: String,
    /// `totp` or `ssh`.
    pub factor: String,
    /// Since when, milliseconds since 1970.
    pub created_ms: u64,
}

/// How things are.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Status {
    /// The daemon's process id.
    pub pid: u32,
    /// Its user id.
    pub uid: u32,
    /// Its version.
    pub version: String,
    /// The policy's digest.
    pub policy: String,
    /// Number of rules.
    pub rules: usize,
    /// Agents.
    pub agents: usize,
    /// Reviewers.
    pub reviewers: usize,
    /// Open holds.
    pub holds: usize,
    /// Records in the log, as of the last receipt.
    pub records: u64,
}
