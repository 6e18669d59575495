//! `countersign doctor`: what is running, what binds and what only advises; and a live canary through every
//! enforcement point.

mod claude_code;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use clap::Args;
use host::install_paths::Layout;
use protocol::{OperatorReply, OperatorRequest, Status};
use serde_json::json;

use crate::operator_client::{OperatorClient, unexpected};

#[derive(Args)]
pub(crate) struct DoctorArgs {
    /// The agent for the canaries (default: each one whose key file is here)
    #[arg(long, env = "COUNTERSIGN_AGENT")]
    agent: Option<String>,
    /// A further settings file of Claude Code to check
    #[arg(long, value_name = "FILE")]
    settings: Vec<PathBuf>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// How a finding is meant.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Finding {
    Good,
    Advice,
    Bad,
}

impl Finding {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Good => "ok",
            Self::Advice => "note",
            Self::Bad => "PROBLEM",
        }
    }
}

struct Report(Vec<(Finding, &'static str, String)>);

/// Runs the verb. Exit status 1 if there is a problem.
pub(crate) fn main(args: &DoctorArgs) -> Result<ExitCode, String> {
    let layout = Layout::from_environment()?;
    let mut report = Report(Vec::new());
    let status = OperatorClient::connect(&layout).and_then(|link| match link.ask(&OperatorRequest::Status)? {
        OperatorReply::Status(status) => Ok(status),
        _ => Err(unexpected()),
    });
    match &status {
        Ok(status) => running(&mut report, status, &layout),
        Err(why) => report.add(Finding::Bad, "daemon", why.clone()),
    }
    separation(&mut report, &layout, status.as_ref().ok());
    // With several agents each has its own key, so each is tried.
    let agents = args.agent.clone().map_or_else(|| saved_agents(&layout), |agent| vec![agent]);
    if agents.is_empty() {
        report.add(
            Finding::Advice,
            "run",
            "no canary was sent: no agent has its key file here (`countersign agent add NAME --owner WHO --save`)"
                .to_owned(),
        );
    }
    if status.is_ok() {
        agents.iter().for_each(|agent| run_canary(&mut report, agent));
    }
    claude_code::look(&mut report, &args.settings)?;
    let bad = report.0.iter().any(|(finding, ..)| *finding == Finding::Bad);
    if args.json {
        let rows: Vec<_> = report
            .0
            .iter()
            .map(|(finding, what, text)| json!({"finding": finding.as_str(), "what": what, "text": text}))
            .collect();
        println!("{}", json!({"healthy": !bad, "findings": rows}));
    } else {
        for (finding, what, text) in &report.0 {
            println!("{:<8} {:<12} {text}", finding.as_str(), what);
        }
    }
    Ok(ExitCode::from(u8::from(bad)))
}

impl Report {
    fn add(&mut self, finding: Finding, what: &'static str, text: String) {
        self.0.push((finding, what, text));
    }
}

fn running(report: &mut Report, status: &Status, layout: &Layout) {
    report.add(
        Finding::Good,
        "daemon",
        format!("countersignd {} runs as user {} (process {})", status.version, status.uid, status.pid),
    );
    match status.web_uid {
        Some(uid) => {
            report.add(Finding::Good, "web gate", format!("it runs as its own user ({uid}), with its own socket"));
        }
        None => report.add(
            Finding::Advice,
            "web gate",
            "it runs as the daemon's user: an attacker in it can send what your own tools send. Started by root, `countersign up --user … --web-user …` keeps them apart"
                .to_owned(),
        ),
    }
    report.add(
        Finding::Good,
        "log",
        format!("countersign-logd answers; {} records in `{}`", status.records, layout.log.display()),
    );
    let source = if layout.policy().exists() {
        format!("from `{}`", layout.policy().display())
    } else {
        "as shipped".to_owned()
    };
    let digest: String = status.policy.chars().take(12).collect();
    let preset = status.preset.as_deref().unwrap_or("no preset");
    report.add(Finding::Good, "policy", format!("{} rules on {preset}, {source}, digest {digest}", status.rules));
    if status.mode == "observe" {
        let why = "it only observes and DOES NOT PROTECT; choose another with `countersign policy use`";
        report.add(Finding::Bad, "policy", why.to_owned());
    }
    if let Some(why) = &status.refused {
        report.add(Finding::Bad, "policy", format!("the newest files are not in force; {why}"));
    }
    if status.broken_glass > 0 {
        let overdue = status.broken_glass_overdue > 0;
        let finding = if overdue { Finding::Bad } else { Finding::Advice };
        let late = if overdue { ", some for more than a day" } else { "" };
        let text = format!(
            "{} emergency approvals were not reviewed{late}: `countersign break-glass ls`",
            status.broken_glass
        );
        report.add(finding, "break-glass", text);
    }
    if !status.flags.is_empty() {
        report.add(Finding::Advice, "flags", format!("set: {}", status.flags.join(", ")));
    }
    if status.reviewers == 0 {
        report.add(
            Finding::Bad,
            "reviewers",
            "no reviewer is enrolled, so no request that needs approval can run: `countersign reviewer add NAME`"
                .to_owned(),
        );
    } else {
        report.add(Finding::Good, "reviewers", format!("{} enrolled, {} holds open", status.reviewers, status.holds));
    }
    if status.agents == 0 {
        report.add(Finding::Advice, "agents", "none yet: `countersign agent add NAME --owner WHO --save`".to_owned());
    } else {
        report.add(Finding::Good, "agents", format!("{} known", status.agents));
    }
}

fn separation(report: &mut Report, layout: &Layout, status: Option<&Status>) {
    let state = layout.state.join("state.db");
    let me = host::files::my_uid();
    let is_root = me == 0 && status.is_some_and(|status| status.uid != 0);
    if is_root {
        let text = "you are root; the daemon is not, and agents must be neither of them";
        report.add(Finding::Good, "separation", text.to_owned());
    } else if std::fs::File::open(&state).is_ok() {
        report.add(
            Finding::Advice,
            "separation",
            "you can read the daemon's state, and so can every agent that runs as you; its readers can make codes. Give agents their own users, \
             and prefer SSH keys in hardware or behind a passphrase"
                .to_owned(),
        );
    } else {
        report.add(Finding::Good, "separation", "this user cannot read the daemon's state".to_owned());
    }
    // Whose directory it ought to be is known from the daemon alone: without its word, only the mode tells.
    let owner = status.map(|status| status.uid);
    if host::files::is_open_to_others_than(&layout.config, owner).unwrap_or(false) {
        report.add(Finding::Bad, "policy", format!("others can write to `{}`", layout.config.display()));
    }
}

/// The agents whose key files are here, by name.
fn saved_agents(layout: &Layout) -> Vec<String> {
    let keys = std::fs::read_dir(layout.config.join("agents")).into_iter().flatten();
    let mut names: Vec<String> =
        keys.filter_map(|entry| entry.ok()?.file_name().to_str()?.strip_suffix(".key").map(str::to_owned)).collect();
    names.sort();
    names
}

/// Tries to run what the shipped rules block, with a visible effect behind it.
fn run_canary(report: &mut Report, agent: &str) {
    let proof = std::env::temp_dir().join(format!("countersign-canary-{}", std::process::id()));
    let text = format!("countersign-canary; touch {}", proof.display());
    let outcome = std::env::current_exe().and_then(|own| {
        Command::new(own)
            .args(["run", "--quiet", "--agent", agent, "-c", &text])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .output()
    });
    let ran = proof.exists();
    let _ = std::fs::remove_file(&proof);
    match outcome {
        Ok(output) if output.status.code() == Some(126) && !ran => {
            report.add(Finding::Good, "run", format!("agent {agent}: canary denied, nothing ran. ADVISORY: it binds an agent only if the agent has no other way to run programs"));
        }
        Ok(output) if !ran => {
            let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            report.add(
                Finding::Bad,
                "run",
                format!("agent {agent}: the canary did not run, but was not denied either: {said}"),
            );
        }
        Ok(_) => {
            report.add(Finding::Bad, "run", format!("agent {agent}: THE CANARY RAN: `countersign run` does not block"))
        }
        Err(why) => report.add(Finding::Bad, "run", format!("agent {agent}: the canary could not be sent: {why}")),
    }
}

/// Sends the canary through the very command line that the host would run.
fn hook_canary(report: &mut Report, settings: &Path, command: &str) {
    let call = json!({
        "session_id": "countersign-doctor", "hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_use_id": "canary",
        "cwd": std::env::current_dir().ok(), "tool_input": {"command": "countersign-canary"},
    });
    let place = settings.display();
    let outcome = Command::new("sh")
        .args(["-c", command])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .and_then(|mut child| {
            if let Some(mut input) = child.stdin.take() {
                input.write_all(call.to_string().as_bytes())?;
            }
            child.wait_with_output()
        });
    match outcome {
        Ok(output) => {
            let denied = String::from_utf8_lossy(&output.stdout).contains("\"permissionDecision\":\"deny\"")
                && output.status.success();
            if denied {
                report.add(
                    Finding::Good,
                    "claude-code",
                    format!("`{place}`: canary denied. ADVISORY: the hook runs as the agent, who can edit that file"),
                );
            } else if output.status.code() == Some(2) {
                let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
                report.add(
                    Finding::Bad,
                    "claude-code",
                    format!("`{place}`: it blocks everything, because it cannot decide: {said}"),
                );
            } else {
                report.add(
                    Finding::Bad,
                    "claude-code",
                    format!("`{place}`: THE CANARY WAS NOT BLOCKED (exit status {:?})", output.status.code()),
                );
            }
        }
        Err(why) => report.add(Finding::Bad, "claude-code", format!("`{place}`: the canary could not be sent: {why}")),
    }
}
