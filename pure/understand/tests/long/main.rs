//! How far texts are followed: what is within the bounds is understood to its end, what goes beyond is one named unknown,
//! and nothing is cut silently. Steps are counted, not time, so the answer is the same on every machine.

#![allow(clippy::unwrap_used, reason = "a test may panic")]
#![allow(clippy::arithmetic_side_effects, reason = "a test may panic")]

mod texts;

use model::Coverage;
use understand::{MAX_STEPS, read_blind, steps_of};

/// Reads on a stack as large as the one that callers give.
fn on_large_stack(work: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new().stack_size(256 << 20).spawn(work).unwrap().join().unwrap();
}

#[test]
fn long_texts_are_followed_to_their_end_or_are_unknown() {
    on_large_stack(|| {
        let mut wrong = Vec::new();
        for (name, text, whole) in texts::texts() {
            let intent = read_blind(&text);
            let steps = steps_of(&text);
            let is_full = intent.coverage() == Coverage::Full;
            let why: Vec<&str> = intent.unknowns.iter().map(|it| it.why.as_str()).take(2).collect();
            println!("{steps:>6} steps, {:>4} commands: {name} {why:?}", intent.segments.len());
            if steps > MAX_STEPS || is_full != whole {
                wrong.push(format!("{name}: {steps} steps, full: {is_full}"));
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    });
}

#[test]
fn loops_in_each_other_cost_what_their_bodies_do() {
    let eight = "1 2 3 4 5 6 7 8";
    let one = steps_of(&format!("for a in {eight}; do echo $a; done"));
    let mut text = "echo $a".to_owned();
    for name in ["a", "b", "c", "d"] {
        text = format!("for {name} in {eight}; do {text}; done");
    }
    assert!(one < 40, "{one}");
    assert!(steps_of(&text) < 80 * one, "{}", steps_of(&text));
    assert_eq!(read_blind(&text).coverage(), Coverage::Full);
}

#[test]
fn what_was_found_before_the_end_of_the_steps_stays_found() {
    // The loop is walked again, and this time the steps end before `rm` is reached.
    let one = steps_of("q=a*; q=a*") - steps_of("q=a*");
    let ballast = "q=a*; ".repeat(MAX_STEPS * 6 / 10 / one);
    let text = format!("while true; do {ballast} rm -rf /; x=$x$y; y=$x; done");
    let intent = read_blind(&text);
    assert!(intent.unknowns.iter().any(|it| it.why.contains("too long to follow")), "{:?}", intent.unknowns);
    assert!(intent.segments.iter().flat_map(|it| &it.factors).any(|it| it.name == "broad_path"));
}
