//! Answers from chat. A click is what Slack signed, a message what Teams signed; who it was is who the operator says they are. It is worth
//! no more than a session: it denies, and approves only where the policy asks for no more than that.

use std::collections::BTreeMap;

use approval::{Answer, HoldState, Vote};
use host::clock;
use model::{HoldId, ReviewerName};
use notification::{Channels, Click, Written, code_of, read_click, read_written};
use pdp::Assurance;
use protocol::OperatorReply;
use record::{Change, Member, SlackProof, TeamsProof};

use crate::approvals::{self, GONE};
use crate::holds::DenialNote;
use crate::oidc;
use crate::state::{Daemon, lock};

/// The longest body of an answer, in bytes.
const MAX_BODY: usize = 64 * 1024;

/// How long a signature is remembered, so that it works once: longer than its validity.
const REMEMBERED_MS: u64 = 700_000;

/// The most that are remembered. Beyond it clicks are refused: the page is open.
const MOST_REMEMBERED: usize = 10_000;

/// The most hops of one hold that are recorded.
const MOST_HOPS: usize = 32;

/// Answers a click in Slack.
pub(crate) fn click(daemon: &Daemon, at: &str, signature: &str, body: &str) -> Result<OperatorReply, String> {
    let off = "answers from Slack are not set up here";
    let slack = channels(daemon, body)?.and_then(|it| it.slack).ok_or(off)?;
    let secret = secret(slack.signing_secret_file.as_deref().ok_or(off)?)?;
    let now_ms = clock::now_ms();
    let click = read_click(secret.as_bytes(), at, signature, body.as_bytes(), now_ms / 1_000);
    let Click { user, said, hold, request } = click.map_err(|why| why.to_string())?;
    once(daemon, signature, now_ms)?;
    let reviewer = who(daemon, &slack.people, &user, now_ms)?;
    let said = Vote::parse(&said).filter(|said| *said != Vote::BreakGlass).ok_or("chat approves or denies")?;
    let id = HoldId::parse(&hold).map_err(|why| why.to_string())?;
    // The message was about this request, and no other.
    if daemon.holds.question(&id).ok_or(GONE)?.request.to_string() != request {
        return Err("this message was about something else".to_owned());
    }
    let answer = Answer { reviewer, said, assurance: Assurance::Session, at_ms: now_ms };
    let slack = SlackProof { user, at: at.to_owned(), signature: signature.to_owned() };
    let proof = Member::Is(record::Proof::Slack { slack });
    let (state, agreed, needed) = daemon.holds.answer(daemon, &id, answer, proof, None)?;
    Ok(OperatorReply::Answered { state: state.as_str().to_owned(), agreed, needed, also: 0 })
}

/// Answers a message in Teams. Its author gets the outcome in words; only a message that Teams did not sign is refused.
pub(crate) fn message(daemon: &Daemon, authorization: &str, body: &str) -> Result<OperatorReply, String> {
    let off = "answers from Teams are not set up here";
    let teams = channels(daemon, body)?.and_then(|it| it.teams).ok_or(off)?;
    let token = secret(teams.token_file.as_deref().ok_or(off)?)?;
    let now_ms = clock::now_ms();
    let written =
        read_written(&token, authorization, body.as_bytes(), now_ms / 1_000).map_err(|why| why.to_string())?;
    once(daemon, authorization, now_ms)?;
    // Not the body: a message may hold a secret, and is in the record as the agent reads it.
    let message = TeamsProof { user: written.user.clone(), authorization: authorization.to_owned() };
    let proof = Member::Is(record::Proof::Teams { teams: message });
    let reviewer = who(daemon, &teams.people, &written.user, now_ms);
    let counted = reviewer.and_then(|reviewer| count(daemon, reviewer, &written, proof, now_ms));
    Ok(OperatorReply::Done { what: counted.unwrap_or_else(|why| format!("Not taken: {why}.")) })
}

