//! The words that a passkey signs.

use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};

/// The words of an answer that a passkey signs: everything that decides what the answer does.
#[derive(Clone, Debug)]
pub struct AnswerStatement<'a> {
    /// `approve` or `deny`.
    pub said: &'a str,
    /// The hold.
    pub hold: &'a str,
    /// The digest of the request.
    pub request: &'a str,
    /// The digest of what was shown.
    pub shown: &'a str,
    /// The digest of the policy that asked.
    pub policy: &'a str,
    /// The rule that is made from the approval: text and reason.
    pub rule: Option<(&'a str, &'a str)>,
    /// The message to the agent with a denial.
    pub reason: Option<&'a str>,
    /// Others that are answered with it: hold, request, and the digest of what was shown.
    pub also: Vec<(&'a str, String, String)>,
}

impl AnswerStatement<'_> {
    /// The words, a line each.
    pub fn text(&self) -> String {
        let Self { said, hold, request, shown, policy, .. } = self;
        let hex = |text: &str| HEXLOWER.encode(&Sha256::digest(text.as_bytes()));
        let rule = self.rule.map_or("none".to_owned(), |(text, why)| format!("{} {}", hex(text), hex(why)));
        let reason = self.reason.map_or("none".to_owned(), hex);
        let also: String =
            self.also.iter().map(|(hold, request, shown)| format!("also {hold} {request} {shown}\n")).collect();
        format!(
            "countersign answer v2\nanswer {said}\nhold {hold}\nrequest {request}\nshown {shown}\npolicy {policy}\nrule {rule}\nreason {reason}\n{also}"
        )
    }

    /// The challenge: the SHA-256 digest of the words.
    pub fn challenge(&self) -> [u8; 32] {
        Sha256::digest(self.text().as_bytes()).into()
    }
}
