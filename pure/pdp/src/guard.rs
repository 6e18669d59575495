//! Constraints that an organisation adds to the rules: they can forbid, or require approvals, and never allow.

use model::Intent;

use crate::evaluate::Situation;

/// What a guard has against an act.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Objection {
    /// Its name.
    pub name: String,
    /// Why, for people.
    pub why: String,
    /// So many people must agree; with nothing, the act is forbidden.
    pub people: Option<u8>,
}

/// Something that looks at every act, after the rules.
pub trait Guard: std::fmt::Debug + Send + Sync {
    /// What it has against an act.
    ///
    /// # Errors
    /// It could not be evaluated. The act is refused.
    fn objections(&self, intent: &Intent, situation: &Situation<'_>) -> Result<Vec<Objection>, String>;
}
