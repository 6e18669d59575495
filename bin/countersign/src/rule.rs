//! `countersign rule` and `countersign flag`: rules that were made, and operator flags.

use std::io::Read as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use host::clock;
use host::install_paths::Layout;
use protocol::{OperatorReply, OperatorRequest, RuleView};

use crate::credentials::{ProofArgs, prove_change};
use crate::operator_client::{OperatorClient, say_done, unexpected};
use crate::time_format;

#[derive(Args)]
pub(crate) struct RuleArgs {
    #[command(subcommand)]
    verb: RuleVerb,
}

#[derive(Subcommand)]
enum RuleVerb {
    /// List the rules in force, in the order in which they are tried
    Ls {
        /// As JSON
        #[arg(long)]
        json: bool,
        /// Also those that were removed
        #[arg(long)]
        all: bool,
    },
    /// Show one rule: its file, its author, reason and end
    Show {
        /// Its id
        id: String,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Add a rule: one `[[rule]]` with its examples, from a file or standard input (`-`)
    Add {
        /// The file
        file: PathBuf,
        /// Why
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        proof: ProofArgs,
    },
    /// Remove a rule that was made at run time. It stays visible in `rule ls --all` and in the record
    Rm {
        /// Its id
        id: String,
        #[command(flatten)]
        proof: ProofArgs,
    },
    /// Shorten a rule that was made at run time: it is removed, and made again with the new end
    Expire {
        /// Its id
        id: String,
        /// When: `30m`, `8h`, `7d`, or a date and time (RFC 3339)
        #[arg(long = "in", value_name = "TIME")]
        at: String,
        #[command(flatten)]
        proof: ProofArgs,
    },
}

/// The verb `rule`.
pub(crate) fn rule(args: &RuleArgs) -> Result<ExitCode, String> {
    let link = OperatorClient::connect(&Layout::from_environment()?)?;
    match &args.verb {
        RuleVerb::Ls { json, all } => list(&link, *json, *all),
        RuleVerb::Show { id, json } => show(&link, id, *json),
        RuleVerb::Add { file, reason, proof } => {
            let text = text_of(file)?;
            tell(&add(&link, text, None, reason, proof)?, proof)
        }
        RuleVerb::Rm { id, proof } => tell(&remove(&link, id, proof)?, proof),
        RuleVerb::Expire { id, at, proof } => expire(&link, id, at, proof),
    }
}

fn tell(what: &str, proof: &ProofArgs) -> Result<ExitCode, String> {
    say_done(what, proof.json);
    Ok(ExitCode::SUCCESS)
}

fn text_of(file: &PathBuf) -> Result<String, String> {
    let fail = |why: std::io::Error| format!("`{}`: {why}", file.display());
    if file.as_os_str() == "-" {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).map_err(fail)?;
        return Ok(text);
    }
    std::fs::read_to_string(file).map_err(fail)
}

/// Adds a rule with a person's proof.
pub(crate) fn add(
    link: &OperatorClient,
    text: String,
    request: Option<String>,
    reason: &str,
    proof: &ProofArgs,
) -> Result<String, String> {
    let build =
        |by| OperatorRequest::AddRule { text: text.clone(), request: request.clone(), reason: reason.to_owned(), by };
    done(link.ask(&prove_change(link, proof, &build)?)?)
}

fn remove(link: &OperatorClient, id: &str, proof: &ProofArgs) -> Result<String, String> {
    let build = |by| OperatorRequest::RemoveRule { id: id.to_owned(), by };
    done(link.ask(&prove_change(link, proof, &build)?)?)
}

fn done(heard: OperatorReply) -> Result<String, String> {
    match heard {
        OperatorReply::Done { what } => Ok(what),
        _ => Err(unexpected()),
    }
}

fn expire(link: &OperatorClient, id: &str, at: &str, proof: &ProofArgs) -> Result<ExitCode, String> {
    let end = time_format::end(at, clock::now_ms())?;
    let build = |by| OperatorRequest::ExpireRule { id: id.to_owned(), end: end.clone(), by };
    tell(&done(link.ask(&prove_change(link, proof, &build)?)?)?, proof)
}

fn all_rules(link: &OperatorClient) -> Result<Vec<RuleView>, String> {
    match link.ask(&OperatorRequest::Rules)? {
        OperatorReply::Rules { rules, .. } => Ok(rules),
        _ => Err(unexpected()),
    }
}

