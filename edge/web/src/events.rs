//! Changes of the list of holds, told to every page as they happen (server-sent events).

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::response::sse::{Event, KeepAlive, KeepAliveStream, Sse};
use tokio::sync::mpsc::channel;
use tokio::time::{Instant, timeout_at};
use tokio_stream::wrappers::ReceiverStream;

use crate::Gate;
use crate::answer::{Token, session};
use crate::live::Change;

/// How often is looked whether the session still lives. Somebody who is removed sees no more than this longer.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// How many events may wait for a page that does not read.
const WAITING: usize = 64;

/// The stream of one page. It ends with the session, and where the page does not keep up.
pub(crate) fn stream(gate: Arc<Gate>, token: Token) -> Sse<KeepAliveStream<ReceiverStream<Result<Event, Infallible>>>> {
    let (tell, events) = channel(WAITING);
    tokio::spawn(async move {
        let event = |change: &Change| Ok(Event::default().event(change.name).data(&change.data));
        let (now, mut changes) = gate.holds.subscribe();
        if tell.try_send(event(&now)).is_err() {
            return;
        }
        let mut look_at = Instant::now();
        loop {
            if Instant::now() >= look_at {
                if tell.is_closed() {
                    return;
                }
                if session(&gate, &token, false).await.is_err() {
                    let _ = tell.try_send(Ok(Event::default().event("signed-out").data("{}")));
                    return;
                }
                look_at = Instant::now().checked_add(LOOK_EVERY).unwrap_or_else(Instant::now);
            }
            match timeout_at(look_at, changes.recv()).await {
                Ok(Ok(change)) if tell.try_send(event(&change)).is_ok() => {}
                // It is gone, or too far behind: it begins anew.
                Ok(Ok(_) | Err(_)) => return,
                // Nothing happened for a while.
                Err(_) => {}
            }
        }
    });
    Sse::new(ReceiverStream::new(events)).keep_alive(KeepAlive::new().interval(Duration::from_secs(15)))
}
