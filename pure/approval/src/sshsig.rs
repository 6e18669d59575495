//! Answers signed with an SSH key (the `SSHSIG` format of OpenSSH's PROTOCOL.sshsig), as `ssh-keygen -Y sign` makes.

use std::fmt;

use model::{HoldId, RequestDigest};
use ssh_key::{PublicKey, SshSig};

use crate::hold::Vote;

/// The namespace of our signatures: one made for mail or for git cannot be used here.
pub const NAMESPACE: &str = "approval@countersign";

/// A reviewer's public key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SshIdentity(PublicKey);

/// Why a key or signature is refused.
#[derive(Debug, PartialEq, Eq)]
pub enum SshRefused {
    /// Not an OpenSSH public key that we can check; Ed25519 is.
    Key,
    /// Not a signature in SSHSIG form.
    Form,
    /// The signature is not by this key over this answer.
    Wrong,
}

impl fmt::Display for SshRefused {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Key => "not an OpenSSH Ed25519 public key (make one with `ssh-keygen -t ed25519`)",
            Self::Form => "not an SSH signature as `ssh-keygen -Y sign` makes it",
            Self::Wrong => "the signature does not fit this answer, or is by another key",
        })
    }
}

impl std::error::Error for SshRefused {}

/// What is signed of an answer: it, the hold and the digest of the request, so that it serves nothing else.
pub fn approval_message(said: Vote, hold: &HoldId, request: &RequestDigest) -> String {
    format!("countersign answer v1\nanswer {}\nhold {hold}\nrequest {request}\n", said.as_str())
}

impl SshIdentity {
    /// Reads a line of a `.pub` file.
    pub fn parse(line: &str) -> Result<Self, SshRefused> {
        let key = PublicKey::from_openssh(line.trim()).map_err(|_| SshRefused::Key)?;
        if key.algorithm() == ssh_key::Algorithm::Ed25519 { Ok(Self(key)) } else { Err(SshRefused::Key) }
    }

    /// The key as one line, without its comment.
    pub fn to_line(&self) -> String {
        let mut key = self.0.clone();
        key.set_comment("");
        key.to_openssh().unwrap_or_default().trim().to_owned()
    }

    /// Checks a signature (PEM) over a text.
    pub fn check(&self, pem: &str, text: &str) -> Result<(), SshRefused> {
        let signature = pem.parse::<SshSig>().map_err(|_| SshRefused::Form)?;
        self.0.verify(NAMESPACE, text.as_bytes(), &signature).map_err(|_| SshRefused::Wrong)
    }
}
