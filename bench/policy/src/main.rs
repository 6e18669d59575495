//! Decisions under many rules: ours while the set is being replaced, and the same rules in Cedar and in Rego, in one
//! run on one machine. `cargo xtask bench policy` runs it.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use model::{Digest, Intent, RequestDigest};
use pdp::{Policy, Situation, Sources};

/// A rule in a form that each of the three can say: an exact command, a command with open arguments, or a directory.
enum Kind {
    Exact,
    Open,
    Directory,
}

fn kind(number: usize) -> Kind {
    match number % 5 {
        0 | 1 => Kind::Exact,
        2 | 3 => Kind::Open,
        _ => Kind::Directory,
    }
}

const PROGRAMS: &[&str] = &["systemctl", "mkdir", "touch", "cp", "journalctl", "git", "cargo", "chmod"];

fn program(number: usize) -> &'static str {
    PROGRAMS[number / 5 % PROGRAMS.len()]
}

fn ours(rules: usize, generation: usize) -> String {
    let mut text = String::new();
    for number in 0..rules {
        let program = program(number);
        let keys = match kind(number) {
            Kind::Exact => format!(
                "coverage = 'partial'\nexact = '{program} start app-{number}'\nmatches = ['{program} start app-{number}']\nspares = ['{program} start app-{number}; id']"
            ),
            Kind::Open => format!(
                "coverage = 'partial'\noptions = []\ncommand = '{program} show-{number} *'\nmatches = ['{program} show-{number} x']\nspares = ['{program} show-{number} x; id']"
            ),
            Kind::Directory => format!(
                "effect = 'write'\nonly = ['write']\npath = '/srv/app-{number}/**'\nmatches = ['touch /srv/app-{number}/x']\nspares = ['touch /srv/x']"
            ),
        };
        text.push_str(&format!(
            "[[rule]]\nid = 'r{number}'\nverdict = 'allow'\nreason = 'generation {generation}'\n{keys}\n"
        ));
    }
    text
}

/// Commands: of every two, one that a rule matches and one that none does.
fn commands(rules: usize) -> Vec<String> {
    (0..64)
        .map(|at| {
            let number = at * 7919 % rules;
            let program = program(number);
            match (at % 2, kind(number)) {
                (0, Kind::Exact) => format!("{program} start app-{number}"),
                (0, Kind::Open) => format!("{program} show-{number} x"),
                (0, Kind::Directory) => format!("touch /srv/app-{number}/x"),
                _ => format!("{program} restart other-{number}"),
            }
        })
        .collect()
}

fn load(rules: usize, generation: usize) -> Policy {
    let sources = Sources::files(vec![("bench.toml".to_owned(), ours(rules, generation))]);
    match Policy::load(&sources, &understand::read_blind) {
        Ok(policy) => policy,
        Err(problems) => panic!("{}", problems.iter().take(3).map(ToString::to_string).collect::<Vec<_>>().join("\n")),
    }
}

fn decide(policy: &Policy, intent: &Intent, request: RequestDigest) -> bool {
    let situation = Situation { agent: Some("bench"), cwd: Some("/work/project"), now_ms: 1, ..Situation::default() };
    let decision = pdp::evaluate(request, intent, &situation, policy);
    matches!(decision.verdict(), pdp::Verdict::Allow(_))
}

fn percentile(sorted: &[u64], part: f64) -> f64 {
    let at = ((sorted.len() - 1) as f64 * part) as usize;
    sorted[at] as f64 / 1_000.0
}

/// Measures single calls: p50 and p99 in microseconds.
fn measure(rounds: usize, mut call: impl FnMut(usize)) -> (f64, f64) {
    let mut taken = Vec::with_capacity(rounds);
    for round in 0..rounds {
        let started = Instant::now();
        call(round);
        taken.push(u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX));
    }
    taken.sort_unstable();
    (percentile(&taken, 0.5), percentile(&taken, 0.99))
}

fn of_ours(rules: usize) -> (f64, f64, Duration) {
    let started = Instant::now();
    let policy = load(rules, 0);
    let loaded = started.elapsed();
    let read: Vec<(Intent, RequestDigest)> = read(rules);
    let mut allowed = 0;
    let (p50, p99) = measure(20_000, |round| {
        let (intent, request) = &read[round % read.len()];
        allowed += usize::from(decide(&policy, intent, *request));
    });
    assert!(allowed > 5_000, "{allowed} of 20000");
    (p50, p99, loaded)
}

