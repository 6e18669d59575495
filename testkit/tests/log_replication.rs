//! The record and other machines: served, mirrored, witnessed; and a log that shows two people two histories.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on must fail")]

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use testkit::{Sandbox, bash_act};

/// A program that serves, and where.
struct Served(Child, String);

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn serve(sandbox: &Sandbox, words: &[&str]) -> Served {
    let mut words = words.to_vec();
    words.extend(["--listen", "127.0.0.1:0"]);
    let mut child = sandbox.countersign(&words).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim().rsplit_once("http://").unwrap_or_else(|| panic!("{line}")).1.to_owned();
    Served(child, address)
}

fn say(sandbox: &Sandbox, words: &[&str]) -> (bool, String) {
    let output = sandbox.countersign(words).output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.success(), said)
}

fn published(sandbox: &Sandbox) {
    let started = Instant::now();
    while !say(sandbox, &["log", "verify", "--json"]).1.contains("\"unpublished\":0") {
        assert!(started.elapsed() < Duration::from_secs(20));
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// An installation with some hundred records, so that there is a complete bundle.
fn sample(count: usize) -> (Sandbox, String) {
    let sandbox = Sandbox::start_with("[velocity]\nlow = 10000\ntotal = 10000\nburst = 10000\n");
    let key = sandbox.add_agent("bot");
    more(&sandbox, &key, count);
    (sandbox, key)
}

fn more(sandbox: &Sandbox, key: &str, count: usize) {
    let agent = sandbox.raw(key);
    for number in 0..count {
        agent.send_submit("s", &bash_act(&format!("echo {number}")), true);
        let _ = agent.hear().unwrap();
    }
    published(sandbox);
}

fn raw(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn a_mirror_follows_and_checks_and_takes_nothing_that_does_not_hold() {
    let (sandbox, key) = sample(300);
    let served = serve(&sandbox, &["log", "serve", "--contents"]);
    let (url, mirror) = (format!("http://{}", served.1), sandbox.work.join("mirror"));
    let public = sandbox.layout.log.join("log.pub");
    let words = ["log", "mirror", &url, mirror.to_str().unwrap(), "--key", public.to_str().unwrap()];
    let (done, said) = say(&sandbox, &words);
    assert!(done && said.contains("mirrored: "), "{said}");
    more(&sandbox, &key, 20);
    assert!(say(&sandbox, &words).0);
    let (held, said) = say(&sandbox, &["log", "verify", mirror.to_str().unwrap(), "--key", public.to_str().unwrap()]);
    assert!(held, "{said}");
    // No key leaves, whatever is asked for.
    for path in
        ["/log.key", "/keys/ring.json", "/tile/../log.key", "/tile/%2e%2e/log.key", "/journal/newest", "//log.key"]
    {
        let answer = raw(&served.1, path);
        assert!(answer.starts_with("HTTP/1.1 404"), "{path}: {answer}");
    }
    // An attacker changes a complete file on the way: a second mirror does not take the checkpoint.
    drop(served);
    let changed = sandbox.work.join("changed");
    copy(&sandbox.layout.log, &changed);
    let file = changed.join("payload/000");
    let mut bytes = fs::read(&file).unwrap();
    *bytes.get_mut(7).unwrap() ^= 1;
    fs::write(&file, bytes).unwrap();
    let served = serve(&sandbox, &["log", "serve", "--contents", changed.to_str().unwrap()]);
    let (url, second) = (format!("http://{}", served.1), sandbox.work.join("second"));
    let words = ["log", "mirror", &url, second.to_str().unwrap(), "--key", public.to_str().unwrap()];
    let (done, said) = say(&sandbox, &words);
    assert!(!done && said.contains("NOT TAKEN") && said.contains("payload/000"), "{said}");
    assert!(!second.join("checkpoint").exists());
}

fn copy(from: &Path, to: &PathBuf) {
    assert!(Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap().success());
}

#[test]
fn a_witness_signs_what_goes_on_and_no_second_history() {
    let (mut sandbox, _key) = sample(20);
    let (public, witness) = (sandbox.layout.log.join("log.pub"), sandbox.work.join("witness"));
    let words = [
        "log",
        "witness",
        "--dir",
        witness.to_str().unwrap(),
        "--name",
        "two.example/w",
        "--log",
        public.to_str().unwrap(),
    ];
    let served = serve(&sandbox, &words);
    let (url, of_witness) = (format!("http://{}", served.1), witness.join("witness.pub"));
    let ask = ["log", "cosign", &url, "--key", of_witness.to_str().unwrap()];
    let (done, said) = say(&sandbox, &ask);
    assert!(done && said.contains("witnessed"), "{said}");
    let before = sandbox.work.join("before");
    sandbox.kill_daemon();
    sandbox.end_logd();
    copy(&sandbox.layout.log, &before);
    sandbox.start_logd();
    sandbox.start_daemon();
    published(&sandbox);
    let (done, said) = say(&sandbox, &ask);
    assert!(done, "{said}");
    // The log is rolled back, then goes on otherwise.
    sandbox.kill_daemon();
    sandbox.end_logd();
    let first = sandbox.work.join("first");
    fs::rename(&sandbox.layout.log, &first).unwrap();
    copy(&before, &sandbox.layout.log);
    let (done, said) = say(&sandbox, &ask);
    assert!(!done && said.contains("ROLLED BACK"), "{said}");
    fs::remove_file(sandbox.layout.state.join("state.db")).unwrap();
    sandbox.start_logd();
    sandbox.start_daemon();
    for number in 0..4 {
        sandbox.add_agent(&format!("other-{number}"));
    }
    published(&sandbox);
    let (done, said) = say(&sandbox, &ask);
    assert!(!done && said.contains("SPLIT VIEW"), "{said}");
    // A holder of the witness's signature finds the second history offline.
    let kept = fs::read_dir(first.join("witnessed")).unwrap().next().unwrap().unwrap().path();
    let (held, said) = say(&sandbox, &["log", "verify", "--against", kept.to_str().unwrap()]);
    assert!(!held && said.contains("another log"), "{said}");
    let (held, said) = say(&sandbox, &["log", "verify", first.to_str().unwrap(), "--against", kept.to_str().unwrap()]);
    assert!(held, "{said}");
}
