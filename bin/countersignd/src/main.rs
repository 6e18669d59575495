//! `countersignd`: judges requests, keeps holds, makes permits. It reads frames on two Unix sockets and talks to
//! `countersign-logd`; it has no network socket, no root, and not the log's key.

mod activity_counters;
mod agent_activity;
mod agent_connection;
mod agent_registry;
mod approvals;
mod authentication;
mod await_approval;
mod break_glass;
mod canary;
mod change_authorization;
mod change_signal;
mod chat_callbacks;
mod delegation;
mod enrolment;
mod environment;
mod evaluation;
mod flags;
mod hold_view;
mod holds;
mod invitations;
mod json_log;
mod kill_switch;
mod listener;
mod log_client;
mod metrics;
mod oidc;
mod operator_api;
mod passwords;
mod permits;
mod policy;
mod push_subscriptions;
mod rebuild_store;
mod record_access;
mod recordings;
mod recovery_codes;
mod reviewers;
mod rule_api;
mod running_acts;
mod runtime_rules;
mod similar_approvals;
mod spans;
mod state;
mod submit;
mod tickets;
mod understanding;
mod web_sessions;

use std::process::ExitCode;
use std::sync::Arc;

use host::install_paths::Layout;

use state::Daemon;

fn main() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        None => {}
        Some("--version") => {
            println!("countersignd {}", env!("CARGO_PKG_VERSION"));
            return ExitCode::SUCCESS;
        }
        Some("--check-policy") => {
            let Some(directory) = std::env::args_os().nth(2) else {
                eprintln!("countersignd: `--check-policy` needs a directory of rules");
                return ExitCode::FAILURE;
            };
            return match policy::check(std::path::Path::new(&directory)) {
                Ok(what) => {
                    println!("{what}");
                    ExitCode::SUCCESS
                }
                Err(why) => {
                    eprintln!("countersignd: {why}");
                    ExitCode::FAILURE
                }
            };
        }
        Some("--rebuild-store") => {
            let into = std::env::args_os().nth(2);
            return match rebuild_store::main(into.as_deref().map(std::path::Path::new)) {
                Ok(true) => ExitCode::SUCCESS,
                Ok(false) => ExitCode::from(1),
                Err(why) => {
                    eprintln!("countersignd: {why}");
                    ExitCode::from(2)
                }
            };
        }
        Some(_) => {
            println!(
                "countersignd: judges requests.\n\n`countersign up` starts it, without arguments; `--check-policy DIR` loads a directory of rules and guards as it \
                 would, and ends; `--rebuild-store [FILE]` compares the state store with the record, and ends. Directories come from \
                 COUNTERSIGN_DIR or the XDG variables. COUNTERSIGN_SESSION_IDLE_MINUTES (60) is how long a person stays signed in without use. \
                 COUNTERSIGN_WEB_USER is the account of the web gate, where it has one of its own."
            );
            return ExitCode::SUCCESS;
        }
    }
    match start() {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("countersignd: {why}");
            ExitCode::FAILURE
        }
    }
}

fn start() -> Result<(), String> {
    host::memory::keep_private();
    let layout = Layout::from_environment()?;
    for directory in [&layout.config, &layout.state] {
        host::files::private_directory(directory).map_err(|why| format!("`{}`: {why}", directory.display()))?;
    }
    // Agents and the web gate have users of their own: they reach their sockets, and each socket says who may.
    host::files::passable_directory(&layout.run).map_err(|why| format!("`{}`: {why}", layout.run.display()))?;
    let daemon = Arc::new(Daemon::open(layout)?);
    listener::run(&daemon)
}
