//! Rules and agents that are made while the daemon runs: what becomes a rule, who may make one, and of what.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on must fail")]

use std::time::{Duration, Instant};

use protocol::{AgentReply, OperatorReply, OperatorRequest, RuleWish, Vouch};
use testkit::{Sandbox, bash_act, done, hands_over, is_allowed};

#[test]
fn an_approval_becomes_the_rule_that_was_chosen_and_no_more() {
    let sandbox = Sandbox::start();
    let key = sandbox.add_agent("bot");
    let rita = sandbox.add_reviewer("rita");
    let platform = sandbox.enrol_as("pat", "operator", &[], Some(&rita));
    let agent = sandbox.raw(&key);
    agent.send_submit("s", &bash_act("mkdir build-17"), true);
    assert!(matches!(agent.hear().unwrap(), AgentReply::Held { .. }));
    let hold = sandbox.hold();
    let say = OperatorRequest::Candidates { hold: hold.id.clone() };
    let OperatorReply::Candidates { candidates, .. } = sandbox.operator(&say) else { panic!("no candidates") };
    let [exact, pattern] = candidates.as_slice() else { panic!("{candidates:?}") };
    assert!(exact.what.contains("exactly"));
    assert!(pattern.refuses.iter().any(|it| it.contains("; id")), "{pattern:?}");
    let wish = |text: String| RuleWish { text, reason: "builds need it".to_owned(), by: None };
    let answer = |rule| OperatorRequest::Answer {
        hold: hold.id.clone(),
        said: "approve".to_owned(),
        by: rita.vouch(),
        rule: Some(rule),
        reason: None,
        session: None,
        also: Vec::new(),
    };
    // Without an end there is no rule, and the approval does not count either.
    let endless = format!("[[rule]]\nid = 'made.x'\n{}", exact.text);
    assert!(done(sandbox.operator(&answer(wish(endless)))).contains("has an end"));
    let whole = format!("[[rule]]\nid = 'made.x'\nexpires = 2099-01-01T00:00:00Z\n{}", exact.text);
    assert!(done(sandbox.operator(&answer(wish(whole)))).contains("`made.x` is in force"));
    assert!(is_allowed(&agent.hear().unwrap()));
    assert!(is_allowed(&hands_over(&sandbox, &key, "mkdir build-17")));
    let elsewhere = sandbox.add_agent("other");
    assert!(!is_allowed(&hands_over(&sandbox, &elsewhere, "mkdir build-17")), "it was approved for one agent");
    assert!(!is_allowed(&hands_over(&sandbox, &key, "cd /tmp; mkdir build-17")), "and for one directory");
    for other in
        ["mkdir build-18", "mkdir build-17; touch x", "mkdir -p build-17", "mkdir build-17 > x", "sudo mkdir build-17"]
    {
        assert!(!is_allowed(&hands_over(&sandbox, &key, other)), "{other}");
    }
    let OperatorReply::Rules { rules, .. } = sandbox.operator(&OperatorRequest::Rules) else { panic!("no rules") };
    let made = rules.iter().find(|rule| rule.id == "made.x").unwrap();
    assert_eq!(made.author.as_deref(), Some("rita"));
    assert_eq!(made.request.as_deref(), Some(hold.request.as_str()));
    // An end, by a person: first brought forward, then now.
    let expire = |end: &str, by| OperatorRequest::ExpireRule { id: "made.x".to_owned(), end: end.to_owned(), by };
    let nobody = Vouch { reviewer: "rita".to_owned(), proof: protocol::Proof::Totp("000000".to_owned()) };
    assert!(done(sandbox.operator(&expire("2099-06-01T00:00:00Z", nobody))).contains("can only end earlier"));
    assert!(
        done(sandbox.operator(&expire("2098-01-01T00:00:00Z", platform.vouch()))).contains("`made.x.2` is in force")
    );
    assert!(is_allowed(&hands_over(&sandbox, &key, "mkdir build-17")));
    let remove = OperatorRequest::RemoveRule { id: "made.x.2".to_owned(), by: platform.vouch() };
    assert!(done(sandbox.operator(&remove)).contains("does not apply"));
    assert!(!is_allowed(&hands_over(&sandbox, &key, "mkdir build-17")));
}

