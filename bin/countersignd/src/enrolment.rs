//! Enrolment of factors: from an invitation, with a recovery code, or with a proof of a present factor. A new
//! factor must prove itself before anything changes.

use std::collections::BTreeMap;
use std::sync::Mutex;

use approval::{Passkey, PasswordHash, TotpSecret};
use data_encoding::BASE64URL_NOPAD;
use host::clock;
use model::{Digest, ReviewerName};
use pdp::Person;
use protocol::{EnrolmentAuthority, NewFactor, OperatorReply, OperatorRequest, Password};
use record::{Access, Change, Enrolment as Enrolled, FactorSetUp, Member, ReviewerAdded};
use state_sqlite::{Factor, InviteRow};

use crate::state::{Daemon, lock};
use crate::{invitations, oidc, passwords, recovery_codes, web_sessions};

/// How long an enrolment may take, and how many may be open.
const TIME_MS: u64 = 600_000;
const MAX_OPEN: usize = 64;

/// The longest name of a passkey, in characters.
const MAX_LABEL: usize = 60;

/// Those that are under way, by their ticket.
#[derive(Default)]
pub(crate) struct Enrolments(Mutex<BTreeMap<String, Enrolment>>);

struct Enrolment {
    what: What,
    name: ReviewerName,
    secret: TotpSecret,
    challenge: [u8; 32],
    since_ms: u64,
}

#[derive(Clone)]
enum What {
    /// A new person, by the digest of their invitation.
    New(Digest, InviteRow),
    /// A person enrolled by the single sign-on provider without a factor of their own; by the digest of their invitation.
    First(Digest),
    /// A person lost their factors, which are no longer valid.
    Anew,
    /// One more.
    More,
}

/// Answers what is about enrolment.
#[expect(clippy::wildcard_enum_match_arm, reason = "the socket sends on what belongs here; all else is refused")]
pub(crate) fn answer(daemon: &Daemon, message: &OperatorRequest) -> Result<OperatorReply, String> {
    match message {
        OperatorRequest::Invite { name, place, by } => {
            invitations::invite(daemon, message, name.as_deref(), place, by.as_ref())
        }
        OperatorRequest::BeginEnrolment { who } => begin(daemon, message, who),
        OperatorRequest::FinishEnrolment { ticket, factor, password } => {
            finish(daemon, ticket, factor, password.as_ref())
        }
        _ => Err("this is not about enrolment".to_owned()),
    }
}

fn begin(daemon: &Daemon, message: &OperatorRequest, who: &EnrolmentAuthority) -> Result<OperatorReply, String> {
    let now_ms = clock::now_ms();
    let no_invite = "this enrolment link is no longer valid: it was used, replaced or has expired";
    let (what, name) = match who {
        EnrolmentAuthority::Invite { token, name } => {
            web_sessions::may_try(daemon, "(an invitation)", now_ms)?;
            let digest = invitations::digest(token);
            let row = daemon.store.invite(&digest).map_err(|why| why.to_string())?;
            let row = row.filter(|row| now_ms < row.expires_at_ms).ok_or(no_invite)?;
            invitations::still_counts(daemon, &row)?;
            if row.by.is_none() && !invitations::is_first(daemon)? {
                return Err(no_invite.to_owned());
            }
            let name = match (&row.name, name) {
                (Some(name), _) => name.clone(),
                (None, Some(name)) => ReviewerName::parse(name).map_err(|why| why.to_string())?,
                (None, None) => return Err("choose a name".to_owned()),
            };
            // The provider says who they are; an operator, that they may sign.
            let what = if row.name.is_some() && row.by.is_some() && oidc::has_nothing(daemon, &name)? {
                What::First(digest)
            } else {
                What::New(digest, row)
            };
            (what, name)
        }
        EnrolmentAuthority::Recovery { name, code } => {
            web_sessions::may_try(daemon, name, now_ms)?;
            let wrong = "this name and this recovery code do not belong together, or the code was used";
            let name = ReviewerName::parse(name).map_err(|_| wrong)?;
            if !recovery_codes::serves(daemon, &name, code)? {
                return Err(wrong.to_owned());
            }
            let _receipt = daemon.record(Access::RecoveryCodeUsed { reviewer: name.to_string() })?;
            (What::Anew, name)
        }
        EnrolmentAuthority::Own { by } => {
            // Every account on this machine can reach this: a wrong proof must not lock a reviewer out of answering.
            let who = web_sessions::prove_who(daemon, message, by, now_ms)?;
            (What::More, who.ok_or("this name and this proof do not belong together, or the code was used")?)
        }
    };
    let role = match &what {
        What::New(_, row) => row.role,
        What::First(_) | What::Anew | What::More => role_of(daemon, &name)?.role,
    };
    let random = || clock::random::<32>().map_err(|why| why.to_string());
    let ticket = BASE64URL_NOPAD.encode(&random()?);
    let secret = TotpSecret::new(clock::random::<20>().map_err(|why| why.to_string())?);
    let challenge = random()?;
    let hears = OperatorReply::Enrolment {
        ticket: ticket.clone(),
        name: name.to_string(),
        role: role.as_str().to_owned(),
        totp_uri: secret.uri(name.as_str()),
        challenge: BASE64URL_NOPAD.encode(&challenge),
        site: daemon.site.host().to_owned(),
        takes_password: !has_password(daemon, &name, &what)?,
    };
    let mut open = lock(&daemon.enrolments.0);
    open.retain(|_, it| now_ms.abs_diff(it.since_ms) < TIME_MS);
    if open.len() >= MAX_OPEN {
        return Err("too many people enrol at this moment; try again in a few minutes".to_owned());
    }
    open.insert(ticket, Enrolment { what, name, secret, challenge, since_ms: now_ms });
    Ok(hears)
}

