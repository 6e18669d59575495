//! An agent reaches for what the firewall lives on, and hides behind what the daemon may not read: live, under one account and apart.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must fail"
)]

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use testkit::{Sandbox, SeparateUsers};

#[test]
fn under_one_account_our_own_secrets_are_refused_by_rule() {
    let sandbox = Sandbox::start();
    sandbox.add_agent("bot");
    let rita = sandbox.add_reviewer("rita");
    let hold = {
        let mut run = sandbox.run(&["mkdir", "x"]).stderr(Stdio::null()).spawn().unwrap();
        let hold = sandbox.hold();
        sandbox.answer(&hold, "deny", rita.vouch()).unwrap();
        run.wait().unwrap();
        hold
    };
    assert!(!hold.id.is_empty());
    let layout = &sandbox.layout;
    let at = |path: PathBuf| path.display().to_string();
    let state = at(layout.state.join("state.db"));
    let relative = "../home/state/state.db-wal".to_owned();
    for words in [
        vec!["base64".to_owned(), "-w0".to_owned(), state.clone()],
        vec!["base64".to_owned(), "-w0".to_owned(), at(layout.state.join("state.db-wal"))],
        vec!["cat".to_owned(), relative.clone()],
        vec!["cat".to_owned(), at(layout.agent_key("bot"))],
        vec!["head".to_owned(), "-c1".to_owned(), at(layout.state.join("permit.key"))],
        vec!["grep".to_owned(), "-r".to_owned(), "x".to_owned(), at(layout.state.clone())],
        vec!["tar".to_owned(), "cf".to_owned(), "x.tar".to_owned(), at(layout.state.clone())],
        vec!["rm".to_owned(), "-rf".to_owned(), at(layout.config.clone())],
        vec!["mv".to_owned(), at(layout.run.parent().unwrap().to_owned()), "elsewhere".to_owned()],
        vec!["-c".to_owned(), format!("cat {state} > copy")],
        vec!["-c".to_owned(), format!("f={state}; base64 \"$f\"")],
        vec!["-c".to_owned(), format!("cd {} && cat state.d?", at(layout.state.clone()))],
    ] {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let output = sandbox.run(&words).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(126), "{words:?}: {said}");
        assert!(output.stdout.is_empty(), "{words:?}");
    }
    assert!(sandbox.holds(0).is_empty(), "no reviewer is asked for it");
}

/// The whole attack: the agent has a hold of its own open, reaches for the secret of a reviewer, makes a code, approves.
#[test]
fn under_one_account_an_agent_gets_no_code_to_approve_its_own_hold_with() {
    let sandbox = Sandbox::start();
    sandbox.add_agent("bot");
    let rita = sandbox.add_reviewer("rita");
    let mut run = sandbox.run(&["mkdir", "x"]).stderr(Stdio::null()).spawn().unwrap();
    let hold = sandbox.hold();
    // What would have been put together and opened outside: no byte of it leaves a governed act.
    let names = ["state.db", "state.db-wal"].map(|name| sandbox.layout.state.join(name).display().to_string());
    for name in &names {
        let output = sandbox.run(&["base64", "-w0", name]).output().unwrap();
        assert_eq!((output.status.code(), output.stdout.len()), (Some(126), 0), "{name}");
    }
    // The last step as a governed act, with the code that the agent did not get: no agent approves.
    let code = rita.code();
    let approve = ["approve", &hold.id, "--as", "rita", "--code", &code];
    let program = Sandbox::program("countersign").display().to_string();
    for act in [[&[program.as_str()], &approve[..]].concat(), [&["env", "-u", "LANG", &program], &approve[..]].concat()]
    {
        let output = sandbox.run(&act).stdin(Stdio::null()).output().unwrap();
        assert_eq!(output.status.code(), Some(126), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let text = format!("echo {code} | {program} approve {} --as rita", hold.id);
    let output = sandbox.run(&["-c", &text]).output().unwrap();
    assert_eq!(output.status.code(), Some(126), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(sandbox.holds(1).len(), 1, "still open, and people were asked about nothing else");
    assert!(!sandbox.mark("x").exists());
    sandbox.answer(&hold, "deny", rita.vouch()).unwrap();
    assert_eq!(run.wait().unwrap().code(), Some(126));
}

/// The same under accounts of their own, where the last step needs no governed act: even with the right code it reaches nothing.
#[test]
fn apart_an_agent_cannot_approve_its_own_hold_even_with_the_right_code() {
    let Some(apart) = SeparateUsers::start("") else { return };
    let rita = apart.sandbox.add_reviewer("rita");
    let mut run = apart.countersign(&["run", "--", "mkdir", "x"]).stderr(Stdio::null()).spawn().unwrap();
    let hold = apart.sandbox.hold();
    for name in ["state.db", "state.db-wal"] {
        let path = apart.sandbox.layout.state.join(name);
        let (status, said) = apart.run(&["--", "base64", "-w0", path.to_str().unwrap()]);
        assert_eq!(status, Some(126), "{said}");
        // By another way to start programs, which no enforcement point sees: the account says no.
        let output = apart.as_agent("cat").arg(&path).output().unwrap();
        assert!(!output.status.success() && output.stdout.is_empty());
    }
    let code = rita.code();
    let output = apart.countersign(&["approve", &hold.id, "--as", "rita", "--code", &code]).output().unwrap();
    assert!(!output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    let socket = apart.sandbox.layout.operator_socket();
    let connect = "import socket,sys; s=socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); s.send(b'x')";
    let output = apart.as_agent("python3").args(["-c", connect]).arg(&socket).output().unwrap();
    assert!(!output.status.success(), "the operator's socket is open to the agent");
    assert_eq!(apart.sandbox.holds(1).len(), 1);
    apart.sandbox.answer(&hold, "deny", rita.vouch()).unwrap();
    assert_eq!(run.wait().unwrap().code(), Some(126));
    assert!(!apart.home.join("x").exists());
}

#[test]
fn apart_what_the_daemon_may_not_look_at_is_not_taken_for_harmless() {
    let Some(apart) = SeparateUsers::start("") else { return };
    let home = &apart.home;
    fs::create_dir_all(home.join("bin")).unwrap();
    fs::create_dir(home.join(".ssh")).unwrap();
    fs::write(home.join(".ssh/id_rsa"), "THE KEY\n").unwrap();
    fs::write(home.join("bin/ls"), "#!/bin/sh\necho EVIL ran\n").unwrap();
    fs::set_permissions(home.join("bin/ls"), fs::Permissions::from_mode(0o755)).unwrap();
    symlink(home.join(".ssh/id_rsa"), home.join("README2")).unwrap();
    apart.give(home);
    fs::set_permissions(home, fs::Permissions::from_mode(0o700)).unwrap();
    for words in [&["-c", "ls"][..], &["--", "cat", "README2"], &["-c", "cat README2"], &["-c", "base64 < README2"]] {
        let (status, said) = apart.run(words);
        assert!(matches!(status, Some(125 | 126)), "{words:?}: {status:?} {said}");
        assert!(!said.contains("EVIL ran") && !said.contains("THE KEY"), "{words:?}: {said}");
    }
    let state = apart.sandbox.layout.state.join("state.db");
    for path in [state.as_path(), Path::new("../home/state/state.db")] {
        let (status, said) = apart.run(&["--", "base64", path.to_str().unwrap()]);
        assert_eq!(status, Some(126), "{}: {said}", path.display());
    }
    // What it may look at goes on as before.
    let (status, said) = apart.run(&["--", "/bin/ls", "/"]);
    assert_eq!(status, Some(0), "{said}");
}
