//! The installation as `docs/operate/install.md` sets it up: the daemon, the web gate and an agent under accounts of their own.

use std::fs;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use protocol::{OperatorReply, OperatorRequest};

use crate::Sandbox;

/// The user of the daemon and the log.
const KEEPER: u32 = 61_011;
/// The user of the web gate.
const WEB: u32 = 61_012;
/// The agent's user.
const AGENT: u32 = 61_013;

/// Separate accounts, and a home of the agent.
pub struct SeparateUsers {
    /// Its directories and sockets. Its test user is root, who may reach each of them.
    pub sandbox: Sandbox,
    /// The agent's home, owned by the agent's user.
    pub home: PathBuf,
    /// The key of the agent `bot`.
    pub key: String,
    programs: PathBuf,
    up: Child,
}

impl SeparateUsers {
    /// Starts everything under the shipped rules and these. Nothing where the test does not run as root.
    pub fn start(rules: &str) -> Option<Self> {
        if host::files::my_uid() != 0 {
            return None;
        }
        let sandbox = Sandbox::prepared(rules);
        let root = sandbox.layout.run.parent().unwrap().to_owned();
        own(&root, KEEPER);
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
        fs::create_dir(&home).unwrap();
        own(&home, AGENT);
        let add = OperatorRequest::AddAgent {
            name: "bot".to_owned(),
            owner: "platform".to_owned(),
            under: None,
            uid: Some(AGENT),
            place: protocol::AgentAttributes::default(),
            by: None,
        };
        let OperatorReply::Agent { key } = sandbox.operator(&add) else { panic!("no agent") };
        Some(Self { sandbox, home, key, programs, up })
    }

    /// A program that the agent's user starts in its home, with nothing in its environment but a search path.
    pub fn as_agent(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.home).uid(AGENT).gid(AGENT).env_clear().stdin(Stdio::null());
        command.env("PATH", format!("{}:/usr/bin:/bin", self.home.join("bin").display()));
        command
    }

    /// `countersign` with these words, started by the agent's user.
    pub fn countersign(&self, words: &[&str]) -> Command {
        let mut command = self.as_agent(self.programs.join("countersign"));
        command.args(words);
        command.env("COUNTERSIGN_DIR", self.sandbox.layout.run.parent().unwrap()).env("COUNTERSIGN_KEY", &self.key);
        command
    }

    /// `countersign run` with these words: its exit status and what it printed.
    pub fn run(&self, words: &[&str]) -> (Option<i32>, String) {
        let output = self.countersign(&[&["run"], words].concat()).output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
    }

    /// A file of the agent.
    pub fn write(&self, name: &str, text: &str) {
        let path = self.home.join(name);
        fs::write(&path, text).unwrap();
        chown(&path, Some(AGENT), Some(AGENT)).unwrap();
    }

    /// Gives a directory with all that it holds to the agent's user.
    pub fn give(&self, path: &Path) {
        own(path, AGENT);
    }
}

impl Drop for SeparateUsers {
    fn drop(&mut self) {
        let _ = Command::new("kill").args(["-TERM", &self.up.id().to_string()]).status();
        let _ = self.up.wait();
    }
}

fn own(path: &Path, uid: u32) {
    if path.is_dir() && !path.is_symlink() {
        for entry in fs::read_dir(path).unwrap() {
            own(&entry.unwrap().path(), uid);
        }
    }
    std::os::unix::fs::lchown(path, Some(uid), Some(uid)).unwrap();
}