fn role_of(daemon: &Daemon, name: &ReviewerName) -> Result<Person, String> {
    let row = daemon.store.reviewer(name).map_err(|why| why.to_string())?;
    row.map(|row| row.person).ok_or_else(|| format!("there is no reviewer `{name}`"))
}

/// What was set up, shown to work.
enum Shown {
    Totp(TotpSecret, u64),
    Passkey(Box<Passkey>, String),
}

fn finish(
    daemon: &Daemon,
    ticket: &str,
    factor: &NewFactor,
    password: Option<&Password>,
) -> Result<OperatorReply, String> {
    let now_ms = clock::now_ms();
    let over = "this took too long; start again";
    let (what, name, shown) = {
        let open = lock(&daemon.enrolments.0);
        let one = open.get(ticket).filter(|it| now_ms.abs_diff(it.since_ms) < TIME_MS).ok_or(over)?;
        (one.what.clone(), one.name.clone(), show(daemon, one, factor, now_ms)?)
    };
    if !matches!(what, What::New(..)) {
        // A person who was removed meanwhile leaves no factor behind for the next person of that name.
        let row = daemon.store.reviewer(&name).map_err(|why| why.to_string())?;
        let row = row.ok_or_else(|| format!("there is no reviewer `{name}` any more"))?;
        if matches!((&what, &shown, row.factor), (What::More, Shown::Totp(..), Factor::Ssh(_))) {
            return Err("you are enrolled with an SSH key, which an app would replace; add a passkey".to_owned());
        }
    }
    let password = chosen(daemon, &name, &what, &shown, password)?;
    // It serves once, also where two come at the same time.
    lock(&daemon.enrolments.0).remove(ticket).ok_or(over)?;
    let passkey = match &shown {
        Shown::Passkey(passkey, _) => Some(passkey.to_line()),
        Shown::Totp(..) => None,
    };
    if let What::First(invite) = &what {
        let row = daemon.store.invite(invite).map_err(|why| why.to_string())?.ok_or(over)?;
        invitations::still_counts(daemon, &row)?;
        let is_theirs = oidc::has_nothing(daemon, &name)? && row.name.as_ref() == Some(&name);
        if !is_theirs || !daemon.store.use_invite(invite).map_err(|why| why.to_string())? {
            return Err(over.to_owned());
        }
    }
    // The first factor of the person from now on, if it changes.
    let first = match (&shown, &what) {
        (Shown::Totp(secret, _), _) => Some(Factor::Totp(secret.clone())),
        (Shown::Passkey(..), What::New(..) | What::First(_) | What::Anew) => Some(Factor::Passkey),
        (Shown::Passkey(..), What::More) => None,
    };
    let store = |done: Result<bool, state_sqlite::Failed>| match done {
        Ok(true) => Ok(()),
        Ok(false) => Err(format!("`{name}` is not enrolled, or another person was enrolled simultaneously")),
        Err(why) => Err(why.to_string()),
    };
    let changes_password = password.is_some() || matches!(what, What::Anew | What::First(_));
    let password_digest = password.as_ref().map(passwords::digest);
    let set_up = Change::FactorSetUp(FactorSetUp {
        reviewer: name.to_string(),
        passkey: passkey.clone(),
        replaces_all: matches!(what, What::Anew),
        password_digest: if changes_password { password_digest.clone().into() } else { Member::Absent },
        ssh_key: if first.is_some() { Member::Null } else { Member::Absent },
        factor_digest: first.as_ref().map(crate::rebuild_store::factor_digest),
    });
    match (&what, first) {
        (What::New(invite, row), Some(first)) => {
            let person = row.person(name.clone());
            if daemon.store.reviewer(&name).map_err(|why| why.to_string())?.is_some() {
                return Err(format!("there is a reviewer `{name}` already; choose another name"));
            }
            invitations::still_counts(daemon, row)?;
            store(daemon.store.use_invite(invite))?;
            let _receipt = daemon.record(Change::ReviewerAdded(ReviewerAdded {
                reviewer: name.to_string(),
                role: person.role,
                groups: person.groups.clone(),
                factor: crate::reviewers::kind_of(&first),
                factor_digest: crate::rebuild_store::factor_digest(&first),
                enrolment: Enrolled::Vouched {
                    ssh_key: None,
                    password_digest: password_digest.into(),
                    vouched_by: row.by.clone(),
                },
            }))?;
            if passkey.is_some() {
                let _receipt = daemon.record(set_up)?;
            }
            store(daemon.store.add_reviewer(&person, &first, now_ms, row.by.is_none()))?;
        }
        (What::First(_) | What::Anew, Some(first)) => {
            let _receipt = daemon.record(set_up)?;
            daemon.store.drop_factors(&name).map_err(|why| why.to_string())?;
            store(daemon.store.set_factor(&name, &first))?;
            web_sessions::end_all(daemon, &name);
        }
        (What::More, Some(first)) => {
            let _receipt = daemon.record(set_up)?;
            store(daemon.store.set_factor(&name, &first))?;
        }
        (What::New(..) | What::First(_) | What::Anew | What::More, None) => {
            let _receipt = daemon.record(set_up)?;
        }
    }
    if password.is_some() {
        store(daemon.store.set_password(&name, password.as_ref()))?;
    }
    match &shown {
        Shown::Passkey(passkey, label) => {
            daemon.store.add_passkey(&name, passkey, label, now_ms).map_err(|why| why.to_string())?;
        }
        // The code that showed it to work serves nothing else.
        Shown::Totp(_, step) => store(daemon.store.use_step(&name, *step))?,
    }
    daemon.holds.people_changed();
    let recovery = match what {
        What::New(..) | What::First(_) | What::Anew => recovery_codes::codes(daemon, &name)?,
        What::More => Vec::new(),
    };
    let token = web_sessions::begin(daemon, name.clone(), now_ms)?;
    Ok(OperatorReply::Enrolled { name: name.to_string(), recovery, token })
}

