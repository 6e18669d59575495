//! What enforcement points and `countersignd` say to each other on the agents' socket. There is no word here that
//! approves, lists, or changes anything.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// From an enforcement point.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "say", rename_all = "snake_case", deny_unknown_fields)]
pub enum AgentRequest {
    /// May this be done?
    Submit {
        /// The agent's key. It names and proves the agent.
        key: String,
        /// The session, as the host names it.
        session: String,
        /// The act.
        #[serde(deserialize_with = "model::unambiguous::deserialize")]
        act: Value,
        /// Why, in the agent's words.
        intent: Option<String>,
        /// A ticket or task.
        task: Option<String>,
        /// The search path for programs.
        search_path: Option<String>,
        /// The enforcement point hands the verdict to a host that acts by itself: the permit is spent with the answer.
        hands_over: bool,
        /// Where people are asked, do not wait: answer with a ticket. The identical request, within its life, uses what they said.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        park: bool,
    },
    /// The act is about to be done, and this is what it looks like now.
    Redeem {
        /// The permit's id.
        permit: String,
        /// The act, observed again.
        #[serde(deserialize_with = "model::unambiguous::deserialize")]
        act: Value,
        /// The terminal, if everything that goes over it will be sent to be recorded before it goes on.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        terminal: Option<Terminal>,
    },
    /// This is about to go over the terminal of an act under way. It goes on when the answer is there.
    Recorded {
        /// The permit's id.
        permit: String,
        /// The events, in order.
        events: Vec<TerminalEvent>,
    },
    /// Whose key is this, and do answers of before still count?
    Standing {
        /// The agent's key.
        key: String,
    },
    /// The act ended.
    Outcome {
        /// The permit's id.
        permit: String,
        /// The exit status, if it exited.
        exit: Option<i32>,
        /// The signal, if one ended it.
        signal: Option<i32>,
        /// How long it ran.
        millis: u64,
    },
}

/// A terminal that is recorded.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Terminal {
    /// Its width.
    pub columns: u16,
    /// Its height.
    pub rows: u16,
    /// What it calls itself (`TERM`).
    pub name: String,
}

/// Something that went over a terminal.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TerminalEvent {
    /// The letter of its kind in an asciicast: `o` printed, `i` typed, `r` resized; `m`, a marker, is never an agent's.
    pub kind: String,
    /// The text.
    pub text: String,
}

/// To an enforcement point.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "say", rename_all = "snake_case", deny_unknown_fields)]
pub enum AgentReply {
    /// It may be done, under this permit.
    Allow {
        /// The sealed permit.
        permit: SealedText,
        /// The request's digest.
        request: String,
        /// The reasons.
        reasons: Vec<String>,
        /// The reviewers who approved it; none where a rule allowed it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        approved_by: Vec<String>,
    },
    /// It waits for people. Another message follows.
    Held {
        /// The hold.
        hold: String,
        /// Until when, milliseconds since 1970.
        expires_at_ms: u64,
        /// The reasons.
        reasons: Vec<String>,
    },
    /// It waits for reviewers without a connection: send the same again later.
    Parked {
        /// The ticket: the hold.
        hold: String,
        /// Until when people are asked, milliseconds since 1970.
        expires_at_ms: u64,
        /// The reasons.
        reasons: Vec<String>,
    },
    /// It may not be done.
    Deny {
        /// What kind of no.
        refusal: Refusal,
        /// The reasons.
        reasons: Vec<String>,
    },
    /// Whose key it is.
    Standing {
        /// The agent.
        agent: String,
        /// The count of changes of rules, flags and agents: an answer of another count does not stand any more.
        epoch: u64,
    },
    /// The permit is spent: act now.
    Spent,
    /// Noted.
    Noted,
}

/// Kinds of no, which callers tell apart by exit status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// A rule or a person said no (126).
    Denied,
    /// No reviewer decided in time (124).
    Expired,
    /// We could not decide (125).
    Undecided,
}

/// A sealed permit.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealedText {
    /// Canonical JSON.
    pub text: String,
    /// Signature, base 64.
    pub signature: String,
}

impl AgentReply {
    /// What it is, in a word.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Allow { .. } => "allow",
            Self::Deny { refusal: Refusal::Undecided, .. } => "undecided",
            Self::Deny { refusal: Refusal::Expired, .. } => "expired",
            Self::Deny { refusal: Refusal::Denied, .. } => "deny",
            Self::Held { .. } => "held",
            Self::Parked { .. } => "parked",
            Self::Standing { .. } => "standing",
            Self::Spent => "spent",
            Self::Noted => "noted",
        }
    }
}
