//! Recordings of what prints a great deal: nothing is lost, and the disk is not filled.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::arithmetic_side_effects,
    reason = "a test that cannot go on must fail"
)]

use std::process::Stdio;
use std::time::Duration;

use testkit::{Mount, Sandbox};

#[test]
fn a_slow_reader_loses_nothing_of_what_was_printed() {
    let sandbox = Sandbox::start();
    sandbox.add_agent("bot");
    let line = ["run", "-q", "--agent", "bot", "--record", "--", "head", "-c", "300000", "/dev/zero"];
    let mut child = sandbox.countersign(&line).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let mut taken = 0;
    // The program ends long before the last of it is taken.
    let mut part = [0; 50_000];
    loop {
        std::thread::sleep(Duration::from_millis(400));
        match std::io::Read::read(&mut stdout, &mut part).unwrap() {
            0 => break,
            more => taken += more,
        }
    }
    assert_eq!(taken, 300_000);
    assert!(child.wait().unwrap().success());
}

#[test]
fn what_prints_without_end_leaves_room_for_the_log() {
    let mut sandbox = Sandbox::prepared("");
    // Room for recordings: 24 MiB, in addition to what they leave free.
    let words = ["-t", "tmpfs", "-o", "size=280m,mode=700", "tmpfs"];
    let Some(_mount) = Mount::new(&words, &sandbox.layout.log) else {
        eprintln!("skipped: mounting needs root");
        return;
    };
    sandbox.start_logd();
    sandbox.start_daemon();
    sandbox.add_agent("bot");
    let line = ["run", "--agent", "bot", "--record", "--", "head", "-c", "100000000", "/dev/zero"];
    let output = sandbox.countersign(&line).stdout(Stdio::null()).output().unwrap();
    assert!(!output.status.success());
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("bytes free for the log"),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(sandbox.run(&["ls"]).output().unwrap().status.success(), "the log has room");
    let output = sandbox.countersign(&line).stdout(Stdio::null()).output().unwrap();
    assert_eq!(
        output.status.code(),
        Some(125),
        "no recording begins, so nothing runs: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(sandbox.verify().0, Some(0));
}
