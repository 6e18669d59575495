//! The web gate under a user of its own: what it reaches, what it may say, and what an attacker gains who takes it over.
//!
//! Users of their own take root, as in a container or on the machine that runs these tests. Without it, what is tested is the refusal.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    reason = "a test may fail loudly"
)]

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, ErrorKind};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use host::install_paths::Layout;
use host::socket;
use protocol::{
    AgentAttributes, MAX_OPERATOR_ANSWER, MAX_OPERATOR_FRAME, OperatorReply, OperatorRequest, ReviewerAttributes, Vouch,
};
use serde_json::json;
use testkit::{Gate, JSON, Sandbox};

const KEEPER: u32 = 61_001;
const WEB: u32 = 61_002;
const AGENT: u32 = 61_003;
const PATIENCE: Duration = Duration::from_secs(20);

/// Everything under accounts of its own.
struct Apart {
    sandbox: Sandbox,
    programs: PathBuf,
    up: Child,
    gate: Gate,
    /// The link for the very first person.
    link: String,
}

impl Apart {
    fn start() -> Self {
        let sandbox = Sandbox::prepared("");
        let home = sandbox.layout.run.parent().unwrap().to_owned();
        let everything =
            [&home, &sandbox.layout.config, &sandbox.layout.state, &sandbox.layout.log, &sandbox.layout.run];
        everything.iter().for_each(|it| chown(it, Some(KEEPER), Some(KEEPER)).unwrap());
        // Where we were built, not everybody may pass.
        let programs = sandbox.work.join("programs");
        fs::create_dir(&programs).unwrap();
        for name in ["countersign", "countersignd", "countersign-logd", "countersign-gate"] {
            copy(&Sandbox::program(name), &programs.join(name));
        }
        copy(&std::env::current_exe().unwrap(), &programs.join("tester"));
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut up = Command::new(programs.join("countersign"));
        up.args(["up", "--dir", home.to_str().unwrap(), "--web", &format!("127.0.0.1:{port}")])
            .args(["--user", &format!("{KEEPER}:{KEEPER}"), "--web-user", &format!("{WEB}:{WEB}")])
            .env("A_SECRET_OF_ROOT", "x")
            .env("COUNTERSIGN_KEY", "A_SECRET_OF_ROOT");
        let mut up = up.stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(up.stdout.take().unwrap()).lines().map_while(Result::ok);
        let link = lines.find(|line| line.contains("#setup=")).expect("a link for the first person");
        let link = link.split("#setup=").nth(1).unwrap().to_owned();
        std::thread::spawn(move || lines.for_each(drop));
        Self { sandbox, programs, up, gate: Gate::at(format!("127.0.0.1:{port}")), link }
    }

    /// The process of one of our programs that `up` started, by the words of its command line.
    fn process(&self, words: &str) -> u32 {
        let all = Command::new("ps").args(["-o", "pid=,args=", "--ppid", &self.up.id().to_string()]).output().unwrap();
        let all = String::from_utf8(all.stdout).unwrap();
        let line = all.lines().find(|line| line.contains(words)).unwrap_or_else(|| panic!("no `{words}` in {all}"));
        line.split_whitespace().next().unwrap().parse().unwrap()
    }

    /// What a process of a user sees: the lines of [`look_around`].
    fn as_user(&self, uid: u32, daemon: u32) -> Vec<String> {
        let output = Command::new(self.programs.join("tester"))
            .args(["--exact", "look_around", "--nocapture"])
            .env("LOOK_AROUND", self.sandbox.layout.run.parent().unwrap())
            .env("DAEMON", daemon.to_string())
            .current_dir("/")
            .uid(uid)
            .gid(uid)
            .output()
            .unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
        said.lines().filter_map(|line| line.strip_prefix("- ")).map(str::to_owned).collect()
    }
}

impl Drop for Apart {
    fn drop(&mut self) {
        let _ = Command::new("kill").args(["-TERM", &self.up.id().to_string()]).status();
        let _ = self.up.wait();
    }
}

fn copy(from: &Path, to: &Path) {
    if fs::hard_link(from, to).is_err() {
        fs::copy(from, to).unwrap();
    }
}

