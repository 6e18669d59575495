//! The record: what is written to the log, as types. Each event says what it holds; the canonical JSON that a log commits to, the
//! index terms and `api/record.schema.json` are made from these types, and readers get the same types back.
//!
//! Two rules keep old logs readable. A member that is named here keeps its name and meaning within a version of the format. A
//! reader ignores members that it does not know, and shows a record as it was written ([`Record::to_value`]).

mod access;
mod act;
mod answer;
mod change;
mod decision;
mod draft;
mod event;
mod member;
mod permit;
mod query;
mod recording;
mod reviewer_stats;
mod start;
mod statistics;

pub use access::Access;
pub use act::{Act, Bytes, FileIdentity, Variable};
pub use answer::{Answer, AnswerState, Proof, SlackProof, TeamsProof, Vote};
pub use change::{AgentAdded, Change, Enrolment, FactorKind, FactorSetUp, PolicyReason, ReviewerAdded};
pub use decision::{
    Claims, Coverage, Decision, Delegator, Factor, Operation, Redact, Request, ResourceKind, Unknown, Verdict, Would,
};
pub use draft::{Draft, MAX_CONTENT_BYTES, Record, term};
pub use event::{Event, RecordKind};
pub use member::Member;
pub use permit::{Outcome, Permit};
pub use query::RecordQuery;
pub use recording::{Recorded, RecordedSession, RecordingEvent, RecordingVariant};
pub use reviewer_stats::{FatigueSign, ReviewerStats, Reviewers};
pub use start::{PeerCredentials, PolicyMode, Refusal, Start};
pub use statistics::{DayStats, Statistics};

/// The JSON schema of a content (`api/record.schema.json`).
#[cfg(feature = "schema")]
pub fn schema() -> serde_json::Value {
    draft::schema()
}
