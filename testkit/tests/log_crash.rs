//! The log is killed at any moment while records come from many sides: what was acknowledged is there, once and whole.
//!
//! `KILLS=1000` kills it as often.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::arithmetic_side_effects,
    reason = "a test that cannot go on must fail"
)]

use std::collections::BTreeMap;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use audit::{LogVerifier, ReceiptProof};
use host::socket;
use log_store::{Content, Reader, RealDisk, Wanted};
use protocol::{LogRecord, LogReply, LogRequest, MAX_LOG_FRAME};
use record::{Change, Draft, Event};
use serde_json::json;
use testkit::Sandbox;

const SUBMITTERS: u64 = 4;
const PATIENCE: Duration = Duration::from_secs(20);

fn ask(stream: &UnixStream, say: &LogRequest) -> Option<LogReply> {
    socket::send(stream, say, MAX_LOG_FRAME, PATIENCE).ok()?;
    socket::receive(stream, MAX_LOG_FRAME, Some(PATIENCE), PATIENCE).ok()
}

/// Sends records, each with a number of its own, until the log is gone. Gives what was acknowledged: place and number.
fn submit(socket: &std::path::Path, next: &AtomicU64, stop: &AtomicBool) -> Vec<(u64, u64)> {
    let mut acknowledged = Vec::new();
    let Ok(stream) = UnixStream::connect(socket) else { return acknowledged };
    let Some(LogReply::Log { verifier, .. }) = ask(&stream, &LogRequest::Hello) else { return acknowledged };
    let verifier = LogVerifier::parse(&verifier).unwrap();
    while !stop.load(Ordering::Relaxed) {
        let first = next.fetch_add(3, Ordering::Relaxed);
        let drafts: Vec<Draft> = (first..first + 1 + first % 3)
            .map(|number| Draft {
                at_ms: host::clock::now_ms(),
                scope: format!("bot/{}", number % 5),
                event: Event::Change(Change::Sealed {
                    digest: number.to_string(),
                    about: json!("x".repeat(usize::try_from(number % 1_500).unwrap())),
                }),
            })
            .collect();
        let contents: Vec<Vec<u8>> = drafts.iter().map(Draft::content).collect();
        let records = drafts.iter().zip(&contents).map(|(draft, content)| LogRecord {
            content: String::from_utf8(content.clone()).unwrap(),
            at_ms: draft.at_ms,
            scope: draft.scope.clone(),
            terms: draft.terms(),
        });
        let Some(answer) = ask(&stream, &LogRequest::Append { records: records.collect() }) else { break };
        let LogReply::Durable { proofs } = answer else { panic!("{answer:?}") };
        for (number, (proof, content)) in (first..).zip(proofs.iter().zip(&contents)) {
            let entry = ReceiptProof::from_value(proof).unwrap().check(content, &verifier).unwrap();
            acknowledged.push((entry.seq, number));
        }
    }
    acknowledged
}

#[test]
fn a_log_that_is_killed_at_any_moment_loses_nothing_that_was_acknowledged() {
    let rounds: u64 = std::env::var("KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(12);
    let mut sandbox = Sandbox::prepared("");
    sandbox.logd_environment = vec![("COUNTERSIGN_SEGMENT_BYTES".to_owned(), "131072".to_owned())];
    let next = AtomicU64::new(0);
    let mut all: BTreeMap<u64, u64> = BTreeMap::new();
    let mut slowest = Duration::ZERO;
    for round in 0..rounds {
        let began = Instant::now();
        sandbox.start_logd();
        slowest = slowest.max(began.elapsed());
        let (socket, stop) = (sandbox.layout.log_socket(), AtomicBool::new(false));
        let acknowledged: Vec<(u64, u64)> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..SUBMITTERS).map(|_| scope.spawn(|| submit(&socket, &next, &stop))).collect();
            // From the first moments on to some while.
            std::thread::sleep(Duration::from_micros((round * 7_919 + 13) % 60_000));
            sandbox.kill_logd();
            stop.store(true, Ordering::Relaxed);
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
        });
        let from = acknowledged.iter().map(|(seq, _)| *seq).min();
        for (seq, number) in acknowledged {
            assert_eq!(all.insert(seq, number), None, "record {seq} was acknowledged twice");
        }
        // As the crash left it, before anything repairs it.
        let wanted = Wanted { from: from.unwrap_or(0), ..Wanted::default() };
        let mut found: BTreeMap<u64, u64> = BTreeMap::new();
        let mut reader = Reader::open(Arc::new(RealDisk::new(&sandbox.layout.log))).unwrap();
        reader
            .each(&wanted, &mut |record| {
                let Content::Record(record) = record.content else { panic!("{record:?}") };
                found.insert(record.seq, record.body()["digest"].as_str().unwrap().parse().unwrap());
                Ok(true)
            })
            .unwrap();
        for (seq, number) in all.range(from.unwrap_or(u64::MAX)..) {
            assert_eq!(found.get(seq), Some(number), "record {seq} of round {round} is lost");
        }
        if round % 50 == 0 || round + 1 == rounds {
            let (status, words) = sandbox.verify();
            assert_eq!(status, Some(0), "round {round}: {words}");
        }
    }
    println!("{rounds} kills, {} records acknowledged, the slowest start {slowest:?}", all.len());
    assert!(all.len() > 100, "{}", all.len());
}
