//! Quiet hours ask for more, and never for less.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

use model::{Digest, Intent, RequestDigest, Segment, Unknown};
use pdp::{Policy, Quorum, Role, Situation, Sources, Verdict};

/// Three in the night of a Tuesday, which began on Monday evening, and noon of a Monday, in Berlin, in summer and in winter.
const NIGHT: [u64; 2] = [1_783_386_000_000, 1_768_874_400_000];
const NOON: [u64; 2] = [1_783_332_000_000, 1_768_820_400_000];

fn policy(text: &str) -> Result<Policy, String> {
    let mut sources = Sources::default();
    sources.push_made("a.toml".to_owned(), text.to_owned(), false);
    Policy::load(&sources, &|_| Intent::default()).map_err(|all| all.iter().map(ToString::to_string).collect())
}

fn asked(policy: &Policy, now_ms: u64) -> Quorum {
    let unknown = Unknown { text: "x".to_owned(), why: "unknown".to_owned() };
    let segment = Segment { unknowns: vec![unknown], ..Segment::default() };
    let intent = Intent { segments: vec![segment], ..Intent::default() };
    let situation = Situation { now_ms, ..Situation::default() };
    let decision = pdp::evaluate(RequestDigest::carried(Digest::of_bytes(b"x")), &intent, &situation, policy);
    let Verdict::Ask(quorum, _) = decision.verdict() else { panic!("{:?}", decision.verdict()) };
    quorum.clone()
}

#[test]
fn the_night_asks_for_more_than_the_day_and_shortens_nothing() {
    let text = "[default]\nlow = { people = 2, timeout_s = 300 }\nmedium = { people = 2, timeout_s = 300 }\n\
                quiet = { hours = 'Mon-Fri 20:00-07:00 Europe/Berlin', who = { role = 'senior' } }\n";
    let policy = policy(text).unwrap();
    for now_ms in NOON {
        assert_eq!(asked(&policy, now_ms).words(), "2 reviewers or above");
    }
    for now_ms in NIGHT {
        let quorum = asked(&policy, now_ms);
        assert_eq!(quorum.words(), "2 reviewers or above and 1 senior or above");
        assert_eq!((quorum.timeout_s, quorum.veto, quorum.role), (300, true, Role::Reviewer));
    }
}

#[test]
fn quiet_hours_that_ask_for_nobody_or_have_no_zone_are_refused() {
    for (bad, why) in [
        ("quiet = { hours = 'Mon-Fri 20:00-07:00 Europe/Berlin' }", "not whom to ask"),
        ("quiet = { hours = '20-7', people = 2 }", "write it as"),
        ("quiet = { people = 2 }", "hours"),
        ("quiet = { hours = 'Mon 20:00-07:00 Europe/Berlin', people = 0 }", "at least one"),
    ] {
        let found = policy(&format!("[default]\n{bad}\n")).unwrap_err();
        assert!(found.contains(why), "{bad}: {found}");
    }
}
