//! Agents: who may ask, where they belong, and how far they are trusted.

use model::{AgentName, ReviewerName};
use pdp::Role;
use protocol::{AgentAttributes, OperatorReply, OperatorRequest, Vouch};

use crate::change_authorization::proved;
use crate::delegation;
use crate::state::Daemon;

/// Adds an agent. One that a rule lets do more than others (by its name, group, environment or trust) takes a person's
/// proof: a process at the socket could be an agent that makes itself another.
pub(crate) fn add_agent(daemon: &Daemon, message: &OperatorRequest) -> Result<OperatorReply, String> {
    let OperatorRequest::AddAgent { name, owner, under, uid, place, by } = message else {
        return Err("this adds no agent".to_owned());
    };
    check_place(place)?;
    let name = AgentName::parse(name).map_err(|why| why.to_string())?;
    let owner = ReviewerName::parse(owner).map_err(|why| why.to_string())?;
    if *uid == Some(host::files::my_uid()) || *uid == Some(0) {
        return Err("an agent cannot be bound to our own user or to root: it could read our state".to_owned());
    }
    let above = above(daemon, &name, under.as_deref(), place.trust)?;
    let named = daemon.policy.current().rules().iter().any(|rule| {
        rule.favours(name.as_str(), owner.as_str())
            || above.iter().any(|it| rule.asks_below(it.agent.as_str(), it.owner.as_str()))
    });
    let placed = place.env.is_some() || !place.groups.is_empty() || place.trust > 1;
    match by {
        Some(by) => {
            let who = proved(daemon, message, by, Role::Operator)?;
            if who == owner || above.iter().any(|it| it.owner == who) {
                return Err("people who answer for an agent cannot decide how far it is trusted".to_owned());
            }
        }
        None if named || placed => {
            return Err(format!(
                "{}, so a reviewer has to say so: add `--as NAME`",
                if named {
                    "a rule lets agents of this name or owner do more than others, or asks others about those under this agent"
                } else {
                    "it would have an environment, groups or trust"
                }
            ));
        }
        None => {}
    }
    let AgentAttributes { env, groups, trust } = place.clone();
    let under = above.first().map(|it| it.agent.clone());
    let place = crate::state::NewAgent { name, owner, under, uid: *uid, env, groups, trust };
    Ok(OperatorReply::Agent { key: daemon.add_agent(place)? })
}

/// Removes an agent: its key, everything that it waits for, and everything that runs on its orders. It takes a proof where adding it
/// would: an agent that reaches the socket must not take away another one that rules favour.
pub(crate) fn remove_agent(
    daemon: &Daemon,
    message: &OperatorRequest,
    name: &str,
    by: Option<&Vouch>,
) -> Result<OperatorReply, String> {
    let (row, who) = authorized(daemon, message, name, by, "remove it")?;
    let name = row.name.clone();
    // Those who act on its orders, too: their chain is broken from here on.
    let is_meant = |of: &str, _: &str| delegation::is_of(daemon, of, &name);
    daemon.remove_agent(&row, &who)?;
    let (held, cut) = (daemon.holds.lose(&is_meant), daemon.recordings.cut(&is_meant));
    let ended = daemon.acts.stop(&is_meant);
    Ok(OperatorReply::Done {
        what: format!(
            "agent `{name}` is removed and its key is none any more; {held} holds and {ended} acts ended, {cut} of them recorded. \
         Agents under it are refused until they are removed and added again"
        ),
    })
}

/// Gives an agent another key. What the old key asked for ends, as after a removal; agents under it keep their own keys and go on.
pub(crate) fn rotate_agent_key(
    daemon: &Daemon,
    message: &OperatorRequest,
    name: &str,
    by: Option<&Vouch>,
) -> Result<OperatorReply, String> {
    let (row, who) = authorized(daemon, message, name, by, "rotate its key")?;
    let name = row.name.clone();
    let is_meant = |of: &str, _: &str| of == name.as_str();
    let key = daemon.rotate_agent_key(row, &who)?;
    daemon.holds.lose(&is_meant);
    daemon.recordings.cut(&is_meant);
    daemon.acts.stop(&is_meant);
    Ok(OperatorReply::Agent { key })
}

