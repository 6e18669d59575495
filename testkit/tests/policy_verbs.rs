//! `countersign policy` and `countersign rule` as a person uses them, on a record that was really made.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on must fail")]

use std::fs;
use std::process::{Output, Stdio};

use testkit::Sandbox;

fn says(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn ok(sandbox: &Sandbox, words: &[&str]) -> String {
    let output = sandbox.countersign(words).output().unwrap();
    let said = says(&output);
    assert!(output.status.success(), "{words:?}: {said}");
    said
}

#[test]
fn a_preset_is_chosen_tested_and_explained() {
    let sandbox = Sandbox::prepared("");
    assert!(ok(&sandbox, &["policy", "use", "developer"]).contains("00-preset.toml"));
    assert!(ok(&sandbox, &["policy", "test"]).contains("do what their"));
    let said = ok(&sandbox, &["policy", "explain", "--command", "git stash drop"]);
    assert!(said.contains("developer.git-stash") && said.contains("`command` does not fit"), "{said}");
    assert!(said.contains("developer.toml:"), "{said}");
    let wrong = sandbox.countersign(&["policy", "use", "develper"]).output().unwrap();
    assert!(!wrong.status.success());
    assert!(says(&wrong).contains("strict, developer, production, observe"), "{}", says(&wrong));
    // A file with a mistake: what, where, and what was meant.
    fs::write(
        sandbox.layout.policy().join("50-mine.toml"),
        "[[rule]]\nid = 'x'\nverdict = 'alow'\ncommand = 'ls'\nmatches = ['ls']\nspares = ['ps']\n",
    )
    .unwrap();
    let refused = sandbox.countersign(&["policy", "test"]).output().unwrap();
    assert_eq!(refused.status.code(), Some(1));
    assert!(says(&refused).contains("50-mine.toml:3:"), "{}", says(&refused));
    assert!(says(&refused).contains("allow"), "{}", says(&refused));
}

#[test]
fn lint_finds_what_is_shadowed_endless_protected_and_fragile() {
    let sandbox = Sandbox::prepared(
        "[[rule]]\nid = 'a.first'\nverdict = 'ask'\ncommand = 'mkdir **'\nmatches = ['mkdir a']\nspares = ['touch a']\n\
         [[rule]]\nid = 'b.shadowed'\nverdict = 'allow'\nexact = 'mkdir b'\nmatches = ['mkdir b']\nspares = ['mkdir c']\n\
         [[rule]]\nid = 'c.protected'\nverdict = 'allow'\nexact = 'touch /etc/motd'\nmatches = ['touch /etc/motd']\nspares = ['touch /etc/x']\n",
    );
    let output = sandbox.countersign(&["policy", "lint"]).output().unwrap();
    let said = says(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    for doubt in
        ["`b.shadowed`: shadowed: shadowed by rule `a.first`", "`b.shadowed`: endless", "`c.protected`: protected"]
    {
        assert!(said.contains(doubt), "`{doubt}` is not in:\n{said}");
    }
    assert!(said.contains("0 of"), "no rewriting of an example is looser:\n{said}");
}

#[test]
fn history_is_replayed_and_mined_and_a_suggested_rule_spares_the_question() {
    let sandbox = Sandbox::start();
    sandbox.add_agent("bot");
    let rita = sandbox.add_reviewer("rita");
    for number in 1..=3_u8 {
        let name = format!("out-{number}");
        let child = sandbox.run(&["mkdir", &name]).stderr(Stdio::null()).spawn().unwrap();
        assert_eq!(sandbox.answer(&sandbox.hold(), "approve", rita.vouch()).unwrap(), "approved");
        assert!(child.wait_with_output().unwrap().status.success());
    }
    let digest = sandbox
        .records()
        .iter()
        .find_map(|record| record["body"]["request_digest"].as_str().map(str::to_owned))
        .unwrap();
    let explained = ok(&sandbox, &["policy", "explain", digest.get(..16).unwrap()]);
    assert!(explained.contains("mkdir out-1") && explained.contains("no rule matches"), "{explained}");

    let file = sandbox.work.join("suggested.toml");
    let said = ok(&sandbox, &["policy", "suggest", "--out", file.to_str().unwrap()]);
    assert!(said.contains("1 rules would have spared 3"), "{said}");
    let replayed = ok(&sandbox, &["policy", "replay", "--rule", file.to_str().unwrap()]);
    assert!(replayed.contains("ask   → allow       3"), "{replayed}");
    let strict =
        sandbox.countersign(&["policy", "replay", "--strict", "--rule", file.to_str().unwrap()]).output().unwrap();
    assert_eq!(strict.status.code(), Some(1));

    // Made through the daemon, by a person.
    let code = rita.code();
    let add = ["rule", "add", file.to_str().unwrap(), "--reason", "builds make these", "--as", "rita", "--code", &code];
    let added = sandbox.countersign(&add).output().unwrap();
    assert!(says(&added).contains("in force") || says(&added).contains("used"), "{}", says(&added));
    if added.status.success() {
        assert!(sandbox.run(&["mkdir", "out-77"]).status().unwrap().success(), "no reviewer is asked any more");
        assert!(ok(&sandbox, &["rule", "ls"]).contains("suggested."));
    }
    assert!(ok(&sandbox, &["flag", "set", "incident"]).contains("is set"));
    assert!(ok(&sandbox, &["flag", "ls"]).contains("incident"));
    assert!(
        !sandbox
            .countersign(&["flag", "clear", "incident", "--as", "rita", "--code", "000000"])
            .status()
            .unwrap()
            .success()
    );
}
