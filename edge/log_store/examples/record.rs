//! Figures of the record, in one run on one machine: `cargo xtask bench record`. Ratios are what counts.
//!
//!     record append DIR            durable appends a second, compared with a file with fdatasync and SQLite
//!     record history DIR COUNT     a log of so many records of a month
//!     record verify DIR            how fast it is verified, and in how much memory
//!     record open DIR              how long it takes to be opened after a crash

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    missing_docs,
    reason = "a program for measuring that cannot go on must stop"
)]

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use audit::LogKey;
use log_store::{Disk, FileKeeper, RealDisk, Record, Settings, Writer, verify};
use record::{Draft, Event};
use serde_json::json;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["append", directory] => append(Path::new(directory)),
        ["history", directory, count] => history(Path::new(directory), count.parse().unwrap()),
        ["verify", directory] => verified(Path::new(directory)),
        ["open", directory] => opened(Path::new(directory)),
        _ => panic!("append DIR | history DIR COUNT | verify DIR | open DIR"),
    }
}

fn key() -> LogKey {
    LogKey::new("countersign.local/log", &[7; 32])
}

fn open(directory: &Path) -> Writer {
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::new(directory));
    let keeper = Box::new(FileKeeper::open(Arc::clone(&disk), 1).unwrap());
    Writer::open(disk, key(), keeper, Settings::default(), &mut |what| eprintln!("{what}")).unwrap()
}

/// A decision on a read, as large as most are.
fn record(number: usize) -> Record {
    let agents = ["deploy-bot", "review-bot", "docs-bot", "triage-bot", "release-bot"];
    let agent = agents[number % agents.len()];
    let rare = number % 100_003 == 77;
    let verdict = if rare {
        "deny"
    } else if number.is_multiple_of(37) {
        "ask"
    } else {
        "allow"
    };
    let month_ms = 30 * 86_400_000_u64;
    let at_ms = 1_700_000_000_000 + (number as u64 * 1_301) % month_ms;
    let file =
        json!({"path": "/usr/bin/git", "device": "1", "inode": "2", "size": "3", "changed_ns": "4", "sha256": "5"});
    let decision = serde_json::from_value(json!({
        "verdict": verdict, "level": if rare { "critical" } else { "low" }, "score": 5, "reversibility": "reversible",
        "coverage": "full", "request_digest": format!("{number:064x}"), "policy": format!("{:064x}", 7),
        "request": {"id": format!("req_{number}"), "agent": agent, "session": format!("s-{}", number / 400), "host": "build-7",
            "owner": "platform", "seen": {"uid": 1, "gid": 1, "pid": 1},
            "act": {"kind": "exec", "argv": ["git", "log", "--oneline", format!("-{}", number % 50)], "cwd": "/srv/app",
                "environment": "6", "executable": file, "scripts": []}},
        "operations": [], "unknowns": [], "factors": [], "rules": [],
        "reasons": ["rule `everyday.git`: reads of version control"],
    }));
    Record::of(&Draft::of(Event::Decision(decision.unwrap()), at_ms))
}

fn append(directory: &Path) {
    println!("a record has {} bytes; each figure is the best of three seconds", record(5).content.len());
    let floor = per_record("a file, preallocated, fdatasync for each", fdatasync(directory));
    let sqlite_one = submitters(1, &mut sqlite(directory));
    told("SQLite WAL FULL, a record each commit", 1, &sqlite_one, floor);
    let many: Vec<_> = [8, 64].map(|count| (count, submitters(count, &mut sqlite(directory)))).into();
    for (count, run) in &many {
        told("SQLite WAL FULL, group commit", *count, run, floor);
    }
    for count in [1, 8, 64] {
        let mut writer = fresh(directory, "ours");
        let run = submitters(count, &mut |batch: &[Record]| {
            writer.append(batch).unwrap();
        });
        told("ours: encrypted, hashed, signed, durable", count, &run, floor);
        if let Some((_, sqlite)) = many.iter().find(|(of, _)| *of == count) {
            println!("    {:.2} of SQLite's group commit", run.a_second / sqlite.a_second);
        }
        writer.close().unwrap();
    }
}

fn fresh(directory: &Path, name: &str) -> Writer {
    let path = directory.join(name);
    let _ = std::fs::remove_dir_all(&path);
    std::fs::create_dir_all(&path).unwrap();
    open(&path)
}

struct Run {
    a_second: f64,
    p50: Duration,
    p99: Duration,
}

fn per_record(name: &str, run: Run) -> f64 {
    println!(
        "{name:<48} 1: {:>9.0}/s  p50 {:>6} µs  p99 {:>6} µs",
        run.a_second,
        run.p50.as_micros(),
        run.p99.as_micros()
    );
    run.p50.as_secs_f64()
}

fn told(name: &str, count: usize, run: &Run, floor: f64) {
    println!(
        "{name:<48} {count:>2}: {:>9.0}/s  p50 {:>6} µs  p99 {:>6} µs  {:.2} × the floor's p50",
        run.a_second,
        run.p50.as_micros(),
        run.p99.as_micros(),
        run.p50.as_secs_f64() / floor
    );
}

/// What no durable append is faster than: one write into blocks that are there, and a flush.
fn fdatasync(directory: &Path) -> Run {
    let path = directory.join("floor");
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(&path).unwrap();
    file.write_all_at(&vec![0; 64 * 1024 * 1024], 0).unwrap();
    file.sync_all().unwrap();
    let bytes = record(5).content;
    let mut at = 0;
    let run = submitters(1, &mut |_: &[Record]| {
        file.write_all_at(&bytes, at).unwrap();
        file.sync_data().unwrap();
        at = (at + bytes.len() as u64) % (63 * 1024 * 1024);
    });
    let _ = std::fs::remove_file(path);
    run
}

