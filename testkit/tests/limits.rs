//! What only tightens: uses, speed, checkpoints, over sessions and restarts.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on must fail")]

use std::fs;

use protocol::{AgentReply, HoldView};
use testkit::{Sandbox, bash_act, hands_over, is_allowed, makes_files};

#[test]
fn a_rule_that_may_decide_twice_decides_twice_even_over_a_restart() {
    let mut sandbox = Sandbox::prepared("");
    sandbox.write_rules("10-files.toml", &makes_files(&sandbox, "when = { uses = 2 }"));
    sandbox.start_logd();
    sandbox.start_daemon();
    let key = sandbox.add_agent("bot");
    sandbox.add_reviewer("rita");
    let touch = format!("touch {}", fs::canonicalize(&sandbox.work).unwrap().join("a").display());
    assert!(is_allowed(&hands_over(&sandbox, &key, &touch)));
    sandbox.kill_daemon();
    sandbox.start_daemon();
    let allowed = std::thread::scope(|scope| {
        let (sandbox, key, touch) = (&sandbox, &key, &touch);
        let racing: Vec<_> =
            (0..4).map(|_| scope.spawn(move || is_allowed(&hands_over(sandbox, key, touch)))).collect();
        racing.into_iter().filter(|_| true).map(|it| it.join().unwrap()).filter(|it| *it).count()
    });
    assert_eq!(allowed, 1, "one use was left, and four asked at once");
}

/// The file that acts of medium risk make here, and the rule that allows them.
fn medium(sandbox: &Sandbox) -> (String, String) {
    let work = fs::canonicalize(&sandbox.work).unwrap();
    let work = work.display();
    let rule = format!(
        "[[rule]]\nid = 'test.rm'\nverdict = 'allow'\neffect = 'delete'\nonly = ['delete']\npath = '{work}/**'\n\
         matches = ['rm {work}/a']\nspares = ['rm /srv/a']\n[checkpoint]\nirreversible = false\n"
    );
    (format!("rm {work}/a"), rule)
}

#[test]
fn fifty_acts_of_medium_risk_in_a_minute_run_up_to_the_limit_and_the_rest_are_held() {
    let mut sandbox = Sandbox::prepared("");
    let (command, rule) = medium(&sandbox);
    let limits = "changes = 1000\nbudget = 1000000\n[velocity]\nmedium = 20\nhigh = 20\nburst = 1000\n";
    sandbox.write_rules("10-rm.toml", &format!("{rule}{limits}"));
    sandbox.start_logd();
    sandbox.start_daemon();
    let key = sandbox.add_agent("bot");
    sandbox.add_reviewer("rita");
    let agents: Vec<_> = (0..50).map(|_| sandbox.raw(&key)).collect();
    let mut allowed = 0;
    for (number, agent) in agents.iter().enumerate() {
        // A new session for each: the limit is the agent's, too.
        agent.send_submit(&format!("s-{number}"), &bash_act(&command), true);
        allowed += usize::from(is_allowed(&agent.hear().unwrap()));
    }
    assert_eq!(allowed, 20);
    let holds = sandbox.holds(30);
    assert_eq!(holds.len(), 30);
    let alike = |hold: &HoldView| hold.reasons.first().is_some_and(|why| why.starts_with("velocity: "));
    assert!(holds.iter().all(alike), "{:?}", holds.first().map(|it| &it.reasons));
    let groups: std::collections::BTreeSet<_> = holds.iter().map(|hold| hold.group.clone()).collect();
    assert_eq!(groups.len(), 1, "they are shown as one");
}

#[test]
fn a_checkpoint_stops_at_its_count_and_goes_on_when_somebody_has_looked() {
    let mut sandbox = Sandbox::prepared("");
    let (command, rule) = medium(&sandbox);
    sandbox.write_rules("10-rm.toml", &format!("{rule}changes = 3\n[velocity]\nburst = 1000\nhigh = 100\n"));
    sandbox.start_logd();
    sandbox.start_daemon();
    let key = sandbox.add_agent("bot");
    let rita = sandbox.add_reviewer("rita");
    for _ in 0..3 {
        assert!(is_allowed(&hands_over(&sandbox, &key, &command)));
    }
    sandbox.kill_daemon();
    sandbox.start_daemon();
    let agent = sandbox.raw(&key);
    agent.send_submit("another", &bash_act(&command), true);
    let AgentReply::Held { reasons, .. } = agent.hear().unwrap() else { panic!("the count was lost in the crash") };
    assert!(reasons.first().unwrap().starts_with("checkpoint: "), "{reasons:?}");
    sandbox.answer(&sandbox.hold(), "approve", rita.vouch()).unwrap();
    assert!(is_allowed(&agent.hear().unwrap()));
    agent.send_submit("another", &bash_act(&command), true);
    assert!(is_allowed(&agent.hear().unwrap()), "a person has looked at this session");
    assert!(!is_allowed(&hands_over(&sandbox, &key, &command)), "and not at the other");
}
