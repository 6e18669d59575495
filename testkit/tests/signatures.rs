//! Signatures of SSH keys: of an answer, and of a change.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on must fail")]

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use protocol::{OperatorReply, OperatorRequest, Proof, SshSignature, Vouch, change_text, signed_change};
use testkit::Sandbox;

fn ssh_key(sandbox: &Sandbox, name: &str) -> PathBuf {
    let path = sandbox.root.join(name);
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-f"])
        .arg(&path)
        .status()
        .expect("ssh-keygen");
    assert!(made.success());
    path
}

#[test]
fn a_signature_approves_its_own_hold_and_no_other() {
    let sandbox = Sandbox::start_with(
        "[[rule]]\nid='test.signed'\nverdict='ask'\ncommand='touch **'\nassurance='signature'\nmatches=['touch a']\nspares=['ls']\n",
    );
    sandbox.add_agent("bot");
    let key = ssh_key(&sandbox, "key");
    let public = key.with_extension("pub");
    let run = |words: &[&str]| sandbox.countersign(words).output().unwrap();
    assert!(run(&["reviewer", "add", "sid", "--key", public.to_str().unwrap()]).status.success());
    let mut other = sandbox.run(&["touch", "other"]).stderr(Stdio::null()).spawn().unwrap();
    let mut waiting = sandbox.run(&["touch", "mark"]).stderr(Stdio::null()).spawn().unwrap();
    let holds = sandbox.holds(2);
    let hold = holds.iter().find(|hold| hold.asked.ends_with("mark")).unwrap();
    let approve = run(&["approve", &hold.id, "--as", "sid", "--ssh-key", key.to_str().unwrap()]);
    assert!(approve.status.success(), "{}", String::from_utf8_lossy(&approve.stderr));
    assert!(waiting.wait().unwrap().success());
    assert!(sandbox.mark("mark").exists());

    // The signature is in the record and can be checked; it is valid for no other hold.
    let records = sandbox.records();
    let answer = records.iter().find(|it| it["kind"] == "answer" && it["body"]["state"] == "approved").unwrap();
    let signature = answer["body"]["proof"]["signature"].as_str().unwrap().to_owned();
    let stranger = holds.iter().find(|hold| hold.asked.ends_with("other")).unwrap();
    let replayed = sandbox.answer(
        stranger,
        "approve",
        Vouch { reviewer: "sid".into(), proof: Proof::Ssh(SshSignature { signature, nonce: None }) },
    );
    assert!(replayed.unwrap_err().contains("does not fit"));
    let foreign = ssh_key(&sandbox, "foreign");
    assert!(!run(&["approve", &stranger.id, "--as", "sid", "--ssh-key", foreign.to_str().unwrap()]).status.success());
    let _ = other.kill();
    let _ = other.wait();
    assert!(!sandbox.mark("other").exists());
}

/// Signs a text as `countersign` does, with OpenSSH's own tool.
fn sign(key: &Path, text: &str) -> String {
    let mut child = Command::new("ssh-keygen")
        .args(["-Y", "sign", "-q", "-n", approval::NAMESPACE, "-f", key.to_str().unwrap()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap()
}

#[test]
fn a_signature_of_a_change_serves_once() {
    let sandbox = Sandbox::start();
    let key = ssh_key(&sandbox, "key");
    let (public, private) = (key.with_extension("pub"), key.to_str().unwrap());
    let run = |words: &[&str]| sandbox.countersign(words).output().unwrap();
    assert!(run(&["reviewer", "add", "sid", "--key", public.to_str().unwrap()]).status.success());
    let flag = |on: bool, by: Option<Vouch>| OperatorRequest::Flag { name: "stop".to_owned(), on, by };
    let by = |signature: &str, nonce: Option<&str>| {
        let proof = Proof::Ssh(SshSignature { signature: signature.to_owned(), nonce: nonce.map(str::to_owned) });
        Some(Vouch { reviewer: "sid".to_owned(), proof })
    };
    let nonce = || {
        let OperatorReply::Challenge { nonce, .. } = sandbox.operator(&OperatorRequest::Challenge) else {
            panic!("none")
        };
        nonce
    };
    let refused = |on: bool, by: Option<Vouch>| {
        let OperatorReply::Refused { why } = sandbox.operator(&flag(on, by)) else { panic!("not refused") };
        why
    };
    let text = |on: bool| change_text(&flag(on, None)).unwrap();
    let stop = || {
        let set = run(&["flag", "set", "stop", "--as", "sid", "--ssh-key", private]);
        assert!(set.status.success(), "{}", String::from_utf8_lossy(&set.stderr));
    };
    stop();
    let once = nonce();
    let signature = sign(&key, &signed_change(&text(false), &once));
    // For another change, or with something else that is fresh, it is no signature.
    assert!(refused(false, by(&sign(&key, &signed_change(&text(true), &once)), Some(&once))).contains("does not fit"));
    assert!(refused(false, by(&signature, Some(&nonce()))).contains("does not fit"));
    // Each try uses the nonce up.
    assert!(refused(false, by(&signature, Some(&once))).contains("used already"));
    let once = nonce();
    let signature = sign(&key, &signed_change(&text(false), &once));
    assert!(refused(false, by(&signature, None)).contains("nothing fresh"));
    assert!(matches!(sandbox.operator(&flag(false, by(&signature, Some(&once)))), OperatorReply::Done { .. }));
    // An eavesdropper cannot lift the next stop with it.
    stop();
    assert!(refused(false, by(&signature, Some(&once))).contains("used already"));
    assert!(refused(false, by(&signature, Some(&nonce()))).contains("does not fit"));
    let cleared = run(&["flag", "clear", "stop", "--as", "sid", "--ssh-key", private]);
    assert!(cleared.status.success(), "{}", String::from_utf8_lossy(&cleared.stderr));
}
