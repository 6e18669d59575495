//! Changes need a person's proof: who may make one, and whether they prove it.

use approval::Vote;
use host::clock;
use model::{Digest, RequestDigest, ReviewerName};
use pdp::Role;
use protocol::{OperatorRequest, Proof, Vouch, change_text};

use crate::authentication::{Purpose, Words, prove};
use crate::kill_switch;
use crate::reviewers::{at_least, change_question};
use crate::state::Daemon;

/// What a proof for a change covers.
pub(crate) fn question_of(message: &OperatorRequest) -> Result<approval::ApprovalRequest, String> {
    let text = change_text(message).ok_or("this takes no proof")?;
    change_question(RequestDigest::carried(Digest::within("countersign/change/v1", text.as_bytes())))
}

/// The person whose proof covers a change, and whose role lets them make it.
pub(crate) fn proved(
    daemon: &Daemon,
    message: &OperatorRequest,
    by: &Vouch,
    least: Role,
) -> Result<ReviewerName, String> {
    // A compromised web gate has people's sessions: none of them authorises a change.
    if matches!(by.proof, Proof::Session(_)) {
        return Err("a change takes a code or a signature".to_owned());
    }
    let question = question_of(message)?;
    let words = Words::Change(change_text(message).unwrap_or_default());
    let purpose = Purpose { question: &question, said: Vote::Approve, words };
    let (who, _, _) = prove(daemon, by, &purpose, clock::now_ms())?;
    at_least(daemon, &who, least)?;
    Ok(who)
}

/// Flags that any process at the operator's socket may set: no rule can allow because of them, so they only tighten.
const WITHOUT_PROOF: &[&str] = &["incident", "freeze", kill_switch::STOP];

/// Whether setting or clearing a flag takes a person's proof.
pub(crate) fn needs_proof(name: &str, on: bool) -> bool {
    !on || !(WITHOUT_PROOF.contains(&name) || kill_switch::meant(name).is_some())
}
