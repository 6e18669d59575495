//! `countersign review` in a real terminal of 80 columns and 24 lines (tmux): read, approve, deny; and nothing that an agent writes
//! reaches the terminal as more than text.
#![allow(clippy::unwrap_used, clippy::panic, clippy::expect_used, reason = "a test that cannot go on must fail")]

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use testkit::Sandbox;

/// A terminal of its own.
struct Tmux(String);

impl Tmux {
    fn start(sandbox: &Sandbox, words: &str) -> Self {
        let tmux = Self(sandbox.root.join("tmux").display().to_string());
        let run = sandbox.layout.run.parent().unwrap().display();
        let program = Sandbox::program("countersign");
        let line = format!(
            "{}={run} {} {words}; echo ENDED; sleep 60",
            host::install_paths::DIRECTORY_VARIABLE,
            program.display()
        );
        tmux.tmux(&["new-session", "-d", "-x", "80", "-y", "24", &line]);
        tmux
    }

    fn tmux(&self, words: &[&str]) -> String {
        let output = Command::new("tmux").args(["-S", &self.0, "-f", "/dev/null"]).args(words).output();
        let output = output.expect("tmux; `cargo xtask test` says what is missing");
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    fn keys(&self, keys: &[&str]) {
        self.tmux(&[&["send-keys"], keys].concat());
    }

    /// The screen, once it shows this.
    fn shows(&self, what: &str) -> String {
        let started = Instant::now();
        loop {
            let screen = self.tmux(&["capture-pane", "-p"]);
            if screen.contains(what) {
                return screen;
            }
            assert!(started.elapsed() < Duration::from_secs(20), "`{what}` is not there:\n{screen}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Tmux {
    fn drop(&mut self) {
        let _ = Command::new("tmux").args(["-S", &self.0, "kill-server"]).output();
    }
}

#[test]
fn a_terminal_of_eighty_by_twenty_four_is_enough() {
    let sandbox = Sandbox::start();
    sandbox.add_agent("bot");
    let rita = sandbox.add_reviewer("rita");
    let screen = Tmux::start(&sandbox, "review --as rita");
    screen.shows("nothing waits");
    // Long enough not to fit: nothing is approved that was not read.
    let many: Vec<String> = (0..40).map(|number| format!("directory-{number}")).collect();
    let words: Vec<&str> = ["mkdir"].into_iter().chain(many.iter().map(String::as_str)).collect();
    let mut child = sandbox.run(&words).stderr(Stdio::null()).spawn().unwrap();
    screen.shows("more lines: Space goes on");
    screen.keys(&["a"]);
    screen.shows("read it first");
    for _ in 0..10 {
        screen.keys(&["Space"]);
        std::thread::sleep(Duration::from_millis(100));
    }
    screen.shows("the end");
    screen.keys(&["a"]);
    screen.shows("Code:");
    screen.keys(&[&rita.code(), "Enter"]);
    assert!(child.wait().unwrap().success());
    assert!(screen.shows("nothing waits").contains("approved"));
    // A no, with words for the agent.
    let child = sandbox.run(&["mkdir", "x"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    screen.shows("mkdir x");
    screen.keys(&["d"]);
    screen.shows("Message to the agent:");
    screen.keys(&["use /tmp", "Enter"]);
    let protocol::Proof::Totp(code) = ({
        let _used = rita.vouch();
        let _now = rita.vouch();
        rita.vouch().proof
    }) else {
        panic!("no code")
    };
    screen.shows("Code:");
    screen.keys(&[&code, "Enter"]);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(126));
    assert!(String::from_utf8_lossy(&output.stderr).contains("use /tmp"), "{output:?}");
    screen.keys(&["q"]);
    screen.shows("ENDED");
}

#[test]
fn what_is_the_very_same_takes_one_code() {
    let sandbox = Sandbox::start();
    sandbox.add_agent("bot");
    let rita = sandbox.add_reviewer("rita");
    let screen = Tmux::start(&sandbox, "review --as rita");
    screen.shows("nothing waits");
    let ask = |words: &[&str]| sandbox.run(words).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let mut same = [ask(&["mkdir", "-p", "x"]), ask(&["mkdir", "-p", "x"])];
    screen.shows("A also approves 1 identical");
    screen.keys(&["A"]);
    screen.shows("and 1 more. Code:");
    screen.keys(&[&rita.code(), "Enter"]);
    screen.shows("approved, and 1 with it");
    assert!(same.iter_mut().all(|child| child.wait().unwrap().success()));
    screen.shows("nothing waits");
}

#[test]
fn no_field_of_an_agent_reaches_the_terminal_as_more_than_text() {
    let sandbox = Sandbox::start();
    sandbox.add_agent("bot");
    let _rita = sandbox.add_reviewer("rita");
    let screen = Tmux::start(&sandbox, "review --as rita");
    screen.shows("nothing waits");
    let title = screen.tmux(&["display-message", "-p", "#{pane_title}"]);
    // Titles, colours, clearing, another screen, C1 controls, answers to queries, bidirectional and invisible characters.
    let evil = "\u{1b}]0;OWNED\u{7}\u{1b}[2J\u{1b}[31m\u{1b}[?1049l\u{9b}31m\u{90}q\u{9c}\u{1b}[6n\u{202e}drowssap\u{2066}\u{200b}\r\n▶   9s low        0 bot          ls";
    let mut command = sandbox.countersign(&[
        "run",
        "--agent",
        "bot",
        "--session",
        "s",
        "--intent",
        evil,
        "--task",
        evil,
        "--",
        "mkdir",
        evil,
    ]);
    let mut child = command.current_dir(&sandbox.work).stderr(Stdio::null()).spawn().unwrap();
    let first = screen.shows("mkdir");
    let mut all = first;
    for _ in 0..4 {
        screen.keys(&["Space"]);
        std::thread::sleep(Duration::from_millis(300));
        all.push_str(&screen.tmux(&["capture-pane", "-p"]));
    }
    assert_eq!(screen.tmux(&["display-message", "-p", "#{pane_title}"]), title, "the title was changed");
    assert!(
        !all.chars().any(|it| matches!(it, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200b}')),
        "{all}"
    );
    // The forged line of the queue is no line of its own: ours is the only one that begins so.
    assert!(all.lines().filter(|line| line.starts_with('▶')).all(|line| line.contains("mkdir")), "{all}");
    assert!(all.contains("Countersign — 1 waiting"), "{all}");
    screen.keys(&["q"]);
    screen.shows("ENDED");
    child.kill().unwrap();
    child.wait().unwrap();
}
