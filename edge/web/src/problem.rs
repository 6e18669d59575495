//! What went wrong, as RFC 9457 says it.

use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// A problem document.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct Problem {
    #[serde(rename = "type")]
    kind: &'static str,
    title: &'static str,
    status: u16,
    detail: String,
}

impl Problem {
    fn new(status: StatusCode, detail: String) -> Self {
        let title = status.canonical_reason().unwrap_or("Error");
        Self { kind: "about:blank", title, status: status.as_u16(), detail }
    }

    /// The kind, in a word of the page: it began elsewhere or is too late, something cannot be reached, or it was refused.
    pub(crate) const fn word(&self) -> &'static str {
        match self.status {
            401 => "late",
            503 | 404 => "away",
            _ => "refused",
        }
    }

    /// Anything else.
    pub(crate) fn of(status: StatusCode, why: String) -> Self {
        Self::new(status, if why.is_empty() { status.canonical_reason().unwrap_or("Error").to_owned() } else { why })
    }

    /// There is no session.
    pub(crate) fn signed_out(why: String) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, why)
    }

    /// It is not for this page, or this person.
    pub(crate) fn forbidden(why: &str) -> Self {
        Self::new(StatusCode::FORBIDDEN, why.to_owned())
    }

    /// It was refused: too late, not theirs, a wrong code.
    pub(crate) fn refused(why: String) -> Self {
        Self::new(StatusCode::CONFLICT, why)
    }

    /// It makes no sense.
    pub(crate) fn malformed(why: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, why.to_owned())
    }

    /// There is nothing there.
    pub(crate) fn nothing(why: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, why.to_owned())
    }

    /// `countersignd` is away. Nothing is allowed meanwhile.
    pub(crate) fn away(why: String) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, why)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (status, [(header::CONTENT_TYPE, "application/problem+json")], Json(self)).into_response()
    }
}
