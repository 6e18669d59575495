//! Running with everything that goes over the terminal recorded first.

use std::ffi::OsString;
use std::io;
use std::time::Duration;

use audit::recording::Decoder;
use host::exec::Ended;
use host::executable_identity::ResolvedExec;
use host::pty::{self, PtyEvent};
use protocol::{AgentReply, AgentRequest, Terminal, TerminalEvent};

use crate::pep_client::PepClient;

/// What a recording says of the size where there is no terminal.
const DEFAULT_SIZE: (u16, u16) = (80, 24);

/// Our terminal, for the recording's head.
pub(super) fn terminal() -> Terminal {
    let (columns, rows) = pty::size().unwrap_or(DEFAULT_SIZE);
    Terminal { columns, rows, name: std::env::var("TERM").unwrap_or_else(|_| "dumb".to_owned()) }
}

/// Runs it. Where something cannot be recorded it is ended, and that is said.
pub(super) fn run(
    link: &PepClient,
    permit: &str,
    observed: ResolvedExec,
    argv: &[OsString],
    withhold: &[String],
    within: Option<Duration>,
) -> io::Result<Ended> {
    let has_terminal = pty::size().is_some();
    let (mut printed, mut typed) = (Decoder::default(), Decoder::default());
    let mut record = |seen: PtyEvent<'_>| {
        let (kind, text) = match seen {
            // Without a terminal no driver adds the carriage return that a player needs.
            PtyEvent::Output(bytes) if !has_terminal => ("o", printed.push(bytes).replace('\n', "\r\n")),
            PtyEvent::Output(bytes) => ("o", printed.push(bytes)),
            PtyEvent::Input(bytes) => ("i", typed.push(bytes)),
            PtyEvent::HiddenInput => ("i", "•".to_owned()),
            PtyEvent::Size(columns, rows) => ("r", format!("{columns}x{rows}")),
        };
        let events = vec![TerminalEvent { kind: kind.to_owned(), text }];
        match link.ask(&AgentRequest::Recorded { permit: permit.to_owned(), events })? {
            AgentReply::Noted => Ok(()),
            AgentReply::Deny { reasons, .. } => Err(reasons.join("; ")),
            other => Err(format!("unexpected reply from `countersignd`: {other:?}")),
        }
    };
    let recorded = pty::run(observed, argv, withhold, within, &mut record)?;
    if let Some(why) = recorded.failed {
        super::say(&format!("it was ended, because what it does could not be recorded: {why}"));
    }
    Ok(recorded.ended)
}
