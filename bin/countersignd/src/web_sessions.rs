//! Sign-ins of people at the web gate. A session lets them look; every answer takes a proof of its own, so a gate that lies, or
//! a stolen session, approves nothing.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Mutex;

use data_encoding::BASE64URL_NOPAD;
use host::clock;
use model::{Digest, ReviewerName};
use protocol::{OperatorReply, OperatorRequest, Proof, ReviewerAttributes, Vouch, change_text};
use record::Access;
use state_sqlite::ReviewerRow;

use crate::authentication::{Purpose, Words, prove_to_look};
use crate::change_authorization::question_of;
use crate::state::{Daemon, lock};

/// How long a session lives when nothing is done with it, and at most. An hour keeps the page of a waiting reviewer open;
/// for stricter demands (PCI DSS 8.2.8 says fifteen minutes) set the variable.
const IDLE: &str = "COUNTERSIGN_SESSION_IDLE_MINUTES";
const IDLE_MINUTES: u64 = 60;
const LONGEST_MS: u64 = 12 * 3_600_000;

/// The most sessions of one person, and of all. The oldest of a person makes room.
const MAX_PER_PERSON: usize = 8;
const MAX_SESSIONS: usize = 1_024;

/// The domain of what is kept of a session's token.
const DOMAIN: &str = "countersign/session/v1";

struct Session {
    who: ReviewerName,
    since_ms: u64,
    used_ms: u64,
}

impl Session {
    const fn is_alive(&self, now_ms: u64, idle_ms: u64) -> bool {
        // A clock that was set back ends it, too.
        now_ms >= self.used_ms
            && now_ms.saturating_sub(self.used_ms) < idle_ms
            && now_ms.saturating_sub(self.since_ms) < LONGEST_MS
    }
}

/// Those that are open, by a digest of their token. They end with the daemon.
pub(crate) struct Sessions {
    idle_ms: u64,
    open: Mutex<BTreeMap<Digest, Session>>,
    tries: Mutex<Tries>,
    /// What is fresh, and since when.
    challenges: Mutex<BTreeMap<String, u64>>,
}

impl Sessions {
    /// None, with how long they may be idle.
    ///
    /// # Errors
    /// The variable is set to something else than 1 to 720 minutes.
    pub(crate) fn from_environment() -> Result<Self, String> {
        let minutes = match std::env::var(IDLE) {
            Err(_) => IDLE_MINUTES,
            Ok(text) => text
                .parse()
                .ok()
                .filter(|minutes| (1..=720).contains(minutes))
                .ok_or_else(|| format!("`{IDLE}` is a number of minutes between 1 and 720"))?,
        };
        Ok(Self {
            idle_ms: minutes.saturating_mul(60_000),
            open: Mutex::default(),
            tries: Mutex::default(),
            challenges: Mutex::default(),
        })
    }
}

/// How often a person may try to sign in within a minute, by the name that they give, and all together. Every account on the machine
/// can reach the gate's port, an agent's too.
const TRIES_OF_ONE: usize = 5;
const TRIES_OF_ALL: usize = 60;
const MINUTE_MS: u64 = 60_000;

/// Tries of the last minute.
#[derive(Default)]
struct Tries(VecDeque<(u64, String)>);

impl Tries {
    /// Counts one, if there may be another.
    fn take(&mut self, name: &str, now_ms: u64) -> bool {
        let is_old = |at_ms: u64| now_ms < at_ms || now_ms.saturating_sub(at_ms) >= MINUTE_MS;
        while self.0.front().is_some_and(|(at_ms, _)| is_old(*at_ms)) {
            self.0.pop_front();
        }
        let own = self.0.iter().filter(|(_, who)| who == name).count();
        if own >= TRIES_OF_ONE || self.0.len() >= TRIES_OF_ALL {
            return false;
        }
        self.0.push_back((now_ms, name.chars().take(64).collect()));
        true
    }
}

