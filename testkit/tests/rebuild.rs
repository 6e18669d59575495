//! The state store is a projection of the record: what was put into it past us is found, and what is lost is worked out anew.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on must fail")]

use std::fs;

use testkit::{Sandbox, done, hands_over, is_allowed};
use wire::{OperatorHears, OperatorSays};

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
        OperatorSays::AddRule { text: text.to_owned(), request: None, reason: "often".to_owned(), by: rita.vouch() };
    assert!(done(sandbox.operator(&add)).contains("in force"));
    let flag = OperatorSays::Flag { name: "incident".to_owned(), on: true, by: None };
    assert!(matches!(sandbox.operator(&flag), OperatorHears::Done { .. }));
    let (status, said) = rebuild(&sandbox, &[]);
    assert_eq!((status, said.contains("the store is what the record says")), (Some(0), true), "{said}");

    // Somebody with the same user writes into the database.
    let state = sandbox.layout.state.join("state.db");
    let database = rusqlite::Connection::open(&state).unwrap();
    database
        .execute_batch(
            "INSERT INTO reviewers (name, totp_secret, created_ms) VALUES ('mallory', x'0102030405060708090a0b0c0d0e0f1011121314', 1);
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
