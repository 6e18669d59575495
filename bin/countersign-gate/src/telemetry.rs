//! `countersign-gate telemetry`: the numbers of `/metrics`, pushed to a collector over OTLP/HTTP (OpenTelemetry Protocol 1.x, JSON
//! encoding). They name no agent, person, command or file.

use std::collections::BTreeMap;
use std::time::Duration;

use host::clock;
use host::layout::Layout;
use serde_json::{Value, json};
use ureq::Agent;
use wire::{Metric, OperatorHears, OperatorSays};

use crate::link::Operators;

/// How long the collector may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Pushes until the process ends.
pub(crate) fn main(to: &str, every_s: u64) -> Result<(), String> {
    host::memory::keep_private();
    if !to.starts_with("http://") && !to.starts_with("https://") {
        return Err(format!("`--otlp {to}`: write the collector's address, such as http://127.0.0.1:4318"));
    }
    let link = Operators::new(&Layout::from_environment()?);
    let agent: Agent = Agent::config_builder()
        .timeout_global(Some(PATIENCE))
        .http_status_as_error(false)
        .max_redirects(0)
        .build()
        .into();
    let address = format!("{}/v1/metrics", to.trim_end_matches('/'));
    std::thread::spawn(|| {
        let _ = host::supervise::wait_for_end(None);
        std::process::exit(0);
    });
    let since_ms = clock::now_ms();
    let mut was = String::new();
    loop {
        let pushed = push(&link, &agent, &address, since_ms);
        let now = pushed.err().unwrap_or_else(|| format!("numbers go to {address}, every {every_s} s"));
        // Said when it changes.
        if now != was {
            eprintln!("countersign-gate: {now}");
            was = now;
        }
        std::thread::sleep(Duration::from_secs(every_s));
    }
}

fn push(link: &Operators, agent: &Agent, address: &str, since_ms: u64) -> Result<(), String> {
    let OperatorHears::Metrics { metrics } = link.ask(&OperatorSays::Metrics)? else {
        return Err("the daemon answered something else".to_owned());
    };
    let body = encode(&metrics, since_ms, clock::now_ms()).to_string();
    let answer = agent.post(address).header("content-type", "application/json").send(body);
    let status = answer.map_err(|why| format!("{address}: {why}"))?.status().as_u16();
    if (200..300).contains(&status) { Ok(()) } else { Err(format!("{address} answers {status}")) }
}

/// An `ExportMetricsServiceRequest`.
fn encode(metrics: &[Metric], since_ms: u64, now_ms: u64) -> Value {
    let nanos = |ms: u64| ms.saturating_mul(1_000_000).to_string();
    let point = |attributes: Value, value: f64| json!({"attributes": attributes, "startTimeUnixNano": nanos(since_ms), "timeUnixNano": nanos(now_ms), "asDouble": value});
    let mut families: BTreeMap<&str, (&Metric, Vec<&Metric>)> = BTreeMap::new();
    for metric in metrics {
        let family = match (metric.kind.as_str(), metric.name.rsplit_once('_')) {
            ("histogram", Some((family, _))) => family,
            (_, _) => metric.name.as_str(),
        };
        families.entry(family).or_insert_with(|| (metric, Vec::new())).1.push(metric);
    }
    let metrics = families.into_iter().map(|(name, (first, all))| {
        let points = || all.iter().map(|it| point(attributes(&it.labels), it.value)).collect::<Vec<_>>();
        let mut said = json!({"name": name, "description": first.help});
        let (key, value) = match first.kind.as_str() {
            "counter" => ("sum", json!({"aggregationTemporality": 2, "isMonotonic": true, "dataPoints": points()})),
            "histogram" => {
                let mut point = histogram(&all);
                if let Some(map) = point.as_object_mut() {
                    map.insert("startTimeUnixNano".to_owned(), json!(nanos(since_ms)));
                    map.insert("timeUnixNano".to_owned(), json!(nanos(now_ms)));
                }
                ("histogram", json!({"aggregationTemporality": 2, "dataPoints": [point]}))
            }
            _ => ("gauge", json!({"dataPoints": points()})),
        };
        if let Some(map) = said.as_object_mut() {
            map.insert(key.to_owned(), value);
        }
        said
    });
    let resource = json!({"attributes": [{"key": "service.name", "value": {"stringValue": "countersign"}},
        {"key": "service.version", "value": {"stringValue": env!("CARGO_PKG_VERSION")}}]});
    json!({"resourceMetrics": [{"resource": resource,
        "scopeMetrics": [{"scope": {"name": "countersign"}, "metrics": metrics.collect::<Vec<_>>()}]}]})
}

/// Labels as Prometheus writes them: `a="b",c="d"`. Ours hold neither commas nor quotes.
fn attributes(labels: &str) -> Value {
    let pairs = labels.split(',').filter_map(|pair| pair.split_once('='));
    let one = |(key, value): (&str, &str)| json!({"key": key, "value": {"stringValue": value.trim_matches('"')}});
    pairs.map(one).collect()
}

/// One point of a histogram: buckets there count everything below their bound, and here only their own.
fn histogram(all: &[&Metric]) -> Value {
    let ending = |end: &str| all.iter().find(|it| it.name.ends_with(end)).map_or(0.0, |it| it.value);
    let mut bounds: Vec<f64> = Vec::new();
    let mut counts: Vec<String> = Vec::new();
    let mut below = 0.0;
    for bucket in all.iter().filter(|it| it.name.ends_with("_bucket")) {
        let bound = bucket.labels.strip_prefix("le=\"").and_then(|it| it.strip_suffix('"')).unwrap_or("+Inf");
        bounds.extend(bound.parse::<f64>().ok().filter(|it| it.is_finite()));
        counts.push(whole(bucket.value - below));
        below = bucket.value;
    }
    json!({"attributes": [], "count": whole(ending("_count")), "sum": ending("_sum"), "bucketCounts": counts, "explicitBounds": bounds})
}

/// A count, as JSON has 64-bit numbers: in a string.
fn whole(value: f64) -> String {
    format!("{:.0}", value.max(0.0))
}
