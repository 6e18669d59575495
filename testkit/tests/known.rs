//! People whom a provider of single sign-on enrolled. Their way in, in a browser: `dashboard.rs`.

#![allow(clippy::unwrap_used, clippy::arithmetic_side_effects, reason = "a test that cannot go on must fail")]

use testkit::{Sandbox, exec_act};
use wire::AgentHears;

#[test]
fn whoever_the_provider_does_not_name_any_more_answers_nothing() {
    let sandbox = Sandbox::start();
    let key = sandbox.add_agent("bot");
    let rita = sandbox.add_reviewer("rita");
    let state = rusqlite::Connection::open(sandbox.layout.state.join("state.db")).unwrap();
    let seen = |hours_ago: u64| {
        let at_ms = i64::try_from(host::clock::now_ms() - hours_ago * 3_600_000).unwrap();
        let insert = "INSERT INTO identities VALUES ('https://id.example', 's-1', 'rita', ?1)
                      ON CONFLICT DO UPDATE SET seen_ms = ?1";
        state.execute(insert, [at_ms]).unwrap();
    };
    let agent = sandbox.raw(&key);
    agent.submit(&exec_act(&["mkdir", "x"]));
    let hold = sandbox.hold();
    seen(12);
    for said in ["approve", "deny"] {
        let why = sandbox.answer(&hold, said, rita.vouch_with(&rita.code())).unwrap_err();
        assert!(why.contains("single sign-on"), "{why}");
    }
    seen(11);
    assert_eq!(sandbox.answer(&hold, "approve", rita.vouch()).as_deref(), Ok("approved"));
    assert!(matches!(agent.hear().unwrap(), AgentHears::Allow { .. }));
}
