//! How long it takes to understand and judge a text: commands, scripts, and texts that are made to take long. Nothing is
//! looked up on the disk. `cargo xtask bench judging [DIR]` runs it on the corpus and on a directory of `.jsonl` files.
//!
//! Each text is judged several times and the fastest counts: what the machine does meanwhile is not what is measured.

use std::path::Path;
use std::time::Instant;

use model::{Digest, RequestDigest};
use pdp::{Policy, Situation, Sources};

#[path = "../../../pure/understand/tests/long/texts.rs"]
mod texts;

/// How often each text is judged.
const ROUNDS: usize = 5;

/// How many commands make a script.
const SCRIPT: usize = 5;

/// The slowest texts that are shown.
const SHOWN: usize = 12;

struct Timed {
    text: String,
    commands: usize,
    micros: f64,
}

fn judge(text: &str, policy: &Policy) -> Timed {
    let situation = Situation {
        agent: Some("bench"),
        cwd: Some("/work/project"),
        project: Some("/work/project"),
        home: Some("/home/agent"),
        now_ms: 1,
        ..Situation::default()
    };
    let request = RequestDigest::carried(Digest::of_bytes(text.as_bytes()));
    let mut timed = Timed { text: text.to_owned(), commands: 0, micros: f64::INFINITY };
    for _ in 0..ROUNDS {
        let started = Instant::now();
        let intent = understand::read_blind(text);
        let decision = pdp::evaluate(request, &intent, &situation, policy);
        timed.micros = timed.micros.min(started.elapsed().as_nanos() as f64 / 1_000.0);
        timed.commands = intent.segments.len();
        drop(decision);
    }
    timed
}

/// The commands of the corpus: what its pages show between fences of `sh`.
fn of_page(page: &str) -> Vec<String> {
    let blocks = page.split("\n```sh").skip(1).filter_map(|block| block.split("\n```").next()?.split_once('\n'));
    blocks.map(|(_, text)| text.to_owned()).collect()
}

fn of_lines(lines: &str) -> Vec<String> {
    let texts = lines.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    texts.filter_map(|it| Some(it.get("command").or_else(|| it.get("text"))?.as_str()?.to_owned())).collect()
}

fn read(directory: &Path, into: &mut Vec<String>) {
    let entries = std::fs::read_dir(directory).unwrap_or_else(|why| panic!("{}: {why}", directory.display()));
    let mut paths: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    for path in paths {
        let text = || std::fs::read_to_string(&path).unwrap_or_default();
        match path.extension().and_then(|it| it.to_str()) {
            Some("md") => into.extend(of_page(&text())),
            Some("jsonl") => into.extend(of_lines(&text())),
            _ => {}
        }
    }
}

fn show(name: &str, mut times: Vec<(f64, &str)>) {
    times.sort_by(|a, b| a.0.total_cmp(&b.0));
    let at = |share: f64| times.get(((times.len() as f64) * share) as usize).map_or(0.0, |it| it.0);
    let most = times.last().map_or(0.0, |it| it.0);
    println!("{name:<34} {:>7} {:>9.1} {:>9.1} {:>9.1} µs", times.len(), at(0.5), at(0.99), most);
    for (micros, text) in times.iter().rev().take(SHOWN) {
        println!("    {micros:>9.1}  {}", text.chars().take(110).collect::<String>().replace('\n', "⏎"));
    }
}

fn measure() {
    let policy = Policy::load(&Sources::preset("developer"), &understand::read_blind)
        .unwrap_or_else(|problems| panic!("{problems:?}"));
    let mut found = Vec::new();
    read(Path::new("corpus"), &mut found);
    std::env::args().skip(1).for_each(|directory| read(Path::new(&directory), &mut found));
    let timed: Vec<Timed> = found.iter().map(|text| judge(text, &policy)).collect();
    println!("{:<34} {:>7} {:>9} {:>9} {:>9}", "", "texts", "p50", "p99", "max");
    let (scripts, commands): (Vec<&Timed>, Vec<&Timed>) = timed.iter().partition(|it| it.commands >= SCRIPT);
    show("commands", commands.iter().map(|it| (it.micros, it.text.as_str())).collect());
    let each = scripts.iter().map(|it| (it.micros / it.commands as f64, it.text.as_str()));
    show("scripts, for each command", each.collect());
    println!("\n{:<40} {:>9} {:>9} {:>9}", "made to take long", "ms", "steps", "commands");
    for (name, text, _) in texts::texts() {
        let timed = judge(&text, &policy);
        let steps = understand::steps_of(&text);
        println!("{name:<40} {:>9.2} {steps:>9} {:>9}", timed.micros / 1_000.0, timed.commands);
    }
}

fn main() {
    let thread = std::thread::Builder::new().stack_size(256 << 20).spawn(measure).map(|it| it.join());
    if !matches!(thread, Ok(Ok(()))) {
        std::process::exit(1);
    }
}
