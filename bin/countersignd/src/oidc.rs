//! Single sign-on: a token of the provider, checked here, signs a person in. It is worth a session and no more: for a request
//! that needs a code or a signature, the person needs a factor of their own.

use std::collections::BTreeMap;
use std::sync::Mutex;

use data_encoding::BASE64URL_NOPAD;
use host::{clock, files};
use model::ReviewerName;
use oidc::{Known, Provider, Settings};
use pdp::{Person, Role};
use protocol::{OperatorReply, Password, SignOnWay};
use record::{Access, Change, Enrolment, ReviewerAdded};
use state_sqlite::{Factor, ReviewerRow};

use crate::state::{Daemon, lock};
use crate::web_sessions;

/// How long a person may take at the provider, and how many may be there simultaneously.
const FRESH_MS: u64 = 600_000;
const MAX_BEGUN: usize = 256;

/// The most that the files may hold, in bytes.
const MAX_FILE: u64 = 256 * 1024;

/// How long what the provider said is good for, in milliseconds: as long as a session at most. A person removed there answers
/// nothing here from then on, with any factor.
const SAID_FOR_MS: u64 = 12 * 3_600_000;

/// What is fresh, and since when.
#[derive(Default)]
pub(crate) struct LoginNonces(Mutex<BTreeMap<String, u64>>);

/// The provider's address, for the web gate, which reads none of our files.
pub(crate) fn way(daemon: &Daemon) -> Result<OperatorReply, String> {
    if !daemon.layout.signon().exists() {
        return Ok(OperatorReply::SignOnWay { way: None });
    }
    let settings = settings(daemon)?;
    let read = |file: &String| {
        let said = text(std::path::Path::new(file))?;
        said.ok_or_else(|| format!("`{file}`, which `{}` names, is not there", daemon.layout.signon().display()))
    };
    let secret = settings.client_secret_file.as_ref().map(|file| {
        if files::can_be_read_by_others(file.as_ref()).map_err(|why| format!("`{file}`: {why}"))? {
            return Err(format!("`{file}` can be read by others; make it mode 0600"));
        }
        read(file).map(|secret| Password(secret.trim().to_owned()))
    });
    let endpoints = provider(daemon).ok().map(|it| (it.authorization_endpoint, it.token_endpoint));
    let way = SignOnWay {
        callback: settings.callback(),
        client_secret: secret.transpose()?,
        authorities: settings.ca_file.as_ref().map(read).transpose()?,
        endpoints,
        name: settings.name,
        client_id: settings.client_id,
        scopes: settings.scopes,
    };
    Ok(OperatorReply::SignOnWay { way: Some(way) })
}

/// Starts a sign-in at the provider.
pub(crate) fn begin(daemon: &Daemon) -> Result<OperatorReply, String> {
    let now_ms = clock::now_ms();
    settings(daemon)?;
    let nonce = BASE64URL_NOPAD.encode(&clock::random::<32>().map_err(|why| why.to_string())?);
    // A separate name for each: the person is not known yet, so only all together are counted.
    web_sessions::may_try(daemon, &nonce, now_ms)?;
    let mut begun = lock(&daemon.begun.0);
    begun.retain(|_, at_ms| now_ms.abs_diff(*at_ms) < FRESH_MS);
    if begun.len() >= MAX_BEGUN {
        return Err("too many are signing in; wait a minute".to_owned());
    }
    begun.insert(nonce.clone(), now_ms);
    Ok(OperatorReply::Challenge { nonce, site: daemon.site.host().to_owned() })
}

/// The provider said who they are.
pub(crate) fn finish(daemon: &Daemon, token: &str, nonce: &str) -> Result<OperatorReply, String> {
    let now_ms = clock::now_ms();
    let begun = lock(&daemon.begun.0).remove(nonce);
    if begun.is_none_or(|at_ms| now_ms.abs_diff(at_ms) >= FRESH_MS) {
        return Err("this took too long; sign in again".to_owned());
    }
    let settings = settings(daemon)?;
    let known = oidc::check(&settings, &provider(daemon)?, token, nonce, now_ms).map_err(|why| why.to_string());
    let name = known.and_then(|known| admit(daemon, &settings, &known, now_ms));
    let refused = |why: String| daemon.record(Access::SignOnRefused { why: daemon.redactor.text(&why) }).map(|_| why);
    match name {
        Ok(name) => web_sessions::begin(daemon, name, now_ms).map(|token| OperatorReply::SignedIn { token }),
        Err(why) => Err(refused(why)?),
    }
}

