//! Authentication of a person: a code of their authenticator, or a signature of their key.

use approval::{ApprovalRequest, Assertion, Vote, approval_message};
use data_encoding::BASE64URL_NOPAD;
use model::ReviewerName;
use pdp::Assurance;
use protocol::{PasskeyAssertion, Proof, SshSignature, Vouch, signed_change};
use record::{Answer, AnswerState, Member};
use sha2::{Digest as _, Sha256};
use state_sqlite::{Factor, ReviewerRow};

use crate::state::Daemon;
use crate::{oidc, passwords, web_sessions};

/// Wrong proofs in a row that lock a reviewer, and for how long. A guess has one chance in 333,333 (three steps are
/// allowed), so five guesses a minute find a code once in 46 days; every lock is in the record.
const MOST_FAILURES: u32 = 5;
const LOCK_MS: u64 = 60_000;

/// What a proof is for.
pub(crate) struct Purpose<'a> {
    pub(crate) question: &'a ApprovalRequest,
    pub(crate) said: Vote,
    pub(crate) words: Words<'a>,
}

/// What a passkey signs the SHA-256 digest of, and an SSH key the words.
pub(crate) enum Words<'a> {
    /// Of an answer: the hold is in them, and takes one answer of a person, so that they serve once. They are put together
    /// where a person signed them. (An SSH key signs less of them: answer, hold, request.)
    Answer(&'a dyn Fn() -> String),
    /// Of anything else: something fresh goes with them.
    Change(String),
}

/// Why a proof is none.
enum ProofError {
    /// It is not theirs: a guess, perhaps.
    Guess(String),
    /// It cannot count, whichever person gave it.
    Other(String),
}

/// Checks that it is the person, and gives what of the proof belongs in the record: a signature, never a code.
pub(crate) fn prove(
    daemon: &Daemon,
    by: &Vouch,
    purpose: &Purpose<'_>,
    at_ms: u64,
) -> Result<(ReviewerName, Assurance, Member<record::Proof>), String> {
    let name = ReviewerName::parse(&by.reviewer).map_err(|why| why.to_string())?;
    let reviewer = daemon.store.reviewer(&name).map_err(|why| why.to_string())?;
    let reviewer = reviewer.ok_or_else(|| format!("there is no reviewer `{name}`"))?;
    prove_of(daemon, reviewer, &by.proof, purpose, at_ms)
}

/// The same, of a person who was just looked up.
pub(crate) fn prove_of(
    daemon: &Daemon,
    reviewer: ReviewerRow,
    proof: &Proof,
    purpose: &Purpose<'_>,
    at_ms: u64,
) -> Result<(ReviewerName, Assurance, Member<record::Proof>), String> {
    let question = purpose.question;
    let name = &reviewer.person.name;
    if at_ms < reviewer.locked_until_ms {
        return Err(format!(
            "`{name}` is locked for {} s after {MOST_FAILURES} wrong proofs",
            reviewer.locked_until_ms.saturating_sub(at_ms).div_ceil(1_000)
        ));
    }
    oidc::still_known(&reviewer, at_ms)?;
    match check(daemon, &reviewer, proof, purpose, at_ms) {
        Ok((assurance, proof)) => Ok((reviewer.person.name, assurance, proof)),
        Err(ProofError::Other(why)) => Err(why),
        Err(ProofError::Guess(why)) => {
            daemon
                .store
                .note_wrong_proof(name, MOST_FAILURES, at_ms.saturating_add(LOCK_MS))
                .map_err(|why| why.to_string())?;
            let (hold, request) = (question.id.to_string(), question.request.to_string());
            let refused = Answer::ended(hold, request, AnswerState::Refused, Some(why.clone()));
            let _receipt = daemon.record(Answer { reviewer: Some(name.to_string()), ..refused })?;
            Err(why)
        }
    }
}

/// The same for sign-in, which every account on this machine can reach: a wrong proof locks no reviewer out of answering, and
/// does not reveal who exists. The caller limits the rate.
pub(crate) fn prove_to_look(daemon: &Daemon, by: &Vouch, purpose: &Purpose<'_>, at_ms: u64) -> Option<ReviewerName> {
    let name = ReviewerName::parse(&by.reviewer).ok()?;
    let reviewer = daemon.store.reviewer(&name).ok()?;
    let proof = passwords::taken_apart(daemon, reviewer.as_ref(), &by.proof)?;
    let reviewer = reviewer?;
    oidc::still_known(&reviewer, at_ms).ok()?;
    check(daemon, &reviewer, &proof, purpose, at_ms).ok().map(|_| name)
}

