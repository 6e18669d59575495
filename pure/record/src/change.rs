//! Changes of what decides: agents, reviewers, rules, flags, policy, keys; and what is noted about holds.

use model::Role;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::AnswerState;

mod enrolment;
mod subject;

pub use enrolment::{AgentAdded, Enrolment, FactorKind, FactorSetUp, ReviewerAdded};

/// Something changed. The tag `what` is a stable name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "what")]
pub enum Change {
    /// An agent was added.
    #[serde(rename = "agent added")]
    AgentAdded(AgentAdded),
    /// An agent got another environment, other groups or another trust.
    #[serde(rename = "agent placed")]
    AgentPlaced {
        /// The agent.
        agent: String,
        /// Its environment.
        #[serde(default)]
        env: Option<String>,
        /// Its groups.
        #[serde(default)]
        groups: Vec<String>,
        /// How far it is trusted.
        trust: u8,
        /// By whom.
        by: String,
    },
    /// An agent was removed.
    #[serde(rename = "agent removed")]
    AgentRemoved {
        /// The agent.
        agent: String,
        /// By whom.
        by: String,
    },
    /// An agent got another key; the one before is refused from here on.
    #[serde(rename = "agent key rotated")]
    AgentKeyRotated {
        /// The agent.
        agent: String,
        /// The digest of its new key.
        key_digest: String,
        /// By whom.
        by: String,
    },
    /// A reviewer was added.
    #[serde(rename = "reviewer added")]
    ReviewerAdded(ReviewerAdded),
    /// A reviewer was invited.
    #[serde(rename = "reviewer invited")]
    ReviewerInvited {
        /// The reviewer, where the invitation names one.
        #[serde(default)]
        reviewer: Option<String>,
        /// The role that the invitation gives.
        role: Role,
        /// The groups that the invitation gives.
        #[serde(default)]
        groups: Vec<String>,
        /// By whom; the first reviewer is invited by no reviewer.
        #[serde(default)]
        by: Option<String>,
    },
    /// A reviewer got another role or other groups.
    #[serde(rename = "reviewer placed")]
    ReviewerPlaced {
        /// The reviewer.
        reviewer: String,
        /// The new role.
        role: Role,
        /// The new groups.
        #[serde(default)]
        groups: Vec<String>,
        /// By whom: an operator, or the identity provider.
        by: String,
    },
    /// A reviewer was removed.
    #[serde(rename = "reviewer removed")]
    ReviewerRemoved {
        /// The reviewer.
        reviewer: String,
        /// By whom.
        by: String,
    },
    /// The placing that was recorded before was not done.
    #[serde(rename = "not done: reviewer placed")]
    ReviewerNotPlaced {
        /// The reviewer.
        reviewer: String,
    },
    /// The removal that was recorded before was not done.
    #[serde(rename = "not done: reviewer removed")]
    ReviewerNotRemoved {
        /// The reviewer.
        reviewer: String,
    },
    /// A reviewer set up a factor.
    #[serde(rename = "factor set up")]
    FactorSetUp(FactorSetUp),
    /// A reviewer chose a password.
    #[serde(rename = "password set")]
    PasswordSet {
        /// The reviewer.
        reviewer: String,
        /// A digest of it: enough to see that it is another one.
        password_digest: String,
    },
    /// A rule was made of an approval, or by an operator.
    #[serde(rename = "rule made")]
    RuleMade {
        /// Its id.
        rule: String,
        /// Its text.
        text: String,
        /// Why it was made.
        reason: String,
        /// By whom.
        by: String,
        /// The digest of the request that it was made of.
        #[serde(default)]
        request_digest: Option<String>,
    },
    /// A rule that was made was ended.
    #[serde(rename = "rule removed")]
    RuleRemoved {
        /// Its id.
        rule: String,
        /// By whom.
        by: String,
    },
    /// A flag was set.
    #[serde(rename = "flag set")]
    FlagSet {
        /// The flag.
        flag: String,
        /// By whom.
        by: String,
    },
    /// A flag was cleared.
    #[serde(rename = "flag cleared")]
    FlagCleared {
        /// The flag.
        flag: String,
        /// By whom.
        by: String,
    },
    /// Another policy is in force.
    #[serde(rename = "policy loaded")]
    PolicyLoaded {
        /// What made the daemon read it.
        because: PolicyReason,
        /// Its digest.
        policy: String,
        /// How many rules it has.
        rules: u64,
        /// The digest of the policy before.
        before: String,
    },
    /// A policy was refused; the one before stays in force.
    #[serde(rename = "policy refused")]
    PolicyRefused {
        /// What made the daemon read it.
        because: PolicyReason,
        /// What is wrong with it.
        why: String,
    },
    /// A hold was handed over to another reviewer.
    #[serde(rename = "handed over")]
    HandedOver {
        /// The hold.
        hold: String,
        /// The digest of its request.
        request_digest: String,
        /// By whom.
        reviewer: String,
        /// To whom.
        to: String,
        /// A note.
        #[serde(default)]
        why: Option<String>,
    },
    /// Reviewers were notified of a hold.
    #[serde(rename = "told")]
    Notified {
        /// The hold.
        hold: String,
        /// The digest of its request.
        #[serde(default)]
        request_digest: Option<String>,
        /// Over which channel.
        channel: String,
    },
    /// Further reviewers were notified, since half of the time was over.
    #[serde(rename = "escalated")]
    Escalated {
        /// The hold.
        hold: String,
        /// The digest of its request.
        #[serde(default)]
        request_digest: Option<String>,
        /// Over which channel.
        channel: String,
    },
    /// A canary is over: a request that looked like any other and had to be denied.
    #[serde(rename = "canary")]
    Canary {
        /// The hold.
        hold: String,
        /// The digest of its request.
        request_digest: String,
        /// How it ended.
        state: AnswerState,
        /// The reviewers who answered.
        #[serde(default)]
        people: Vec<String>,
    },
    /// Another person looked at what one reviewer had approved alone.
    #[serde(rename = "broken glass reviewed")]
    BrokenGlassReviewed {
        /// The hold.
        hold: String,
        /// The reviewer who had approved alone.
        broken_by: String,
        /// By whom it was looked at.
        by: String,
        /// What was found.
        why: String,
    },
    /// A digest was put into the log: what has this digest existed by then.
    #[serde(rename = "sealed")]
    Sealed {
        /// SHA-256, hexadecimal.
        digest: String,
        /// What it is of.
        about: Value,
    },
    /// Another key-encryption key is in use.
    #[serde(rename = "encryption key rotated")]
    EncryptionKeyRotated {
        /// Its number.
        number: u64,
    },
    /// Data keys were destroyed: the contents that they encrypt cannot be read any more.
    #[serde(rename = "content destroyed by policy")]
    ContentDestroyed {
        /// Whose contents; left out where a crash interrupted it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        scope: Option<String>,
        /// The numbers of the data keys.
        keys: Vec<u64>,
        /// By which policy, or why.
        why: String,
    },
    /// Contents are kept from being destroyed.
    #[serde(rename = "legal hold begun")]
    LegalHoldBegun {
        /// Whose contents.
        scope: String,
        /// The matter.
        why: String,
    },
    /// Contents may be destroyed again.
    #[serde(rename = "legal hold ended")]
    LegalHoldEnded {
        /// Whose contents.
        scope: String,
        /// Why.
        why: String,
    },
}

model::words! {
    /// What made the daemon read the policy.
    PolicyReason {
        /// A reviewer asked for it.
        AskedFor = "asked for",
        /// A file of the policy changed.
        FileChanged = "a file changed",
        /// The daemon got a hang-up signal.
        Signal = "SIGHUP",
        /// A rule was made.
        RuleMade = "a rule was made",
        /// A rule was removed.
        RuleRemoved = "a rule was removed",
    }
}
