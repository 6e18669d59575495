//! Whatever fails, nothing runs. In every test here the proof is a file that the act would have made.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on must fail")]

use std::fs;
use std::io::{Read as _, Write as _};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use protocol::{AgentReply, Refusal};
use testkit::{Mount, Sandbox, bash_act, exec_act, permit_of};

/// A rule under which `touch` needs people for one second only.
const SHORT: &str = r#"
[[rule]]
id = "test.short"
verdict = "ask"
command = "touch **"
timeout_s = 1
matches = ["touch a"]
spares = ["ls"]
"#;

fn status(command: &mut Command) -> Option<i32> {
    command.output().expect("the program starts").status.code()
}

#[test]
fn with_the_daemon_killed_nothing_runs() {
    let mut sandbox = Sandbox::start();
    sandbox.add_agent("bot");
    sandbox.kill_daemon();
    assert_eq!(status(&mut sandbox.run(&["ls"])), Some(125));
    assert_eq!(status(&mut sandbox.run(&["touch", "mark"])), Some(125));
    assert!(!sandbox.mark("mark").exists());
}

#[test]
fn with_the_daemon_killed_during_a_hold_nothing_runs_and_the_hold_is_lost() {
    let mut sandbox = Sandbox::start();
    sandbox.add_agent("bot");
    let reviewer = sandbox.add_reviewer("rita");
    let mut waiting = sandbox.run(&["touch", "mark"]).stderr(Stdio::piped()).spawn().unwrap();
    let _told_when_durable = waiting.stderr.as_mut().unwrap().read(&mut [0; 64]).unwrap();
    let hold = sandbox.hold();
    sandbox.kill_daemon();
    assert_eq!(waiting.wait_with_output().unwrap().status.code(), Some(125));
    sandbox.start_daemon();
    assert!(sandbox.answer(&hold, "approve", reviewer.vouch()).is_err());
    assert!(sandbox.records().iter().any(|it| it["body"]["lost_holds"][0] == hold.id.as_str()));
    assert!(!sandbox.mark("mark").exists());
}

#[test]
fn a_permit_does_not_outlive_the_daemon_that_made_it() {
    let mut sandbox = Sandbox::start();
    let key = sandbox.add_agent("bot");
    let act = exec_act(&["ls", "/"]);
    let agent = sandbox.raw(&key);
    let permit = permit_of(&agent.submit(&act));
    sandbox.kill_daemon();
    sandbox.start_daemon();
    let agent = sandbox.raw(&key);
    assert!(matches!(agent.redeem(&permit, &act), AgentReply::Deny { .. }));
}

#[test]
fn with_the_log_killed_nothing_runs_and_with_the_log_back_it_goes_on() {
    let mut sandbox = Sandbox::start();
    sandbox.add_agent("bot");
    assert_eq!(status(&mut sandbox.run(&["ls"])), Some(0));
    sandbox.kill_logd();
    assert_eq!(status(&mut sandbox.run(&["ls"])), Some(125));
    assert_eq!(hook(&sandbox, "ls").0, Some(0), "the hook denies in words");
    assert!(hook(&sandbox, "ls").1.contains("\"deny\""));
    sandbox.start_logd();
    assert_eq!(status(&mut sandbox.run(&["ls"])), Some(0));
    assert_eq!(sandbox.verify().0, Some(0));
}

#[test]
fn with_the_log_killed_during_a_hold_a_yes_does_not_count() {
    let mut sandbox = Sandbox::start();
    sandbox.add_agent("bot");
    let reviewer = sandbox.add_reviewer("rita");
    let mut waiting = sandbox.run(&["touch", "mark"]).stderr(Stdio::piped()).spawn().unwrap();
    let _told_when_durable = waiting.stderr.as_mut().unwrap().read(&mut [0; 64]).unwrap();
    let hold = sandbox.hold();
    sandbox.kill_logd();
    assert!(sandbox.answer(&hold, "approve", reviewer.vouch()).is_err());
    assert!(!sandbox.mark("mark").exists());
    sandbox.start_logd(); // The hold is open still: the same person can answer it.
    assert_eq!(sandbox.answer(&hold, "approve", reviewer.vouch()).as_deref(), Ok("approved"));
    assert_eq!(waiting.wait().unwrap().code(), Some(0));
    assert!(sandbox.mark("mark").exists());
}

