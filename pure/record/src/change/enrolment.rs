//! How agents and reviewers are enrolled, and what reviewers prove answers with.

use model::Role;
use serde::{Deserialize, Serialize};

use crate::Member;

/// An agent that was added.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AgentAdded {
    /// The agent.
    pub agent: String,
    /// The person who answers for it.
    pub owner: String,
    /// The agent on whose orders it acts.
    #[serde(default)]
    pub under: Option<String>,
    /// The user id that it runs as.
    #[serde(default)]
    pub uid: Option<u32>,
    /// Its environment.
    #[serde(default)]
    pub env: Option<String>,
    /// Its groups.
    #[serde(default)]
    pub groups: Vec<String>,
    /// How far it is trusted.
    pub trust: u8,
    /// The digest of its key.
    pub key_digest: String,
}

/// A reviewer who was added.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ReviewerAdded {
    /// The reviewer.
    pub reviewer: String,
    /// The reviewer's role.
    #[serde(default = "operator")]
    pub role: Role,
    /// The reviewer's groups.
    #[serde(default)]
    pub groups: Vec<String>,
    /// What the reviewer proves an answer with.
    pub factor: FactorKind,
    /// A digest of that factor: enough to see that it is another one.
    pub factor_digest: String,
    /// How the reviewer came to be enrolled.
    #[serde(flatten)]
    pub enrolment: Enrolment,
}

/// A factor that a reviewer set up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FactorSetUp {
    /// The reviewer.
    pub reviewer: String,
    /// The passkey, if it is one: its credential id and public key.
    #[serde(default)]
    pub passkey: Option<String>,
    /// Whether every factor before it ends.
    #[serde(default, rename = "anew")]
    pub replaces_all: bool,
    /// A digest of the password that was chosen with it; `null` where the password ends; left out where it stays.
    #[serde(default, skip_serializing_if = "Member::is_absent")]
    pub password_digest: Member<String>,
    /// `null` where the first factor is no SSH key from now on; left out where the first factor stays.
    #[serde(default, skip_serializing_if = "Member::is_absent")]
    pub ssh_key: Member<String>,
    /// A digest of the first factor, where it changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub factor_digest: Option<String>,
}

/// How a reviewer came to be enrolled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum Enrolment {
    /// An identity provider said who it is.
    Provider {
        /// The provider.
        by: String,
        /// The provider's name for the account.
        subject: String,
    },
    /// By an operator, at the command line or by an invitation.
    Vouched {
        /// The public SSH key, where answers are signed with one.
        #[serde(default)]
        ssh_key: Option<String>,
        /// A digest of the password; left out where none could be chosen.
        #[serde(default, skip_serializing_if = "Member::is_absent")]
        password_digest: Member<String>,
        /// The operator who vouched; the first reviewer has none.
        #[serde(default)]
        vouched_by: Option<String>,
    },
}

model::words! {
    /// What a reviewer proves an answer with.
    FactorKind {
        /// A code of an authenticator app (RFC 6238).
        Totp = "totp",
        /// An SSH key.
        Ssh = "ssh",
        /// A passkey (WebAuthn).
        Passkey = "passkey",
    }
}

/// Reviewers of before there were roles could do everything.
const fn operator() -> Role {
    Role::Operator
}
