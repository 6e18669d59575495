//! The verb `where`: the directories, files and sockets of this installation.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use host::install_paths::Layout;
use serde_json::{Value, json};

#[derive(Args)]
pub(crate) struct WhereArgs {
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// A place: its name in JSON, what it holds, where it is.
struct Place(&'static str, &'static str, PathBuf);

/// Runs the verb.
pub(crate) fn main(args: &WhereArgs) -> Result<ExitCode, String> {
    let layout = Layout::from_environment()?;
    let (places, agents) = (places(&layout), agent_keys(&layout));
    if args.json {
        let mut map: serde_json::Map<String, Value> =
            places.iter().map(|Place(name, _, path)| ((*name).to_owned(), of(path))).collect();
        map.insert("agent_keys".to_owned(), agents.iter().map(|path| of(path)).collect());
        println!("{}", serde_json::to_string_pretty(&map).map_err(|why| why.to_string())?);
        return Ok(ExitCode::SUCCESS);
    }
    for Place(_, what, path) in places {
        let absent = if path.exists() { "" } else { "  (not there)" };
        println!("{what:<34} {}{absent}", path.display());
    }
    for path in agents {
        println!("{:<34} {}", "agent's key (secret)", path.display());
    }
    Ok(ExitCode::SUCCESS)
}

fn of(path: &Path) -> Value {
    json!({"path": path.display().to_string(), "exists": path.exists()})
}

fn places(layout: &Layout) -> Vec<Place> {
    vec![
        Place("config", "configuration", layout.config.clone()),
        Place("policy", "your rules", layout.policy()),
        Place("channels", "notification channels", layout.channels()),
        Place("signon", "single sign-on", layout.signon()),
        Place("web", "the web gate's certificate", layout.web.clone()),
        Place("state", "state", layout.state.clone()),
        Place("store", "agents, reviewers, flags, holds", layout.state.join("state.db")),
        Place("permit_key", "key of permits (secret)", layout.state.join("permit.key")),
        Place("mask_key", "key of redaction (secret)", layout.state.join("mask.key")),
        Place("log", "the record", layout.log.clone()),
        Place("log_key", "key of checkpoints (secret)", layout.log.join("log.key")),
        Place("log_keys", "keys of contents (secret)", layout.log.join("keys")),
        Place("recordings", "recorded sessions", layout.log.join("recordings")),
        Place("run", "sockets", layout.run.clone()),
        Place("agent_socket", "socket for agents", layout.agent_socket()),
        Place("operator_socket", "socket for operators", layout.operator_socket()),
        Place("web_socket", "socket of the web gate", layout.web_socket()),
        Place("log_socket", "socket of the log", layout.log_socket()),
        Place("permit_public_key", "public key of permits", layout.permit_public_key()),
    ]
}

/// The key files of agents that are here.
fn agent_keys(layout: &Layout) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(layout.config.join("agents")).into_iter().flatten().flatten();
    let mut keys: Vec<PathBuf> =
        entries.map(|it| it.path()).filter(|it| it.extension().is_some_and(|it| it == "key")).collect();
    keys.sort();
    keys
}
