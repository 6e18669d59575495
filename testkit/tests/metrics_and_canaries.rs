//! Metrics for Prometheus, and canaries that show whether reviewers read.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must fail"
)]

use std::process::Stdio;
use std::time::{Duration, Instant};

use testkit::{Gate, Sandbox};

fn metrics(gate: &Gate) -> String {
    let (status, _, text) = gate.request("GET", "/metrics", &[], "");
    assert_eq!(status, 200, "{text}");
    text
}

fn value(text: &str, name: &str) -> f64 {
    let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("no `{name}` in {text}"));
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

#[test]
fn prometheus_sees_how_much_is_decided_and_who_is_nobodys_business() {
    let sandbox = Sandbox::start();
    sandbox.add_agent("botname");
    let rita = sandbox.add_reviewer("rita");
    let gate = Gate::start(&sandbox);
    let run = |words: &[&str]| {
        let mut command = sandbox.countersign(&[&["run", "--agent", "botname", "--"], words].concat());
        command.current_dir(&sandbox.work).stdout(Stdio::null()).stderr(Stdio::null());
        command
    };
    assert!(run(&["ls"]).status().unwrap().success());
    let mut child = run(&["mkdir", "secretplace"]).spawn().unwrap();
    let hold = sandbox.hold();
    let during = metrics(&gate);
    let open: f64 = ["low", "medium", "high", "critical"]
        .map(|level| value(&during, &format!("countersign_holds_open{{level=\"{level}\"}}")))
        .iter()
        .sum();
    assert!((open - 1.0).abs() < 0.1, "{during}");
    sandbox.answer(&hold, "approve", rita.vouch()).unwrap();
    assert!(child.wait().unwrap().success());
    let after = metrics(&gate);
    for (name, wanted) in [
        ("countersign_decisions_total{verdict=\"allow\"}", 1.0),
        ("countersign_decisions_total{verdict=\"ask\"}", 1.0),
        ("countersign_holds_total{state=\"approved\"}", 1.0),
        ("countersign_hold_seconds_count", 1.0),
        ("countersign_hold_seconds_bucket{le=\"+Inf\"}", 1.0),
        ("countersign_decision_seconds_count", 2.0),
    ] {
        assert!((value(&after, name) - wanted).abs() < 0.1, "{name}: {after}");
    }
    for word in ["botname", "rita", "secretplace", "mkdir"] {
        assert!(!after.contains(word), "{word}");
    }
    // Every family is described once.
    let families: Vec<&str> = after.lines().filter(|line| line.starts_with("# TYPE")).collect();
    let distinct: std::collections::BTreeSet<&&str> = families.iter().collect();
    assert_eq!(families.len(), distinct.len());
}

#[test]
fn a_canary_looks_like_any_other_is_never_run_and_its_end_is_told() {
    let sandbox = Sandbox::start();
    sandbox.add_agent("bot");
    let pat = sandbox.add_reviewer("pat");
    let rita = sandbox.enrol_as("rita", "reviewer", &[], Some(&pat));
    let proof = pat.vouch();
    let protocol::Proof::Totp(code) = proof.proof else { panic!("no code") };
    let victim = sandbox.root.join("victim");
    std::fs::write(&victim, "x").unwrap();
    let command = format!("rm -rf {}", victim.display());
    let seeded = sandbox
        .countersign(&["reviewer", "canary", "--agent", "bot", "--command", &command, "--as", "pat", "--code", &code])
        .output()
        .unwrap();
    assert!(seeded.status.success(), "{}", String::from_utf8_lossy(&seeded.stderr));
    let hold = sandbox.hold();
    assert_eq!(hold.asked, command);
    // Nothing says so while it waits: neither the hold nor the record.
    let told = format!("{}{:?}", serde_json::to_string(&hold).unwrap(), sandbox.records());
    assert!(!told.contains("canary\""), "{told}");
    sandbox.answer(&hold, "approve", rita.vouch()).unwrap();
    let started = Instant::now();
    let told = loop {
        if let Some(told) = sandbox.records().into_iter().find(|it| it["body"]["what"] == "canary") {
            break told;
        }
        // The settling thread is notified; by itself it looks every ten seconds.
        assert!(started.elapsed() < Duration::from_secs(8), "nothing was recorded");
        std::thread::sleep(Duration::from_millis(50));
    };
    assert_eq!((told["body"]["state"].as_str(), told["body"]["people"][0].as_str()), (Some("approved"), Some("rita")));
    let answered = sandbox.records().into_iter().find(|it| it["kind"] == "answer").unwrap();
    assert_eq!(answered["body"]["canary"], true);
    assert!(victim.exists(), "it was run");
    assert!(!sandbox.records().iter().any(|it| it["kind"] == "permit"));
}
