//! The operator's socket: lists for people's tools, enrolment, and answers. Reaching the socket is not enough for
//! anything that gives authority: an answer carries a person's proof, and so does every reviewer after the first.
//!
//! The web gate has a socket of its own, with fewer words: it reads what strangers send.

use std::os::unix::net::UnixStream;
use std::time::Duration;

use host::socket;
use model::PeerCredentials;
use protocol::{AgentView, MAX_OPERATOR_ANSWER, MAX_OPERATOR_FRAME, OperatorReply, OperatorRequest, Status};

use crate::state::Daemon;
use crate::{
    agent_activity, approvals, break_glass, canary, chat_callbacks, enrolment, metrics, oidc, passwords,
    push_subscriptions, record_access, reviewers, rule_api, web_sessions,
};

/// Timeout for the rest of a message, or for sending one.
const PATIENCE: Duration = Duration::from_secs(5);

/// Maximum silence on a connection.
const IDLE: Duration = Duration::from_secs(60);

/// Who reaches the operator's socket: our own user, and root.
pub(crate) fn may(_: &Daemon, uid: u32) -> bool {
    uid == host::files::my_uid() || uid == 0
}

/// Who reaches the web gate's: its user, or ours where it has none of its own.
pub(crate) fn may_carry(daemon: &Daemon, uid: u32) -> bool {
    uid == daemon.web_uid.unwrap_or_else(host::files::my_uid)
}

/// Serves one connection of people's tools until it ends.
pub(crate) fn converse(daemon: &Daemon, stream: &UnixStream, seen: PeerCredentials) {
    answer_all(daemon, stream, seen, false);
}

/// Serves one connection of the web gate until it ends.
pub(crate) fn carry(daemon: &Daemon, stream: &UnixStream, seen: PeerCredentials) {
    answer_all(daemon, stream, seen, true);
}

