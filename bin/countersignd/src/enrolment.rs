//! Setting up what somebody proves themself with: from an invitation (the very first person's is printed by `countersign up`), with a
//! recovery code, or with a proof of what they have. What they set up is shown to work before anything changes.

use std::collections::BTreeMap;
use std::sync::Mutex;

use approval::{Passkey, TotpSecret};
use audit::RecordKind;
use data_encoding::BASE64URL_NOPAD;
use host::clock;
use model::{Digest, PersonName};
use pdp::{Person, Role};
use serde_json::json;
use store::{Factor, InviteRow};
use wire::{Enrolling, NewFactor, OperatorHears, OperatorSays, PersonPlace, Vouch};

use crate::daemon::{Daemon, hold as lock};
use crate::people::person;
use crate::rules::proved;
use crate::{recovery, sessions, signon};

/// How long an invitation serves: the first person's, which anybody who sees the terminal could use, and others.
const FIRST_MS: u64 = 3_600_000;
const INVITE_MS: u64 = 3 * 86_400_000;

/// How long somebody may take, and how many at once.
const TIME_MS: u64 = 600_000;
const MAX_OPEN: usize = 64;

/// The domains of what is kept of tokens and codes.
const INVITE_DOMAIN: &str = "countersign/invite/v1";

/// The longest name of a passkey, in characters.
const MAX_LABEL: usize = 60;

/// Those that are under way, by their ticket.
#[derive(Default)]
pub(crate) struct Enrolments(Mutex<BTreeMap<String, Enrolment>>);

struct Enrolment {
    what: What,
    name: PersonName,
    secret: TotpSecret,
    challenge: [u8; 32],
    since_ms: u64,
}

#[derive(Clone)]
enum What {
    /// Somebody new, by the digest of their invitation.
    New(Digest, InviteRow),
    /// Somebody whom the provider of single sign-on enrolled, and who has nothing of their own yet; by the digest of their invitation.
    First(Digest),
    /// Somebody lost what they had: it serves no more.
    Anew,
    /// One more.
    More,
}

/// Answers what is about enrolment.
#[expect(clippy::wildcard_enum_match_arm, reason = "the socket sends on what belongs here; all else is refused")]
pub(crate) fn answer(daemon: &Daemon, message: &OperatorSays) -> Result<OperatorHears, String> {
    match message {
        OperatorSays::Invite { name, place, by } => invite(daemon, message, name.as_deref(), place, by.as_ref()),
        OperatorSays::BeginEnrolment { who } => begin(daemon, message, who),
        OperatorSays::FinishEnrolment { ticket, factor } => finish(daemon, ticket, factor),
        _ => Err("this is not about enrolment".to_owned()),
    }
}

fn is_first(daemon: &Daemon) -> Result<bool, String> {
    Ok(daemon.store.reviewers().map_err(|why| why.to_string())?.is_empty())
}

fn invite(
    daemon: &Daemon,
    message: &OperatorSays,
    name: Option<&str>,
    place: &PersonPlace,
    by: Option<&Vouch>,
) -> Result<OperatorHears, String> {
    let is_first = is_first(daemon)?;
    let who = by.map(|by| proved(daemon, message, by, Role::Operator)).transpose()?;
    if who.is_none() && !is_first {
        return Err("somebody is enrolled already, so an operator invites others".to_owned());
    }
    let mut person = person(name.unwrap_or("first"), place)?;
    if is_first {
        person.role = Role::Operator;
    } else if name.is_none() {
        return Err("say whom you invite".to_owned());
    }
    if daemon.store.reviewer(&person.name).map_err(|why| why.to_string())?.is_some()
        && !signon::has_nothing(daemon, &person.name)?
    {
        return Err(format!("there is a reviewer `{}` already", person.name));
    }
    let token = BASE64URL_NOPAD.encode(&clock::random::<24>().map_err(|why| why.to_string())?);
    let expires_at_ms = clock::now_ms().saturating_add(if is_first { FIRST_MS } else { INVITE_MS });
    let row = InviteRow {
        name: name.map(|_| person.name.clone()),
        role: person.role,
        groups: person.groups,
        by: who.as_ref().map(ToString::to_string),
        expires_at_ms,
    };
    let body = json!({"what": "reviewer invited", "reviewer": name, "role": row.role.as_str(), "groups": row.groups, "by": row.by});
    let _receipt = daemon.record(RecordKind::Change, body)?;
    daemon.store.add_invite(&Digest::within(INVITE_DOMAIN, token.as_bytes()), &row).map_err(|why| why.to_string())?;
    Ok(OperatorHears::Invited { token, expires_at_ms })
}

