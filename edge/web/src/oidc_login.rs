//! Single sign-on: the browser goes to the provider and comes back. Who it is, `countersignd` says.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use protocol::{OperatorReply, OperatorRequest, SignOnWay};
use serde::Deserialize;
use serde_json::json;

use crate::Gate;
use crate::problem::Problem;
use crate::routes::Answered;
use crate::session_extractor::{done, unexpected};

/// Where the provider sends a browser back to: a page of another site asks for it, so it is not looked at where from.
pub(crate) const CALLBACK: &str = "/v1/sign-on/callback";

/// The cookie that says that it is the same browser that comes back.
const COOKIE: &str = "countersign-sign-on";

/// How long a sign-in may take, and how many may be in progress.
const FOR: Duration = Duration::from_secs(600);
const MOST: usize = 256;

/// How the provider is spoken to. Which one it is, the daemon says each time. Calls block.
pub trait SignOn: Send + Sync + 'static {
    /// Where to send a browser.
    ///
    /// # Errors
    /// The provider is not known yet.
    fn leave(&self, way: &SignOnWay, nonce: &str) -> Result<Leaving, String>;

    /// What the provider says, for the code that a browser came back with.
    ///
    /// # Errors
    /// It says nothing, or cannot be reached.
    fn token(&self, way: &SignOnWay, code: &str, verifier: &str) -> Result<String, String>;
}

/// A browser that leaves for the provider.
pub struct Leaving {
    /// The address to go to.
    pub address: String,
    /// What it brings back.
    pub state: String,
    /// What proves that we asked.
    pub verifier: String,
}

/// Those who are on their way, by what they bring back.
#[derive(Default)]
pub(crate) struct PendingLogins(Mutex<BTreeMap<String, PendingLogin>>);

struct PendingLogin {
    nonce: String,
    verifier: String,
    since: Instant,
}

/// Whether there is single sign-on, and what it is called.
pub(crate) async fn offered(State(gate): State<Arc<Gate>>) -> Answered {
    Ok(Json(json!({"name": way(&gate).await?.map(|it| it.name)})))
}

/// The way to the provider, where one is set up.
async fn way(gate: &Arc<Gate>) -> Result<Option<SignOnWay>, Problem> {
    match done(gate, OperatorRequest::SignOnWay).await? {
        OperatorReply::SignOnWay { way } => Ok(way),
        other => Err(unexpected(&other)),
    }
}

fn is_off() -> Problem {
    Problem::nothing("single sign-on is not set up here")
}

/// Sends a browser to the provider.
pub(crate) async fn begin(State(gate): State<Arc<Gate>>) -> Response {
    leave(gate).await.unwrap_or_else(|problem| to_page(&problem))
}

async fn leave(gate: Arc<Gate>) -> Result<Response, Problem> {
    let way = way(&gate).await?.ok_or_else(is_off)?;
    let OperatorReply::Challenge { nonce, .. } = done(&gate, OperatorRequest::BeginSignOn).await? else {
        return Err(Problem::away(
            "unexpected reply from `countersignd`; all programs must be of the same release".to_owned(),
        ));
    };
    let Leaving { address, state, verifier } =
        tokio::task::block_in_place(|| gate.sign_on.leave(&way, &nonce)).map_err(Problem::away)?;
    let cookie = gate.sign_on_cookie(&state, FOR.as_secs());
    let mut away = gate.away.0.lock().unwrap_or_else(PoisonError::into_inner);
    away.retain(|_, it| it.since.elapsed() < FOR);
    if away.len() >= MOST {
        return Err(Problem::refused("too many are signing in; wait a minute".to_owned()));
    }
    away.insert(state, PendingLogin { nonce, verifier, since: Instant::now() });
    drop(away);
    Ok((StatusCode::SEE_OTHER, [(header::LOCATION, address), (header::SET_COOKIE, cookie)]).into_response())
}

/// What a browser brings back (RFC 6749 §4.1.2).
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct Back {
    code: Option<String>,
    state: Option<String>,
}

/// A browser came back. A failed sign-in is shown on the page by a code word: any site could put a text into the address.
pub(crate) async fn back(State(gate): State<Arc<Gate>>, headers: HeaderMap, Query(given): Query<Back>) -> Response {
    come_back(gate, &headers, given).await.unwrap_or_else(|problem| to_page(&problem))
}

fn to_page(problem: &Problem) -> Response {
    (StatusCode::SEE_OTHER, [(header::LOCATION, format!("/#sign-on={}", problem.word()))]).into_response()
}

async fn come_back(gate: Arc<Gate>, headers: &HeaderMap, back: Back) -> Result<Response, Problem> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|it| it.to_str().ok());
    let mut pairs = cookies.flat_map(|it| it.split(';')).filter_map(|it| it.trim().split_once('='));
    let own = pairs.find(|(name, _)| *name == COOKIE).map(|(_, value)| value);
    // Otherwise an attacker's link would sign a browser in as the attacker.
    let state = back.state.filter(|state| own == Some(state.as_str()));
    let gone = state.and_then(|state| gate.away.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&state));
    let gone = gone.filter(|it| it.since.elapsed() < FOR);
    let gone = gone.ok_or_else(|| {
        Problem::signed_out("this sign-in did not begin in this browser, or took too long".to_owned())
    })?;
    let code = back.code.ok_or_else(|| Problem::refused("the provider did not sign you in".to_owned()))?;
    let way = way(&gate).await?.ok_or_else(is_off)?;
    let token = tokio::task::block_in_place(|| gate.sign_on.token(&way, &code, &gone.verifier));
    let token = token.map_err(Problem::away)?;
    match done(&gate, OperatorRequest::FinishSignOn { token, nonce: gone.nonce }).await? {
        OperatorReply::SignedIn { token } => {
            let mut response = (StatusCode::SEE_OTHER, [(header::LOCATION, "/")]).into_response();
            for cookie in [gate.cookie(&token), gate.sign_on_cookie("", 0)] {
                if let Ok(value) = cookie.parse() {
                    response.headers_mut().append(header::SET_COOKIE, value);
                }
            }
            Ok(response)
        }
        other => Err(unexpected(&other)),
    }
}

impl Gate {
    /// Comes back with a browser that another site sends here, so it is not strict; it is no session.
    fn sign_on_cookie(&self, state: &str, seconds: u64) -> String {
        let secure = if self.tls.is_some() { "; Secure" } else { "" };
        format!("{COOKIE}={state}; HttpOnly; SameSite=Lax; Path={CALLBACK}; Max-Age={seconds}{secure}")
    }
}
