//! The policy in force: changed while requests come, born from approvals, tightened by what happened before.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on must fail")]

use std::fs;
use std::process::Stdio;
use std::time::{Duration, Instant};

use testkit::{Sandbox, bash_act};
use wire::{AgentHears, OperatorHears, OperatorSays, RuleWish, Vouch};

/// A rule that allows making files in the work directory of a sandbox.
fn makes_files(sandbox: &Sandbox, extra: &str) -> String {
    let work = fs::canonicalize(&sandbox.work).unwrap();
    let work = work.display();
    format!(
        "[[rule]]\nid = 'test.files'\nverdict = 'allow'\neffect = 'write'\nonly = ['write']\npath = '{work}/**'\n{extra}\n\
         matches = ['touch {work}/a']\nspares = ['touch /srv/a']\n"
    )
}

fn hands_over(sandbox: &Sandbox, key: &str, text: &str) -> AgentHears {
    let agent = sandbox.raw(key);
    agent.send_submit("s", &bash_act(text), true);
    agent.hear().unwrap()
}

fn is_allowed(heard: &AgentHears) -> bool {
    matches!(heard, AgentHears::Allow { .. })
}

fn done(heard: OperatorHears) -> String {
    let (OperatorHears::Done { what: said } | OperatorHears::Refused { why: said }) = heard else {
        panic!("{heard:?}")
    };
    said
}

