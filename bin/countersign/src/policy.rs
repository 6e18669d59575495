//! `countersign policy`: the set of rules, tried before it is in force.

mod explain;
mod lint;
mod replay;
mod suggest;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use host::install_paths::Layout;
use host::stack;
use pdp::{Policy, Sources, presets};

use crate::policy_source;

#[derive(Args)]
pub(crate) struct PolicyArgs {
    #[command(subcommand)]
    verb: PolicyVerb,
}

#[derive(Subcommand)]
enum PolicyVerb {
    /// Choose a preset for this installation: strict, developer, production or observe
    Use {
        /// The preset
        preset: String,
        /// Print what was done as JSON
        #[arg(long)]
        json: bool,
    },
    /// Print the rules and settings of a preset
    Show {
        /// The preset
        preset: String,
    },
    /// Load a policy and try every rule on its own examples; exit status 1 if a rule is refused
    Test {
        #[command(flatten)]
        set: SetArgs,
        /// The result as JSON
        #[arg(long)]
        json: bool,
    },
    /// Report doubtful rules: never used, shadowed, broader than their examples, without an end, or fragile
    Lint(lint::LintArgs),
    /// Judge past requests by another policy, and show which verdicts change
    Replay(replay::ReplayArgs),
    /// Suggest narrow rules from past approvals
    Suggest(suggest::SuggestArgs),
    /// Show which rules were considered for an act, why each did or did not match, and which line to change
    Explain(explain::ExplainArgs),
}

/// Which set is meant.
#[derive(Args, Clone)]
pub(crate) struct SetArgs {
    /// A directory of rules, taken alone (default: this installation's)
    dir: Option<PathBuf>,
    /// A shipped preset instead
    #[arg(long, value_name = "NAME", conflicts_with = "dir")]
    preset: Option<String>,
}

impl SetArgs {
    /// Whether this installation's own set is meant.
    fn is_own(&self) -> bool {
        self.dir.is_none() && self.preset.is_none()
    }

    fn load(&self) -> Result<Policy, String> {
        policy_source::chosen(self.preset.as_deref(), self.dir.as_deref())
    }
}

/// Runs the verb.
pub(crate) fn main(args: &PolicyArgs) -> Result<ExitCode, String> {
    match &args.verb {
        PolicyVerb::Use { preset, json } => choose(preset, *json),
        PolicyVerb::Show { preset } => show(preset),
        PolicyVerb::Test { set, json } => test(set, *json),
        PolicyVerb::Lint(args) => lint::main(args),
        PolicyVerb::Replay(args) => replay::main(args),
        PolicyVerb::Suggest(args) => suggest::main(args),
        PolicyVerb::Explain(args) => explain::main(args),
    }
}

/// The file that `policy use` writes.
const CHOICE: &str = "00-preset.toml";

fn choose(preset: &str, json: bool) -> Result<ExitCode, String> {
    let names: Vec<&str> = presets().map(|(name, _)| name).collect();
    if !names.contains(&preset) {
        return Err(format!("there is no preset `{preset}`; there are {}", names.join(", ")));
    }
    let directory = Layout::from_environment()?.policy();
    let fail = |path: &Path, why: std::io::Error| format!("`{}`: {why}", path.display());
    host::files::private_directory(&directory).map_err(|why| fail(&directory, why))?;
    let path = directory.join(CHOICE);
    let text = format!(
        "# Written by `countersign policy use`. See `countersign policy show {preset}`.\npreset = \"{preset}\"\n"
    );
    let files = host::files::trusted_texts(&directory, "toml")?;
    let mut others: Vec<(String, String)> = files.into_iter().filter(|(name, _)| name != CHOICE).collect();
    others.insert(0, (CHOICE.to_owned(), text.clone()));
    policy_source::load(&Sources::files(others))?;
    host::files::replace(&path, text.as_bytes(), 0o600).map_err(|why| fail(&path, why))?;
    if json {
        println!(
            "{}",
            serde_json::json!({"file": path.display().to_string(), "preset": preset, "protects": preset != "observe"})
        );
        return Ok(ExitCode::SUCCESS);
    }
    println!("`{}` chooses {preset}; a running daemon takes it over by itself", path.display());
    if preset == "observe" {
        println!("THIS DOES NOT PROTECT: every decision is recorded, and everything runs.");
    }
    Ok(ExitCode::SUCCESS)
}

fn show(preset: &str) -> Result<ExitCode, String> {
    let names: Vec<&str> = presets().map(|(name, _)| name).collect();
    let found = presets().find(|(name, _)| *name == preset);
    let (_, files) = found.ok_or_else(|| format!("there is no preset `{preset}`; there are {}", names.join(", ")))?;
    for (name, text) in files {
        println!("# ── {name}\n{text}");
    }
    Ok(ExitCode::SUCCESS)
}

fn test(set: &SetArgs, json: bool) -> Result<ExitCode, String> {
    let directory = set.dir.clone().or_else(|| Layout::from_environment().ok().map(|it| it.policy()));
    if let Some(directory) = directory.filter(|it| set.preset.is_none() && !policy_source::guards(it).is_empty()) {
        // The daemon knows Cedar, this program does not: it loads the directory as it would.
        let own = std::env::current_exe()
            .map_err(|why| format!("cannot determine the path of the `countersign` executable: {why}"))?;
        let daemon = std::process::Command::new(own.with_file_name("countersignd"))
            .arg("--check-policy")
            .arg(&directory)
            .status();
        if !daemon.map_err(|why| format!("`countersignd` could not be started: {why}"))?.success() {
            return Ok(ExitCode::FAILURE);
        }
    }
    match stack::on_large_stack(|| policy_source::tried(set.preset.as_deref(), set.dir.as_deref()))
        .map_err(str::to_owned)?
    {
        Ok(policy) => {
            let (rules, examples) = (
                policy.rules().len(),
                policy.rules().iter().map(|it| it.matches.len().saturating_add(it.spares.len())).sum::<usize>(),
            );
            if json {
                println!(
                    "{}",
                    serde_json::json!({"holds": true, "policy": policy.digest().to_string(), "rules": rules, "examples": examples})
                );
            } else {
                println!("{rules} rules do what their {examples} examples say; policy {}", policy.digest());
            }
            Ok(ExitCode::SUCCESS)
        }
        Err(why) => {
            if json {
                println!("{}", serde_json::json!({"holds": false, "why": why}));
            } else {
                eprintln!("{why}");
            }
            Ok(ExitCode::FAILURE)
        }
    }
}
