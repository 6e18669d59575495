//! Reviewers see a request while the disk still works on it; no answer counts before that is done, nor if it never is.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::arithmetic_side_effects,
    reason = "a test that cannot go on must fail"
)]

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use protocol::{HoldView, OperatorReply, OperatorRequest};
use testkit::{Reviewer, Sandbox};

fn signal(pid: u32, name: &str) {
    assert!(Command::new("kill").args([&format!("-{name}"), &pid.to_string()]).status().unwrap().success());
}

fn held(sandbox: &Sandbox) -> usize {
    let OperatorReply::Holds { holds } = sandbox.operator(&OperatorRequest::Holds { follow: false }) else {
        panic!("no list")
    };
    holds.len()
}

/// A request while the log is stopped: the reviewer, the log's process, the waiting client, and the hold.
fn asked(sandbox: &Sandbox) -> (Reviewer, u32, Child, HoldView) {
    sandbox.add_agent("bot");
    let rita = sandbox.add_reviewer("rita");
    let logd = sandbox.pid("countersign-logd");
    signal(logd, "STOP");
    let waiting = sandbox.run(&["touch", "mark"]).stderr(Stdio::null()).spawn().unwrap();
    (rita, logd, waiting, sandbox.hold())
}

#[test]
fn a_yes_waits_until_what_was_asked_is_durable() {
    let sandbox = Sandbox::start();
    let (rita, logd, mut waiting, hold) = asked(&sandbox);
    std::thread::scope(|scope| {
        let answer = scope.spawn(|| sandbox.answer(&hold, "approve", rita.vouch()));
        std::thread::sleep(Duration::from_millis(400));
        assert!(!answer.is_finished() && !sandbox.mark("mark").exists(), "nothing is durable");
        signal(logd, "CONT");
        assert_eq!(answer.join().unwrap().as_deref(), Ok("approved"));
    });
    assert!(waiting.wait().unwrap().success());
    // Asked, answered, spent, ended: the record has them in this order.
    let record = sandbox.countersign(&["log", "show", "--json"]).output().unwrap();
    let record = String::from_utf8_lossy(&record.stdout).into_owned();
    let at = |text: &str| record.find(text).unwrap_or_else(|| panic!("{text}: {record}"));
    assert!(at("\"decision\"") < at("\"approved\"") && at("\"approved\"") < at("\"spent\""), "{record}");
}

#[test]
fn a_yes_to_what_never_becomes_durable_does_not_count() {
    let mut sandbox = Sandbox::start();
    let (rita, logd, mut waiting, hold) = asked(&sandbox);
    std::thread::scope(|scope| {
        let answer = scope.spawn(|| sandbox.answer(&hold, "approve", rita.vouch()));
        std::thread::sleep(Duration::from_millis(200));
        signal(logd, "KILL");
        assert!(answer.join().unwrap().is_err());
    });
    assert_eq!(waiting.wait().unwrap().code(), Some(125), "no decision was possible");
    assert!(!sandbox.mark("mark").exists());
    assert_eq!(held(&sandbox), 0, "and it is gone from every list");
    // While the log is away, nothing is shown that will not be in the record.
    sandbox.kill_logd();
    let mut again = sandbox.run(&["touch", "mark"]).stderr(Stdio::null()).spawn().unwrap();
    let mut seen = 0;
    while again.try_wait().unwrap().is_none() {
        seen += held(&sandbox);
    }
    assert_eq!((seen, again.wait().unwrap().code()), (0, Some(125)));
    assert!(!sandbox.mark("mark").exists());
}
