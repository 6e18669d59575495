//! Invitations: one-time links for enrolment. `countersign up` prints the first person's.

use data_encoding::BASE64URL_NOPAD;
use host::clock;
use model::{Digest, ReviewerName};
use pdp::Role;
use protocol::{OperatorReply, OperatorRequest, ReviewerAttributes, Vouch};
use record::Change;
use state_sqlite::InviteRow;

use crate::change_authorization::proved;
use crate::oidc;
use crate::reviewers::person;
use crate::state::Daemon;

/// Lifetime of an invitation: of the first person's, which any reader of the terminal could use, and of others.
const FIRST_MS: u64 = 3_600_000;
const INVITE_MS: u64 = 3 * 86_400_000;

/// The domain of what is kept of tokens.
const INVITE_DOMAIN: &str = "countersign/invite/v1";

/// What is kept of an invitation's token.
pub(crate) fn digest(token: &str) -> Digest {
    Digest::within(INVITE_DOMAIN, token.as_bytes())
}

/// Whether no person is enrolled yet.
pub(crate) fn is_first(daemon: &Daemon) -> Result<bool, String> {
    Ok(daemon.store.reviewers().map_err(|why| why.to_string())?.is_empty())
}

/// Invites a person.
///
/// # Errors
/// It takes an operator, except for the very first; or the name is taken.
pub(crate) fn invite(
    daemon: &Daemon,
    message: &OperatorRequest,
    name: Option<&str>,
    place: &ReviewerAttributes,
    by: Option<&Vouch>,
) -> Result<OperatorReply, String> {
    let is_first = is_first(daemon)?;
    let who = by.map(|by| proved(daemon, message, by, Role::Operator)).transpose()?;
    if who.is_none() && !is_first {
        return Err("a person is enrolled already, so an operator must invite others".to_owned());
    }
    let mut person = person(name.unwrap_or("first"), place)?;
    if is_first {
        person.role = Role::Operator;
    } else if name.is_none() {
        return Err("say whom you invite".to_owned());
    }
    if daemon.store.reviewer(&person.name).map_err(|why| why.to_string())?.is_some()
        && !oidc::has_nothing(daemon, &person.name)?
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
    let _receipt = daemon.record(Change::ReviewerInvited {
        reviewer: name.map(str::to_owned),
        role: row.role,
        groups: row.groups.clone(),
        by: row.by.clone(),
    })?;
    daemon.store.add_invite(&digest(&token), &row).map_err(|why| why.to_string())?;
    Ok(OperatorReply::Invited { token, expires_at_ms })
}

/// An invitation is worth the inviting person's present role.
pub(crate) fn still_counts(daemon: &Daemon, row: &InviteRow) -> Result<(), String> {
    let Some(by) = &row.by else { return Ok(()) };
    let by = ReviewerName::parse(by).map_err(|why| why.to_string())?;
    let inviter = daemon.store.reviewer(&by).map_err(|why| why.to_string())?;
    if inviter.is_some_and(|inviter| inviter.person.role == Role::Operator) {
        return Ok(());
    }
    Err("the person who invited you is no longer an operator; ask for another link".to_owned())
}
