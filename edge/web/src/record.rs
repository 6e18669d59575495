//! The record, for people who are signed in: search, stories, verification, figures, and recordings of terminals.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::header;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::mpsc::{Sender, channel};
use tokio_stream::wrappers::ReceiverStream;
use wire::{OperatorHears, OperatorSays, ReadOut, Reading, RecordQuery};

use crate::Gate;
use crate::answer::{SignedIn, done, unexpected};
use crate::problem::Problem;
use crate::routes::Answered;

/// How many parts of a recording may wait for a page that does not read.
const WAITING: usize = 16;

async fn read(gate: &Arc<Gate>, by: &SignedIn, what: Reading) -> Answered {
    match done(gate, OperatorSays::Read { token: by.token.0.clone(), what }).await? {
        OperatorHears::Read { found } => Ok(Json(match found {
            ReadOut::Records { records, next } => json!({"records": records, "next": next}),
            ReadOut::Verified { records, wrong, millis } => {
                json!({"holds": wrong.is_none(), "records": records, "wrong": wrong, "millis": millis})
            }
            ReadOut::Value { value } => value,
        })),
        other => Err(unexpected(&other)),
    }
}

/// Records, newest first; `next` is the cursor for `before`.
pub(crate) async fn records(State(gate): State<Arc<Gate>>, by: SignedIn, Query(query): Query<RecordQuery>) -> Answered {
    read(&gate, &by, Reading::Records { query }).await
}

/// The story of one request.
pub(crate) async fn story(State(gate): State<Arc<Gate>>, by: SignedIn, Path(request): Path<String>) -> Answered {
    read(&gate, &by, Reading::Story { request }).await
}

/// Whether the log holds.
pub(crate) async fn verify(State(gate): State<Arc<Gate>>, by: SignedIn) -> Answered {
    read(&gate, &by, Reading::Verify).await
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
    read(&gate, &by, Reading::Figures { days }).await
}

/// What was recorded of terminals.
pub(crate) async fn recordings(State(gate): State<Arc<Gate>>, by: SignedIn) -> Answered {
    read(&gate, &by, Reading::Recordings).await
}

/// Parts of a recording as they come, from a thread that may wait.
fn parts(gate: &Arc<Gate>, say: OperatorSays) -> tokio::sync::mpsc::Receiver<Result<Vec<String>, String>> {
    let (tell, parts) = channel(WAITING);
    let link = Arc::clone(&gate.link);
    let work = move || {
        let each = |tell: &Sender<Result<Vec<String>, String>>, lines: Vec<String>| {
            if lines.is_empty() { !tell.is_closed() } else { tell.blocking_send(Ok(lines)).is_ok() }
        };
        if let Err(why) = link.watch(&say, &mut |lines| each(&tell, lines)) {
            let _ = tell.blocking_send(Err(why));
        }
    };
    // A thread of its own: watching may take as long as a session does.
    let _ = std::thread::Builder::new().name("watch".to_owned()).spawn(work);
    parts
}

/// A recording with secrets masked, as an asciicast (version 2).
pub(crate) async fn cast(
    State(gate): State<Arc<Gate>>,
    by: SignedIn,
    Path(recording): Path<String>,
) -> Result<Response, Problem> {
    let mut parts = parts(&gate, OperatorSays::Watch { token: by.token.0, recording, live: false });
    let first = match parts.recv().await {
        Some(Ok(lines)) => lines,
        Some(Err(why)) => return Err(Problem::refused(why)),
        None => return Err(Problem::nothing("there is nothing in this recording")),
    };
    let (tell, body) = channel::<Result<String, std::io::Error>>(WAITING);
    tokio::spawn(async move {
        let text = |lines: Vec<String>| lines.into_iter().map(|line| line + "\n").collect::<String>();
        let mut next = Some(Ok(first));
        while let Some(part) = next {
            let part = part.map(text).map_err(std::io::Error::other);
            if tell.send(part).await.is_err() {
                return;
            }
            next = parts.recv().await;
        }
    });
    let body = Body::from_stream(ReceiverStream::new(body));
    Ok(([(header::CONTENT_TYPE, "application/x-asciicast")], body).into_response())
}

/// A recording that goes on, as it goes on: server-sent events, the head and then an event each, as asciicast has them.
pub(crate) async fn live(State(gate): State<Arc<Gate>>, by: SignedIn, Path(recording): Path<String>) -> Response {
    let mut parts = parts(&gate, OperatorSays::Watch { token: by.token.0, recording, live: true });
    let (tell, events) = channel::<Result<Event, Infallible>>(WAITING);
    tokio::spawn(async move {
        while let Some(part) = parts.recv().await {
            let lines = match part {
                Ok(lines) => lines,
                Err(why) => {
                    let problem = Event::default().event("problem").data(Value::String(why).to_string());
                    let _ = tell.send(Ok(problem)).await;
                    return;
                }
            };
            for line in lines {
                if tell.send(Ok(Event::default().data(line))).await.is_err() {
                    return;
                }
            }
        }
        let _ = tell.send(Ok(Event::default().event("ended").data("{}"))).await;
    });
    Sse::new(ReceiverStream::new(events)).keep_alive(KeepAlive::default()).into_response()
}
