//! Request, intent and policy to a decision. Nothing here knows how a text was read: a verdict on a shell command, a
//! tool call or a statement is the same code.

mod decision;
mod derive;
mod evaluate;
mod guard;
mod pace;
mod pattern;
mod policy;
mod preset;
mod quorum;
mod risk;
mod rule;
mod scope;
mod sequence;

pub use decision::{Decision, Obligations, Reason, Source, Verdict};
pub use derive::{Candidate, Suggestion, derive, mine};
pub use evaluate::{Considered, Situation, consider, evaluate, note_sequences};
pub use guard::{Guard, Objection};
pub use pace::{Checkpoint, Footprint, Pace, Scope, Taint, Tightened, Velocity};
pub use policy::{Limits, Mode, Openings, Policy, PolicyDigest, PolicyProblem, Settings, Sources};
pub use preset::presets;
pub use quorum::{Assurance, Member, Panel, Person, Quorum, Role};
pub use risk::risk_of;
pub use rule::{Miss, Rule, RuleVerdict};

/// The JSON schema of a file of rules.
#[cfg(feature = "schema")]
pub fn schema() -> serde_json::Value {
    serde_json::to_value(schemars::schema_for!(policy::FileText)).unwrap_or_default()
}