fn sqlite(directory: &Path) -> impl FnMut(&[Record]) + use<> {
    let path: PathBuf = directory.join("sqlite.db");
    for end in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{end}", path.display()));
    }
    let connection: &'static rusqlite::Connection = Box::leak(Box::new(rusqlite::Connection::open(path).unwrap()));
    connection
        .execute_batch(
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE r (seq INTEGER PRIMARY KEY, body BLOB);",
        )
        .unwrap();
    let mut insert = connection.prepare("INSERT INTO r (body) VALUES (?1)").unwrap();
    move |batch: &[Record]| {
        connection.execute_batch("BEGIN").unwrap();
        for record in batch {
            insert.execute([&record.content]).unwrap();
        }
        connection.execute_batch("COMMIT").unwrap();
    }
}

#[derive(Default)]
struct BatchQueue {
    waiting: Vec<(usize, Record)>,
    done: u64,
}

/// So many threads each want a record durable, and wait for it; one thread carries what waits, together.
fn submitters(count: usize, carry: &mut dyn FnMut(&[Record])) -> Run {
    let mut best: Option<Run> = None;
    for _ in 0..3 {
        let run = if count == 1 { alone(carry) } else { together(count, carry) };
        if best.as_ref().is_none_or(|best| run.a_second > best.a_second) {
            best = Some(run);
        }
    }
    best.unwrap()
}

const A_SECOND: Duration = Duration::from_secs(1);

fn alone(carry: &mut dyn FnMut(&[Record])) -> Run {
    let (started, mut took) = (Instant::now(), Vec::new());
    let record = [record(5)];
    while started.elapsed() < A_SECOND {
        let at = Instant::now();
        carry(&record);
        took.push(at.elapsed());
    }
    run(took, started.elapsed())
}

fn run(mut took: Vec<Duration>, within: Duration) -> Run {
    took.sort();
    let at = |part: usize| took[took.len() * part / 100];
    Run { a_second: took.len() as f64 / within.as_secs_f64(), p50: at(50), p99: at(99) }
}

/// What a submitter waits at: whether its record is durable.
type Slot = Arc<(Mutex<bool>, Condvar)>;

fn together(count: usize, carry: &mut dyn FnMut(&[Record])) -> Run {
    let line = Arc::new((Mutex::new(BatchQueue::default()), Condvar::new()));
    let slots: Vec<Slot> = (0..count).map(|_| Slot::default()).collect();
    let started = Instant::now();
    let threads: Vec<_> = slots
        .iter()
        .cloned()
        .enumerate()
        .map(|(number, slot)| {
            let line = Arc::clone(&line);
            std::thread::spawn(move || {
                let mut took = Vec::new();
                let record = record(number);
                while started.elapsed() < A_SECOND {
                    let at = Instant::now();
                    line.0.lock().unwrap().waiting.push((number, record.clone()));
                    line.1.notify_one();
                    let mut durable = slot.0.lock().unwrap();
                    while !*durable {
                        durable = slot.1.wait(durable).unwrap();
                    }
                    *durable = false;
                    drop(durable);
                    took.push(at.elapsed());
                }
                line.0.lock().unwrap().done += 1;
                line.1.notify_one();
                took
            })
        })
        .collect();
    loop {
        let mut waiting = line.0.lock().unwrap();
        while waiting.waiting.is_empty() && waiting.done < count as u64 {
            waiting = line.1.wait(waiting).unwrap();
        }
        let batch = std::mem::take(&mut waiting.waiting);
        if batch.is_empty() {
            break;
        }
        drop(waiting);
        let (numbers, records): (Vec<usize>, Vec<Record>) = batch.into_iter().unzip();
        carry(&records);
        for number in numbers {
            *slots[number].0.lock().unwrap() = true;
            slots[number].1.notify_one();
        }
    }
    let within = started.elapsed();
    run(threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect(), within)
}

fn history(directory: &Path, count: usize) {
    std::fs::create_dir_all(directory).unwrap();
    std::fs::write(directory.join("log.pub"), key().verifier().to_text()).unwrap();
    let mut writer = open(directory);
    let started = Instant::now();
    for first in (0..count).step_by(512) {
        let batch: Vec<Record> = (first..(first + 512).min(count)).map(record).collect();
        while let Err(why) = writer.append(&batch) {
            eprintln!("{why}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }
    let took = started.elapsed();
    println!("{count} records in {took:.1?}: {:.0}/s", count as f64 / took.as_secs_f64());
    if std::env::var_os("CRASH").is_some() {
        std::process::abort();
    }
    writer.close().unwrap();
}

fn verified(directory: &Path) {
    let disk = RealDisk::new(directory);
    let started = Instant::now();
    let held = verify(&disk, &key().verifier(), Vec::new(), &mut |_, _| {}).unwrap();
    let took = started.elapsed().as_secs_f64();
    println!(
        "{} records, {:.2} GB verified in {took:.2} s: {:.0} records/s, {:.2} GB/s; {}",
        held.records,
        held.bytes as f64 / 1e9,
        held.records as f64 / took,
        held.bytes as f64 / 1e9 / took,
        memory()
    );
}

fn memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or("VmHWM: unknown");
    format!("at most{} of memory", peak.trim_start_matches("VmHWM:").replace('\t', " "))
}

fn opened(directory: &Path) {
    let started = Instant::now();
    let writer = open(directory);
    println!("{} records: opened in {:.1?}; {}", writer.size(), started.elapsed(), memory());
    writer.close().unwrap();
}