fn check(
    daemon: &Daemon,
    reviewer: &ReviewerRow,
    proof: &Proof,
    purpose: &Purpose<'_>,
    at_ms: u64,
) -> Result<(Assurance, Member<record::Proof>), ProofError> {
    let Purpose { question, said, words } = purpose;
    let name = &reviewer.person.name;
    match (&reviewer.factor, proof) {
        (Factor::Totp(secret), Proof::Totp(code)) => match secret.check(code, at_ms, reviewer.last_step) {
            Ok(step) => match daemon.store.use_step(name, step) {
                Ok(true) => Ok((Assurance::Totp, Member::Null)),
                Ok(false) => Err(ProofError::Guess("the code was used already; wait for the next one".to_owned())),
                Err(why) => Err(ProofError::Other(why.to_string())),
            },
            Err(approval::TotpRefused::Used) => Err(ProofError::Other(approval::TotpRefused::Used.to_string())),
            Err(why) => Err(ProofError::Guess(why.to_string())),
        },
        (Factor::Ssh(identity), Proof::Ssh(SshSignature { signature, nonce })) => {
            let signed = match words {
                Words::Answer(_) => approval_message(*said, &question.id, &question.request),
                Words::Change(text) => fresh(daemon, text, nonce.as_deref(), at_ms)?,
            };
            identity
                .check(signature, &signed)
                .map(|()| {
                    let proof = record::Proof::Ssh { ssh_key: identity.to_line(), signature: signature.clone() };
                    (Assurance::Signature, Member::Is(proof))
                })
                .map_err(|why| ProofError::Guess(why.to_string()))
        }
        (_, Proof::Passkey(said)) => passkey(daemon, name, said, words, at_ms),
        (_, Proof::Session(token)) => match web_sessions::of(daemon, token, at_ms) {
            Some(who) if who == *name => Ok((Assurance::Session, Member::Null)),
            Some(_) | None => {
                Err(ProofError::Other("you are not signed in, or the session has expired; sign in".to_owned()))
            }
        },
        (_, Proof::Account { .. }) => {
            Err(ProofError::Other("a password is for signing in; here a code is enough".to_owned()))
        }
        (Factor::Passkey, Proof::Totp(_) | Proof::Ssh(_)) => {
            Err(ProofError::Other(format!("`{name}` is enrolled with a passkey, for the browser")))
        }
        (Factor::Totp(_), Proof::Ssh(_)) => Err(ProofError::Other(format!("`{name}` is enrolled with a code"))),
        (Factor::Ssh(_), Proof::Totp(_)) => {
            Err(ProofError::Other(format!("`{name}` is enrolled with an SSH key (`--ssh-key FILE`)")))
        }
    }
}

/// What is signed of a change. What was fresh in it is used up, whatever the signature is worth.
fn fresh(daemon: &Daemon, text: &str, nonce: Option<&str>, at_ms: u64) -> Result<String, ProofError> {
    let nonce = nonce.ok_or_else(|| {
        ProofError::Other(
            "nothing fresh is in this signature; is `countersign` of the same release as the daemon?".to_owned(),
        )
    })?;
    if !web_sessions::take_challenge(daemon, nonce, at_ms) {
        return Err(ProofError::Other("this took too long, or was used already; try again".to_owned()));
    }
    Ok(signed_change(text, nonce))
}

/// Checks a passkey's signature. The signed text is recorded whole, so that it can be checked later.
fn passkey(
    daemon: &Daemon,
    name: &ReviewerName,
    said: &PasskeyAssertion,
    words: &Words<'_>,
    at_ms: u64,
) -> Result<(Assurance, Member<record::Proof>), ProofError> {
    let signed = match words {
        Words::Answer(text) => text(),
        Words::Change(text) => fresh(daemon, text, said.nonce.as_deref(), at_ms)?,
    };
    let bytes = |text: &str| {
        let unreadable = || ProofError::Other(approval::PasskeyRefused::Form.to_string());
        BASE64URL_NOPAD.decode(text.as_bytes()).map_err(|_| unreadable())
    };
    let credential = bytes(&said.credential)?;
    let own = daemon.store.passkeys(name).map_err(|why| ProofError::Other(why.to_string()))?;
    let own = own.into_iter().find(|it| it.passkey.credential() == credential);
    let own = own.ok_or_else(|| ProofError::Guess(format!("`{name}` has no such passkey")))?;
    let assertion = Assertion {
        client_data: bytes(&said.client_data)?,
        authenticator_data: bytes(&said.authenticator_data)?,
        signature: bytes(&said.signature)?,
    };
    let counter = own
        .passkey
        .check(&assertion, &daemon.site, &Sha256::digest(signed.as_bytes()), own.counter)
        .map_err(|why| ProofError::Guess(why.to_string()))?;
    match daemon.store.count_passkey(&credential, counter) {
        Ok(true) => {}
        Ok(false) => return Err(ProofError::Guess(approval::PasskeyRefused::Copied.to_string())),
        Err(why) => return Err(ProofError::Other(why.to_string())),
    }
    let proof = record::Proof::Passkey {
        passkey: own.passkey.to_line(),
        signed,
        client_data: said.client_data.clone(),
        authenticator_data: said.authenticator_data.clone(),
        signature: said.signature.clone(),
    };
    Ok((Assurance::Signature, Member::Is(proof)))
}
