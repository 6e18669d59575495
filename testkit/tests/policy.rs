//! The policy in force: changed while requests come, born from approvals, tightened by what happened before.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on must fail")]

use std::fs;
use std::process::Stdio;
use std::time::{Duration, Instant};

use protocol::{AgentReply, OperatorReply, OperatorRequest};
use testkit::{Sandbox, bash_act, done, exec_act, hands_over, is_allowed, makes_files};

#[test]
fn a_file_that_changes_is_in_force_at_once_and_a_bad_one_never() {
    let sandbox = Sandbox::start();
    let key = sandbox.add_agent("bot");
    sandbox.add_reviewer("rita");
    let mark = fs::canonicalize(&sandbox.work).unwrap().join("a");
    let touch = format!("touch {}", mark.display());
    assert!(matches!(hands_over(&sandbox, &key, &touch), AgentReply::Held { .. }));
    let OperatorReply::Status(before) = sandbox.operator(&OperatorRequest::Status) else { panic!("no status") };
    sandbox.write_rules("10-files.toml", &makes_files(&sandbox, ""));
    let took = sandbox.until("the new file", |status| status.policy != before.policy);
    assert!(took < Duration::from_secs(5), "{took:?}");
    assert!(is_allowed(&hands_over(&sandbox, &key, &touch)));

    let OperatorReply::Status(good) = sandbox.operator(&OperatorRequest::Status) else { panic!("no status") };
    sandbox.write_rules("20-bad.toml", "[[rule]]\nid = 'x'\nverdict = 'allow'\ncomand = 'x'\n");
    sandbox.until("the refusal", |status| status.refused.as_ref().is_some_and(|why| why.contains("`command`")));
    sandbox.until("the good set", |status| status.policy == good.policy);
    assert!(is_allowed(&hands_over(&sandbox, &key, &touch)), "the good set stays in force");

    fs::remove_file(sandbox.layout.policy().join("20-bad.toml")).unwrap();
    sandbox.until("the end of the refusal", |status| status.refused.is_none());
    fs::remove_file(sandbox.layout.policy().join("10-files.toml")).unwrap();
    sandbox.until("the old set", |status| status.policy != good.policy);
    assert!(matches!(hands_over(&sandbox, &key, &touch), AgentReply::Held { .. }));

    let said: Vec<String> = sandbox
        .records()
        .iter()
        .filter(|record| record["kind"] == "change")
        .filter_map(|record| record["body"]["what"].as_str().map(str::to_owned))
        .filter(|what| what.starts_with("policy"))
        .collect();
    assert!(said.iter().filter(|what| *what == "policy loaded").count() >= 2, "{said:?}");
    assert_eq!(said.iter().filter(|what| *what == "policy refused").count(), 1, "{said:?}");
}

#[test]
fn a_policy_that_an_agent_could_write_is_refused() {
    let sandbox = Sandbox::start();
    sandbox.write_rules("10-files.toml", &makes_files(&sandbox, ""));
    sandbox.until("the file", |status| status.rules > 7);
    let path = sandbox.layout.policy().join("20-open.toml");
    fs::write(&path, makes_files(&sandbox, "").replace("test.files", "test.open")).unwrap();
    fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o666)).unwrap();
    sandbox.until("the refusal", |status| status.refused.as_ref().is_some_and(|why| why.contains("cannot be trusted")));
}

#[test]
fn a_rule_with_one_second_to_live_stops_matching_after_it() {
    let mut sandbox = Sandbox::prepared("");
    let end = host::clock::now_ms() / 1_000 + 4;
    let end = jiff::Timestamp::from_second(i64::try_from(end).unwrap()).unwrap();
    sandbox.write_rules("10-files.toml", &makes_files(&sandbox, &format!("expires = {end}")));
    sandbox.start_logd();
    sandbox.start_daemon();
    let key = sandbox.add_agent("bot");
    sandbox.add_reviewer("rita");
    let touch = format!("touch {}", fs::canonicalize(&sandbox.work).unwrap().join("a").display());
    assert!(is_allowed(&hands_over(&sandbox, &key, &touch)));
    let end_ms = u64::try_from(end.as_millisecond()).unwrap();
    std::thread::sleep(Duration::from_millis(end_ms.saturating_sub(host::clock::now_ms())));
    assert!(matches!(hands_over(&sandbox, &key, &touch), AgentReply::Held { .. }), "at its end, without a restart");
}

