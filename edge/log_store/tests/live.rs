//! A log that is written is read and verified at the same time, by others: no false alarm, and nothing missed.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test that cannot go on must fail"
)]

mod sim;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use log_store::{Content, Disk, FileKeeper, Reader, RealDisk, Settings, Wanted, Writer, verify};
use sim::{key, record};

struct Stopped<'a>(&'a AtomicBool);

impl Drop for Stopped<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn whoever_reads_and_verifies_while_it_is_written_sees_all_that_was_acknowledged_and_no_damage() {
    let path: PathBuf = std::env::temp_dir().join(format!("countersign-live-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&path);
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::new(&path));
    let keeper = Box::new(FileKeeper::open(Arc::clone(&disk), 1).unwrap());
    // Small segments, so that they are reused many times meanwhile.
    let settings = Settings { segment_bytes: 64 * 1024, threaded: true };
    let mut writer = Writer::open(Arc::clone(&disk), key(), keeper, settings, &mut |what| panic!("{what}")).unwrap();
    let (acknowledged, stop) = (AtomicU64::new(0), AtomicBool::new(false));
    let (mut verified, mut read) = (0, 0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut number = 0;
            while !stop.load(Ordering::Relaxed) {
                let count = 1 + number % 23;
                let batch: Vec<_> = (number..number + count).map(record).collect();
                writer.append(&batch).unwrap();
                number += count;
                acknowledged.store(u64::try_from(number).unwrap(), Ordering::SeqCst);
            }
        });
        // Also where this thread panics: the other one must end.
        let _stopped = Stopped(&stop);
        let started = Instant::now();
        while started.elapsed() < Duration::from_secs(4) {
            let known = acknowledged.load(Ordering::SeqCst);
            let held = verify(disk.as_ref(), &key().verifier(), Vec::new(), &mut |_, _| {});
            let held = held.unwrap_or_else(|wrong| panic!("a false alarm: {wrong}"));
            assert!(held.records >= known, "{} of {known}", held.records);
            verified += 1;
            let known = acknowledged.load(Ordering::SeqCst);
            let mut reader = Reader::open(disk.clone()).unwrap();
            let from = known.saturating_sub(600);
            let mut next = from;
            reader
                .each(&Wanted { from, ..Wanted::default() }, &mut |found| {
                    assert_eq!(found.entry.seq, next);
                    assert!(matches!(found.content, Content::Record(_)), "{found:?}");
                    next += 1;
                    Ok(true)
                })
                .unwrap();
            assert!(next >= known, "{next} of {known}");
            read += 1;
        }
    });
    writer.close().unwrap();
    let held = verify(disk.as_ref(), &key().verifier(), Vec::new(), &mut |_, _| {}).unwrap();
    assert_eq!(held.records, acknowledged.load(Ordering::SeqCst));
    println!("{} records, verified {verified} times, read {read} times", held.records);
    let _ = std::fs::remove_dir_all(path);
}
