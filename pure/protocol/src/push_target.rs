//! A device that gets Web Push messages.

use serde::{Deserialize, Serialize};

/// A device that is notified of holds (Web Push), as its browser describes it.
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
