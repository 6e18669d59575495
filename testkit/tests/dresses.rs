//! Dress never helps: a command that is held, in any dress, is never allowed.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::path::Path;

use model::{Digest, RequestDigest};
use pdp::{Decision, Policy, Verdict};
use testkit::corpus;
use testkit::dresses::{DRESSES, dressed};

/// Each command is tried in every so many-th dress; `COUNTERSIGN_DRESSES=1` tries all.
const EVERY: usize = 6;

/// How many of a thousand blocks may become questions in a dress. The number may only fall.
const MAX_LOST_OF_THOUSAND: usize = 90;

fn decide(text: &str, policy: &Policy) -> Decision {
    let intent = understand::read_blind(text);
    let request = RequestDigest::carried(Digest::of_bytes(text.as_bytes()));
    pdp::evaluate(request, &intent, &testkit::at_work(), policy)
}

fn rank(decision: &Decision) -> usize {
    match decision.verdict() {
        Verdict::Allow(_) => 0,
        Verdict::Ask(..) => 1,
        Verdict::Deny => 2,
    }
}

#[test]
fn dress_never_helps() {
    assert!(DRESSES.len() >= 60);
    let every = std::env::var("COUNTERSIGN_DRESSES").ok().and_then(|value| value.parse().ok()).unwrap_or(EVERY);
    let policy = Policy::preset("strict").unwrap();
    let cases = corpus::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus"));
    let held: Vec<(String, usize)> = cases
        .into_iter()
        .filter(|case| understand::parses(&case.text))
        // A dress may give it other parameters, and then it is another command: `bash -c 'rm "$@"' x` removes nothing.
        .filter(|case| {
            !["$@", "$*", "$#", "$0", "$1", "$2", "${1", "${@", "${*"].iter().any(|it| case.text.contains(it))
        })
        .map(|case| (rank(&decide(&case.text, &policy)), case.text))
        .filter(|(rank, _)| *rank > 0)
        .map(|(rank, text)| (text, rank))
        .collect();
    let (mut tried, mut allowed, mut weaker) = (0_usize, Vec::new(), Vec::new());
    let (mut blocks, mut lost, mut worst) = (0_usize, 0_usize, (0, ""));
    for (number, (fit, template)) in DRESSES.iter().enumerate() {
        let (mut let_through, mut lowered, mut asked) = (Vec::new(), Vec::new(), 0_usize);
        for (at, (command, plain)) in held.iter().enumerate() {
            if at.wrapping_add(number).checked_rem(every) != Some(0) {
                continue;
            }
            let Some(text) = dressed(command, *fit, template) else { continue };
            tried = tried.saturating_add(1);
            let decision = decide(&text, &policy);
            blocks = blocks.saturating_add(usize::from(*plain == 2));
            asked = asked.saturating_add(usize::from(*plain == 2 && rank(&decision) < 2));
            match rank(&decision) {
                0 => let_through.push(text),
                // A block that is lost leaves a question; the effect must then be said to be unknown.
                now if now < *plain && decision.coverage().as_str() == "full" => lowered.push(text),
                _ => {}
            }
        }
        lost = lost.saturating_add(asked);
        worst = worst.max((asked, *template));
        for (list, found) in [(&mut allowed, &let_through), (&mut weaker, &lowered)] {
            if let Some(worst) = found.iter().min_by_key(|text| text.len()) {
                list.push(format!("{:>4}  {}   e.g. {worst:?}", found.len(), template.escape_debug()));
            }
        }
    }
    eprintln!("{} held commands, {} dresses, {tried} tries", held.len(), DRESSES.len());
    eprintln!("{lost} of {blocks} blocks became questions; the worst dress, with {}, is {:?}", worst.0, worst.1);
    eprintln!("block rules lost, though all is understood:\n{}", weaker.join("\n"));
    assert!(allowed.is_empty(), "allowed in a dress:\n{}", allowed.join("\n"));
    assert!(
        lost.saturating_mul(1_000) <= blocks.saturating_mul(MAX_LOST_OF_THOUSAND),
        "{lost} of {blocks} blocks became questions in a dress, more than {MAX_LOST_OF_THOUSAND} of a thousand"
    );
    assert!(tried > 5_000, "only {tried} tries");
}
