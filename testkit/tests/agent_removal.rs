//! An agent that is removed, or gets another key: its old key is refused, and what it waits for or does ends.
#![allow(
    clippy::wildcard_enum_match_arm,
    clippy::unwrap_used,
    clippy::panic,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must fail"
)]

use protocol::{AgentReply, OperatorReply, OperatorRequest};
use testkit::{Sandbox, bash_act};

fn remove(sandbox: &Sandbox, name: &str, by: Option<protocol::Vouch>) -> OperatorReply {
    sandbox.operator(&OperatorRequest::RemoveAgent { name: name.to_owned(), by })
}

#[test]
fn a_key_that_leaked_is_none_at_once() {
    let sandbox = Sandbox::start();
    let key = sandbox.add_agent("bot");
    sandbox.add_reviewer("rita");
    let mut waits = sandbox.run(&["mkdir", "x"]).spawn().unwrap();
    sandbox.hold();
    let allowed = sandbox.raw(&key);
    let AgentReply::Allow { .. } = allowed.submit(&bash_act("ls")) else { panic!("not allowed") };
    let removed = sandbox.countersign(&["agent", "rm", "bot"]).output().unwrap();
    assert!(removed.status.success(), "{}", String::from_utf8_lossy(&removed.stderr));
    assert!(!waits.wait().unwrap().success() && !sandbox.mark("x").exists());
    assert!(matches!(sandbox.raw(&key).submit(&bash_act("ls")), AgentReply::Deny { .. }));
    assert!(sandbox.records().iter().any(|it| it["body"]["what"] == "agent removed"));
    assert!(matches!(remove(&sandbox, "bot", None), OperatorReply::Refused { .. }), "there is none any more");
    // The name is free again, with another key.
    let other = sandbox.add_agent("bot");
    assert!(matches!(sandbox.raw(&other).submit(&bash_act("ls")), AgentReply::Allow { .. }));
    assert!(matches!(sandbox.raw(&key).submit(&bash_act("ls")), AgentReply::Deny { .. }));
}

#[test]
fn who_could_not_add_an_agent_cannot_remove_it() {
    let rule = "[[rule]]\nid = \"t\"\nverdict = \"allow\"\ncommand = \"mkdir ./own\"\nreason = \"x\"\n\
                when = { agent = \"builder\" }\nmatches = [\"mkdir ./own\"]\nspares = [\"true\"]\n";
    let sandbox = Sandbox::start_with(rule);
    let rita = sandbox.add_reviewer("rita");
    let say = |by| OperatorRequest::AddAgent {
        name: "builder".to_owned(),
        owner: "platform".to_owned(),
        under: None,
        uid: None,
        place: protocol::AgentAttributes::default(),
        by,
    };
    if matches!(sandbox.operator(&say(None)), OperatorReply::Agent { .. }) {
        panic!("a rule favours it");
    }
    assert!(matches!(sandbox.operator(&say(Some(rita.vouch()))), OperatorReply::Agent { .. }));
    assert!(matches!(remove(&sandbox, "builder", None), OperatorReply::Refused { .. }));
    let removed = remove(&sandbox, "builder", Some(rita.vouch()));
    assert!(matches!(removed, OperatorReply::Done { .. }), "{removed:?}");
}

#[test]
fn a_rotated_key_is_saved_and_the_old_one_is_refused() {
    let mut sandbox = Sandbox::start();
    let key = sandbox.add_agent("bot");
    sandbox.add_agent("other");
    sandbox.add_reviewer("rita");
    let mut waits = sandbox.run(&["mkdir", "x"]).spawn().unwrap();
    sandbox.hold();
    let rotated = sandbox.countersign(&["agent", "rotate", "bot", "--save", "--json"]).output().unwrap();
    assert!(rotated.status.success(), "{}", String::from_utf8_lossy(&rotated.stderr));
    let answer: serde_json::Value = serde_json::from_slice(&rotated.stdout).unwrap();
    assert_eq!(answer["key_file"], sandbox.layout.agent_key("bot").to_str().unwrap());
    assert!(!waits.wait().unwrap().success() && !sandbox.mark("x").exists(), "what the old key asked for ends");
    assert!(matches!(sandbox.raw(&key).submit(&bash_act("ls")), AgentReply::Deny { .. }));
    assert!(sandbox.run(&["ls"]).output().unwrap().status.success(), "the key file has the new key");
    let record = sandbox.records().into_iter().find(|it| it["body"]["what"] == "agent key rotated").unwrap();
    assert_eq!(record["body"]["agent"], "bot");
    let text = std::fs::read_to_string(sandbox.layout.agent_key("bot")).unwrap();
    assert!(!serde_json::to_string(&sandbox.records()).unwrap().contains(text.trim()), "the record has no key");
    // It is so after a restart, and the record alone says so, too.
    sandbox.kill_daemon();
    sandbox.start_daemon();
    assert!(matches!(sandbox.raw(&key).submit(&bash_act("ls")), AgentReply::Deny { .. }));
    assert!(sandbox.run(&["ls"]).output().unwrap().status.success());
    let rebuilt = sandbox.countersign(&["log", "rebuild-store"]).output().unwrap();
    assert!(rebuilt.status.success(), "{}", String::from_utf8_lossy(&rebuilt.stdout));
    let none = sandbox.countersign(&["agent", "rotate", "ghost"]).output().unwrap();
    assert!(String::from_utf8_lossy(&none.stderr).contains("there is no agent `ghost`"), "{none:?}");
}

