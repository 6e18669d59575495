//! Recordings of terminals: written ahead, sealed, redacted, and fail closed.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on must fail")]

use std::fs;
use std::io::Write as _;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use protocol::{AgentReply, AgentRequest, TerminalEvent};
use serde_json::Value;
use testkit::{RawAgent, Sandbox, exec_act, permit_of, test_python};

/// An installation with the agent `bot`, and a script that it may run, under a rule with more to it.
fn with_script(text: &str, more: &str) -> (Sandbox, String) {
    let mut sandbox = Sandbox::prepared("");
    let path = sandbox.mark("the-work");
    fs::write(&path, format!("#!/bin/bash\n{text}\n")).unwrap();
    assert!(Command::new("chmod").arg("+x").arg(&path).status().unwrap().success());
    let place = path.to_str().unwrap().to_owned();
    let rule = format!(
        "[[rule]]\nid = 'test.script'\nverdict = 'allow'\ncommand = '{place}'\ncoverage = 'partial'\nmatches = ['{place}']\nspares = ['{place} x']\n{more}\n"
    );
    sandbox.write_rules("10-script.toml", &rule);
    sandbox.start_logd();
    sandbox.start_daemon();
    sandbox.add_agent("bot");
    (sandbox, place)
}

const RECORD: &str = "with = { record = true }";

/// A secret of a kind that we know.
const TOKEN: &str = "ghp_0123456789abcdefghijABCDEFGHIJ012345";

