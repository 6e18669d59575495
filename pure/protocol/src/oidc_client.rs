//! What the web gate needs to send a browser to the single sign-on provider.

use serde::{Deserialize, Serialize};

use crate::proof::Password;

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