fn is_root() -> bool {
    host::files::my_uid() == 0
}

/// Not a test by itself: the test below runs it as another user, who tries everything and says what happened.
#[test]
fn look_around() {
    let Some(home) = std::env::var_os("LOOK_AROUND") else { return };
    let layout = Layout::under(Path::new(&home));
    let daemon = std::env::var("DAEMON").unwrap();
    // After what the test harness begins the line with.
    println!();
    let (state, log, run) = (layout.state.join("state.db"), layout.log.join("lock"), layout.run.clone());
    let secrets = [state, log, layout.config.clone(), run, format!("/proc/{daemon}/mem").into()];
    for path in secrets.iter().chain([&layout.state.join("permit.key"), &format!("/proc/{daemon}/environ").into()]) {
        match File::open(path).map_err(|why| why.kind()) {
            Err(ErrorKind::PermissionDenied) => {}
            other => println!("- `{}` can be opened: {other:?}", path.display()),
        }
    }
    for (what, path) in [
        ("operator", layout.operator_socket()),
        ("log", layout.log_socket()),
        ("web", layout.web_socket()),
        ("agent", layout.agent_socket()),
    ] {
        let Ok(stream) = UnixStream::connect(path) else { continue };
        match say(&stream, &OperatorRequest::Status) {
            Some(OperatorReply::Status(_)) => println!("- {what} answers"),
            Some(other) => println!("- {what} says {other:?}"),
            None => println!("- {what} closes"),
        }
    }
    let nobody = || Vouch { reviewer: String::new(), proof: protocol::Proof::Session("x".to_owned()) };
    let name = || "mallory".to_owned();
    let place = || ReviewerAttributes::of("operator");
    for (what, message) in [
        ("invites itself", OperatorRequest::Invite { name: None, place: place(), by: None }),
        ("enrols itself", OperatorRequest::AddReviewer { name: name(), ssh_key: None, place: place(), vouch: None }),
        ("makes an agent", add_agent(None)),
        ("freezes", OperatorRequest::Flag { name: "freeze".to_owned(), on: true, by: None }),
        ("reloads", OperatorRequest::Reload),
        ("has devices", OperatorRequest::PushTargets),
        ("invites with a session", OperatorRequest::Invite { name: Some(name()), place: place(), by: Some(nobody()) }),
        ("reads", OperatorRequest::Read { token: "x".to_owned(), what: protocol::LogQuery::Verify }),
    ] {
        let Ok(stream) = UnixStream::connect(layout.web_socket()) else { continue };
        match say(&stream, &message) {
            Some(OperatorReply::Refused { .. } | OperatorReply::SignedOut { .. }) | None => {}
            Some(other) => println!("- it {what}: {other:?}"),
        }
    }
    if Command::new("kill").args(["-0", &daemon]).stderr(Stdio::null()).status().unwrap().success() {
        println!("- the daemon can be killed");
    }
}

fn say(stream: &UnixStream, message: &OperatorRequest) -> Option<OperatorReply> {
    socket::send(stream, message, MAX_OPERATOR_FRAME, PATIENCE).ok()?;
    socket::receive(stream, MAX_OPERATOR_ANSWER, Some(PATIENCE), PATIENCE).ok()
}

fn add_agent(uid: Option<u32>) -> OperatorRequest {
    let (name, owner) = ("builder".to_owned(), "platform".to_owned());
    OperatorRequest::AddAgent { name, owner, under: None, uid, place: AgentAttributes::default(), by: None }
}

