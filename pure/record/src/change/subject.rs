//! What a change is about.

use serde_json::Value;

use super::{Change, FactorSetUp, ReviewerAdded};

impl Change {
    /// The name of what changed.
    pub fn what(&self) -> String {
        let value = serde_json::to_value(self).unwrap_or_default();
        value.get("what").and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    pub(crate) fn request_digest(&self) -> Option<&str> {
        match self {
            Self::RuleMade { request_digest, .. }
            | Self::Notified { request_digest, .. }
            | Self::Escalated { request_digest, .. } => request_digest.as_deref(),
            Self::HandedOver { request_digest, .. } | Self::Canary { request_digest, .. } => Some(request_digest),
            Self::AgentAdded(_)
            | Self::AgentPlaced { .. }
            | Self::AgentRemoved { .. }
            | Self::AgentKeyRotated { .. }
            | Self::ReviewerAdded(_)
            | Self::ReviewerInvited { .. }
            | Self::ReviewerPlaced { .. }
            | Self::ReviewerRemoved { .. }
            | Self::ReviewerNotPlaced { .. }
            | Self::ReviewerNotRemoved { .. }
            | Self::FactorSetUp(_)
            | Self::PasswordSet { .. }
            | Self::RuleRemoved { .. }
            | Self::FlagSet { .. }
            | Self::FlagCleared { .. }
            | Self::PolicyLoaded { .. }
            | Self::PolicyRefused { .. }
            | Self::BrokenGlassReviewed { .. }
            | Self::Sealed { .. }
            | Self::EncryptionKeyRotated { .. }
            | Self::ContentDestroyed { .. }
            | Self::LegalHoldBegun { .. }
            | Self::LegalHoldEnded { .. } => None,
        }
    }

    pub(crate) fn hold(&self) -> Option<&str> {
        match self {
            Self::HandedOver { hold, .. }
            | Self::Notified { hold, .. }
            | Self::Escalated { hold, .. }
            | Self::Canary { hold, .. }
            | Self::BrokenGlassReviewed { hold, .. } => Some(hold),
            Self::AgentAdded(_)
            | Self::AgentPlaced { .. }
            | Self::AgentRemoved { .. }
            | Self::AgentKeyRotated { .. }
            | Self::ReviewerAdded(_)
            | Self::ReviewerInvited { .. }
            | Self::ReviewerPlaced { .. }
            | Self::ReviewerRemoved { .. }
            | Self::ReviewerNotPlaced { .. }
            | Self::ReviewerNotRemoved { .. }
            | Self::FactorSetUp(_)
            | Self::PasswordSet { .. }
            | Self::RuleMade { .. }
            | Self::RuleRemoved { .. }
            | Self::FlagSet { .. }
            | Self::FlagCleared { .. }
            | Self::PolicyLoaded { .. }
            | Self::PolicyRefused { .. }
            | Self::Sealed { .. }
            | Self::EncryptionKeyRotated { .. }
            | Self::ContentDestroyed { .. }
            | Self::LegalHoldBegun { .. }
            | Self::LegalHoldEnded { .. } => None,
        }
    }

    pub(crate) fn reviewer(&self) -> Option<&str> {
        match self {
            Self::ReviewerAdded(ReviewerAdded { reviewer, .. })
            | Self::FactorSetUp(FactorSetUp { reviewer, .. })
            | Self::ReviewerPlaced { reviewer, .. }
            | Self::ReviewerRemoved { reviewer, .. }
            | Self::ReviewerNotPlaced { reviewer }
            | Self::ReviewerNotRemoved { reviewer }
            | Self::PasswordSet { reviewer, .. }
            | Self::HandedOver { reviewer, .. } => Some(reviewer),
            Self::ReviewerInvited { reviewer, .. } => reviewer.as_deref(),
            Self::AgentAdded(_)
            | Self::AgentPlaced { .. }
            | Self::AgentRemoved { .. }
            | Self::AgentKeyRotated { .. }
            | Self::RuleMade { .. }
            | Self::RuleRemoved { .. }
            | Self::FlagSet { .. }
            | Self::FlagCleared { .. }
            | Self::PolicyLoaded { .. }
            | Self::PolicyRefused { .. }
            | Self::Notified { .. }
            | Self::Escalated { .. }
            | Self::Canary { .. }
            | Self::BrokenGlassReviewed { .. }
            | Self::Sealed { .. }
            | Self::EncryptionKeyRotated { .. }
            | Self::ContentDestroyed { .. }
            | Self::LegalHoldBegun { .. }
            | Self::LegalHoldEnded { .. } => None,
        }
    }
}
