//! Whole processes side by side: `/bin/true`, the hook with its durable record, `run`, and `check`. The rounds are
//! interleaved in one run on one machine, so the ratios are what lasts; the milliseconds are this machine's.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::run::{cargo, release, step};

/// Rounds, unless said otherwise.
const ROUNDS: usize = 400;

/// Runs the bench: `cargo xtask bench [ROUNDS]`, or `cargo xtask bench policy`: decisions under many rules, compared with Cedar
/// and Rego; `cargo xtask bench judging [DIR]`: how long single texts take; or `cargo xtask bench record`: durable appends compared with SQLite and `fdatasync`, verification, opening.
pub(crate) fn main(words: &[String]) -> Result<(), String> {
    if words.first().is_some_and(|word| word == "record") {
        // On the disk that is built on: a temporary directory may be in memory.
        let directory = Path::new("target/bench-record");
        let _ = std::fs::remove_dir_all(directory);
        std::fs::create_dir_all(directory).map_err(|why| why.to_string())?;
        let path = directory.to_string_lossy().into_owned();
        let run = |verb: &str, rest: &[&str]| {
            let words = [&["run", "--release", "-p", "journal", "--example", "record", "--", verb], rest].concat();
            step("the record", &cargo(), &words)
        };
        let log = format!("{path}/log");
        let done = run("append", &[&path])
            .and_then(|()| run("history", &[&log, "1000000"]))
            .and_then(|()| run("verify", &[&log]))
            .and_then(|()| run("open", &[&log]));
        let _ = std::fs::remove_dir_all(directory);
        return done;
    }
    if words.first().is_some_and(|word| word == "policy") {
        let manifest = "bench/policy/Cargo.toml";
        return step("decisions", &cargo(), &["run", "--release", "--manifest-path", manifest]);
    }
    if words.first().is_some_and(|word| word == "judging") {
        let mut all = vec!["run", "--release", "--manifest-path", "bench/judging/Cargo.toml", "--"];
        all.extend(words.iter().skip(1).map(String::as_str));
        return step("judging", &cargo(), &all);
    }
    let rounds = words.first().map_or(Ok(ROUNDS), |word| word.parse().map_err(|_| "rounds are a number".to_owned()))?;
    let bench = Bench::start(release()?)?;
    let call = json!({"session_id": "bench", "cwd": "/tmp", "hook_event_name": "PreToolUse", "tool_name": "Bash",
        "tool_input": {"command": "git status --short"}, "tool_use_id": "t"})
    .to_string();
    let program = bench.program.to_string_lossy().into_owned();
    let cases: Vec<(&str, Vec<&str>, &str)> = vec![
        ("/bin/true", vec!["/bin/true"], ""),
        ("hook, allowed, recorded", vec![&program, "hook", "claude-code", "--agent", "bench"], &call),
        ("run -- /bin/true, recorded", vec![&program, "run", "--agent", "bench", "--", "/bin/true"], ""),
        ("check 'git status'", vec![&program, "check", "git status"], ""),
    ];
    let mut times: Vec<Vec<f64>> = cases.iter().map(|_| Vec::with_capacity(rounds)).collect();
    for round in 0..rounds.saturating_add(20) {
        for ((_, argv, input), times) in cases.iter().zip(&mut times) {
            let millis = bench.once(argv, input)?;
            // The first rounds fill caches.
            if round >= 20 {
                times.push(millis);
            }
        }
    }
    let mut base = (0.0, 0.0);
    println!(
        "{:<28} {:>9} {:>9} {:>7} {:>7}   ({rounds} rounds, interleaved)",
        "case", "p50 ms", "p99 ms", "x p50", "x p99"
    );
    for ((name, ..), times) in cases.iter().zip(&mut times) {
        times.sort_by(f64::total_cmp);
        let at = |share: f64| times.get(((times.len() as f64) * share) as usize).copied().unwrap_or(0.0);
        let (p50, p99) = (at(0.5), at(0.99));
        if base.0 == 0.0 {
            base = (p50, p99);
        }
        println!("{name:<28} {p50:>9.3} {p99:>9.3} {:>7.2} {:>7.2}", p50 / base.0, p99 / base.1);
    }
    Ok(())
}

struct Bench {
    directory: PathBuf,
    program: PathBuf,
    daemons: Child,
}

impl Drop for Bench {
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(self.daemons.id().to_string()).status();
        let _ = self.daemons.wait();
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

impl Bench {
    fn start(built: PathBuf) -> Result<Self, String> {
        let directory = built.join(format!("bench-{}", std::process::id()));
        let policy = directory.join("config/policy");
        std::fs::create_dir_all(&policy).map_err(|why| why.to_string())?;
        // Hundreds of calls within seconds are far over the shipped limits on speed.
        let fast = "[velocity]\nlow = 1000000\nmedium = 1000000\nhigh = 1000000\ncritical = 1000000\ntotal = 1000000\nburst = 1000000\n";
        std::fs::write(policy.join("10-fast.toml"), fast).map_err(|why| why.to_string())?;
        let program = built.join("countersign");
        let daemons =
            Command::new(&program).args(["up", "--json", "--dir"]).arg(&directory).stdout(Stdio::null()).spawn();
        let bench = Self { directory, program, daemons: daemons.map_err(|why| why.to_string())? };
        let started = Instant::now();
        while !Path::new(&bench.directory.join("run/agent.sock")).exists() {
            if started.elapsed() > Duration::from_secs(20) {
                return Err("the daemons did not start".to_owned());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let program = bench.program.to_string_lossy().into_owned();
        bench.once(&[&program, "agent", "add", "bench", "--owner", "nobody", "--save"], "")?;
        Ok(bench)
    }

    /// One process from start to end, in milliseconds.
    fn once(&self, argv: &[&str], input: &str) -> Result<f64, String> {
        let (program, arguments) = argv.split_first().ok_or("an empty case")?;
        let mut command = Command::new(program);
        command.args(arguments).env("COUNTERSIGN_DIR", &self.directory).stdin(Stdio::piped()).stdout(Stdio::null());
        let started = Instant::now();
        let mut child = command.spawn().map_err(|why| why.to_string())?;
        if let Some(mut stdin) = child.stdin.take() {
            let _ = stdin.write_all(input.as_bytes());
        }
        let status = child.wait().map_err(|why| why.to_string())?;
        let millis = started.elapsed().as_secs_f64() * 1_000.0;
        if status.success() { Ok(millis) } else { Err(format!("`{}` ended with {status}", argv.join(" "))) }
    }
}
