//! Where agents work, for people who look: once, or as it changes.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream::unfold;
use protocol::{ActivityView, OperatorReply, OperatorRequest};
use tokio::sync::OwnedSemaphorePermit;

use crate::Gate;
use crate::daemon_client::Working;
use crate::problem::Problem;
use crate::session_extractor::{SignedIn, done, unexpected};

/// How many pages may look at once: each has a connection to the daemon, which takes no more than some.
pub(crate) const MOST_LOOK: usize = 64;

/// `GET /v1/sessions`.
pub(crate) async fn now(State(gate): State<Arc<Gate>>, by: SignedIn) -> Result<Json<ActivityView>, Problem> {
    match done(&gate, OperatorRequest::Work { token: by.token.0, follow: false }).await? {
        OperatorReply::Work(work) => Ok(Json(work)),
        other => Err(unexpected(&other)),
    }
}

/// `GET /v1/sessions/live`: the same as a server-sent event, and again whenever it changed, once a second at most.
pub(crate) async fn live(State(gate): State<Arc<Gate>>, by: SignedIn) -> Result<Response, Problem> {
    let full = "too many pages look at the sessions; close one, or read `GET /v1/sessions`";
    let place = Arc::clone(&gate.looking).try_acquire_owned().map_err(|_| Problem::away(full.to_owned()))?;
    let say = OperatorRequest::Work { token: by.token.0, follow: true };
    let working = gate.operators.work(&say).await.map_err(Problem::away)?;
    let events = unfold(Some(Looking { working, _place: place }), async |looking| {
        let mut looking = looking?;
        let (event, goes_on) = match looking.working.next().await {
            Ok(work) => {
                (Event::default().event("sessions").data(serde_json::to_string(&work).unwrap_or_default()), true)
            }
            Err(why) => (Event::default().event("problem").data(serde_json::Value::String(why).to_string()), false),
        };
        Some((Ok::<_, Infallible>(event), goes_on.then_some(looking)))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::default()).into_response())
}

struct Looking {
    working: Working,
    _place: OwnedSemaphorePermit,
}
