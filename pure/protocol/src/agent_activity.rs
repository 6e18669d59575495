//! Where agents work, for people who look.

use serde::{Deserialize, Serialize};

/// A session of an agent, as it works.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SessionView {
    /// The agent.
    pub agent: String,
    /// The session.
    pub session: String,
    /// When it first asked for something, milliseconds since 1970.
    pub since_ms: u64,
    /// When it last did.
    pub last_ms: u64,
    /// What that was, or how it begins; safe to show.
    pub last: String,
    /// What was decided: `allow`, `ask` or `deny`.
    pub verdict: String,
    /// How often it asked for something.
    pub requests: u64,
    /// How often people were asked.
    pub asked: u64,
    /// How often a rule said no.
    pub denied: u64,
    /// How many of its acts run under our eyes.
    pub running: usize,
    /// How many wait for people.
    pub waiting: usize,
    /// Its terminal that is being recorded, if one is.
    pub recording: Option<String>,
    /// The flag that stops it, if one does.
    pub stopped: Option<String>,
}

/// Who works.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ActivityView {
    /// The sessions since the daemon's start: those that run or wait first, then the last ones.
    pub sessions: Vec<SessionView>,
    /// How many more there are.
    pub more: usize,
    /// The flags that stop something.
    pub stops: Vec<String>,
}
