//! Answers to holds: to one, or to several identical ones; and holds that are handed over.

use std::collections::VecDeque;
use std::sync::Mutex;

use approval::{Answer, AnswerStatement, HoldState, Vote};
use host::clock;
use model::canon::canonical;
use model::{Digest, HoldId, ReviewerName};
use pdp::Role;
use protocol::{HandOver, HoldView, OperatorReply, OperatorRequest, RuleWish, Vouch};
use record::Change;
use serde_json::json;

use crate::authentication::{Purpose, Words, prove, prove_of};
use crate::holds::DenialNote;
use crate::state::{Daemon, lock};
use crate::{reviewers, runtime_rules, web_sessions};

/// The longest reason, question or note, in bytes.
const MAX_REASON_BYTES: usize = 2_048;

/// Maximum number of further holds that one proof answers.
const MAX_ALSO: usize = 99;

/// The most hand-overs of one hold.
const MAX_HANDED: usize = 8;

pub(crate) const GONE: &str = "there is no such open hold; it was decided, or its time is over";

/// An answer to one hold and, with the same proof, to others.
pub(crate) fn answer(daemon: &Daemon, message: OperatorRequest) -> Result<OperatorReply, String> {
    let OperatorRequest::Answer { hold, said, mut by, session, also, rule, reason } = message else {
        return Err("this is no answer".to_owned());
    };
    let own = match session.map(|token| web_sessions::kept(daemon, &token)).transpose() {
        Ok(own) => own,
        Err(why) => return Ok(OperatorReply::SignedOut { why }),
    };
    if let Some(own) = &own {
        let who = own.person.name.as_str();
        if !by.reviewer.is_empty() && by.reviewer != who {
            return Err("this session belongs to another person".to_owned());
        }
        by.reviewer = who.to_owned();
    }
    let asks = said == "ask";
    let words = reason.as_deref().map(str::trim).filter(|it| !it.is_empty());
    match said.as_str() {
        "approve" if reason.is_some() => {
            return Err("only a denial or a break-glass approval takes a reason".to_owned());
        }
        "break-glass" if words.is_none() => {
            return Err("break-glass approval needs a reason: add `--reason TEXT`".to_owned());
        }
        "ask" if words.is_none() => return Err("write what you want to know".to_owned()),
        _ => short(reason.as_deref())?,
    }
    let does = if asks { Some(Vote::Deny) } else { Vote::parse(&said) };
    let does = does.ok_or("an answer is `approve`, `deny`, `ask` or `break-glass`")?;
    let id = HoldId::parse(&hold).map_err(|why| why.to_string())?;
    let question = daemon.holds.question(&id).ok_or(GONE)?;
    let shown = daemon.holds.shown(&id).ok_or(GONE)?;
    let others = others(daemon, &shown, &also, does, &by)?;
    let signed = || {
        let signed = AnswerStatement {
            said: &said,
            hold: &hold,
            request: &question.request.to_string(),
            shown: &digest(&shown),
            policy: &shown.policy,
            rule: rule.as_ref().map(|wish| (wish.text.as_str(), wish.reason.as_str())),
            reason: reason.as_deref(),
            also: others.iter().map(|(_, it)| (it.id.as_str(), it.request.clone(), digest(it))).collect(),
        };
        signed.text()
    };
    let purpose = Purpose { question: &question, said: does, words: Words::Answer(&signed) };
    let at_ms = clock::now_ms();
    let proved = match own {
        Some(own) => prove_of(daemon, own, &by.proof, &purpose, at_ms),
        None => prove(daemon, &by, &purpose, at_ms),
    };
    let (reviewer, assurance, proof) = proved?;
    if let Some(wish) = &rule {
        if does != Vote::Approve {
            return Err("only an approval can make a rule".to_owned());
        }
        reviewers::at_least(daemon, &reviewer, Role::Senior)?;
        runtime_rules::check(daemon, &wish.text, &wish.reason)?;
    }
    let told = words.map(|words| DenialNote { text: daemon.redactor.text(words), asks });
    let answer = Answer { reviewer: reviewer.clone(), said: does, assurance, at_ms };
    let (state, agreed, needed) = daemon.holds.answer(daemon, &id, answer.clone(), proof.clone(), told.clone())?;
    // Only of a reviewer whose answer counts.
    if let (true, Some(told)) = (asks, &told) {
        daemon.questions.note(&shown, &format!("{reviewer}: {}", told.text));
    }
    // Each counts for itself: one that was decided meanwhile is left out, and named.
    let mut also = 0_usize;
    for (other, _) in &others {
        let counted = daemon.holds.answer(daemon, other, answer.clone(), proof.clone(), told.clone()).is_ok();
        also = also.saturating_add(usize::from(counted));
    }
    let made = rule.map(|wish| make_rule(daemon, wish, state, (agreed, needed), (&question, &reviewer, &by)));
    match made.transpose()? {
        Some(what) => Ok(OperatorReply::Done { what }),
        None => Ok(OperatorReply::Answered { state: state.as_str().to_owned(), agreed, needed, also }),
    }
}

