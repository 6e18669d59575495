//! Rules and flags for people's tools: what there is, what could be made, and changes.

use model::Digest;
use pdp::Role;
use protocol::{FlagView, OperatorReply, OperatorRequest, RuleView, Vouch};

use crate::agent_registry::{place_agent, remove_agent, rotate_agent_key};
use crate::change_authorization::{needs_proof, proved};
use crate::state::Daemon;
use crate::{flags, kill_switch, policy, runtime_rules};

/// Answers what is about rules, flags and places of agents.
#[expect(clippy::wildcard_enum_match_arm, reason = "the socket sends on what belongs here; all else is refused")]
pub(crate) fn answer(daemon: &Daemon, message: &OperatorRequest) -> Result<OperatorReply, String> {
    match message {
        OperatorRequest::Rules => rules(daemon),
        OperatorRequest::Reload => {
            let changed = policy::reload(daemon, record::PolicyReason::AskedFor)?;
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
                None if needs_proof(name, *on) => {
                    return Err("setting or clearing this flag needs a proof: add `--as NAME`".to_owned());
                }
                None => "a process at the operator's socket".to_owned(),
            };
            // Its name is read, so that it is the same flag as the page sets.
            if let (true, Some((agent, session))) = (*on, kill_switch::meant(name)) {
                return done(kill_switch::stop(daemon, agent.as_ref(), session.as_ref(), &who)?);
            }
            let word = if *on { "set" } else { "cleared" };
            let changed = flags::change(daemon, name, *on, &who)?;
            done(format!("flag `{name}` {} {word}", if changed { "is" } else { "was already" }))
        }
        OperatorRequest::PlaceAgent { name, place, by } => place_agent(daemon, message, name, place, by),
        OperatorRequest::RemoveAgent { name, by } => remove_agent(daemon, message, name, by.as_ref()),
        OperatorRequest::RotateAgentKey { name, by } => rotate_agent_key(daemon, message, name, by.as_ref()),
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
        mode: daemon.policy.mode().as_str().to_owned(),
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
