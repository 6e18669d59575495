//! Request, intent and policy to a decision. Nothing here knows how a text was read: a verdict on a shell command, a
//! tool call or a statement is the same code.

mod decision;
mod evaluate;
mod glob;
mod policy;
mod risk;
mod rule;

pub use decision::{Assurance, Decision, Obligations, Quorum, Reason, Source, Verdict};
pub use evaluate::{Situation, evaluate};
pub use policy::{Policy, PolicyDigest, PolicyProblem};
pub use risk::risk_of;
pub use rule::{Rule, RuleVerdict};
