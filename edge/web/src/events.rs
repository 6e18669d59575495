//! Changes of the list of holds, told to every page as they happen (server-sent events).

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::response::sse::{Event, KeepAlive, KeepAliveStream, Sse};
use serde_json::json;
use tokio::sync::mpsc::{Sender, channel};
use tokio_stream::wrappers::ReceiverStream;
use wire::HoldView;

use crate::answer::{Token, session};
use crate::{Gate, Holds};

/// How often is looked whether the session still lives.
const LOOK_EVERY: Duration = Duration::from_secs(20);

/// How many events may wait for a page that does not read. Then its connection ends, and it begins anew.
const WAITING: usize = 64;

/// The stream of one page. It ends with the session.
pub(crate) fn stream(gate: Arc<Gate>, token: Token) -> Sse<KeepAliveStream<ReceiverStream<Result<Event, Infallible>>>> {
    let (tell, events) = channel(WAITING);
    tokio::spawn(async move {
        let mut holds = gate.holds.clone();
        let mut shown: Option<BTreeMap<String, usize>> = None;
        loop {
            let now = holds.borrow_and_update().clone();
            if !send(&tell, &now, &mut shown) {
                return;
            }
            // Nothing to tell for a while: is somebody still signed in?
            while let Err(_elapsed) = tokio::time::timeout(LOOK_EVERY, holds.changed()).await {
                if tell.is_closed() || session(&gate, &token, false).await.is_err() {
                    let _ = tell.try_send(Ok(Event::default().event("signed-out").data("{}")));
                    return;
                }
            }
            if session(&gate, &token, false).await.is_err() {
                let _ = tell.try_send(Ok(Event::default().event("signed-out").data("{}")));
                return;
            }
        }
    });
    Sse::new(ReceiverStream::new(events)).keep_alive(KeepAlive::new().interval(Duration::from_secs(15)))
}

/// Tells what changed since the last time. `false` where the page is gone, or does not keep up.
fn send(tell: &Sender<Result<Event, Infallible>>, now: &Holds, shown: &mut Option<BTreeMap<String, usize>>) -> bool {
    let event = |name: &str, data: String| tell.try_send(Ok(Event::default().event(name).data(data))).is_ok();
    let Some(holds) = now else {
        *shown = None;
        return event("away", "{}".to_owned());
    };
    let whole = |holds: &[HoldView]| serde_json::to_string(holds).unwrap_or_default();
    let next: BTreeMap<String, usize> = holds.iter().map(|hold| (hold.id.clone(), hold.agreed.len())).collect();
    let told = match shown {
        None => event("holds", whole(holds)),
        Some(before) if *before == next => true,
        Some(before) => {
            let changed: Vec<&HoldView> =
                holds.iter().filter(|hold| before.get(&hold.id) != Some(&hold.agreed.len())).collect();
            let gone: Vec<&String> = before.keys().filter(|id| !next.contains_key(*id)).collect();
            event("change", json!({"changed": changed, "gone": gone}).to_string())
        }
    };
    *shown = Some(next);
    told
}
