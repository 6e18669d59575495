//! The bytes of records: what a log commits to does not change, whatever writes it.
//!
//! `golden/records.jsonl` has a content of every kind, and of every `what`, `state` and set of members that is written.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

use audit::Draft;

const GOLDEN: &str = include_str!("golden/records.jsonl");

#[test]
fn contents_are_read_and_written_to_the_byte() {
    for line in GOLDEN.lines() {
        let draft = Draft::parse(line.as_bytes()).unwrap();
        assert_eq!(String::from_utf8(draft.content()).unwrap(), line);
        assert!(Draft::is_content(line.as_bytes(), draft.at_ms, &draft.scope));
    }
}
