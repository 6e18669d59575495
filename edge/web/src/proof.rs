//! Proofs as a request carries them.

use protocol::{PasskeyAssertion, Password, Proof, SshSignature, Vouch};
use serde::Deserialize;

use crate::problem::Problem;
use crate::session_extractor::Token;

/// The proof of a person: one of these. For an answer where the policy requires only a session,
/// none.
#[derive(Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Given {
    /// The six digits of their authenticator.
    code: Option<String>,
    /// With the code, to sign in: the password of a person who has one.
    password: Option<Password>,
    /// An SSH signature (PEM).
    signature: Option<String>,
    /// With the signature, for everything but an answer to a hold: what was fresh in it.
    nonce: Option<String>,
    /// A signature of a passkey.
    passkey: Option<PasskeyAssertion>,
}

impl Given {
    fn proof(self) -> Result<Option<Proof>, Problem> {
        if let Some(password) = self.password {
            return match (self.code, self.signature, self.passkey) {
                (Some(code), None, None) => Ok(Some(Proof::Account { password, code })),
                (_, _, _) => Err(Problem::malformed("a password goes with a `code`")),
            };
        }
        match (self.code, self.signature, self.passkey) {
            (Some(code), None, None) => Ok(Some(Proof::Totp(code))),
            (None, Some(signature), None) => Ok(Some(Proof::Ssh(SshSignature { signature, nonce: self.nonce }))),
            (None, None, Some(passkey)) => Ok(Some(Proof::Passkey(passkey))),
            (None, None, None) => Ok(None),
            (_, _, _) => Err(Problem::malformed("give one of `code`, `signature` and `passkey`")),
        }
    }

    /// Of a person who gives their name.
    pub(crate) fn named(self, reviewer: String) -> Result<Vouch, Problem> {
        let proof = self.proof()?.ok_or_else(|| Problem::malformed("give `code`, `signature` or `passkey`"))?;
        Ok(Vouch { reviewer, proof })
    }

    /// Of a signed-in person, for an answer: the session itself where nothing else is given.
    /// Whose it is, the daemon looks up.
    pub(crate) fn answering(self, token: &Token) -> Result<Vouch, Problem> {
        let proof = self.proof()?.unwrap_or_else(|| Proof::Session(token.0.clone()));
        Ok(Vouch { reviewer: String::new(), proof })
    }
}
