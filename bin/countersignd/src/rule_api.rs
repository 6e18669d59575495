//! Rules and flags for people's tools: what there is, what could be made, and changes with a person's proof.

use approval::Vote;
use host::clock;
use model::{AgentName, Digest, RequestDigest, ReviewerName};
use pdp::Role;
use protocol::{AgentAttributes, FlagView, OperatorReply, OperatorRequest, Proof, RuleView, Vouch, change_text};

use crate::authentication::{Purpose, Words, prove};
use crate::delegation;
use crate::reviewers::{at_least, change_question};
use crate::state::Daemon;
use crate::{flags, policy, runtime_rules};

/// Answers what is about rules, flags and places of agents.
#[expect(clippy::wildcard_enum_match_arm, reason = "the socket sends on what belongs here; all else is refused")]
pub(crate) fn answer(daemon: &Daemon, message: &OperatorRequest) -> Result<OperatorReply, String> {
    match message {
        OperatorRequest::Rules => rules(daemon),
        OperatorRequest::Reload => {
            let changed = policy::reload(daemon, "asked for")?;
            let digest = daemon.policy.current().digest();
            done(if changed {
                format!("policy {digest} is in force")
            } else {
                format!("nothing changed; policy {digest}")
            })
        }
        OperatorRequest::Flags => {
            let flags = daemon.store.flags().map_err(|why| why.to_string())?;
            let view = |(name, set_by, set_ms)| FlagView { name, set_by, set_ms };
            Ok(OperatorReply::Flags { flags: flags.into_iter().map(view).collect() })
        }
        OperatorRequest::Flag { name, on, by } => {
            let who = match by {
                Some(by) => proved(daemon, message, by, Role::Senior)?.to_string(),
                None if flags::needs_proof(name, *on) => {
                    return Err("this flag is set or cleared with a person's proof: add `--as NAME`".to_owned());
                }
                None => "somebody at the operator's socket".to_owned(),
            };
            // Its name is read, so that it is the same flag as the page sets.
            if let (true, Some((agent, session))) = (*on, flags::meant(name)) {
                return done(flags::stop(daemon, agent.as_ref(), session.as_ref(), &who)?);
            }
            let word = if *on { "set" } else { "cleared" };
            let changed = flags::change(daemon, name, *on, &who)?;
            done(format!("flag `{name}` {} {word}", if changed { "is" } else { "was already" }))
        }
        OperatorRequest::PlaceAgent { name, place, by } => place_agent(daemon, message, name, place, by),
        OperatorRequest::RemoveAgent { name, by } => remove_agent(daemon, message, name, by.as_ref()),
        OperatorRequest::AddRule { text, request, reason, by } => {
            add(daemon, message, text, request.as_deref(), reason, by)
        }
        OperatorRequest::RemoveRule { id, by } => {
            let row = runtime_rules::applying(daemon, id)?;
            let who = proved(daemon, message, by, Role::Operator)?;
            runtime_rules::remove(daemon, &row, &who)?;
            done(format!("rule `{id}` does not apply any more"))
        }
        OperatorRequest::ExpireRule { id, end, by } => done(runtime_rules::expire(daemon, message, id, end, by)?),
        OperatorRequest::Candidates { hold } => runtime_rules::candidates(daemon, hold),
        _ => Err("this is not about rules".to_owned()),
    }
}

fn done(what: String) -> Result<OperatorReply, String> {
    Ok(OperatorReply::Done { what })
}

/// What a proof for a change covers.
pub(crate) fn question_of(message: &OperatorRequest) -> Result<approval::ApprovalRequest, String> {
    let text = change_text(message).ok_or("this takes no proof")?;
    change_question(RequestDigest::carried(Digest::within("countersign/change/v1", text.as_bytes())))
}

/// The person whose proof covers a change, and whose role lets them make it.
pub(crate) fn proved(
    daemon: &Daemon,
    message: &OperatorRequest,
    by: &Vouch,
    least: Role,
) -> Result<ReviewerName, String> {
    // Whoever runs the web gate has people's sessions: none of them changes anything.
    if matches!(by.proof, Proof::Session(_)) {
        return Err("a change takes a code or a signature".to_owned());
    }
    let question = question_of(message)?;
    let words = Words::Change(change_text(message).unwrap_or_default());
    let purpose = Purpose { question: &question, said: Vote::Approve, words };
    let (who, _, _) = prove(daemon, by, &purpose, clock::now_ms())?;
    at_least(daemon, &who, least)?;
    Ok(who)
}

