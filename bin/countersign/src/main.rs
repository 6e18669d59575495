//! `countersign`: the command that agents, reviewers and operators type. It has no authority of its own.

#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "an answer that does not belong to the question is an error, whichever it is; keys are a foreign enum"
)]

mod agent;
mod approve;
mod break_glass;
mod check;
mod cli;
mod credentials;
mod demo;
mod doctor;
mod explain;
mod hook;
mod local_evaluation;
mod locations;
mod log;
mod operator_client;
mod past_requests;
mod pep_client;
mod policy;
mod policy_source;
mod report;
mod review;
mod reviewer;
mod rule;
mod run;
mod session;
mod time_format;
mod up;

use std::io::Write as _;
use std::process::ExitCode;

fn main() -> ExitCode {
    // The hook answers before anything else is set up: its host waits for it at every call, and runs the call if it fails.
    let mut words = std::env::args_os().skip(1);
    if words.next().is_some_and(|word| word == "hook") && words.next().is_some_and(|word| word == "claude-code") {
        return hook::claude_code(words);
    }
    match cli::main() {
        Ok(code) => code,
        Err(why) => {
            // A standard error that cannot be written does not change the exit status.
            let _ = writeln!(std::io::stderr(), "countersign: {why}");
            ExitCode::from(cli::COULD_NOT)
        }
    }
}