#[test]
fn the_key_of_an_agent_that_a_rule_favours_is_rotated_with_a_proof_only() {
    let rule = "[[rule]]\nid = \"t\"\nverdict = \"allow\"\ncommand = \"mkdir ./own\"\nreason = \"x\"\n\
                when = { agent = \"bot\" }\nmatches = [\"mkdir ./own\"]\nspares = [\"true\"]\n";
    let sandbox = Sandbox::start();
    let key = sandbox.add_agent("bot");
    let rita = sandbox.add_reviewer("rita");
    sandbox.write_rules("05-test.toml", rule);
    assert!(matches!(sandbox.operator(&OperatorRequest::Reload), OperatorReply::Done { .. }));
    let rotate = |by| sandbox.operator(&OperatorRequest::RotateAgentKey { name: "bot".to_owned(), by });
    assert!(matches!(rotate(None), OperatorReply::Refused { .. }));
    assert!(
        matches!(sandbox.raw(&key).submit(&bash_act("ls")), AgentReply::Allow { .. }),
        "refused, so nothing changed"
    );
    let OperatorReply::Agent { key: new } = rotate(Some(rita.vouch())) else { panic!("not rotated") };
    assert!(matches!(sandbox.raw(&key).submit(&bash_act("ls")), AgentReply::Deny { .. }));
    assert!(matches!(sandbox.raw(&new).submit(&bash_act("ls")), AgentReply::Allow { .. }));
}

#[test]
fn a_directory_or_session_that_is_none_is_refused_with_a_reason() {
    let sandbox = Sandbox::start();
    let key = sandbox.add_agent("bot");
    let reason = |act: &serde_json::Value, session: &str| {
        let raw = sandbox.raw(&key);
        raw.send_submit(session, act, true);
        match raw.hear().unwrap() {
            AgentReply::Deny { reasons, .. } => reasons.join("; "),
            other => panic!("{other:?}"),
        }
    };
    let mut act = bash_act("ls");
    for cwd in ["../x", "x", &format!("/{}", "x".repeat(70_000))] {
        act["cwd"] = serde_json::json!(cwd);
        assert!(reason(&act, "s").contains("`cwd`"));
    }
    for session in ["../x", &"x".repeat(70_000), ""] {
        assert!(reason(&bash_act("ls"), session).contains("session"));
    }
}

/// Operators replace the same key in the same moment: one key is good afterwards.
#[test]
fn keys_that_are_replaced_side_by_side_leave_one() {
    let sandbox = Sandbox::start();
    let first = sandbox.add_agent("bot");
    let rotate = || sandbox.operator(&OperatorRequest::RotateAgentKey { name: "bot".to_owned(), by: None });
    let keys: Vec<String> = std::thread::scope(|threads| {
        let running: Vec<_> = (0..6).map(|_| threads.spawn(rotate)).collect();
        let ended = running.into_iter().map(|thread| thread.join().unwrap());
        ended.filter_map(|reply| if let OperatorReply::Agent { key } = reply { Some(key) } else { None }).collect()
    });
    assert_eq!(keys.len(), 6);
    let is_good = |key: &String| matches!(sandbox.raw(key).submit(&bash_act("ls")), AgentReply::Allow { .. });
    assert!(!is_good(&first), "the key before is refused");
    assert_eq!(keys.iter().filter(|key| is_good(key)).count(), 1);
}
