//! Rules and flags for people's tools: what there is, what could be made, and changes with a person's proof.

use approval::{Question, Said};
use audit::RecordKind;
use host::clock;
use model::{AgentName, Digest, HoldId, Level, PersonName, RequestDigest};
use pdp::{Assurance, Policy, RuleVerdict, Sources, derive, risk_of};
use serde_json::json;
use store::RuleRow;
use wire::{
    AgentPlace, CandidateView, FlagView, OperatorHears, OperatorSays, Proof, RuleView, RuleWish, Vouch, change_text,
};

use crate::daemon::Daemon;
use crate::operators::{change_question, prove};
use crate::{flags, policy};

/// The longest rule, reason or name that is taken, in bytes.
const MAX_TEXT_BYTES: usize = 64 * 1024;

/// Answers what is about rules, flags and places of agents.
pub(crate) fn answer(daemon: &Daemon, message: &OperatorSays) -> Result<OperatorHears, String> {
    match message {
        OperatorSays::Rules => rules(daemon),
        OperatorSays::Reload => {
            let changed = policy::reload(daemon, "asked for")?;
            let digest = daemon.policy.current().digest();
            done(if changed {
                format!("policy {digest} is in force")
            } else {
                format!("nothing changed; policy {digest}")
            })
        }
        OperatorSays::Flags => {
            let flags = daemon.store.flags().map_err(|why| why.to_string())?;
            let view = |(name, set_by, set_ms)| FlagView { name, set_by, set_ms };
            Ok(OperatorHears::Flags { flags: flags.into_iter().map(view).collect() })
        }
        OperatorSays::Flag { name, on, by } => {
            let who = match by {
                Some(by) => proved(daemon, message, by)?.to_string(),
                None if flags::needs_proof(name, *on) => {
                    return Err("this flag is set or cleared with a person's proof: add `--as NAME`".to_owned());
                }
                None => "somebody at the operator's socket".to_owned(),
            };
            let word = if *on { "set" } else { "cleared" };
            let changed = flags::change(daemon, name, *on, &who)?;
            done(format!("flag `{name}` {} {word}", if changed { "is" } else { "was already" }))
        }
        OperatorSays::PlaceAgent { name, place, by } => place_agent(daemon, message, name, place, by),
        OperatorSays::AddRule { text, request, reason, by } => {
            add(daemon, message, text, request.as_deref(), reason, by)
        }
        OperatorSays::RemoveRule { id, by } => {
            let made = daemon.store.rules().map_err(|why| why.to_string())?;
            if !made.iter().any(|row| row.id == *id && row.removed_ms.is_none()) {
                return Err(format!("no rule `{id}` that was made applies; rules of files are changed in their files"));
            }
            let who = proved(daemon, message, by)?;
            let body = json!({"what": "rule removed", "rule": id, "by": who.as_str()});
            let _receipt = daemon.record(RecordKind::Change, body)?;
            let at = clock::now_ms();
            daemon.store.remove_rule(id, who.as_str(), at).map_err(|why| why.to_string())?;
            policy::reload(daemon, "a rule was removed")?;
            done(format!("rule `{id}` does not apply any more"))
        }
        OperatorSays::Candidates { hold } => candidates(daemon, hold),
        OperatorSays::Holds { .. }
        | OperatorSays::Answer { .. }
        | OperatorSays::AddAgent { .. }
        | OperatorSays::Agents
        | OperatorSays::AddReviewer { .. }
        | OperatorSays::Reviewers
        | OperatorSays::Status => Err("this is not about rules".to_owned()),
    }
}

fn done(what: String) -> Result<OperatorHears, String> {
    Ok(OperatorHears::Done { what })
}

/// The person whose proof covers a change.
fn proved(daemon: &Daemon, message: &OperatorSays, by: &Vouch) -> Result<PersonName, String> {
    let text = change_text(message).ok_or("this takes no proof")?;
    let request = RequestDigest::carried(Digest::within("countersign/change/v1", text.as_bytes()));
    Ok(prove(daemon, by, &change_question(request)?, Said::Yes, clock::now_ms())?.0)
}

fn place_agent(
    daemon: &Daemon,
    message: &OperatorSays,
    name: &str,
    place: &AgentPlace,
    by: &Vouch,
) -> Result<OperatorHears, String> {
    let name = AgentName::parse(name).map_err(|why| why.to_string())?;
    let row = daemon.agent_named(name.as_str()).ok_or_else(|| format!("there is no agent `{name}`"))?;
    check_place(place)?;
    let who = proved(daemon, message, by)?;
    if who == row.owner {
        return Err("whoever answers for an agent does not decide how far it is trusted".to_owned());
    }
    let row = store::AgentRow { env: place.env.clone(), groups: place.groups.clone(), trust: place.trust, ..row };
    daemon.place_agent(row, who.as_str())?;
    done(format!("agent `{name}`: {}", place_line(place)))
}

