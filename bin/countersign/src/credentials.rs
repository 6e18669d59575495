//! How a person proves who they are at the command line: a code, or a signature by OpenSSH.

use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use approval::NAMESPACE;
use clap::Args;
use protocol::{OperatorReply, OperatorRequest, Proof, SshSignature, Vouch};

use crate::operator_client::{OperatorClient, unexpected};

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
    /// Print what was done as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

impl ProofArgs {
    /// Whether a person's proof was offered.
    pub(crate) const fn is_given(&self) -> bool {
        self.reviewer.is_some() || self.code.is_some() || self.ssh_key.is_some()
    }
}

/// A change with the proof of a person: the proof covers the change, word for word.
pub(crate) fn prove_change(
    link: &OperatorClient,
    args: &ProofArgs,
    build: &dyn Fn(Vouch) -> OperatorRequest,
) -> Result<OperatorRequest, String> {
    let unproved = Vouch { reviewer: String::new(), proof: Proof::Totp(String::new()) };
    let text = protocol::change_text(&build(unproved)).ok_or("this change takes no proof")?;
    let by = vouch(link, args, &|| match link.ask(&OperatorRequest::Challenge)? {
        OperatorReply::Challenge { nonce, .. } => Ok((protocol::signed_change(&text, &nonce), Some(nonce))),
        _ => Err(unexpected()),
    })?;
    Ok(build(by))
}

/// What is signed, and what is fresh in it.
type SigningInput = (String, Option<String>);

/// The proof: a code, or a signature.
pub(crate) fn vouch(
    link: &OperatorClient,
    args: &ProofArgs,
    to_sign: &dyn Fn() -> Result<SigningInput, String>,
) -> Result<Vouch, String> {
    let reviewer = match &args.reviewer {
        Some(name) => name.clone(),
        None => only_reviewer(link)?,
    };
    let proof = match (&args.ssh_key, &args.code) {
        (Some(key), _) => {
            let (text, nonce) = to_sign()?;
            Proof::Ssh(SshSignature { signature: sign(key, &text)?, nonce })
        }
        (None, Some(code)) => Proof::Totp(code.trim().to_owned()),
        (None, None) => Proof::Totp(ask_code(&reviewer)?),
    };
    Ok(Vouch { reviewer, proof })
}

fn only_reviewer(link: &OperatorClient) -> Result<String, String> {
    match link.ask(&OperatorRequest::Reviewers)? {
        OperatorReply::Reviewers { reviewers } => match reviewers.as_slice() {
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