#[test]
fn whoever_takes_the_web_gate_over_has_its_few_words_and_nothing_else() {
    if !is_root() {
        return refused_without_root();
    }
    let apart = Apart::start();
    let daemon = apart.process("countersignd");
    for (words, uid) in [("countersignd", KEEPER), ("countersign-logd", KEEPER), ("countersign-gate", WEB)] {
        let status = fs::read_to_string(format!("/proc/{}/status", apart.process(words))).unwrap();
        let line = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim().to_owned();
        let four = vec![uid.to_string(); 4].join("\t");
        assert_eq!((line("Uid:"), line("Gid:")), (four.clone(), four), "{words}");
        assert_eq!(line("Groups:"), "", "{words}");
        assert!(line("CapEff:").bytes().all(|byte| byte == b'0'), "{words}");
    }
    let environ = fs::read(format!("/proc/{}/environ", apart.process("countersign-gate"))).unwrap();
    assert!(!environ.windows(8).any(|it| it == b"A_SECRET"), "root's environment is handed on");

    // As the gate: its own socket answers, with its own words; nothing else is there, though no person is enrolled yet.
    assert_eq!(apart.as_user(WEB, daemon), ["web answers", "agent closes"]);
    // As any other user: not even that.
    assert_eq!(apart.as_user(AGENT, daemon), ["web closes", "agent closes"]);
    // The same eyes see what there is to be seen.
    let all = apart.as_user(KEEPER, daemon);
    for seen in ["operator answers", "state.db", "killed"] {
        assert!(all.iter().any(|line| line.contains(seen)), "{seen}: {all:?}");
    }
    let said = apart.sandbox.operator(&add_agent(Some(WEB)));
    assert!(matches!(&said, OperatorReply::Refused { why } if why.contains("web gate's")), "{said:?}");
}

#[test]
fn agents_and_people_work_through_it_as_ever() {
    if !is_root() {
        return refused_without_root();
    }
    let apart = Apart::start();
    let sandbox = &apart.sandbox;
    // The link that was printed serves at the page.
    let body = json!({"invite": {"token": apart.link, "name": "anna"}}).to_string();
    let (status, begun) = apart.gate.ask("POST", "/v1/enrolment", &[JSON], &body);
    assert_eq!(status, 200, "{begun}");

    let alice = sandbox.add_reviewer("alice");
    let OperatorReply::Agent { key } = sandbox.operator(&add_agent(Some(AGENT))) else { panic!("no agent") };
    // The agent's key is the agent's own.
    let key_file = sandbox.work.join("builder.key");
    fs::write(&key_file, key).unwrap();
    fs::set_permissions(&key_file, fs::Permissions::from_mode(0o600)).unwrap();
    chown(&key_file, Some(AGENT), Some(AGENT)).unwrap();
    let place = sandbox.work.join("old");
    fs::create_dir(&place).unwrap();
    fs::set_permissions(&place, fs::Permissions::from_mode(0o777)).unwrap();
    let run = |uid: u32| {
        let mut command = Command::new(apart.programs.join("countersign"));
        command
            .args(["run", "--", "rmdir", place.join("gone").to_str().unwrap()])
            .env(host::install_paths::DIRECTORY_VARIABLE, sandbox.layout.run.parent().unwrap())
            .env("COUNTERSIGN_KEY_FILE", &key_file)
            .current_dir(&place)
            .uid(uid)
            .gid(uid);
        command
    };
    fs::create_dir(place.join("gone")).unwrap();
    chown(place.join("gone"), Some(AGENT), Some(AGENT)).unwrap();
    let asking = run(AGENT).spawn().unwrap();
    let hold = sandbox.hold();
    let cookie = apart.gate.sign_in(&alice);
    let protocol::Proof::Totp(code) = alice.vouch().proof else { panic!("no code") };
    let body = json!({"said": "approve", "proof": {"code": code}}).to_string();
    let path = format!("/v1/holds/{}/answer", hold.id);
    let (status, answered) = apart.gate.ask("POST", &path, &[JSON, &cookie], &body);
    assert_eq!(status, 200, "{answered}");
    let output = asking.wait_with_output().unwrap();
    assert!(output.status.success() && !place.join("gone").exists(), "{output:?}");
    // Another user with the same key, as with one that leaked.
    fs::set_permissions(&key_file, fs::Permissions::from_mode(0o644)).unwrap();
    let stolen = run(WEB).output().unwrap();
    assert!(!stolen.status.success() && String::from_utf8_lossy(&stolen.stderr).contains("user"), "{stolen:?}");
}

fn refused_without_root() {
    let sandbox = Sandbox::prepared("");
    let home = sandbox.layout.run.parent().unwrap().to_str().unwrap().to_owned();
    let output =
        sandbox.countersign(&["up", "--dir", &home, "--user", "61001:61001", "--web-user", "61002:61002"]).output();
    let output = output.unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("take root"), "{said}");
}
