//! An agent reaches for what the firewall lives on, and hides behind what the daemon may not read: live, under one account and apart.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must fail"
)]

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use std::time::{Duration, Instant};

use protocol::{OperatorReply, OperatorRequest};
use testkit::Sandbox;

const KEEPER: u32 = 61_011;
const WEB: u32 = 61_012;
const AGENT: u32 = 61_013;

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
    assert!(sandbox.holds(0).is_empty(), "nobody is asked for it");
}

/// The daemon under an account of its own, and a home of an agent that it may not look into.
struct Apart {
    sandbox: Sandbox,
    programs: PathBuf,
    home: PathBuf,
    up: Child,
}

impl Apart {
    fn start() -> Self {
        let sandbox = Sandbox::prepared("");
        let root = sandbox.layout.run.parent().unwrap().to_owned();
        let layout = &sandbox.layout;
        for it in [&root, &layout.config, &layout.state, &layout.log, &layout.run] {
            chown(it, Some(KEEPER), Some(KEEPER)).unwrap();
        }
        let programs = sandbox.work.join("programs");
        fs::create_dir(&programs).unwrap();
        for name in ["countersign", "countersignd", "countersign-logd", "countersign-gate"] {
            fs::copy(Sandbox::program(name), programs.join(name)).unwrap();
        }
        let mut up = Command::new(programs.join("countersign"));
        up.args(["up", "--dir", root.to_str().unwrap(), "--user", &format!("{KEEPER}:{KEEPER}")]);
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        up.args(["--web-user", &format!("{WEB}:{WEB}"), "--web", &format!("127.0.0.1:{port}")]);
        let up = up.stdout(Stdio::null()).spawn().unwrap();
        let started = Instant::now();
        while std::os::unix::net::UnixStream::connect(sandbox.layout.operator_socket()).is_err() {
            assert!(started.elapsed() < Duration::from_secs(30), "it did not start");
            std::thread::sleep(Duration::from_millis(50));
        }
        let home = sandbox.root.join("agent");
        fs::create_dir_all(home.join("bin")).unwrap();
        fs::create_dir(home.join(".ssh")).unwrap();
        fs::write(home.join(".ssh/id_rsa"), "THE KEY\n").unwrap();
        fs::write(home.join("bin/ls"), "#!/bin/sh\necho EVIL ran\n").unwrap();
        fs::set_permissions(home.join("bin/ls"), fs::Permissions::from_mode(0o755)).unwrap();
        symlink(home.join(".ssh/id_rsa"), home.join("README2")).unwrap();
        for path in [home.join("bin/ls"), home.join("bin"), home.join(".ssh/id_rsa"), home.join(".ssh"), home.clone()] {
            chown(&path, Some(AGENT), Some(AGENT)).unwrap();
        }
        fs::set_permissions(&home, fs::Permissions::from_mode(0o700)).unwrap();
        Self { sandbox, programs, home, up }
    }

    /// `countersign run` as the agent's user, in its home.
    fn run(&self, key: &str, words: &[&str]) -> (Option<i32>, String) {
        let mut command = Command::new(self.programs.join("countersign"));
        command.arg("run").args(words).current_dir(&self.home).uid(AGENT).gid(AGENT).env_clear();
        command.env("PATH", format!("{}:/usr/bin:/bin", self.home.join("bin").display()));
        command.env("COUNTERSIGN_DIR", self.sandbox.layout.run.parent().unwrap()).env("COUNTERSIGN_KEY", key);
        let output = command.stdin(Stdio::null()).output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
    }
}

impl Drop for Apart {
    fn drop(&mut self) {
        let _ = Command::new("kill").args(["-TERM", &self.up.id().to_string()]).status();
        let _ = self.up.wait();
    }
}

#[test]
fn apart_what_the_daemon_may_not_look_at_is_not_taken_for_harmless() {
    if host::files::my_uid() != 0 {
        return;
    }
    let apart = Apart::start();
    let add = OperatorRequest::AddAgent {
        name: "bot".to_owned(),
        owner: "platform".to_owned(),
        under: None,
        uid: Some(AGENT),
        place: protocol::AgentAttributes::default(),
        by: None,
    };
    let OperatorReply::Agent { key } = apart.sandbox.operator(&add) else { panic!("no agent") };
    for words in [&["-c", "ls"][..], &["--", "cat", "README2"], &["-c", "cat README2"], &["-c", "base64 < README2"]] {
        let (status, said) = apart.run(&key, words);
        assert!(matches!(status, Some(125 | 126)), "{words:?}: {status:?} {said}");
        assert!(!said.contains("EVIL ran") && !said.contains("THE KEY"), "{words:?}: {said}");
    }
    let state = apart.sandbox.layout.state.join("state.db");
    for path in [state.as_path(), Path::new("../home/state/state.db")] {
        let (status, said) = apart.run(&key, &["--", "base64", path.to_str().unwrap()]);
        assert_eq!(status, Some(126), "{}: {said}", path.display());
    }
    // What it may look at goes on as before.
    let (status, said) = apart.run(&key, &["--", "/bin/ls", "/"]);
    assert_eq!(status, Some(0), "{said}");
}
