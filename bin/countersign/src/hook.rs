//! `countersign hook`: answering an agent host, and installing ourselves there.

use std::ffi::OsString;
use std::io::{Read as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use agent_host::HookAnswer;
use agent_host::claude_code as contract;
use clap::Args;
use host::clock;
use host::install_paths::Layout;
use model::Act;
use protocol::AgentReply;
use serde_json::json;

use crate::pep_client::{self, Claims, PepClient};

/// When we stop waiting, before the host does: the host runs what it has heard nothing about.
const OUR_DEADLINE: Duration = Duration::from_secs(640);

/// Answers Claude Code's hook. Whatever goes wrong, the exit status is 2, which blocks the call.
pub(crate) fn claude_code(words: impl Iterator<Item = OsString>) -> ExitCode {
    std::panic::set_hook(Box::new(|panic| {
        // Not `eprintln!`, which would panic again where standard error cannot be written, and end us with another status.
        let _ = writeln!(std::io::stderr(), "countersign: the hook failed, so the call is blocked: {panic}");
        std::process::exit(2);
    }));
    let words: Vec<String> = words.map(|word| word.to_string_lossy().into_owned()).collect();
    let agent = match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => std::env::var("COUNTERSIGN_AGENT").ok(),
        ["--agent", name] => Some((*name).to_owned()),
        [one] if one.starts_with("--agent=") => one.strip_prefix("--agent=").map(str::to_owned),
        ["--help" | "-h", ..] => {
            println!(
                "Answers Claude Code's PreToolUse hook: JSON on standard input.\n\nUsage: countersign hook claude-code [--agent NAME]\n\nInstall it with `countersign hook install claude-code --agent NAME`."
            );
            return ExitCode::SUCCESS;
        }
        _ => return put(&contract::undecided("usage: countersign hook claude-code [--agent NAME]")),
    };
    let answer = answer(agent.as_deref()).unwrap_or_else(|why| contract::undecided(&why));
    put(&answer)
}

fn put(answer: &HookAnswer) -> ExitCode {
    // A denial that is not read, or could not be printed, is still a denial: by exit status.
    let is_read = answer.stdout.is_empty() || host::files::is_read(std::io::stdout());
    let print = |text: &str| std::io::stdout().write_all(text.as_bytes()).and_then(|()| std::io::stdout().flush());
    let answer = if is_read && print(&answer.stdout).is_ok() { answer.clone() } else { answer.clone().by_status() };
    let _ = std::io::stderr().write_all(answer.stderr.as_bytes());
    ExitCode::from(answer.exit)
}

fn answer(agent: Option<&str>) -> Result<HookAnswer, String> {
    let mut input = Vec::new();
    let limit = u64::try_from(contract::MAX_INPUT_BYTES).unwrap_or(u64::MAX).saturating_add(1);
    std::io::stdin()
        .take(limit)
        .read_to_end(&mut input)
        .map_err(|why| format!("the host's message could not be read: {why}"))?;
    let variable = |name: &str| std::env::var(name).ok();
    let shell = contract::shell_of_host(variable("SHELL"), variable("CLAUDE_CODE_SHELL"));
    let call = contract::parse(&input, shell)?;
    let layout = Layout::from_environment()?;
    let key = pep_client::key(&layout, agent, None)?;
    let link = PepClient::connect(&layout)?;
    let claims = Claims { intent: call.intent, task: None, search_path: pep_client::search_path()? };
    let mut heard = link.submit(key, call.session, &Act::Tool(call.call), claims, true, false)?;
    if let AgentReply::Held { expires_at_ms, .. } = heard {
        let left = Duration::from_millis(expires_at_ms.saturating_sub(clock::now_ms()))
            .saturating_add(Duration::from_secs(20));
        heard = link.hear(left.min(OUR_DEADLINE))?;
    }
    match heard {
        AgentReply::Allow { .. } => Ok(contract::no_objection()),
        AgentReply::Deny { reasons, .. } => Ok(contract::deny(&format!("Countersign: {}", reasons.join("; ")))),
        AgentReply::Held { .. }
        | AgentReply::Parked { .. }
        | AgentReply::Standing { .. }
        | AgentReply::Spent
        | AgentReply::Noted => {
            Err("unexpected reply from `countersignd`; all programs must be of the same release".to_owned())
        }
    }
}

#[derive(Args)]
pub(crate) struct InstallArgs {
    /// The host
    #[arg(value_parser = ["claude-code"])]
    host: String,
    /// The agent whose key the hook uses
    #[arg(long)]
    agent: String,
    /// The settings file (default: `.claude/settings.json` in this directory)
    #[arg(long, conflicts_with = "user")]
    settings: Option<PathBuf>,
    /// Write to your own settings, for all projects (`~/.claude/settings.json`)
    #[arg(long)]
    user: bool,
    /// Print what was done as JSON
    #[arg(long)]
    json: bool,
}

/// Where Claude Code keeps its settings.
pub(crate) fn settings_path(user: bool) -> Result<PathBuf, String> {
    if user {
        let home = std::env::var_os("HOME").map(PathBuf::from).ok_or("`HOME` is not set")?;
        Ok(home.join(".claude/settings.json"))
    } else {
        Ok(std::env::current_dir().map_err(|why| why.to_string())?.join(".claude/settings.json"))
    }
}

/// Writes the hook into the settings.
pub(crate) fn install(args: &InstallArgs) -> Result<ExitCode, String> {
    let layout = Layout::from_environment()?;
    let agent = model::AgentName::parse(&args.agent).map_err(|why| why.to_string())?;
    pep_client::key(&layout, Some(agent.as_str()), None)?;
    let path = match &args.settings {
        Some(path) => path.clone(),
        None => settings_path(args.user)?,
    };
    let program = std::env::current_exe()
        .map_err(|why| format!("cannot determine the path of the `countersign` executable: {why}"))?;
    let program =
        program.to_str().filter(|it| !it.contains('\'')).ok_or("our own path cannot be written into a command line")?;
    let directory = match std::env::var(host::install_paths::DIRECTORY_VARIABLE) {
        Ok(directory) if !directory.contains('\'') => {
            format!("{}='{directory}' ", host::install_paths::DIRECTORY_VARIABLE)
        }
        _ => String::new(),
    };
    let command = format!("{directory}'{program}' hook claude-code --agent {agent}");
    let existing =
        host::files::read_small(&path, 4 * 1024 * 1024).map_err(|why| format!("`{}`: {why}", path.display()))?;
    let existing = existing
        .map(String::from_utf8)
        .transpose()
        .map_err(|_| format!("`{}` is not UTF-8, so it is left alone", path.display()))?;
    let text = contract::install(existing.as_deref(), &command)?;
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).map_err(|why| format!("`{}`: {why}", parent.display()))?;
    }
    host::files::replace(&path, text.as_bytes(), 0o644).map_err(|why| format!("`{}`: {why}", path.display()))?;
    if args.json {
        println!("{}", json!({"settings": path.display().to_string(), "agent": agent.as_str(), "command": command}));
        return Ok(ExitCode::SUCCESS);
    }
    println!("The hook is in `{}`.", path.display());
    println!("Next: `countersign doctor` proves with a live canary that it blocks. Restart Claude Code to load it.");
    println!("It runs as the agent, so it is advisory: a process that can edit that file can remove it.");
    Ok(ExitCode::SUCCESS)
}
