//! Agents that act on the orders of others: who answers for them, what stops them, and what is about them.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "a test that cannot go on must fail"
)]

use protocol::{AgentAttributes, AgentReply, OperatorReply, OperatorRequest};
use testkit::{Reviewer, Sandbox, bash_act, exec_act, permit_of};

fn add(sandbox: &Sandbox, name: &str, owner: &str, under: Option<&str>) -> Result<String, String> {
    add_trusted(sandbox, name, owner, under, 0, None)
}

fn add_trusted(
    sandbox: &Sandbox,
    name: &str,
    owner: &str,
    under: Option<&str>,
    trust: u8,
    by: Option<&Reviewer>,
) -> Result<String, String> {
    let say = OperatorRequest::AddAgent {
        name: name.to_owned(),
        owner: owner.to_owned(),
        under: under.map(str::to_owned),
        uid: None,
        place: AgentAttributes { trust, ..AgentAttributes::default() },
        by: by.map(Reviewer::vouch),
    };
    match sandbox.operator(&say) {
        OperatorReply::Agent { key } => Ok(key),
        OperatorReply::Refused { why } => Err(why),
        other => panic!("{other:?}"),
    }
}

#[test]
fn nobody_who_answers_for_an_agent_of_the_chain_approves() {
    let sandbox = Sandbox::start();
    let olga = sandbox.add_reviewer("olga");
    let rita = sandbox.enrol("rita", Some(&olga));
    let sam = sandbox.enrol("sam", Some(&olga));
    add(&sandbox, "lead", "olga", None).unwrap();
    add(&sandbox, "helper", "rita", Some("lead")).unwrap();
    let key = add(&sandbox, "hand", "platform", Some("helper")).unwrap();
    let agent = sandbox.raw(&key);
    agent.submit(&exec_act(&["mkdir", "x"]));
    let hold = sandbox.hold();
    assert_eq!(hold.principals(), "olga → lead → helper (rita) → hand (platform) → test");
    for own in [&olga, &rita] {
        let why = sandbox.answer(&hold, "approve", own.vouch()).unwrap_err();
        assert!(why.contains("one above it"), "{why}");
    }
    assert_eq!(sandbox.answer(&hold, "approve", sam.vouch()).as_deref(), Ok("approved"));
    assert!(matches!(agent.hear().unwrap(), AgentReply::Allow { .. }));
    // Their denial counts as any other.
    agent.submit(&exec_act(&["mkdir", "y"]));
    assert_eq!(sandbox.answer(&sandbox.hold(), "deny", rita.vouch()).as_deref(), Ok("denied"));
    // The record has the whole chain, under the digest that was approved.
    let chain = serde_json::json!([{"agent": "helper", "owner": "rita"}, {"agent": "lead", "owner": "olga"}]);
    let records = sandbox.records();
    let decided = records.iter().find(|it| it["body"]["request_digest"] == hold.request.as_str()).unwrap();
    assert_eq!(decided["body"]["request"]["chain"], chain, "{decided}");
}

#[test]
fn where_only_owners_of_the_chain_could_answer_it_is_denied_at_once() {
    let sandbox = Sandbox::start();
    let olga = sandbox.add_reviewer("olga");
    let _rita = sandbox.enrol("rita", Some(&olga));
    add(&sandbox, "lead", "olga", None).unwrap();
    let key = add(&sandbox, "helper", "rita", Some("lead")).unwrap();
    let heard = sandbox.raw(&key).submit(&exec_act(&["mkdir", "x"]));
    assert!(format!("{heard:?}").contains("are not enough"), "{heard:?}");
}

#[test]
fn what_stops_an_agent_stops_those_under_it() {
    let sandbox = Sandbox::start();
    let rita = sandbox.add_reviewer("rita");
    let lead = add(&sandbox, "lead", "olga", None).unwrap();
    let helper = add(&sandbox, "helper", "platform", Some("lead")).unwrap();
    let other = add(&sandbox, "other", "platform", None).unwrap();
    let waits = sandbox.raw(&helper);
    waits.submit(&exec_act(&["mkdir", "x"]));
    let permitted = sandbox.raw(&helper);
    let permit = permit_of(&permitted.submit(&exec_act(&["ls"])));
    sandbox.hold();
    let OperatorReply::SignedIn { token } = sandbox.operator(&OperatorRequest::SignIn { by: rita.vouch() }) else {
        panic!("not signed in")
    };
    let stop = OperatorRequest::Stop { token, agent: Some("lead".to_owned()), session: None };
    let stopped = sandbox.operator(&stop);
    assert!(matches!(stopped, OperatorReply::Done { .. }), "{stopped:?}");
    assert!(matches!(waits.hear().unwrap(), AgentReply::Deny { .. }), "what waits goes on waiting");
    // What was permitted before is not any more, and nothing new is.
    assert!(!matches!(permitted.redeem(&permit, &exec_act(&["ls"])), AgentReply::Spent));
    for (key, goes) in [(&lead, false), (&helper, false), (&other, true)] {
        let heard = sandbox.raw(key).submit(&exec_act(&["ls"]));
        assert_eq!(matches!(heard, AgentReply::Allow { .. }), goes, "{heard:?}");
    }
}

