//! Metrics: how much was decided and how fast. No name of an agent, a person or a file is in them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use protocol::Metric;

use crate::state::Daemon;

/// Upper bounds of a histogram's buckets, in seconds.
const FAST: [f64; 9] = [0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.05, 0.25, 1.0];
const SLOW: [f64; 9] = [1.0, 3.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1_800.0];

/// Durations, counted by size.
pub(crate) struct Histogram {
    bounds: [f64; 9],
    buckets: [AtomicU64; 9],
    count: AtomicU64,
    micros: AtomicU64,
}

impl Histogram {
    fn new(bounds: [f64; 9]) -> Self {
        Self { bounds, buckets: Default::default(), count: AtomicU64::new(0), micros: AtomicU64::new(0) }
    }

    /// Counts one.
    pub(crate) fn note(&self, took: Duration) {
        let seconds = took.as_secs_f64();
        for (bound, bucket) in self.bounds.iter().zip(&self.buckets) {
            if seconds <= *bound {
                bucket.fetch_add(1, Ordering::Relaxed);
            }
        }
        self.count.fetch_add(1, Ordering::Relaxed);
        self.micros.fetch_add(u64::try_from(took.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    fn put(&self, name: &str, help: &str, out: &mut Vec<Metric>) {
        let mut value = |name: String, labels: String, value: f64| {
            out.push(Metric { name, kind: "histogram".to_owned(), help: help.to_owned(), labels, value });
        };
        for (bound, bucket) in self.bounds.iter().zip(&self.buckets) {
            value(format!("{name}_bucket"), format!("le=\"{bound}\""), number(bucket.load(Ordering::Relaxed)));
        }
        let count = number(self.count.load(Ordering::Relaxed));
        value(format!("{name}_bucket"), "le=\"+Inf\"".to_owned(), count);
        value(format!("{name}_sum"), String::new(), number(self.micros.load(Ordering::Relaxed)) / 1e6);
        value(format!("{name}_count"), String::new(), count);
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
fn number(value: u64) -> f64 {
    value as f64
}

/// All counters.
pub(crate) struct Metrics {
    allowed: AtomicU64,
    asked: AtomicU64,
    denied: AtomicU64,
    undecided: AtomicU64,
    approvals: AtomicU64,
    denials: AtomicU64,
    expired: AtomicU64,
    /// From the request to the recorded decision.
    pub(crate) decision: Histogram,
    /// From a hold to its end.
    pub(crate) hold: Histogram,
    /// From a record to its receipt.
    pub(crate) log: Histogram,
}

impl Default for Metrics {
    fn default() -> Self {
        let zero = || AtomicU64::new(0);
        Self {
            allowed: zero(),
            asked: zero(),
            denied: zero(),
            undecided: zero(),
            approvals: zero(),
            denials: zero(),
            expired: zero(),
            decision: Histogram::new(FAST),
            hold: Histogram::new(SLOW),
            log: Histogram::new(FAST),
        }
    }
}

impl Metrics {
    /// Counts a verdict, by its word.
    pub(crate) fn verdict(&self, word: &str) {
        let counter = match word {
            "allow" => &self.allowed,
            "ask" => &self.asked,
            "deny" => &self.denied,
            _ => &self.undecided,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts the end of a hold, by its word.
    pub(crate) fn ended(&self, word: &str, took: Duration) {
        let counter = match word {
            "approved" => &self.approvals,
            "denied" => &self.denials,
            _ => &self.expired,
        };
        counter.fetch_add(1, Ordering::Relaxed);
        self.hold.note(took);
    }
}

/// Everything, as Prometheus names it.
pub(crate) fn all(daemon: &Daemon) -> Vec<Metric> {
    let mut out = Vec::new();
    let metrics = &daemon.metrics;
    let get = |counter: &AtomicU64| number(counter.load(Ordering::Relaxed));
    let mut put = |name: &str, kind: &str, help: &str, labels: &str, value: f64| {
        out.push(Metric {
            name: name.to_owned(),
            kind: kind.to_owned(),
            help: help.to_owned(),
            labels: labels.to_owned(),
            value,
        });
    };
    for (verdict, counter) in [
        ("allow", &metrics.allowed),
        ("ask", &metrics.asked),
        ("deny", &metrics.denied),
        ("undecided", &metrics.undecided),
    ] {
        let labels = format!("verdict=\"{verdict}\"");
        put("countersign_decisions_total", "counter", "Decisions on requests.", &labels, get(counter));
    }
    for (state, counter) in
        [("approved", &metrics.approvals), ("denied", &metrics.denials), ("expired", &metrics.expired)]
    {
        let labels = format!("state=\"{state}\"");
        put("countersign_holds_total", "counter", "Holds that ended.", &labels, get(counter));
    }
    let holds = daemon.holds.list().0;
    for level in ["low", "medium", "high", "critical"] {
        let count = holds.iter().filter(|hold| hold.level == level).count();
        let labels = format!("level=\"{level}\"");
        put("countersign_holds_open", "gauge", "Requests that wait for people.", &labels, number(count as u64));
    }
    let oldest = holds.iter().map(|hold| daemon.holds.age_s(&hold.id)).max().unwrap_or(0);
    put("countersign_hold_oldest_seconds", "gauge", "How long the oldest waits.", "", number(oldest));
    put("countersign_log_records", "counter", "Records in the log.", "", number(daemon.records()));
    put("countersign_log_waiting", "gauge", "Records that wait for the log.", "", number(daemon.waiting() as u64));
    put("countersign_agents", "gauge", "Agents that are enrolled.", "", number(daemon.agent_count() as u64));
    let observes = daemon.policy.mode() == record::PolicyMode::Observe;
    put(
        "countersign_observes",
        "gauge",
        "1 where the policy only watches and nothing is protected.",
        "",
        number(u64::from(observes)),
    );
    let refused = daemon.policy.refused().is_some();
    put(
        "countersign_policy_refused",
        "gauge",
        "1 where the newest rules were refused.",
        "",
        number(u64::from(refused)),
    );
    metrics.decision.put("countersign_decision_seconds", "From the request to the recorded decision.", &mut out);
    metrics.hold.put("countersign_hold_seconds", "From a hold to its end.", &mut out);
    metrics.log.put("countersign_log_seconds", "From a record to its receipt.", &mut out);
    out
}