fn begin(daemon: &Daemon, message: &OperatorSays, who: &Enrolling) -> Result<OperatorHears, String> {
    let now_ms = clock::now_ms();
    let no_invite = "this link serves no more: it was used, another was made since, or its time is over";
    let (what, name) = match who {
        Enrolling::Invite { token, name } => {
            sessions::may_try(daemon, "(an invitation)", now_ms)?;
            let digest = Digest::within(INVITE_DOMAIN, token.as_bytes());
            let row = daemon.store.invite(&digest).map_err(|why| why.to_string())?;
            let row = row.filter(|row| now_ms < row.expires_at_ms).ok_or(no_invite)?;
            still_invited(daemon, &row)?;
            if row.by.is_none() && !is_first(daemon)? {
                return Err(no_invite.to_owned());
            }
            let name = match (&row.name, name) {
                (Some(name), _) => name.clone(),
                (None, Some(name)) => PersonName::parse(name).map_err(|why| why.to_string())?,
                (None, None) => return Err("choose a name".to_owned()),
            };
            // The provider says who they are; an operator, that they may sign.
            let what = if row.name.is_some() && row.by.is_some() && signon::has_nothing(daemon, &name)? {
                What::First(digest)
            } else {
                What::New(digest, row)
            };
            (what, name)
        }
        Enrolling::Recovery { name, code } => {
            sessions::may_try(daemon, name, now_ms)?;
            let wrong = "this name and this recovery code do not belong together, or the code was used";
            let name = PersonName::parse(name).map_err(|_| wrong)?;
            if !recovery::serves(daemon, &name, code)? {
                return Err(wrong.to_owned());
            }
            let body = json!({"what": "recovery code used", "reviewer": name.as_str()});
            let _receipt = daemon.record(RecordKind::Access, body)?;
            (What::Anew, name)
        }
        Enrolling::Own { by } => {
            // Over a way that everybody on this machine can reach: a wrong proof locks nobody out of answering.
            let who = sessions::prove_who(daemon, message, by, now_ms)?;
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
    let hears = OperatorHears::Enrolment {
        ticket: ticket.clone(),
        name: name.to_string(),
        role: role.as_str().to_owned(),
        totp_uri: secret.uri(name.as_str()),
        challenge: BASE64URL_NOPAD.encode(&challenge),
        site: daemon.site.host().to_owned(),
    };
    let mut open = lock(&daemon.enrolments.0);
    open.retain(|_, it| now_ms.abs_diff(it.since_ms) < TIME_MS);
    if open.len() >= MAX_OPEN {
        return Err("too many people enrol at this moment; try again in a few minutes".to_owned());
    }
    open.insert(ticket, Enrolment { what, name, secret, challenge, since_ms: now_ms });
    Ok(hears)
}

/// An invitation is worth what whoever invited is now.
fn still_invited(daemon: &Daemon, row: &InviteRow) -> Result<(), String> {
    let Some(by) = &row.by else { return Ok(()) };
    let by = PersonName::parse(by).map_err(|why| why.to_string())?;
    let inviter = daemon.store.reviewer(&by).map_err(|why| why.to_string())?;
    if inviter.is_some_and(|inviter| inviter.person.role == Role::Operator) {
        return Ok(());
    }
    Err("whoever invited you is no operator any more; ask for another link".to_owned())
}

fn role_of(daemon: &Daemon, name: &PersonName) -> Result<Person, String> {
    let row = daemon.store.reviewer(name).map_err(|why| why.to_string())?;
    row.map(|row| row.person).ok_or_else(|| format!("there is no reviewer `{name}`"))
}

/// What was set up, shown to work.
enum Shown {
    Totp(TotpSecret, u64),
    Passkey(Box<Passkey>, String),
}

fn finish(daemon: &Daemon, ticket: &str, factor: &NewFactor) -> Result<OperatorHears, String> {
    let now_ms = clock::now_ms();
    let over = "this took too long; begin anew";
    let (what, name, shown) = {
        let open = lock(&daemon.enrolments.0);
        let one = open.get(ticket).filter(|it| now_ms.abs_diff(it.since_ms) < TIME_MS).ok_or(over)?;
        (one.what.clone(), one.name.clone(), show(daemon, one, factor, now_ms)?)
    };
    if !matches!(what, What::New(..)) {
        // Somebody who was removed meanwhile leaves no factor behind for whoever has the name next.
        let row = daemon.store.reviewer(&name).map_err(|why| why.to_string())?;
        let row = row.ok_or_else(|| format!("there is no reviewer `{name}` any more"))?;
        if matches!((&what, &shown, row.factor), (What::More, Shown::Totp(..), Factor::Ssh(_))) {
            return Err("you prove yourself with an SSH key, which an app would replace; add a passkey".to_owned());
        }
    }
    // It serves once, also where two come at the same time.
    lock(&daemon.enrolments.0).remove(ticket).ok_or(over)?;
    let passkey = match &shown {
        Shown::Passkey(passkey, _) => Some(passkey.to_line()),
        Shown::Totp(..) => None,
    };
    if let What::First(invite) = &what {
        let row = daemon.store.invite(invite).map_err(|why| why.to_string())?.ok_or(over)?;
        still_invited(daemon, &row)?;
        let is_theirs = signon::has_nothing(daemon, &name)? && row.name.as_ref() == Some(&name);
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
    let store = |done: Result<bool, store::Failed>| match done {
        Ok(true) => Ok(()),
        Ok(false) => Err(format!("`{name}` is not enrolled, or somebody else was at the same time")),
        Err(why) => Err(why.to_string()),
    };
    let mut set_up = json!({"what": "factor set up", "reviewer": name.as_str(), "passkey": passkey, "anew": matches!(what, What::Anew)});
    if let (Some(first), Some(map)) = (&first, set_up.as_object_mut()) {
        map.insert("ssh_key".to_owned(), serde_json::Value::Null);
        map.insert("factor_digest".to_owned(), json!(crate::restore::factor_digest(first)));
    }
    match (&what, first) {
        (What::New(invite, row), Some(first)) => {
            let person = row.person(name.clone());
            if daemon.store.reviewer(&name).map_err(|why| why.to_string())?.is_some() {
                return Err(format!("there is a reviewer `{name}` already; choose another name"));
            }
            still_invited(daemon, row)?;
            store(daemon.store.use_invite(invite))?;
            let body = json!({"what": "reviewer added", "reviewer": name.as_str(), "role": person.role.as_str(), "groups": person.groups,
                "factor": crate::people::factor(&first), "ssh_key": null, "factor_digest": crate::restore::factor_digest(&first),
                "vouched_by": row.by});
            let _receipt = daemon.record(RecordKind::Change, body)?;
            if passkey.is_some() {
                let _receipt = daemon.record(RecordKind::Change, set_up)?;
            }
            store(daemon.store.add_reviewer(&person, &first, now_ms, row.by.is_none()))?;
        }
        (What::First(_) | What::Anew, Some(first)) => {
            let _receipt = daemon.record(RecordKind::Change, set_up)?;
            daemon.store.drop_factors(&name).map_err(|why| why.to_string())?;
            store(daemon.store.set_factor(&name, &first))?;
            sessions::end_all(daemon, &name);
        }
        (What::More, Some(first)) => {
            let _receipt = daemon.record(RecordKind::Change, set_up)?;
            store(daemon.store.set_factor(&name, &first))?;
        }
        (What::New(..) | What::First(_) | What::Anew | What::More, None) => {
            let _receipt = daemon.record(RecordKind::Change, set_up)?;
        }
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
        What::New(..) | What::First(_) | What::Anew => recovery::codes(daemon, &name)?,
        What::More => Vec::new(),
    };
    let token = sessions::begin(daemon, name.clone(), now_ms)?;
    Ok(OperatorHears::Enrolled { name: name.to_string(), recovery, token })
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
