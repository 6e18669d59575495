//! People: enrolled, given a role and groups, removed. The first is trusted on first use and is an operator; every change after
//! that carries an operator's proof.

use approval::{ApprovalRequest, SshIdentity, TotpSecret};
use host::clock;
use model::{AgentName, HoldId, RequestDigest, ReviewerName};
use pdp::{Person, Role};
use protocol::{AgentAttributes, OperatorReply, OperatorRequest, ReviewerAttributes, ReviewerView};
use record::{Change, Enrolment, FactorKind, ReviewerAdded};
use state_sqlite::Factor;

use crate::agent_registry::check_place;
use crate::change_authorization::proved;
use crate::state::Daemon;
use crate::web_sessions;

/// A question about something that is no request of an agent.
pub(crate) fn change_question(request: RequestDigest) -> Result<ApprovalRequest, String> {
    let nobody = "countersign";
    Ok(ApprovalRequest {
        id: HoldId::new(0, 0),
        request,
        agent: AgentName::parse(nobody).map_err(|why| why.to_string())?,
        owner: ReviewerName::parse(nobody).map_err(|why| why.to_string())?,
        above: Vec::new(),
        quorum: pdp::Quorum::DEFAULT,
        expires_at_ms: u64::MAX,
    })
}

/// The role of a person whose proof was checked; too low a role is refused.
pub(crate) fn at_least(daemon: &Daemon, name: &ReviewerName, least: Role) -> Result<(), String> {
    let row = daemon.store.reviewer(name).map_err(|why| why.to_string())?;
    match row.map(|row| row.person.role) {
        Some(role) if role >= least => Ok(()),
        Some(role) => Err(format!("this takes the role {}, and `{name}` is {}", least.as_str(), role.as_str())),
        None => Err(format!("there is no reviewer `{name}`")),
    }
}

/// Answers what is about people.
#[expect(clippy::wildcard_enum_match_arm, reason = "the socket sends on what belongs here; all else is refused")]
pub(crate) fn answer(daemon: &Daemon, message: &OperatorRequest) -> Result<OperatorReply, String> {
    match message {
        OperatorRequest::AddReviewer { .. } => add(daemon, message),
        OperatorRequest::PlaceReviewer { name, place, by } => {
            let person = person(name, place)?;
            let who = proved(daemon, message, by, Role::Operator)?;
            if daemon.store.reviewer(&person.name).map_err(|why| why.to_string())?.is_none() {
                return Err(format!("there is no reviewer `{name}`"));
            }
            if person.role < Role::Operator {
                leaves_an_operator(daemon, &person.name)?;
            }
            let _receipt = daemon.record(Change::ReviewerPlaced {
                reviewer: name.clone(),
                role: person.role,
                groups: place.groups.clone(),
                by: who.to_string(),
            })?;
            if !daemon.store.place_reviewer(&person).map_err(|why| why.to_string())? {
                return undone(daemon, Change::ReviewerNotPlaced { reviewer: name.clone() });
            }
            daemon.holds.people_changed();
            Ok(OperatorReply::Done { what: format!("{name} is {} ({})", place.role, groups(&place.groups)) })
        }
        OperatorRequest::RemoveReviewer { name, by } => {
            let person = ReviewerName::parse(name).map_err(|why| why.to_string())?;
            let who = proved(daemon, message, by, Role::Operator)?;
            if daemon.store.reviewer(&person).map_err(|why| why.to_string())?.is_none() {
                return Err(format!("there is no reviewer `{name}`"));
            }
            leaves_an_operator(daemon, &person)?;
            let _receipt = daemon.record(Change::ReviewerRemoved { reviewer: name.clone(), by: who.to_string() })?;
            if !daemon.store.remove_reviewer(&person).map_err(|why| why.to_string())? {
                return undone(daemon, Change::ReviewerNotRemoved { reviewer: name.clone() });
            }
            web_sessions::end_all(daemon, &person);
            daemon.holds.people_changed();
            Ok(OperatorReply::Done { what: format!("{name} can no longer answer") })
        }
        OperatorRequest::Reviewers => list(daemon),
        _ => Err("this is not about people".to_owned()),
    }
}

const NO_OPERATOR: &str = "no operator would be left; make another person operator first";

fn leaves_an_operator(daemon: &Daemon, without: &ReviewerName) -> Result<(), String> {
    let people = daemon.store.people().map_err(|why| why.to_string())?;
    let left = people.iter().any(|person| person.role == Role::Operator && person.name != *without);
    if left { Ok(()) } else { Err(NO_OPERATOR.to_owned()) }
}