#[test]
fn an_incident_stops_what_a_rule_allows_at_every_enforcement_point() {
    let mut sandbox = Sandbox::prepared("");
    let free = "when = { not = { flag = 'incident' } }";
    sandbox.write_rules("10-files.toml", &makes_files(&sandbox, free));
    sandbox.start_logd();
    sandbox.start_daemon();
    let key = sandbox.add_agent("bot");
    let rita = sandbox.add_reviewer("rita");
    let mark = fs::canonicalize(&sandbox.work).unwrap().join("a");
    let touch = format!("touch {}", mark.display());
    // One that is connected and has its permit, but has not acted yet.
    let early = sandbox.raw(&key);
    let act = bash_act(&touch);
    let AgentReply::Allow { permit, .. } = early.submit(&act) else { panic!("not allowed") };
    let permit: serde_json::Value = serde_json::from_str(&permit.text).unwrap();
    let set = OperatorRequest::Flag { name: "incident".to_owned(), on: true, by: None };
    let started = Instant::now();
    assert!(done(sandbox.operator(&set)).contains("is set"));
    assert!(matches!(hands_over(&sandbox, &key, &touch), AgentReply::Held { .. }));
    assert!(matches!(early.redeem(permit["id"].as_str().unwrap(), &act), AgentReply::Deny { .. }), "an unspent permit");
    assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
    // Clearing takes a person.
    let clear = |by| OperatorRequest::Flag { name: "incident".to_owned(), on: false, by };
    assert!(done(sandbox.operator(&clear(None))).contains("proof"));
    assert!(matches!(hands_over(&sandbox, &key, &touch), AgentReply::Held { .. }));
    assert!(done(sandbox.operator(&clear(Some(rita.vouch())))).contains("cleared"));
    assert!(is_allowed(&hands_over(&sandbox, &key, &touch)));
}

#[test]
fn what_people_said_yes_to_under_other_rules_is_asked_again() {
    let sandbox = Sandbox::start();
    sandbox.add_agent("bot");
    let rita = sandbox.add_reviewer("rita");
    let mark = sandbox.mark("a");
    let child = sandbox.run(&["-c", "touch a"]).stderr(Stdio::piped()).spawn().unwrap();
    let hold = sandbox.hold();
    let OperatorReply::Status(before) = sandbox.operator(&OperatorRequest::Status) else { panic!("no status") };
    let deny =
        "[[rule]]\nid = 'test.no'\nverdict = 'deny'\ncommand = 'touch **'\nmatches = ['touch a']\nspares = ['ls']\n";
    sandbox.write_rules("10-no.toml", deny);
    sandbox.until("the new file", |status| status.policy != before.policy);
    assert_eq!(sandbox.answer(&hold, "approve", rita.vouch()).unwrap(), "approved");
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(126), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(!mark.exists());
}

#[test]
fn a_guard_of_the_organisation_forbids_at_once_and_a_broken_one_never_comes_in_force() {
    let sandbox = Sandbox::start();
    let key = sandbox.add_agent("bot");
    assert!(is_allowed(&hands_over(&sandbox, &key, "ls")));
    let OperatorReply::Status(before) = sandbox.operator(&OperatorRequest::Status) else { panic!("no status") };
    sandbox.write_rules(
        "10-org.cedar",
        "@id(\"org.ls\") forbid (principal == Agent::\"bot\", action, resource == Program::\"ls\");",
    );
    sandbox.until("the guard", |status| status.policy != before.policy);
    let AgentReply::Deny { reasons, .. } = hands_over(&sandbox, &key, "true && ls") else { panic!("not denied") };
    assert!(reasons.first().unwrap().contains("org.ls"), "{reasons:?}");
    assert!(is_allowed(&hands_over(&sandbox, &key, "pwd")));
    sandbox.write_rules("20-broken.cedar", "permit (principal, action, resource);");
    sandbox.until("the refusal", |status| status.refused.as_ref().is_some_and(|why| why.contains("can only `forbid`")));
    assert!(!is_allowed(&hands_over(&sandbox, &key, "ls")), "the guard before stays in force");
    let tested = sandbox.countersign(&["policy", "test"]).output().unwrap();
    assert_eq!(tested.status.code(), Some(1));
}

