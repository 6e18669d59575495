//! A record as a row: what most tools want to know of it.

use model::Level;
use record::{Change, Decision, Event, Outcome, Record};
use serde_json::{Value, json};

/// A row. What a record does not say is empty.
#[derive(Default)]
pub(super) struct Row {
    seq: u64,
    pub(super) at_ms: u64,
    pub(super) kind: String,
    pub(super) agent: String,
    pub(super) owner: String,
    pub(super) session: String,
    pub(super) host: String,
    pub(super) verdict: String,
    pub(super) level: Option<Level>,
    score: Option<u8>,
    reviewer: String,
    pub(super) state: String,
    exit: Option<i32>,
    pub(super) request: String,
    policy: String,
    pub(super) reason: String,
    /// What was asked for, in one line.
    pub(super) act: String,
    /// What changed.
    what: String,
    value: Value,
}

impl Row {
    /// Of a record.
    pub(super) fn of(record: &Record) -> Self {
        let kind = record.kind.as_str().to_owned();
        let mut row = Self { seq: record.seq, at_ms: record.at_ms, kind, value: record.to_value(), ..Self::default() };
        let Some(event) = record.event() else { return row };
        let owned = |text: Option<&str>| text.unwrap_or_default().to_owned();
        row.agent = owned(event.agent());
        row.session = owned(event.session());
        row.reviewer = owned(event.reviewer());
        row.request = owned(event.request_digest());
        match event {
            Event::Decision(it) => row.decide(*it),
            Event::Answer(it) => it.state.as_str().clone_into(&mut row.state),
            Event::Permit(it) => it.state().clone_into(&mut row.state),
            Event::Recording(it) => it.state().clone_into(&mut row.state),
            Event::Outcome(Outcome::Ended { exit, .. }) => row.exit = exit,
            Event::Start(it) => row.policy = it.policy,
            Event::Change(it) => {
                row.what = it.what();
                if let Change::Canary { state, .. } = it {
                    state.as_str().clone_into(&mut row.state);
                } else if let Change::PolicyLoaded { policy, .. } = it {
                    row.policy = policy;
                }
            }
            Event::Access(it) => row.what = it.what(),
            Event::Outcome(Outcome::Unknown { .. }) | Event::Refusal(_) => {}
        }
        row
    }

    fn decide(&mut self, it: Decision) {
        self.owner = it.request.owner;
        self.host = it.request.host;
        it.verdict.as_str().clone_into(&mut self.verdict);
        self.level = Some(it.level);
        self.score = Some(it.score);
        self.policy = it.policy;
        self.reason = it.reasons.into_iter().next().unwrap_or_default();
        self.act = it.request.act.line();
    }

    /// Of a record whose content cannot be read.
    pub(super) fn hidden(seq: u64, at_ms: u64, why: &str) -> Self {
        let value = json!({"seq": seq, "at_ms": at_ms, "unreadable": why});
        Self { seq, at_ms, value, ..Self::default() }
    }

    /// The record's number.
    pub(super) const fn seq(&self) -> u64 {
        self.seq
    }

    /// The record as it was written.
    pub(super) const fn value(&self) -> &Value {
        &self.value
    }

    /// What it is, in a few words.
    pub(super) fn title(&self) -> String {
        let what = [&self.verdict, &self.state, &self.what].into_iter().find(|it| !it.is_empty());
        format!("{} {}", self.kind, what.map_or("", String::as_str)).trim().to_owned()
    }

    /// Its columns, by name.
    pub(super) fn columns(&self) -> [(&'static str, String); 16] {
        let number = |number: Option<i64>| number.map(|it| it.to_string()).unwrap_or_default();
        [
            ("seq", self.seq.to_string()),
            ("time_ms", self.at_ms.to_string()),
            ("kind", self.kind.clone()),
            ("agent", self.agent.clone()),
            ("owner", self.owner.clone()),
            ("session", self.session.clone()),
            ("host", self.host.clone()),
            ("verdict", self.verdict.clone()),
            ("level", self.level.map_or("", |it| it.as_str()).to_owned()),
            ("score", number(self.score.map(i64::from))),
            ("reviewer", self.reviewer.clone()),
            ("state", self.state.clone()),
            ("exit", number(self.exit.map(i64::from))),
            ("request", self.request.clone()),
            ("policy", self.policy.clone()),
            ("reason", self.reason.clone()),
        ]
    }
}
