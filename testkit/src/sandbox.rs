//! A whole installation for one test.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use approval::TotpSecret;
use host::install_paths::{DIRECTORY_VARIABLE, Layout};
use host::socket;
use protocol::{HoldView, MAX_OPERATOR_ANSWER, MAX_OPERATOR_FRAME, OperatorReply, OperatorRequest, Vouch};

use crate::raw_agent::RawAgent;
use crate::reviewer::Reviewer;

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(30);

static COUNTER: AtomicU64 = AtomicU64::new(0);

/// Daemons under a directory of their own. They end with this value.
pub struct Sandbox {
    /// The directory of everything.
    pub root: PathBuf,
    /// A directory to act in.
    pub work: PathBuf,
    /// Where the installation keeps its things.
    pub layout: Layout,
    /// Variables for `countersignd`.
    pub daemon_environment: Vec<(String, String)>,
    /// Variables for `countersign-logd`.
    pub logd_environment: Vec<(String, String)>,
    logd: Option<Child>,
    daemon: Option<Child>,
}

impl Default for Sandbox {
    fn default() -> Self {
        Self::prepared("")
    }
}

impl Sandbox {
    /// Everything running, under the shipped rules.
    pub fn start() -> Self {
        Self::start_with("")
    }

    /// Everything running, under the shipped rules and these.
    pub fn start_with(rules: &str) -> Self {
        let mut sandbox = Self::prepared(rules);
        sandbox.start_logd();
        sandbox.start_daemon();
        sandbox
    }

    /// The directories and rules, with nothing running.
    pub fn prepared(rules: &str) -> Self {
        let number = COUNTER.fetch_add(1, Ordering::SeqCst);
        let root = std::env::temp_dir().join(format!("countersign-test-{}-{number}", std::process::id()));
        let _ = fs::remove_dir_all(&root);
        let (home, work) = (root.join("home"), root.join("work"));
        fs::create_dir_all(&work).unwrap();
        let layout = Layout::under(&home);
        for directory in [&layout.config, &layout.state, &layout.log, &layout.run] {
            host::files::private_directory(directory).unwrap();
        }
        if !rules.is_empty() {
            host::files::private_directory(&layout.policy()).unwrap();
            fs::write(layout.policy().join("05-test.toml"), rules).unwrap();
        }
        Self {
            root,
            work,
            layout,
            daemon_environment: Vec::new(),
            logd_environment: Vec::new(),
            logd: None,
            daemon: None,
        }
    }

    /// A program that was built with this test.
    pub fn program(name: &str) -> PathBuf {
        let test = std::env::current_exe().unwrap();
        let built = test.parent().and_then(Path::parent).unwrap().join(name);
        assert!(
            built.exists(),
            "`{}` is not built; run `cargo build --workspace` (or `cargo xtask test`)",
            built.display()
        );
        built
    }

    /// Starts the log.
    pub fn start_logd(&mut self) {
        let mut command = self.command(Self::program("countersign-logd"));
        command.envs(self.logd_environment.iter().map(|(name, value)| (name, value)));
        self.logd = Some(command.stdin(Stdio::null()).spawn().unwrap());
        wait_for(&self.layout.log_socket());
    }

    /// Starts a log that cannot start, and gives its words.
    pub fn start_logd_in_vain(&self) -> String {
        let output = self.command(Self::program("countersign-logd")).stdin(Stdio::null()).output().unwrap();
        assert!(!output.status.success(), "it started");
        String::from_utf8_lossy(&output.stderr).into_owned()
    }

    /// Starts the daemon.
    pub fn start_daemon(&mut self) {
        assert!(self.try_start_daemon(), "countersignd did not start");
    }