#[test]
fn a_policy_that_only_watches_says_so_everywhere() {
    let mut sandbox = Sandbox::prepared("");
    sandbox.write_rules("00-preset.toml", "preset = 'observe'\n");
    sandbox.start_logd();
    sandbox.start_daemon();
    let key = sandbox.add_agent("bot");
    let AgentReply::Allow { reasons, .. } = hands_over(&sandbox, &key, "rm -rf /srv/x") else { panic!("held") };
    assert!(reasons.first().unwrap().contains("DOES NOT PROTECT"), "{reasons:?}");
    let OperatorReply::Status(status) = sandbox.operator(&OperatorRequest::Status) else { panic!("no status") };
    assert_eq!(status.mode, "observe");
    let records = sandbox.records();
    let decision = records.iter().find(|record| record["kind"] == "decision").unwrap();
    assert_eq!(decision["body"]["would"], "ask");
}

#[test]
fn an_enforcement_point_that_cannot_do_what_a_rule_obliges_to_refuses() {
    let mut sandbox = Sandbox::prepared("");
    sandbox.write_rules("10-files.toml", &makes_files(&sandbox, "with = { timeout_s = 1, withhold = ['SECRET'] }"));
    let boxed =
        makes_files(&sandbox, "with = { sandbox = 'strict' }").replace("test.files", "test.box").replace("/a'", "/b'");
    sandbox.write_rules("05-box.toml", &boxed.replace("/**", "/b"));
    sandbox.start_logd();
    sandbox.start_daemon();
    let key = sandbox.add_agent("bot");
    let work = fs::canonicalize(&sandbox.work).unwrap();
    let heard = hands_over(&sandbox, &key, &format!("touch {}/a", work.display()));
    assert!(matches!(heard, AgentReply::Deny { .. }), "a host that acts by itself cannot be held to it: {heard:?}");
    assert!(sandbox.run(&["touch", work.join("a").to_str().unwrap()]).status().unwrap().success());
    assert!(work.join("a").exists());
    let output = sandbox.run(&["touch", work.join("b").to_str().unwrap()]).output().unwrap();
    assert_eq!(output.status.code(), Some(125), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(!work.join("b").exists());
}

#[test]
fn a_known_pattern_takes_one_person_fewer_than_the_rest() {
    let sandbox = Sandbox::start_with(
        "[default]\nlow = { people = 2 }\n[[rule]]\nid = 'ours.known'\nverdict = 'ask'\ncommand = 'mkdir build/*'\npeople = 1\n\
         matches = ['mkdir build/x']\nspares = ['mkdir src/x']\nreason = 'known'\n",
    );
    let key = sandbox.add_agent("bot");
    let rita = sandbox.add_reviewer("rita");
    let sam = sandbox.enrol_as("sam", "reviewer", &[], Some(&rita));
    let (known, other) = (sandbox.raw(&key), sandbox.raw(&key));
    assert!(matches!(known.submit(&exec_act(&["mkdir", "build/x"])), AgentReply::Held { .. }));
    assert_eq!(sandbox.answer(&sandbox.hold(), "approve", sam.vouch()).as_deref(), Ok("approved"));
    assert!(matches!(known.hear().unwrap(), AgentReply::Allow { .. }));
    // What only looks like it takes two: the strictest part counts.
    let act = bash_act("mkdir build/x && mkdir src/x");
    assert!(matches!(other.submit(&act), AgentReply::Held { .. }));
    let hold = sandbox.hold();
    assert_eq!(hold.needed, 2, "{}", hold.who);
    assert_eq!(sandbox.answer(&hold, "approve", sam.vouch()).as_deref(), Ok("open"));
    assert_eq!(sandbox.answer(&hold, "approve", rita.vouch()).as_deref(), Ok("approved"));
}
