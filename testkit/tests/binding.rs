//! What was approved is what runs, and only people of the right kind approve it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on must fail")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;

use protocol::{AgentReply, OperatorReply, OperatorRequest, Proof, Vouch};
use serde_json::{Value, json};
use testkit::{Sandbox, bash_act, exec_act, permit_of};

fn is_denied(heard: &AgentReply) -> bool {
    matches!(heard, AgentReply::Deny { .. })
}

#[test]
fn a_permit_is_used_once_and_only_on_its_own_connection() {
    let sandbox = Sandbox::start();
    let key = sandbox.add_agent("bot");
    let act = exec_act(&["ls", "/"]);
    let agent = sandbox.raw(&key);
    let permit = permit_of(&agent.submit(&act));
    assert!(is_denied(&sandbox.raw(&key).redeem(&permit, &act)), "another connection");
    assert!(matches!(agent.redeem(&permit, &act), AgentReply::Spent));
    assert!(is_denied(&agent.redeem(&permit, &act)), "a second time");
}

#[test]
fn any_change_between_decision_and_act_is_refused() {
    let sandbox = Sandbox::start();
    let key = sandbox.add_agent("bot");
    let script = sandbox.work.join("read.sh");
    fs::write(&script, "ls /\n").unwrap();
    let act = exec_act(&["bash", script.to_str().unwrap()]);
    let zeros = "0".repeat(64);
    let changes: &[(&str, Value)] = &[
        ("/argv/1", json!("/etc/passwd")),
        ("/argv", json!(["bash", script, "more"])),
        ("/cwd", json!("/")),
        ("/environment", json!(zeros)),
        ("/executable/path", json!("/usr/bin/dash")),
        ("/executable/inode", json!("1")),
        ("/executable/sha256", json!(zeros)),
        ("/executable/changed_ns", json!("1")),
        ("/scripts/0/sha256", json!(zeros)),
        ("/scripts", json!([])),
    ];
    for (place, value) in changes {
        let agent = sandbox.raw(&key);
        let permit = permit_of(&agent.submit(&act));
        let mut changed = act.clone();
        *changed.pointer_mut(place).unwrap() = value.clone();
        assert!(is_denied(&agent.redeem(&permit, &changed)), "{place}");
        assert!(is_denied(&agent.redeem(&permit, &act)), "{place}: a permit is tried once");
    }
    let refused = sandbox.records().iter().filter(|record| record["body"]["state"] == "refused").count();
    assert_eq!(refused, changes.len(), "each is in the record");
}

#[test]
fn a_script_that_claims_another_content_than_it_has_is_refused() {
    let sandbox = Sandbox::start();
    let key = sandbox.add_agent("bot");
    let script = sandbox.work.join("read.sh");
    fs::write(&script, "ls /\n").unwrap();
    let mut act = exec_act(&["bash", script.to_str().unwrap()]);
    *act.pointer_mut("/scripts/0/sha256").unwrap() = json!("0".repeat(64));
    assert!(is_denied(&sandbox.raw(&key).submit(&act)));
}

/// Holds an act, changes something, approves: the exit status must be 126, and the mark absent.
fn changed_while_held(words: &[&str], change: impl FnOnce(&Sandbox), prepare: impl FnOnce(&Sandbox)) {
    let sandbox = Sandbox::start();
    sandbox.add_agent("bot");
    let reviewer = sandbox.add_reviewer("rita");
    prepare(&sandbox);
    let waiting = sandbox.run(words).stderr(Stdio::piped()).spawn().unwrap();
    let hold = sandbox.hold();
    change(&sandbox);
    assert_eq!(sandbox.answer(&hold, "approve", reviewer.vouch()).as_deref(), Ok("approved"));
    let output = waiting.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(126), "{said}");
    assert!(said.contains("changed"), "{said}");
    for place in ["mark", "a/mark", "b/mark"] {
        assert!(!sandbox.mark(place).exists(), "{place}");
    }
}

