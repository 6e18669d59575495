//! People, as derived from the record.

use model::{Digest, ReviewerName};
use pdp::{Person, Role};
use record::{Enrolment, FactorSetUp, Member, ReviewerAdded};
use state_sqlite::Factor;

/// The domain of what the record says of a reviewer's factor.
const FACTOR_DOMAIN: &str = "countersign/factor/v1";

/// What the record says of a factor: enough to see that it is another, nothing to prove oneself with.
pub(crate) fn factor_digest(factor: &Factor) -> String {
    match factor {
        Factor::Totp(secret) => Digest::within(FACTOR_DOMAIN, secret.as_bytes()).to_string(),
        Factor::Ssh(identity) => Digest::within(FACTOR_DOMAIN, identity.to_line().as_bytes()).to_string(),
        Factor::Passkey => Digest::within(FACTOR_DOMAIN, b"passkeys").to_string(),
    }
}

/// A reviewer, as the record has them.
pub(super) struct Reviewer {
    role: Role,
    groups: Vec<String>,
    factor_digest: String,
    pub(super) ssh_key: Option<String>,
    password_digest: Option<String>,
    passkeys: Vec<String>,
}

impl Reviewer {
    /// As they were enrolled.
    pub(super) fn added(it: ReviewerAdded) -> Self {
        let ReviewerAdded { role, groups, factor_digest, enrolment, .. } = it;
        let (ssh_key, password_digest) = match enrolment {
            Enrolment::Provider { .. } => (None, None),
            Enrolment::Vouched { ssh_key, password_digest, .. } => (ssh_key, password_digest.value().cloned()),
        };
        Self { role, groups, factor_digest, ssh_key, password_digest, passkeys: Vec::new() }
    }

    /// In another role or other groups.
    pub(super) fn place(&mut self, role: Role, groups: Vec<String>) {
        (self.role, self.groups) = (role, groups);
    }

    /// With another password.
    pub(super) fn set_password(&mut self, digest: String) {
        self.password_digest = Some(digest);
    }

    /// With what they set up themselves: another first factor, a passkey more, or all new.
    pub(super) fn set_up(&mut self, it: FactorSetUp) {
        if let Some(digest) = it.factor_digest {
            self.factor_digest = digest;
        }
        for (known, said) in [(&mut self.ssh_key, it.ssh_key), (&mut self.password_digest, it.password_digest)] {
            match said {
                Member::Absent => {}
                Member::Null => *known = None,
                Member::Is(value) => *known = Some(value),
            }
        }
        if it.replaces_all {
            self.passkeys.clear();
        }
        self.passkeys.extend(it.passkey);
        self.passkeys.sort();
    }

    /// Their passkeys, in order.
    pub(super) fn passkeys(&self) -> &[String] {
        &self.passkeys
    }

    /// As the store has people.
    pub(super) fn person(&self, name: &str) -> Option<Person> {
        Some(Person { name: ReviewerName::parse(name).ok()?, role: self.role, groups: self.groups.clone() })
    }

    /// What is compared with the store.
    pub(super) fn compared(&self) -> String {
        compared(self.role, &self.groups, &self.factor_digest, &self.passkeys, self.password_digest.as_deref())
    }
}

/// What is compared of a reviewer.
pub(super) fn compared(
    role: Role,
    groups: &[String],
    factor: &str,
    passkeys: &[String],
    password: Option<&str>,
) -> String {
    format!("{} {groups:?} {factor} {passkeys:?} {password:?}", role.as_str())
}
