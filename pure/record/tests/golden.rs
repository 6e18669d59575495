//! The bytes of records: what a log commits to does not change, whatever writes it.
//!
//! `golden/records.jsonl` has a content of every kind, and of every `what`, `state` and set of members that is written. It was made
//! when records had no types yet.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

use std::collections::BTreeSet;

use record::{AnswerState, Draft, Event, Record};
use serde_json::Value;

const GOLDEN: &str = include_str!("golden/records.jsonl");

fn records() -> impl Iterator<Item = (&'static str, Record)> {
    GOLDEN.lines().map(|line| (line, Record::parse(7, line.as_bytes()).unwrap()))
}

#[test]
fn contents_are_read_and_written_to_the_byte() {
    for (line, record) in records() {
        assert_eq!(String::from_utf8(record.content()).unwrap(), line);
        assert!(Draft::is_content(line.as_bytes(), record.at_ms, &record.scope));
    }
}

#[test]
fn every_event_that_was_ever_written_has_a_type_that_writes_the_same_bytes() {
    for (line, record) in records() {
        let event = record.event().unwrap_or_else(|| panic!("no type reads {line}"));
        let draft = Draft { at_ms: record.at_ms, scope: record.scope.clone(), event };
        assert_eq!(String::from_utf8(draft.content()).unwrap(), line);
        assert_eq!(draft.terms(), record.terms());
        assert_eq!(Record::of(7, &draft), record);
    }
}

#[test]
fn a_member_of_a_later_version_is_kept_and_not_in_the_way() {
    for (line, record) in records() {
        let mut value: Value = serde_json::from_str(line).unwrap();
        value["body"]["of a later version"] = Value::from(1);
        let later = Record::parse(7, value.to_string().as_bytes()).unwrap();
        assert_eq!(later.event(), record.event(), "{line}");
        assert_eq!(later.body()["of a later version"], 1);
        assert!(String::from_utf8(later.content()).unwrap().contains("of a later version"));
    }
}

#[test]
fn what_this_version_does_not_know_has_no_event_and_is_shown_as_it_was_written() {
    let line = r#"{"at_ms":1,"body":{"what":"moved to the moon"},"kind":"change","scope":"","v":2}"#;
    let record = Record::parse(3, line.as_bytes()).unwrap();
    assert_eq!(record.event(), None);
    assert_eq!(record.to_value()["body"]["what"], "moved to the moon");
    assert_eq!(record.terms(), ["kind=change"]);
    assert_eq!(String::from_utf8(record.content()).unwrap(), line);
    for foreign in [line.replace("\"v\":2", "\"v\":3"), line.replace("change", "dance"), "{".to_owned()] {
        assert!(Record::parse(3, foreign.as_bytes()).is_none(), "{foreign}");
    }
}

/// Every tag that the types can write is in the golden file: a new variant needs its line there.
#[cfg(feature = "schema")]
#[test]
fn every_tag_of_the_schema_has_a_golden_record() {
    let tags = |value: &Value| -> BTreeSet<String> {
        let tag = |key: &&str| value[*key].as_str().map(|tag| format!("{key} {tag}"));
        ["what", "state", "outcome"].iter().filter_map(tag).collect()
    };
    let seen: BTreeSet<String> = records().flat_map(|(_, record)| tags(record.body())).collect();
    let mut wanted = BTreeSet::new();
    collect(&record::schema(), &mut wanted);
    wanted.extend(AnswerState::ALL.iter().map(|state| format!("state {}", state.as_str())));
    assert!(wanted.len() > 45, "{wanted:?}");
    let missing: Vec<&String> = wanted.difference(&seen).collect();
    assert!(missing.is_empty(), "no golden record has {missing:?}");
}

/// The constants of tags, wherever they are in a schema.
#[cfg(feature = "schema")]
fn collect(schema: &Value, found: &mut BTreeSet<String>) {
    match schema {
        Value::Object(map) => {
            for key in ["what", "state", "outcome"] {
                let tag = map.get("properties").and_then(|it| it.get(key)).and_then(|it| it["const"].as_str());
                found.extend(tag.map(|tag| format!("{key} {tag}")));
            }
            map.values().for_each(|it| collect(it, found));
        }
        Value::Array(items) => items.iter().for_each(|it| collect(it, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn an_event_says_whose_content_it_is() {
    for (_, record) in records() {
        let event = record.event().unwrap();
        if matches!(event, Event::Decision(_)) {
            assert_eq!(event.scope(), record.scope);
        }
    }
}