/// The message after a failed proof: it does not say what was wrong.
pub(crate) const NOT_TOGETHER: &str =
    "this name does not go with this password and code, or the code was used; wait for the next one";

/// Signs a person in: any enrolled person, whatever their role.
pub(crate) fn sign_in(daemon: &Daemon, message: &OperatorRequest, by: &Vouch) -> Result<OperatorReply, String> {
    let now_ms = clock::now_ms();
    let Some(who) = prove_who(daemon, message, by, now_ms)? else {
        let reviewer = daemon.redactor.text(&by.reviewer.chars().take(64).collect::<String>());
        let _receipt = daemon.record(Access::SignInRefused { reviewer })?;
        return Err(NOT_TOGETHER.to_owned());
    };
    begin(daemon, who, now_ms).map(|token| OperatorReply::SignedIn { token })
}

/// Identifies a person at sign-in, which every account on this machine can reach: tries are counted, and lock no reviewer out of answering.
///
/// # Errors
/// There were too many tries, or it is a proof that does not serve here.
pub(crate) fn prove_who(
    daemon: &Daemon,
    message: &OperatorRequest,
    by: &Vouch,
    now_ms: u64,
) -> Result<Option<ReviewerName>, String> {
    may_try(daemon, &by.reviewer, now_ms)?;
    match by.proof {
        Proof::Session(_) => return Err("a session is no new proof of identity".to_owned()),
        // The page cannot use an SSH key, and no other client asks for a session.
        Proof::Ssh(_) => return Err("this takes a passkey or a code; an SSH key answers in the terminal".to_owned()),
        Proof::Totp(_) | Proof::Account { .. } | Proof::Passkey(_) => {}
    }
    let question = question_of(message)?;
    let words = Words::Change(change_text(message).unwrap_or_default());
    let purpose = Purpose { question: &question, said: approval::Vote::Approve, words };
    Ok(prove_to_look(daemon, by, &purpose, now_ms))
}

/// Counts a try from a way that everybody on this machine can reach.
pub(crate) fn may_try(daemon: &Daemon, name: &str, now_ms: u64) -> Result<(), String> {
    if lock(&daemon.sessions.tries).take(name, now_ms) {
        Ok(())
    } else {
        Err("too many sign-in attempts; wait a minute. Answers in the terminal still work".to_owned())
    }
}

/// A session of an authenticated person. Returns its token.
pub(crate) fn begin(daemon: &Daemon, who: ReviewerName, now_ms: u64) -> Result<String, String> {
    let token = Digest::from_array(clock::random::<32>().map_err(|why| why.to_string())?).to_string();
    {
        let mut open = lock(&daemon.sessions.open);
        open.retain(|_, session| session.is_alive(now_ms, daemon.sessions.idle_ms));
        let mut own: Vec<(u64, Digest)> =
            open.iter().filter(|(_, it)| it.who == who).map(|(digest, it)| (it.since_ms, *digest)).collect();
        own.sort();
        for (_, digest) in own.iter().take(own.len().saturating_sub(MAX_PER_PERSON.saturating_sub(1))) {
            open.remove(digest);
        }
        if open.len() >= MAX_SESSIONS {
            return Err(format!("{MAX_SESSIONS} people are signed in already"));
        }
    }
    // Each sign-in is recorded before it takes effect.
    let _receipt = daemon.record(Access::SignedIn { reviewer: who.to_string() })?;
    let session = Session { who, since_ms: now_ms, used_ms: now_ms };
    lock(&daemon.sessions.open).insert(Digest::within(DOMAIN, token.as_bytes()), session);
    Ok(token)
}

/// Lifetime of a nonce, and the maximum number of them.
const FRESH_MS: u64 = 120_000;
const MAX_CHALLENGES: usize = 256;

