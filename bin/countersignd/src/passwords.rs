//! Passwords of local accounts: typed together with a code at sign-in. Answers to holds take none.

use std::sync::Mutex;

use approval::PasswordHash;
use host::clock;
use model::{Digest, ReviewerName};
use protocol::{OperatorReply, OperatorRequest, Password, Proof, Vouch};
use record::Change;
use state_sqlite::{Factor, ReviewerRow};

use crate::state::{Daemon, lock};
use crate::web_sessions;

/// The domain of what the record says of a password.
const PASSWORD_DOMAIN: &str = "countersign/password/v1";

/// Each takes 19 MiB while it is worked on: one at a time, however many knock.
#[derive(Default)]
pub(crate) struct Passwords(Mutex<()>);

/// A new password of a person, to be stored.
///
/// # Errors
/// It is refused, in words.
pub(crate) fn new(daemon: &Daemon, name: &ReviewerName, password: &Password) -> Result<PasswordHash, String> {
    let salt = clock::random::<16>().map_err(|why| why.to_string())?;
    let _one = lock(&daemon.passwords.0);
    PasswordHash::new(&password.0, name, salt).map_err(|why| why.to_string())
}

/// Checks the password of a sign-in and gives the proof that came with it. The time it takes does not reveal whether the
/// person exists.
pub(crate) fn taken_apart(daemon: &Daemon, reviewer: Option<&ReviewerRow>, proof: &Proof) -> Option<Proof> {
    let kept = reviewer.and_then(|row| row.password.as_ref());
    match (proof, kept) {
        (Proof::Account { password, code }, Some(kept)) => {
            let _one = lock(&daemon.passwords.0);
            kept.is_of(&password.0).then(|| Proof::Totp(code.clone()))
        }
        (Proof::Account { password, .. }, None) => {
            let _one = lock(&daemon.passwords.0);
            PasswordHash::is_of_nobody(&password.0);
            None
        }
        // A person with a password cannot sign in with a code alone: a thief could read that on the phone.
        (Proof::Totp(_), Some(_)) => None,
        (Proof::Totp(code), None) => Some(Proof::Totp(code.clone())),
        (Proof::Passkey(said), _) => Some(Proof::Passkey(said.clone())),
        (Proof::Ssh(_) | Proof::Session(_), _) => None,
    }
}

/// What the record says of a password: enough to see that it is another.
pub(crate) fn digest(password: &PasswordHash) -> String {
    Digest::within(PASSWORD_DOMAIN, password.as_str().as_bytes()).to_string()
}

/// Changes a person's password. It ends their sessions, and gives a new one.
pub(crate) fn set(
    daemon: &Daemon,
    message: &OperatorRequest,
    password: &Password,
    by: &Vouch,
) -> Result<OperatorReply, String> {
    if !matches!(by.proof, Proof::Totp(_) | Proof::Account { .. }) {
        return Err("a password is changed with a code, and with the old password where there is one".to_owned());
    }
    let now_ms = clock::now_ms();
    let name = web_sessions::prove_who(daemon, message, by, now_ms)?.ok_or(web_sessions::NOT_TOGETHER)?;
    let row = daemon.store.reviewer(&name).map_err(|why| why.to_string())?;
    if !row.is_some_and(|row| matches!(row.factor, Factor::Totp(_))) {
        return Err("a password goes with a code, and you sign in without".to_owned());
    }
    let kept = new(daemon, &name, password)?;
    let _receipt = daemon.record(Change::PasswordSet { reviewer: name.to_string(), password_digest: digest(&kept) })?;
    if !daemon.store.set_password(&name, Some(&kept)).map_err(|why| why.to_string())? {
        return Err(format!("there is no reviewer `{name}` any more"));
    }
    web_sessions::end_all(daemon, &name);
    web_sessions::begin(daemon, name, now_ms).map(|token| OperatorReply::SignedIn { token })
}
