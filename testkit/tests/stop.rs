//! Stopping: what waits is denied, what runs ends with everything that it started, and nothing more begins.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test that cannot go on must fail"
)]

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use protocol::{AgentReply, OperatorReply, OperatorRequest, Proof, Refusal, Vouch};
use testkit::{Sandbox, bash_act, exec_act};

/// A session is enough to approve; no limit slows the test down.
const RULES: &str = "[velocity]\nlow = 1000\nmedium = 1000\nhigh = 1000\ncritical = 1000\ntotal = 1000\nburst = 1000\n[default]\n\
                     low = { assurance = 'session' }\nmedium = { assurance = 'session' }\nhigh = { assurance = 'session' }\ncritical = { people = 1, assurance = 'session' }\n";

/// What is stopped must be gone by then: five seconds to end by itself, and one.
const GONE_WITHIN: Duration = Duration::from_secs(8);

/// An installation with a signed-in person.
struct Stage {
    sandbox: Sandbox,
    token: String,
    /// What tells processes of this test from others: seconds that no other process sleeps.
    nap: u32,
}

impl Stage {
    fn set() -> Self {
        let sandbox = Sandbox::start_with(RULES);
        let rita = sandbox.add_reviewer("rita");
        let OperatorReply::SignedIn { token } = sandbox.operator(&OperatorRequest::SignIn { by: rita.vouch() }) else {
            panic!("not signed in")
        };
        Self { sandbox, token, nap: 1_000_000 + std::process::id() }
    }

    /// Starts something, and waits until so many of its naps are there.
    fn run(&self, agent: &str, words: &[&str], naps: usize) -> Child {
        let before = self.naps();
        let all = [&["run", "--agent", agent, "-q"], words].concat();
        let child = self.sandbox.countersign(&all).stderr(Stdio::piped()).spawn().unwrap();
        // Naps need no approval; writes do, and effects that are unknown.
        if words.iter().any(|it| ["touch", "perl", "python3"].iter().any(|program| it.contains(program))) {
            let hold = self.sandbox.hold();
            let by = Vouch { reviewer: "rita".to_owned(), proof: Proof::Session(self.token.clone()) };
            assert_eq!(self.sandbox.answer(&hold, "approve", by).as_deref(), Ok("approved"));
        }
        self.wait_for(before + naps);
        child
    }

    fn naps(&self) -> usize {
        let found = Command::new("pgrep").args(["-c", "-x", "-f", &format!("sleep {}", self.nap)]).output().unwrap();
        String::from_utf8(found.stdout).unwrap().trim().parse().unwrap()
    }

