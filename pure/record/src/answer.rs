//! A reviewer's answer to a hold, and the end of a hold without one.

use model::Assurance;
use serde::{Deserialize, Serialize};

use crate::Member;

/// An answer, or an end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Answer {
    /// The hold.
    pub hold: String,
    /// The digest of the request that it holds.
    pub request_digest: String,
    /// What became of the hold, or of the answer.
    pub state: AnswerState,
    /// The reviewer who answered, or whose proof was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reviewer: Option<String>,
    /// What the reviewer decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub said: Option<Vote>,
    /// How sure it is that it was the reviewer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assurance: Option<Assurance>,
    /// What the answer can be checked by: a signature with its key. Of a code or a session there is nothing: `null`.
    #[serde(default, skip_serializing_if = "Member::is_absent")]
    pub proof: Member<Proof>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// The question to the agent that a denial carries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asks: Option<String>,
    /// The hold was a canary: a request that must be denied.
    #[serde(default, skip_serializing_if = "is_false")]
    pub canary: bool,
}

const fn is_false(it: &bool) -> bool {
    !*it
}

model::words! {
    /// What became of a hold, or of an answer.
    AnswerState {
        /// The answer counts; the hold is still open.
        Open = "open",
        /// The hold is approved.
        Approved = "approved",
        /// The hold is denied.
        Denied = "denied",
        /// Its time was over.
        Expired = "expired",
        /// The agent went away, or was stopped.
        Lost = "lost",
        /// The answer that was recorded before does not count.
        Void = "void",
        /// The proof was wrong; the answer does not count.
        Refused = "refused",
    }
}

model::words! {
    /// What a reviewer decided.
    Vote {
        /// Do it.
        Approve = "approve",
        /// Do not do it.
        Deny = "deny",
        /// Do it, approved by one person alone in an emergency.
        BreakGlass = "break-glass",
    }
}

impl Vote {
    /// Whether it approves.
    pub const fn approves(self) -> bool {
        match self {
            Self::Approve | Self::BreakGlass => true,
            Self::Deny => false,
        }
    }
}

/// What an answer can be checked by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum Proof {
    /// A passkey's assertion (WebAuthn), with everything that it covers.
    Passkey {
        /// The passkey: its credential id and public key.
        passkey: String,
        /// The text that was signed for.
        signed: String,
        /// The client data, base64url.
        client_data: String,
        /// The authenticator data, base64url.
        authenticator_data: String,
        /// The signature, base64url.
        signature: String,
    },
    /// An SSH signature.
    Ssh {
        /// The public key.
        ssh_key: String,
        /// The signature.
        signature: String,
    },
    /// A click that Slack signed.
    Slack {
        /// The click.
        slack: SlackProof,
    },
    /// A message that Microsoft Teams signed.
    Teams {
        /// The message.
        teams: TeamsProof,
    },
}

/// A click that Slack signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SlackProof {
    /// The Slack user.
    pub user: String,
    /// The time that Slack signed.
    pub at: String,
    /// Slack's signature.
    pub signature: String,
}

/// A message that Microsoft Teams signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TeamsProof {
    /// The Teams user.
    pub user: String,
    /// The signature.
    pub authorization: String,
}

impl Answer {
    /// The end of a hold without an answer, or of an answer.
    pub const fn ended(hold: String, request_digest: String, state: AnswerState, why: Option<String>) -> Self {
        Self {
            hold,
            request_digest,
            state,
            reviewer: None,
            said: None,
            assurance: None,
            proof: Member::Absent,
            why,
            asks: None,
            canary: false,
        }
    }

    /// The vote of a reviewer, if it is one and its proof held.
    pub fn vote(&self) -> Option<(&str, Vote)> {
        let counts = self.state != AnswerState::Refused;
        self.reviewer.as_deref().zip(self.said).filter(|_| counts)
    }
}