fn words_of(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn listed(sandbox: &Sandbox) -> Vec<Value> {
    let output = sandbox.countersign(&["session", "ls", "--json"]).output().unwrap();
    assert!(output.status.success(), "{}", words_of(&output));
    serde_json::from_slice::<Value>(&output.stdout).unwrap().as_array().unwrap().clone()
}

/// Waits until the only recording has reached a state, and gives its id.
fn settled(sandbox: &Sandbox, state: &str) -> String {
    let started = Instant::now();
    loop {
        if let [only] = listed(sandbox).as_slice()
            && only["state"] == state
            && only["redacted"].is_string()
        {
            return only["recording"].as_str().unwrap().to_owned();
        }
        assert!(started.elapsed() < Duration::from_secs(30), "{:?}", listed(sandbox));
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn exported(sandbox: &Sandbox, id: &str, name: &str, more: &[&str]) -> Result<String, String> {
    let out = sandbox.root.join(name);
    let mut all = vec!["session", "export", id, "-o", out.to_str().unwrap()];
    all.extend(more);
    let output = sandbox.countersign(&all).output().unwrap();
    if output.status.success() { Ok(fs::read_to_string(out).unwrap()) } else { Err(words_of(&output)) }
}

/// What a file below the installation holds a text.
fn holders(sandbox: &Sandbox, text: &str) -> Vec<String> {
    let output = Command::new("grep").args(["-rlaF", text]).arg(sandbox.root.join("home")).output().unwrap();
    String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
}

fn run_with_input(sandbox: &Sandbox, command: &[&str], input: &str) -> Output {
    let mut child =
        sandbox.run(command).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

#[test]
fn what_a_rule_obliges_to_record_is_recorded_and_nothing_of_it_lies_open() {
    let (sandbox, path) = with_script("read line; echo \"got $line\"; echo planted-word >&2; exit 7", RECORD);
    let output = run_with_input(&sandbox, &[path.as_str()], &format!("token={TOKEN}\n"));
    assert_eq!(output.status.code(), Some(7), "{}", words_of(&output));
    // It is as it would be without us.
    assert_eq!(String::from_utf8_lossy(&output.stdout), format!("got token={TOKEN}\n"));
    assert!(String::from_utf8_lossy(&output.stderr).contains("planted-word\n"));
    let id = settled(&sandbox, "ended");
    let seen = exported(&sandbox, &id, "seen.cast", &[]).unwrap();
    assert!(seen.contains("planted-word") && seen.contains("token=•••"), "{seen}");
    assert!(!seen.contains(TOKEN));
    let raw = exported(&sandbox, &id, "raw.cast", &["--raw"]).unwrap();
    assert_eq!(raw.matches(TOKEN).count(), 2, "typed and printed: {raw}");
    assert_eq!(holders(&sandbox, TOKEN), Vec::<String>::new());
    assert_eq!(holders(&sandbox, "planted-word"), Vec::<String>::new());
    // Each event is an event of an asciicast, in order.
    let mut last = 0.0;
    for line in seen.lines().skip(1) {
        let (at, kind, _): (f64, String, String) = serde_json::from_str(line).unwrap();
        assert!(at >= last && ["i", "o", "r", "m"].contains(&kind.as_str()), "{line}");
        last = at;
    }
    // Who looked is recorded, and at what.
    let output = sandbox.countersign(&["log", "show", "--kind", "recording", "--json"]).output().unwrap();
    let viewed: Vec<String> = words_of(&output)
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter(|record| record["body"]["state"] == "viewed")
        .map(|record| record["body"]["variant"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(viewed, ["redacted", "raw"]);
}

#[test]
fn a_terminal_is_recorded_without_its_passwords_and_with_what_was_asked_in_it() {
    let ours = Sandbox::program("countersign");
    let inner = "stty size; read -r -s -p 'password: ' P; echo; test -t 0 && echo on-a-terminal";
    let (sandbox, path) = with_script(inner, "");
    let line = format!("{} run --agent bot --session s1 --record -- {}", ours.display(), path);
    let mut child = Command::new("script")
        .args(["-qec", &line, "/dev/null"])
        .env(host::install_paths::DIRECTORY_VARIABLE, sandbox.layout.run.parent().unwrap())
        .current_dir(&sandbox.work)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    std::thread::sleep(Duration::from_millis(1_500));
    let asked =
        sandbox.countersign(&["run", "--agent", "bot", "--session", "s1", "--", "ls", "/etc/hostname"]).output();
    assert!(asked.unwrap().status.success());
    stdin.write_all(b"hush-hush\n").unwrap();
    let output = child.wait_with_output().unwrap();
    drop(stdin);
    assert!(output.status.success(), "{}", words_of(&output));
    assert!(words_of(&output).contains("on-a-terminal"), "{}", words_of(&output));
    let id = settled(&sandbox, "ended");
    let raw = exported(&sandbox, &id, "raw.cast", &["--raw"]).unwrap();
    assert!(!raw.contains("hush"), "{raw}");
    assert!(raw.contains("\"i\", \"•\"") && raw.contains("\"m\", \"allow: ls /etc/hostname\""), "{raw}");
    assert!(raw.contains("\"o\"") && raw.contains("on-a-terminal"), "{raw}");
    let output = sandbox.countersign(&["session", "play", &id, "--speed", "100"]).output().unwrap();
    assert!(output.status.success() && words_of(&output).contains("allow: ls /etc/hostname"), "{}", words_of(&output));
}

#[test]
fn stock_asciinema_plays_it() {
    let (sandbox, path) = with_script("printf '\\033[31mred-word\\033[0m\\n'; sleep 0.1; echo end-word", RECORD);
    assert!(sandbox.run(&[path.as_str()]).output().unwrap().status.success());
    let id = settled(&sandbox, "ended");
    exported(&sandbox, &id, "x.cast", &[]).unwrap();
    let play = |verb: &str| {
        let output = test_python()
            .args(["-m", "asciinema", verb])
            .arg(sandbox.root.join("x.cast"))
            .env("ASCIINEMA_CONFIG_HOME", &sandbox.root)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", words_of(&output));
        words_of(&output)
    };
    assert!(play("cat").contains("\u{1b}[31mred-word\u{1b}[0m"));
    assert!(play("play").contains("end-word"));
}

#[test]
fn a_changed_cut_or_foreign_recording_is_found_and_not_shown() {
    let (sandbox, path) = with_script("echo one; sleep 0.1; echo two", RECORD);
    assert!(sandbox.run(&[path.as_str()]).output().unwrap().status.success());
    let id = settled(&sandbox, "ended");
    let verified = || sandbox.countersign(&["session", "verify"]).output().unwrap().status.code();
    assert_eq!(verified(), Some(0));
    let directory = sandbox.layout.log.join("recordings");
    for ending in ["rec", "red"] {
        let file = directory.join(format!("{id}.{ending}"));
        let good = fs::read(&file).unwrap();
        let mut flipped = good.clone();
        *flipped.last_mut().unwrap() ^= 1;
        for bad in [flipped, good[..good.len() - 1].to_vec(), [good.as_slice(), b"x"].concat()] {
            fs::write(&file, bad).unwrap();
            assert_eq!(verified(), Some(1));
            let more: &[&str] = if ending == "rec" { &["--raw"] } else { &[] };
            let why = exported(&sandbox, &id, "never.cast", more).unwrap_err();
            assert!(why.contains("it was changed"), "{why}");
        }
        fs::write(&file, good).unwrap();
    }
    assert_eq!(verified(), Some(0));
    fs::copy(directory.join(format!("{id}.rec")), directory.join("rec_01K0000000000000000000000.rec")).unwrap();
    assert_eq!(verified(), Some(1));
}

#[test]
fn what_cannot_be_recorded_goes_no_further() {
    let ticks: Vec<String> = (0..40).map(|it| format!("echo tick {it}; sleep 0.5")).collect();
    let (mut sandbox, path) = with_script(&ticks.join("\n"), RECORD);
    let begun = |sandbox: &Sandbox| {
        let child = sandbox.run(&[path.as_str()]).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let started = Instant::now();
        let grown = || {
            let files = fs::read_dir(sandbox.layout.log.join("recordings")).ok()?;
            let open = files.filter_map(Result::ok).find(|it| it.path().extension().is_some_and(|it| it == "open"))?;
            Some(open.metadata().ok()?.len() > 400)
        };
        while grown() != Some(true) {
            assert!(started.elapsed() < Duration::from_secs(30), "it did not begin");
            std::thread::sleep(Duration::from_millis(10));
        }
        child
    };
    // The log dies: what runs is ended, and what was recorded until then is sealed at the next start.
    let child = begun(&sandbox);
    sandbox.kill_logd();
    let output = child.wait_with_output().unwrap();
    assert!(!output.status.success());
    assert!(words_of(&output).contains("could not be recorded"), "{}", words_of(&output));
    let is_running = || Command::new("pgrep").args(["-f", &path]).output().unwrap().status.success();
    assert!(!is_running(), "it goes on");
    sandbox.start_logd();
    let id = settled(&sandbox, "cut");
    assert!(exported(&sandbox, &id, "cut.cast", &[]).unwrap().contains("tick"));
    assert_eq!(sandbox.verify().0, Some(0));
    // The daemon dies: the same. (The first request after the log came back finds its connection gone, and is refused.)
    let _ = sandbox.run(&["true"]).output();
    let child = begun(&sandbox);
    sandbox.kill_daemon();
    let output = child.wait_with_output().unwrap();
    assert!(words_of(&output).contains("could not be recorded"), "{}", words_of(&output));
    assert!(!is_running(), "it goes on");
}

#[test]
fn an_enforcement_point_that_does_not_record_gets_nothing_run_and_cannot_write_our_words() {
    let sandbox = Sandbox::start_with(
        "[[rule]]\nid = 'test.echo'\nverdict = 'allow'\ncommand = 'echo recorded'\nmatches = ['echo recorded']\nspares = ['echo x']\nwith = { record = true }\n",
    );
    let key = sandbox.add_agent("bot");
    let act = exec_act(&["echo", "recorded"]);
    let raw = sandbox.raw(&key);
    let said = raw.redeem(&permit_of(&raw.submit(&act)), &act);
    assert!(matches!(&said, AgentReply::Deny { reasons, .. } if reasons.concat().contains("recording")), "{said:?}");
    // With a terminal it may; and it may add what a terminal has, and no marker.
    let permit = permit_of(&raw.submit(&act));
    let terminal = Some(protocol::Terminal { columns: 80, rows: 24, name: "x".to_owned() });
    raw.say(&AgentRequest::Redeem { permit: permit.clone(), act: act.clone(), terminal });
    assert!(matches!(raw.hear(), Ok(AgentReply::Spent)));
    let add = |raw: &RawAgent, permit: &str, kind: &str| {
        let events = vec![TerminalEvent { kind: kind.to_owned(), text: "allow: everything".to_owned() }];
        raw.say(&AgentRequest::Recorded { permit: permit.to_owned(), events });
        raw.hear().unwrap()
    };
    assert!(matches!(add(&raw, &permit, "o"), AgentReply::Noted));
    assert!(matches!(add(&raw, &permit, "m"), AgentReply::Deny { .. }));
    assert!(matches!(add(&raw, "permit_of_another", "o"), AgentReply::Deny { .. }));
    // Another connection cannot add to it.
    assert!(matches!(add(&sandbox.raw(&key), &permit, "o"), AgentReply::Deny { .. }));
    drop(raw);
    settled(&sandbox, "cut");
}

#[test]
fn a_destroyed_session_has_no_recording_any_more() {
    let (sandbox, path) = with_script("echo gone-word", "");
    let line = ["run", "--agent", "bot", "--session", "s9", "--record", "--", path.as_str()];
    assert!(sandbox.countersign(&line).output().unwrap().status.success());
    let id = settled(&sandbox, "ended");
    assert!(exported(&sandbox, &id, "a.cast", &["--raw"]).unwrap().contains("gone-word"));
    let files: Vec<Vec<u8>> = ["rec", "red"]
        .iter()
        .map(|ending| fs::read(sandbox.layout.log.join(format!("recordings/{id}.{ending}"))).unwrap())
        .collect();
    let destroy = ["log", "destroy", "bot", "s9", "--reason", "asked for"];
    assert!(sandbox.countersign(&destroy).output().unwrap().status.success());
    for name in [id.as_str(), "s9"] {
        assert!(exported(&sandbox, name, "b.cast", &["--raw"]).is_err());
    }
    // The files are as they were: nothing was rewritten, and the key is gone.
    assert_eq!(fs::read(sandbox.layout.log.join(format!("recordings/{id}.rec"))).unwrap(), files[0]);
    assert_eq!(sandbox.verify().0, Some(0));
}
