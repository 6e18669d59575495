//! The shipped presets: their rules do what their examples say, and what each says to what is written down.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use pdp::{Policy, Sources, presets};

#[test]
fn every_shipped_rule_does_what_its_examples_say() {
    for (name, files) in presets() {
        for (file, text) in files {
            let sources = Sources::files(vec![((*file).to_owned(), (*text).to_owned())]);
            let problems = Policy::load(&sources, &understand::read_blind).err().unwrap_or_default();
            let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
            assert!(lines.is_empty(), "{name}:\n{}", lines.join("\n"));
        }
    }
}

#[test]
fn what_is_generated_is_what_the_product_says() {
    for (path, text) in testkit::golden::all() {
        let kept = std::fs::read_to_string(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path));
        assert!(
            kept.unwrap_or_default() == text,
            "`{path}` is out of date: run `cargo xtask generate` and look at the difference"
        );
    }
}
