//! What a hold asks, and who does not count.

use model::{AgentName, HoldId, RequestDigest, ReviewerName};
use pdp::Quorum;

/// What a hold asks, and of whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApprovalRequest {
    /// Its id.
    pub id: HoldId,
    /// The request, by digest.
    pub request: RequestDigest,
    /// The agent that asks. It never counts.
    pub agent: AgentName,
    /// The agent's owner, who does not count either.
    pub owner: ReviewerName,
    /// The owners of the agents above it, on whose orders it acts. Nor do they.
    pub above: Vec<ReviewerName>,
    /// Who must agree.
    pub quorum: Quorum,
    /// The one deadline, milliseconds since 1970. It is stored, and every part of the system reads this value.
    pub expires_at_ms: u64,
}

impl ApprovalRequest {
    /// Whether a person answers for the agent, or for one above it: their approval does not count.
    pub fn answers_for(&self, person: &ReviewerName) -> bool {
        self.owner == *person || self.above.contains(person)
    }
}
