//! How long it takes from an agent's request to the pages of those who answer: with 50 pages open and 100 holds waiting already.
//! Then the click, and the agent going on. With it the floor, measured in the same run: see `floor.rs`.
//! `cargo build --workspace --release && cargo run --release -p testkit --example pages`

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a measurement that cannot go on must fail"
)]

mod floor;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant};

use floor::Floor;
use serde_json::json;
use testkit::{Gate, Sandbox, exec_act};

const PAGES: usize = 50;
const WAITING: usize = 100;
const ROUNDS: usize = 200;

fn main() {
    let sandbox = Sandbox::start_with(
        "[velocity]\nlow = 100000\nmedium = 100000\ntotal = 100000\nburst = 100000\n[default]\nlow = { timeout_s = 600, assurance = \"session\" }\nmedium = { timeout_s = 600, assurance = \"session\" }\n",
    );
    let keys: Vec<String> = (0..8).map(|number| sandbox.add_agent(&format!("bot-{number}"))).collect();
    let rita = sandbox.add_reviewer("rita");
    let gate = Gate::start(&sandbox);
    let (floor, crowded) = (Floor::start(&sandbox.root, 1), Floor::start(&sandbox.root, PAGES));
    let address = gate.address.clone();
    let cookie = gate.sign_in(&rita);
    let (tell, heard) = channel();
    for _ in 0..PAGES {
        page(&address, &cookie, tell.clone());
    }
    // What waits already, of several agents, as one has a limit.
    let waiting: Vec<_> = (0..WAITING)
        .map(|number| {
            let agent = sandbox.raw(&keys[number % keys.len()]);
            agent.send_submit("waiting", &exec_act(&["mkdir", &format!("waiting-{number}")]), false);
            let _ = agent.hear().unwrap();
            agent
        })
        .collect();
    std::thread::sleep(Duration::from_secs(1));
    while heard.try_recv().is_ok() {}
    // As a browser does it: the connection is there already.
    let mut click = TcpStream::connect(&address).unwrap();
    let (mut first, mut last, mut floors, mut crowds) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let (mut resumed, mut whole) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        floors.push(floor.round());
        crowds.push(crowded.round());
        let agent = sandbox.raw(&keys[round % keys.len()]);
        let name = format!("round-{round}-end");
        let act = exec_act(&["mkdir", &name]);
        let started = Instant::now();
        agent.send_submit("measured", &act, false);
        let protocol::AgentReply::Held { hold, .. } = agent.hear().unwrap() else { panic!("not held") };
        let mut seen = Vec::new();
        while seen.len() < PAGES {
            let (at, line): (Instant, String) =
                heard.recv_timeout(Duration::from_secs(20)).expect("every page hears of it");
            if line.contains(&name) && line.contains("\"changed\":[{") {
                seen.push(at.duration_since(started));
            }
        }
        first.push(seen[0]);
        last.push(seen[PAGES - 1]);
        // The click, as the page sends it; the agent goes on when it hears.
        let clicked = Instant::now();
        let body = json!({"said": "approve"}).to_string();
        let head = format!(
            "POST /v1/holds/{hold}/answer HTTP/1.1\r\nhost: {address}\r\n{cookie}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        click.write_all(format!("{head}{body}").as_bytes()).unwrap();
        let heard_by_agent = agent.hear().unwrap();
        assert!(matches!(heard_by_agent, protocol::AgentReply::Allow { .. }), "{heard_by_agent:?}");
        resumed.push(clicked.elapsed());
        whole.push(seen[0] + clicked.elapsed());
        assert!(click.read(&mut [0; 2_048]).unwrap() > 0);
        drop(agent);
        std::thread::sleep(Duration::from_millis(5));
    }
    drop(waiting);
    println!("{PAGES} pages, {WAITING} holds waiting, {ROUNDS} requests; milliseconds, p50 and p99");
    for (what, mut all) in [
        ("floor: HTTP, WebSocket, two writes", floors),
        ("the same, with as many pages", crowds),
        ("request to the first page", first),
        ("request to the last page", last),
        ("click to the agent going on", resumed),
        ("both: the servers' share", whole),
    ] {
        all.sort();
        let ms = |at: usize| all[at.min(all.len() - 1)].as_secs_f64() * 1e3;
        println!("{what:<36} {:8.3} {:8.3}", ms(all.len() / 2), ms(all.len() * 99 / 100));
    }
}

/// A page that is open: tells each event, and when it came.
fn page(address: &str, cookie: &str, tell: Sender<(Instant, String)>) {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET /v1/events HTTP/1.1\r\nhost: {address}\r\n{cookie}\r\n\r\n").unwrap();
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok).filter(|line| line.starts_with("data:")) {
            if tell.send((Instant::now(), line)).is_err() {
                return;
            }
        }
    });
}
