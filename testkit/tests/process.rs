//! What runs under `countersign run` runs as it would without us: status, signals, pipes, terminal. And nothing of it
//! runs before the decision is on the disk.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on must fail")]

use std::fs;
use std::io::Write as _;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use protocol::AgentReply;
use testkit::{Sandbox, bash_act};

#[test]
fn status_output_and_input_pass_through() {
    let sandbox = Sandbox::start();
    sandbox.add_agent("bot");
    assert_eq!(sandbox.run(&["-c", "exit 3"]).status().unwrap().code(), Some(3));
    let mut child = sandbox.run(&["cat"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let bytes: Vec<u8> = (0..200_000_u32).flat_map(u32::to_le_bytes).collect();
    let mut stdin = child.stdin.take().unwrap();
    let sent = bytes.clone();
    let writer = std::thread::spawn(move || stdin.write_all(&sent));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success());
    assert!(output.stdout == bytes, "every byte, and no other");
}

#[test]
fn it_works_in_a_pipe_whose_reader_leaves() {
    let sandbox = Sandbox::start();
    sandbox.add_agent("bot");
    let program = Sandbox::program("countersign");
    let line = format!("'{}' run --agent bot -- cat /dev/zero | head -c 10 | wc -c", program.display());
    let output = Command::new("bash")
        .args(["-c", &line])
        .env("COUNTERSIGN_DIR", sandbox.layout.run.parent().unwrap())
        .output()
        .unwrap();
    // Reading a device is not fully understood, so this asks; with no reviewer enrolled it is refused, and the pipe ends.
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim().parse::<u32>().unwrap() % 10, 0);
}

#[test]
fn a_program_that_is_not_there_is_said_to_be_missing() {
    let sandbox = Sandbox::start();
    sandbox.add_agent("bot");
    assert_eq!(sandbox.run(&["no-such-program-here"]).output().unwrap().status.code(), Some(127));
}

#[test]
fn what_runs_gets_the_environment_without_the_key() {
    let sandbox = Sandbox::start();
    let key = sandbox.add_agent("bot");
    let reviewer = sandbox.add_reviewer("rita");
    let mut child = sandbox.run(&["env"]);
    child.env("COUNTERSIGN_KEY", &key).env("KEPT", "kept value").stdout(Stdio::piped()).stderr(Stdio::null());
    let child = child.spawn().unwrap();
    let hold = sandbox.hold();
    sandbox.answer(&hold, "approve", reviewer.vouch()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("KEPT=kept value"), "{text}");
    assert!(!text.contains(&key) && !text.contains("COUNTERSIGN_KEY="), "the key is not handed on");
}

#[test]
fn signals_reach_what_runs_and_its_end_is_ours() {
    let sandbox = Sandbox::start_with(
        "[[rule]]\nid='test.sleep'\nverdict='allow'\ncommand='sleep 600'\nmatches=['sleep 600']\nspares=['sleep 601']\n",
    );
    sandbox.add_agent("bot");
    let mut child = sandbox.run(&["sleep", "600"]).spawn().unwrap();
    let started = Instant::now();
    let sleeping = || {
        let children = fs::read_to_string(format!("/proc/{0}/task/{0}/children", child.id())).unwrap_or_default();
        children.split_whitespace().next().map(str::to_owned)
    };
    while sleeping()
        .is_none_or(|pid| !fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|it| it.trim() == "sleep"))
    {
        assert!(started.elapsed() < Duration::from_secs(20));
        std::thread::sleep(Duration::from_millis(5));
    }
    let pid = sleeping().unwrap();
    assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
    let status = child.wait().unwrap();
    assert_eq!(status.signal(), Some(15), "it ends as its child ended");
    assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists());
    let outcome = sandbox.records().into_iter().find(|it| it["kind"] == "outcome").unwrap();
    assert_eq!(outcome["body"]["signal"], 15);
}