fn answer_all(daemon: &Daemon, stream: &UnixStream, seen: PeerCredentials, is_web: bool) {
    if daemon.is_agents_uid(seen.uid) {
        daemon.note_refusal(seen, "an agent's user at the operator's socket");
        let _ = say(stream, &refused("this user belongs to an agent, and agents may not use this socket"));
        return;
    }
    while let Ok(message) = socket::receive::<OperatorRequest>(stream, MAX_OPERATOR_FRAME, Some(IDLE), PATIENCE) {
        if is_web && !message.is_for_web() {
            daemon.note_refusal(seen, "the web gate said what is not for it");
            let _ = say(stream, &refused("the web gate may not do this: use `countersign` on this machine"));
            return;
        }
        let answer = match message {
            OperatorRequest::Holds { follow: true } => return daemon.holds.follow(stream),
            OperatorRequest::Holds { follow: false } => OperatorReply::Holds { holds: daemon.holds.list().0 },
            said @ OperatorRequest::Answer { .. } => {
                approvals::answer(daemon, said).unwrap_or_else(|why| refused(&why))
            }
            OperatorRequest::HandOver { token, hold, to, note } => {
                approvals::hand_over(daemon, &token, &hold, &to, note).unwrap_or_else(|why| refused(&why))
            }
            add @ OperatorRequest::AddAgent { .. } => {
                crate::agent_registry::add_agent(daemon, &add).unwrap_or_else(|why| refused(&why))
            }
            about @ (OperatorRequest::PlaceAgent { .. }
            | OperatorRequest::RemoveAgent { .. }
            | OperatorRequest::RotateAgentKey { .. }
            | OperatorRequest::Flags
            | OperatorRequest::Flag { .. }
            | OperatorRequest::Reload
            | OperatorRequest::Rules
            | OperatorRequest::AddRule { .. }
            | OperatorRequest::RemoveRule { .. }
            | OperatorRequest::ExpireRule { .. }
            | OperatorRequest::Candidates { .. }) => {
                rule_api::answer(daemon, &about).unwrap_or_else(|why| refused(&why))
            }
            OperatorRequest::Agents => agents(daemon).unwrap_or_else(|why| refused(&why)),
            about @ (OperatorRequest::BrokenGlass | OperatorRequest::ReviewBrokenGlass { .. }) => {
                break_glass::answer(daemon, &about).unwrap_or_else(|why| refused(&why))
            }
            about @ (OperatorRequest::Reviewers
            | OperatorRequest::AddReviewer { .. }
            | OperatorRequest::PlaceReviewer { .. }
            | OperatorRequest::RemoveReviewer { .. }) => {
                reviewers::answer(daemon, &about).unwrap_or_else(|why| refused(&why))
            }
            about @ (OperatorRequest::Invite { .. }
            | OperatorRequest::BeginEnrolment { .. }
            | OperatorRequest::FinishEnrolment { .. }) => {
                enrolment::answer(daemon, &about).unwrap_or_else(|why| refused(&why))
            }
            OperatorRequest::Notified { hold, channel, half } => {
                chat_callbacks::told(daemon, &hold, &channel, half).unwrap_or_else(|why| refused(&why))
            }
            OperatorRequest::SlackClick { at, signature, body } => {
                chat_callbacks::click(daemon, &at, &signature, &body).unwrap_or_else(|why| refused(&why))
            }
            OperatorRequest::TeamsMessage { authorization, body } => {
                chat_callbacks::message(daemon, &authorization, &body).unwrap_or_else(|why| refused(&why))
            }
            OperatorRequest::Spans { after } => daemon.spans.after(after),
            OperatorRequest::Metrics => OperatorReply::Metrics { metrics: metrics::all(daemon) },
            canary @ OperatorRequest::Canary { .. } => {
                canary::open(daemon, &canary).unwrap_or_else(|why| refused(&why))
            }
            OperatorRequest::Stop { token, agent, session } => {
                record_access::stop(daemon, &token, agent.as_deref(), session.as_deref())
                    .unwrap_or_else(|why| refused(&why))
            }
            OperatorRequest::Read { token, what } => {
                record_access::read(daemon, &token, what).unwrap_or_else(|why| refused(&why))
            }
            OperatorRequest::Watch { token, recording, live } => {
                match record_access::watch(daemon, stream, &token, recording, live) {
                    Ok(()) => return,
                    Err(why) => refused(&why),
                }
            }
            OperatorRequest::Work { token, follow } => match agent_activity::tell(daemon, stream, &token, follow) {
                Ok(()) => continue,
                Err(why) => refused(&why),
            },
            OperatorRequest::Push { token, target, on } => {
                push_subscriptions::set(daemon, &token, target, on).unwrap_or_else(|why| refused(&why))
            }
            OperatorRequest::PushTargets => push_subscriptions::all(daemon).unwrap_or_else(|why| refused(&why)),
            OperatorRequest::DropPush { endpoint } => {
                push_subscriptions::drop(daemon, &endpoint).unwrap_or_else(|why| refused(&why))
            }
            OperatorRequest::SignOnWay => oidc::way(daemon).unwrap_or_else(|why| refused(&why)),
            OperatorRequest::BeginSignOn => oidc::begin(daemon).unwrap_or_else(|why| refused(&why)),
            OperatorRequest::FinishSignOn { token, nonce } => {
                oidc::finish(daemon, &token, &nonce).unwrap_or_else(|why| refused(&why))
            }
            OperatorRequest::Challenge => web_sessions::challenge(daemon).unwrap_or_else(|why| refused(&why)),
            OperatorRequest::Session { token, keep } => {
                web_sessions::whose(daemon, &token, keep).unwrap_or_else(|why| refused(&why))
            }
            OperatorRequest::SignOut { token } => {
                web_sessions::sign_out(daemon, &token).unwrap_or_else(|why| refused(&why))
            }
            ref say @ OperatorRequest::SetPassword { ref password, ref by } => {
                passwords::set(daemon, say, password, by).unwrap_or_else(|why| refused(&why))
            }
            ref say @ OperatorRequest::SignIn { ref by } => {
                web_sessions::sign_in(daemon, say, by).unwrap_or_else(|why| refused(&why))
            }
            OperatorRequest::Status => status(daemon).unwrap_or_else(|why| refused(&why)),
        };
        if say(stream, &answer).is_err() {
            return;
        }
    }
}

fn say(stream: &UnixStream, hears: &OperatorReply) -> Result<(), socket::Failed> {
    socket::send(stream, hears, MAX_OPERATOR_ANSWER, PATIENCE)
}

fn refused(why: &str) -> OperatorReply {
    OperatorReply::Refused { why: why.to_owned() }
}

fn agents(daemon: &Daemon) -> Result<OperatorReply, String> {
    let rows = daemon.store.agents().map_err(|why| why.to_string())?;
    let agents = rows
        .into_iter()
        .map(|row| AgentView {
            name: row.name.to_string(),
            owner: row.owner.to_string(),
            under: row.under.map(|it| it.to_string()),
            uid: row.uid,
            place: protocol::AgentAttributes { env: row.env, groups: row.groups, trust: row.trust },
            created_ms: row.created_ms,
        })
        .collect();
    Ok(OperatorReply::Agents { agents })
}

fn status(daemon: &Daemon) -> Result<OperatorReply, String> {
    let policy = daemon.policy.current();
    let (broken_glass, broken_glass_overdue) = break_glass::unseen(daemon)?;
    Ok(OperatorReply::Status(Status {
        pid: std::process::id(),
        uid: host::files::my_uid(),
        web_uid: daemon.web_uid,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        policy: policy.digest().to_string(),
        rules: policy.rules().len(),
        mode: daemon.policy.mode().as_str().to_owned(),
        preset: policy.settings().preset.clone(),
        refused: daemon.policy.refused(),
        flags: daemon.flags.set(),
        agents: daemon.agent_count(),
        reviewers: daemon.store.reviewers().map_err(|why| why.to_string())?.len(),
        holds: daemon.holds.list().0.len(),
        broken_glass,
        broken_glass_overdue,
        records: daemon.records(),
    }))
}
