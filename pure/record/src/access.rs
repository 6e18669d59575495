//! Who signed in and out.

use serde::{Deserialize, Serialize};

/// A reviewer signed in or out, tried to, or changed where they are notified.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "what")]
pub enum Access {
    /// A web session began.
    #[serde(rename = "signed in")]
    SignedIn {
        /// Whose.
        reviewer: String,
    },
    /// A web session was ended.
    #[serde(rename = "signed out")]
    SignedOut {
        /// Whose.
        reviewer: String,
    },
    /// A name and a proof that do not belong together.
    #[serde(rename = "sign-in refused")]
    SignInRefused {
        /// The name that was given; there may be no such reviewer.
        reviewer: String,
    },
    /// An identity provider's token was refused. Who it was is not known.
    #[serde(rename = "sign-on refused")]
    SignOnRefused {
        /// Why.
        why: String,
    },
    /// A recovery code was used.
    #[serde(rename = "recovery code used")]
    RecoveryCodeUsed {
        /// Whose.
        reviewer: String,
    },
    /// A device was added that gets notifications.
    #[serde(rename = "device added")]
    DeviceAdded {
        /// Whose.
        reviewer: String,
    },
}

impl Access {
    /// The name of what happened.
    pub fn what(&self) -> String {
        let value = serde_json::to_value(self).unwrap_or_default();
        value.get("what").and_then(serde_json::Value::as_str).unwrap_or_default().to_owned()
    }

    pub(crate) fn reviewer(&self) -> Option<&str> {
        match self {
            Self::SignedIn { reviewer }
            | Self::SignedOut { reviewer }
            | Self::SignInRefused { reviewer }
            | Self::RecoveryCodeUsed { reviewer }
            | Self::DeviceAdded { reviewer } => Some(reviewer),
            Self::SignOnRefused { .. } => None,
        }
    }
}
