//! The way from the writer to the publisher: a thread of its own, or none, where a test wants every step in order.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::append::Failed;
use crate::publisher::{Durable, Publisher, Stopped};

/// How long a record may wait until the published checkpoint counts it.
const PUBLISH_EVERY: Duration = Duration::from_millis(500);

/// What partial files may cost the disk at most: 20 MB a second.
const PARTIAL_BYTES_A_MICROSECOND: u64 = 20;

/// Files that wait to be flushed: with more of them they are.
const MANY_FILES: usize = 256;

/// Bytes that may wait for the publisher. With more, records are refused: memory is not where they belong.
const MOST_WAITING: usize = 256 * 1024 * 1024;

/// How long the publisher lets more come together before it writes something.
const GATHER: Duration = Duration::from_millis(10);

/// How long the publisher waits after something failed.
const RETRY_AFTER: Duration = Duration::from_secs(1);

pub(crate) enum PublishQueue {
    Inline(Box<Publisher>, VecDeque<Durable>, Option<String>),
    Threaded(Arc<Shared>, Option<JoinHandle<Result<(), String>>>),
}

#[derive(Default)]
pub(crate) struct Shared {
    line: Mutex<QueueState>,
    moved: Condvar,
}

#[derive(Default)]
struct QueueState {
    waiting: VecDeque<Durable>,
    bytes: usize,
    sync: bool,
    closing: bool,
    durable: u64,
    failed: Option<String>,
    /// A flush failed: what was written may be lost though a second flush says otherwise.
    dead: Option<String>,
}

impl Shared {
    fn line(&self) -> MutexGuard<'_, QueueState> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PublishQueue {
    pub(crate) fn new(publisher: Publisher, threaded: bool) -> Result<Self, String> {
        if !threaded {
            return Ok(Self::Inline(Box::new(publisher), VecDeque::new(), None));
        }
        let shared = Arc::new(Shared::default());
        shared.line().durable = publisher.durable();
        let theirs = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("publisher".to_owned()).spawn(move || run(publisher, &theirs));
        Ok(Self::Threaded(shared, Some(thread.map_err(|why| why.to_string())?)))
    }

    /// Whether more can be taken.
    pub(crate) fn check(&self) -> Result<(), Failed> {
        let dead = |why: &String| Failed::Fatal(format!("bundles could not be flushed: {why}"));
        match self {
            Self::Inline(_, _, why) => why.as_ref().map_or(Ok(()), |why| Err(dead(why))),
            Self::Threaded(shared, _) => {
                let line = shared.line();
                if let Some(why) = &line.dead {
                    return Err(dead(why));
                }
                if line.bytes > MOST_WAITING {
                    let why = line.failed.as_deref().unwrap_or("the disk is too slow");
                    return Err(Failed::Refused(format!("too much waits to be brought into bundles: {why}")));
                }
                Ok(())
            }
        }
    }

    pub(crate) fn take(&mut self, durable: Durable) {
        match self {
            // What fails here is in the journal, and is tried again.
            Self::Inline(publisher, waiting, _) => {
                waiting.push_back(durable);
                let _ = drain(publisher, waiting).map_err(Stopped::from).and_then(|()| publisher.publish());
            }
            Self::Threaded(shared, _) => {
                let mut line = shared.line();
                line.bytes = line.bytes.saturating_add(durable.batch.payloads.len());
                // The publisher comes by itself every while; waking it for every batch would cost the writer.
                let wake = line.waiting.is_empty();
                line.waiting.push_back(durable);
                drop(line);
                if wake {
                    shared.moved.notify_one();
                }
            }
        }
    }

    /// Records that are in flushed bundles.
    pub(crate) fn durable(&self) -> u64 {
        match self {
            Self::Inline(publisher, ..) => publisher.durable(),
            Self::Threaded(shared, _) => shared.line().durable,
        }
    }

    /// Asks for a flush soon.
    pub(crate) fn want_sync(&mut self) {
        match self {
            Self::Inline(publisher, _, dead) => {
                if let Err(Stopped::Flush(why)) = publisher.sync() {
                    *dead = Some(why.to_string());
                }
            }
            Self::Threaded(shared, _) => {
                shared.line().sync = true;
                shared.moved.notify_one();
            }
        }
    }

