//! Who is told what: hand-overs, devices and ends of holds; and the web gate, the way to the provider of single sign-on.

use serde::{Deserialize, Serialize};

use crate::proof::Password;

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

/// The way to the provider of single sign-on, for a browser and the code that it comes back with.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignOnWay {
    /// What the button says.
    pub name: String,
    /// Our id there.
    pub client_id: String,
    /// Our secret there, where we have one.
    pub client_secret: Option<Password>,
    /// Where browsers come back to.
    pub callback: String,
    /// What is asked for.
    pub scopes: Vec<String>,
    /// Certificates of an authority of one's own (PEM), for the connection.
    pub authorities: Option<String>,
    /// Where browsers are sent, and where a code is exchanged; nothing while the provider was not reached yet.
    pub endpoints: Option<(String, String)>,
}