/// Counts a written answer.
fn count(
    daemon: &Daemon,
    reviewer: ReviewerName,
    written: &Written,
    proof: Member<record::Proof>,
    at_ms: u64,
) -> Result<String, String> {
    let asks = written.said == "ask";
    let said = match written.said.as_str() {
        "approve" => Vote::Approve,
        "deny" | "ask" => Vote::Deny,
        _ => {
            return Err(
                "write `approve CODE`, `deny CODE and why`, or `ask CODE and what`, with the code of the message"
                    .to_owned(),
            );
        }
    };
    if asks && written.words.is_empty() {
        return Err("write what you want to know".to_owned());
    }
    if said == Vote::Approve && !written.words.is_empty() {
        return Err("only a denial takes a reason".to_owned());
    }
    approvals::short(Some(&written.words))?;
    let holds = daemon.holds.list().0;
    let mut meant = holds.iter().filter(|hold| code_of(&hold.id) == written.code);
    let shown = meant.next().ok_or("there is no open hold with this code; it was decided, or its time is over")?;
    if meant.next().is_some() {
        return Err("this code is of more than one hold; answer on the page".to_owned());
    }
    let id = HoldId::parse(&shown.id).map_err(|why| why.to_string())?;
    let told = (!written.words.is_empty()).then(|| DenialNote { text: daemon.redactor.text(&written.words), asks });
    let answer = Answer { reviewer: reviewer.clone(), said, assurance: Assurance::Session, at_ms };
    let (state, agreed, needed) = daemon.holds.answer(daemon, &id, answer, proof, told.clone())?;
    if let Some(told) = told.filter(|told| told.asks) {
        daemon.questions.note(shown, &format!("{reviewer}: {}", told.text));
    }
    Ok(match state {
        HoldState::Open => format!("Your answer counts: {agreed} of at least {needed} agreed."),
        HoldState::Approved | HoldState::Denied | HoldState::Expired | HoldState::Lost => {
            format!("It is {}.", state.as_str())
        }
    })
}

/// The settings, for an answer that came with a body.
fn channels(daemon: &Daemon, body: &str) -> Result<Option<Channels>, String> {
    if body.len() > MAX_BODY {
        return Err("this is too long for an answer".to_owned());
    }
    let text = host::files::read_small(&daemon.layout.channels(), 256 * 1024).map_err(|why| why.to_string())?;
    let text = text.and_then(|bytes| String::from_utf8(bytes).ok());
    text.map(|text| Channels::parse(&text).map_err(|why| why.to_string())).transpose()
}

/// What chat signs with.
fn secret(file: &str) -> Result<String, String> {
    let file = std::path::Path::new(file);
    if host::files::can_be_read_by_others(file).map_err(|why| why.to_string())? {
        return Err("the file with the secret can be read by others; make it mode 0600".to_owned());
    }
    let bytes = host::files::read_small(file, 4_096).map_err(|why| why.to_string())?;
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok()).map(|text| text.trim().to_owned());
    text.filter(|text| !text.is_empty()).ok_or_else(|| "the file with the secret is empty".to_owned())
}

/// Who that is here, and still is.
fn who(daemon: &Daemon, people: &BTreeMap<String, String>, user: &str, now_ms: u64) -> Result<ReviewerName, String> {
    let who = people.get(user).ok_or("no reviewer here has this account; the operator maps accounts to reviewers")?;
    let who = ReviewerName::parse(who).map_err(|why| why.to_string())?;
    let row = daemon.store.reviewer(&who).map_err(|why| why.to_string())?;
    oidc::still_known(&row.ok_or_else(|| format!("there is no reviewer `{who}`"))?, now_ms)?;
    Ok(who)
}

/// A signature serves once.
fn once(daemon: &Daemon, signature: &str, now_ms: u64) -> Result<(), String> {
    let mut used = lock(&daemon.clicks);
    used.retain(|_, at_ms| now_ms.abs_diff(*at_ms) < REMEMBERED_MS);
    if used.len() >= MOST_REMEMBERED {
        return Err("too many answers from chat; answer on the page".to_owned());
    }
    if used.insert(signature.to_owned(), now_ms).is_some() {
        return Err("this was taken already".to_owned());
    }
    Ok(())
}

/// Records that a hold was notified over a channel.
pub(crate) fn told(daemon: &Daemon, hold: &str, channel: &str, half: bool) -> Result<OperatorReply, String> {
    let id = HoldId::parse(hold).map_err(|why| why.to_string())?;
    let is_name = channel.len() <= 32 && channel.bytes().all(|byte| byte.is_ascii_lowercase());
    if !is_name || !daemon.holds.note_hop(&id, MOST_HOPS) {
        return Err("no open hold has this id, or it was notified often enough".to_owned());
    }
    let request_digest = daemon.holds.question(&id).map(|it| it.request.to_string());
    let (hold, channel) = (id.to_string(), channel.to_owned());
    let _receipt = daemon.record(if half {
        Change::Escalated { hold, request_digest, channel }
    } else {
        Change::Notified { hold, request_digest, channel }
    })?;
    Ok(OperatorReply::Done { what: "recorded".to_owned() })
}