    /// Publishes everything, flushed, and ends.
    pub(crate) fn close(&mut self) -> Result<(), String> {
        match self {
            Self::Inline(publisher, waiting, dead) => {
                if let Some(why) = dead {
                    return Err(format!("the log could not be closed: {why}"));
                }
                drain(publisher, waiting).map_err(|why| format!("the log could not be closed: {why}"))?;
                end(publisher)
            }
            Self::Threaded(shared, thread) => {
                shared.line().closing = true;
                shared.moved.notify_one();
                let ended = thread.take().map(JoinHandle::join);
                ended.unwrap_or(Ok(Ok(()))).unwrap_or_else(|_| Err("the publisher failed".to_owned()))
            }
        }
    }
}

impl Drop for PublishQueue {
    fn drop(&mut self) {
        if let Self::Threaded(shared, Some(_)) = self {
            shared.line().closing = true;
            shared.moved.notify_one();
        }
    }
}

/// Brings batches into bundles, as many as can be.
fn drain(publisher: &mut Publisher, batches: &mut VecDeque<Durable>) -> std::io::Result<()> {
    while let Some(durable) = batches.front() {
        publisher.take(durable)?;
        batches.pop_front();
    }
    Ok(())
}

fn end(publisher: &mut Publisher) -> Result<(), String> {
    publisher.end().map_err(|why| format!("the log could not be closed: {why}"))
}

/// How often is published: less often, the more has to be written again, so that a sender of large contents does not keep
/// the disk busy.
fn every(publisher: &Publisher) -> Duration {
    let bytes = u64::try_from(publisher.partial_bytes()).unwrap_or(u64::MAX);
    PUBLISH_EVERY.saturating_add(Duration::from_micros(bytes / PARTIAL_BYTES_A_MICROSECOND))
}

fn run(mut publisher: Publisher, shared: &Shared) -> Result<(), String> {
    let mut published_at = Instant::now();
    loop {
        let mut line = shared.line();
        while line.waiting.is_empty() && !line.closing && !line.sync {
            let (behind, every) = (publisher.is_behind(), every(&publisher));
            if behind && published_at.elapsed() >= every {
                break;
            }
            let wait = if behind { every.saturating_sub(published_at.elapsed()) } else { Duration::from_secs(3600) };
            line = shared.moved.wait_timeout(line, wait).unwrap_or_else(PoisonError::into_inner).0;
        }
        // Batches that arrive together are written together; threads that wait for records have the machine meanwhile.
        if !line.closing {
            drop(line);
            std::thread::sleep(GATHER);
            line = shared.line();
        }
        let batches = std::mem::take(&mut line.waiting);
        let (sync, closing) = (line.sync, line.closing);
        drop(line);
        let done = step(&mut publisher, batches, shared, sync, &mut published_at);
        let mut line = shared.line();
        line.durable = publisher.durable();
        match done {
            Ok(()) => {
                line.failed = None;
                line.sync = line.sync && !sync;
                if closing && line.waiting.is_empty() {
                    drop(line);
                    return end(&mut publisher);
                }
            }
            Err(Stopped::Flush(why)) => {
                line.dead = Some(why.to_string());
                return Err(format!("bundles could not be flushed: {why}"));
            }
            Err(Stopped::Write(why)) => {
                line.failed = Some(why.to_string());
                if closing {
                    return Err(why.to_string());
                }
                drop(line);
                std::thread::sleep(RETRY_AFTER);
            }
        }
    }
}

/// Brings what waits into bundles. What fails goes back to the front.
fn step(
    publisher: &mut Publisher,
    mut batches: VecDeque<Durable>,
    shared: &Shared,
    sync: bool,
    published_at: &mut Instant,
) -> Result<(), Stopped> {
    let drained = drain(publisher, &mut batches);
    let mut line = shared.line();
    while let Some(back) = batches.pop_back() {
        line.waiting.push_front(back);
    }
    line.bytes = line.waiting.iter().map(|durable| durable.batch.payloads.len()).fold(0, usize::saturating_add);
    drop(line);
    drained?;
    if sync || publisher.unsynced() >= MANY_FILES {
        publisher.sync()?;
    }
    if publisher.is_behind() && published_at.elapsed() >= every(publisher) {
        *published_at = Instant::now();
        publisher.publish()?;
    }
    Ok(())
}
