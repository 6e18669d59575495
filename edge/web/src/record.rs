//! The record, for people who are signed in: search, stories, verification, figures, and recordings of terminals.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::header;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream::unfold;
use serde::Deserialize;
use serde_json::{Value, json};

use protocol::{LogQuery, LogQueryResult, OperatorReply, OperatorRequest, RecordQuery};

use crate::Gate;
use crate::daemon_client::Watching;
use crate::problem::Problem;
use crate::routes::Answered;
use crate::session_extractor::{SignedIn, done, unexpected};

async fn read(gate: &Arc<Gate>, by: &SignedIn, what: LogQuery) -> Answered {
    match done(gate, OperatorRequest::Read { token: by.token.0.clone(), what }).await? {
        OperatorReply::Read { found } => Ok(Json(match found {
            LogQueryResult::Records { records, next } => json!({"records": records, "next": next}),
            LogQueryResult::Verified { records, wrong, millis } => {
                json!({"holds": wrong.is_none(), "records": records, "wrong": wrong, "millis": millis})
            }
            LogQueryResult::Value { value } => value,
        })),
        other => Err(unexpected(&other)),
    }
}

/// Records, newest first; `next` is the cursor for `before`.
pub(crate) async fn records(State(gate): State<Arc<Gate>>, by: SignedIn, Query(query): Query<RecordQuery>) -> Answered {
    read(&gate, &by, LogQuery::Records { query }).await
}

/// The story of one request.
pub(crate) async fn story(State(gate): State<Arc<Gate>>, by: SignedIn, Path(request): Path<String>) -> Answered {
    read(&gate, &by, LogQuery::Story { request }).await
}

/// Whether the log holds.
pub(crate) async fn verify(State(gate): State<Arc<Gate>>, by: SignedIn) -> Answered {
    read(&gate, &by, LogQuery::Verify).await
}

#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Days {
    #[serde(default = "month")]
    days: u32,
}

const fn month() -> u32 {
    30
}

/// Figures of the last days.
pub(crate) async fn figures(
    State(gate): State<Arc<Gate>>,
    by: SignedIn,
    Query(Days { days }): Query<Days>,
) -> Answered {
    read(&gate, &by, LogQuery::Figures { days }).await
}

/// What was recorded of terminals.
pub(crate) async fn recordings(State(gate): State<Arc<Gate>>, by: SignedIn) -> Answered {
    read(&gate, &by, LogQuery::Recordings).await
}

/// A recording with secrets masked, as an asciicast (version 2).
pub(crate) async fn cast(
    State(gate): State<Arc<Gate>>,
    by: SignedIn,
    Path(recording): Path<String>,
) -> Result<Response, Problem> {
    let say = OperatorRequest::Watch { token: by.token.0, recording, live: false };
    let mut watching = gate.operators.watch(&say).await.map_err(Problem::away)?;
    let first = match watching.next().await {
        Ok(Some(lines)) => lines,
        Ok(None) => return Err(Problem::nothing("there is nothing in this recording")),
        Err(why) => return Err(Problem::refused(why)),
    };
    let parts = unfold((Some(first), watching), async |(first, mut watching)| {
        let part = match first {
            Some(lines) => Ok(text(lines)),
            None => watching.next().await.transpose()?.map(text).map_err(std::io::Error::other),
        };
        Some((part, (None, watching)))
    });
    Ok(([(header::CONTENT_TYPE, "application/x-asciicast")], Body::from_stream(parts)).into_response())
}

fn text(lines: Vec<String>) -> String {
    lines.into_iter().map(|line| line + "\n").collect()
}

/// A recording that goes on, as it goes on: server-sent events, the head and then an event each, as asciicast has them.
pub(crate) async fn live(
    State(gate): State<Arc<Gate>>,
    by: SignedIn,
    Path(recording): Path<String>,
) -> Result<Response, Problem> {
    let say = OperatorRequest::Watch { token: by.token.0, recording, live: true };
    let watching = gate.operators.watch(&say).await.map_err(Problem::away)?;
    let events = unfold(Some(Looking { watching, lines: VecDeque::new() }), async |looking| {
        let mut looking = looking?;
        let (event, goes_on) = looking.next().await;
        Some((Ok::<_, Infallible>(event), goes_on.then_some(looking)))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::default()).into_response())
}

/// A viewer of a recording, and the next message to them.
struct Looking {
    watching: Watching,
    lines: VecDeque<String>,
}

impl Looking {
    /// The next event, and whether more follow.
    async fn next(&mut self) -> (Event, bool) {
        loop {
            if let Some(line) = self.lines.pop_front() {
                return (Event::default().data(line), true);
            }
            match self.watching.next().await {
                Ok(Some(lines)) => self.lines.extend(lines),
                Ok(None) => return (Event::default().event("ended").data("{}"), false),
                Err(why) => {
                    return (Event::default().event("problem").data(Value::String(why).to_string()), false);
                }
            }
        }
    }
}
