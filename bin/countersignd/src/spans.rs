//! Spans of requests for a trace collector: kept in memory while one connects; the oldest make room.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use host::clock;
use model::RequestDigest;
use protocol::{OperatorReply, Span};

use crate::state::lock;

/// The most parts that are kept.
const MOST: usize = 4_096;

/// The most that are given at once.
const AT_ONCE: usize = 1_024;

/// How long spans are kept after a collector last asked, in milliseconds.
const WANTED_MS: u64 = 300_000;

/// All of them.
#[derive(Default)]
pub(crate) struct SpanBuffer {
    wanted_until_ms: AtomicU64,
    kept: Mutex<SpanLog>,
}

#[derive(Default)]
struct SpanLog {
    /// How many there ever were.
    count: u64,
    spans: VecDeque<Span>,
}

impl SpanBuffer {
    /// Notes a span that ends now, if a collector connects.
    pub(crate) fn note(
        &self,
        request: &RequestDigest,
        name: &str,
        since: Instant,
        said: impl FnOnce() -> Vec<(&'static str, String)>,
        failed: bool,
    ) {
        let now_ms = clock::now_ms();
        if now_ms >= self.wanted_until_ms.load(Ordering::Relaxed) {
            return;
        }
        let took = micros(since.elapsed());
        let said = said().into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        let span = Span {
            request: request.to_string(),
            name: name.to_owned(),
            start_us: now_ms.saturating_mul(1_000).saturating_sub(took),
            micros: took,
            said,
            failed,
        };
        let mut kept = lock(&self.kept);
        if kept.spans.len() >= MOST {
            kept.spans.pop_front();
        }
        kept.spans.push_back(span);
        kept.count = kept.count.saturating_add(1);
    }

    /// Those after a count.
    pub(crate) fn after(&self, after: u64) -> OperatorReply {
        self.wanted_until_ms.store(clock::now_ms().saturating_add(WANTED_MS), Ordering::Relaxed);
        let kept = lock(&self.kept);
        let first = kept.count.saturating_sub(u64::try_from(kept.spans.len()).unwrap_or(u64::MAX));
        // A higher number is from another run of the daemon.
        let after = if after > kept.count { first } else { after.max(first) };
        let skip = usize::try_from(after.saturating_sub(first)).unwrap_or(usize::MAX);
        let spans: Vec<Span> = kept.spans.iter().skip(skip).take(AT_ONCE).cloned().collect();
        let next = after.saturating_add(u64::try_from(spans.len()).unwrap_or(0));
        OperatorReply::Spans { spans, next }
    }
}

fn micros(took: Duration) -> u64 {
    u64::try_from(took.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::{AT_ONCE, MOST, SpanBuffer};
    use model::RequestDigest;
    use protocol::{OperatorReply, Span};
    use std::time::Instant;

    fn after(buffer: &SpanBuffer, count: u64) -> (Vec<Span>, u64) {
        let OperatorReply::Spans { spans, next } = buffer.after(count) else { return (Vec::new(), 0) };
        (spans, next)
    }

    #[test]
    fn parts_are_kept_while_somebody_collects_and_the_oldest_make_room() {
        let (buffer, request) = (SpanBuffer::default(), RequestDigest::carried(model::Digest::of_bytes(b"x")));
        let note = |name: &str| buffer.note(&request, name, Instant::now(), Vec::new, false);
        note("before");
        assert_eq!(after(&buffer, 0).1, 0, "no collector had asked");
        note("one");
        note("two");
        let (spans, next) = after(&buffer, 0);
        assert_eq!(spans.iter().map(|it| it.name.as_str()).collect::<Vec<_>>(), ["one", "two"]);
        assert_eq!(after(&buffer, next).0.len(), 0);
        (0..MOST).for_each(|_| note("more"));
        let (spans, next) = after(&buffer, next);
        assert_eq!((spans.len(), next), (AT_ONCE, u64::try_from(AT_ONCE).unwrap() + 2));
        // A restarted daemon counts from zero.
        assert_eq!(after(&buffer, u64::MAX).0.len(), AT_ONCE);
    }
}
