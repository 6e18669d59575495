//! Answers to several holds at once, questions to agents, and hand-overs.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    reason = "a test that cannot go on must fail"
)]

use protocol::{AgentReply, HoldView, OperatorReply, OperatorRequest, Vouch};
use serde_json::{Value, json};
use testkit::{Gate, JSON, RawAgent, Sandbox, exec_act};

const BY_SESSION: &str = "[default]\nlow = { timeout_s = 60, assurance = \"session\" }\n";

/// An agent that waits with an act.
fn waits(sandbox: &Sandbox, key: &str, session: &str, act: &Value) -> RawAgent {
    let agent = sandbox.raw(key);
    agent.send_submit(session, act, false);
    assert!(matches!(agent.hear().unwrap(), AgentReply::Held { .. }));
    agent
}

fn answer(sandbox: &Sandbox, hold: &HoldView, also: &[&HoldView], said: &str, by: Vouch) -> Result<usize, String> {
    let also = also.iter().map(|it| it.id.clone()).collect();
    let (hold, said, reason) = (hold.id.clone(), said.to_owned(), (said == "ask").then(|| "why now?".to_owned()));
    match sandbox.operator(&OperatorRequest::Answer { hold, said, by, session: None, also, rule: None, reason }) {
        OperatorReply::Answered { also, .. } => Ok(also),
        OperatorReply::Refused { why } => Err(why),
        other => panic!("{other:?}"),
    }
}

fn is_allow(heard: &AgentReply) -> bool {
    matches!(heard, AgentReply::Allow { .. })
}

#[test]
fn one_code_answers_what_is_the_very_same_and_nothing_that_only_looks_so() {
    let sandbox = Sandbox::start();
    let key = sandbox.add_agent("bot");
    let rita = sandbox.add_reviewer("rita");
    let same = exec_act(&["mkdir", "x"]);
    // Looks the same to the last letter: what differs is a variable of its environment.
    let mut twin = same.clone();
    twin["environment"] = json!("0".repeat(64));
    let agents: Vec<RawAgent> = (0..3).map(|_| waits(&sandbox, &key, "s", &same)).collect();
    let other = waits(&sandbox, &key, "s", &exec_act(&["mkdir", "y"]));
    let twin = waits(&sandbox, &key, "s", &twin);
    let elsewhere = waits(&sandbox, &key, "another-session", &same);
    let holds = sandbox.holds(6);
    let refused =
        |with: &[&HoldView]| answer(&sandbox, &holds[0], with, "approve", rita.vouch_with(&rita.code())).unwrap_err();
    assert!(refused(&[&holds[1], &holds[3]]).contains("is not the same"));
    assert_eq!(holds[4].asked, holds[0].asked);
    assert!(refused(&[&holds[4]]).contains("is not the same"));
    assert!(refused(&[&holds[5]]).contains("is not the same"));
    assert!(refused(&[&holds[0]]).contains("named twice"));
    assert!(refused(&[&holds[1], &holds[1]]).contains("named twice"));
    assert!(refused(&vec![&holds[1]; 100]).contains("at most"));
    assert_eq!(sandbox.holds(6).len(), 6, "nothing was answered by any of these");
    assert_eq!(answer(&sandbox, &holds[0], &[&holds[1], &holds[2]], "approve", rita.vouch()), Ok(2));
    for agent in &agents {
        assert!(is_allow(&agent.hear().unwrap()));
    }
    assert_eq!(sandbox.holds(3).len(), 3);
    // One no is for whatever the agent wants.
    assert_eq!(answer(&sandbox, &holds[3], &[&holds[4], &holds[5]], "deny", rita.vouch()), Ok(2));
    for agent in [&other, &twin, &elsewhere] {
        assert!(matches!(agent.hear().unwrap(), AgentReply::Deny { .. }));
    }
    // Each has a record of its own.
    let records = sandbox.records();
    let answers = records.iter().filter(|it| it["kind"] == "answer" && it["body"]["said"] == "approve");
    let requests: std::collections::BTreeSet<String> =
        answers.map(|it| it["body"]["request_digest"].as_str().unwrap().to_owned()).collect();
    assert_eq!(requests, holds[..3].iter().map(|it| it.request.clone()).collect());
}