#[test]
fn a_file_that_changes_is_in_force_at_once_and_a_bad_one_never() {
    let sandbox = Sandbox::start();
    let key = sandbox.add_agent("bot");
    sandbox.add_reviewer("rita");
    let mark = fs::canonicalize(&sandbox.work).unwrap().join("a");
    let touch = format!("touch {}", mark.display());
    assert!(matches!(hands_over(&sandbox, &key, &touch), AgentHears::Held { .. }));
    let OperatorHears::Status(before) = sandbox.operator(&OperatorSays::Status) else { panic!("no status") };
    sandbox.write_rules("10-files.toml", &makes_files(&sandbox, ""));
    let took = sandbox.until("the new file", |status| status.policy != before.policy);
    assert!(took < Duration::from_secs(5), "{took:?}");
    assert!(is_allowed(&hands_over(&sandbox, &key, &touch)));

    let OperatorHears::Status(good) = sandbox.operator(&OperatorSays::Status) else { panic!("no status") };
    sandbox.write_rules("20-bad.toml", "[[rule]]\nid = 'x'\nverdict = 'allow'\ncomand = 'x'\n");
    sandbox.until("the refusal", |status| status.refused.as_ref().is_some_and(|why| why.contains("`command`")));
    sandbox.until("the good set", |status| status.policy == good.policy);
    assert!(is_allowed(&hands_over(&sandbox, &key, &touch)), "the good set stays in force");

    fs::remove_file(sandbox.layout.policy().join("20-bad.toml")).unwrap();
    sandbox.until("the end of the refusal", |status| status.refused.is_none());
    fs::remove_file(sandbox.layout.policy().join("10-files.toml")).unwrap();
    sandbox.until("the old set", |status| status.policy != good.policy);
    assert!(matches!(hands_over(&sandbox, &key, &touch), AgentHears::Held { .. }));

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
    assert!(matches!(hands_over(&sandbox, &key, &touch), AgentHears::Held { .. }), "at its end, without a restart");
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
    let AgentHears::Allow { permit, .. } = early.submit(&act) else { panic!("not allowed") };
    let permit: serde_json::Value = serde_json::from_str(&permit.text).unwrap();
    let set = OperatorSays::Flag { name: "incident".to_owned(), on: true, by: None };
    let started = Instant::now();
    assert!(done(sandbox.operator(&set)).contains("is set"));
    assert!(matches!(hands_over(&sandbox, &key, &touch), AgentHears::Held { .. }));
    assert!(matches!(early.redeem(permit["id"].as_str().unwrap(), &act), AgentHears::Deny { .. }), "an unspent permit");
    assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
    // Clearing takes a person.
    let clear = |by| OperatorSays::Flag { name: "incident".to_owned(), on: false, by };
    assert!(done(sandbox.operator(&clear(None))).contains("proof"));
    assert!(matches!(hands_over(&sandbox, &key, &touch), AgentHears::Held { .. }));
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
    let OperatorHears::Status(before) = sandbox.operator(&OperatorSays::Status) else { panic!("no status") };
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
fn an_approval_becomes_the_rule_that_was_chosen_and_no_more() {
    let sandbox = Sandbox::start();
    let key = sandbox.add_agent("bot");
    let rita = sandbox.add_reviewer("rita");
    let platform = sandbox.enrol("pat", Some(&rita));
    let agent = sandbox.raw(&key);
    agent.send_submit("s", &bash_act("mkdir build-17"), true);
    assert!(matches!(agent.hear().unwrap(), AgentHears::Held { .. }));
    let hold = sandbox.hold();
    let say = OperatorSays::Candidates { hold: hold.id.clone() };
    let OperatorHears::Candidates { candidates, .. } = sandbox.operator(&say) else { panic!("no candidates") };
    let [exact, pattern] = candidates.as_slice() else { panic!("{candidates:?}") };
    assert!(exact.what.contains("exactly"));
    assert!(pattern.refuses.iter().any(|it| it.contains("; id")), "{pattern:?}");
    let wish = |text: String| RuleWish { text, reason: "builds need it".to_owned(), by: None };
    let answer = |rule| OperatorSays::Answer {
        hold: hold.id.clone(),
        said: "approve".to_owned(),
        by: rita.vouch(),
        rule: Some(rule),
    };
    // Without an end there is no rule, and the approval does not count either.
    let endless = format!("[[rule]]\nid = 'made.x'\n{}", exact.text);
    assert!(done(sandbox.operator(&answer(wish(endless)))).contains("has an end"));
    let whole = format!("[[rule]]\nid = 'made.x'\nexpires = 2099-01-01T00:00:00Z\n{}", exact.text);
    assert!(done(sandbox.operator(&answer(wish(whole)))).contains("`made.x` is in force"));
    assert!(is_allowed(&agent.hear().unwrap()));
    assert!(is_allowed(&hands_over(&sandbox, &key, "mkdir build-17")));
    let elsewhere = sandbox.add_agent("other");
    assert!(!is_allowed(&hands_over(&sandbox, &elsewhere, "mkdir build-17")), "it was approved for one agent");
    assert!(!is_allowed(&hands_over(&sandbox, &key, "cd /tmp; mkdir build-17")), "and for one directory");
    for other in
        ["mkdir build-18", "mkdir build-17; touch x", "mkdir -p build-17", "mkdir build-17 > x", "sudo mkdir build-17"]
    {
        assert!(!is_allowed(&hands_over(&sandbox, &key, other)), "{other}");
    }
    let OperatorHears::Rules { rules, .. } = sandbox.operator(&OperatorSays::Rules) else { panic!("no rules") };
    let made = rules.iter().find(|rule| rule.id == "made.x").unwrap();
    assert_eq!(made.author.as_deref(), Some("rita"));
    assert_eq!(made.request.as_deref(), Some(hold.request.as_str()));
    // An end, by a person: first brought forward, then now.
    let expire = |end: &str, by| OperatorSays::ExpireRule { id: "made.x".to_owned(), end: end.to_owned(), by };
    let nobody = Vouch { reviewer: "rita".to_owned(), proof: wire::Proof::Totp("000000".to_owned()) };
    assert!(done(sandbox.operator(&expire("2099-06-01T00:00:00Z", nobody))).contains("only brought forward"));
    assert!(done(sandbox.operator(&expire("2098-01-01T00:00:00Z", platform.vouch()))).contains("`made.x.2` is in force"));
    assert!(is_allowed(&hands_over(&sandbox, &key, "mkdir build-17")));
    let remove = OperatorSays::RemoveRule { id: "made.x.2".to_owned(), by: platform.vouch() };
    assert!(done(sandbox.operator(&remove)).contains("does not apply"));
    assert!(!is_allowed(&hands_over(&sandbox, &key, "mkdir build-17")));
}

#[test]
fn whoever_answers_for_an_agent_makes_no_rule_that_lets_it_do_more() {
    let sandbox = Sandbox::start();
    sandbox.add_agent("bot");
    let platform = sandbox.add_reviewer("platform");
    let rule = |when: &str| {
        format!(
            "[[rule]]\nid = 'made.own'\nverdict = 'allow'\nexact = 'mkdir a'\nexpires = 2099-01-01T00:00:00Z\n{when}\n\
             matches = ['mkdir a']\nspares = ['mkdir b']\n"
        )
    };
    let add = |when: &str| OperatorSays::AddRule {
        text: rule(when),
        request: None,
        reason: "mine".to_owned(),
        by: platform.vouch(),
    };
    assert!(done(sandbox.operator(&add(""))).contains("answers for the agent `bot`"));
    assert!(done(sandbox.operator(&add("when = { agent = 'b*' }"))).contains("answers for the agent `bot`"));
    assert!(done(sandbox.operator(&add("when = { agent = 'other' }"))).contains("in force"));
}

#[test]
fn no_rule_is_made_of_interpreters_wrappers_or_what_is_not_understood() {
    let sandbox = Sandbox::start();
    let key = sandbox.add_agent("bot");
    sandbox.add_reviewer("rita");
    for text in
        ["python3 -c 'print(1)' > x", "sudo touch a", "unheard-of a", "touch a; touch b", "X=1 touch a", "rm -rf a"]
    {
        let agent = sandbox.raw(&key);
        agent.send_submit("s", &bash_act(text), true);
        assert!(matches!(agent.hear().unwrap(), AgentHears::Held { .. }), "{text}");
        let hold = sandbox.hold();
        let heard = sandbox.operator(&OperatorSays::Candidates { hold: hold.id });
        let OperatorHears::Candidates { candidates, none } = heard else { panic!("{heard:?}") };
        assert!(candidates.is_empty() && none.is_some(), "{text}: {candidates:?}");
        drop(agent);
        let started = Instant::now();
        while !matches!(sandbox.operator(&OperatorSays::Holds { follow: false }), OperatorHears::Holds { holds } if holds.is_empty())
        {
            assert!(started.elapsed() < Duration::from_secs(20));
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

#[test]
fn a_guard_of_the_organisation_forbids_at_once_and_a_broken_one_never_comes_in_force() {
    let sandbox = Sandbox::start();
    let key = sandbox.add_agent("bot");
    assert!(is_allowed(&hands_over(&sandbox, &key, "ls")));
    let OperatorHears::Status(before) = sandbox.operator(&OperatorSays::Status) else { panic!("no status") };
    sandbox.write_rules(
        "10-org.cedar",
        "@id(\"org.ls\") forbid (principal == Agent::\"bot\", action, resource == Program::\"ls\");",
    );
    sandbox.until("the guard", |status| status.policy != before.policy);
    let AgentHears::Deny { reasons, .. } = hands_over(&sandbox, &key, "true && ls") else { panic!("not denied") };
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
    let AgentHears::Allow { reasons, .. } = hands_over(&sandbox, &key, "rm -rf /srv/x") else { panic!("held") };
    assert!(reasons.first().unwrap().contains("DOES NOT PROTECT"), "{reasons:?}");
    let OperatorHears::Status(status) = sandbox.operator(&OperatorSays::Status) else { panic!("no status") };
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
    assert!(matches!(heard, AgentHears::Deny { .. }), "a host that acts by itself cannot be held to it: {heard:?}");
    assert!(sandbox.run(&["touch", work.join("a").to_str().unwrap()]).status().unwrap().success());
    assert!(work.join("a").exists());
    let output = sandbox.run(&["touch", work.join("b").to_str().unwrap()]).output().unwrap();
    assert_eq!(output.status.code(), Some(125), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(!work.join("b").exists());
}
