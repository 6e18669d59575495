//! The record as a stranger sees it: its files, and `countersign log verify`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on must fail")]

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use testkit::{Sandbox, bash_act};

/// A log with some records in it; the daemons are gone, the log in order.
fn sample() -> Sandbox {
    let mut sandbox = Sandbox::start();
    let key = sandbox.add_agent("bot");
    for number in 0..8 {
        let _ = sandbox.raw(&key).submit(&bash_act(&format!("echo {number}")));
    }
    sandbox.kill_daemon();
    sandbox.end_logd();
    sandbox
}

/// The one file below a directory of the log whose name says that it is partial.
fn partial(sandbox: &Sandbox, directory: &str) -> std::path::PathBuf {
    let directory = sandbox.layout.log.join(directory).join("000.p");
    let mut files: Vec<_> = fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(files.len(), 1, "{files:?}");
    files.pop().unwrap()
}

fn flip(path: &Path, at: usize) {
    let mut bytes = fs::read(path).unwrap();
    *bytes.get_mut(at).unwrap() ^= 1;
    fs::write(path, bytes).unwrap();
}

/// Bytes of one entry in a bundle.
const ENTRY: usize = 114;

#[test]
fn a_log_that_was_ended_holds_and_has_nothing_but_what_is_specified() {
    let sandbox = sample();
    assert_eq!(sandbox.verify().0, Some(0));
    let mut names: Vec<String> = fs::read_dir(&sandbox.layout.log)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    assert_eq!(names, ["checkpoint", "keys", "lock", "log.key", "log.pub", "payload", "tile"]);
}

#[test]
fn a_changed_byte_is_found_and_named() {
    let sandbox = sample();
    flip(&partial(&sandbox, "tile/entries"), 5 * ENTRY + 60);
    let (status, words) = sandbox.verify();
    assert_eq!(status, Some(1));
    assert!(words.contains("record 5 "), "{words}");
}

#[test]
fn a_changed_content_is_found_and_named() {
    let sandbox = sample();
    flip(&partial(&sandbox, "payload"), 10);
    let (status, words) = sandbox.verify();
    assert_eq!(status, Some(1));
    assert!(words.contains("record 0 ") && words.contains("content"), "{words}");
}

#[test]
fn a_dropped_record_is_found_and_named() {
    let sandbox = sample();
    let path = partial(&sandbox, "tile/entries");
    let mut bytes = fs::read(&path).unwrap();
    bytes.drain(4 * ENTRY..5 * ENTRY);
    fs::write(&path, bytes).unwrap();
    let (status, words) = sandbox.verify();
    assert_eq!(status, Some(1));
    assert!(words.contains("entries where the checkpoint counts"), "{words}");
}

#[test]
fn swapped_records_are_found_and_named() {
    let sandbox = sample();
    let path = partial(&sandbox, "tile/entries");
    let mut bytes = fs::read(&path).unwrap();
    let (a, b) = (bytes[3 * ENTRY..4 * ENTRY].to_vec(), bytes[4 * ENTRY..5 * ENTRY].to_vec());
    bytes[3 * ENTRY..4 * ENTRY].copy_from_slice(&b);
    bytes[4 * ENTRY..5 * ENTRY].copy_from_slice(&a);
    fs::write(&path, bytes).unwrap();
    let (status, words) = sandbox.verify();
    assert_eq!(status, Some(1));
    assert!(words.contains("record 3 "), "{words}");
}

#[test]
fn a_log_that_was_rolled_back_is_found_by_whoever_knows_a_checkpoint_and_by_the_daemon() {
    let mut sandbox = Sandbox::start();
    sandbox.add_agent("bot");
    sandbox.kill_daemon();
    sandbox.end_logd();
    let log = sandbox.layout.log.clone();
    let copy = log.with_extension("before");
    copy_all(&log, &copy);
    sandbox.start_logd();
    sandbox.start_daemon();
    sandbox.add_agent("other");
    // The daemon pins the newest checkpoint when it starts.
    sandbox.kill_daemon();
    sandbox.start_daemon();
    sandbox.kill_daemon();
    sandbox.end_logd();
    let kept = log.with_extension("checkpoint");
    fs::copy(log.join("checkpoint"), &kept).unwrap();
    fs::remove_dir_all(&log).unwrap();
    copy_all(&copy, &log);
    assert_eq!(sandbox.verify().0, Some(0), "by itself the old log holds");
    let words = ["log", "verify", "--against", kept.to_str().unwrap()];
    let output = sandbox.countersign(&words).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stdout).contains("rolled back"), "{output:?}");
    sandbox.start_logd();
    assert!(!sandbox.try_start_daemon(), "a log that is shorter than the pin is refused");
}

fn copy_all(from: &Path, to: &Path) {
    assert!(std::process::Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap().success());
}

