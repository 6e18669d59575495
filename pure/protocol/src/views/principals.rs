//! Who acts for whom.

use serde::{Deserialize, Serialize};

use crate::views::HoldView;

/// An agent on whose orders another acts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DelegatorView {
    /// The agent.
    pub agent: String,
    /// Its owner.
    pub owner: String,
}

impl HoldView {
    /// Whether a person answers for the agent or for one above it: their approval does not count.
    pub fn answers_for(&self, person: &str) -> bool {
        self.owner == person || self.above.iter().any(|it| it.owner == person)
    }

    /// Who acts for whom: the person, the agents from the first to the one that asks, and its session. An owner who is another than the
    /// one before is in brackets.
    pub fn principals(&self) -> String {
        let own = (self.agent.as_str(), self.owner.as_str());
        let above = self.above.iter().rev().map(|it| (it.agent.as_str(), it.owner.as_str()));
        let (mut out, mut before) = (String::new(), None);
        for (agent, owner) in above.chain([own]) {
            match before {
                None => out.push_str(&format!("{owner} → {agent}")),
                Some(before) if before == owner => out.push_str(&format!(" → {agent}")),
                Some(_) => out.push_str(&format!(" → {agent} ({owner})")),
            }
            before = Some(owner);
        }
        format!("{out} → {}", self.session)
    }
}