/// Two went at once: the record says that it was about to be done; this one says that it was not.
fn undone(daemon: &Daemon, not_done: Change) -> Result<OperatorReply, String> {
    let _receipt = daemon.record(not_done)?;
    Err(NO_OPERATOR.to_owned())
}

pub(crate) fn person(name: &str, place: &ReviewerAttributes) -> Result<Person, String> {
    let role = Role::parse(&place.role);
    let role = role.ok_or_else(|| {
        let all = Role::ALL.iter().map(|it| it.as_str()).collect::<Vec<_>>().join(", ");
        format!("`{}` is no role; there are {all}", place.role)
    })?;
    check_place(&AgentAttributes { env: None, groups: place.groups.clone(), trust: 0 })?;
    let name = ReviewerName::parse(name).map_err(|why| why.to_string())?;
    Ok(Person { name, role, groups: place.groups.clone() })
}

fn groups(groups: &[String]) -> String {
    if groups.is_empty() { "in no group".to_owned() } else { format!("in {}", groups.join(", ")) }
}

fn add(daemon: &Daemon, message: &OperatorRequest) -> Result<OperatorReply, String> {
    let OperatorRequest::AddReviewer { name, ssh_key, place, vouch } = message else {
        return Err("this adds no person".to_owned());
    };
    let mut person = person(name, place)?;
    let ssh = ssh_key.as_deref().map(SshIdentity::parse).transpose().map_err(|why| why.to_string())?;
    let canonical = ssh.as_ref().map(SshIdentity::to_line);
    if canonical != *ssh_key {
        return Err(
            "the SSH key is not written as it is signed for: its type and its base64, without a comment".to_owned()
        );
    }
    let vouched_by = vouch.as_ref().map(|by| proved(daemon, message, by, Role::Operator)).transpose()?;
    if vouched_by.is_none() {
        if !daemon.store.reviewers().map_err(|why| why.to_string())?.is_empty() {
            return Err(
                "there are reviewers already, so an operator must vouch for a new one: add `--vouched-by NAME`"
                    .to_owned(),
            );
        }
        person.role = Role::Operator;
    }
    let secret = TotpSecret::new(clock::random::<20>().map_err(|why| why.to_string())?);
    let (factor, totp_uri) = match ssh {
        Some(identity) => (Factor::Ssh(identity), None),
        None => (Factor::Totp(secret.clone()), Some(secret.uri(name))),
    };
    let _receipt = daemon.record(Change::ReviewerAdded(ReviewerAdded {
        reviewer: name.clone(),
        role: person.role,
        groups: person.groups.clone(),
        factor: kind_of(&factor),
        factor_digest: crate::rebuild_store::factor_digest(&factor),
        enrolment: Enrolment::Vouched {
            ssh_key: canonical,
            password_digest: record::Member::Absent,
            vouched_by: vouched_by.as_ref().map(ToString::to_string),
        },
    }))?;
    let added = daemon.store.add_reviewer(&person, &factor, clock::now_ms(), vouched_by.is_none());
    if added.map_err(|why| why.to_string())? {
        Ok(OperatorReply::Reviewer { totp_uri })
    } else {
        Err("another first reviewer was enrolled at the same time".to_owned())
    }
}

/// What kind of factor it is.
pub(crate) const fn kind_of(factor: &Factor) -> FactorKind {
    match factor {
        Factor::Totp(_) => FactorKind::Totp,
        Factor::Ssh(_) => FactorKind::Ssh,
        Factor::Passkey => FactorKind::Passkey,
    }
}

/// The word for it.
pub(crate) const fn factor(factor: &Factor) -> &'static str {
    kind_of(factor).as_str()
}

/// Everybody who is enrolled.
fn list(daemon: &Daemon) -> Result<OperatorReply, String> {
    let rows = daemon.store.reviewers().map_err(|why| why.to_string())?;
    let view = |row: state_sqlite::ReviewerRow| ReviewerView {
        passkeys: daemon.store.passkeys(&row.person.name).map_or(0, |it| it.len()),
        name: row.person.name.to_string(),
        factor: factor(&row.factor).to_owned(),
        place: ReviewerAttributes { role: row.person.role.as_str().to_owned(), groups: row.person.groups },
        created_ms: row.created_ms,
    };
    Ok(OperatorReply::Reviewers { reviewers: rows.into_iter().map(view).collect() })
}
