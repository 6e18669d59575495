//! Approvals similar to a request, for comparison: reviewers see small and large differences immediately.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Mutex;

use crate::state::lock;

/// So many texts of one agent are remembered, and so many agents; longer texts are not.
const MOST: usize = 50;
const MOST_AGENTS: usize = 1_000;
const LONGEST: usize = 400;

/// How alike two texts are at least, from 0 to 1, to be called near.
const NEAR: f64 = 0.6;

/// What part of the longer one may differ then: two of five.
const FARTHEST: usize = 2;
const FARTHEST_OF: usize = 5;

/// The last texts that were approved, by agent. They end with the daemon: this is for people's eyes, and decides nothing.
#[derive(Default)]
pub(crate) struct Nearest(Mutex<BTreeMap<String, VecDeque<String>>>);

impl Nearest {
    /// People approved this.
    pub(crate) fn approved(&self, agent: &str, asked: &str) {
        if asked.chars().count() > LONGEST {
            return;
        }
        let mut all = lock(&self.0);
        if all.len() >= MOST_AGENTS && !all.contains_key(agent) {
            return;
        }
        let own = all.entry(agent.to_owned()).or_default();
        own.retain(|it| it != asked);
        own.push_back(asked.to_owned());
        while own.len() > MOST {
            own.pop_front();
        }
    }

    /// The nearest to this.
    pub(crate) fn to(&self, agent: &str, asked: &str) -> Option<String> {
        let length = asked.chars().count();
        if length > LONGEST {
            return None;
        }
        // What differs in length by more than they may differ at all is not compared.
        let could_be = |it: &&String| {
            let other = it.chars().count();
            length.abs_diff(other).saturating_mul(FARTHEST_OF) <= length.max(other).saturating_mul(FARTHEST)
        };
        let all = lock(&self.0);
        let own = all.get(agent)?;
        let alike = |it: &String| strsim::normalized_levenshtein(it, asked);
        let best = own.iter().filter(could_be).map(|it| (alike(it), it)).max_by(|a, b| a.0.total_cmp(&b.0))?;
        (best.0 >= NEAR).then(|| best.1.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::Nearest;

    #[test]
    fn what_is_near_is_found_and_what_is_not_is_not_called_so() {
        let nearest = Nearest::default();
        nearest.approved("bot", "systemctl restart web-1");
        nearest.approved("bot", "rm -r ./build");
        nearest.approved("other", "systemctl restart web-2");
        assert_eq!(nearest.to("bot", "systemctl restart web-2").as_deref(), Some("systemctl restart web-1"));
        assert_eq!(nearest.to("bot", "curl https://example.com"), None);
        assert_eq!(nearest.to("nobody", "rm -r ./build"), None);
        assert_eq!(nearest.to("bot", &"x".repeat(1_000)), None);
    }
}
