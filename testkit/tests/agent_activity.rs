//! Where agents work, for people who look: who may, what an agent can make of it, and that it comes by itself.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    reason = "a test that cannot go on must fail"
)]

use std::time::{Duration, Instant};

use protocol::{ActivityView, AgentReply, OperatorReply, OperatorRequest};
use testkit::{Reviewer, Sandbox, bash_act};

fn token(sandbox: &Sandbox, who: &Reviewer) -> String {
    match sandbox.operator(&OperatorRequest::SignIn { by: who.vouch() }) {
        OperatorReply::SignedIn { token } => token,
        other => panic!("{other:?}"),
    }
}

fn look(sandbox: &Sandbox, token: &str) -> Result<ActivityView, String> {
    match sandbox.operator(&OperatorRequest::Work { token: token.to_owned(), follow: false }) {
        OperatorReply::Work(work) => Ok(work),
        OperatorReply::Refused { why } => Err(why),
        other => panic!("{other:?}"),
    }
}

fn ask(sandbox: &Sandbox, key: &str, session: &str, command: &str) -> AgentReply {
    let agent = sandbox.raw(key);
    agent.send_submit(session, &bash_act(command), false);
    agent.hear().unwrap()
}

#[test]
fn a_flood_of_sessions_of_one_agent_hides_no_other() {
    let sandbox = Sandbox::start();
    let rita = sandbox.add_reviewer("rita");
    let token = token(&sandbox, &rita);
    let (quiet, loud) = (sandbox.add_agent("quiet"), sandbox.add_agent("loud"));
    // What waits stays in sight, however many names come after it.
    let waits = sandbox.raw(&loud);
    waits.send_submit("waits", &bash_act("mkdir made"), false);
    assert!(matches!(waits.hear().unwrap(), AgentReply::Held { .. }));
    assert!(matches!(ask(&sandbox, &quiet, "main", "ls"), AgentReply::Allow { .. }));
    for number in 0..100 {
        let _ = ask(&sandbox, &loud, &format!("s{number}"), "ls");
    }
    let work = look(&sandbox, &token).unwrap();
    let of = |agent: &str| work.sessions.iter().filter(|it| it.agent == agent).count();
    assert_eq!((of("quiet"), of("loud")), (1, 32), "{work:?}");
    assert!(work.sessions.iter().any(|it| it.session == "s99"), "the last one is there");
    assert!(work.sessions.iter().any(|it| it.session == "waits" && it.waiting == 1), "what waits was crowded out");
}

#[test]
fn what_an_agent_says_is_masked_and_shown_and_counted() {
    let sandbox = Sandbox::start();
    let rita = sandbox.add_reviewer("rita");
    let token = token(&sandbox, &rita);
    let key = sandbox.add_agent("bot");
    let secret = format!("ghp_{}", "a1B2c3D4e5".repeat(4).get(..36).unwrap());
    let _ = ask(&sandbox, &key, "main", &format!("echo \u{1b}[2J\u{202e} {secret}"));
    let work = look(&sandbox, &token).unwrap();
    let [seen] = work.sessions.as_slice() else { panic!("{work:?}") };
    assert!(!seen.last.contains(&secret) && !seen.last.contains(['\u{1b}', '\u{202e}']), "{}", seen.last);
    assert!(seen.last.starts_with("echo "), "{}", seen.last);
    // One that waits is counted, and a stop is shown.
    let waits = sandbox.raw(&key);
    assert!(matches!(waits.submit(&bash_act("mkdir made")), AgentReply::Held { .. }));
    assert_eq!(look(&sandbox, &token).unwrap().sessions.iter().map(|it| it.waiting).sum::<usize>(), 1);
    let stop = OperatorRequest::Stop { token: token.clone(), agent: Some("bot".to_owned()), session: None };
    assert!(matches!(sandbox.operator(&stop), OperatorReply::Done { .. }));
    let work = look(&sandbox, &token).unwrap();
    assert_eq!(work.stops, ["stop:bot"]);
    assert!(work.sessions.iter().all(|it| it.stopped.as_deref() == Some("stop:bot") && it.waiting == 0), "{work:?}");
}

#[test]
fn who_may_not_read_the_record_does_not_look_and_who_signed_out_is_told_no_more() {
    let sandbox = Sandbox::start();
    let rita = sandbox.add_reviewer("rita");
    let viewer = sandbox.enrol_as("vera", "viewer", &[], Some(&rita));
    assert!(look(&sandbox, "no such token").unwrap_err().contains("not signed in"));
    let vera = token(&sandbox, &viewer);
    assert!(look(&sandbox, &vera).unwrap_err().contains("but not read the record"));
    let token = token(&sandbox, &rita);
    let key = sandbox.add_agent("bot");
    let looking = sandbox.follow(&OperatorRequest::Work { token: token.clone(), follow: true });
    let OperatorReply::Work(first) = looking() else { panic!("no reply") };
    assert!(first.sessions.is_empty());
    let since = Instant::now();
    let _ = ask(&sandbox, &key, "main", "ls");
    let OperatorReply::Work(next) = looking() else { panic!("no reply") };
    assert_eq!(next.sessions.len(), 1);
    assert!(since.elapsed() < Duration::from_secs(3), "it comes by itself: {:?}", since.elapsed());
    assert!(matches!(sandbox.operator(&OperatorRequest::SignOut { token }), OperatorReply::Done { .. }));
    let _ = ask(&sandbox, &key, "main", "ls");
    let ended = std::iter::from_fn(|| Some(looking())).take(3).any(|it| matches!(it, OperatorReply::Refused { .. }));
    assert!(ended, "a signed-out person still sees it");
}
