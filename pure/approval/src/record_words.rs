//! What the record calls votes and states of holds.

use crate::hold::{HoldState, Vote};

impl From<Vote> for record::Vote {
    fn from(said: Vote) -> Self {
        match said {
            Vote::Approve => Self::Approve,
            Vote::Deny => Self::Deny,
            Vote::BreakGlass => Self::BreakGlass,
        }
    }
}

impl From<HoldState> for record::AnswerState {
    fn from(state: HoldState) -> Self {
        match state {
            HoldState::Open => Self::Open,
            HoldState::Approved => Self::Approved,
            HoldState::Denied => Self::Denied,
            HoldState::Expired => Self::Expired,
            HoldState::Lost => Self::Lost,
        }
    }
}