fn executable(sandbox: &Sandbox, name: &str, text: &str) {
    let path = sandbox.work.join(name);
    fs::write(&path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn a_script_that_was_edited_while_held_does_not_run() {
    changed_while_held(
        &["./deploy.sh"],
        |sandbox| executable(sandbox, "deploy.sh", "#!/bin/sh\ntouch mark # other\n"),
        |sandbox| executable(sandbox, "deploy.sh", "#!/bin/sh\ntouch mark\n"),
    );
}

#[test]
fn an_executable_that_was_swapped_while_held_does_not_run() {
    changed_while_held(
        &["./tool", "mark"],
        |sandbox| {
            fs::remove_file(sandbox.work.join("tool")).unwrap();
            fs::copy("/bin/touch", sandbox.work.join("tool")).unwrap();
        },
        |sandbox| {
            fs::copy("/bin/touch", sandbox.work.join("tool")).unwrap();
        },
    );
}

#[test]
fn a_directory_that_was_swapped_through_a_link_while_held_is_noticed() {
    let link = |sandbox: &Sandbox, to: &str| {
        let _ = fs::remove_file(sandbox.work.join("here"));
        std::os::unix::fs::symlink(sandbox.work.join(to), sandbox.work.join("here")).unwrap();
    };
    changed_while_held(
        &["touch", "here/mark"],
        |sandbox| link(sandbox, "b"),
        |sandbox| {
            for name in ["a", "b"] {
                fs::create_dir(sandbox.work.join(name)).unwrap();
            }
            link(sandbox, "a");
        },
    );
}

#[test]
fn the_way_up_behind_a_link_is_followed_as_the_system_follows_it() {
    let sandbox = Sandbox::start();
    sandbox.add_agent("bot");
    sandbox.add_reviewer("rita");
    fs::create_dir_all(sandbox.work.join("deep/inner")).unwrap();
    std::os::unix::fs::symlink("deep/inner", sandbox.work.join("here")).unwrap();
    let mut waiting = sandbox.run(&["touch", "here/../mark"]).stderr(Stdio::null()).spawn().unwrap();
    let hold = sandbox.hold();
    let real = format!("writes {}/mark", fs::canonicalize(sandbox.work.join("deep")).unwrap().display());
    assert!(hold.effects().iter().any(|effect| effect.starts_with(&real)), "{:?}", hold.pieces);
    let _ = waiting.kill();
    let _ = waiting.wait();
}

#[test]
fn what_runs_is_the_argument_vector_that_was_judged() {
    let sandbox = Sandbox::start();
    sandbox.add_agent("bot");
    let reviewer = sandbox.add_reviewer("rita");
    let waiting = sandbox.run(&["touch", "a b", "$(id)", "c\nd", "-"]).stderr(Stdio::null()).spawn().unwrap();
    let hold = sandbox.hold();
    assert!(hold.asked.contains("'a b'") && hold.asked.contains('⏎'), "{}", hold.asked);
    sandbox.answer(&hold, "approve", reviewer.vouch()).unwrap();
    assert!(waiting.wait_with_output().unwrap().status.success());
    for name in ["a b", "$(id)", "c\nd"] {
        assert!(sandbox.mark(name).exists(), "{name:?}");
    }
}

#[test]
fn of_two_approvals_at_once_one_counts() {
    let sandbox = Sandbox::start();
    sandbox.add_agent("bot");
    let first = sandbox.add_reviewer("rita");
    let second = sandbox.enrol("sam", Some(&first));
    let waiting = sandbox.run(&["touch", "mark"]).stderr(Stdio::null()).spawn().unwrap();
    let hold = sandbox.hold();
    let answers: Vec<Result<String, String>> = std::thread::scope(|scope| {
        let racing =
            [&first, &second].map(|reviewer| scope.spawn(|| sandbox.answer(&hold, "approve", reviewer.vouch())));
        racing.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(answers.iter().filter(|answer| answer.as_deref() == Ok("approved")).count(), 1, "{answers:?}");
    assert!(waiting.wait_with_output().unwrap().status.success());
    let counted =
        sandbox.records().iter().filter(|it| it["kind"] == "answer" && it["body"]["state"] == "approved").count();
    assert_eq!(counted, 1);
}

#[test]
fn a_no_is_final() {
    let sandbox = Sandbox::start();
    sandbox.add_agent("bot");
    let reviewer = sandbox.add_reviewer("rita");
    let waiting = sandbox.run(&["touch", "mark"]).stderr(Stdio::null()).spawn().unwrap();
    let hold = sandbox.hold();
    assert_eq!(sandbox.answer(&hold, "deny", reviewer.vouch()).as_deref(), Ok("denied"));
    assert!(sandbox.answer(&hold, "approve", reviewer.vouch()).is_err());
    assert_eq!(waiting.wait_with_output().unwrap().status.code(), Some(126));
    assert!(!sandbox.mark("mark").exists());
}

#[test]
fn a_code_cannot_be_used_again_for_another_hold() {
    let sandbox = Sandbox::start();
    sandbox.add_agent("bot");
    let reviewer = sandbox.add_reviewer("rita");
    let mut waiting: Vec<_> =
        ["a", "b"].map(|name| sandbox.run(&["touch", name]).stderr(Stdio::null()).spawn().unwrap()).into();
    let holds = sandbox.holds(2);
    let code = reviewer.code();
    assert!(sandbox.answer(&holds[0], "deny", reviewer.vouch_with(&code)).is_ok());
    assert!(sandbox.answer(&holds[1], "approve", reviewer.vouch_with(&code)).unwrap_err().contains("used already"));
    for child in &mut waiting {
        let _ = child.kill();
        let _ = child.wait();
    }
    assert!(!sandbox.mark("a").exists() && !sandbox.mark("b").exists());
}

#[test]
fn wrong_codes_lock_a_reviewer_and_are_recorded() {
    let sandbox = Sandbox::start();
    sandbox.add_agent("bot");
    let reviewer = sandbox.add_reviewer("rita");
    let mut waiting = sandbox.run(&["touch", "mark"]).stderr(Stdio::null()).spawn().unwrap();
    let hold = sandbox.hold();
    for _ in 0..5 {
        assert!(sandbox.answer(&hold, "approve", reviewer.vouch_with("0000000")).is_err());
    }
    assert!(sandbox.answer(&hold, "approve", reviewer.vouch()).unwrap_err().contains("locked"));
    let refused =
        sandbox.records().iter().filter(|it| it["kind"] == "answer" && it["body"]["state"] == "refused").count();
    assert_eq!(refused, 5);
    let _ = waiting.kill();
    let _ = waiting.wait();
}

#[test]
fn the_owner_of_an_agent_cannot_approve_for_it() {
    let sandbox = Sandbox::start();
    sandbox.add_agent("bot");
    let owner = sandbox.add_reviewer("platform");
    let output = sandbox.run(&["touch", "mark"]).output().unwrap();
    assert_eq!(output.status.code(), Some(125), "no reviewer could answer, so nothing is held");
    let _other = sandbox.enrol("rita", Some(&owner));
    let mut waiting = sandbox.run(&["touch", "mark"]).stderr(Stdio::null()).spawn().unwrap();
    let hold = sandbox.hold();
    assert!(sandbox.answer(&hold, "approve", owner.vouch()).unwrap_err().contains("own this agent"));
    let _ = waiting.kill();
    let _ = waiting.wait();
    assert!(!sandbox.mark("mark").exists());
}

#[test]
fn a_second_reviewer_needs_somebody_who_vouches() {
    let sandbox = Sandbox::start();
    let first = sandbox.add_reviewer("rita");
    for vouch in [None, Some(Vouch { reviewer: "rita".into(), proof: Proof::Totp("123456".into()) })] {
        let place = protocol::ReviewerAttributes { role: "operator".into(), groups: vec![] };
        let mallory = OperatorRequest::AddReviewer { name: "mallory".into(), ssh_key: None, place, vouch };
        assert!(matches!(sandbox.operator(&mallory), OperatorReply::Refused { .. }));
    }
    let _sam = sandbox.enrol("sam", Some(&first));
}

#[test]
fn the_agents_socket_knows_no_word_that_approves() {
    let sandbox = Sandbox::start();
    let key = sandbox.add_agent("bot");
    for word in ["answer", "holds", "add_agent", "add_reviewer", "agents", "reviewers", "status"] {
        let body = format!("{{\"say\":\"{word}\"}}");
        let mut frame = u32::try_from(body.len()).unwrap().to_be_bytes().to_vec();
        frame.push(protocol::VERSION);
        frame.extend(body.as_bytes());
        let agent = sandbox.raw(&key);
        std::io::Write::write_all(&mut (&agent.stream), &frame).unwrap();
        assert!(is_denied(&agent.hear().unwrap()), "{word}");
    }
}

#[test]
fn whoever_asked_and_left_gets_nothing() {
    let sandbox = Sandbox::start();
    let key = sandbox.add_agent("bot");
    let reviewer = sandbox.add_reviewer("rita");
    let agent = sandbox.raw(&key);
    assert!(matches!(agent.submit(&bash_act("touch mark")), AgentReply::Held { .. }));
    let hold = sandbox.hold();
    drop(agent);
    let started = std::time::Instant::now();
    while !sandbox.records().iter().any(|it| it["kind"] == "answer" && it["body"]["state"] == "lost") {
        assert!(started.elapsed().as_secs() < 10, "the hold outlives its caller");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    assert!(sandbox.answer(&hold, "approve", reviewer.vouch()).is_err());
}

#[test]
fn what_a_hosts_shell_is_told_beside_the_command_is_not_taken_for_nothing() {
    let sandbox = Sandbox::start();
    let key = sandbox.add_agent("bot");
    sandbox.add_reviewer("rita");
    for (name, value, runs) in [
        ("timeout", json!(1000), true),
        ("run_in_background", json!(true), true),
        ("dangerouslyDisableSandbox", json!(false), true),
        ("dangerouslyDisableSandbox", json!(true), false),
        ("cwd", json!("/"), false),
        ("env", json!({"PATH": "/tmp"}), false),
    ] {
        let mut act = bash_act("ls");
        act["input"][name] = value;
        let heard = sandbox.raw(&key).submit(&act);
        assert_eq!(matches!(heard, AgentReply::Allow { .. }), runs, "{name}: {heard:?}");
    }
}
