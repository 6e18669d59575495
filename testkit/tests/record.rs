//! The record as a stranger sees it: its files, and `countersign log verify`.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on must fail")]

use std::fs;
use std::process::Stdio;

use testkit::{Sandbox, bash_act};

/// A log with some records in it; the daemons are gone.
fn sample() -> Sandbox {
    let mut sandbox = Sandbox::start();
    let key = sandbox.add_agent("bot");
    for number in 0..8 {
        let _ = sandbox.raw(&key).submit(&bash_act(&format!("echo {number}")));
    }
    sandbox.kill_daemon();
    sandbox.kill_logd();
    sandbox
}

fn lines(sandbox: &Sandbox) -> Vec<String> {
    let text = fs::read_to_string(sandbox.layout.log.join("records.log")).unwrap();
    text.lines().map(str::to_owned).collect()
}

fn rewrite(sandbox: &Sandbox, lines: &[String]) {
    fs::write(sandbox.layout.log.join("records.log"), lines.join("\n") + "\n").unwrap();
}

/// Where the line of a record is.
fn line_of(lines: &[String], record: usize) -> usize {
    lines.iter().enumerate().filter(|(_, line)| line.starts_with("R ")).nth(record).unwrap().0
}

#[test]
fn a_changed_byte_is_found_and_named() {
    let sandbox = sample();
    let mut lines = lines(&sandbox);
    let at = line_of(&lines, 5);
    lines[at] = lines[at].replacen("echo", "ecno", 1);
    rewrite(&sandbox, &lines);
    let (status, words) = sandbox.verify();
    assert_eq!(status, Some(1));
    assert!(words.contains("record 5 "), "{words}");
}

#[test]
fn a_dropped_record_is_found_and_named() {
    let sandbox = sample();
    let mut lines = lines(&sandbox);
    lines.remove(line_of(&lines, 4));
    rewrite(&sandbox, &lines);
    let (status, words) = sandbox.verify();
    assert_eq!(status, Some(1));
    assert!(words.contains("record 4 ") && words.contains("missing"), "{words}");
}

#[test]
fn swapped_records_are_found_and_named() {
    let sandbox = sample();
    let mut lines = lines(&sandbox);
    let (a, b) = (line_of(&lines, 3), line_of(&lines, 4));
    lines.swap(a, b);
    rewrite(&sandbox, &lines);
    let (status, words) = sandbox.verify();
    assert_eq!(status, Some(1));
    assert!(words.contains("record 3 "), "{words}");
}

#[test]
fn a_cut_log_is_found_and_named_by_verifier_log_and_daemon() {
    let mut sandbox = sample();
    let mut all = lines(&sandbox);
    all.truncate(line_of(&all, 6));
    rewrite(&sandbox, &all);
    let (status, words) = sandbox.verify();
    assert_eq!(status, Some(1));
    assert!(words.contains("record 6 ") && words.contains("cut"), "{words}");

    // Whoever cuts the checkpoint file as well fools the log alone, not the daemon's pin.
    let note: String = all.iter().rev().find_map(|line| serde_json::from_str(line.strip_prefix("C ")?).ok()).unwrap();
    fs::write(sandbox.layout.log.join("checkpoint"), note).unwrap();
    sandbox.start_logd();
    assert!(sandbox.try_start_daemon(), "the pin of a killed daemon is older than this cut");
    sandbox.kill_daemon();
    sandbox.kill_logd();
    let mut all = lines(&sandbox);
    all.truncate(line_of(&all, 1));
    let first: String = all.iter().rev().find_map(|line| serde_json::from_str(line.strip_prefix("C ")?).ok()).unwrap();
    rewrite(&sandbox, &all);
    fs::write(sandbox.layout.log.join("checkpoint"), first).unwrap();
    sandbox.start_logd();
    assert!(!sandbox.try_start_daemon(), "a log that is shorter than the pin is refused");
}

#[test]
fn a_torn_tail_is_cut_off_kept_and_said() {
    let mut sandbox = sample();
    let path = sandbox.layout.log.join("records.log");
    let whole = fs::read(&path).unwrap();
    let mut torn = whole.clone();
    torn.extend_from_slice(b"R {\"at_ms\":1,\"body\":{\"half");
    fs::write(&path, &torn).unwrap();
    assert_eq!(sandbox.verify().0, Some(0), "a tail that nobody had a receipt for is no damage");
    sandbox.start_logd();
    sandbox.start_daemon();
    let key = sandbox.add_agent("other");
    let _ = sandbox.raw(&key).submit(&bash_act("echo after"));
    assert_eq!(sandbox.verify().0, Some(0));
    let kept = fs::read_dir(&sandbox.layout.log)
        .unwrap()
        .any(|entry| entry.unwrap().file_name().to_string_lossy().starts_with("torn-"));
    assert!(kept, "what was cut off is kept");
}

#[test]
fn a_changed_record_stops_the_log_from_being_continued() {
    let mut sandbox = sample();
    let mut all = lines(&sandbox);
    let at = line_of(&all, 2);
    all[at] = all[at].replacen("bot", "bog", 1);
    rewrite(&sandbox, &all);
    let program = Sandbox::program("countersign-logd");
    let home = sandbox.layout.run.parent().unwrap().to_owned();
    let output = std::process::Command::new(program).env("COUNTERSIGN_DIR", home).output().unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("does not hold"));
    assert!(!sandbox.try_start_daemon());
}

#[test]
fn the_record_tells_the_whole_story_of_one_request_and_finds_it() {
    let sandbox = Sandbox::start();
    sandbox.add_agent("bot");
    let rita = sandbox.add_reviewer("rita");
    let words = ["run", "--agent", "bot", "--intent", "a place to build", "--", "mkdir", "out"];
    let mut child = sandbox.countersign(&words).stderr(Stdio::null()).spawn().unwrap();
    let hold = sandbox.hold();
    sandbox.answer(&hold, "approve", rita.vouch()).unwrap();
    assert!(child.wait().unwrap().success());
    assert!(sandbox.run(&["true"]).status().unwrap().success());
    let said = |words: &[&str]| {
        let output = sandbox.countersign(words).output().unwrap();
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let story = said(&["log", "why", &hold.id]);
    for part in [
        "bot, for which platform answers",
        "“a place to build” (the agent says so)",
        "mkdir out",
        "verdict    ask",
        "approve by rita (totp); the hold is approved",
        "exit status 0",
    ] {
        assert!(story.contains(part), "`{part}` is not in:\n{story}");
    }
    assert_eq!(story, said(&["log", "why", hold.request.get(..12).unwrap()]));
    assert_eq!(said(&["log", "show", "--verdict", "ask"]).lines().count(), 1);
    assert_eq!(said(&["log", "show", "--kind", "answer", "--reviewer", "rita"]).lines().count(), 1);
    assert_eq!(said(&["log", "show", "--kind", "decision", "--grep", "mkdir out"]).lines().count(), 1);
    assert_eq!(said(&["log", "show", "--until", "1h"]).lines().count(), 0);
    assert!(!sandbox.countersign(&["log", "why", "no-such-request"]).status().unwrap().success());
}