/// Refuses names that make no sense.
pub(crate) fn check_place(place: &AgentPlace) -> Result<(), String> {
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

fn place_line(place: &AgentPlace) -> String {
    let env = place.env.as_deref().unwrap_or("none");
    let groups = if place.groups.is_empty() { "none".to_owned() } else { place.groups.join(", ") };
    format!("environment {env}, groups {groups}, trust {}", place.trust)
}

fn rules(daemon: &Daemon) -> Result<OperatorHears, String> {
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
    Ok(OperatorHears::Rules {
        rules: views,
        policy: current.digest().to_string(),
        mode: daemon.policy.mode().to_owned(),
        refused: daemon.policy.refused(),
    })
}

fn add(
    daemon: &Daemon,
    message: &OperatorSays,
    text: &str,
    request: Option<&str>,
    reason: &str,
    by: &Vouch,
) -> Result<OperatorHears, String> {
    let request = request.map(Digest::parse).transpose().map_err(|why| why.to_string())?;
    check(daemon, text, reason)?;
    let who = proved(daemon, message, by)?;
    done(make(daemon, text, request.map(|it| it.to_string()), reason, &who)?)
}

/// Makes a rule of an approval that just counted.
pub(crate) fn make_of(
    daemon: &Daemon,
    wish: RuleWish,
    question: &Question,
    reviewer: &PersonName,
    assurance: Assurance,
) -> Result<String, String> {
    let RuleWish { text, reason, by } = wish;
    let request = Some(question.request.to_string());
    let who = match (assurance, by) {
        // The code came in the same message as the rule.
        (Assurance::Totp, _) => reviewer.clone(),
        (Assurance::Signature, None) => return Err("the rule is not signed".to_owned()),
        (Assurance::Signature, Some(by)) => {
            let (text, reason, request) = (text.clone(), reason.clone(), request.clone());
            let copy = Vouch { reviewer: by.reviewer.clone(), proof: Proof::Totp(String::new()) };
            proved(daemon, &OperatorSays::AddRule { text, request, reason, by: copy }, &by)?
        }
    };
    make(daemon, &text, request, &reason, &who)
}

/// Tries a rule alone: whether it may be made at all. Gives its id.
pub(crate) fn check(daemon: &Daemon, text: &str, reason: &str) -> Result<String, String> {
    if reason.trim().is_empty() {
        return Err("a rule needs a reason: `--reason TEXT`".to_owned());
    }
    if text.len() > MAX_TEXT_BYTES || reason.len() > MAX_TEXT_BYTES {
        return Err(format!("a rule or reason has at most {MAX_TEXT_BYTES} bytes"));
    }
    let sources = Sources::files(vec![("the rule".to_owned(), text.to_owned())]);
    let alone =
        host::stack::on_large_stack(|| Policy::load(&sources, &understand::read_blind)).map_err(str::to_owned)?;
    let alone = alone.map_err(|problems| problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))?;
    let [rule] = alone.rules() else { return Err("a rule is added alone: one `[[rule]]`".to_owned()) };
    if alone.settings() != &pdp::Settings::default() {
        return Err("settings are made in files of the policy, not with a rule".to_owned());
    }
    if rule.verdict == RuleVerdict::Allow {
        may_be_made(rule)?;
    }
    policy::try_with(daemon, &row(rule.id.clone(), text, None, reason, "nobody"))?;
    Ok(rule.id.clone())
}

fn row(id: String, text: &str, request: Option<String>, reason: &str, author: &str) -> RuleRow {
    RuleRow {
        id,
        text: text.to_owned(),
        author: author.to_owned(),
        request,
        reason: reason.to_owned(),
        created_ms: clock::now_ms(),
        removed_ms: None,
        removed_by: None,
    }
}

/// Makes a rule. The order: tried with all others, recorded, stored, in force.
fn make(
    daemon: &Daemon,
    text: &str,
    request: Option<String>,
    reason: &str,
    who: &PersonName,
) -> Result<String, String> {
    let row = row(check(daemon, text, reason)?, text, request, reason, who.as_str());
    let body = json!({
        "what": "rule made", "rule": row.id, "text": text, "reason": reason, "by": who.as_str(), "request_digest": row.request,
    });
    let _receipt = daemon.record(RecordKind::Change, body)?;
    daemon.store.add_rule(&row).map_err(|why| why.to_string())?;
    policy::reload(daemon, "a rule was made")?;
    Ok(format!("rule `{}` is in force", row.id))
}

/// What a rule that allows needs, to be made without a file that others review.
fn may_be_made(rule: &pdp::Rule) -> Result<(), String> {
    if rule.expires_ms.is_none() {
        return Err("a rule that allows has an end: `expires = 2027-01-31T00:00:00Z`".to_owned());
    }
    if rule.accepts_partial() {
        return Err("a rule for what is not understood whole is written in a file of the policy, where it is reviewed"
            .to_owned());
    }
    let risky = rule.matches.iter().find(|text| risk_of(&understand::read_blind(text)).level() >= Level::High);
    match risky {
        Some(text) => Err(format!(
            "`{text}` is of high risk; such a rule is written in a file of the policy, where it is reviewed"
        )),
        None => Ok(()),
    }
}

fn candidates(daemon: &Daemon, hold: &str) -> Result<OperatorHears, String> {
    let id = HoldId::parse(hold).map_err(|why| why.to_string())?;
    let intent = daemon.holds.intent(&id).ok_or("there is no such open hold; it was decided, or its time is over")?;
    let found = host::stack::on_large_stack(|| derive(&intent, &understand::read_blind)).map_err(str::to_owned)?;
    let view =
        |it: pdp::Candidate| CandidateView { what: it.what, text: it.text, releases: it.releases, refuses: it.refuses };
    Ok(match found {
        Ok(found) => OperatorHears::Candidates { candidates: found.into_iter().map(view).collect(), none: None },
        Err(why) => OperatorHears::Candidates { candidates: Vec::new(), none: Some(why) },
    })
}
