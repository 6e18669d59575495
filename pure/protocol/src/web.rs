//! What the web gate may say. It reads bytes of strangers, so it has the fewest words.

use crate::operator_request::OperatorRequest;

impl OperatorRequest {
    /// Whether the web gate may send this: what people's browsers need, each with a person's proof or session, and what is for
    /// everybody. Not what changes rules, agents, roles and flags, and nothing that the very first person may say without a proof.
    pub const fn is_for_web(&self) -> bool {
        match self {
            Self::Holds { .. }
            | Self::Answer { .. }
            | Self::HandOver { .. }
            | Self::Candidates { .. }
            | Self::BeginSignOn
            | Self::FinishSignOn { .. }
            | Self::SignOnWay
            | Self::SignIn { .. }
            | Self::Session { .. }
            | Self::SignOut { .. }
            | Self::SetPassword { .. }
            | Self::Challenge
            | Self::BeginEnrolment { .. }
            | Self::FinishEnrolment { .. }
            | Self::Push { .. }
            | Self::Rules
            | Self::Agents
            | Self::Reviewers
            | Self::Metrics
            | Self::Stop { .. }
            | Self::Read { .. }
            | Self::Watch { .. }
            | Self::Work { .. }
            | Self::SlackClick { .. }
            | Self::TeamsMessage { .. }
            | Self::Status => true,
            // The link for the very first person is made at the operator's socket: they are an operator, without a voucher.
            Self::Invite { by, .. } => by.is_some(),
            Self::PushTargets
            | Self::DropPush { .. }
            | Self::BrokenGlass
            | Self::ReviewBrokenGlass { .. }
            | Self::AddAgent { .. }
            | Self::PlaceAgent { .. }
            | Self::RemoveAgent { .. }
            | Self::RotateAgentKey { .. }
            | Self::Flags
            | Self::Flag { .. }
            | Self::Reload
            | Self::AddRule { .. }
            | Self::RemoveRule { .. }
            | Self::ExpireRule { .. }
            | Self::AddReviewer { .. }
            | Self::PlaceReviewer { .. }
            | Self::RemoveReviewer { .. }
            | Self::Spans { .. }
            | Self::Canary { .. }
            | Self::Notified { .. } => false,
        }
    }
}
