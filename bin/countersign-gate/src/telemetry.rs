//! `countersign-gate telemetry`: the numbers of `/metrics` and the parts of requests (traces), pushed to a collector over OTLP/HTTP
//! (OpenTelemetry Protocol 1.x, JSON encoding). Numbers name no agent; neither names a person, a command or a file.

use std::collections::BTreeMap;
use std::time::Duration;

use host::clock;
use host::install_paths::Layout;
use protocol::{Metric, OperatorReply, OperatorRequest, Span};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use ureq::Agent;

use crate::operator_client::OperatorClient;

/// Pushes until the process ends.
pub(crate) fn main(to: &str, every_s: u64) -> Result<(), String> {
    host::memory::keep_private();
    if !to.starts_with("http://") && !to.starts_with("https://") {
        return Err(format!("`--otlp {to}`: write the collector's address, such as http://127.0.0.1:4318"));
    }
    let link = OperatorClient::new(&Layout::from_environment()?);
    let agent = crate::client::client(None)?;
    let collector = Collector { agent, address: to.trim_end_matches('/').to_owned() };
    std::thread::spawn(|| {
        let _ = host::service_supervisor::wait_for_end(None);
        std::process::exit(0);
    });
    let since_ms = clock::now_ms();
    let (mut was, mut after) = (String::new(), 0);
    loop {
        let pushed = push(&link, &collector, since_ms).and_then(|()| push_spans(&link, &collector, &mut after));
        let goes = || format!("numbers and traces go to {}, every {every_s} s", collector.address);
        let now = pushed.err().unwrap_or_else(goes);
        // Said when it changes.
        if now != was {
            eprintln!("countersign-gate: {now}");
            was = now;
        }
        std::thread::sleep(Duration::from_secs(every_s));
    }
}

/// Where it is pushed to.
struct Collector {
    agent: Agent,
    address: String,
}

impl Collector {
    fn push(&self, path: &str, body: &Value) -> Result<(), String> {
        let address = format!("{}{path}", self.address);
        let answer = self.agent.post(&address).header("content-type", "application/json").send(body.to_string());
        let status = answer.map_err(|why| format!("{address}: {why}"))?.status().as_u16();
        if (200..300).contains(&status) { Ok(()) } else { Err(format!("{address} answers {status}")) }
    }
}

fn push(link: &OperatorClient, collector: &Collector, since_ms: u64) -> Result<(), String> {
    let OperatorReply::Metrics { metrics } = link.ask(&OperatorRequest::Metrics)? else {
        return Err("unexpected reply from `countersignd`; all programs must be of the same release".to_owned());
    };
    collector.push("/v1/metrics", &encode(&metrics, since_ms, clock::now_ms()))
}

/// Pushes what ended since the last time. What the collector did not take comes again.
fn push_spans(link: &OperatorClient, collector: &Collector, after: &mut u64) -> Result<(), String> {
    loop {
        let OperatorReply::Spans { spans, next } = link.ask(&OperatorRequest::Spans { after: *after })? else {
            return Err("unexpected reply from `countersignd`; all programs must be of the same release".to_owned());
        };
        if !spans.is_empty() {
            collector.push("/v1/traces", &traces(&spans))?;
        }
        *after = next;
        if spans.is_empty() {
            return Ok(());
        }
    }
}

/// An `ExportTraceServiceRequest`. A trace is a request: its id is the beginning of the request's digest, so that a trace leads to
/// the other (`countersign log why DIGEST`).
fn traces(spans: &[Span]) -> Value {
    let attribute =
        |(key, value): &(String, String)| json!({"key": format!("countersign.{key}"), "value": {"stringValue": value}});
    let spans = spans.iter().filter_map(|span| {
        let digest = span.request.rsplit(':').next().unwrap_or_default();
        let mut attributes: Vec<Value> = span.said.iter().map(attribute).collect();
        attributes.push(attribute(&("request_digest".to_owned(), span.request.clone())));
        let mut said = json!({
            "traceId": digest.get(..32)?, "spanId": span_id(digest, &span.name), "name": format!("countersign {}", span.name), "kind": 1,
            "startTimeUnixNano": span.start_us.saturating_mul(1_000).to_string(),
            "endTimeUnixNano": span.start_us.saturating_add(span.micros).saturating_mul(1_000).to_string(),
            "attributes": attributes, "status": {"code": if span.failed { 2 } else { 1 }},
        });
        if let (true, Some(map)) = (span.name != ROOT, said.as_object_mut()) {
            map.insert("parentSpanId".to_owned(), json!(span_id(digest, ROOT)));
        }
        Some(said)
    });
    json!({"resourceSpans": [{"resource": resource(),
        "scopeSpans": [{"scope": {"name": "countersign"}, "spans": spans.collect::<Vec<_>>()}]}]})
}

/// The part that the others lie under.
const ROOT: &str = "request";

/// The same at each sending, and another for each part.
fn span_id(digest: &str, name: &str) -> String {
    let sum = Sha256::digest(format!("countersign/span/v1\n{digest}\n{name}"));
    sum.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

fn resource() -> Value {
    json!({"attributes": [{"key": "service.name", "value": {"stringValue": "countersign"}},
        {"key": "service.version", "value": {"stringValue": env!("CARGO_PKG_VERSION")}}]})
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
    json!({"resourceMetrics": [{"resource": resource(),
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
