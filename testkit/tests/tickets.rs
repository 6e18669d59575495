//! Parked holds: a ticket instead of a wait, used once, by the identical request, within its life.
#![allow(clippy::unwrap_used, clippy::panic, clippy::expect_used, reason = "a test that cannot go on must fail")]

use std::process::Output;
use std::time::{Duration, Instant};

use testkit::Sandbox;

const PARKED: Option<i32> = Some(75);

fn run(sandbox: &Sandbox, more: &[&str], words: &[&str]) -> Output {
    let all = [&["run", "--agent", "bot", "--session", "s"], more, &["--"], words].concat();
    sandbox.countersign(&all).current_dir(&sandbox.work).output().unwrap()
}

/// Runs until it is parked no more.
fn settled(sandbox: &Sandbox, words: &[&str]) -> Output {
    let started = Instant::now();
    loop {
        let output = run(sandbox, &["--park"], words);
        if output.status.code() != PARKED {
            return output;
        }
        assert!(started.elapsed() < Duration::from_secs(45), "{output:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_ticket_serves_the_identical_request_once() {
    let sandbox = Sandbox::start();
    sandbox.add_agent("bot");
    sandbox.add_agent("other");
    let rita = sandbox.add_reviewer("rita");
    let first = run(&sandbox, &["--park"], &["mkdir", "x"]);
    assert_eq!(first.status.code(), PARKED, "{first:?}");
    let hold = sandbox.hold();
    // Asked again, it is the same ticket: people see one.
    assert_eq!(run(&sandbox, &["--park"], &["mkdir", "x"]).status.code(), PARKED);
    assert_eq!(sandbox.holds(1).len(), 1);
    sandbox.answer(&hold, "approve", rita.vouch()).unwrap();
    // Nothing that differs uses it: other words, another session, another directory, another agent.
    assert_eq!(run(&sandbox, &["--park"], &["mkdir", "-p", "x"]).status.code(), PARKED);
    let other = ["run", "--agent", "bot", "--session", "t", "--park", "--", "mkdir", "x"];
    assert_eq!(sandbox.countersign(&other).current_dir(&sandbox.work).output().unwrap().status.code(), PARKED);
    let elsewhere = ["run", "--agent", "bot", "--session", "s", "--park", "--", "mkdir", "x"];
    assert_eq!(sandbox.countersign(&elsewhere).current_dir(&sandbox.root).output().unwrap().status.code(), PARKED);
    let foreign = ["run", "--agent", "other", "--session", "s", "--park", "--", "mkdir", "x"];
    assert_eq!(sandbox.countersign(&foreign).current_dir(&sandbox.work).output().unwrap().status.code(), PARKED);
    assert!(!sandbox.mark("x").exists());
    let used = settled(&sandbox, &["mkdir", "x"]);
    assert!(used.status.success(), "{used:?}");
    assert!(sandbox.mark("x").is_dir());
    std::fs::remove_dir(sandbox.mark("x")).unwrap();
    assert_eq!(run(&sandbox, &["--park"], &["mkdir", "x"]).status.code(), PARKED, "it serves once");
    let linked =
        sandbox.records().into_iter().any(|it| it["body"]["state"] == "ticket used" && it["body"]["hold"] == hold.id);
    assert!(linked, "the record says which approval was used");
}

#[test]
fn a_no_reaches_whoever_asks_again_and_what_changed_meanwhile_is_not_run() {
    let sandbox = Sandbox::start();
    sandbox.add_agent("bot");
    let rita = sandbox.add_reviewer("rita");
    assert_eq!(run(&sandbox, &["--park"], &["mkdir", "x"]).status.code(), PARKED);
    let vouch = rita.vouch();
    let id = sandbox.hold().id;
    let say = protocol::OperatorRequest::Answer {
        hold: id,
        said: "deny".to_owned(),
        by: vouch,
        rule: None,
        reason: Some("use /tmp".to_owned()),
        session: None,
        also: Vec::new(),
    };
    let protocol::OperatorReply::Answered { .. } = sandbox.operator(&say) else { panic!("not answered") };
    let no = settled(&sandbox, &["mkdir", "x"]);
    assert_eq!(no.status.code(), Some(126));
    assert!(String::from_utf8_lossy(&no.stderr).contains("use /tmp"), "{no:?}");
    // A script that was approved, and is another now.
    let script = sandbox.mark("work.sh");
    std::fs::write(&script, "mkdir y\n").unwrap();
    let words = ["bash", script.to_str().unwrap()];
    assert_eq!(run(&sandbox, &["--park"], &words).status.code(), PARKED);
    sandbox.answer(&sandbox.hold(), "approve", rita.vouch()).unwrap();
    std::thread::sleep(Duration::from_millis(300));
    std::fs::write(&script, "mkdir z\n").unwrap();
    let changed = run(&sandbox, &["--park"], &words);
    assert!(!changed.status.success(), "{changed:?}");
    assert!(!sandbox.mark("z").exists() && !sandbox.mark("y").exists());
}

#[test]
fn what_is_parked_is_denied_when_its_time_is_over_and_lost_with_the_daemon() {
    let mut sandbox = Sandbox::start_with(
        "[default]\nlow = { timeout_s = 30 }\nmedium = { timeout_s = 30 }\nhigh = { timeout_s = 30 }\n",
    );
    sandbox.add_agent("bot");
    let rita = sandbox.add_reviewer("rita");
    assert_eq!(run(&sandbox, &["--park"], &["rm", "-r", "./x"]).status.code(), PARKED);
    let hold = sandbox.hold();
    sandbox.answer(&hold, "approve", rita.vouch()).unwrap();
    sandbox.kill_daemon();
    sandbox.start_daemon();
    assert_eq!(run(&sandbox, &["--park"], &["rm", "-r", "./x"]).status.code(), PARKED, "asked again");
    let over = settled(&sandbox, &["rm", "-r", "./x"]);
    assert_eq!(over.status.code(), Some(124), "{over:?}");
}

#[test]
fn identical_requests_at_one_moment_leave_no_hold_that_nobody_ends() {
    let sandbox = Sandbox::start();
    let key = sandbox.add_agent("bot");
    let _rita = sandbox.add_reviewer("rita");
    let act = testkit::bash_act("mkdir /srv/x");
    let submit = || protocol::AgentRequest::Submit {
        key: key.clone(),
        session: "s".to_owned(),
        act: act.clone(),
        intent: None,
        task: None,
        search_path: None,
        hands_over: true,
        park: true,
    };
    std::thread::scope(|scope| {
        for _ in 0..24 {
            scope.spawn(|| {
                let agent = sandbox.raw(&key);
                agent.say(&submit());
                let heard = agent.hear().unwrap();
                assert!(
                    matches!(heard, protocol::AgentReply::Parked { .. } | protocol::AgentReply::Deny { .. }),
                    "{heard:?}"
                );
            });
        }
    });
    assert_eq!(sandbox.holds(1).len(), 1, "one ticket, one hold");
}
