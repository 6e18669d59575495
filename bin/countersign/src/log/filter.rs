//! Which records are meant: by time, agent, session, verdict, level, reviewer, text.

use clap::Args;
use log_store::Wanted;
use record::{Record, RecordQuery, term};

use crate::time_format;

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
pub(crate) struct Filter {
    query: RecordQuery,
}

impl FilterArgs {
    /// Everything of a time, milliseconds since 1970.
    pub(crate) fn between(&self, since_ms: u64, until_ms: u64) -> Filter {
        self.filter(Some(since_ms), Some(until_ms))
    }

    fn filter(&self, since_ms: Option<u64>, until_ms: Option<u64>) -> Filter {
        let Self { kind, agent, session, verdict, level, reviewer, grep, .. } = self.clone();
        let query = RecordQuery {
            since_ms,
            until_ms,
            kind,
            agent,
            session,
            verdict,
            level,
            reviewer,
            grep,
            ..RecordQuery::default()
        };
        Filter { query }
    }

    pub(crate) fn read(&self, now_ms: u64) -> Result<Filter, String> {
        let at = |text: &Option<String>| text.as_deref().map(|text| time_format::moment(text, now_ms)).transpose();
        Ok(self.filter(at(&self.since)?, at(&self.until)?))
    }
}

impl Filter {
    /// Whether every record passes: then none has to be looked at.
    pub(crate) fn is_open(&self) -> bool {
        self.query.is_open()
    }

    /// What is looked for by the index.
    pub(crate) fn wanted(&self) -> Wanted {
        let terms = self.query.named().into_iter().map(|(name, value)| term(name, value)).collect();
        Wanted {
            from: 0,
            since_ms: self.query.since_ms.unwrap_or(0),
            until_ms: self.query.until_ms.unwrap_or(u64::MAX),
            terms,
        }
    }

    /// Whether a record passes.
    pub(crate) fn passes(&self, record: &Record) -> bool {
        self.query.passes(record)
    }
}
