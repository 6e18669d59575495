//! Reading of the record by people who are signed in: we look who they are, `countersign-logd` reads.

use std::os::unix::net::UnixStream;
use std::time::Duration;

use host::{clock, socket};
use model::{AgentName, ReviewerName, SessionId};
use pdp::Role;
use protocol::{LogQuery, LogReply, LogRequest, MAX_LOG_FRAME, MAX_OPERATOR_FRAME, OperatorReply};

use crate::state::Daemon;
use crate::{kill_switch, web_sessions};

/// Timeout for the log's reply: verifying ten million records takes ten seconds.
const PATIENCE: Duration = Duration::from_secs(60);

/// The reader, if they may read. A viewer of holds may not read the record.
pub(crate) fn reader(daemon: &Daemon, token: &str, raw: bool) -> Result<ReviewerName, String> {
    let ended = "you are not signed in, or the session has expired; sign in";
    let who = web_sessions::of(daemon, token, clock::now_ms()).ok_or(ended)?;
    let row = daemon.store.reviewer(&who).map_err(|why| why.to_string())?.ok_or(ended)?;
    match row.person.role {
        Role::Auditor | Role::Senior | Role::Operator => Ok(who),
        Role::Reviewer if !raw => Ok(who),
        Role::Reviewer => {
            Err("only senior reviewers, operators and auditors may see what is not masked yet".to_owned())
        }
        Role::Viewer => Err("your role can see holds, but not read the record".to_owned()),
    }
}

fn log(daemon: &Daemon, say: &LogRequest) -> Result<UnixStream, String> {
    let down = |why: &dyn std::fmt::Display| format!("the log cannot be reached: {why}");
    let stream = UnixStream::connect(daemon.layout.log_socket()).map_err(|why| down(&why))?;
    if !socket::peer(&stream).is_ok_and(|peer| peer.uid == host::files::my_uid()) {
        return Err("the log's socket belongs to another user".to_owned());
    }
    socket::send(&stream, say, MAX_LOG_FRAME, PATIENCE).map_err(|why| down(&why))?;
    Ok(stream)
}

fn hear(stream: &UnixStream) -> Result<LogReply, String> {
    socket::receive(stream, MAX_LOG_FRAME, Some(PATIENCE), PATIENCE)
        .map_err(|why| format!("the log cannot be reached: {why}"))
}

/// Carries out a query on the record.
#[expect(clippy::wildcard_enum_match_arm, reason = "an answer that does not belong to the question is an error")]
pub(crate) fn read(daemon: &Daemon, token: &str, what: LogQuery) -> Result<OperatorReply, String> {
    reader(daemon, token, false)?;
    match hear(&log(daemon, &LogRequest::Read { what })?)? {
        LogReply::Read { found } => Ok(OperatorReply::Read { found }),
        LogReply::Failed { why } => Err(why),
        _ => Err("unexpected reply from `countersign-logd`; all programs must be of the same release".to_owned()),
    }
}

/// Stops an agent, one of its sessions, or everything.
pub(crate) fn stop(
    daemon: &Daemon,
    token: &str,
    agent: Option<&str>,
    session: Option<&str>,
) -> Result<OperatorReply, String> {
    let who = reader(daemon, token, false)?;
    let row = daemon.store.reviewer(&who).map_err(|why| why.to_string())?;
    if !row.is_some_and(|row| row.person.role.answers()) {
        return Err("your role can read, but not stop".to_owned());
    }
    let agent = agent.map(AgentName::parse).transpose().map_err(|why| why.to_string())?;
    let session = session.map(SessionId::parse).transpose().map_err(|why| why.to_string())?;
    let what = kill_switch::stop(daemon, agent.as_ref(), session.as_ref(), who.as_str())?;
    Ok(OperatorReply::Done { what })
}

/// Sends the lines of a recording, until its end or until they leave.
#[expect(clippy::wildcard_enum_match_arm, reason = "an answer that does not belong to the question is an error")]
pub(crate) fn watch(
    daemon: &Daemon,
    stream: &UnixStream,
    token: &str,
    recording: String,
    live: bool,
) -> Result<(), String> {
    let by = reader(daemon, token, live)?.to_string();
    let from = log(daemon, &LogRequest::Watch { recording, live, by })?;
    loop {
        let (lines, ended) = match hear(&from)? {
            LogReply::Lines { lines, ended } => (lines, ended),
            LogReply::Failed { why } => return Err(why),
            _ => {
                return Err(
                    "unexpected reply from `countersign-logd`; all programs must be of the same release".to_owned()
                );
            }
        };
        // A person who signed out, or was removed, sees no more.
        reader(daemon, token, live)?;
        socket::send(stream, &OperatorReply::Lines { lines, ended }, MAX_OPERATOR_FRAME, PATIENCE)
            .map_err(|why| why.to_string())?;
        if ended {
            return Ok(());
        }
    }
}