fn make_rule(
    daemon: &Daemon,
    wish: RuleWish,
    state: HoldState,
    (agreed, needed): (usize, usize),
    (question, reviewer, by): (&approval::ApprovalRequest, &ReviewerName, &Vouch),
) -> Result<String, String> {
    match state {
        HoldState::Open => Ok(format!(
            "your approval counts, {agreed} of {needed}; no rule is made yet: the reviewer of the last approval asks for it"
        )),
        HoldState::Approved => {
            let made = runtime_rules::make_of(daemon, wish, question, reviewer, &by.proof);
            let what = made.map_err(|why| format!("approved, but no rule was made: {why}"))?;
            Ok(format!("approved; {what}"))
        }
        HoldState::Denied | HoldState::Expired | HoldState::Lost => Ok(state.as_str().to_owned()),
    }
}

/// The other holds that are meant. An approval covers only identical bytes that were shown with the same words; a denial may take
/// everything of the same agent with it.
fn others(
    daemon: &Daemon,
    first: &HoldView,
    also: &[String],
    does: Vote,
    by: &Vouch,
) -> Result<Vec<(HoldId, HoldView)>, String> {
    if also.len() > MAX_ALSO {
        return Err(format!("one answer is for {} holds at most", MAX_ALSO.saturating_add(1)));
    }
    if !also.is_empty() && (does == Vote::BreakGlass || matches!(by.proof, protocol::Proof::Ssh(_))) {
        return Err("several are answered with a code, a passkey or a session; an SSH key signs one".to_owned());
    }
    let mut others: Vec<(HoldId, HoldView)> = Vec::with_capacity(also.len());
    for other in also {
        let id = HoldId::parse(other).map_err(|why| why.to_string())?;
        if *other == first.id || others.iter().any(|(known, _)| *known == id) {
            return Err("a hold is named twice".to_owned());
        }
        let shown = daemon.holds.shown(&id).ok_or(GONE)?;
        // The act itself, by its digest, is in the group of what is the same.
        if !(first.is_same(&shown) || does == Vote::Deny && shown.agent == first.agent) {
            return Err(format!("`{other}` is not the same; answer it by itself"));
        }
        others.push((id, shown));
    }
    Ok(others)
}

fn digest(shown: &HoldView) -> String {
    Digest::of_bytes(&canonical(&shown.shown())).to_string()
}

pub(crate) fn short(text: Option<&str>) -> Result<(), String> {
    if text.is_some_and(|it| it.len() > MAX_REASON_BYTES) {
        return Err(format!("a reason, question or note has at most {MAX_REASON_BYTES} bytes"));
    }
    Ok(())
}

/// Hands a hold to another reviewer. All others may still answer.
pub(crate) fn hand_over(
    daemon: &Daemon,
    token: &str,
    hold: &str,
    to: &str,
    note: Option<String>,
) -> Result<OperatorReply, String> {
    let by = match web_sessions::kept(daemon, token) {
        Ok(row) => row.person.name,
        Err(why) => return Ok(OperatorReply::SignedOut { why }),
    };
    short(note.as_deref())?;
    let id = HoldId::parse(hold).map_err(|why| why.to_string())?;
    let question = daemon.holds.question(&id).ok_or(GONE)?;
    let to = ReviewerName::parse(to).map_err(|why| why.to_string())?;
    reviewers::at_least(daemon, &by, Role::Reviewer)?;
    let row = daemon.store.reviewer(&to).map_err(|why| why.to_string())?;
    if to == by || question.answers_for(&to) || !row.is_some_and(|row| row.person.role.answers()) {
        return Err(format!(
            "`{to}` cannot answer this: choose a reviewer who owns neither the agent nor one above it"
        ));
    }
    let note = note.map(|it| daemon.redactor.text(it.trim())).filter(|it| !it.is_empty());
    let change = Change::HandedOver {
        hold: id.to_string(),
        request_digest: question.request.to_string(),
        reviewer: by.to_string(),
        to: to.to_string(),
        why: note.clone(),
    };
    let handed = HandOver { by: by.to_string(), to: to.to_string(), note };
    daemon.holds.hand_over(&id, handed, MAX_HANDED, || daemon.record(change).map(drop))?;
    Ok(OperatorReply::Done { what: format!("handed over to {to}") })
}

/// What reviewers asked agents, by what it was about: shown with the next request for the same. They end with the daemon.
#[derive(Default)]
pub(crate) struct Questions(Mutex<VecDeque<(String, String)>>);

/// The most that are remembered.
const MOST_QUESTIONS: usize = 512;

impl Questions {
    pub(crate) fn note(&self, hold: &HoldView, question: &str) {
        let mut all = lock(&self.0);
        let key = key(&hold.agent, &hold.asked, hold.cwd.as_deref());
        all.retain(|(known, _)| *known != key);
        if all.len() >= MOST_QUESTIONS {
            all.pop_front();
        }
        all.push_back((key, question.to_owned()));
    }

    /// What was asked about this before.
    pub(crate) fn before(&self, agent: &str, asked: &str, cwd: Option<&str>) -> Option<String> {
        let key = key(agent, asked, cwd);
        lock(&self.0).iter().find(|(known, _)| *known == key).map(|(_, question)| question.clone())
    }
}

fn key(agent: &str, asked: &str, cwd: Option<&str>) -> String {
    Digest::of_bytes(&canonical(&json!([agent, asked, cwd]))).to_string()
}
