//! Much, for long: 50 reviewers' pages and 1,000 agents connected, holds that come and go; a flood of one agent; a page in a real
//! browser left open through 5,000 holds. Nothing is lost, memory stays flat.
//! `cargo build --workspace --release && cargo run --release -p testkit --example soak -- [MINUTES]`; with 0 minutes the page alone

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a measurement that cannot go on must fail"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use protocol::AgentReply;
use serde_json::{Value, json};
use testkit::{Gate, Sandbox, bash_act};

const PAGES: usize = 50;
const AGENTS: usize = 1_000;
const FLOOD: u64 = 100_000;
const HOLDS_OF_A_PAGE: usize = 5_000;

const RULES: &str = "[velocity]\nlow = 1000000\nmedium = 1000000\nhigh = 1000000\ntotal = 1000000\nburst = 1000000\n\
                     [default]\nlow = { timeout_s = 600 }\nmedium = { timeout_s = 600 }\n";

fn main() {
    let minutes: u64 = std::env::args().nth(1).map_or(10, |text| text.parse().expect("minutes"));
    if minutes > 0 {
        many(Duration::from_secs(minutes * 60));
        flood();
    }
    page();
}

/// Resident memory of a process, in MB.
fn memory(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or("0");
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap_or(0) / 1024
}

fn many(time: Duration) {
    let sandbox = Sandbox::start_with(RULES);
    let gate = Gate::start(&sandbox);
    let keys: Vec<String> = (0..AGENTS).map(|number| sandbox.add_agent(&format!("bot-{number}"))).collect();
    let rita = sandbox.add_reviewer("rita");
    let cookie = gate.sign_in(&rita);
    // What each page saw of holds that came, by id.
    let seen: Arc<Mutex<BTreeMap<String, usize>>> = Arc::default();
    let (over, broken) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    for _ in 0..PAGES {
        let (seen, broken, over) = (Arc::clone(&seen), Arc::clone(&broken), Arc::clone(&over));
        let mut stream = TcpStream::connect(&gate.address).unwrap();
        write!(stream, "GET /v1/events HTTP/1.1\r\nhost: {}\r\n{cookie}\r\n\r\n", gate.address).unwrap();
        std::thread::spawn(move || {
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                let Some(data) = line.strip_prefix("data:") else { continue };
                let value: Value = serde_json::from_str(data.trim()).unwrap_or_default();
                for hold in value["changed"].as_array().into_iter().flatten() {
                    *seen.lock().unwrap().entry(hold["id"].as_str().unwrap().to_owned()).or_default() += 1;
                }
            }
            if !over.load(Ordering::SeqCst) {
                broken.fetch_add(1, Ordering::SeqCst);
            }
        });
    }
    let agents: Vec<_> = keys.iter().map(|key| sandbox.raw(key)).collect();
    let (daemon, logd) = (sandbox.pid("countersignd"), sandbox.pid("countersign-logd"));
    let (began, mut reads, mut held) = (Instant::now(), 0_u64, BTreeSet::new());
    let mut sizes: Vec<(u64, u64)> = Vec::new();
    let mut at = 0;
    let mut slowest = Duration::ZERO;
    while began.elapsed() < time {
        // Every agent in its turn: a read, which is allowed; every tenth time something that is held, and hung up.
        let agent = &agents[at % AGENTS];
        let asked = Instant::now();
        agent.send_submit("s", &bash_act("ls /tmp"), true);
        assert!(matches!(agent.hear().unwrap(), AgentReply::Allow { .. }));
        slowest = slowest.max(asked.elapsed());
        reads += 1;
        if at % 10 == 0 {
            let one = sandbox.raw(&keys[at % AGENTS]);
            one.send_submit("h", &bash_act(&format!("mkdir /srv/x-{at}")), true);
            let AgentReply::Held { hold, .. } = one.hear().unwrap() else { panic!("not held") };
            std::thread::sleep(Duration::from_millis(5));
            held.insert(hold);
        }
        at += 1;
        if at % 2_000 == 0 {
            sizes.push((memory(daemon) + memory(logd), memory(gate.pid())));
        }
        std::thread::sleep(Duration::from_millis(4));
    }
    std::thread::sleep(Duration::from_secs(2));
    over.store(true, Ordering::SeqCst);
    let seen = seen.lock().unwrap();
    let whole = held.iter().filter(|id| seen.get(*id) >= Some(&PAGES)).count();
    let decisions = sandbox.records().iter().filter(|it| it["kind"] == "decision").count() as u64;
    println!(
        "{PAGES} pages and {AGENTS} agents for {} s: {reads} reads allowed, {} holds, slowest read {slowest:?}",
        time.as_secs(),
        held.len()
    );
    println!(
        "  decisions in the record {decisions} of {}; holds seen by every page {whole} of {}; pages that broke off {}",
        reads + held.len() as u64,
        held.len(),
        broken.load(Ordering::SeqCst)
    );
    let (first, last) = (sizes.first().copied().unwrap_or_default(), sizes.last().copied().unwrap_or_default());
    let most = sizes.iter().map(|it| it.0 + it.1).max().unwrap_or(0);
    println!(
        "  memory of daemons and gate, MB: at first {}+{}, at last {}+{}, most {most}",
        first.0, first.1, last.0, last.1
    );
    let course: Vec<String> = sizes.iter().map(|it| (it.0 + it.1).to_string()).collect();
    println!("  in between, every 2,000 reads: {}", course.join(" "));
    assert_eq!((decisions, whole, broken.load(Ordering::SeqCst)), (reads + held.len() as u64, held.len(), 0));
}