/// The person here; enrolled if they are new and one of their groups has a role.
fn admit(daemon: &Daemon, settings: &Settings, known: &Known, now_ms: u64) -> Result<ReviewerName, String> {
    let store = |why: state_sqlite::Failed| why.to_string();
    let identity = (settings.issuer.as_str(), known.subject.as_str());
    let bound = daemon.store.identity(identity.0, identity.1).map_err(store)?;
    let (is_bound, was_enrolled) = (bound.is_some(), bound.as_ref().is_some_and(|(_, enrolled)| *enrolled));
    // A name that was changed there changes nothing here.
    let name = match bound {
        Some((bound, _)) => bound,
        None => settings.person(known).map_err(|why| why.to_string())?,
    };
    let is_ours = settings.people.get(&known.said).is_some_and(|ours| ours == name.as_str());
    if is_bound && !was_enrolled && !is_ours {
        return Err(format!("`signon.toml` does not say any more that you are `{name}`"));
    }
    let row = daemon.store.reviewer(&name).map_err(store)?;
    match (row, settings.place(known)) {
        // The operator said who this is, so they keep what they are here.
        (Some(_), _) if is_ours => {}
        (Some(_), _) if !is_bound => {
            return Err(format!(
                "the name `{name}` belongs to a person here who was not enrolled through the provider; an operator can declare that it is you in signon.toml, under [people]"
            ));
        }
        (None, _) if is_ours => {
            return Err(format!("`signon.toml` says that you are `{name}`, but that name is not enrolled"));
        }
        (Some(row), Some((role, groups))) => {
            if row.person.role != role || row.person.groups != groups {
                place(daemon, settings, &Person { name: name.clone(), role, groups })?;
            }
        }
        (None, Some((role, groups))) => {
            enrol(daemon, settings, known, &Person { name: name.clone(), role, groups }, now_ms)?
        }
        (_, None) => {
            web_sessions::end_all(daemon, &name);
            return Err("none of your groups has a role here; the operator decides which have one".to_owned());
        }
    }
    let seen = daemon.store.see_identity(identity, &name, !is_ours, now_ms);
    seen.map_err(|_| format!("another account of the provider already has the name `{name}` here"))?;
    // One who was bound to another name by then changed nothing.
    match daemon.store.identity(&settings.issuer, &known.subject).map_err(store)? {
        Some((bound, _)) if bound == name => Ok(name),
        Some(_) | None => Err(format!("the provider's account belongs to another person here, not to `{name}`")),
    }
}

fn enrol(daemon: &Daemon, settings: &Settings, known: &Known, person: &Person, now_ms: u64) -> Result<(), String> {
    let factor = Factor::Passkey;
    let _receipt = daemon.record(Change::ReviewerAdded(ReviewerAdded {
        reviewer: person.name.to_string(),
        role: person.role,
        groups: person.groups.clone(),
        factor: crate::reviewers::kind_of(&factor),
        factor_digest: crate::rebuild_store::factor_digest(&factor),
        enrolment: Enrolment::Provider { by: settings.issuer.clone(), subject: known.subject.clone() },
    }))?;
    daemon.store.add_reviewer(person, &factor, now_ms, false).map_err(|why| why.to_string())?;
    daemon.holds.people_changed();
    Ok(())
}

fn place(daemon: &Daemon, settings: &Settings, person: &Person) -> Result<(), String> {
    let people = daemon.store.people().map_err(|why| why.to_string())?;
    let is_last = !people.iter().any(|it| it.role == Role::Operator && it.name != person.name);
    if is_last && person.role != Role::Operator {
        return Err(
            "by the provider you are no longer an operator, and there is no other; make another person operator first"
                .to_owned(),
        );
    }
    let _receipt = daemon.record(Change::ReviewerPlaced {
        reviewer: person.name.to_string(),
        role: person.role,
        groups: person.groups.clone(),
        by: settings.issuer.clone(),
    })?;
    if !daemon.store.place_reviewer(person).map_err(|why| why.to_string())? {
        return Err("no operator would be left".to_owned());
    }
    daemon.holds.people_changed();
    Ok(())
}

/// Whether a person's proof counts: for a person enrolled by a provider, only while the provider confirmed it recently.
pub(crate) fn still_known(row: &ReviewerRow, now_ms: u64) -> Result<(), String> {
    match row.seen_ms {
        Some(seen_ms) if now_ms.abs_diff(seen_ms) >= SAID_FOR_MS => Err(format!(
            "`{}` comes through single sign-on, and last did so more than {} hours ago; sign in on the page first",
            row.person.name,
            SAID_FOR_MS / 3_600_000
        )),
        Some(_) | None => Ok(()),
    }
}

/// Whether a person was enrolled by a provider and has no factor of their own.
pub(crate) fn has_nothing(daemon: &Daemon, name: &ReviewerName) -> Result<bool, String> {
    let store = |why: state_sqlite::Failed| why.to_string();
    let row = daemon.store.reviewer(name).map_err(store)?;
    Ok(row.is_some_and(|row| matches!(row.factor, Factor::Passkey) && row.seen_ms.is_some())
        && daemon.store.passkeys(name).map_err(store)?.is_empty())
}

fn settings(daemon: &Daemon) -> Result<Settings, String> {
    let path = daemon.layout.signon();
    let off = || "single sign-on is not set up here".to_owned();
    if path.exists() && files::is_open_to_others(&path).map_err(|why| why.to_string())? {
        return Err(format!("`{}` can be written by others", path.display()));
    }
    Settings::parse(&text(&path)?.ok_or_else(off)?).map_err(|why| format!("`{}`: {why}", path.display()))
}

fn provider(daemon: &Daemon) -> Result<Provider, String> {
    let path = daemon.layout.provider();
    let away = || "the provider was not reached yet; is `countersign-gate sign-on` running?".to_owned();
    if path.exists() && files::is_open_to_others(&path).map_err(|why| why.to_string())? {
        return Err(format!("`{}` can be written by others", path.display()));
    }
    serde_json::from_str(&text(&path)?.ok_or_else(away)?).map_err(|why| format!("`{}`: {why}", path.display()))
}

fn text(path: &std::path::Path) -> Result<Option<String>, String> {
    let bytes = files::read_small(path, MAX_FILE).map_err(|why| format!("`{}`: {why}", path.display()))?;
    Ok(bytes.and_then(|bytes| String::from_utf8(bytes).ok()))
}