    fn wait_for(&self, naps: usize) {
        let since = Instant::now();
        while self.naps() != naps {
            assert!(since.elapsed() < GONE_WITHIN, "{} sleep, not {naps}", self.naps());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn stop(&self, agent: Option<&str>) -> String {
        let say = OperatorRequest::Stop { token: self.token.clone(), agent: agent.map(str::to_owned), session: None };
        let OperatorReply::Done { what } = self.sandbox.operator(&say) else { panic!("not stopped") };
        what
    }
}

fn ended(child: Child) -> (Option<i32>, String) {
    use std::os::unix::process::ExitStatusExt as _;
    let output = child.wait_with_output().unwrap();
    (output.status.signal(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn whatever_runs_ends_however_it_was_started_and_what_waits_is_denied() {
    let mut stage = Stage::set();
    let nap = format!("sleep {}", stage.nap);
    let key = stage.sandbox.add_agent("bot");
    let plain = stage.run("bot", &["--", "sleep", &stage.nap.to_string()], 1);
    // In another session, orphaned, and deaf to the word to end.
    let text = format!("setsid {nap} & (trap '' TERM; {nap} & {nap}) & {nap}");
    let clever = stage.run("bot", &["-c", &text], 4);
    let recorded = stage.run("bot", &["--record", "--", "sleep", &stage.nap.to_string()], 1);
    let waiting: Vec<_> = (0..5)
        .map(|number| {
            let agent = stage.sandbox.raw(&key);
            assert!(matches!(agent.submit(&exec_act(&["mkdir", &format!("m{number}")])), AgentReply::Held { .. }));
            agent
        })
        .collect();
    let since = Instant::now();
    let said = stage.stop(None);
    assert!(said.contains("5 holds ended, 3 acts that run are ended, 1 of them recorded"), "{said}");
    for agent in &waiting {
        let AgentReply::Deny { refusal: Refusal::Denied, reasons } = agent.hear().unwrap() else {
            panic!("not denied")
        };
        assert!(
            reasons[0].contains("people stopped this (flag `stop`)"),
            "an agent that hears this does not try again: {reasons:?}"
        );
    }
    assert!(since.elapsed() < Duration::from_secs(1), "{:?}", since.elapsed());
    let (signal, words) = ended(plain);
    assert_eq!(signal, Some(15), "{words}");
    assert!(words.contains("people stopped this"), "{words}");
    for child in [clever, recorded] {
        let (signal, words) = ended(child);
        assert!(signal.is_some() && words.contains("people stopped this"), "{signal:?} {words}");
    }
    stage.wait_for(0);
    let records = stage.sandbox.records();
    let outcomes: Vec<_> = records.iter().filter(|it| it["kind"] == "outcome").collect();
    let ended = records.iter().filter(|it| it["kind"] == "answer" && it["body"]["why"] == "stopped").count();
    assert_eq!(ended, 5, "why they were lost is in the record");
    assert_eq!(outcomes.len(), 3, "each is recorded with how it ended: {outcomes:?}");
    assert!(
        outcomes.iter().all(|it| it["body"]["signal"].is_number() || it["body"]["exit"].is_number()),
        "{outcomes:?}"
    );
    // It outlives the daemon.
    stage.sandbox.kill_daemon();
    stage.sandbox.start_daemon();
    assert!(matches!(stage.sandbox.raw(&key).submit(&bash_act("ls")), AgentReply::Deny { .. }));
}

#[test]
fn one_agent_is_stopped_and_others_go_on() {
    let stage = Stage::set();
    for name in ["bot", "other"] {
        stage.sandbox.add_agent(name);
    }
    let nap = stage.nap.to_string();
    let bot = stage.run("bot", &["--", "sleep", &nap], 1);
    let mut other = stage.run("other", &["--", "sleep", &nap], 1);
    assert!(stage.stop(Some("bot")).contains("1 acts that run are ended"));
    assert_eq!(ended(bot).0, Some(15));
    stage.wait_for(1);
    assert!(other.try_wait().unwrap().is_none());
    // In the terminal, at once: stopping takes no proof, going on does.
    let set = stage.sandbox.countersign(&["flag", "set", "stop:other"]).output().unwrap();
    let said = String::from_utf8_lossy(&set.stdout).into_owned();
    assert!(set.status.success() && said.contains("1 acts that run are ended"), "{said}");
    assert_eq!(ended(other).0, Some(15));
    assert!(!stage.sandbox.countersign(&["flag", "clear", "stop:other"]).output().unwrap().status.success());
    let run = stage.sandbox.countersign(&["run", "--agent", "other", "--", "ls"]).output().unwrap();
    assert_eq!(run.status.code(), Some(126), "{}", String::from_utf8_lossy(&run.stderr));
}

/// What is shown as ended while others of its threads go on; and what is never the same process for longer than a moment.
#[test]
fn what_looks_ended_and_what_never_stands_still_end_too() {
    let stage = Stage::set();
    stage.sandbox.add_agent("bot");
    let headless = format!(
        "import ctypes, os, threading, time\n\
         threading.Thread(target=lambda: (time.sleep(0.3), os.system('sleep {}; sleep 30'))).start()\n\
         ctypes.CDLL(None).pthread_exit(None)",
        stage.nap
    );
    let headless = stage.run("bot", &["--", "python3", "-c", &headless], 1);
    // It ends by itself, so that a failure here does not outlive the test for long.
    let comet = "$SIG{TERM} = 'IGNORE'; $end = time + 30; while (time < $end) { exit if fork; next if ++$n % 50; open F, '>', 'touched'; print F $n; close F }";
    let comet =
        stage.run("bot", &["-c", &format!("perl -e \"{}\" & sleep {}", comet.replace('$', "\\$"), stage.nap)], 1);
    let beat = || std::fs::read_to_string(stage.sandbox.mark("touched")).unwrap_or_default();
    let moves = |within: Duration| {
        let (since, before) = (Instant::now(), beat());
        while since.elapsed() < within {
            if beat() != before {
                return true;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        false
    };
    assert!(moves(GONE_WITHIN), "it does not fly");
    assert!(stage.stop(None).contains("2 acts that run are ended"));
    for child in [headless, comet] {
        let (_, words) = ended(child);
        assert!(words.contains("people stopped this"), "{words}");
    }
    stage.wait_for(0);
    assert!(!moves(Duration::from_secs(1)), "it still flies");
}

#[test]
fn what_ended_beside_an_act_leaves_nothing_behind() {
    let stage = Stage::set();
    stage.sandbox.add_agent("bot");
    let text = format!("for i in $(seq 200); do (sleep 0 & sleep 0); done; sleep {}", stage.nap);
    for record in [&[][..], &["--record"]] {
        let mut child = stage.run("bot", &[record, &["-c", &text]].concat(), 1);
        let ended = Command::new("ps").args(["-o", "stat=", "--ppid", &child.id().to_string()]).output().unwrap();
        let ended = String::from_utf8(ended.stdout).unwrap().lines().filter(|it| it.starts_with('Z')).count();
        assert!(ended < 5, "{ended} that ended are still there");
        child.kill().unwrap();
        child.wait().unwrap();
        Command::new("pkill").args(["-x", "-f", &format!("sleep {}", stage.nap)]).status().unwrap();
        stage.wait_for(0);
    }
}

#[test]
fn an_act_outlives_the_daemon_that_allowed_it() {
    let mut stage = Stage::set();
    stage.sandbox.add_agent("bot");
    let child = stage.run("bot", &["-c", &format!("timeout 2 sleep {}; touch went-on", stage.nap)], 1);
    stage.sandbox.kill_daemon();
    let (signal, words) = ended(child);
    assert!(signal.is_none() && !words.contains("people stopped this"), "{words}");
    assert!(stage.sandbox.mark("went-on").exists());
}
