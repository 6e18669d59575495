//! Who is on call counts while they are, and not a moment longer.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on must fail")]

use protocol::AgentReply;
use testkit::{Sandbox, exec_act};

/// A policy that requires the person on call; `turns` names them.
fn sandbox(turns: &str) -> Sandbox {
    let all_day = "hours = \"Mon-Sun 00:00-24:00 UTC\"";
    Sandbox::start_with(&format!(
        "[default]\nlow = {{ who = {{ any_of = [\"@on-call\"] }} }}\n[[on_call]]\n{all_day}\n{turns}\n"
    ))
}

#[test]
fn only_whoever_is_on_call_counts() {
    let sandbox = sandbox("people = [\"sam\"]");
    let key = sandbox.add_agent("bot");
    let rita = sandbox.add_reviewer("rita");
    let agent = sandbox.raw(&key);
    let act = exec_act(&["mkdir", "x"]);
    let heard = agent.submit(&act);
    assert!(matches!(&heard, AgentReply::Deny { reasons, .. } if reasons[0].contains("not enough")), "{heard:?}");
    let sam = sandbox.enrol_as("sam", "reviewer", &[], Some(&rita));
    assert!(matches!(agent.submit(&act), AgentReply::Held { .. }));
    let hold = sandbox.hold();
    let why = sandbox.answer(&hold, "approve", rita.vouch()).unwrap_err();
    assert!(why.contains("asks for others"), "{why}");
    assert_eq!(sandbox.answer(&hold, "approve", sam.vouch()).as_deref(), Ok("approved"));
    assert!(matches!(agent.hear().unwrap(), AgentReply::Allow { .. }));
}

#[test]
fn a_turn_that_ends_while_a_hold_is_open_takes_its_people_out() {
    let sandbox = sandbox("people = [\"rita\"]");
    let key = sandbox.add_agent("bot");
    let rita = sandbox.add_reviewer("rita");
    let sam = sandbox.enrol_as("sam", "reviewer", &[], Some(&rita));
    let agent = sandbox.raw(&key);
    assert!(matches!(agent.submit(&exec_act(&["mkdir", "x"])), AgentReply::Held { .. }));
    let hold = sandbox.hold();
    let file = std::fs::read_dir(sandbox.layout.policy()).unwrap().next().unwrap().unwrap().path();
    let text = std::fs::read_to_string(&file).unwrap().replace("[\"rita\"]", "[\"sam\"]");
    std::fs::write(&file, text).unwrap();
    let reloaded = sandbox.operator(&protocol::OperatorRequest::Reload);
    assert!(matches!(reloaded, protocol::OperatorReply::Done { .. }), "{reloaded:?}");
    assert!(sandbox.answer(&hold, "approve", rita.vouch()).is_err());
    assert_eq!(sandbox.answer(&hold, "approve", sam.vouch()).as_deref(), Ok("approved"));
    // The rules are others by now: still the same is asked, so what sam said yes to is what is asked now.
    assert!(matches!(agent.hear().unwrap(), AgentReply::Allow { .. }));
}
