//! Agents, reviewers, and answers.

use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use approval::{NAMESPACE, Said, SshIdentity, approval_message};
use clap::{Args, Subcommand};
use host::layout::Layout;
use model::{Digest, HoldId, RequestDigest};
use wire::{OperatorHears, OperatorSays, Proof, Vouch};

use crate::operator_link::{OperatorLink, unexpected};
use crate::review;

/// Who answers, and with what proof.
#[derive(Args, Clone)]
pub(crate) struct ProofArgs {
    /// Who you are (the name you enrolled with)
    #[arg(long = "as", env = "COUNTERSIGN_REVIEWER", value_name = "NAME")]
    pub(crate) reviewer: Option<String>,
    /// The six digits that your authenticator shows now (asked for if left out)
    #[arg(long, conflicts_with = "ssh_key")]
    pub(crate) code: Option<String>,
    /// Sign with this SSH key instead (private key file, or the `.pub` of a key in your SSH agent)
    #[arg(long, value_name = "FILE", env = "COUNTERSIGN_SSH_KEY")]
    pub(crate) ssh_key: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct AnswerArgs {
    /// The hold, or a part of its id that no other open hold has
    id: String,
    #[command(flatten)]
    proof: ProofArgs,
}

/// `approve` and `deny`.
pub(crate) fn answer(said: &str, args: &AnswerArgs) -> Result<ExitCode, String> {
    let said = Said::parse(said).ok_or("approve or deny")?;
    let layout = Layout::from_environment()?;
    let link = OperatorLink::connect(&layout)?;
    let hold = link.hold(&args.id)?;
    print!("{}", review::describe(&hold));
    let line = give(&link, &hold, said, &args.proof)?;
    println!("{line}");
    Ok(ExitCode::SUCCESS)
}

/// Gives an answer to a hold and says what became of it.
pub(crate) fn give(link: &OperatorLink, hold: &wire::HoldView, said: Said, args: &ProofArgs) -> Result<String, String> {
    let id = HoldId::parse(&hold.id).map_err(|why| why.to_string())?;
    let request = RequestDigest::carried(Digest::parse(&hold.request).map_err(|why| why.to_string())?);
    let by = vouch(link, args, said, &id, &request)?;
    match link.ask(&OperatorSays::Answer { hold: hold.id.clone(), said: said.as_str().to_owned(), by })? {
        OperatorHears::Answered { state, agreed, needed } if state == "open" => {
            Ok(format!("{}: counted; {agreed} of {needed} people agreed so far", hold.id))
        }
        OperatorHears::Answered { state, .. } => Ok(format!("{}: {state}", hold.id)),
        _ => Err(unexpected()),
    }
}

/// The proof: a code, or a signature over answer, hold and request.
fn vouch(
    link: &OperatorLink,
    args: &ProofArgs,
    said: Said,
    hold: &HoldId,
    request: &RequestDigest,
) -> Result<Vouch, String> {
    let reviewer = match &args.reviewer {
        Some(name) => name.clone(),
        None => only_reviewer(link)?,
    };
    let proof = match (&args.ssh_key, &args.code) {
        (Some(key), _) => Proof::Ssh(sign(key, &approval_message(said, hold, request))?),
        (None, Some(code)) => Proof::Totp(code.trim().to_owned()),
        (None, None) => Proof::Totp(ask_code(&reviewer)?),
    };
    Ok(Vouch { reviewer, proof })
}

fn only_reviewer(link: &OperatorLink) -> Result<String, String> {
    match link.ask(&OperatorSays::Reviewers)? {
        OperatorHears::Reviewers { reviewers } => match reviewers.as_slice() {
            [one] => Ok(one.name.clone()),
            [] => Err("no reviewer is enrolled; enrol with `countersign reviewer add NAME`".to_owned()),
            _ => Err("who are you? Say `--as NAME`, or set COUNTERSIGN_REVIEWER".to_owned()),
        },
        _ => Err(unexpected()),
    }
}

fn ask_code(reviewer: &str) -> Result<String, String> {
    if !std::io::stdin().is_terminal() {
        return Err("no code: say `--code DIGITS` or `--ssh-key FILE`".to_owned());
    }
    eprint!("Code of {reviewer}'s authenticator: ");
    let _ = std::io::stderr().flush();
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).map_err(|why| why.to_string())?;
    Ok(line.trim().to_owned())
}

/// A signature by OpenSSH's own tool, so that keys stay where they are: files, agents, hardware.
fn sign(key: &Path, message: &str) -> Result<String, String> {
    let mut child = Command::new("ssh-keygen")
        .args(["-Y", "sign", "-q", "-n", NAMESPACE, "-f"])
        .arg(key)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|why| format!("`ssh-keygen` could not be started ({why}); it comes with OpenSSH"))?;
    if let Some(mut input) = child.stdin.take() {
        input.write_all(message.as_bytes()).map_err(|why| why.to_string())?;
    }
    let output = child.wait_with_output().map_err(|why| why.to_string())?;
    if !output.status.success() {
        return Err(format!("`ssh-keygen` did not sign with `{}`", key.display()));
    }
    String::from_utf8(output.stdout).map_err(|_| "`ssh-keygen` printed no signature".to_owned())
}

