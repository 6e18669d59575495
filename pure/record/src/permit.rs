//! The use of a permit or of a ticket, and how the act ended.

use serde::{Deserialize, Serialize};

/// Authority was used, or its use was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "state")]
pub enum Permit {
    /// A permit was spent: the act may begin.
    #[serde(rename = "spent")]
    Spent {
        /// The permit.
        permit: String,
        /// The digest of its request.
        request_digest: String,
        /// The recording of the terminal that the act runs in.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        recording: Option<String>,
    },
    /// Its use was refused: what would run is not what was decided on.
    #[serde(rename = "refused")]
    Refused {
        /// The digest of the request.
        request_digest: String,
        /// Why.
        why: String,
    },
    /// An approval that was given while the agent did not wait was picked up. It serves once.
    #[serde(rename = "ticket used")]
    TicketUsed {
        /// The hold, whose id is the ticket.
        hold: String,
        /// The digest of the request that picked it up.
        request_digest: String,
        /// The digest of the request that was approved: the same act.
        approved: String,
    },
}

impl Permit {
    pub(crate) fn request_digest(&self) -> &str {
        match self {
            Self::Spent { request_digest, .. }
            | Self::Refused { request_digest, .. }
            | Self::TicketUsed { request_digest, .. } => request_digest,
        }
    }

    /// Its state as a word.
    pub const fn state(&self) -> &'static str {
        match self {
            Self::Spent { .. } => "spent",
            Self::Refused { .. } => "refused",
            Self::TicketUsed { .. } => "ticket used",
        }
    }
}

/// How an act ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "outcome", rename_all = "lowercase")]
pub enum Outcome {
    /// The enforcement point reported its end.
    Ended {
        /// The permit that it ran under.
        permit: String,
        /// The digest of its request.
        request_digest: String,
        /// Its exit status, if it exited.
        #[serde(default)]
        exit: Option<i32>,
        /// The signal that ended it, if one did.
        #[serde(default)]
        signal: Option<i32>,
        /// How long it ran, in milliseconds.
        millis: u64,
    },
    /// The enforcement point went away without a report.
    Unknown {
        /// The permit that it ran under.
        permit: String,
        /// The digest of its request.
        request_digest: String,
    },
}

impl Outcome {
    pub(crate) fn request_digest(&self) -> &str {
        match self {
            Self::Ended { request_digest, .. } | Self::Unknown { request_digest, .. } => request_digest,
        }
    }

    /// The permit that the act ran under.
    pub fn permit(&self) -> &str {
        match self {
            Self::Ended { permit, .. } | Self::Unknown { permit, .. } => permit,
        }
    }
}
