//! What a certificate authority asks for at port 80 (HTTP-01, RFC 8555 §8.3): answered by a process of its own, which serves nothing else.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;

/// What is answered at the moment: texts by token.
#[derive(Clone, Debug, Default)]
pub struct Challenges(Arc<Mutex<BTreeMap<String, String>>>);

impl Challenges {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers one from now on.
    pub fn set(&self, token: &str, text: &str) {
        self.lock().insert(token.to_owned(), text.to_owned());
    }

    /// Answers none any more.
    pub fn clear(&self) {
        self.lock().clear();
    }
}

/// Answers until the process ends.
///
/// # Errors
/// The listener fails.
pub async fn answer_challenges(listener: TcpListener, challenges: Challenges) -> std::io::Result<()> {
    let router = Router::new().route("/.well-known/acme-challenge/{token}", get(answer)).with_state(challenges);
    axum::serve(listener, router).await
}

async fn answer(State(challenges): State<Challenges>, Path(token): Path<String>) -> Response {
    let text = challenges.lock().get(&token).cloned();
    match text {
        Some(text) => ([(CONTENT_TYPE, "application/octet-stream")], text).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