    /// Starts the daemon; says whether it became ready.
    pub fn try_start_daemon(&mut self) -> bool {
        let _ = fs::remove_file(self.layout.agent_socket());
        let mut command = self.command(Self::program("countersignd"));
        command.envs(self.daemon_environment.iter().map(|(name, value)| (name, value)));
        let mut child = command.stdin(Stdio::null()).spawn().unwrap();
        let started = Instant::now();
        while std::os::unix::net::UnixStream::connect(self.layout.agent_socket()).is_err() {
            if !matches!(child.try_wait(), Ok(None)) || started.elapsed() > PATIENCE {
                let _ = child.kill();
                let _ = child.wait();
                return false;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        self.daemon = Some(child);
        true
    }

    /// Kills the daemon, as a crash would.
    pub fn kill_daemon(&mut self) {
        if let Some(mut child) = self.daemon.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// The process of `countersign-logd` or `countersignd`.
    pub fn pid(&self, name: &str) -> u32 {
        let child = if name == "countersignd" { &self.daemon } else { &self.logd };
        child.as_ref().unwrap().id()
    }

    /// Ends the log in order.
    pub fn end_logd(&mut self) {
        if let Some(mut child) = self.logd.take() {
            let ended = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
            assert!(ended.success() && child.wait().unwrap().success(), "the log was not ended in order");
        }
    }

    /// Kills the log, as a crash would.
    pub fn kill_logd(&mut self) {
        if let Some(mut child) = self.logd.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    fn command(&self, program: PathBuf) -> Command {
        let mut command = Command::new(program);
        let home = self.layout.run.parent().unwrap();
        command.env(DIRECTORY_VARIABLE, home).current_dir(&self.work);
        for name in ["COUNTERSIGN_AGENT", "COUNTERSIGN_KEY", "COUNTERSIGN_KEY_FILE", "COUNTERSIGN_REVIEWER"] {
            command.env_remove(name);
        }
        command
    }

    /// The command line, in the work directory.
    pub fn countersign(&self, words: &[&str]) -> Command {
        let mut command = self.command(Self::program("countersign"));
        command.args(words).stdin(Stdio::null());
        command
    }

    /// `countersign run` by the agent `bot`.
    pub fn run(&self, words: &[&str]) -> Command {
        let mut all = vec!["run", "--agent", "bot"];
        if words.first() != Some(&"-c") {
            all.push("--");
        }
        all.extend(words);
        self.countersign(&all)
    }

    /// Makes an agent with its key file, and gives the key.
    pub fn add_agent(&self, name: &str) -> String {
        let say = OperatorRequest::AddAgent {
            name: name.to_owned(),
            under: None,
            owner: "platform".to_owned(),
            uid: None,
            place: protocol::AgentAttributes::default(),
            by: None,
        };
        let OperatorReply::Agent { key } = self.operator(&say) else { panic!("no agent") };
        let path = self.layout.agent_key(name);
        host::files::private_directory(path.parent().unwrap()).unwrap();
        fs::write(path, &key).unwrap();
        key
    }

    /// Enrols the first reviewer.
    pub fn add_reviewer(&self, name: &str) -> Reviewer {
        self.enrol(name, None)
    }

    /// Enrols a reviewer for whom another vouches.
    pub fn enrol(&self, name: &str, by: Option<&Reviewer>) -> Reviewer {
        self.enrol_as(name, "reviewer", &[], by)
    }

    /// Enrols a person with a role and groups; the first is an operator.
    pub fn enrol_as(&self, name: &str, role: &str, groups: &[&str], by: Option<&Reviewer>) -> Reviewer {
        let (role, groups) = (role.to_owned(), groups.iter().map(|it| (*it).to_owned()).collect());
        let (place, vouch) = (protocol::ReviewerAttributes { role, groups }, by.map(Reviewer::vouch));
        let say = OperatorRequest::AddReviewer { name: name.to_owned(), ssh_key: None, place, vouch };
        let heard = self.operator(&say);
        let OperatorReply::Reviewer { totp_uri: Some(uri) } = heard else { panic!("no reviewer: {heard:?}") };
        let secret = uri.split("secret=").nth(1).and_then(|rest| rest.split('&').next()).unwrap();
        Reviewer::new(name, TotpSecret::from_base32(secret).unwrap())
    }

    /// Says something at the operator's socket.
    pub fn operator(&self, say: &OperatorRequest) -> OperatorReply {
        let stream =
            std::os::unix::net::UnixStream::connect(self.layout.operator_socket()).expect("the operator's socket");
        socket::send(&stream, say, MAX_OPERATOR_FRAME, PATIENCE).unwrap();
        socket::receive(&stream, MAX_OPERATOR_ANSWER, Some(PATIENCE), PATIENCE).unwrap()
    }

    /// Follows repeated replies; what comes back gives the next.
    pub fn follow(&self, say: &OperatorRequest) -> impl Fn() -> OperatorReply + use<> {
        let stream =
            std::os::unix::net::UnixStream::connect(self.layout.operator_socket()).expect("the operator's socket");
        socket::send(&stream, say, MAX_OPERATOR_FRAME, PATIENCE).unwrap();
        move || socket::receive(&stream, MAX_OPERATOR_ANSWER, Some(PATIENCE), PATIENCE).unwrap()
    }

    /// Waits until something is held.
    pub fn hold(&self) -> HoldView {
        self.holds(1).pop().unwrap()
    }

    /// Waits until so many are held.
    pub fn holds(&self, count: usize) -> Vec<HoldView> {
        let started = Instant::now();
        loop {
            let OperatorReply::Holds { holds } = self.operator(&OperatorRequest::Holds { follow: false }) else {
                panic!("no list")
            };
            if holds.len() >= count {
                return holds;
            }
            assert!(started.elapsed() < PATIENCE, "{} held, {count} expected", holds.len());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Answers a hold: the state that follows, or why it did not count.
    pub fn answer(&self, hold: &HoldView, said: &str, by: Vouch) -> Result<String, String> {
        match self.operator(&OperatorRequest::Answer {
            hold: hold.id.clone(),
            said: said.to_owned(),
            by,
            rule: None,
            reason: None,
            session: None,
            also: Vec::new(),
        }) {
            OperatorReply::Answered { state, .. } => Ok(state),
            OperatorReply::Refused { why } => Err(why),
            other => panic!("{other:?}"),
        }
    }

    /// A raw connection to the agents' socket.
    pub fn raw(&self, key: &str) -> RawAgent {
        RawAgent::connect(&self.layout.agent_socket(), key)
    }

    /// A file that only we can read; gives its path.
    pub fn secret(&self, name: &str, text: &str) -> String {
        let path = self.root.join(name);
        host::files::replace(&path, text.as_bytes(), 0o600).unwrap();
        path.display().to_string()
    }

    /// A file in the work directory that an act would make: the proof that it ran.
    pub fn mark(&self, name: &str) -> PathBuf {
        self.work.join(name)
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.kill_daemon();
        self.kill_logd();
        let problems = crate::record_schema::problems(&self.layout.log);
        let _ = fs::remove_dir_all(&self.root);
        // Whatever a test is about: each record that was written is as the published schema says.
        assert!(problems.is_empty() || std::thread::panicking(), "{problems:#?}");
    }
}

fn wait_for(socket: &Path) {
    let started = Instant::now();
    while std::os::unix::net::UnixStream::connect(socket).is_err() {
        assert!(started.elapsed() < PATIENCE, "nothing answers at {}", socket.display());
        std::thread::sleep(Duration::from_millis(5));
    }
}
