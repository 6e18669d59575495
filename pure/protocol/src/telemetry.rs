//! Telemetry: metrics, and spans of requests.

use serde::{Deserialize, Serialize};

/// One metric, as Prometheus has it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Metric {
    /// Its name.
    pub name: String,
    /// `counter`, `gauge` or `histogram`.
    pub kind: String,
    /// What it is.
    pub help: String,
    /// Its labels, as they are written.
    pub labels: String,
    /// The number.
    pub value: f64,
}

/// A part of a request's life, for a collector of traces. No command, path or person is in it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Span {
    /// The request's digest: what ties the parts together, and them to the record.
    pub request: String,
    /// Which part: `request` is the whole until the answer; `decision`, `hold` and `act` lie under it.
    pub name: String,
    /// When it began, microseconds since 1970.
    pub start_us: u64,
    /// How long it took, in microseconds.
    pub micros: u64,
    /// What is known of it, by name.
    pub said: Vec<(String, String)>,
    /// It did not end as it should.
    pub failed: bool,
}