#[derive(Args)]
pub(crate) struct AgentArgs {
    #[command(subcommand)]
    verb: AgentVerb,
}

#[derive(Subcommand)]
enum AgentVerb {
    /// Make an identity with a key
    Add {
        /// Its name
        name: String,
        /// The person who answers for it; this person's approvals do not count for it
        #[arg(long)]
        owner: String,
        /// Only this user id may use the key
        #[arg(long)]
        uid: Option<u32>,
        /// Put the key into the agent's key file instead of printing it
        #[arg(long)]
        save: bool,
    },
    /// List them
    Ls {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
}

/// The verb `agent`.
pub(crate) fn agent(args: &AgentArgs) -> Result<ExitCode, String> {
    let layout = Layout::from_environment()?;
    let link = OperatorLink::connect(&layout)?;
    match &args.verb {
        AgentVerb::Add { name, owner, uid, save } => {
            let say = OperatorSays::AddAgent { name: name.clone(), owner: owner.clone(), uid: *uid };
            let OperatorHears::Agent { key } = link.ask(&say)? else { return Err(unexpected()) };
            if *save {
                let path = layout.agent_key(name);
                let fail = |why: std::io::Error| {
                    format!("`{}`: {why}; this is the key, keep it yourself: {key}", path.display())
                };
                if let Some(parent) = path.parent() {
                    host::files::private_directory(parent).map_err(fail)?;
                }
                host::files::replace(&path, format!("{key}\n").as_bytes(), 0o600).map_err(fail)?;
                println!("agent {name} (owner {owner}); its key is in {}", path.display());
            } else {
                println!("{key}");
                eprintln!(
                    "This key is shown once and stored only as a digest. Give it to the agent as COUNTERSIGN_KEY, or as a file with --key-file."
                );
            }
        }
        AgentVerb::Ls { json } => {
            let OperatorHears::Agents { agents } = link.ask(&OperatorSays::Agents)? else { return Err(unexpected()) };
            if *json {
                println!("{}", serde_json::to_string_pretty(&agents).map_err(|why| why.to_string())?);
            } else if agents.is_empty() {
                println!("no agents; make one with `countersign agent add NAME --owner WHO`");
            }
            for agent in agents.iter().filter(|_| !*json) {
                let uid = agent.uid.map_or("any user".to_owned(), |uid| format!("user {uid}"));
                println!("{:<24} owner {:<24} {uid}", agent.name, agent.owner);
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

#[derive(Args)]
pub(crate) struct ReviewerArgs {
    #[command(subcommand)]
    verb: ReviewerVerb,
}

#[derive(Subcommand)]
enum ReviewerVerb {
    /// Enrol somebody. The first is taken as they come; for every further one, somebody enrolled vouches
    Add {
        /// Name
        name: String,
        /// An SSH public key (file); without it, a code generator is set up with a QR code
        #[arg(long, value_name = "FILE")]
        key: Option<PathBuf>,
        /// The reviewer who vouches
        #[arg(long, value_name = "NAME")]
        vouched_by: Option<String>,
        /// The code of whoever vouches (asked for if left out)
        #[arg(long, requires = "vouched_by")]
        code: Option<String>,
        /// The SSH key of whoever vouches
        #[arg(long, requires = "vouched_by", value_name = "FILE")]
        ssh_key: Option<PathBuf>,
        /// Print the key URI as text, without the QR code
        #[arg(long)]
        no_qr: bool,
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
    let link = OperatorLink::connect(&layout)?;
    match &args.verb {
        ReviewerVerb::Add { name, key, vouched_by, code, ssh_key, no_qr } => {
            let line = key.as_ref().map(|path| read_public_key(path)).transpose()?;
            let vouch = match vouched_by {
                None => None,
                Some(by) => {
                    let text = format!("{name}\n{}", line.as_deref().unwrap_or("totp"));
                    let request = RequestDigest::carried(Digest::within("countersign/enrol/v1", text.as_bytes()));
                    let proof = ProofArgs { reviewer: Some(by.clone()), code: code.clone(), ssh_key: ssh_key.clone() };
                    Some(self::vouch(&link, &proof, Said::Yes, &HoldId::new(0, 0), &request)?)
                }
            };
            let say = OperatorSays::AddReviewer { name: name.clone(), ssh_key: line, vouch };
            let OperatorHears::Reviewer { totp_uri } = link.ask(&say)? else { return Err(unexpected()) };
            enrolled(name, totp_uri.as_deref(), *no_qr);
        }
        ReviewerVerb::Ls { json } => {
            let OperatorHears::Reviewers { reviewers } = link.ask(&OperatorSays::Reviewers)? else {
                return Err(unexpected());
            };
            if *json {
                println!("{}", serde_json::to_string_pretty(&reviewers).map_err(|why| why.to_string())?);
            } else if reviewers.is_empty() {
                println!("no reviewers; enrol with `countersign reviewer add NAME`");
            }
            for reviewer in reviewers.iter().filter(|_| !*json) {
                println!("{:<24} {}", reviewer.name, reviewer.factor);
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