/// The agent that is to be removed or to get another key, and who says so. It takes a proof where adding it would.
fn authorized(
    daemon: &Daemon,
    message: &OperatorRequest,
    name: &str,
    by: Option<&Vouch>,
    what: &str,
) -> Result<(state_sqlite::AgentRow, String), String> {
    let name = AgentName::parse(name).map_err(|why| why.to_string())?;
    let row = daemon.agent_named(name.as_str()).ok_or_else(|| format!("there is no agent `{name}`"))?;
    let favoured = daemon.policy.current().rules().iter().any(|rule| rule.favours(name.as_str(), row.owner.as_str()));
    let placed = row.env.is_some() || !row.groups.is_empty() || row.trust > 1;
    match by {
        Some(by) => Ok((row, proved(daemon, message, by, Role::Operator)?.to_string())),
        None if favoured || placed => {
            Err(format!("it took a person's proof to add this agent, so it takes one to {what}: add `--as NAME`"))
        }
        None => Ok((row, "a process at the operator's socket".to_owned())),
    }
}

/// The agents above one that is to act on the orders of another. It is trusted no further than any of them.
fn above(daemon: &Daemon, name: &AgentName, under: Option<&str>, trust: u8) -> Result<Vec<model::Delegator>, String> {
    let Some(under) = under else { return Ok(Vec::new()) };
    let row = daemon.agent_named(under).ok_or_else(|| format!("there is no agent `{under}`"))?;
    let (mut chain, most) = delegation::of(daemon, &row)?;
    if chain.len() >= delegation::MAX_CHAIN {
        return Err(format!("{} agents are above `{under}` already", chain.len()));
    }
    if trust > most {
        return Err(format!("`{name}` would be trusted more ({trust}) than its delegators ({most})"));
    }
    chain.insert(0, model::Delegator { agent: row.name, owner: row.owner });
    Ok(chain)
}

pub(crate) fn place_agent(
    daemon: &Daemon,
    message: &OperatorRequest,
    name: &str,
    place: &AgentAttributes,
    by: &Vouch,
) -> Result<OperatorReply, String> {
    let name = AgentName::parse(name).map_err(|why| why.to_string())?;
    let row = daemon.agent_named(name.as_str()).ok_or_else(|| format!("there is no agent `{name}`"))?;
    check_place(place)?;
    let who = proved(daemon, message, by, Role::Operator)?;
    let above = above(daemon, &name, row.under.as_ref().map(AgentName::as_str), place.trust)?;
    if who == row.owner || above.iter().any(|it| it.owner == who) {
        return Err("people who answer for an agent cannot decide how far it is trusted".to_owned());
    }
    let row =
        state_sqlite::AgentRow { env: place.env.clone(), groups: place.groups.clone(), trust: place.trust, ..row };
    daemon.place_agent(row, who.as_str())?;
    Ok(OperatorReply::Done { what: format!("agent `{name}`: {}", place_line(place)) })
}

/// Refuses names that make no sense.
pub(crate) fn check_place(place: &AgentAttributes) -> Result<(), String> {
    let plain = |text: &String| {
        !text.is_empty()
            && text.len() <= 64
            && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
    };
    if place.trust > 4 {
        return Err("trust is between 0 and 4".to_owned());
    }
    match place.groups.iter().chain(&place.env).find(|text| !plain(text)) {
        Some(text) => Err(format!("`{text}` is no name for a group or environment: letters, digits, `-`, `_` and `.`")),
        None => Ok(()),
    }
}

fn place_line(place: &AgentAttributes) -> String {
    let env = place.env.as_deref().unwrap_or("none");
    let groups = if place.groups.is_empty() { "none".to_owned() } else { place.groups.join(", ") };
    format!("environment {env}, groups {groups}, trust {}", place.trust)
}