fn read(rules: usize) -> Vec<(Intent, RequestDigest)> {
    let digest = |text: &str| RequestDigest::carried(Digest::of_bytes(text.as_bytes()));
    commands(rules).iter().map(|text| (understand::read_blind(text), digest(text))).collect()
}

/// Sixteen readers, ten swaps a second: the times of decisions, and that each names a set that was in force.
fn under_swaps(rules: usize, lasting: Duration) -> (f64, f64, u64, u64) {
    let sets: Vec<Arc<Policy>> = (0..4).map(|generation| Arc::new(load(rules, generation))).collect();
    let known: Vec<String> = sets.iter().map(|set| set.digest().to_string()).collect();
    let current = ArcSwap::new(Arc::clone(&sets[0]));
    let read = read(rules);
    let (over, torn, swaps) = (AtomicBool::new(false), AtomicU64::new(0), AtomicU64::new(0));
    let times = std::thread::scope(|scope| {
        let readers: Vec<_> = (0..16)
            .map(|reader| {
                let (current, read, over, torn, known, sets) = (&current, &read, &over, &torn, &known, &sets);
                scope.spawn(move || {
                    let mut taken = Vec::new();
                    let mut at = reader * 31;
                    while !over.load(Ordering::Relaxed) {
                        let (intent, request) = &read[at % read.len()];
                        at += 1;
                        let started = Instant::now();
                        let policy = current.load();
                        let situation = Situation { now_ms: 1, ..Situation::default() };
                        let decision = pdp::evaluate(*request, intent, &situation, &policy);
                        taken.push(u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX));
                        // Every answer is that of one committed set: its digest is known, and its reason is of that generation.
                        let digest = decision.policy().to_string();
                        let generation = known.iter().position(|it| *it == digest);
                        let told = decision.reasons().first().text.clone();
                        let fits = generation.is_some_and(|it| !told.starts_with("generation") || told == format!("generation {it}"));
                        torn.fetch_add(u64::from(!fits), Ordering::Relaxed);
                        let _ = sets;
                        if taken.len() % 32 == 0 {
                            std::thread::sleep(Duration::from_millis(2));
                        }
                    }
                    taken
                })
            })
            .collect();
        let started = Instant::now();
        let mut turn = 0;
        while started.elapsed() < lasting {
            std::thread::sleep(Duration::from_millis(100));
            turn += 1;
            current.store(Arc::clone(&sets[turn % sets.len()]));
            swaps.fetch_add(1, Ordering::Relaxed);
        }
        over.store(true, Ordering::Relaxed);
        readers.into_iter().flat_map(|reader| reader.join().unwrap_or_default()).collect::<Vec<_>>()
    });
    let mut times = times;
    times.sort_unstable();
    let count = u64::try_from(times.len()).unwrap_or(u64::MAX);
    assert_eq!(torn.load(Ordering::Relaxed), 0, "an answer of no set");
    (percentile(&times, 0.5), percentile(&times, 0.99), count, swaps.load(Ordering::Relaxed))
}

fn of_cedar(rules: usize) -> (f64, f64, Duration) {
    use cedar_policy::{Authorizer, Context, Decision, Entities, EntityUid, PolicySet, Request};
    let mut text = String::new();
    for number in 0..rules {
        let program = program(number);
        let condition = match kind(number) {
            Kind::Exact => format!("context.line == \"{program} start app-{number}\""),
            Kind::Open => format!("context.program == \"{program}\" && context.line like \"{program} show-{number} *\""),
            Kind::Directory => format!("context.effect == \"write\" && context.path like \"/srv/app-{number}/*\""),
        };
        text.push_str(&format!("permit (principal, action == Action::\"run\", resource) when {{ {condition} }};\n"));
    }
    let started = Instant::now();
    let set = PolicySet::from_str(&text).expect("the Cedar policies parse");
    let loaded = started.elapsed();
    let uid = |text: &str| EntityUid::from_str(text).expect("an entity");
    let requests: Vec<Request> = commands(rules)
        .iter()
        .map(|line| {
            let words: Vec<&str> = line.split(' ').collect();
            let path = words.iter().find(|it| it.starts_with('/')).copied().unwrap_or("");
            let effect = if path.is_empty() { "run" } else { "write" };
            let context = serde_json::json!({"line": line, "program": words[0], "path": path, "effect": effect});
            let context = Context::from_json_value(context, None).expect("a context");
            Request::new(uid("Agent::\"bench\""), uid("Action::\"run\""), uid("Host::\"h\""), context, None).expect("a request")
        })
        .collect();
    let (authorizer, entities) = (Authorizer::new(), Entities::empty());
    let mut allowed = 0;
    let rounds = (2_000_000 / rules).clamp(200, 5_000);
    let (p50, p99) = measure(rounds, |round| {
        let answer = authorizer.is_authorized(&requests[round % requests.len()], &set, &entities);
        allowed += usize::from(answer.decision() == Decision::Allow);
    });
    assert!(allowed > rounds / 4, "{allowed} of {rounds}");
    (p50, p99, loaded)
}

