//! The verb `reviewer`: people who answer holds.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use approval::SshIdentity;
use clap::{Args, Subcommand};
use host::install_paths::Layout;
use protocol::{OperatorReply, OperatorRequest, ReviewerAttributes};
use serde_json::json;

use crate::credentials::{ProofArgs, prove_change};
use crate::operator_client::{OperatorClient, print_done, unexpected};

#[derive(Args)]
pub(crate) struct ReviewerArgs {
    #[command(subcommand)]
    verb: ReviewerVerb,
}

#[derive(Subcommand)]
enum ReviewerVerb {
    /// Enrol a person. The first is trusted on first use and is an operator; an operator vouches for every other
    Add {
        /// Name
        name: String,
        /// An SSH public key (file); without it, a QR code sets up an authenticator app
        #[arg(long, value_name = "FILE")]
        key: Option<PathBuf>,
        /// What they may do: auditor, viewer, reviewer, senior, operator. The first person is an operator
        #[arg(long, default_value = "reviewer")]
        role: String,
        /// A group that they are in, which rules name as `@GROUP`; may be given several times
        #[arg(long = "group", value_name = "NAME")]
        groups: Vec<String>,
        /// The operator who vouches
        #[arg(long, value_name = "NAME")]
        vouched_by: Option<String>,
        /// The code of the operator who vouches (asked for if left out)
        #[arg(long, requires = "vouched_by")]
        code: Option<String>,
        /// The SSH key of the operator who vouches
        #[arg(long, requires = "vouched_by", value_name = "FILE")]
        ssh_key: Option<PathBuf>,
        /// Print the key URI as text, without the QR code
        #[arg(long)]
        no_qr: bool,
        /// Print what was done as JSON, with the key URI and without the QR code
        #[arg(long)]
        json: bool,
    },
    /// Make a one-time link with which a person enrols in the browser. The first person needs no operator to vouch
    Invite {
        /// Name. The first person may choose it
        name: Option<String>,
        /// What they may do: auditor, viewer, reviewer, senior, operator. The first person is an operator
        #[arg(long, default_value = "reviewer")]
        role: String,
        /// A group that they are in; may be given several times
        #[arg(long = "group", value_name = "NAME")]
        groups: Vec<String>,
        /// The address of the page
        #[arg(long, value_name = "URL", default_value = "http://localhost:7443")]
        page: String,
        #[command(flatten)]
        proof: ProofArgs,
    },
    /// Open a hold that must be denied and never runs, to test whether reviewers read; `log show --grep canary` shows the answers
    Canary {
        /// The agent that seems to ask
        #[arg(long)]
        agent: String,
        /// The command it seems to ask for. The policy must ask about it
        #[arg(long, default_value = "rm -rf /srv/backup")]
        command: String,
        #[command(flatten)]
        proof: ProofArgs,
    },
    /// Change a person's role and groups, with an operator's proof
    Set {
        /// Name
        name: String,
        /// What they may do: auditor, viewer, reviewer, senior, operator
        #[arg(long)]
        role: String,
        /// A group that they are in; may be given several times. They leave all others
        #[arg(long = "group", value_name = "NAME")]
        groups: Vec<String>,
        #[command(flatten)]
        proof: ProofArgs,
    },
    /// Remove a person, with an operator's proof: they can no longer answer
    Rm {
        /// Name
        name: String,
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

/// The verb `reviewer`.
pub(crate) fn reviewer(args: &ReviewerArgs) -> Result<ExitCode, String> {
    let layout = Layout::from_environment()?;
    let link = OperatorClient::connect(&layout)?;
    match &args.verb {
        ReviewerVerb::Set { name, role, groups, proof } => {
            let place = ReviewerAttributes { role: role.clone(), groups: groups.clone() };
            let build = |by| OperatorRequest::PlaceReviewer { name: name.clone(), place: place.clone(), by };
            print_done(&link, &prove_change(&link, proof, &build)?, proof.json)?;
        }
        ReviewerVerb::Invite { name, role, groups, page, proof } => {
            let place = ReviewerAttributes { role: role.clone(), groups: groups.clone() };
            let build = |by| OperatorRequest::Invite { name: name.clone(), place: place.clone(), by };
            let OperatorReply::Reviewers { reviewers } = link.ask(&OperatorRequest::Reviewers)? else {
                return Err(unexpected());
            };
            let say =
                if reviewers.is_empty() { build(None) } else { prove_change(&link, proof, &|by| build(Some(by)))? };
            let OperatorReply::Invited { token, .. } = link.ask(&say)? else { return Err(unexpected()) };
            let link = format!("{}/#setup={token}", page.trim_end_matches('/'));
            if proof.json {
                println!("{}", json!({"link": link}));
            } else {
                println!("{link}");
            }
            eprintln!("The link works once. Anyone who has it can enrol as this person, so give it to no one else.");
        }
        ReviewerVerb::Canary { agent, command, proof } => {
            let build = |by| OperatorRequest::Canary { agent: agent.clone(), command: command.clone(), by };
            print_done(&link, &prove_change(&link, proof, &build)?, proof.json)?;
        }
        ReviewerVerb::Rm { name, proof } => {
            let build = |by| OperatorRequest::RemoveReviewer { name: name.clone(), by };
            print_done(&link, &prove_change(&link, proof, &build)?, proof.json)?;
        }
        ReviewerVerb::Add { name, key, role, groups, vouched_by, code, ssh_key, no_qr, json } => {
            let line = key.as_ref().map(|path| read_public_key(path)).transpose()?;
            let place = ReviewerAttributes { role: role.clone(), groups: groups.clone() };
            let build = |vouch| {
                let (name, ssh_key, place) = (name.clone(), line.clone(), place.clone());
                OperatorRequest::AddReviewer { name, ssh_key, place, vouch }
            };
            let say = match vouched_by {
                None => build(None),
                Some(by) => {
                    let (reviewer, code, ssh_key) = (Some(by.clone()), code.clone(), ssh_key.clone());
                    let proof = ProofArgs { reviewer, code, ssh_key, json: *json };
                    prove_change(&link, &proof, &|by| build(Some(by)))?
                }
            };
            let OperatorReply::Reviewer { totp_uri } = link.ask(&say)? else { return Err(unexpected()) };
            if *json {
                println!("{}", json!({"reviewer": name, "totp_uri": totp_uri}));
            } else {
                enrolled(name, totp_uri.as_deref(), *no_qr);
            }
        }
        ReviewerVerb::Ls { json } => {
            let OperatorReply::Reviewers { reviewers } = link.ask(&OperatorRequest::Reviewers)? else {
                return Err(unexpected());
            };
            if *json {
                println!("{}", serde_json::to_string_pretty(&reviewers).map_err(|why| why.to_string())?);
            } else if reviewers.is_empty() {
                println!("no reviewers; enrol with `countersign reviewer add NAME`");
            }
            for reviewer in reviewers.iter().filter(|_| !*json) {
                let groups: String = reviewer.place.groups.iter().map(|group| format!(" @{group}")).collect();
                println!("{:<24} {:<9} {}{groups}", reviewer.name, reviewer.place.role, reviewer.factor);
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn read_public_key(path: &Path) -> Result<String, String> {
    let bytes = host::files::read_small(path, 64 * 1024).map_err(|why| format!("`{}`: {why}", path.display()))?;
    let text = bytes
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or_else(|| format!("`{}` is no public key", path.display()))?;
    SshIdentity::parse(&text).map(|identity| identity.to_line()).map_err(|why| format!("`{}`: {why}", path.display()))
}

fn enrolled(name: &str, totp_uri: Option<&str>, no_qr: bool) {
    let Some(uri) = totp_uri else {
        println!("reviewer {name}, with an SSH key. Answer with: countersign approve ID --as {name} --ssh-key FILE");
        return;
    };
    let code = qrcode::QrCode::new(uri.as_bytes()).ok().filter(|_| !no_qr);
    if let Some(code) = code {
        println!("Scan this with an authenticator app. It is shown once:\n");
        // Light on dark, as most terminals are: the code's dark modules are left blank.
        use qrcode::render::unicode::Dense1x2;
        let mut image = code.render::<Dense1x2>();
        println!("{}", image.dark_color(Dense1x2::Light).light_color(Dense1x2::Dark).quiet_zone(true).build());
    }
    println!("{uri}");
    println!("\nreviewer {name}. Answer with: countersign review --as {name}");
}
