//! Answers from chat. A click is what Slack signed; who clicked is who the operator says they are. It is worth no more than a session:
//! it denies, and approves only where the policy asks for no more than that.

use approval::{Answer, Said};
use audit::RecordKind;
use channel::{Channels, Click, read_click};
use host::clock;
use model::{HoldId, PersonName};
use pdp::Assurance;
use serde_json::json;
use wire::OperatorHears;

use crate::daemon::{Daemon, hold as lock};

/// The longest body of a click, in bytes.
const MAX_BODY: usize = 64 * 1024;

/// How long a signature is remembered, so that it serves once: longer than it is good for.
const REMEMBERED_MS: u64 = 700_000;

/// The most that are remembered. Beyond it clicks are refused: the page is open.
const MOST_REMEMBERED: usize = 10_000;

/// The most hops of one hold that are recorded.
const MOST_HOPS: usize = 32;

/// Answers a click.
pub(crate) fn click(daemon: &Daemon, at: &str, signature: &str, body: &str) -> Result<OperatorHears, String> {
    if body.len() > MAX_BODY {
        return Err("this is too long for a click".to_owned());
    }
    let off = "answers from Slack are not set up here";
    let text = host::files::read_small(&daemon.layout.channels(), 256 * 1024).map_err(|why| why.to_string())?;
    let text = text.and_then(|bytes| String::from_utf8(bytes).ok()).ok_or(off)?;
    let slack = Channels::parse(&text).map_err(|why| why.to_string())?.slack.ok_or(off)?;
    let file = std::path::PathBuf::from(slack.signing_secret_file.ok_or(off)?);
    if host::files::can_be_read_by_others(&file).map_err(|why| why.to_string())? {
        return Err("the signing secret can be read by others; make it mode 0600".to_owned());
    }
    let secret = host::files::read_small(&file, 4_096).map_err(|why| why.to_string())?.ok_or(off)?;
    let now_ms = clock::now_ms();
    let click = read_click(secret.trim_ascii(), at, signature, body.as_bytes(), now_ms / 1_000);
    let Click { user, said, hold, request } = click.map_err(|why| why.to_string())?;
    once(daemon, signature, now_ms)?;
    let who = slack.people.get(&user).ok_or("nobody here is known by this Slack account; the operator maps them")?;
    let reviewer = PersonName::parse(who).map_err(|why| why.to_string())?;
    let said = Said::parse(&said).filter(|said| *said != Said::BreakGlass).ok_or("chat approves or denies")?;
    let id = HoldId::parse(&hold).map_err(|why| why.to_string())?;
    let gone = "it is decided already, or its time is over";
    let question = daemon.holds.question(&id).ok_or(gone)?;
    // The message was about this request, and no other.
    if question.request.to_string() != request {
        return Err("this message was about something else".to_owned());
    }
    let answer = Answer { reviewer, said, assurance: Assurance::Session, at_ms: now_ms };
    let proof = json!({"slack": {"user": user, "at": at, "signature": signature}});
    let (state, agreed, needed) = daemon.holds.answer(daemon, &id, answer, proof, None)?;
    Ok(OperatorHears::Answered { state: state.as_str().to_owned(), agreed, needed, also: 0 })
}

/// A signature serves once.
fn once(daemon: &Daemon, signature: &str, now_ms: u64) -> Result<(), String> {
    let mut used = lock(&daemon.clicks);
    used.retain(|_, at_ms| now_ms.abs_diff(*at_ms) < REMEMBERED_MS);
    if used.len() >= MOST_REMEMBERED {
        return Err("too many clicks; answer on the page".to_owned());
    }
    if used.insert(signature.to_owned(), now_ms).is_some() {
        return Err("this click was taken already".to_owned());
    }
    Ok(())
}

/// Takes down that people are told of a hold.
pub(crate) fn told(daemon: &Daemon, hold: &str, channel: &str, half: bool) -> Result<OperatorHears, String> {
    let id = HoldId::parse(hold).map_err(|why| why.to_string())?;
    let is_name = channel.len() <= 32 && channel.bytes().all(|byte| byte.is_ascii_lowercase());
    if !is_name || !daemon.holds.note_hop(&id, MOST_HOPS) {
        return Err("there is no such open hold, or enough was said of it".to_owned());
    }
    let request = daemon.holds.question(&id).map(|it| it.request.to_string());
    let body = json!({"what": if half { "escalated" } else { "told" }, "hold": id.as_str(), "request_digest": request, "channel": channel});
    let _receipt = daemon.record(RecordKind::Change, body)?;
    Ok(OperatorHears::Done { what: "recorded".to_owned() })
}
