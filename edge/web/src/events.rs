//! Changes of the list of holds, sent to every page as they happen (server-sent events).
//!
//! The connection itself listens: a change directly wakes the writer of the page.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::stream::{Stream, unfold};
use tokio::sync::broadcast::Receiver;
use tokio::time::{Instant, timeout_at};

use crate::Gate;
use crate::hold_cache::Change;
use crate::session_extractor::{Token, session};

/// Interval between checks of the session. A removed person sees events for at most this long.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// What is written now and then when nothing changes, so that the connection is not taken for dead.
const ALIVE: Duration = Duration::from_secs(15);

/// One page that looks.
struct Page {
    gate: Arc<Gate>,
    token: Token,
    /// Its first message: the whole state.
    first: Option<Change>,
    changes: Receiver<Change>,
    /// When is looked for the session again.
    look_at: Instant,
}

/// The stream of one page. It ends with the session, and where the page does not keep up: it then reconnects.
pub(crate) fn stream(gate: Arc<Gate>, token: Token) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let (first, changes) = gate.holds.subscribe();
    let page = Page { gate, token, first: Some(first), changes, look_at: Instant::now() };
    let events = unfold(Some(page), async |page| {
        let mut page = page?;
        let (event, goes_on) = page.next().await?;
        Some((Ok(event), goes_on.then_some(page)))
    });
    Sse::new(events).keep_alive(KeepAlive::new().interval(ALIVE))
}

impl Page {
    /// The next event, and whether more may follow; nothing where the page is too far behind.
    async fn next(&mut self) -> Option<(Event, bool)> {
        let event = |change: &Change| Event::default().event(change.name).data(&change.data);
        if let Some(first) = self.first.take() {
            return Some((event(&first), true));
        }
        loop {
            if Instant::now() >= self.look_at {
                if session(&self.gate, &self.token, false).await.is_err() {
                    return Some((Event::default().event("signed-out").data("{}"), false));
                }
                self.look_at = Instant::now().checked_add(LOOK_EVERY)?;
            }
            // Otherwise nothing happened for a while.
            if let Ok(change) = timeout_at(self.look_at, self.changes.recv()).await {
                return change.ok().map(|change| (event(&change), true));
            }
        }
    }
}