fn of_rego(rules: usize, keyed: bool) -> (f64, f64, Duration) {
    let mut engine = regorus::Engine::new();
    let mut table: BTreeMap<String, Vec<serde_json::Value>> = BTreeMap::new();
    let mut list = Vec::new();
    for number in 0..rules {
        let program = program(number);
        let (key, entry) = match kind(number) {
            Kind::Exact => (format!("{program} start"), serde_json::json!({"line": format!("{program} start app-{number}")})),
            Kind::Open => (format!("{program} show-{number}"), serde_json::json!({"prefix": format!("{program} show-{number} ")})),
            Kind::Directory => ("touch /srv".to_owned(), serde_json::json!({"prefix": format!("touch /srv/app-{number}/")})),
        };
        list.push(entry.clone());
        // The best that can be keyed by hand: the program with its next word, or the whole line.
        let key = entry.get("line").and_then(|it| it.as_str()).map_or(key, str::to_owned);
        table.entry(key).or_default().push(entry);
    }
    let policy = if keyed {
        "package p\nimport rego.v1\ndefault allow := false\nallow if { some r in data.table[input.line]; r.line == input.line }\nallow if { some r in data.table[input.key]; startswith(input.line, r.prefix) }\n"
    } else {
        "package p\nimport rego.v1\ndefault allow := false\nallow if { some r in data.list; r.line == input.line }\nallow if { some r in data.list; startswith(input.line, r.prefix) }\n"
    };
    let started = Instant::now();
    engine.add_policy("p.rego".to_owned(), policy.to_owned()).expect("the Rego policy parses");
    let data = if keyed { serde_json::json!({"table": table}) } else { serde_json::json!({"list": list}) };
    engine.add_data(regorus::Value::from(data)).expect("data");
    let loaded = started.elapsed();
    let inputs: Vec<regorus::Value> = commands(rules)
        .iter()
        .map(|line| {
            let key: Vec<&str> = line.split(' ').take(2).collect();
            regorus::Value::from(serde_json::json!({"line": line, "key": key.join(" ")}))
        })
        .collect();
    let rounds = if keyed { 5_000 } else { (1_000_000 / rules).clamp(100, 5_000) };
    let mut allowed = 0;
    let (p50, p99) = measure(rounds, |round| {
        engine.set_input(inputs[round % inputs.len()].clone());
        let answer = engine.eval_rule("data.p.allow".to_owned()).expect("an answer");
        allowed += usize::from(answer == regorus::Value::from(true));
    });
    assert!(allowed > rounds / 8, "{allowed} of {rounds}");
    (p50, p99, loaded)
}

fn main() {
    println!("{:<28} {:>7} {:>10} {:>10} {:>10}", "decision under", "rules", "p50 µs", "p99 µs", "load ms");
    let line = |name: &str, rules: usize, (p50, p99, loaded): (f64, f64, Duration)| {
        println!("{name:<28} {rules:>7} {p50:>10.2} {p99:>10.2} {:>10.1}", loaded.as_secs_f64() * 1_000.0);
        p50
    };
    let small = line("Countersign", 100, of_ours(100));
    line("Countersign", 1_000, of_ours(1_000));
    let large = line("Countersign", 10_000, of_ours(10_000));
    println!("from 100 to 10,000 rules: {:.2} times", large / small);
    let (p50, p99, count, swaps) = under_swaps(10_000, Duration::from_secs(5));
    println!("16 readers, {swaps} swaps in 5 s, 10,000 rules: p50 {p50:.2} µs, p99 {p99:.2} µs over {count} decisions, none torn");
    for rules in [100, 1_000, 10_000] {
        let cedar = line("Cedar", rules, of_cedar(rules));
        let list = line("Rego (regorus), list", rules, of_rego(rules, false));
        let keyed = line("Rego (regorus), keyed", rules, of_rego(rules, true));
        if rules == 10_000 {
            println!("at 10,000 rules: Cedar {:.0} times, Rego list {:.0} times, Rego keyed {:.1} times our p50", cedar / large, list / large, keyed / large);
        }
    }
}
