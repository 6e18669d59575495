//! Idempotency keys of agents over HTTP: what is answered twice, and what never is.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must fail"
)]

use std::time::Duration;

use protocol::{OperatorReply, OperatorRequest};
use record::RecordKind;
use serde_json::{Value, json};
use testkit::{Gate, JSON, Sandbox, bash_act};

/// A request under an idempotency key.
fn ask(gate: &Gate, key: &str, name: &str, command: &str) -> (u16, Value) {
    let (bearer, name) = (format!("authorization: Bearer {key}"), format!("idempotency-key: {name}"));
    let body = json!({"session": "s", "act": bash_act(command)}).to_string();
    gate.ask("POST", "/v1/agent/requests", &[JSON, &bearer, &name], &body)
}

fn set(sandbox: &Sandbox, name: &str) {
    let say = OperatorRequest::Flag { name: name.to_owned(), on: true, by: None };
    assert!(matches!(sandbox.operator(&say), OperatorReply::Done { .. }));
}

fn decisions(sandbox: &Sandbox) -> usize {
    let kind = json!(RecordKind::Decision.as_str());
    sandbox.records().iter().filter(|it| it["kind"] == kind).count()
}

#[test]
fn a_yes_does_not_outlive_a_stop_a_change_of_rules_or_its_permit() {
    let sandbox = Sandbox::start();
    let key = sandbox.add_agent("bot");
    let gate = Gate::start(&sandbox);
    let first = ask(&gate, &key, "k1", "ls /tmp");
    assert_eq!(first.1["verdict"], "allow", "{first:?}");
    assert_eq!(ask(&gate, &key, "k1", "ls /tmp"), first, "a lost connection decides nothing twice");
    assert_eq!(decisions(&sandbox), 1);
    // Any change that decisions rest on is one of all answers.
    set(&sandbox, "incident");
    let second = ask(&gate, &key, "k1", "ls /tmp");
    assert!(second.1["verdict"] == "allow" && second != first, "{second:?}");
    std::thread::sleep(Duration::from_millis(approval::PERMIT_LIFE_MS + 100));
    let third = ask(&gate, &key, "k1", "ls /tmp");
    assert!(third.1["verdict"] == "allow" && third != second, "the permit was over: {third:?}");
    set(&sandbox, "stop");
    let stopped = ask(&gate, &key, "k1", "ls /tmp");
    assert_eq!(stopped.1["verdict"], "deny", "{stopped:?}");
}

#[test]
fn a_stranger_costs_nothing_and_fills_nothing() {
    let sandbox = Sandbox::start();
    let key = sandbox.add_agent("bot");
    let gate = Gate::start(&sandbox);
    let before = resident_kb(gate.pid());
    let long = format!("echo {}", "x".repeat(60_000));
    for number in 0..200 {
        let (status, heard) = ask(&gate, "csk_anything", &number.to_string(), &long);
        assert!(status != 200 || heard["verdict"] == "deny", "{heard}");
    }
    let grown = resident_kb(gate.pid()).saturating_sub(before);
    assert!(grown < 20_000, "{grown} KB for strangers");
    // Nor does a known agent keep what it asked, only a digest of it.
    let before = resident_kb(gate.pid());
    for number in 0..20 {
        ask(&gate, &key, &number.to_string(), &long);
    }
    let grown = resident_kb(gate.pid()).saturating_sub(before);
    assert!(grown < 4_000, "{grown} KB for 20 keys");
    let first = ask(&gate, &key, "mine", "ls /tmp");
    assert_eq!(ask(&gate, &key, "mine", "ls /tmp"), first);
    assert_eq!(
        ask(&gate, "csk_anything", "mine", "ls /tmp").1["verdict"],
        "deny",
        "another agent's answer is not given"
    );
}

#[test]
fn the_same_asked_at_once_under_one_key_is_decided_once() {
    let sandbox = Sandbox::start();
    let key = sandbox.add_agent("bot");
    let gate = Gate::start(&sandbox);
    for round in 0..5 {
        let name = format!("k{round}");
        let answers: Vec<(u16, Value)> = std::thread::scope(|scope| {
            let asked: Vec<_> = (0..4).map(|_| scope.spawn(|| ask(&gate, &key, &name, "ls /tmp"))).collect();
            asked.into_iter().map(|it| it.join().unwrap()).collect()
        });
        assert!(answers.iter().all(|it| *it == answers[0] && it.1["verdict"] == "allow"), "{answers:?}");
        assert_eq!(decisions(&sandbox), round + 1);
    }
}

#[test]
fn what_says_two_things_is_refused() {
    let sandbox = Sandbox::start();
    let key = sandbox.add_agent("bot");
    let gate = Gate::start(&sandbox);
    let bearer = format!("authorization: Bearer {key}");
    for act in [
        r#"{"kind":"tool","host":"sdk","tool":"Bash","input":{"command":"ls","command":"touch x"},"cwd":"/tmp"}"#,
        r#"{"kind":"tool","host":"sdk","tool":"Bash","tool":"Read","input":{"command":"ls"},"cwd":"/tmp"}"#,
    ] {
        let body = format!(r#"{{"session":"s","act":{act}}}"#);
        let (status, heard) = gate.ask("POST", "/v1/agent/requests", &[JSON, &bearer], &body);
        assert!(status >= 400 && heard.to_string().contains("twice"), "{status} {heard}");
    }
    assert_eq!(decisions(&sandbox), 0);
}

fn resident_kb(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").trim().parse().unwrap()
}