/// Adds an agent. One that a rule lets do more than others (by its name, group, environment or trust) takes a person's
/// proof: whoever reaches the socket could be an agent that makes itself another.
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
                return Err("whoever answers for an agent does not decide how far it is trusted".to_owned());
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
fn remove_agent(
    daemon: &Daemon,
    message: &OperatorRequest,
    name: &str,
    by: Option<&Vouch>,
) -> Result<OperatorReply, String> {
    let name = AgentName::parse(name).map_err(|why| why.to_string())?;
    let row = daemon.agent_named(name.as_str()).ok_or_else(|| format!("there is no agent `{name}`"))?;
    let favoured = daemon.policy.current().rules().iter().any(|rule| rule.favours(name.as_str(), row.owner.as_str()));
    let placed = row.env.is_some() || !row.groups.is_empty() || row.trust > 1;
    let who = match by {
        Some(by) => proved(daemon, message, by, Role::Operator)?.to_string(),
        None if favoured || placed => {
            return Err(
                "it took a person's proof to add this agent, so it takes one to remove it: add `--as NAME`".to_owned()
            );
        }
        None => "somebody at the operator's socket".to_owned(),
    };
    // Those who act on its orders, too: their chain is broken from here on.
    let is_meant = |of: &str, _: &str| delegation::is_of(daemon, of, &name);
    daemon.remove_agent(&row, &who)?;
    let (held, cut) = (daemon.holds.lose(&is_meant), daemon.recordings.cut(&is_meant));
    let ended = daemon.acts.stop(&is_meant);
    done(format!(
        "agent `{name}` is removed and its key is none any more; {held} holds and {ended} acts ended, {cut} of them recorded. \
         Agents under it are refused until they are removed and added again"
    ))
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
        return Err(format!("`{name}` would be trusted further ({trust}) than those on whose orders it acts ({most})"));
    }
    chain.insert(0, model::Delegator { agent: row.name, owner: row.owner });
    Ok(chain)
}

fn place_agent(
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
        return Err("whoever answers for an agent does not decide how far it is trusted".to_owned());
    }
    let row =
        state_sqlite::AgentRow { env: place.env.clone(), groups: place.groups.clone(), trust: place.trust, ..row };
    daemon.place_agent(row, who.as_str())?;
    done(format!("agent `{name}`: {}", place_line(place)))
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

fn rules(daemon: &Daemon) -> Result<OperatorReply, String> {
    let made = daemon.store.rules().map_err(|why| why.to_string())?;
    let current = daemon.policy.current();
    let mut views: Vec<RuleView> = current
        .rules()
        .iter()
        .map(|rule| {
            let row = made.iter().find(|row| row.id == rule.id);
            RuleView {
                id: rule.id.clone(),
                verdict: rule.verdict.as_str().to_owned(),
                place: format!("{}:{}", rule.place.0, rule.place.1),
                reason: rule.reason.clone(),
                expires_ms: rule.expires_ms,
                author: row.map(|row| row.author.clone()),
                created_ms: row.map(|row| row.created_ms),
                request: row.and_then(|row| row.request.clone()),
                text: row.map(|row| row.text.clone()),
                removed: None,
            }
        })
        .collect();
    for row in made {
        let Some(removed_ms) = row.removed_ms else { continue };
        views.push(RuleView {
            id: row.id,
            verdict: "removed".to_owned(),
            place: "made of an approval".to_owned(),
            reason: Some(row.reason),
            expires_ms: None,
            author: Some(row.author),
            created_ms: Some(row.created_ms),
            request: row.request,
            text: Some(row.text),
            removed: Some((removed_ms, row.removed_by.unwrap_or_default())),
        });
    }
    Ok(OperatorReply::Rules {
        rules: views,
        policy: current.digest().to_string(),
        mode: daemon.policy.mode().to_owned(),
        refused: daemon.policy.refused(),
    })
}

fn add(
    daemon: &Daemon,
    message: &OperatorRequest,
    text: &str,
    request: Option<&str>,
    reason: &str,
    by: &Vouch,
) -> Result<OperatorReply, String> {
    let request = request.map(Digest::parse).transpose().map_err(|why| why.to_string())?;
    runtime_rules::check(daemon, text, reason)?;
    let who = proved(daemon, message, by, Role::Operator)?;
    done(runtime_rules::make(daemon, text, request.map(|it| it.to_string()), reason, &who)?)
}
