//! What people's tools and `countersignd` say to each other on the operator's socket.

use serde::{Deserialize, Serialize};

use crate::views::{
    AgentPlace, AgentView, BrokenGlassView, CandidateView, FlagView, HoldView, PersonPlace, ReviewerView, RuleView,
    Status,
};

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
        /// `approve`, `deny`, or `break-glass`.
        said: String,
        /// Who says it, and the proof.
        by: Vouch,
        /// With a yes: a rule that is made of it.
        #[serde(default)]
        rule: Option<RuleWish>,
        /// With a no: what the agent is told. With a broken glass: why; it is recorded.
        #[serde(default)]
        reason: Option<String>,
    },
    /// When was the glass broken, and who looked at it?
    BrokenGlass,
    /// Somebody looked at it afterwards.
    ReviewBrokenGlass {
        /// The hold.
        hold: String,
        /// What they found.
        note: String,
        /// Who: somebody else.
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
        /// Where it belongs, and how far it is trusted.
        #[serde(default)]
        place: AgentPlace,
        /// Who says so. Nobody is needed for an agent that no rule lets do more than any other.
        #[serde(default)]
        by: Option<Vouch>,
    },
    /// An agent belongs elsewhere, or is trusted otherwise.
    PlaceAgent {
        /// Its name.
        name: String,
        /// Where to.
        place: AgentPlace,
        /// Who says so.
        by: Vouch,
    },
    /// Which flags are set?
    Flags,
    /// Sets or clears a flag.
    Flag {
        /// Its name.
        name: String,
        /// Set, or clear.
        on: bool,
        /// Who says so. Nobody is needed to set `incident` or `freeze`.
        by: Option<Vouch>,
    },
    /// Reads the policy's files again.
    Reload,
    /// Which rules are there?
    Rules,
    /// A rule made of an approval, or by hand.
    AddRule {
        /// The rule, as in a file: one `[[rule]]`.
        text: String,
        /// The digest of the request whose approval it comes from.
        request: Option<String>,
        /// Why.
        reason: String,
        /// Who says so.
        by: Vouch,
    },
    /// A rule that was made does not apply any more.
    RemoveRule {
        /// Its id.
        id: String,
        /// Who says so.
        by: Vouch,
    },
    /// A rule that was made ends sooner.
    ExpireRule {
        /// Its id.
        id: String,
        /// When, as a date and time (RFC 3339).
        end: String,
        /// Who says so.
        by: Vouch,
    },
    /// Which rules could be made of a hold?
    Candidates {
        /// The hold.
        hold: String,
    },
    /// Which agents are there?
    Agents,
    /// A new reviewer.
    AddReviewer {
        /// Name.
        name: String,
        /// An SSH public key, or nothing for a code generator.
        ssh_key: Option<String>,
        /// Role and groups. The very first person is an operator.
        place: PersonPlace,
        /// An operator who vouches for the new one. Nobody is needed for the very first.
        vouch: Option<Vouch>,
    },
    /// Another role and other groups for a person.
    PlaceReviewer {
        /// Name.
        name: String,
        /// Role and groups.
        place: PersonPlace,
        /// An operator.
        by: Vouch,
    },
    /// A person is none of ours any more.
    RemoveReviewer {
        /// Name.
        name: String,
        /// An operator.
        by: Vouch,
    },
    /// Which reviewers are there?
    Reviewers,
    /// Somebody signs in, to look.
    SignIn {
        /// Who, and the proof.
        by: Vouch,
    },
    /// Whose session is this?
    Session {
        /// Its token.
        token: String,
        /// This use keeps it alive.
        keep: bool,
    },
    /// A session ends.
    SignOut {
        /// Its token.
        token: String,
    },
    /// How are things?
    Status,
}

/// A rule to be made of an approval.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleWish {
    /// The rule, as in a file.
    pub text: String,
    /// Why.
    pub reason: String,
    /// A signature covers one thing, so a rule takes one of its own; a code covers the whole message.
    pub by: Option<Vouch>,
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
    /// When the glass was broken.
    BrokenGlass {
        /// Oldest first.
        broken: Vec<BrokenGlassView>,
    },
    /// They are signed in.
    SignedIn {
        /// The session's token.
        token: String,
    },
    /// Whose session it is.
    Session {
        /// Name.
        name: String,
        /// Role and groups.
        place: PersonPlace,
        /// `totp` or `ssh`.
        factor: String,
    },
    /// How things are.
    Status(Status),
    /// It was done.
    Done {
        /// What.
        what: String,
    },
    /// The flags that are set.
    Flags {
        /// By name.
        flags: Vec<FlagView>,
    },
    /// All rules.
    Rules {
        /// In the order in which they are tried, then those that were removed.
        rules: Vec<RuleView>,
        /// The policy's digest.
        policy: String,
        /// `enforce` or `observe`.
        mode: String,
        /// Why the newest set was refused, if it was.
        refused: Option<String>,
    },
    /// Rules that could be made.
    Candidates {
        /// The narrowest first.
        candidates: Vec<CandidateView>,
        /// Why there are none, or no more.
        none: Option<String>,
    },
    /// It was not done.
    Refused {
        /// Why.
        why: String,
    },
}
