//! `countersignd`: judges requests, keeps holds, makes permits. It reads frames on two Unix sockets and talks to
//! `countersign-logd`; it has no network socket, no root, and not the log's key.

mod acts;
mod agents;
mod answers;
mod asking;
mod bell;
mod broken_glass;
mod canary;
mod chain;
mod chat;
mod daemon;
mod devices;
mod enrolment;
mod flags;
mod holds;
mod invitations;
mod judge;
mod judging;
mod lines;
mod log;
mod made;
mod metrics;
mod nearest;
mod operators;
mod paces;
mod parked;
mod passwords;
mod people;
mod permits;
mod policy;
mod proof;
mod reading;
mod recordings;
mod recovery;
mod restore;
mod rules;
mod serve;
mod sessions;
mod signon;
mod submit;
mod surroundings;
mod traces;
mod view;
mod work;

use std::process::ExitCode;
use std::sync::Arc;

use host::install_paths::Layout;

use daemon::Daemon;

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
            return match restore::main(into.as_deref().map(std::path::Path::new)) {
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
                 COUNTERSIGN_DIR or the XDG variables. COUNTERSIGN_SESSION_IDLE_MINUTES (60) is how long somebody stays signed in without use. \
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
    serve::run(&daemon)
}