#[test]
fn an_interactive_program_has_its_terminal() {
    let sandbox = Sandbox::start();
    sandbox.add_agent("bot");
    let program = Sandbox::program("countersign");
    let line = format!("'{}' run --agent bot -- tty", program.display());
    let output = Command::new("script")
        .args(["-qec", &line, "/dev/null"])
        .env("COUNTERSIGN_DIR", sandbox.layout.run.parent().unwrap())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("/dev/pts/"), "{text}");
}

/// `strace` of a held run: what was executed until the decision, and what the log held by then.
#[test]
fn nothing_is_executed_before_the_decision_and_the_decision_is_on_disk_before_it() {
    if Command::new("strace").arg("-V").output().is_err() {
        eprintln!("skipped: the Debian package `strace` is not installed");
        return;
    }
    let sandbox = Sandbox::start();
    sandbox.add_agent("bot");
    let reviewer = sandbox.add_reviewer("rita");
    let trace = sandbox.root.join("trace");
    let program = Sandbox::program("countersign");
    let waiting = Command::new("strace")
        .args(["-f", "-qq", "-e", "trace=execve,execveat", "-o"])
        .arg(&trace)
        .arg(program)
        .args(["run", "--quiet", "--agent", "bot", "--", "touch", "mark"])
        .env("COUNTERSIGN_DIR", sandbox.layout.run.parent().unwrap())
        .current_dir(&sandbox.work)
        .spawn()
        .unwrap();
    let hold = sandbox.hold();
    let before = fs::read_to_string(&trace).unwrap();
    assert_eq!(before.matches("exec").count(), 1, "only our own start was executed: {before}");
    // It is shown while the disk works; what was not recorded cannot be answered (`unsettled.rs`).
    let recorded = || sandbox.records().into_iter().find(|it| it["body"]["request_digest"] == hold.request.as_str());
    let decided = (0..100).find_map(|_| {
        recorded().or_else(|| {
            std::thread::sleep(Duration::from_millis(20));
            None
        })
    });
    let decided = decided.unwrap();
    assert_eq!(decided["body"]["verdict"], "ask", "the decision is recorded while nothing ran");
    assert!(!sandbox.mark("mark").exists());
    sandbox.answer(&hold, "approve", reviewer.vouch()).unwrap();
    assert!(waiting.wait_with_output().unwrap().status.success());
    let after = fs::read_to_string(&trace).unwrap();
    assert!(after.contains("\"touch\"") && sandbox.mark("mark").exists(), "{after}");
}

#[test]
fn no_secret_reaches_the_record_the_state_or_the_reviewer() {
    let sandbox = Sandbox::start();
    let key = sandbox.add_agent("bot");
    sandbox.add_reviewer("rita");
    let token = "sk_live_4eC39HqLyjWDarjtT1zdp7dc";
    let agent = sandbox.raw(&key);
    let command = format!("curl -H 'Authorization: Bearer {token}' https://user:hunter2hunter2@example.com/");
    assert!(matches!(agent.submit(&bash_act(&command)), AgentReply::Held { .. }));
    let hold = sandbox.hold();
    let shown = serde_json::to_string(&hold).unwrap();
    // Contents are encrypted in the log's files, so they are looked at as a reader sees them, too.
    let mut stored: String = sandbox.records().iter().map(ToString::to_string).collect();
    assert!(stored.contains("Authorization: Bearer"), "{stored}");
    let mut open = vec![sandbox.layout.log.clone(), sandbox.layout.state.clone()];
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
        } else {
            stored.push_str(&String::from_utf8_lossy(&fs::read(path).unwrap()));
        }
    }
    for secret in [token, "hunter2hunter2", key.as_str()] {
        assert!(!shown.contains(secret), "shown: {secret}");
        assert!(!stored.contains(secret), "stored: {secret}");
    }
    assert!(shown.contains('‹'), "the reviewer sees that something is masked: {shown}");
}
