//! Numbers pushed to a collector, read as OpenTelemetry defines them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must fail"
)]

use std::io::Write as _;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use testkit::{Sandbox, exec_act, take, test_python};

/// Reads it by the definitions of OpenTelemetry itself; a field that is not in them is an error.
const READ: &str = "
import sys, json
from google.protobuf import json_format
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
said = json_format.Parse(sys.stdin.read(), ExportMetricsServiceRequest())
out = {}
for metric in said.resource_metrics[0].scope_metrics[0].metrics:
    kind = metric.WhichOneof('data')
    for point in getattr(metric, kind).data_points:
        labels = ','.join(f'{it.key}={it.value.string_value}' for it in point.attributes)
        if kind == 'histogram':
            assert sum(point.bucket_counts) == point.count and len(point.bucket_counts) == len(point.explicit_bounds) + 1
            assert list(point.explicit_bounds) == sorted(point.explicit_bounds)
            out[metric.name] = point.count
        else:
            assert point.time_unix_nano > 1700000000 * 10**9
            out[f'{metric.name}{{{labels}}}'] = point.as_double
print(json.dumps(out))
";

/// What was pushed next: the path, and the body.
fn pushed(collector: &TcpListener) -> (String, Vec<u8>) {
    let (head, body) = take(collector, "200 OK", "{}");
    (head.split(' ').nth(1).unwrap().to_owned(), body)
}

/// Reads a body by a program in Python.
fn read(program: &str, body: &[u8]) -> Value {
    let mut python = test_python();
    let mut python = python
        .args(["-c", program])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    python.stdin.take().unwrap().write_all(body).unwrap();
    let output = python.wait_with_output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)))
}

fn telemetry(sandbox: &Sandbox, collector: &TcpListener) -> Child {
    Command::new(Sandbox::program("countersign-gate"))
        .args(["telemetry", "--every", "1", "--otlp", &format!("http://{}", collector.local_addr().unwrap())])
        .env(host::install_paths::DIRECTORY_VARIABLE, sandbox.layout.run.parent().unwrap())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn a_collector_is_told_the_numbers() {
    let sandbox = Sandbox::start();
    let key = sandbox.add_agent("bot");
    let agent = sandbox.raw(&key);
    for _ in 0..3 {
        agent.submit(&exec_act(&["ls"]));
    }
    agent.submit(&exec_act(&["rm", "-rf", "/"]));
    let collector = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut gate = telemetry(&sandbox, &collector);
    let (path, body) = pushed(&collector);
    gate.kill().unwrap();
    gate.wait().unwrap();
    assert_eq!(path, "/v1/metrics");
    let read = read(READ, &body);
    assert_eq!(read["countersign_decisions_total{verdict=allow}"], 3.0, "{read}");
    assert_eq!(read["countersign_decisions_total{verdict=deny}"], 1.0, "{read}");
    assert_eq!(read["countersign_decision_seconds"], 4, "{read}");
    assert_eq!(read["countersign_agents{}"], 1.0, "{read}");
}

/// Traces, by the definitions of OpenTelemetry.
const READ_SPANS: &str = "
import sys, json
from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
# JSON of OTLP has ids in hexadecimal digits, where protobuf has base64 (OTLP 1.x, JSON Protobuf Encoding).
import base64
def ids(it):
    if isinstance(it, dict):
        return {k: base64.b64encode(bytes.fromhex(v)).decode() if k in ('traceId', 'spanId', 'parentSpanId') else ids(v) for k, v in it.items()}
    return [ids(x) for x in it] if isinstance(it, list) else it
said = json_format.ParseDict(ids(json.load(sys.stdin)), ExportTraceServiceRequest())
out = []
for span in said.resource_spans[0].scope_spans[0].spans:
    assert len(span.trace_id) == 16 and len(span.span_id) == 8
    assert span.start_time_unix_nano > 1700000000 * 10**9 and span.end_time_unix_nano >= span.start_time_unix_nano
    out.append({'name': span.name, 'trace': span.trace_id.hex(), 'span': span.span_id.hex(), 'parent': span.parent_span_id.hex(),
        'failed': span.status.code == 2, 'said': {it.key: it.value.string_value for it in span.attributes}})
print(json.dumps(out))
";

#[test]
fn a_collector_is_told_a_request_from_the_question_to_the_act() {
    let sandbox = Sandbox::start();
    sandbox.add_agent("bot");
    let rita = sandbox.add_reviewer("rita");
    let collector = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut gate = telemetry(&sandbox, &collector);
    // From the first question on, parts are kept.
    assert_eq!(pushed(&collector).0, "/v1/metrics");
    std::thread::sleep(std::time::Duration::from_millis(300));
    let mut child = sandbox.run(&["mkdir", "a-secret-plan"]).stderr(Stdio::null()).spawn().unwrap();
    let hold = sandbox.hold();
    sandbox.answer(&hold, "approve", rita.vouch()).unwrap();
    assert!(child.wait().unwrap().success());
    let (mut spans, mut texts) = (Vec::new(), String::new());
    while spans.len() < 4 {
        let (path, body) = pushed(&collector);
        if path == "/v1/traces" {
            texts.push_str(&String::from_utf8_lossy(&body));
            spans.extend(read(READ_SPANS, &body).as_array().unwrap().clone());
        }
    }
    gate.kill().unwrap();
    gate.wait().unwrap();
    let named = |name: &str| spans.iter().find(|it| it["name"] == format!("countersign {name}")).unwrap();
    let (request, decision, held, act) = (named("request"), named("decision"), named("hold"), named("act"));
    assert_eq!(request["said"]["countersign.answer"], "allow");
    assert_eq!(decision["said"]["countersign.verdict"], "ask");
    assert_eq!(held["said"]["countersign.state"], "approved");
    assert_eq!(act["said"]["countersign.exit"], "0");
    let digest = request["said"]["countersign.request_digest"].as_str().unwrap();
    assert_eq!(digest, hold.request, "the record has it by this name");
    for part in [decision, held, act] {
        assert_eq!((&part["trace"], &part["parent"]), (&request["trace"], &request["span"]), "one trace: {part}");
        assert_eq!(part["failed"], false);
    }
    assert!(digest.contains(request["trace"].as_str().unwrap()));
    assert_eq!(request["parent"], "");
    // Neither what was asked nor who answered is in it.
    assert!(!texts.contains("secret-plan") && !texts.contains("mkdir") && !texts.contains("rita"), "{texts}");
}