/// Something fresh for a passkey to sign. The oldest makes room.
pub(crate) fn challenge(daemon: &Daemon) -> Result<OperatorReply, String> {
    let nonce = BASE64URL_NOPAD.encode(&clock::random::<32>().map_err(|why| why.to_string())?);
    let now_ms = clock::now_ms();
    let mut open = lock(&daemon.sessions.challenges);
    open.retain(|_, at_ms| now_ms.abs_diff(*at_ms) < FRESH_MS);
    if open.len() >= MAX_CHALLENGES {
        let oldest = open.iter().min_by_key(|(_, at_ms)| **at_ms).map(|(nonce, _)| nonce.clone());
        oldest.and_then(|nonce| open.remove(&nonce));
    }
    open.insert(nonce.clone(), now_ms);
    Ok(OperatorReply::Challenge { nonce, site: daemon.site.host().to_owned() })
}

/// Uses something fresh up. Says whether it was.
pub(crate) fn take_challenge(daemon: &Daemon, nonce: &str, now_ms: u64) -> bool {
    let taken = lock(&daemon.sessions.challenges).remove(nonce);
    taken.is_some_and(|at_ms| now_ms.abs_diff(at_ms) < FRESH_MS)
}

/// Whose session a token is, if it still lives.
pub(crate) fn of(daemon: &Daemon, token: &str, now_ms: u64) -> Option<ReviewerName> {
    let open = lock(&daemon.sessions.open);
    let session = open.get(&Digest::within(DOMAIN, token.as_bytes()))?;
    session.is_alive(now_ms, daemon.sessions.idle_ms).then(|| session.who.clone())
}

/// Ends all sessions of a person.
pub(crate) fn end_all(daemon: &Daemon, who: &ReviewerName) {
    lock(&daemon.sessions.open).retain(|_, session| session.who != *who);
}

/// The person of a session token. The use extends the session.
///
/// # Errors
/// It is over.
pub(crate) fn kept(daemon: &Daemon, token: &str) -> Result<ReviewerRow, String> {
    whose_is(daemon, token, true)
}

fn whose_is(daemon: &Daemon, token: &str, keep: bool) -> Result<ReviewerRow, String> {
    let now_ms = clock::now_ms();
    let mut open = lock(&daemon.sessions.open);
    let session = open
        .get_mut(&Digest::within(DOMAIN, token.as_bytes()))
        .filter(|it| it.is_alive(now_ms, daemon.sessions.idle_ms))
        .ok_or(ENDED)?;
    if keep {
        session.used_ms = now_ms;
    }
    let who = session.who.clone();
    drop(open);
    // A removal or a new role applies from now on.
    let row = daemon.store.reviewer(&who).map_err(|why| why.to_string())?.ok_or(ENDED)?;
    crate::oidc::still_known(&row, now_ms)?;
    Ok(row)
}

const ENDED: &str = "you are not signed in, or the session has expired; sign in";

/// The person of a session token. Looking extends the session if asked to.
pub(crate) fn whose(daemon: &Daemon, token: &str, keep: bool) -> Result<OperatorReply, String> {
    let row = whose_is(daemon, token, keep)?;
    let who = row.person.name;
    let factor = crate::reviewers::factor(&row.factor).to_owned();
    let place = ReviewerAttributes { role: row.person.role.as_str().to_owned(), groups: row.person.groups };
    let passkeys = daemon.store.passkeys(&who).map_err(|why| why.to_string())?;
    let passkeys = passkeys.iter().map(|it| BASE64URL_NOPAD.encode(it.passkey.credential())).collect();
    Ok(OperatorReply::Session { name: who.to_string(), place, factor, passkeys })
}

/// Ends a session.
pub(crate) fn sign_out(daemon: &Daemon, token: &str) -> Result<OperatorReply, String> {
    let session = lock(&daemon.sessions.open).remove(&Digest::within(DOMAIN, token.as_bytes()));
    if let Some(session) = session {
        let _receipt = daemon.record(Access::SignedOut { reviewer: session.who.to_string() })?;
    }
    Ok(OperatorReply::Done { what: "signed out".to_owned() })
}