#[test]
fn a_rule_that_restricts_an_agent_restricts_those_under_it_and_one_that_allows_it_does_not() {
    let rule = |id: &str, verdict: &str, command: &str, when: &str| {
        format!(
            "[[rule]]\nid = \"{id}\"\nverdict = \"{verdict}\"\ncommand = \"{command}\"\nreason = \"x\"\nwhen = {{ {when} }}\n\
             matches = [\"{command}\"]\nspares = [\"true\"]\n"
        )
    };
    let rules = [
        rule("no", "deny", "uname -a", "agent = \"lead\""),
        rule("yes", "allow", "mkdir ./own", "agent = \"lead\""),
        rule("but", "allow", "mkdir ./free", "not = { agent = \"lead\" }"),
        rule("far", "deny", "id -u", "depth = \">=1\""),
    ];
    let sandbox = Sandbox::start_with(&rules.concat());
    let rita = sandbox.add_reviewer("rita");
    let lead = add_trusted(&sandbox, "lead", "olga", None, 0, Some(&rita)).unwrap();
    let helper = add(&sandbox, "helper", "platform", Some("lead")).unwrap();
    let other = add(&sandbox, "other", "platform", None).unwrap();
    for (command, key, expected) in [
        ("uname -a", &lead, "Deny"),
        ("uname -a", &helper, "Deny"),
        ("uname -a", &other, "Allow"),
        ("mkdir ./own", &lead, "Allow"),
        ("mkdir ./own", &helper, "Held"),
        ("mkdir ./free", &lead, "Held"),
        ("mkdir ./free", &helper, "Held"),
        ("mkdir ./free", &other, "Allow"),
        ("id -u", &lead, "Allow"),
        ("id -u", &helper, "Deny"),
    ] {
        let heard = format!("{:?}", sandbox.raw(key).submit(&bash_act(command)));
        assert!(heard.starts_with(expected), "{command}: {heard}");
    }
}

#[test]
fn nobody_is_trusted_further_than_those_above_and_owners_above_have_no_say_in_it() {
    let sandbox = Sandbox::start();
    let rita = sandbox.add_reviewer("rita");
    let olga = sandbox.enrol_as("olga", "operator", &[], Some(&rita));
    add_trusted(&sandbox, "lead", "olga", None, 2, Some(&rita)).unwrap();
    let refused = |why: Result<String, String>, says: &str| {
        let why = why.unwrap_err();
        assert!(why.contains(says), "{why}");
    };
    refused(add(&sandbox, "helper", "platform", Some("nobody")), "no agent `nobody`");
    refused(add_trusted(&sandbox, "helper", "platform", Some("lead"), 3, Some(&rita)), "would be trusted more");
    refused(add_trusted(&sandbox, "helper", "platform", Some("lead"), 2, Some(&olga)), "answer for an agent");
    let mut above = "lead".to_owned();
    for depth in 0..8 {
        let name = format!("deep-{depth}");
        add(&sandbox, &name, "platform", Some(&above)).unwrap();
        above = name;
    }
    refused(add(&sandbox, "deeper", "platform", Some(&above)), "above");
    // Delegated more often than the policy likes, even a read is asked.
    let key = add(&sandbox, "third", "platform", Some("deep-1")).unwrap();
    let heard = format!("{:?}", sandbox.raw(&key).submit(&bash_act("ls")));
    assert!(heard.starts_with("Held"), "{heard}");
    assert!(sandbox.hold().reasons.iter().any(|it| it.contains("delegated 3 times")), "{:?}", sandbox.hold().reasons);
}

#[test]
fn nobody_gains_by_a_rule_about_an_agent_above() {
    let ask = "[[rule]]\nid = \"lead\"\nverdict = \"ask\"\ncommand = \"touch **\"\nreason = \"x\"\nassurance = \"session\"\n\
               when = { agent = \"lead\" }\nmatches = [\"touch ./x\"]\nspares = [\"true\"]\n";
    let sandbox = Sandbox::start_with(ask);
    let rita = sandbox.add_reviewer("rita");
    let sam = sandbox.enrol_as("sam", "operator", &[], Some(&rita));
    add(&sandbox, "lead", "olga", None).unwrap();
    // Under it, less would be asked of people: that takes the proof of a person who does not answer for the new one.
    assert!(add(&sandbox, "helper", "sam", Some("lead")).unwrap_err().contains("a reviewer has to say so"));
    assert!(add_trusted(&sandbox, "helper", "sam", Some("lead"), 0, Some(&sam)).is_err());
    add_trusted(&sandbox, "helper", "sam", Some("lead"), 0, Some(&rita)).unwrap();
    // A person who answers for the one below makes no rule about the one above.
    let make = |by: &Reviewer| {
        let text = ask.replace("touch", "rmdir").replace("\"lead\"\nverdict", "\"made\"\nverdict");
        let (reason, by) = ("x".to_owned(), by.vouch());
        sandbox.operator(&OperatorRequest::AddRule { text, request: None, reason, by })
    };
    let said = make(&sam);
    assert!(
        matches!(&said, OperatorReply::Refused { why } if why.contains("`sam` answers for the agent `helper`")),
        "{said:?}"
    );
}
