//! What `countersignd` answers on the operator's socket.

use serde::{Deserialize, Serialize};

use crate::oidc_client::SignOnWay;
use crate::push_target::PushTarget;
use crate::telemetry::{Metric, Span};
use crate::views::{
    AgentView, BrokenGlassView, CandidateView, ClosedHold, FlagView, HoldView, ReviewerAttributes, ReviewerView,
    RuleView, Status,
};

/// To a person's tool.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "say", rename_all = "snake_case", deny_unknown_fields)]
pub enum OperatorReply {
    /// The open holds.
    Holds {
        /// Oldest first.
        holds: Vec<HoldView>,
    },
    /// What changed since the list, or since the last change. Empty from time to time, to show that the line is alive.
    Changed {
        /// Holds that are new, or were answered.
        changed: Vec<HoldView>,
        /// Holds that are not open any more.
        gone: Vec<ClosedHold>,
    },
    /// The answer counted.
    Answered {
        /// The hold's state now.
        state: String,
        /// People who agreed so far.
        agreed: usize,
        /// People needed.
        needed: usize,
        /// How many others were answered with it.
        #[serde(default)]
        also: usize,
    },
    /// The devices that are notified.
    PushTargets {
        /// The devices.
        targets: Vec<PushTarget>,
    },
    /// The way to the provider of single sign-on, where it is set up.
    SignOnWay {
        /// How to reach the provider; nothing without single sign-on.
        way: Option<SignOnWay>,
    },
    /// The session of the request has ended.
    SignedOut {
        /// The reason, in words.
        why: String,
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
    /// Something fresh, which a passkey signs with what it is for. It serves once, for two minutes.
    Challenge {
        /// Base64url.
        nonce: String,
        /// The name that passkeys are bound to.
        site: String,
    },
    /// An enrolment link.
    Invited {
        /// The token of the link, shown once.
        token: String,
        /// Until when, milliseconds since 1970.
        expires_at_ms: u64,
    },
    /// The enrolment of a factor has begun.
    Enrolment {
        /// For the end.
        ticket: String,
        /// Name.
        name: String,
        /// Role.
        role: String,
        /// The key URI for an authenticator app, shown once.
        totp_uri: String,
        /// For a passkey to be made with, base64url.
        challenge: String,
        /// The name that passkeys are bound to.
        site: String,
        /// With a code generator they choose a password, too.
        takes_password: bool,
    },
    /// The factor was enrolled.
    Enrolled {
        /// Name.
        name: String,
        /// Codes for when the factor is lost, shown once. Each serves once.
        recovery: Vec<String>,
        /// They are signed in.
        token: String,
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
        place: ReviewerAttributes,
        /// `totp`, `ssh` or `passkey`.
        factor: String,
        /// The passkeys that they have (base64url).
        #[serde(default)]
        passkeys: Vec<String>,
    },
    /// It was read.
    Read {
        /// The result.
        found: crate::LogQueryResult,
    },
    /// Lines of a recording (asciicast v2). More follow, unless it has ended.
    Lines {
        /// The lines, in order.
        lines: Vec<String>,
        /// Whether this is the end.
        ended: bool,
    },
    /// Where agents work.
    Work(crate::ActivityView),
    /// Parts of requests.
    Spans {
        /// Those since, oldest first; the oldest of all make room.
        spans: Vec<Span>,
        /// The count to ask from next time.
        next: u64,
    },
    /// Metrics.
    Metrics {
        /// All of them.
        metrics: Vec<Metric>,
    },
    /// The state of the installation.
    Status(Status),
    /// The request was carried out.
    Done {
        /// What was done.
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
        /// The reason.
        why: String,
    },
}
