//! Rules that are made while the daemon runs: of an approval, or by hand. Each is tried, needs a person, and has an end.

use approval::ApprovalRequest;
use host::clock;
use model::{HoldId, Level, ReviewerName};
use pdp::{Policy, Role, RuleVerdict, Sources, derive, risk_of};
use protocol::{CandidateView, OperatorReply, OperatorRequest, Proof, RuleWish, Vouch};
use record::{Change, PolicyReason};
use state_sqlite::RuleRow;

use crate::change_authorization::proved;
use crate::delegation;
use crate::policy;
use crate::state::Daemon;

/// The longest rule, reason or name that is taken, in bytes.
const MAX_TEXT_BYTES: usize = 64 * 1024;

/// Makes a rule of an approval that just counted.
pub(crate) fn make_of(
    daemon: &Daemon,
    wish: RuleWish,
    question: &ApprovalRequest,
    reviewer: &ReviewerName,
    proof: &Proof,
) -> Result<String, String> {
    let RuleWish { text, reason, by } = wish;
    let request = Some(question.request.to_string());
    let who = match (proof, by) {
        (Proof::Session(_) | Proof::Account { .. }, _) => return Err("a rule takes a code or a signature".to_owned()),
        // The code came in the same message as the rule; the passkey signed the rule, too.
        (Proof::Totp(_) | Proof::Passkey(_), _) => reviewer.clone(),
        (Proof::Ssh(_), None) => return Err("the rule is not signed".to_owned()),
        (Proof::Ssh(_), Some(by)) => {
            let (text, reason, request) = (text.clone(), reason.clone(), request.clone());
            let copy = Vouch { reviewer: by.reviewer.clone(), proof: Proof::Totp(String::new()) };
            proved(daemon, &OperatorRequest::AddRule { text, request, reason, by: copy }, &by, Role::Senior)?
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
    let rule = alone(text)?;
    match rule.verdict {
        RuleVerdict::Allow => may_be_made(&rule)?,
        RuleVerdict::Ask | RuleVerdict::Deny | RuleVerdict::Block => {}
    }
    if matches!(rule.verdict, RuleVerdict::Allow | RuleVerdict::Ask) && rule.priority() > 0 {
        return Err("a rule with a priority above 0 could precede a rule that denies; it must be in a file of the policy, where it is reviewed".to_owned());
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

/// What a person does with a rule.
#[derive(Clone, Copy)]
enum Does {
    Makes,
    Ends,
}

/// People who answer for an agent cannot extend its rights, as their approvals do not count for it: they make no rule that
/// allows or asks (which may ask fewer people than no rule would), and end none that restricts.
fn check_owner(daemon: &Daemon, text: &str, does: Does, who: &ReviewerName) -> Result<(), String> {
    let rule = concerning(text)?;
    let loosens = match (does, rule.verdict) {
        (_, RuleVerdict::Ask) | (Does::Makes, RuleVerdict::Allow) => true,
        (Does::Ends, verdict) => verdict != RuleVerdict::Allow,
        (Does::Makes, RuleVerdict::Deny | RuleVerdict::Block) => false,
    };
    if !loosens {
        return Ok(());
    }
    let agents = daemon.store.agents().map_err(|why| why.to_string())?;
    // What restricts an agent restricts those under it, so a rule about one above is about theirs, too.
    let gains = |agent: &state_sqlite::AgentRow| match delegation::of(daemon, agent) {
        Ok((above, _)) => {
            (agent.owner == *who || above.iter().any(|it| it.owner == *who))
                && (rule.may_concern(agent.name.as_str()) || above.iter().any(|it| rule.may_concern(it.agent.as_str())))
        }
        // If the chain above is unknown, it could be any person.
        Err(_) => true,
    };
    match agents.iter().find(|agent| gains(agent)) {
        Some(agent) => Err(format!(
            "`{who}` answers for the agent `{}`, so another person must make or end rules that let it do more; or name other agents in `when`",
            agent.name
        )),
        None => Ok(()),
    }
}

/// A rule by itself, tried on its examples.
fn alone(text: &str) -> Result<pdp::Rule, String> {
    read(text, true)
}

/// A rule that was made, by itself. It may not do any more what its examples say; it can be ended all the same.
fn concerning(text: &str) -> Result<pdp::Rule, String> {
    read(text, false)
}

fn read(text: &str, try_it: bool) -> Result<pdp::Rule, String> {
    let mut sources = Sources::default().opened_by(policy::openings);
    sources.push_made("the rule".to_owned(), text.to_owned(), try_it);
    let policy =
        host::stack::on_large_stack(|| Policy::load(&sources, &understand::read_blind)).map_err(str::to_owned)?;
    let policy = policy.map_err(|problems| problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))?;
    if policy.settings() != &pdp::Settings::default() {
        return Err("settings are made in files of the policy, not with a rule".to_owned());
    }
    match policy.rules() {
        [rule] => Ok(rule.clone()),
        _ => Err("a rule is added alone: one `[[rule]]`".to_owned()),
    }
}

/// Makes a rule. The order: tried with all others, recorded, stored, in force.
pub(crate) fn make(
    daemon: &Daemon,
    text: &str,
    request: Option<String>,
    reason: &str,
    who: &ReviewerName,
) -> Result<String, String> {
    check_owner(daemon, text, Does::Makes, who)?;
    let row = row(check(daemon, text, reason)?, text, request, reason, who.as_str());
    let _receipt = daemon.record(Change::RuleMade {
        rule: row.id.clone(),
        text: text.to_owned(),
        reason: reason.to_owned(),
        by: who.to_string(),
        request_digest: row.request.clone(),
    })?;
    daemon.store.add_rule(&row).map_err(|why| why.to_string())?;
    policy::rebuild(daemon, PolicyReason::RuleMade)?;
    Ok(format!("rule `{}` is in force", row.id))
}

/// A rule that was made and still applies.
pub(crate) fn applying(daemon: &Daemon, id: &str) -> Result<RuleRow, String> {
    let rules = daemon.store.rules().map_err(|why| why.to_string())?;
    let row = rules.into_iter().find(|row| row.id == *id && row.removed_ms.is_none());
    row.ok_or_else(|| format!("no rule `{id}` that was made applies; rules of files are changed in their files"))
}

/// Ends a rule. The order: recorded, stored, out of force.
pub(crate) fn remove(daemon: &Daemon, row: &RuleRow, who: &ReviewerName) -> Result<(), String> {
    check_owner(daemon, &row.text, Does::Ends, who)?;
    let _receipt = daemon.record(Change::RuleRemoved { rule: row.id.clone(), by: who.to_string() })?;
    daemon.store.remove_rule(&row.id, who.as_str(), clock::now_ms()).map_err(|why| why.to_string())?;
    policy::rebuild(daemon, PolicyReason::RuleRemoved).map(drop)
}

/// What a rule that allows needs, to be made without a file that others review.
fn may_be_made(rule: &pdp::Rule) -> Result<(), String> {
    if rule.expires_ms.is_none() {
        return Err("a rule that allows has an end: `expires = 2027-01-31T00:00:00Z`".to_owned());
    }
    if rule.accepts_partial() {
        return Err(
            "a rule that accepts partial coverage must be in a file of the policy, where it is reviewed".to_owned()
        );
    }
    let risky = rule.matches.iter().find(|text| risk_of(&understand::read_blind(text)).level() >= Level::High);
    match risky {
        Some(text) => Err(format!(
            "`{text}` is of high risk; such a rule is written in a file of the policy, where it is reviewed"
        )),
        None => Ok(()),
    }
}

/// Shortens a rule: it is made again under the next name with the new end, and the old one is removed. The
/// new one is in force first; a crash between the two leaves both, of which the record tells.
pub(crate) fn expire(
    daemon: &Daemon,
    message: &OperatorRequest,
    id: &str,
    end: &str,
    by: &Vouch,
) -> Result<String, String> {
    let row = applying(daemon, id)?;
    let before = concerning(&row.text)?.expires_ms.unwrap_or(u64::MAX);
    // It becomes part of the rule's text: nothing but a time may stand there.
    let time: Option<toml::value::Datetime> = end.parse().ok();
    if time.is_none_or(|it| it.date.is_none() || it.offset.is_none()) {
        return Err(format!("`{end}` is no end: say it as 2027-01-31T00:00:00Z"));
    }
    let text = ending(&row.text, &next_name(id), end);
    let after = alone(&text)?.expires_ms.ok_or("the rule has no end")?;
    if after >= before {
        return Err("a rule can only end earlier; to extend it, make it again".to_owned());
    }
    let who = proved(daemon, message, by, Role::Operator)?;
    check_owner(daemon, &row.text, Does::Ends, &who)?;
    let said = make(daemon, &text, row.request.clone(), &format!("the end of `{id}` brought forward"), &who)?;
    remove(daemon, &row, &who)?;
    Ok(format!("{said} until {end}, in place of `{id}`"))
}

/// A rule's text under another name and with another end.
fn ending(text: &str, id: &str, end: &str) -> String {
    let is = |line: &str, key: &str| {
        line.trim_start().strip_prefix(key).is_some_and(|rest| rest.trim_start().starts_with('='))
    };
    let mut lines = Vec::new();
    for line in text.lines().filter(|line| !is(line, "expires")) {
        if is(line, "id") {
            lines.push(format!("id = \"{id}\"\nexpires = {end}"));
        } else {
            lines.push(line.to_owned());
        }
    }
    lines.join("\n")
}

/// `a` is followed by `a.2`, that by `a.3`.
fn next_name(id: &str) -> String {
    match id.rsplit_once('.').and_then(|(head, number)| Some((head, number.parse::<u32>().ok()?))) {
        Some((head, number)) => format!("{head}.{}", number.saturating_add(1)),
        None => format!("{id}.2"),
    }
}

/// What was approved was approved for this agent, in this directory.
fn bound_to((agent, cwd): &(String, Option<String>)) -> Result<String, String> {
    let cwd = cwd.as_deref().ok_or("no rule is made of this: its directory is not known")?;
    if cwd.contains(['*', '?', '\n', '"', '\\']) {
        return Err("no rule is made of this: its directory has a name that a pattern would take otherwise".to_owned());
    }
    Ok(format!("when = {{ agent = \"{agent}\", cwd = \"{cwd}\" }}\n"))
}

pub(crate) fn candidates(daemon: &Daemon, hold: &str) -> Result<OperatorReply, String> {
    let id = HoldId::parse(hold).map_err(|why| why.to_string())?;
    let intent = daemon.holds.intent(&id).ok_or("there is no such open hold; it was decided, or its time is over")?;
    let found = host::stack::on_large_stack(|| derive(&intent, &understand::read_blind)).map_err(str::to_owned)?;
    let place = daemon.holds.place(&id).ok_or("the hold was decided just now")?;
    let when = match bound_to(&place) {
        Ok(when) => when,
        Err(why) => return Ok(OperatorReply::Candidates { candidates: Vec::new(), none: Some(why) }),
    };
    let view = |it: pdp::Candidate| CandidateView {
        what: it.what,
        text: format!("{when}{}", it.text),
        releases: it.releases,
        refuses: it.refuses,
    };
    Ok(match found {
        Ok(found) => OperatorReply::Candidates { candidates: found.into_iter().map(view).collect(), none: None },
        Err(why) => OperatorReply::Candidates { candidates: Vec::new(), none: Some(why) },
    })
}
