//! The state store is a projection of the record: foreign changes are found, and lost ones are rebuilt.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on must fail")]

use std::fs;

use protocol::{OperatorReply, OperatorRequest};
use testkit::{Sandbox, done, hands_over, is_allowed};

fn rebuild(sandbox: &Sandbox, words: &[&str]) -> (Option<i32>, String) {
    let output = sandbox.countersign(&[&["log", "rebuild-store"], words].concat()).output().unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn what_was_put_into_the_store_past_us_is_found_and_what_is_lost_is_worked_out_anew() {
    let mut sandbox = Sandbox::start();
    let key = sandbox.add_agent("bot");
    let rita = sandbox.add_reviewer("rita");
    let text = "[[rule]]\nid = 'made.a'\nverdict = 'allow'\nexact = 'mkdir a'\nexpires = 2099-01-01T00:00:00Z\n\
         matches = ['mkdir a']\nspares = ['mkdir b']\n";
    let add =
        OperatorRequest::AddRule { text: text.to_owned(), request: None, reason: "often".to_owned(), by: rita.vouch() };
    assert!(done(sandbox.operator(&add)).contains("in force"));
    let flag = OperatorRequest::Flag { name: "incident".to_owned(), on: true, by: None };
    assert!(matches!(sandbox.operator(&flag), OperatorReply::Done { .. }));
    let (status, said) = rebuild(&sandbox, &[]);
    assert_eq!((status, said.contains("the store is what the record says")), (Some(0), true), "{said}");

    // A process of the same user writes into the database.
    let state = sandbox.layout.state.join("state.db");
    let database = rusqlite::Connection::open(&state).unwrap();
    database
        .execute_batch(
            "INSERT INTO reviewers (name, role, totp_secret, created_ms) VALUES ('mallory', 'operator', x'0102030405060708090a0b0c0d0e0f1011121314', 1);
             UPDATE reviewers SET totp_secret = x'1102030405060708090a0b0c0d0e0f1011121314' WHERE name = 'rita';
             UPDATE agents SET trust = 4 WHERE name = 'bot';
             UPDATE rules SET text = replace(text, 'mkdir a', 'mkdir b');
             DELETE FROM flags;",
        )
        .unwrap();
    drop(database);
    let (status, said) = rebuild(&sandbox, &[]);
    assert_eq!(status, Some(1));
    for part in [
        "reviewer `mallory` is in the store, and the record knows nothing",
        "reviewer `rita` is another",
        "agent `bot` is another",
        "rule `made.a` is another",
        "flag `incident` is in the record, and not in the store",
    ] {
        assert!(said.contains(part), "`{part}` is not in:\n{said}");
    }

    // The record gives the store back, but for what people keep to themselves.
    let new = sandbox.work.join("new.db");
    let (_, said) = rebuild(&sandbox, &["--into", new.to_str().unwrap()]);
    assert!(said.contains("reviewer `rita` enrols again"), "{said}");
    sandbox.kill_daemon();
    for end in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(sandbox.layout.state.join(format!("state.db{end}")));
    }
    fs::copy(&new, &state).unwrap();
    sandbox.start_daemon();
    assert!(is_allowed(&hands_over(&sandbox, &key, "mkdir a")), "the agent's key and the rule are those of before");
    let (status, said) = rebuild(&sandbox, &[]);
    assert!(status == Some(1) && said.matches("DIFFERS").count() == 1 && said.contains("reviewer `rita`"), "{said}");
}

#[test]
fn nobody_names_the_keys_of_another_scope_to_be_destroyed() {
    let sandbox = Sandbox::start();
    let key = sandbox.add_agent("bot");
    for session in ["one", "two"] {
        let agent = sandbox.raw(&key);
        agent.send_submit(session, &testkit::bash_act(&format!("echo in-{session}")), true);
        let _ = agent.hear().unwrap();
    }
    let patience = std::time::Duration::from_secs(10);
    let stream = std::os::unix::net::UnixStream::connect(sandbox.layout.log_socket()).unwrap();
    // Every key that there is, those of the installation too, those not in use yet, and some that are not there.
    let say = protocol::LogRequest::Destroy {
        scope: "bot/one".to_owned(),
        keys: (0..200).chain([u64::MAX, u64::MAX / 96]).collect(),
        why: "mine".to_owned(),
    };
    host::socket::send(&stream, &say, protocol::MAX_LOG_FRAME, patience).unwrap();
    let heard: protocol::LogReply =
        host::socket::receive(&stream, protocol::MAX_LOG_FRAME, Some(patience), patience).unwrap();
    assert!(matches!(&heard, protocol::LogReply::Done { what } if what.contains("(1 keys)")), "{heard:?}");
    let output = sandbox.countersign(&["log", "show"]).output().unwrap();
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(!shown.contains("in-one") && shown.contains("in-two") && shown.contains("agent added"), "{shown}");
    assert_eq!(shown.matches("(content destroyed by policy)").count(), 1, "{shown}");
    // Keys made ahead still encrypt what can be read.
    let agent = sandbox.raw(&key);
    agent.send_submit("three", &testkit::bash_act("echo in-three"), true);
    let _ = agent.hear().unwrap();
    assert!(
        String::from_utf8_lossy(&sandbox.countersign(&["log", "show"]).output().unwrap().stdout).contains("in-three")
    );
}
