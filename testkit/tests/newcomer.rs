//! What a person meets in the first hour: a second start, where things are, what `run` says, what is printed as JSON.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must fail"
)]

use std::process::{Output, Stdio};

use serde_json::Value;
use testkit::Sandbox;

fn words_of(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn as_json(sandbox: &Sandbox, words: &[&str]) -> Value {
    let output = sandbox.countersign(words).output().unwrap();
    assert!(output.status.success(), "{words:?}: {}", words_of(&output));
    serde_json::from_slice(&output.stdout).unwrap_or_else(|why| panic!("{words:?}: {why}: {}", words_of(&output)))
}

#[test]
fn a_second_up_names_the_process_that_runs_and_disturbs_nothing() {
    let sandbox = Sandbox::start();
    sandbox.add_agent("bot");
    let records = sandbox.records().len();
    let home = sandbox.layout.run.parent().unwrap().to_str().unwrap().to_owned();
    let started = std::time::Instant::now();
    let mut second = sandbox.countersign(&["up", "--dir", &home, "--web", "off"]);
    let mut second = second.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    while second.try_wait().unwrap().is_none() {
        if started.elapsed().as_secs() > 20 {
            second.kill().unwrap();
            panic!("the second `up` goes on: {}", words_of(&second.wait_with_output().unwrap()));
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let output = second.wait_with_output().unwrap();
    let said = words_of(&output);
    assert!(!output.status.success() && said.contains("runs already in"), "{said}");
    assert!(said.contains(&format!("process {}", sandbox.pid("countersignd"))) && said.contains(&home), "{said}");
    assert!(!said.contains("Countersign is up") && !said.contains("started (process"), "{said}");
    assert_eq!(sandbox.records().len(), records);
    assert!(sandbox.run(&["ls"]).output().unwrap().status.success());
}

#[test]
fn where_names_every_place_that_is_used() {
    let sandbox = Sandbox::start();
    sandbox.add_agent("bot");
    let places = as_json(&sandbox, &["where", "--json"]);
    for name in [
        "config",
        "state",
        "store",
        "permit_key",
        "mask_key",
        "log",
        "log_key",
        "log_keys",
        "run",
        "agent_socket",
        "operator_socket",
    ] {
        assert_eq!(places[name]["exists"], true, "{name}: {places}");
    }
    assert_eq!(places["agent_keys"][0]["path"], sandbox.layout.agent_key("bot").to_str().unwrap());
    let text = words_of(&sandbox.countersign(&["where"]).output().unwrap());
    assert!(text.contains(sandbox.layout.log.to_str().unwrap()), "{text}");
    let key = std::fs::read_to_string(sandbox.layout.agent_key("bot")).unwrap();
    assert!(!text.contains(key.trim()), "where a key is, and not what it is");
}

#[test]
fn run_says_where_people_answer_and_who_approved() {
    let mut sandbox = Sandbox::prepared("");
    let page = "http://localhost:7443/";
    sandbox.daemon_environment.push(("COUNTERSIGN_PAGE".to_owned(), page.to_owned()));
    sandbox.start_logd();
    sandbox.start_daemon();
    sandbox.add_agent("bot");
    let rita = sandbox.add_reviewer("rita");
    let answered = |said: &str, name: &str| {
        let waits = sandbox.run(&["mkdir", name]).stderr(Stdio::piped()).spawn().unwrap();
        let hold = sandbox.hold();
        sandbox.answer(&hold, said, rita.vouch()).unwrap();
        (hold.id, words_of(&waits.wait_with_output().unwrap()))
    };
    let (hold, said) = answered("approve", "x");
    assert!(said.contains(page) && said.contains("`countersign review`"), "{said}");
    assert!(said.contains(&format!("`countersign approve {hold}`")), "{said}");
    assert!(said.contains("approved by rita after "), "{said}");
    let (_, said) = answered("deny", "y");
    assert!(said.contains("denied") && said.contains("do not repeat the request"), "{said}");
    let parked = sandbox.countersign(&["run", "--agent", "bot", "--park", "--", "mkdir", "z"]).output().unwrap();
    let said = words_of(&parked);
    assert!(parked.status.code() == Some(75) && said.contains("`countersign approve hold_"), "{said}");
    // Without a dashboard, none is named.
    sandbox.kill_daemon();
    sandbox.daemon_environment.clear();
    sandbox.start_daemon();
    let parked = sandbox.countersign(&["run", "--agent", "bot", "--park", "--", "mkdir", "w"]).output().unwrap();
    let said = words_of(&parked);
    assert!(parked.status.code() == Some(75) && !said.contains(page), "{said}");
}

#[test]
fn what_writes_prints_json_where_it_is_asked_to() {
    let sandbox = Sandbox::start();
    let rita = sandbox.add_reviewer("rita");
    assert!(
        as_json(&sandbox, &["agent", "add", "bot", "--owner", "platform", "--save", "--json"])["key_file"].is_string()
    );
    assert!(as_json(&sandbox, &["agent", "add", "other", "--owner", "platform", "--json"])["key"].is_string());
    assert!(as_json(&sandbox, &["agent", "rm", "other", "--json"])["done"].is_string());
    assert!(as_json(&sandbox, &["flag", "set", "freeze", "--json"])["done"].is_string());
    let code = rita.code();
    let proof = ["--as", "rita", "--code", &code, "--json"];
    assert!(as_json(&sandbox, &[&["flag", "clear", "freeze"], &proof[..]].concat())["done"].is_string());
    let settings = sandbox.root.join("settings.json");
    let hook = ["hook", "install", "claude-code", "--agent", "bot", "--settings", settings.to_str().unwrap(), "--json"];
    assert_eq!(as_json(&sandbox, &hook)["agent"], "bot");
    assert_eq!(as_json(&sandbox, &["policy", "use", "strict", "--json"])["protects"], true);
}

#[test]
fn doctor_tries_every_agent_whose_key_is_here() {
    let sandbox = Sandbox::start();
    sandbox.add_reviewer("rita");
    sandbox.add_agent("bot");
    sandbox.add_agent("builder");
    let said = words_of(&sandbox.countersign(&["doctor"]).output().unwrap());
    assert!(said.contains("agent bot: canary denied") && said.contains("agent builder: canary denied"), "{said}");
}

#[test]
fn check_takes_the_home_of_the_account_as_the_daemon_does() {
    let sandbox = Sandbox::start();
    let account = host::homes::home_of(host::files::my_uid()).unwrap();
    let elsewhere = sandbox.root.join("elsewhere");
    let judged = |home: &str| {
        let mut check = sandbox.countersign(&["check", "--json", "--preset", "strict", "cat ~/.ssh/id_ed25519"]);
        let output = check.env("HOME", home).output().unwrap();
        let value: Value = serde_json::from_slice(&output.stdout).unwrap();
        (value["verdict"].clone(), value["operations"].clone())
    };
    let here = judged(&account);
    assert!(here.1.to_string().contains(&account), "{here:?}");
    assert_eq!(judged(elsewhere.to_str().unwrap()), here);
}

#[test]
fn a_copy_of_a_stopped_installation_works_elsewhere() {
    let mut old = Sandbox::start();
    old.add_agent("bot");
    let rita = old.add_reviewer("rita");
    assert!(old.run(&["ls"]).output().unwrap().status.success());
    let before = old.records();
    old.kill_daemon();
    old.end_logd();
    let mut new = Sandbox::prepared("");
    let copied = |from: &std::path::Path, to: &std::path::Path| {
        std::fs::remove_dir_all(to).unwrap();
        assert!(std::process::Command::new("cp").arg("-a").args([from, to]).status().unwrap().success());
    };
    copied(&old.layout.config, &new.layout.config);
    copied(&old.layout.state, &new.layout.state);
    copied(&old.layout.log, &new.layout.log);
    new.start_logd();
    new.start_daemon();
    let (status, said) = new.verify();
    assert_eq!(status, Some(0), "{said}");
    assert_eq!(new.records()[..before.len()], before, "the record goes on where it was");
    let rebuilt = new.countersign(&["log", "rebuild-store"]).output().unwrap();
    assert!(rebuilt.status.success(), "{}", words_of(&rebuilt));
    let waits = new.run(&["mkdir", "x"]).stderr(Stdio::piped()).spawn().unwrap();
    new.answer(&new.hold(), "approve", rita.vouch()).unwrap();
    let output = waits.wait_with_output().unwrap();
    assert!(output.status.success() && new.mark("x").exists(), "{}", words_of(&output));
}

#[test]
fn a_command_without_the_two_dashes_is_answered_with_the_right_line() {
    let sandbox = Sandbox::prepared("");
    let said = |words: &[&str]| {
        let output = sandbox.countersign(words).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{words:?}");
        words_of(&output)
    };
    let hint = "Put `--` before the command";
    assert!(said(&["run", "--agent", "b", "ls", "-la"]).contains(hint));
    assert!(said(&["run", "--agent", "b"]).contains(hint));
    assert!(!said(&["run", "--agnt", "b", "--", "ls"]).contains(hint), "there the dashes are");
    assert!(!said(&["agent", "ad"]).contains(hint));
}