fn flood() {
    let sandbox = Sandbox::start_with(RULES);
    let (flooder, other) = (sandbox.add_agent("flooder"), sandbox.add_agent("other"));
    let _rita = sandbox.add_reviewer("rita");
    let daemon = sandbox.pid("countersignd");
    let before = memory(daemon);
    let asked = AtomicU64::new(0);
    let (held, refused) = (AtomicU64::new(0), AtomicU64::new(0));
    let began = Instant::now();
    let mut slowest = Duration::ZERO;
    let mut others = Vec::new();
    std::thread::scope(|scope| {
        for _ in 0..110 {
            scope.spawn(|| {
                let mut agent = sandbox.raw(&flooder);
                loop {
                    let number = asked.fetch_add(1, Ordering::SeqCst);
                    if number >= FLOOD {
                        return;
                    }
                    agent.send_submit("s", &bash_act(&format!("mkdir /srv/x-{number}")), true);
                    match agent.hear() {
                        Ok(AgentReply::Held { .. }) => {
                            held.fetch_add(1, Ordering::SeqCst);
                            // Left open for a while, so that the queue stays full; then hung up.
                            std::thread::sleep(Duration::from_secs(2));
                            agent = sandbox.raw(&flooder);
                        }
                        Ok(_) => drop(refused.fetch_add(1, Ordering::SeqCst)),
                        Err(_) => agent = sandbox.raw(&flooder),
                    }
                }
            });
        }
        while asked.load(Ordering::SeqCst) < FLOOD {
            let one = sandbox.raw(&other);
            let started = Instant::now();
            one.send_submit("s", &bash_act("ls /tmp"), true);
            assert!(matches!(one.hear().unwrap(), AgentReply::Allow { .. }));
            others.push(started.elapsed());
            slowest = slowest.max(started.elapsed());
            std::thread::sleep(Duration::from_millis(20));
        }
    });
    others.sort();
    let median = others.get(others.len() / 2).copied().unwrap_or_default();
    println!(
        "{FLOOD} requests for holds of one agent in {:.1} s: {} held (100 at once at most), {} refused; another agent meanwhile: p50 {median:?}, slowest {slowest:?}; memory of countersignd {before} → {} MB",
        began.elapsed().as_secs_f64(),
        held.load(Ordering::SeqCst),
        refused.load(Ordering::SeqCst),
        memory(daemon)
    );
}

fn page() {
    let sandbox = Sandbox::start_with(RULES);
    let keys: Vec<String> = (0..20).map(|number| sandbox.add_agent(&format!("bot-{number}"))).collect();
    let rita = sandbox.add_reviewer("rita");
    let gate = Gate::start(&sandbox);
    let ui = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ui");
    let mut child = Command::new("node")
        .arg("test/soak.mjs")
        .current_dir(ui)
        .env("BASE", format!("http://{}/", gate.address))
        .env("COUNTERSIGN", Sandbox::program("countersign"))
        .env("PEOPLE", json!({"rita": {"secret": rita.secret()}}).to_string())
        .env("WORK", &sandbox.work)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let begin = lines.next().unwrap().unwrap();
    let began = Instant::now();
    let mut open = std::collections::VecDeque::new();
    for number in 0..HOLDS_OF_A_PAGE {
        let agent = sandbox.raw(&keys[number % keys.len()]);
        agent.send_submit("s", &bash_act(&format!("mkdir /srv/x-{number} # {}", "long ".repeat(200))), true);
        let _ = agent.hear().unwrap();
        open.push_back(agent);
        // A hundred wait at any moment.
        if open.len() > 100 {
            open.pop_front();
        }
    }
    let took = began.elapsed();
    drop(child.stdin.take());
    let end = lines.next().unwrap().unwrap();
    child.wait().unwrap();
    println!("a page through {HOLDS_OF_A_PAGE} holds in {:.0} s (MB): {begin} … {end}", took.as_secs_f64());
}