#[test]
fn with_the_log_directory_full_nothing_runs_and_with_room_again_it_goes_on() {
    let mut sandbox = Sandbox::prepared("[velocity]\nlow = 1000\ntotal = 1000\nburst = 1000\n");
    let Some(_mount) = Mount::new(&["-t", "tmpfs", "-o", "size=512k,mode=700", "tmpfs"], &sandbox.layout.log) else {
        eprintln!("skipped: mounting needs root");
        return;
    };
    sandbox.logd_environment = vec![("COUNTERSIGN_SEGMENT_BYTES".to_owned(), "65536".to_owned())];
    sandbox.start_logd();
    sandbox.start_daemon();
    sandbox.add_agent("bot");
    assert_eq!(status(&mut sandbox.run(&["ls"])), Some(0));
    let mut file = fs::File::create(sandbox.layout.log.join("filler")).unwrap();
    while file.write_all(&[0; 1024]).is_ok() {}
    let full = (0..200).map(|_| sandbox.run(&["ls"]).output().unwrap()).find(|ended| !ended.status.success()).unwrap();
    assert!(
        full.status.code() == Some(125) && String::from_utf8_lossy(&full.stderr).contains("No space left"),
        "{full:?}"
    );
    assert_eq!(status(&mut sandbox.run(&["touch", "mark"])), Some(125));
    assert!(!sandbox.mark("mark").exists());
    file.set_len(0).unwrap();
    assert_eq!(status(&mut sandbox.run(&["ls"])), Some(0));
    assert_eq!(sandbox.verify().0, Some(0));
}

#[test]
fn with_the_store_locked_nothing_is_held_or_spent() {
    let sandbox = Sandbox::start();
    sandbox.add_agent("bot");
    sandbox.add_reviewer("rita");
    let other = rusqlite::Connection::open(sandbox.layout.state.join("state.db")).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    assert_eq!(status(&mut sandbox.run(&["touch", "mark"])), Some(125));
    assert_eq!(status(&mut sandbox.run(&["ls"])), Some(125));
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(status(&mut sandbox.run(&["ls"])), Some(0));
    assert!(!sandbox.mark("mark").exists());
}

#[test]
fn with_the_store_corrupted_the_daemon_does_not_start() {
    let mut sandbox = Sandbox::start();
    sandbox.add_agent("bot");
    sandbox.kill_daemon();
    for name in ["state.db-wal", "state.db-shm"] {
        let _ = fs::remove_file(sandbox.layout.state.join(name));
    }
    let path = sandbox.layout.state.join("state.db");
    let length = fs::metadata(&path).unwrap().len();
    fs::write(&path, vec![b'x'; usize::try_from(length.max(4096)).unwrap()]).unwrap();
    assert!(!sandbox.try_start_daemon());
    assert_eq!(status(&mut sandbox.run(&["touch", "mark"])), Some(125));
    assert!(!sandbox.mark("mark").exists());
}

#[test]
fn with_the_store_read_only_nothing_is_held_or_spent() {
    let mut sandbox = Sandbox::start();
    sandbox.add_agent("bot");
    sandbox.add_reviewer("rita");
    sandbox.kill_daemon();
    let state = sandbox.layout.state.to_string_lossy().into_owned();
    let Some(_mount) = Mount::new(&["--bind", &state], &sandbox.layout.state) else {
        eprintln!("skipped: mounting needs root");
        return;
    };
    assert!(Command::new("mount").args(["-o", "remount,ro,bind", &state]).status().unwrap().success());
    assert!(!sandbox.try_start_daemon());
    assert_eq!(status(&mut sandbox.run(&["touch", "mark"])), Some(125));
    assert!(!sandbox.mark("mark").exists());
}

