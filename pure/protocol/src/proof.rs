//! Proofs of identity.

use serde::{Deserialize, Serialize};

/// A rule to be made of an approval.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RuleWish {
    /// The rule, as in a file.
    pub text: String,
    /// The reason.
    pub reason: String,
    /// A signature covers one thing, so a rule takes one of its own; a code covers the whole message.
    pub by: Option<Vouch>,
}

/// A reviewer and the proof that it is them.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Vouch {
    /// The reviewer.
    pub reviewer: String,
    /// How we know.
    pub proof: Proof,
}

/// Proof of a person.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Proof {
    /// A code of their authenticator.
    Totp(String),
    /// A signature of an SSH key.
    Ssh(SshSignature),
    /// A signature of a passkey.
    Passkey(PasskeyAssertion),
    /// A password and a code of their authenticator: to sign in.
    Account {
        /// The password.
        password: Password,
        /// The code.
        code: String,
    },
    /// The token of a session: for holds where the policy requires only a session.
    Session(String),
}

/// A password on its way. It is never printed.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct Password(pub String);

impl std::fmt::Debug for Password {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Password(..)")
    }
}

/// What a browser gives of a passkey's signature, each in base64url without padding (Web Authentication Level 3).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PasskeyAssertion {
    /// Which passkey.
    pub credential: String,
    /// `clientDataJSON`.
    pub client_data: String,
    /// `authenticatorData`.
    pub authenticator_data: String,
    /// The signature.
    pub signature: String,
    /// For everything but an answer to a hold: what was fresh in it, from [`OperatorReply::Challenge`].
    #[serde(default)]
    pub nonce: Option<String>,
}

/// A signature of an SSH key.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SshSignature {
    /// The signature (PEM).
    pub signature: String,
    /// For everything but an answer to a hold: what was fresh in it, from [`OperatorReply::Challenge`].
    #[serde(default)]
    pub nonce: Option<String>,
}

/// The authority to enrol a factor.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum EnrolmentAuthority {
    /// An invitation.
    Invite {
        /// Its token.
        token: String,
        /// The name, where the invitation has none.
        name: Option<String>,
    },
    /// A recovery code of a person who lost their factors.
    Recovery {
        /// Name.
        name: String,
        /// The code.
        code: String,
    },
    /// A proof: the person enrols a further factor.
    Own {
        /// Who, and the proof.
        by: Vouch,
    },
}

/// The factor to enrol.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum NewFactor {
    /// A code generator, shown to work by a code of it.
    Totp(String),
    /// A passkey.
    Passkey {
        /// `clientDataJSON`, base64url.
        client_data: String,
        /// `authenticatorData`, base64url.
        authenticator_data: String,
        /// What they call it.
        label: String,
    },
}