#[test]
fn whoever_answers_for_an_agent_makes_no_rule_that_lets_it_do_more() {
    let sandbox = Sandbox::start();
    sandbox.add_agent("bot");
    let platform = sandbox.add_reviewer("platform");
    let rule = |when: &str| {
        format!(
            "[[rule]]\nid = 'made.own'\nverdict = 'allow'\nexact = 'mkdir a'\nexpires = 2099-01-01T00:00:00Z\n{when}\n\
             matches = ['mkdir a']\nspares = ['mkdir b']\n"
        )
    };
    let add = |when: &str| OperatorRequest::AddRule {
        text: rule(when),
        request: None,
        reason: "mine".to_owned(),
        by: platform.vouch(),
    };
    assert!(done(sandbox.operator(&add(""))).contains("answers for the agent `bot`"));
    assert!(done(sandbox.operator(&add("when = { agent = 'b*' }"))).contains("answers for the agent `bot`"));
    assert!(done(sandbox.operator(&add("when = { agent = 'other' }"))).contains("in force"));
}

#[test]
fn whoever_answers_for_an_agent_ends_no_rule_that_holds_it_back() {
    let sandbox = Sandbox::start();
    let key = sandbox.add_agent("bot");
    let rita = sandbox.add_reviewer("rita");
    let platform = sandbox.enrol_as("platform", "operator", &[], Some(&rita));
    let second = OperatorRequest::AddAgent {
        name: "second".to_owned(),
        under: None,
        owner: "rita".to_owned(),
        uid: None,
        place: protocol::AgentAttributes { env: None, groups: Vec::new(), trust: 1 },
        by: None,
    };
    assert!(matches!(sandbox.operator(&second), OperatorReply::Agent { .. }));
    let rule = |id: &str, extra: &str| {
        format!("[[rule]]\nid = '{id}'\n{extra}\nexact = 'cat a'\nmatches = ['cat a']\nspares = ['cat b']\n")
    };
    let add = |text: String, by| OperatorRequest::AddRule { text, request: None, reason: "mine".to_owned(), by };
    let nobody = || Vouch { reviewer: "rita".to_owned(), proof: protocol::Proof::Totp("000000".to_owned()) };
    let end = "2099-01-01T00:00:00Z";
    // What asks may ask fewer people than no rule would; what goes before others could go before a no.
    assert!(done(sandbox.operator(&add(rule("made.ask", "verdict = 'ask'"), rita.vouch()))).contains("answers for"));
    let first = format!("verdict = 'allow'\npriority = 1\nexpires = {end}");
    assert!(done(sandbox.operator(&add(rule("made.first", &first), nobody()))).contains("priority above 0"));
    // They may hold it back, and then not let it go again, at once or soon.
    let deny = format!("verdict = 'deny'\nexpires = {end}\nwhen = {{ agent = 'bot' }}");
    assert!(done(sandbox.operator(&add(rule("made.deny", &deny), platform.vouch()))).contains("in force"));
    let remove = |by| OperatorRequest::RemoveRule { id: "made.deny".to_owned(), by };
    let expire = |end: &str, by| OperatorRequest::ExpireRule { id: "made.deny".to_owned(), end: end.to_owned(), by };
    assert!(done(sandbox.operator(&remove(platform.vouch()))).contains("answers for"));
    let soon = expire("2098-01-01T00:00:00Z", platform.vouch());
    assert!(done(sandbox.operator(&soon)).contains("answers for"));
    for no_time in ["2098-01-01", "2098-01-01T00:00:00Z\nverdict = 'allow'", "soon"] {
        assert!(done(sandbox.operator(&expire(no_time, nobody()))).contains("is no end"), "{no_time}");
    }
    assert!(!is_allowed(&hands_over(&sandbox, &key, "cat a")));
    assert!(done(sandbox.operator(&remove(rita.vouch()))).contains("does not apply"));
    assert!(is_allowed(&hands_over(&sandbox, &key, "cat a")));
}

#[test]
fn a_rule_that_was_ended_is_out_of_force_while_the_directory_is_broken() {
    let sandbox = Sandbox::start();
    let key = sandbox.add_agent("bot");
    let rita = sandbox.add_reviewer("rita");
    let text = "[[rule]]\nid = 'made.a'\nverdict = 'allow'\nexact = 'mkdir a'\nexpires = 2099-01-01T00:00:00Z\n\
         matches = ['mkdir a']\nspares = ['mkdir b']\n";
    let add = OperatorRequest::AddRule {
        text: text.to_owned(),
        request: None,
        reason: "it is made often".to_owned(),
        by: rita.vouch(),
    };
    assert!(done(sandbox.operator(&add)).contains("in force"));
    sandbox.write_rules("20-broken.toml", "[[rule]]\nid = ");
    sandbox.until("the broken file was seen", |status| status.refused.is_some());
    assert!(is_allowed(&hands_over(&sandbox, &key, "mkdir a")));
    let remove = OperatorRequest::RemoveRule { id: "made.a".to_owned(), by: rita.vouch() };
    assert!(done(sandbox.operator(&remove)).contains("does not apply"));
    assert!(!is_allowed(&hands_over(&sandbox, &key, "mkdir a")));
}

