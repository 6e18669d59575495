//! The command line: what there is, and what each word means.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::{
    agent, approve, break_glass, check, demo, doctor, hook, log, policy, report, review, reviewer, rule, run, session,
    up,
};

/// The exit status when something could not be done; for `run`, when we could not decide.
pub(crate) const COULD_NOT: u8 = 125;

/// The firewall for AI agents that you host yourself: no act of an agent happens without a rule that allows it, or
/// people who allow it now; and what happened can be proved afterwards.
///
/// New here? `countersign demo` shows everything in a minute. For real use: `countersign up` in one terminal, then
/// `countersign reviewer add` and `countersign agent add` in another.
#[derive(Parser)]
#[command(
    name = "countersign",
    version,
    after_help = "Exit status of `run`: the command's own; 126 denied; 124 not decided in time; 125 we could not decide, and nothing ran."
)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Start everything under your own user, in the foreground
    Up(up::UpArgs),
    /// Say what is running, what binds and what only advises, and prove that each enforcement point blocks
    Doctor(doctor::DoctorArgs),
    /// Show the whole life of a request on this machine with a scripted agent
    Demo(demo::DemoArgs),
    /// Ask, then run exactly that; the exit status passes through
    Run(run::RunArgs),
    /// Decide only, and explain; needs no daemon
    Check(check::CheckArgs),
    /// Answer an agent host's hook on standard input, or install it
    Hook(HookArgs),
    /// Open holds, live; answer them from the keyboard
    Review(review::ReviewArgs),
    /// Say yes to a hold
    Approve(approve::ApproveArgs),
    /// Say no to a hold
    Deny(approve::DenyArgs),
    /// Approve a hold alone, where nobody else can be reached; list when that was done; look at it afterwards
    BreakGlass(break_glass::BreakGlassArgs),
    /// Agents: identities with a key
    Agent(agent::AgentArgs),
    /// Reviewers: people who may answer
    Reviewer(reviewer::ReviewerArgs),
    /// Rules in force: list, show, add, remove, end
    Rule(rule::RuleArgs),
    /// The set of rules: choose a preset, test, lint, replay, suggest, explain
    Policy(policy::PolicyArgs),
    /// Operator flags: a stop of an agent or of everything, an incident, a freeze
    Flag(rule::FlagArgs),
    /// The record: read it, verify it offline
    Log(log::LogArgs),
    /// Terminals that were recorded: list, watch, replay, take away
    Session(session::SessionArgs),
    /// Evidence for auditors, by the clauses of their framework, as a directory that can be checked without us
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
    let cli = Cli::parse();
    match cli.verb {
        Verb::Up(args) => up::main(&args),
        Verb::Doctor(args) => doctor::main(&args),
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
