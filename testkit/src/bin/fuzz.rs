//! Feeds the fuzz targets: `fuzz TARGET INPUTS [SEED]`. Ends with 1 at the first find, which it prints.

#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr, reason = "a tool for developers")]

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use testkit::corpus;
use testkit::fuzz::{Dice, MAX_INPUT_TIME, TARGETS};

/// Threads that feed; each has a stack as large as callers give.
const THREADS: u64 = 2;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let name = words.first().map_or("", String::as_str);
    let Some(target) = TARGETS.iter().find(|target| target.name == name) else {
        let names: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
        eprintln!("fuzz TARGET INPUTS [SEED]; targets: {}", names.join(", "));
        std::process::exit(2);
    };
    let inputs: u64 = words.get(1).and_then(|it| it.parse().ok()).unwrap_or(100_000);
    let seed: u64 = words.get(2).and_then(|it| it.parse().ok()).unwrap_or(1);
    let cases = corpus::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus"));
    let seeds: Arc<Vec<String>> = Arc::new(cases.into_iter().map(|case| case.text).collect());
    let done = Arc::new(AtomicU64::new(0));
    let slowest = Arc::new(AtomicU64::new(0));
    let started = Instant::now();
    let current: Vec<Arc<Mutex<(Instant, String)>>> =
        (0..THREADS).map(|_| Arc::new(Mutex::new((Instant::now(), String::new())))).collect();
    let threads: Vec<_> = current
        .iter()
        .zip(0..THREADS)
        .map(|(current, number)| {
            let (current, seeds, done, slowest) =
                (Arc::clone(current), Arc::clone(&seeds), Arc::clone(&done), Arc::clone(&slowest));
            let feed = move || {
                let mut dice = Dice(seed.wrapping_mul(1_000_003).wrapping_add(number));
                for _ in 0..inputs.div_ceil(THREADS) {
                    let text = (target.make)(&mut dice, &seeds);
                    *current.lock().unwrap() = (Instant::now(), text.clone());
                    let began = Instant::now();
                    (target.feed)(&text);
                    slowest
                        .fetch_max(u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
                    done.fetch_add(1, Ordering::Relaxed);
                }
                // A thread that has ended hangs on nothing.
                current.lock().unwrap().1.clear();
            };
            std::thread::Builder::new().stack_size(256 << 20).spawn(feed).unwrap()
        })
        .collect();
    while threads.iter().any(|thread| !thread.is_finished()) {
        std::thread::sleep(Duration::from_millis(200));
        for current in &current {
            let (began, text) =
                current.lock().map_or_else(|poisoned| poisoned.into_inner().clone(), |found| found.clone());
            if !text.is_empty()
                && began.elapsed() > MAX_INPUT_TIME
                && threads.iter().any(|thread| !thread.is_finished())
                && done.load(Ordering::Relaxed) < inputs
            {
                let again = Instant::now();
                std::thread::sleep(Duration::from_millis(500));
                let still = current.lock().is_ok_and(|found| found.1 == text);
                if still && again.elapsed() >= Duration::from_millis(500) {
                    println!("{name}: hangs on {text:?}");
                    std::process::exit(1);
                }
            }
        }
    }
    for (thread, current) in threads.into_iter().zip(&current) {
        if thread.join().is_err() {
            let text = current.lock().map_or_else(|poisoned| poisoned.into_inner().1.clone(), |found| found.1.clone());
            println!("{name}: panics on {text:?}");
            std::process::exit(1);
        }
    }
    let seconds = started.elapsed().as_secs_f64();
    println!(
        "{name}: {} inputs, no find; {:.0} a second, slowest {} µs",
        done.load(Ordering::Relaxed),
        inputs as f64 / seconds,
        slowest.load(Ordering::Relaxed)
    );
}
