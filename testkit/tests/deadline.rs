//! The last millisecond: an approval is one everywhere, or nowhere. And one human is one, whatever they answer with.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must fail"
)]

use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::Duration;

use protocol::{OperatorReply, OperatorRequest, Proof, Vouch};
use testkit::Sandbox;

/// Holds that a session is enough for, for as short as can be.
const RULES: &str = "[velocity]\nlow = 1000\nmedium = 1000\nhigh = 1000\ntotal = 1000\nburst = 1000\n[[rule]]\nid = \"free\"\nverdict = \"ask\"\ncommand = \"touch **\"\nmatches = [\"touch ./x\"]\n\
                     spares = [\"mkdir ./x\"]\nreason = \"free\"\nassurance = \"session\"\ntimeout_s = 30\n";

#[test]
fn an_approval_in_the_last_millisecond_is_one_everywhere_or_nowhere() {
    const COUNT: u64 = 24;
    let sandbox = Sandbox::start_with(RULES);
    sandbox.add_agent("bot");
    let rita = sandbox.add_reviewer("rita");
    let OperatorReply::SignedIn { token } = sandbox.operator(&OperatorRequest::SignIn { by: rita.vouch() }) else {
        panic!("not signed in")
    };
    let children: Vec<_> = (0..COUNT)
        .map(|number| {
            let child = sandbox.run(&["touch", &format!("./f{number}")]).stderr(Stdio::null()).spawn().unwrap();
            (number, child)
        })
        .collect();
    let count = usize::try_from(COUNT).unwrap();
    let holds = sandbox.holds(count);
    // Each is approved at another moment around its end: from forty milliseconds before to as many after.
    let said: BTreeMap<String, bool> = std::thread::scope(|scope| {
        let answers: Vec<_> = holds
            .iter()
            .zip(0_u64..)
            .map(|(hold, number)| {
                let (sandbox, token) = (&sandbox, token.clone());
                scope.spawn(move || {
                    let shift = number.saturating_mul(80) / COUNT;
                    let at = hold.expires_at_ms.saturating_sub(40).saturating_add(shift);
                    std::thread::sleep(Duration::from_millis(at.saturating_sub(host::clock::now_ms())));
                    let by = Vouch { reviewer: "rita".to_owned(), proof: Proof::Session(token) };
                    let said = sandbox.answer(hold, "approve", by);
                    (hold.asked.rsplit('f').next().unwrap().to_owned(), said.as_deref() == Ok("approved"))
                })
            })
            .collect();
        answers.into_iter().map(|it| it.join().unwrap()).collect()
    });
    let mut approved = 0;
    for (number, mut child) in children {
        let ran = child.wait().unwrap().success();
        let told = said[&number.to_string()];
        assert_eq!(told, ran, "approval {number} was reported as {told}, and it ran: {ran}");
        assert_eq!(sandbox.mark(&format!("f{number}")).exists(), ran);
        approved += u64::from(ran);
    }
    // The record says the same, each hold ended once.
    let mut ends: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for record in sandbox.records().iter().filter(|it| it["kind"] == "answer") {
        let word = |name: &str| record["body"][name].as_str().unwrap_or("").to_owned();
        if matches!(word("state").as_str(), "approved" | "expired" | "denied" | "lost") {
            ends.entry(word("hold")).or_default().push(word("state"));
        }
    }
    assert_eq!(ends.len(), count);
    assert!(ends.values().all(|states| states.len() == 1), "{ends:?}");
    assert_eq!(ends.values().filter(|states| states[0] == "approved").count() as u64, approved);
}

#[test]
fn the_same_human_with_two_devices_is_one() {
    let sandbox = Sandbox::start_with(&RULES.replace("timeout_s = 30", "timeout_s = 60\npeople = 2"));
    sandbox.add_agent("bot");
    let rita = sandbox.add_reviewer("rita");
    let sam = sandbox.enrol("sam", Some(&rita));
    let OperatorReply::SignedIn { token } = sandbox.operator(&OperatorRequest::SignIn { by: rita.vouch() }) else {
        panic!("not signed in")
    };
    let mut child = sandbox.run(&["touch", "./x"]).stderr(Stdio::null()).spawn().unwrap();
    let hold = sandbox.hold();
    let by = |token: &str| Vouch { reviewer: "rita".to_owned(), proof: Proof::Session(token.to_owned()) };
    assert_eq!(sandbox.answer(&hold, "approve", by(&token)).as_deref(), Ok("open"));
    // Her session in another browser, and the code of her telephone.
    assert!(sandbox.answer(&hold, "approve", by(&token)).unwrap_err().contains("another person"));
    assert!(sandbox.answer(&hold, "approve", rita.vouch()).unwrap_err().contains("another person"));
    // Another person's name with her session identifies no one.
    let stolen = Vouch { reviewer: "sam".to_owned(), proof: Proof::Session(token) };
    assert!(sandbox.answer(&hold, "approve", stolen).is_err());
    assert_eq!(sandbox.answer(&hold, "approve", sam.vouch()).as_deref(), Ok("approved"));
    assert!(child.wait().unwrap().success());
}

#[test]
fn what_nobody_would_read_is_not_put_to_people_and_long_holds_blind_no_page() {
    let sandbox = Sandbox::start();
    let key = sandbox.add_agent("bot");
    let rita = sandbox.add_reviewer("rita");
    // Longer than a person reads: denied, with what to do instead.
    let agent = sandbox.raw(&key);
    agent.send_submit("s", &testkit::bash_act(&format!("mkdir /srv/x # {}", "long ".repeat(60_000))), true);
    let heard = agent.hear().unwrap();
    assert!(
        matches!(&heard, protocol::AgentReply::Deny { reasons, .. } if reasons[0].contains("split the request")),
        "{heard:?}"
    );
    // Many that are as long as may be: the list is megabytes, and people answer all the same.
    let waiting: Vec<_> = (0..90)
        .map(|number| {
            let agent = sandbox.raw(&key);
            let act = testkit::bash_act(&format!("mkdir /srv/x-{number} # {}", "long ".repeat(11_000)));
            agent.send_submit("s", &act, true);
            let heard = agent.hear().unwrap();
            assert!(matches!(heard, protocol::AgentReply::Held { .. }), "{heard:?}");
            agent
        })
        .collect();
    let holds = sandbox.holds(90);
    assert!(holds.iter().map(|hold| hold.asked.len()).sum::<usize>() > 4_500_000);
    assert_eq!(sandbox.answer(&holds[3], "deny", rita.vouch()).as_deref(), Ok("denied"));
    let listed = sandbox.countersign(&["review", "--json"]).output().unwrap();
    assert!(listed.status.success() && listed.stdout.len() > 4_000_000);
    drop(waiting);
}