#[test]
fn a_log_that_was_killed_holds_and_goes_on() {
    let mut sandbox = Sandbox::start();
    let key = sandbox.add_agent("bot");
    let _ = sandbox.raw(&key).submit(&bash_act("echo before"));
    sandbox.kill_logd();
    sandbox.kill_daemon();
    let before = sandbox.records().len();
    assert_eq!(sandbox.verify().0, Some(0), "what is in the journal alone counts");
    // A batch that was being written when the machine stopped.
    let segment = fs::read_dir(sandbox.layout.log.join("journal"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|it| it == "seg"))
        .unwrap();
    let mut bytes = fs::read(&segment).unwrap();
    let end = bytes.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    bytes[end..end + 34].copy_from_slice(b"CSJ2\0\0\x01\0this was not written whole");
    fs::write(&segment, bytes).unwrap();
    assert_eq!(sandbox.verify().0, Some(0), "a tail without a receipt is no damage");
    sandbox.start_logd();
    sandbox.start_daemon();
    let _ = sandbox.raw(&key).submit(&bash_act("echo after"));
    assert!(sandbox.records().len() > before);
    assert_eq!(sandbox.verify().0, Some(0));
}

#[test]
fn a_changed_record_stops_the_log_from_being_continued() {
    let mut sandbox = sample();
    flip(&partial(&sandbox, "payload"), 10);
    let program = Sandbox::program("countersign-logd");
    let home = sandbox.layout.run.parent().unwrap().to_owned();
    let output = std::process::Command::new(program).env("COUNTERSIGN_DIR", home).output().unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("does not hold"));
    assert!(!sandbox.try_start_daemon());
}

/// Every file of an installation that holds some bytes.
fn files_with(directory: &Path, wanted: &[u8], found: &mut Vec<String>) {
    for entry in fs::read_dir(directory).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files_with(&path, wanted, found);
        } else if fs::read(&path).is_ok_and(|bytes| bytes.windows(wanted.len()).any(|window| window == wanted)) {
            found.push(path.display().to_string());
        }
    }
}

#[test]
fn no_content_stands_in_any_file_and_a_rotated_key_reads_old_and_new() {
    let sandbox = Sandbox::start();
    let key = sandbox.add_agent("bot");
    let _ = sandbox.raw(&key).submit(&bash_act("echo planted-before-rotation"));
    let said = |words: &[&str]| {
        let output = sandbox.countersign(words).output().unwrap();
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    assert!(said(&["log", "rotate"]).contains("key-encryption key 2"));
    let _ = sandbox.raw(&key).submit(&bash_act("echo planted-after-rotation"));
    let log = sandbox.layout.log.clone();
    // Published, too.
    let started = Instant::now();
    while !said(&["log", "verify", "--json"]).contains("\"unpublished\":0") {
        assert!(started.elapsed() < Duration::from_secs(20));
        std::thread::sleep(Duration::from_millis(20));
    }
    for planted in ["planted-before-rotation", "planted-after-rotation"] {
        assert_eq!(said(&["log", "show", "--grep", planted]).lines().count(), 1, "{planted}");
        let mut found = Vec::new();
        files_with(&log, planted.as_bytes(), &mut found);
        assert_eq!(found, Vec::<String>::new(), "{planted}");
    }
    // Entries name the key-encryption key: both are there.
    let mut reader = log_store::Reader::open(std::sync::Arc::new(log_store::RealDisk::new(&log))).unwrap();
    let mut used = std::collections::BTreeSet::new();
    reader
        .each(&log_store::Wanted::default(), &mut |found| {
            used.insert(found.entry.kek);
            Ok(true)
        })
        .unwrap();
    assert_eq!(used.into_iter().collect::<Vec<_>>(), [1, 2]);
}

#[test]
fn no_core_dump_is_written_of_what_holds_contents_and_keys() {
    let sandbox = Sandbox::start();
    for name in ["countersign-logd", "countersignd"] {
        let pid = sandbox.pid(name);
        let limits = fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
        let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
        assert_eq!(core.split_whitespace().skip(4).take(2).collect::<Vec<_>>(), ["0", "0"], "{name}: {core}");
    }
}

#[test]
fn one_record_is_proved_to_somebody_without_a_key() {
    let mut sandbox = sample();
    let say = |words: &[&str]| sandbox.countersign(words).output().unwrap();
    let proof = say(&["log", "prove", "4"]);
    assert!(proof.status.success(), "{proof:?}");
    let file = sandbox.work.join("proof.json");
    fs::write(&file, &proof.stdout).unwrap();
    let key = sandbox.layout.log.join("log.pub");
    let words = ["log", "proved", file.to_str().unwrap(), "--key", key.to_str().unwrap()];
    let checked = say(&words);
    assert!(checked.status.success() && String::from_utf8_lossy(&checked.stdout).contains("proved: this is record 4"));
    let text = String::from_utf8(proof.stdout).unwrap();
    fs::write(&file, text.replacen("bot", "bog", 1)).unwrap();
    let checked = say(&words);
    assert_eq!(checked.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&checked.stdout).contains("NOT PROVED"));
    sandbox.start_logd();
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
