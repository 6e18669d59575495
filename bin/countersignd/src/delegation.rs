//! Delegation: the chain of agents on whose orders an agent acts, up to one that acts for a person.

use model::{AgentName, Delegator};
use state_sqlite::AgentRow;

use crate::state::Daemon;

/// The longest chain.
pub(crate) const MAX_CHAIN: usize = 8;

/// The agents above one, the nearest first, and the least that any of the chain is trusted.
///
/// # Errors
/// One of them is missing, or there are too many: the accountable owner is then unknown.
pub(crate) fn of(daemon: &Daemon, agent: &AgentRow) -> Result<(Vec<Delegator>, u8), String> {
    let (mut chain, mut trust, mut next) = (Vec::new(), agent.trust, agent.under.clone());
    while let Some(name) = next {
        let row = daemon.agent_named(name.as_str());
        let row =
            row.ok_or_else(|| format!("`{}` acts on the orders of `{name}`, and there is no such agent", agent.name))?;
        if chain.len() >= MAX_CHAIN {
            return Err(format!("more than {MAX_CHAIN} agents are above `{}`", agent.name));
        }
        trust = trust.min(row.trust);
        next = row.under;
        chain.push(Delegator { agent: row.name, owner: row.owner });
    }
    Ok((chain, trust))
}

/// Whether an agent is another, or acts on its orders. One whose chain is not known is taken for one that does.
pub(crate) fn is_of(daemon: &Daemon, agent: &str, other: &AgentName) -> bool {
    if agent == other.as_str() {
        return true;
    }
    let row = daemon.agent_named(agent);
    row.is_some_and(|row| of(daemon, &row).map_or(true, |(chain, _)| chain.iter().any(|it| it.agent == *other)))
}
