//! Who is told what of a hold: hand-overs, devices, and ends.

use serde::{Deserialize, Serialize};

/// That a hold was given to somebody else to answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Handed {
    /// Who gave it.
    pub by: String,
    /// To whom.
    pub to: String,
    /// What they should know.
    pub note: Option<String>,
}

/// A device that is told of holds (Web Push), as its browser describes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PushTarget {
    /// Whose it is; empty where the session says it.
    #[serde(default)]
    pub reviewer: String,
    /// The address.
    pub endpoint: String,
    /// Its key, base64url.
    pub p256dh: String,
    /// Its secret, base64url.
    pub auth: String,
}

/// A hold that is not open any more.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Gone {
    /// It.
    pub id: String,
    /// What became of it, in words.
    pub outcome: String,
}
