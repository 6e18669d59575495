//! Numbers pushed to a collector, read as OpenTelemetry defines them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must fail"
)]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::process::{Command, Stdio};

use serde_json::Value;
use testkit::{Sandbox, exec_act, python_with};

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
    let mut gate = Command::new(Sandbox::program("countersign-gate"))
        .args(["telemetry", "--every", "1", "--otlp", &format!("http://{}", collector.local_addr().unwrap())])
        .env(host::layout::DIRECTORY_VARIABLE, sandbox.layout.run.parent().unwrap())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let (stream, _) = collector.accept().unwrap();
    let mut reader = BufReader::new(&stream);
    let (mut first, mut length) = (String::new(), 0);
    reader.read_line(&mut first).unwrap();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    (&stream).write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").unwrap();
    gate.kill().unwrap();
    gate.wait().unwrap();
    assert_eq!(first.trim(), "POST /v1/metrics HTTP/1.1");
    let mut python = python_with("opentelemetry.proto.collector.metrics.v1.metrics_service_pb2");
    let mut python =
        python.args(["-c", READ]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    python.stdin.take().unwrap().write_all(&body).unwrap();
    let output = python.wait_with_output().unwrap();
    let read: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    assert_eq!(read["countersign_decisions_total{verdict=allow}"], 3.0, "{read}");
    assert_eq!(read["countersign_decisions_total{verdict=deny}"], 1.0, "{read}");
    assert_eq!(read["countersign_decision_seconds"], 4, "{read}");
    assert_eq!(read["countersign_agents{}"], 1.0, "{read}");
}
