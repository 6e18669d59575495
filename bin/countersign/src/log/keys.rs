//! `countersign log rotate` and `destroy`: asked of the log's writer, which alone has a say over its keys.

use std::collections::BTreeMap;
use std::os::unix::net::UnixStream;
use std::process::ExitCode;
use std::time::Duration;

use host::install_paths::Layout;
use host::socket;
use log_store::Wanted;
use model::display::visible;
use protocol::{LogReply, LogRequest, MAX_LOG_FRAME};
use record::{Change, Event, term};

/// Timeout for the log writer's reply.
const PATIENCE: Duration = Duration::from_secs(60);

/// Encrypts with a new key from now on.
pub(super) fn rotate() -> Result<ExitCode, String> {
    ask(&LogRequest::Rotate)
}

/// Destroys what a scope's records say.
pub(super) fn destroy(scope: &str, reason: &str) -> Result<ExitCode, String> {
    // Keys whose scope a crash kept from being written down are found by reading.
    let layout = Layout::from_environment()?;
    let keys = super::open(&layout.log)?.keys_of_scope(scope)?;
    ask(&LogRequest::Destroy { scope: scope.to_owned(), keys, why: reason.to_owned() })
}

/// Holds a session's contents, or ends that; without one, tells what is held.
pub(super) fn legal_hold(session: Option<(&str, &str)>, reason: &str, end: bool) -> Result<ExitCode, String> {
    if let Some((agent, session)) = session {
        return ask(&LogRequest::LegalHold { scope: format!("{agent}/{session}"), held: !end, why: reason.to_owned() });
    }
    let mut held = BTreeMap::new();
    let wanted = Wanted { terms: vec![term("kind", "change")], ..Wanted::default() };
    super::records_with(&Layout::from_environment()?.log, &wanted, &mut |record| match record.event() {
        Some(Event::Change(Change::LegalHoldBegun { scope, why })) => drop(held.insert(scope, why)),
        Some(Event::Change(Change::LegalHoldEnded { scope, .. })) => drop(held.remove(&scope)),
        Some(_) | None => {}
    })?;
    if held.is_empty() {
        println!("nothing is under a legal hold");
    }
    for (scope, why) in held {
        println!("{}", visible(&format!("{scope}  {why}")));
    }
    Ok(ExitCode::SUCCESS)
}

fn ask(say: &LogRequest) -> Result<ExitCode, String> {
    println!("{}", done(say)?);
    Ok(ExitCode::SUCCESS)
}

/// Asks the log's writer for something, and gives its words for what was done.
pub(crate) fn done(say: &LogRequest) -> Result<String, String> {
    let path = Layout::from_environment()?.log_socket();
    let down = |why: &dyn std::fmt::Display| {
        format!(
            "the log does not answer at `{}`: {why}. It answers its own user alone; is `countersign up` running?",
            path.display()
        )
    };
    let stream = UnixStream::connect(&path).map_err(|why| down(&why))?;
    socket::send(&stream, say, MAX_LOG_FRAME, PATIENCE).map_err(|why| down(&why))?;
    match socket::receive::<LogReply>(&stream, MAX_LOG_FRAME, Some(PATIENCE), PATIENCE).map_err(|why| down(&why))? {
        LogReply::Done { what } => Ok(what),
        LogReply::Failed { why } => Err(why),
        LogReply::Log { .. }
        | LogReply::Durable { .. }
        | LogReply::Read { .. }
        | LogReply::Lines { .. }
        | LogReply::Sealed { .. }
        | LogReply::Began { .. } => {
            Err("unexpected reply from `countersign-logd`; all programs must be of the same release".to_owned())
        }
    }
}

/// Compares the state store with the record. The daemon's program knows the store; this one does not.
pub(super) fn rebuild(into: Option<&std::path::Path>) -> Result<ExitCode, String> {
    let own = std::env::current_exe()
        .map_err(|why| format!("cannot determine the path of the `countersign` executable: {why}"))?;
    let status =
        std::process::Command::new(own.with_file_name("countersignd")).arg("--rebuild-store").args(into).status();
    let status = status.map_err(|why| format!("`countersignd` could not be started: {why}"))?;
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from))
}
