//! The verb `agent`: identities of agents.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use host::install_paths::Layout;
use protocol::{AgentAttributes, OperatorReply, OperatorRequest};
use serde_json::json;

use crate::credentials::{ProofArgs, prove_change};
use crate::operator_client::{OperatorClient, print_done, unexpected};

#[derive(Args)]
pub(crate) struct AgentArgs {
    #[command(subcommand)]
    verb: AgentVerb,
}

#[derive(Subcommand)]
enum AgentVerb {
    /// Enrol an agent and make its key
    Add {
        /// Its name
        name: String,
        /// The person or team that answers for it; their approvals do not count for it
        #[arg(long)]
        owner: String,
        /// The agent on whose orders it acts. That agent's owner cannot approve either, and a stop of that agent stops both
        #[arg(long, value_name = "AGENT")]
        under: Option<String>,
        /// Only this user id may use the key
        #[arg(long)]
        uid: Option<u32>,
        /// Write the key into the agent's key file instead of printing it
        #[arg(long)]
        save: bool,
        #[command(flatten)]
        place: PlaceArgs,
        #[command(flatten)]
        proof: ProofArgs,
    },
    /// Set an agent's environment, groups and trust, with a reviewer's proof (not its owner's)
    Set {
        /// Its name
        name: String,
        #[command(flatten)]
        place: PlaceArgs,
        #[command(flatten)]
        proof: ProofArgs,
    },
    /// Remove an agent: its key is refused from now on, and its running and waiting acts end
    Rm {
        /// Its name
        name: String,
        #[command(flatten)]
        proof: ProofArgs,
    },
    /// Give an agent a new key: the old one is refused from now on, and its running and waiting acts end
    Rotate {
        /// Its name
        name: String,
        /// Write the new key into the agent's key file instead of printing it
        #[arg(long)]
        save: bool,
        #[command(flatten)]
        proof: ProofArgs,
    },
    /// List them
    Ls {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
}

/// Where an agent belongs. Rules look at it in `when`.
#[derive(Args)]
struct PlaceArgs {
    /// The environment that it works in, such as `staging`
    #[arg(long)]
    env: Option<String>,
    /// A group that it is in; may be given several times
    #[arg(long = "group", value_name = "NAME")]
    groups: Vec<String>,
    /// How far it is trusted, 0 to 4
    #[arg(long, default_value_t = 1)]
    trust: u8,
}

impl PlaceArgs {
    fn view(&self) -> AgentAttributes {
        AgentAttributes { env: self.env.clone(), groups: self.groups.clone(), trust: self.trust }
    }
}

/// The verb `agent`.
pub(crate) fn agent(args: &AgentArgs) -> Result<ExitCode, String> {
    let layout = Layout::from_environment()?;
    let link = OperatorClient::connect(&layout)?;
    match &args.verb {
        AgentVerb::Set { name, place, proof } => {
            let build = |by| OperatorRequest::PlaceAgent { name: name.clone(), place: place.view(), by };
            print_done(&link, &prove_change(&link, proof, &build)?, proof.json)?;
        }
        AgentVerb::Add { name, owner, under, uid, save, place, proof } => {
            let (name, owner) = (name.clone(), owner.clone());
            let build = |by| {
                let (name, owner) = (name.clone(), owner.clone());
                OperatorRequest::AddAgent { name, owner, under: under.clone(), uid: *uid, place: place.view(), by }
            };
            let say = if proof.is_given() { prove_change(&link, proof, &|by| build(Some(by)))? } else { build(None) };
            let OperatorReply::Agent { key } = link.ask(&say)? else { return Err(unexpected()) };
            hand_over_key(&layout, &NewKey { agent: &name, owner: Some(&owner), key: &key }, *save, proof.json)?;
        }
        AgentVerb::Rotate { name, save, proof } => {
            let build = |by| OperatorRequest::RotateAgentKey { name: name.clone(), by };
            let say = if proof.is_given() { prove_change(&link, proof, &|by| build(Some(by)))? } else { build(None) };
            let OperatorReply::Agent { key } = link.ask(&say)? else { return Err(unexpected()) };
            hand_over_key(&layout, &NewKey { agent: name, owner: None, key: &key }, *save, proof.json)?;
        }
        AgentVerb::Rm { name, proof } => {
            let build = |by| OperatorRequest::RemoveAgent { name: name.clone(), by };
            let say = if proof.is_given() { prove_change(&link, proof, &|by| build(Some(by)))? } else { build(None) };
            print_done(&link, &say, proof.json)?;
        }
        AgentVerb::Ls { json } => {
            let OperatorReply::Agents { agents } = link.ask(&OperatorRequest::Agents)? else {
                return Err(unexpected());
            };
            if *json {
                println!("{}", serde_json::to_string_pretty(&agents).map_err(|why| why.to_string())?);
            } else if agents.is_empty() {
                println!("no agents; make one with `countersign agent add NAME --owner WHO`");
            }
            for agent in agents.iter().filter(|_| !*json) {
                let uid = agent.uid.map_or("any user".to_owned(), |uid| format!("user {uid}"));
                let under = agent.under.as_ref().map_or(String::new(), |it| format!(", under {it}"));
                println!("{:<24} owner {:<24} {uid}{under}", agent.name, agent.owner);
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// A key that was just made.
struct NewKey<'a> {
    agent: &'a str,
    owner: Option<&'a str>,
    key: &'a str,
}

/// Prints the key, once, or writes it into the agent's key file.
fn hand_over_key(layout: &Layout, new: &NewKey<'_>, save: bool, json: bool) -> Result<(), String> {
    let NewKey { agent, owner, key } = new;
    let path = layout.agent_key(agent);
    if save {
        let fail =
            |why: std::io::Error| format!("`{}`: {why}; this is the key, keep it yourself: {key}", path.display());
        if let Some(parent) = path.parent() {
            host::files::private_directory(parent).map_err(fail)?;
        }
        host::files::replace(&path, format!("{key}\n").as_bytes(), 0o600).map_err(fail)?;
    }
    match (json, save) {
        (true, true) => println!("{}", json!({"agent": agent, "key_file": path.display().to_string()})),
        (true, false) => println!("{}", json!({"agent": agent, "key": key})),
        (false, true) => {
            let owner = owner.map_or(String::new(), |owner| format!(" (owner {owner})"));
            println!("agent {agent}{owner}; its key is in {}", path.display());
        }
        (false, false) => {
            println!("{key}");
            eprintln!(
                "This key is shown once and stored only as a digest. Give it to the agent as COUNTERSIGN_KEY, or as a file with --key-file."
            );
            if path.exists() {
                eprintln!("`{}` still has an older key: write this one into it, or use `--save`.", path.display());
            }
        }
    }
    Ok(())
}
