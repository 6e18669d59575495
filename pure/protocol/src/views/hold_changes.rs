//! What happens to a hold while it is open: a hand-over, and its end.

use serde::{Deserialize, Serialize};

/// A hold was handed to another reviewer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct HandOver {
    /// Who gave it.
    pub by: String,
    /// The receiving reviewer.
    pub to: String,
    /// What they should know.
    pub note: Option<String>,
}

/// A hold that is not open any more.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ClosedHold {
    /// The id of the hold.
    pub id: String,
    /// What became of it, in words.
    pub outcome: String,
}