#[test]
fn a_no_takes_nothing_of_another_agent_with_it() {
    let sandbox = Sandbox::start();
    let (bot, cat) = (sandbox.add_agent("bot"), sandbox.add_agent("cat"));
    let rita = sandbox.add_reviewer("rita");
    let _bot = waits(&sandbox, &bot, "s", &exec_act(&["mkdir", "x"]));
    let _cat = waits(&sandbox, &cat, "s", &exec_act(&["mkdir", "x"]));
    let holds = sandbox.holds(2);
    assert!(answer(&sandbox, &holds[0], &[&holds[1]], "deny", rita.vouch()).unwrap_err().contains("is not the same"));
    assert_eq!(sandbox.holds(2).len(), 2);
}

#[test]
fn a_question_reaches_the_agent_and_stands_with_the_next_request_for_the_same() {
    let sandbox = Sandbox::start();
    let key = sandbox.add_agent("bot");
    let rita = sandbox.add_reviewer("rita");
    let act = exec_act(&["mkdir", "x"]);
    let agent = waits(&sandbox, &key, "s", &act);
    assert_eq!(answer(&sandbox, &sandbox.hold(), &[], "ask", rita.vouch()), Ok(0));
    let AgentReply::Deny { reasons, .. } = agent.hear().unwrap() else { panic!("no reply") };
    assert!(reasons[0].contains("a reviewer asks: why now?"), "{reasons:?}");
    let again = waits(&sandbox, &key, "s", &act);
    assert_eq!(sandbox.hold().asked_before.as_deref(), Some("rita: why now?"));
    drop(again);
    let other = waits(&sandbox, &key, "s", &exec_act(&["mkdir", "y"]));
    let holds = sandbox.holds(1);
    assert!(holds.iter().filter(|it| it.asked.contains('y')).all(|it| it.asked_before.is_none()));
    drop(other);
    let records = sandbox.records();
    assert!(records.iter().any(|it| it["body"]["asks"] == "why now?" && it["body"]["said"] == "deny"));
}

#[test]
fn a_hold_is_handed_to_somebody_who_could_answer_it_and_only_through_a_session_that_lives() {
    let sandbox = Sandbox::start_with(BY_SESSION);
    let key = sandbox.add_agent("bot");
    let rita = sandbox.add_reviewer("rita");
    let sam = sandbox.enrol_as("sam", "reviewer", &[], Some(&rita));
    sandbox.enrol_as("vic", "viewer", &[], Some(&rita));
    let gate = Gate::start(&sandbox);
    let (ritas, sams) = (gate.sign_in(&rita), gate.sign_in(&sam));
    let agent = waits(&sandbox, &key, "s", &exec_act(&["mkdir", "x"]));
    let hold = sandbox.hold();
    let path = format!("/v1/holds/{}/hand-over", hold.id);
    let give = |to: &str, cookie: &str| {
        gate.ask("POST", &path, &[JSON, cookie], &json!({"to": to, "note": "it is your host"}).to_string()).0
    };
    assert_eq!(give("sam", "cookie: countersign=0"), 401);
    // Not oneself, not the owner, not a viewer, not a stranger.
    assert_eq!([give("rita", &ritas), give("olga", &ritas), give("vic", &ritas), give("nobody", &ritas)], [409; 4]);
    assert_eq!(give("sam", &ritas), 200);
    let handed = sandbox.hold().handed;
    assert_eq!((handed[0].by.as_str(), handed[0].to.as_str()), ("rita", "sam"));
    assert_eq!(handed[0].note.as_deref(), Some("it is your host"));
    // A session that is over answers nothing, whatever proof goes with it.
    let (path, yes) = (format!("/v1/holds/{}/answer", hold.id), json!({"said": "approve"}).to_string());
    assert_eq!(gate.request("DELETE", "/v1/session", &[JSON, &ritas], "").0, 204);
    assert_eq!(gate.ask("POST", &path, &[JSON, &ritas], &yes).0, 401);
    assert_eq!(gate.ask("POST", &path, &[JSON], &yes).0, 401);
    // Nor does it answer for another person.
    let token = sams.rsplit_once('=').unwrap().1.to_owned();
    let say = OperatorRequest::Answer {
        hold: hold.id.clone(),
        said: "approve".to_owned(),
        by: rita.vouch(),
        session: Some(token),
        also: Vec::new(),
        rule: None,
        reason: None,
    };
    assert!(matches!(sandbox.operator(&say), OperatorReply::Refused { why } if why.contains("another person")));
    assert_eq!(gate.ask("POST", &path, &[JSON, &sams], &yes).0, 200);
    assert!(is_allow(&agent.hear().unwrap()));
}
