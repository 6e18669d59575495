//! The command line: what there is, and what each word means.

use std::ffi::OsString;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{Args, Parser, Subcommand};

use crate::{
    agent, approve, break_glass, check, demo, doctor, hook, locations, log, policy, report, review, reviewer, rule,
    run, session, up,
};

/// The exit status when something could not be done; for `run`, when we could not decide.
pub(crate) const COULD_NOT: u8 = 125;

/// The AI agent firewall that you host yourself. An act of an agent happens only if a rule allows it or reviewers approve it,
/// and the record proves afterwards what happened.
///
/// New here? `countersign demo` shows everything in a minute. To use it, run `countersign up` in one terminal, then
/// `countersign reviewer add` and `countersign agent add` in another.
#[derive(Parser)]
#[command(
    name = "countersign",
    version,
    after_help = "Exit status of `run`: the command's own; 126 denied; 124 not decided in time; 125 no decision was possible, and nothing ran; 127 no such program; 75 parked."
)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Start all programs under your own user, in the foreground
    Up(up::UpArgs),
    /// Check the installation, and test that each enforcement point blocks
    Doctor(doctor::DoctorArgs),
    /// Print where this installation keeps its configuration, state, record, sockets and keys
    Where(locations::WhereArgs),
    /// Show the whole life of a request on this machine with a scripted agent
    Demo(demo::DemoArgs),
    /// Run a command if it is allowed; its exit status passes through
    Run(run::RunArgs),
    /// Judge a command without running it; needs no daemon
    Check(check::CheckArgs),
    /// Answer an agent host's hook on standard input, or install it
    Hook(HookArgs),
    /// Show open holds, live, and answer them from the keyboard
    Review(review::ReviewArgs),
    /// Approve a hold
    Approve(approve::ApproveArgs),
    /// Deny a hold
    Deny(approve::DenyArgs),
    /// Emergency approvals by one person: make, list, review
    BreakGlass(break_glass::BreakGlassArgs),
    /// Agents: identities with a key
    Agent(agent::AgentArgs),
    /// Reviewers: people who may answer
    Reviewer(reviewer::ReviewerArgs),
    /// Rules in force: list, show, add, remove, expire
    Rule(rule::RuleArgs),
    /// The policy: choose a preset, test, lint, replay, suggest, explain
    Policy(policy::PolicyArgs),
    /// Flags: stop an agent or everything, incident, freeze
    Flag(rule::FlagArgs),
    /// The record: read, verify, export, replicate
    Log(log::LogArgs),
    /// Recorded terminal sessions: list, watch, replay, export
    Session(session::SessionArgs),
    /// Write evidence for auditors, by the clauses of their framework, as a directory that they can verify
    Report(report::ReportArgs),
}

#[derive(Args)]
struct HookArgs {
    #[command(subcommand)]
    verb: HookVerb,
}

#[derive(Subcommand)]
enum HookVerb {
    /// Answer Claude Code's PreToolUse hook (JSON on standard input). Fails closed: exit status 2 blocks the call
    ClaudeCode {
        /// The agent whose key is used
        #[arg(long)]
        agent: Option<String>,
    },
    /// Write the hook into the host's settings
    Install(hook::InstallArgs),
}

/// Where an agent's key comes from.
#[derive(Args, Clone)]
pub(crate) struct AgentChoice {
    /// The agent whose key is used (its key file is in the configuration directory)
    #[arg(long, env = "COUNTERSIGN_AGENT")]
    pub(crate) agent: Option<String>,
    /// A file with the agent's key
    #[arg(long, env = "COUNTERSIGN_KEY_FILE")]
    pub(crate) key_file: Option<PathBuf>,
}

/// Runs the command line.
pub(crate) fn main() -> Result<ExitCode, String> {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(wrong) => {
            let words: Vec<OsString> = std::env::args_os().collect();
            // What cannot be printed does not change the exit status.
            let _ = wrong.print();
            if let Some(hint) = hint(wrong.kind(), &words) {
                let _ = writeln!(std::io::stderr(), "\n{hint}");
            }
            return Ok(ExitCode::from(u8::try_from(wrong.exit_code()).unwrap_or(COULD_NOT)));
        }
    };
    match cli.verb {
        Verb::Up(args) => up::main(&args),
        Verb::Doctor(args) => doctor::main(&args),
        Verb::Where(args) => locations::main(&args),
        Verb::Demo(args) => demo::main(&args),
        Verb::Run(args) => run::main(args),
        Verb::Check(args) => check::main(&args),
        Verb::Hook(HookArgs { verb: HookVerb::ClaudeCode { agent } }) => {
            let words = agent.map(|agent| vec![OsString::from("--agent"), agent.into()]).unwrap_or_default();
            Ok(hook::claude_code(words.into_iter()))
        }
        Verb::Hook(HookArgs { verb: HookVerb::Install(args) }) => hook::install(&args),
        Verb::Review(args) => review::main(&args),
        Verb::Approve(args) => approve::approve(&args),
        Verb::Deny(args) => approve::deny(&args),
        Verb::Rule(args) => rule::rule(&args),
        Verb::Policy(args) => policy::main(&args),
        Verb::Flag(args) => rule::flag(&args),
        Verb::BreakGlass(args) => break_glass::main(&args),
        Verb::Agent(args) => agent::agent(&args),
        Verb::Reviewer(args) => reviewer::reviewer(&args),
        Verb::Log(args) => log::main(&args),
        Verb::Session(args) => session::main(&args),
        Verb::Report(args) => report::main(&args),
    }
}

/// What a person meant who forgot the `--` before the command.
fn hint(kind: ErrorKind, words: &[OsString]) -> Option<&'static str> {
    let is_run = words.get(1).is_some_and(|word| word == "run");
    let is_about_words = matches!(kind, ErrorKind::UnknownArgument | ErrorKind::MissingRequiredArgument);
    (is_run && is_about_words && !words.iter().any(|word| word == "--"))
        .then_some("Put `--` before the command: countersign run --agent NAME -- ls -la")
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn no_verb_has_two_options_of_one_name() {
        super::Cli::command().debug_assert();
    }
}