fn list(link: &OperatorClient, json: bool, all: bool) -> Result<ExitCode, String> {
    let OperatorReply::Rules { rules, policy, mode, refused } = link.ask(&OperatorRequest::Rules)? else {
        return Err(unexpected());
    };
    let shown: Vec<&RuleView> = rules.iter().filter(|rule| all || rule.removed.is_none()).collect();
    if json {
        println!("{}", serde_json::to_string_pretty(&shown).map_err(|why| why.to_string())?);
        return Ok(ExitCode::SUCCESS);
    }
    println!("policy {policy} ({mode}), {} rules", rules.iter().filter(|rule| rule.removed.is_none()).count());
    if mode == "observe" {
        println!("THIS POLICY ONLY WATCHES. Nothing is held or denied.");
    }
    if let Some(why) = refused {
        println!("the newest files are refused, and the policy before them is in force:\n{why}");
    }
    for rule in shown {
        let end = rule.expires_ms.map_or_else(String::new, |ms| format!(", until {}", time_format::shown(ms)));
        let gone = rule
            .removed
            .as_ref()
            .map_or_else(String::new, |(ms, by)| format!(", removed {} by {by}", time_format::shown(*ms)));
        println!("{:<7} {:<36} {}{end}{gone}", rule.verdict, rule.id, rule.reason.as_deref().unwrap_or(""));
    }
    Ok(ExitCode::SUCCESS)
}

fn show(link: &OperatorClient, id: &str, json: bool) -> Result<ExitCode, String> {
    let rules = all_rules(link)?;
    let rule = rules.iter().find(|rule| rule.id == id);
    let rule = rule.ok_or_else(|| format!("there is no rule `{id}`; see `countersign rule ls --all`"))?;
    if json {
        println!("{}", serde_json::to_string_pretty(rule).map_err(|why| why.to_string())?);
        return Ok(ExitCode::SUCCESS);
    }
    println!("{}: {}", rule.id, rule.verdict);
    println!("  written   {}", rule.place);
    if let Some(reason) = &rule.reason {
        println!("  reason    {reason}");
    }
    if let (Some(author), Some(created)) = (&rule.author, rule.created_ms) {
        println!("  made by   {author}, {}", time_format::shown(created));
    }
    if let Some(request) = &rule.request {
        println!("  from      the approval of request {request}");
    }
    if let Some(ms) = rule.expires_ms {
        println!("  until     {}", time_format::shown(ms));
    }
    if let Some((ms, by)) = &rule.removed {
        println!("  removed   {} by {by}", time_format::shown(*ms));
    }
    if let Some(text) = &rule.text {
        println!("\n{}", text.trim_end());
    }
    Ok(ExitCode::SUCCESS)
}

#[derive(Args)]
pub(crate) struct FlagArgs {
    #[command(subcommand)]
    verb: FlagVerb,
}

#[derive(Subcommand)]
enum FlagVerb {
    /// List the flags that are set
    Ls {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Set a flag: `incident`, `freeze`, `stop`, `stop:AGENT` and `stop:AGENT/SESSION` without a proof, any other with a reviewer's.
    /// A stop denies what waits and ends what runs; rules use the other flags in `when.flag`
    Set {
        /// Its name
        name: String,
        #[command(flatten)]
        proof: ProofArgs,
    },
    /// Clear a flag, with a reviewer's proof
    Clear {
        /// Its name
        name: String,
        #[command(flatten)]
        proof: ProofArgs,
    },
}

/// The verb `flag`.
pub(crate) fn flag(args: &FlagArgs) -> Result<ExitCode, String> {
    let link = OperatorClient::connect(&Layout::from_environment()?)?;
    let (name, on, proof) = match &args.verb {
        FlagVerb::Ls { json } => {
            let OperatorReply::Flags { flags } = link.ask(&OperatorRequest::Flags)? else { return Err(unexpected()) };
            if *json {
                println!("{}", serde_json::to_string_pretty(&flags).map_err(|why| why.to_string())?);
            } else if flags.is_empty() {
                println!("no flag is set");
            }
            for flag in flags.iter().filter(|_| !*json) {
                println!("{:<24} by {}, {}", flag.name, flag.set_by, time_format::shown(flag.set_ms));
            }
            return Ok(ExitCode::SUCCESS);
        }
        FlagVerb::Set { name, proof } => (name, true, proof),
        FlagVerb::Clear { name, proof } => (name, false, proof),
    };
    let free = on && (matches!(name.as_str(), "incident" | "freeze" | "stop") || name.starts_with("stop:"));
    let says = if free {
        OperatorRequest::Flag { name: name.clone(), on, by: None }
    } else {
        prove_change(&link, proof, &|by| OperatorRequest::Flag { name: name.clone(), on, by: Some(by) })?
    };
    tell(&done(link.ask(&says)?)?, proof)
}