/// The hook with a Bash call: exit status and standard output.
fn hook(sandbox: &Sandbox, command: &str) -> (Option<i32>, String) {
    let call = serde_json::json!({"session_id": "s", "cwd": sandbox.work, "hook_event_name": "PreToolUse", "tool_name": "Bash",
        "tool_input": {"command": command}, "tool_use_id": "t"});
    hook_with(sandbox, call.to_string().as_bytes())
}

fn hook_with(sandbox: &Sandbox, input: &[u8]) -> (Option<i32>, String) {
    let mut child = sandbox
        .countersign(&["hook", "claude-code", "--agent", "bot"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // The hook may stop reading before everything is written.
    let _ = stdin.write_all(input);
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn the_hook_blocks_on_anything_that_it_does_not_understand() {
    let sandbox = Sandbox::start();
    sandbox.add_agent("bot");
    assert_eq!(hook(&sandbox, "ls"), (Some(0), String::new()));
    let large = format!(
        "{{\"session_id\":\"s\",\"hook_event_name\":\"PreToolUse\",\"tool_name\":\"Bash\",\"tool_input\":{{\"command\":\"{}\"}}}}",
        "a".repeat(10 * 1024 * 1024)
    );
    let garbage: &[&[u8]] = &[
        b"",
        b"{",
        b"null",
        b"[]",
        b"\xff\xfe",
        b"{\"session_id\":1}",
        b"{\"session_id\":\"s\",\"hook_event_name\":\"PreToolUse\",\"tool_name\":\"Bash\"}",
        b"{\"session_id\":\"a b\",\"hook_event_name\":\"PreToolUse\",\"tool_name\":\"Bash\",\"tool_input\":{\"command\":\"ls\"}}",
        b"{\"session_id\":\"s\",\"hook_event_name\":\"Other\",\"tool_name\":\"Bash\",\"tool_input\":{\"command\":\"ls\"}}",
        large.as_bytes(),
    ];
    for input in garbage {
        let (exit, out) = hook_with(&sandbox, input);
        let shown: String = String::from_utf8_lossy(input).chars().take(60).collect();
        assert!(exit == Some(2) || out.contains("\"permissionDecision\":\"deny\""), "{shown}: {exit:?} {out}");
    }
}

#[test]
fn the_hook_blocks_without_a_daemon_and_without_a_key() {
    let mut sandbox = Sandbox::start();
    assert_eq!(hook(&sandbox, "ls").0, Some(2), "no key");
    sandbox.add_agent("bot");
    sandbox.kill_daemon();
    assert_eq!(hook(&sandbox, "ls").0, Some(2), "no daemon");
}

#[test]
fn hostile_bytes_end_their_own_connection_and_nothing_else() {
    let sandbox = Sandbox::start();
    let key = sandbox.add_agent("bot");
    let frames: &[&[u8]] = &[
        b"\0",
        b"\0\0\0",
        b"\xff\xff\xff\xff\x01",
        b"\0\0\0\x05\x01{\"a",
        b"\0\0\0\x02\x02{}",
        b"\0\0\0\x02\x01{}",
        b"GET / HTTP/1.1\r\n\r\n",
        b"\0\0\0\x04\x01\xff\xff\xff\xff",
    ];
    for socket in [sandbox.layout.agent_socket(), sandbox.layout.operator_socket(), sandbox.layout.log_socket()] {
        for frame in frames {
            let mut stream = std::os::unix::net::UnixStream::connect(&socket).unwrap();
            stream.write_all(frame).unwrap();
            stream.shutdown(std::net::Shutdown::Write).unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
            let mut answer = Vec::new();
            let _ = stream.read_to_end(&mut answer);
            assert!(!String::from_utf8_lossy(&answer).contains("\"allow\""));
        }
    }
    let deep = serde_json::json!({"kind": "tool", "host": "h", "tool": "Bash", "input": {"command": "$(".repeat(5_000)}, "call": null, "cwd": "/"});
    assert!(!matches!(sandbox.raw(&key).submit(&deep), AgentReply::Allow { .. }));
    assert!(matches!(sandbox.raw(&key).submit(&bash_act("ls")), AgentReply::Allow { .. }), "the daemon goes on");
}

#[test]
fn a_frame_that_never_ends_does_not_hold_a_place_for_long() {
    let sandbox = Sandbox::start();
    let mut stream = std::os::unix::net::UnixStream::connect(sandbox.layout.agent_socket()).unwrap();
    stream.write_all(b"\0\0\x01\0\x01{").unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let started = Instant::now();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    assert!(started.elapsed() < Duration::from_secs(15), "closed after {:?}", started.elapsed());
}

#[test]
fn an_approval_after_the_deadline_is_refused_and_nothing_runs() {
    let sandbox = Sandbox::start_with(SHORT);
    sandbox.add_agent("bot");
    let reviewer = sandbox.add_reviewer("rita");
    let waiting = sandbox.run(&["touch", "mark"]).stderr(Stdio::null()).spawn().unwrap();
    let hold = sandbox.hold();
    assert_eq!(waiting.wait_with_output().unwrap().status.code(), Some(124));
    assert!(sandbox.answer(&hold, "approve", reviewer.vouch()).is_err());
    assert!(!sandbox.mark("mark").exists());
}

#[test]
fn with_nobody_enrolled_what_needs_people_is_refused_at_once() {
    let sandbox = Sandbox::start();
    sandbox.add_agent("bot");
    let started = Instant::now();
    let output = sandbox.run(&["touch", "mark"]).output().unwrap();
    assert_eq!(output.status.code(), Some(125));
    assert!(String::from_utf8_lossy(&output.stderr).contains("reviewer add"), "it says what to do next");
    assert!(started.elapsed() < Duration::from_secs(10));
    assert!(!sandbox.mark("mark").exists());
}

#[test]
fn a_clock_that_is_set_back_does_not_lengthen_anything() {
    let library =
        ["/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1", "/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1"];
    let Some(library) = library.into_iter().find(|path| fs::metadata(path).is_ok()) else {
        eprintln!("skipped: the Debian package `faketime` is not installed");
        return;
    };
    let mut sandbox = Sandbox::prepared(SHORT);
    let clock = sandbox.root.join("clock");
    fs::write(&clock, "+0").unwrap();
    sandbox.daemon_environment = vec![
        ("LD_PRELOAD".to_owned(), library.to_owned()),
        ("FAKETIME_TIMESTAMP_FILE".to_owned(), clock.to_string_lossy().into_owned()),
        ("FAKETIME_NO_CACHE".to_owned(), "1".to_owned()),
        ("FAKETIME_DONT_FAKE_MONOTONIC".to_owned(), "1".to_owned()),
    ];
    sandbox.start_logd();
    sandbox.start_daemon();
    let key = sandbox.add_agent("bot");
    let reviewer = sandbox.add_reviewer("rita");
    let agent = sandbox.raw(&key);
    let act = exec_act(&["ls", "/"]);
    let permit = permit_of(&agent.submit(&act));
    let waiting = sandbox.run(&["touch", "mark"]).stderr(Stdio::null()).spawn().unwrap();
    let hold = sandbox.hold();
    fs::write(&clock, "-1h").unwrap();
    // A permit from the future, an approval from before the question: neither counts.
    assert!(matches!(agent.redeem(&permit, &act), AgentReply::Deny { .. }));
    assert!(sandbox.answer(&hold, "approve", reviewer.vouch()).is_err());
    // The hold ends when it should have ended, by a clock that cannot be set.
    let started = Instant::now();
    assert_eq!(waiting.wait_with_output().unwrap().status.code(), Some(124));
    assert!(started.elapsed() < Duration::from_secs(10));
    assert!(!sandbox.mark("mark").exists());
}

#[test]
fn a_refusal_says_its_kind() {
    let sandbox = Sandbox::start();
    let key = sandbox.add_agent("bot");
    let stranger = sandbox.raw("csk_not-a-key").submit(&bash_act("ls"));
    assert!(matches!(stranger, AgentReply::Deny { refusal: Refusal::Undecided, .. }));
    let blocked = sandbox.raw(&key).submit(&bash_act("rm -rf /"));
    assert!(matches!(blocked, AgentReply::Deny { refusal: Refusal::Denied, .. }));
}
