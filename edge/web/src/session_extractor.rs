//! Asking `countersignd`, from a request.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::header;
use axum::http::request::Parts;
use protocol::{OperatorReply, OperatorRequest};
use serde::Serialize;

use crate::Gate;
use crate::problem::Problem;

/// The cookie with the session's token.
pub(crate) const COOKIE: &str = "countersign";

/// A session's token, as a request carries it.
#[derive(Clone, Debug)]
pub(crate) struct Token(pub(crate) String);

/// Who is signed in.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct Who {
    pub(crate) name: String,
    pub(crate) role: String,
    pub(crate) groups: Vec<String>,
    /// What they prove themself with: `totp`, `ssh` or `passkey`.
    pub(crate) factor: String,
    /// Their passkeys (base64url).
    pub(crate) passkeys: Vec<String>,
}

/// A signed-in person: a request without one goes no further.
pub(crate) struct SignedIn {
    pub(crate) who: Who,
    pub(crate) token: Token,
}

/// The token alone, for what the daemon looks at together with what is done: one way there and back less.
impl FromRequestParts<Arc<Gate>> for Token {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _gate: &Arc<Gate>) -> Result<Self, Problem> {
        let cookies = parts.headers.get_all(header::COOKIE).iter().filter_map(|it| it.to_str().ok());
        let mut pairs = cookies.flat_map(|it| it.split(';')).filter_map(|it| it.trim().split_once('='));
        let token = pairs.find(|(name, _)| *name == COOKIE).map(|(_, value)| Self(value.to_owned()));
        token.ok_or_else(|| Problem::signed_out("sign in first".to_owned()))
    }
}

impl FromRequestParts<Arc<Gate>> for SignedIn {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, gate: &Arc<Gate>) -> Result<Self, Problem> {
        let token = Token::from_request_parts(parts, gate).await?;
        let who = session(gate, &token, true).await?;
        Ok(Self { who, token })
    }
}

/// Whose session a token is.
pub(crate) async fn session(gate: &Arc<Gate>, token: &Token, keep: bool) -> Result<Who, Problem> {
    match ask(gate, OperatorRequest::Session { token: token.0.clone(), keep }).await? {
        OperatorReply::Session { name, place, factor, passkeys } => {
            Ok(Who { name, role: place.role, groups: place.groups, factor, passkeys })
        }
        OperatorReply::Refused { why } => Err(Problem::signed_out(why)),
        other => Err(unexpected(&other)),
    }
}

/// Asks.
pub(crate) async fn ask(gate: &Arc<Gate>, say: OperatorRequest) -> Result<OperatorReply, Problem> {
    gate.operators.ask(&say).await.map_err(Problem::away)
}

/// Asks; a refusal is a problem.
pub(crate) async fn done(gate: &Arc<Gate>, say: OperatorRequest) -> Result<OperatorReply, Problem> {
    match ask(gate, say).await? {
        OperatorReply::Refused { why } => Err(Problem::refused(why)),
        OperatorReply::SignedOut { why } => Err(Problem::signed_out(why)),
        other => Ok(other),
    }
}

/// An unexpected reply of the daemon.
pub(crate) fn unexpected(_heard: &OperatorReply) -> Problem {
    Problem::away("unexpected reply from `countersignd`; all programs must be of the same release".to_owned())
}