#[test]
fn nobody_makes_themself_an_agent_that_rules_favour() {
    let sandbox = Sandbox::start_with(
        "[[rule]]\nid = 'deploy'\nverdict = 'allow'\nexact = 'mkdir a'\nwhen = { agent = 'deploy-*' }\nmatches = ['mkdir a']\nspares = ['mkdir b']\n\
         [[rule]]\nid = 'ops'\nverdict = 'allow'\nexact = 'mkdir c'\nwhen = { owner = 'ops' }\nmatches = ['mkdir c']\nspares = ['mkdir b']\n",
    );
    let rita = sandbox.add_reviewer("rita");
    let add = |name: &str, group: Option<&str>, by| {
        let groups = group.iter().map(|it| (*it).to_owned()).collect();
        let place = protocol::AgentAttributes { env: None, groups, trust: 1 };
        OperatorRequest::AddAgent {
            name: name.to_owned(),
            owner: "platform".to_owned(),
            under: None,
            uid: None,
            place,
            by,
        }
    };
    assert!(done(sandbox.operator(&add("deploy-me", None, None))).contains("a reviewer has to say so"));
    assert!(done(sandbox.operator(&add("bot", Some("deployers"), None))).contains("a reviewer has to say so"));
    assert!(matches!(sandbox.operator(&add("bot", None, None)), OperatorReply::Agent { .. }));
    // The owner that an agent claims is a claim, too.
    let owned = OperatorRequest::AddAgent {
        name: "other".to_owned(),
        under: None,
        owner: "ops".to_owned(),
        uid: None,
        place: protocol::AgentAttributes { env: None, groups: Vec::new(), trust: 1 },
        by: None,
    };
    assert!(done(sandbox.operator(&owned)).contains("name or owner"));
    assert!(matches!(sandbox.operator(&add("deploy-1", None, Some(rita.vouch()))), OperatorReply::Agent { .. }));
}

#[test]
fn no_rule_is_made_of_interpreters_wrappers_or_what_is_not_understood() {
    let sandbox = Sandbox::start();
    let key = sandbox.add_agent("bot");
    sandbox.add_reviewer("rita");
    for text in
        ["python3 -c 'print(1)' > x", "sudo touch a", "unheard-of a", "touch a; touch b", "X=1 touch a", "rm -rf a"]
    {
        let agent = sandbox.raw(&key);
        agent.send_submit("s", &bash_act(text), true);
        assert!(matches!(agent.hear().unwrap(), AgentReply::Held { .. }), "{text}");
        let hold = sandbox.hold();
        let heard = sandbox.operator(&OperatorRequest::Candidates { hold: hold.id });
        let OperatorReply::Candidates { candidates, none } = heard else { panic!("{heard:?}") };
        assert!(candidates.is_empty() && none.is_some(), "{text}: {candidates:?}");
        drop(agent);
        let started = Instant::now();
        while !matches!(sandbox.operator(&OperatorRequest::Holds { follow: false }), OperatorReply::Holds { holds } if holds.is_empty())
        {
            assert!(started.elapsed() < Duration::from_secs(20));
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

#[test]
fn a_made_rule_that_no_longer_holds_is_left_out_if_it_allows_and_stops_the_start_if_it_restricts() {
    let put = |sandbox: &Sandbox, verdict: &str| {
        let text = format!(
            "[[rule]]\nid = 'made.{verdict}'\nverdict = '{verdict}'\nexact = 'mkdir a'\nmatches = ['mkdir b']\nspares = ['ls']\n"
        );
        let store = state_sqlite::Store::open(&sandbox.layout.state.join("state.db")).unwrap();
        let row = state_sqlite::RuleRow {
            id: format!("made.{verdict}"),
            text,
            author: "rita".to_owned(),
            request: None,
            reason: "an older release understood it otherwise".to_owned(),
            created_ms: 1,
            removed_ms: None,
            removed_by: None,
        };
        store.add_rule(&row).unwrap();
    };
    let mut sandbox = Sandbox::prepared("");
    put(&sandbox, "allow");
    sandbox.start_logd();
    assert!(sandbox.try_start_daemon(), "what allows is left out");
    let key = sandbox.add_agent("bot");
    sandbox.add_reviewer("rita");
    assert!(!is_allowed(&hands_over(&sandbox, &key, "mkdir a")));
    sandbox.kill_daemon();
    put(&sandbox, "deny");
    assert!(!sandbox.try_start_daemon(), "what restricts is not left out");
}
