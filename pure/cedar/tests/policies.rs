//! Guards: they forbid, they demand people, and whatever goes wrong with one is a refusal.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

use cedar::CedarGuard;
use model::{
    Action, AgentName, Arg, Category, Digest, Intent, Operation, RequestDigest, Resource, Reversibility, ReviewerName,
    Segment,
};
use pdp::{Decision, Policy, Situation, Sources};

/// `rm` of a file, or `ls`.
fn intent(program: &str, action: Action, path: &str) -> Intent {
    let category = if action == Action::Delete { Category::FsDestructive } else { Category::ReadOnly };
    let operation = Operation {
        action,
        resource: Resource::Path(path.to_owned()),
        category,
        reversibility: Reversibility::Reversible,
        recursive: false,
    };
    let segment = Segment {
        argv: vec![Arg::Known(program.to_owned()), Arg::Known(path.to_owned())],
        operations: vec![operation],
        ..Segment::default()
    };
    Intent { segments: vec![segment], ..Intent::default() }
}

fn load(text: &str) -> Result<Policy, String> {
    let files = vec![("a.cedar".to_owned(), text.to_owned())];
    let guard = CedarGuard::load(&files)
        .map_err(|problems| problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))?;
    let rules = "[[rule]]\nid = 'all'\nverdict = 'allow'\neffect = ['read', 'delete']\nmatches = []\nspares = []\n";
    let sources = Sources::files(vec![("a.toml".to_owned(), rules.to_owned())]);
    let policy = Policy::load(&sources, &|_| Intent::default());
    // Without examples the rule is refused; made of an approval they count as tried.
    let policy = policy.or_else(|_| {
        let mut sources = Sources::files(Vec::new());
        sources.push_made("a.toml".to_owned(), rules.to_owned(), false);
        Policy::load(&sources, &|_| Intent::default())
    });
    Ok(policy.unwrap().guarded(Box::new(guard), &files))
}

fn decide(policy: &Policy, intent: &Intent, groups: &[String], env: Option<&str>) -> Decision {
    let situation = Situation { agent: Some("bot"), groups, env, cwd: Some("/work"), ..Situation::default() };
    pdp::evaluate(RequestDigest::carried(Digest::of_bytes(b"x")), intent, &situation, policy)
}

#[test]
fn a_guard_forbids_what_a_rule_allows_and_nothing_else() {
    let policy = load(
        "@id(\"no-deletes\") @reason(\"nothing is deleted here\")\n\
         forbid (principal in Group::\"deployers\", action == Action::\"delete\", resource) when { context.env == \"production\" };",
    )
    .unwrap();
    let rm = intent("rm", Action::Delete, "/work/a");
    let deployers = ["deployers".to_owned()];
    let denied = decide(&policy, &rm, &deployers, Some("production"));
    assert_eq!(denied.verdict().as_str(), "deny");
    assert_eq!(denied.reasons().first().to_string(), "rule `no-deletes`: nothing is deleted here");
    assert_eq!(decide(&policy, &rm, &[], Some("production")).verdict().as_str(), "allow");
    assert_eq!(decide(&policy, &rm, &deployers, Some("staging")).verdict().as_str(), "allow");
    let read = intent("cat", Action::Read, "/work/a");
    assert_eq!(decide(&policy, &read, &deployers, Some("production")).verdict().as_str(), "allow");
}

#[test]
fn a_guard_about_an_agent_is_about_those_under_it() {
    let policy = load("forbid (principal in Agent::\"lead\", action, resource == Program::\"rm\");").unwrap();
    let rm = intent("/bin/rm", Action::Delete, "/work/a");
    let lead =
        model::Delegator { agent: AgentName::parse("lead").unwrap(), owner: ReviewerName::parse("olga").unwrap() };
    for (above, verdict) in [(vec![lead], "deny"), (Vec::new(), "allow")] {
        let situation = Situation { agent: Some("bot"), above: &above, cwd: Some("/work"), ..Situation::default() };
        let decision = pdp::evaluate(RequestDigest::carried(Digest::of_bytes(b"x")), &rm, &situation, &policy);
        assert_eq!(decision.verdict().as_str(), verdict);
    }
}

#[test]
fn a_guard_demands_people() {
    let policy = load("@people(\"2\") forbid (principal, action, resource == Program::\"rm\");").unwrap();
    match decide(&policy, &intent("/bin/rm", Action::Delete, "/work/a"), &[], None).verdict() {
        pdp::Verdict::Ask(quorum, _) => assert_eq!(quorum.people, 2),
        other @ (pdp::Verdict::Allow(_) | pdp::Verdict::Deny) => panic!("{other:?}"),
    }
    assert_eq!(decide(&policy, &intent("cat", Action::Read, "/work/a"), &[], None).verdict().as_str(), "allow");
}

#[test]
fn what_could_allow_or_does_not_fit_is_refused() {
    for (text, why) in [
        ("permit (principal, action, resource);", "can only `forbid`"),
        ("forbid (principal, action == Action::\"explode\", resource);", "explode"),
        ("forbid (principal, action, resource) when { context.pth == \"/x\" };", "pth"),
        ("forbid (principal, action, resource) when { context.score == \"high\" };", "type"),
        ("forbid (principal, action, resource", "unexpected"),
        ("@people(\"none\") forbid (principal, action, resource);", "no number of people"),
        ("forbid (principal == ?principal, action, resource);", "templates"),
    ] {
        let refused = load(text).map(|_| ()).unwrap_err();
        assert!(refused.contains(why), "{text}: `{why}` is not in: {refused}");
    }
}

#[test]
fn an_error_in_a_guard_refuses_and_is_never_skipped() {
    let policy =
        load("forbid (principal, action, resource) when { context.commands + 9223372036854775807 > 0 };").unwrap();
    let mut rm = intent("rm", Action::Delete, "/work/a");
    let decision = decide(&policy, &rm, &[], None);
    assert_eq!(decision.verdict().as_str(), "deny");
    assert!(decision.reasons().first().to_string().starts_with("guard_error: "), "{}", decision.reasons().first());
    // Also where the act does nothing that we know of.
    if let Some(segment) = rm.segments.first_mut() {
        segment.operations.clear();
    }
    assert_eq!(decide(&policy, &rm, &[], None).verdict().as_str(), "deny");
}

#[test]
fn a_guard_about_everything_is_about_what_is_no_command_too() {
    let nothing = Intent::default();
    let mut beside = intent("cat", Action::Read, "/work/a");
    beside.unknowns.push(model::Unknown { text: "<(".to_owned(), why: "is not a command".to_owned() });
    for text in [
        "forbid (principal, action, resource) unless { context.understood };",
        "forbid (principal, action == Action::\"run\", resource == Program::\"(unknown)\");",
    ] {
        let policy = load(text).unwrap();
        for intent in [&nothing, &beside] {
            let decision = decide(&policy, intent, &[], None);
            assert_eq!(decision.verdict().as_str(), "deny", "{text}");
        }
    }
}

#[test]
fn guards_are_named_by_the_digest_of_the_policy() {
    let one = load("forbid (principal, action, resource == Program::\"a\");").unwrap();
    let other = load("forbid (principal, action, resource == Program::\"b\");").unwrap();
    assert_ne!(one.digest(), other.digest());
}