/// The password of a person who signs in with a code: chosen with the first authenticator app.
fn chosen(
    daemon: &Daemon,
    name: &ReviewerName,
    what: &What,
    shown: &Shown,
    password: Option<&Password>,
) -> Result<Option<PasswordHash>, String> {
    let has_one = has_password(daemon, name, what)?;
    match (shown, password) {
        (Shown::Passkey(..), Some(_)) => Err("a password goes with a code; a passkey takes none".to_owned()),
        (Shown::Totp(..), Some(password)) if !has_one => passwords::new(daemon, name, password).map(Some),
        (Shown::Totp(..), Some(_)) => Err("you have a password already; change it on your own page".to_owned()),
        (Shown::Totp(..), None) if !has_one => Err("choose a password: you sign in with it and a code".to_owned()),
        (Shown::Totp(..) | Shown::Passkey(..), None) => Ok(None),
    }
}

/// Whether the person has a password that stays.
fn has_password(daemon: &Daemon, name: &ReviewerName, what: &What) -> Result<bool, String> {
    let row = daemon.store.reviewer(name).map_err(|why| why.to_string())?;
    Ok(matches!(what, What::More) && row.is_some_and(|row| row.password.is_some()))
}

fn show(daemon: &Daemon, one: &Enrolment, factor: &NewFactor, now_ms: u64) -> Result<Shown, String> {
    match factor {
        NewFactor::Totp(code) => {
            let step = one.secret.check(code.trim(), now_ms, None).map_err(|why| why.to_string())?;
            Ok(Shown::Totp(one.secret.clone(), step))
        }
        NewFactor::Passkey { client_data, authenticator_data, label } => {
            let bytes = |text: &str| {
                BASE64URL_NOPAD.decode(text.as_bytes()).map_err(|_| approval::PasskeyRefused::Form.to_string())
            };
            let passkey =
                Passkey::made(&bytes(client_data)?, &bytes(authenticator_data)?, &daemon.site, &one.challenge);
            let label: String = model::display::visible(label.trim()).chars().take(MAX_LABEL).collect();
            Ok(Shown::Passkey(Box::new(passkey.map_err(|why| why.to_string())?), label))
        }
    }
}
