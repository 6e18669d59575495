//! Tasks: an agent that says what it is about is held to it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

use model::{Action, Arg, Category, Digest, Intent, Operation, RequestDigest, Resource, Reversibility, Segment};
use pdp::{Policy, Situation, Sources};

fn intent(action: Action, resource: Resource) -> Intent {
    let operation = Operation {
        action,
        resource,
        category: Category::FsWrite,
        reversibility: Reversibility::Reversible,
        recursive: false,
    };
    let segment = Segment { argv: vec![Arg::Known("x".to_owned())], operations: vec![operation], ..Segment::default() };
    Intent { segments: vec![segment], ..Intent::default() }
}

fn verdict(policy: &Policy, action: Action, resource: Resource, task: Option<&str>) -> String {
    let situation = Situation { task, cwd: Some("/srv/app"), project: Some("/srv/app"), ..Situation::default() };
    let decision =
        pdp::evaluate(RequestDigest::carried(Digest::of_bytes(b"x")), &intent(action, resource), &situation, policy);
    format!("{} {}", decision.verdict().as_str(), decision.reasons().first())
}

fn policy(extra: &str) -> Policy {
    let text = format!(
        "{extra}\n[[task]]\nid = 'T-*'\npaths = '$PROJECT/**'\nhosts = 'api.example.com'\neffects = ['read', 'write', 'connect']\n\
         [[rule]]\nid = 'all'\nverdict = 'allow'\neffect = ['read', 'write', 'delete', 'connect']\nmatches = ['x']\nspares = ['y']\n"
    );
    let mut sources = Sources::default();
    sources.push_made("a.toml".to_owned(), text, false);
    Policy::load(&sources, &|_| Intent::default()).unwrap()
}

#[test]
fn what_is_outside_of_the_named_task_asks_whatever_allows_it() {
    let policy = policy("");
    let path = |text: &str| Resource::Path(text.to_owned());
    let host = |text: &str| Resource::Host(text.to_owned());
    let task = Some("T-17");
    assert!(verdict(&policy, Action::Write, path("/srv/app/a"), task).starts_with("allow"));
    assert!(verdict(&policy, Action::Connect, host("api.example.com"), task).starts_with("allow"));
    for (action, resource) in [
        (Action::Write, path("/srv/other/a")),
        (Action::Read, path("/etc/hosts")),
        (Action::Delete, path("/srv/app/a")),
        (Action::Connect, host("evil.example.com")),
        (Action::Write, Resource::Unknown("$X".to_owned())),
    ] {
        let found = verdict(&policy, action, resource, task);
        assert!(found.starts_with("ask out_of_scope: "), "{found}");
    }
    // Naming no task, or one that is not known, is only noticed where tasks are required.
    assert!(verdict(&policy, Action::Write, path("/srv/other/a"), None).starts_with("allow"));
    let required = self::policy("[checkpoint]\ntask = 'required'\n");
    assert!(verdict(&required, Action::Write, path("/srv/app/a"), None).contains("names no task"));
    assert!(verdict(&required, Action::Write, path("/srv/app/a"), Some("X-1")).contains("none that the policy knows"));
    assert!(verdict(&required, Action::Write, path("/srv/app/a"), task).starts_with("allow"));
}

#[test]
fn a_task_without_a_scope_is_refused() {
    let sources = Sources::files(vec![("a.toml".to_owned(), "[[task]]\nid = 'T-1'\n".to_owned())]);
    let why = Policy::load(&sources, &|_| Intent::default()).unwrap_err();
    assert!(why.first().unwrap().to_string().starts_with("a.toml:2:1: task `T-1`: a task has a scope"), "{why:?}");
}
