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

/// The rules that ship with the product: file name and text, in order.
const SHIPPED: &[(&str, &str)] = &[
    ("10-never.toml", include_str!("../../../policy/10-never.toml")),
    ("50-everyday.toml", include_str!("../../../policy/50-everyday.toml")),
];

/// The rules that ship with the product, as [`Policy::load`] takes them.
pub fn shipped() -> Vec<(String, String)> {
    SHIPPED.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
}
