//! The start of the daemon, and what was refused before it became a request.

use serde::{Deserialize, Serialize};

/// The daemon started. Between the last record before it and this one nothing was decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Start {
    /// The program.
    pub program: String,
    /// Its version.
    pub version: String,
    /// The digest of the policy in force.
    pub policy: String,
    /// Whether the policy is enforced.
    pub mode: PolicyMode,
    /// Holds that were open when the daemon ended. They cannot be answered any more.
    #[serde(default)]
    pub lost_holds: Vec<String>,
}

model::words! {
    /// Whether a policy is enforced.
    PolicyMode {
        /// It is.
        Enforce = "enforce",
        /// It is not: what it would ask for or deny is allowed, and recorded with what would have been decided.
        Observe = "observe",
    }
}

/// Something was refused before it became a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Refusal {
    /// Why.
    pub why: String,
    /// The process that asked.
    pub seen: PeerCredentials,
}

/// The process at the other end of a socket, as the kernel reports it (`SO_PEERCRED`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PeerCredentials {
    /// User id.
    pub uid: u32,
    /// Group id.
    pub gid: u32,
    /// Process id when it connected.
    pub pid: u32,
}

impl From<model::PeerCredentials> for PeerCredentials {
    fn from(seen: model::PeerCredentials) -> Self {
        Self { uid: seen.uid, gid: seen.gid, pid: seen.pid }
    }
}
