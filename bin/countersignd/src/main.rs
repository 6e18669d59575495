//! `countersignd`: judges requests, keeps holds, makes permits. It reads frames on two Unix sockets and talks to
//! `countersign-logd`; it has no network socket, no root, and not the log's key.

mod agents;
mod daemon;
mod flags;
mod holds;
mod judge;
mod judging;
mod log;
mod made;
mod operators;
mod paces;
mod permits;
mod policy;
mod rules;
mod serve;
mod submit;
mod view;

use std::process::ExitCode;
use std::sync::Arc;

use host::layout::Layout;

use daemon::Daemon;

fn main() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        None => {}
        Some("--version") => {
            println!("countersignd {}", env!("CARGO_PKG_VERSION"));
            return ExitCode::SUCCESS;
        }
        Some(_) => {
            println!(
                "countersignd: judges requests.\n\nIt takes no arguments; `countersign up` starts it. Directories come from \
                 COUNTERSIGN_DIR or the XDG variables."
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
    let layout = Layout::from_environment()?;
    for directory in [&layout.config, &layout.state, &layout.run] {
        host::files::private_directory(directory).map_err(|why| format!("`{}`: {why}", directory.display()))?;
    }
    let daemon = Arc::new(Daemon::open(layout)?);
    serve::run(&daemon)
}
