//! Which records are meant: by time, agent, session, verdict, level, reviewer, text.

use audit::term;
use clap::Args;
use journal::Wanted;
use serde_json::Value;

use crate::when;

#[derive(Args, Clone, Default)]
pub(crate) struct FilterArgs {
    /// Not before: `30m`, `8h`, `7d` ago, or a date and time (RFC 3339)
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Not after, in the same form
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Only this kind: decision, answer, permit, outcome, recording, change, access, refusal, start
    #[arg(long)]
    kind: Option<String>,
    /// Only what this agent asked for
    #[arg(long)]
    agent: Option<String>,
    /// Only this session
    #[arg(long)]
    session: Option<String>,
    /// Only this verdict: allow, ask, deny
    #[arg(long)]
    verdict: Option<String>,
    /// Only this level: low, medium, high, critical
    #[arg(long)]
    level: Option<String>,
    /// Only what this reviewer answered
    #[arg(long)]
    reviewer: Option<String>,
    /// Only records that hold this text
    #[arg(long, value_name = "TEXT")]
    grep: Option<String>,
}

/// A filter, read.
pub(crate) struct Filter<'a> {
    args: &'a FilterArgs,
    since_ms: u64,
    until_ms: u64,
}

impl FilterArgs {
    /// Everything of a time, milliseconds since 1970.
    pub(crate) const fn between(&self, since_ms: u64, until_ms: u64) -> Filter<'_> {
        Filter { args: self, since_ms, until_ms }
    }

    pub(crate) fn read(&self, now_ms: u64) -> Result<Filter<'_>, String> {
        let at = |text: &Option<String>, otherwise: u64| {
            text.as_deref().map_or(Ok(otherwise), |text| when::moment(text, now_ms))
        };
        Ok(Filter { since_ms: at(&self.since, 0)?, until_ms: at(&self.until, u64::MAX)?, args: self })
    }
}

impl Filter<'_> {
    /// Whether every record passes: then none has to be looked at.
    pub(crate) fn is_open(&self) -> bool {
        let FilterArgs { since, until, kind, agent, session, verdict, level, reviewer, grep } = self.args;
        [since, until, kind, agent, session, verdict, level, reviewer, grep].iter().all(|it| it.is_none())
    }

    /// What is looked for by the index.
    pub(crate) fn wanted(&self) -> Wanted {
        let args = self.args;
        let named = [
            ("kind", &args.kind),
            ("agent", &args.agent),
            ("session", &args.session),
            ("verdict", &args.verdict),
            ("level", &args.level),
            ("reviewer", &args.reviewer),
        ];
        let terms = named.into_iter().filter_map(|(name, value)| Some(term(name, value.as_deref()?))).collect();
        Wanted { from: 0, since_ms: self.since_ms, until_ms: self.until_ms, terms }
    }

    /// Whether a record passes.
    pub(crate) fn passes(&self, record: &Value) -> bool {
        let text = |pointer: &str| record.pointer(pointer).and_then(Value::as_str);
        let is = |wanted: &Option<String>, pointer: &str| wanted.as_deref().is_none_or(|it| text(pointer) == Some(it));
        let at = record.get("at_ms").and_then(Value::as_u64).unwrap_or(0);
        let args = self.args;
        (self.since_ms..=self.until_ms).contains(&at)
            && is(&args.kind, "/kind")
            && is(&args.agent, "/body/request/agent")
            && is(&args.session, "/body/request/session")
            && is(&args.verdict, "/body/verdict")
            && is(&args.level, "/body/level")
            && is(&args.reviewer, "/body/reviewer")
            && args.grep.as_deref().is_none_or(|wanted| says(record, wanted))
    }
}

/// Whether any text of a value holds another.
fn says(value: &Value, wanted: &str) -> bool {
    match value {
        Value::String(text) => text.contains(wanted),
        Value::Array(items) => {
            // A command is looked for as it is written, over its words.
            let words: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
            (words.len() == items.len() && words.join(" ").contains(wanted))
                || items.iter().any(|item| says(item, wanted))
        }
        Value::Object(map) => map.values().any(|item| says(item, wanted)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}
