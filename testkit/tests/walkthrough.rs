//! What the documents promise: the demo, and every command of the README's five-minute start.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on must fail")]

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use testkit::Sandbox;

#[test]
fn the_demo_goes_as_it_must_and_leaves_a_record_that_verifies() {
    let sandbox = Sandbox::prepared("");
    let keep = sandbox.root.join("kept");
    let output = sandbox.countersign(&["demo", "--auto", "--keep", keep.to_str().unwrap()]).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    for expected in ["is still there", "never.download-and-run", "Neither script ran", "holds: ", "DOES NOT HOLD"] {
        assert!(text.contains(expected), "`{expected}` is missing in\n{text}");
    }
    let log = keep.join("countersign/log");
    let verify = sandbox.countersign(&["log", "verify", log.to_str().unwrap()]).output().unwrap();
    assert_eq!(verify.status.code(), Some(0));
}

/// The commands in the README's fenced `sh` blocks that follow `<!-- tested -->`.
fn readme_commands() -> Vec<String> {
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md")).unwrap();
    let mut commands = Vec::new();
    for block in readme.split("<!-- tested -->").skip(1) {
        let body = block.split("```sh\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
        commands.extend(body.lines().filter(|line| !line.trim().is_empty()).map(str::to_owned));
    }
    commands
}

#[test]
fn every_command_of_the_readmes_start_does_what_it_says() {
    let commands = readme_commands();
    assert!(commands.len() >= 8, "{commands:?}");
    let sandbox = Sandbox::start();
    let built = Sandbox::program("countersign");
    let path = format!("{}:{}", built.parent().unwrap().display(), std::env::var("PATH").unwrap());
    fs::create_dir_all(sandbox.work.join("old")).unwrap();
    let log = sandbox.layout.log.to_string_lossy().into_owned();
    for command in commands {
        let (text, expected) = match command.split_once("# exit status ") {
            Some((text, status)) => {
                (text.to_owned(), status.split_whitespace().next().and_then(|it| it.parse().ok()).unwrap())
            }
            None => (command.clone(), 0),
        };
        let output = Command::new("bash")
            .args(["-c", &text.replace("$LOG", &log)])
            .env("PATH", &path)
            .env("COUNTERSIGN_DIR", sandbox.layout.run.parent().unwrap())
            .current_dir(&sandbox.work)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.status.code(), Some(expected), "`{command}`:\n{said}");
    }
}

#[test]
fn up_starts_everything_restarts_what_dies_and_ends_cleanly() {
    let sandbox = Sandbox::prepared("");
    let home = sandbox.layout.run.parent().unwrap().to_owned();
    let output = sandbox.root.join("events");
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let address = format!("127.0.0.1:{port}");
    let mut up = sandbox
        .countersign(&["up", "--json", "--web", &address, "--dir", home.to_str().unwrap()])
        .stdout(fs::File::create(&output).unwrap())
        .spawn()
        .unwrap();
    let events = || -> Vec<serde_json::Value> {
        fs::read_to_string(&output).unwrap().lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    };
    let wait = |what: &dyn Fn(&[serde_json::Value]) -> bool| {
        let started = std::time::Instant::now();
        while !what(&events()) {
            assert!(started.elapsed().as_secs() < 30, "{:?}", events());
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
    };
    wait(&|events| events.iter().any(|it| it["program"] == "countersign" && it["event"] == "ready"));
    sandbox.add_agent("bot");
    assert!(sandbox.run(&["ls"]).output().unwrap().status.success());
    let daemon = events().iter().find(|it| it["program"] == "countersignd" && it["event"] == "started").unwrap()["pid"]
        .to_string();
    assert!(Command::new("kill").args(["-KILL", &daemon]).status().unwrap().success());
    wait(&|events| events.iter().filter(|it| it["program"] == "countersignd" && it["event"] == "started").count() == 2);
    let started = std::time::Instant::now();
    while !sandbox.run(&["ls"]).output().unwrap().status.success() {
        assert!(started.elapsed().as_secs() < 30);
    }
    assert!(Command::new("kill").arg(up.id().to_string()).status().unwrap().success());
    assert!(up.wait().unwrap().success());
    let stopped: Vec<_> =
        events().iter().filter(|it| it["event"] == "stopped").map(|it| it["program"].clone()).collect();
    assert_eq!(stopped, ["countersign-gate", "countersignd", "countersign-logd"], "in the reverse order");
    assert_eq!(sandbox.run(&["ls"]).output().unwrap().status.code(), Some(125));
}
