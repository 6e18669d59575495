//! The nouns of Countersign: who acts, what would be done, what it would touch, and the digests that bind them.
//!
//! Everything here is plain data. Nothing reads a clock, a file, the environment or a random source: such values
//! come in as arguments, so that the same input gives the same answer on every machine.

mod act;
mod arg;
pub mod canon;
mod digest;
pub mod display;
mod fact;
mod ids;
mod intent;
mod nonempty;
mod operation_text;
mod request;
mod risk;
mod role;
pub mod unambiguous;
mod words;

pub use act::{Act, ByteText, Exec, FileIdentity, MalformedAct, ToolCall, Variable};
pub use arg::Arg;
pub use digest::{Digest, MalformedDigest, RequestDigest};
pub use fact::{Fact, FactQuery, Facts, FileKind, Step};
pub use ids::{AgentName, HoldId, MalformedId, PermitId, RecordingId, RequestId, ReviewerName, SessionId};
pub use intent::{
    Action, Category, Coverage, Directory, Flow, Intent, Operation, Resource, Reversibility, Segment, Unknown,
};
pub use nonempty::NonEmpty;
pub use request::{Claims, Delegator, PeerCredentials, Request};
pub use risk::{Factor, Level, Risk};
pub use role::{Assurance, Role};

#[doc(hidden)]
pub use serde as __serde;
