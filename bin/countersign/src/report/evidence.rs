//! What the record says of a time: counted once, for every framework.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use log_store::{Content, Wanted};
use record::{
    Answer, AnswerState, Change, Coverage, Decision, Event, Permit, Record, ReviewerStats, Reviewers, Verdict, Vote,
};
use serde_json::{Value, json};

use crate::{log, time_format};

/// Maximum number of examples of one kind in a report; the attached records have all.
const EXAMPLES: usize = 50;

/// Something that happened, in one line, with its record.
pub(super) type EvidenceLine = (u64, u64, String);

#[derive(Default)]
pub(super) struct Day {
    pub(super) allowed: u64,
    pub(super) asked: u64,
    pub(super) denied: u64,
    pub(super) approved: u64,
}

#[derive(Default)]
pub(super) struct Evidence {
    pub(super) integrity: String,
    pub(super) records: u64,
    pub(super) days: BTreeMap<String, Day>,
    /// Agents with those who answer for them.
    pub(super) agents: BTreeMap<String, BTreeSet<String>>,
    pub(super) reviewers: Reviewers,
    pub(super) denied: Vec<EvidenceLine>,
    pub(super) denied_count: u64,
    /// Let run without an authorization before, because the policy only watched.
    pub(super) unauthorized: Vec<EvidenceLine>,
    pub(super) unauthorized_count: u64,
    /// Allowed though a part was not understood.
    pub(super) partial: Vec<EvidenceLine>,
    pub(super) partial_count: u64,
    pub(super) expired: u64,
    /// Approved by a person who answers for the agent. There must be none.
    pub(super) own: Vec<EvidenceLine>,
    /// Approved by one person alone, who broke the glass.
    pub(super) broken_glass: u64,
    /// Approved by several people.
    pub(super) several: u64,
    pub(super) changes: Vec<EvidenceLine>,
    /// Starts of our programs: between an end and a start nothing was decided, and nothing ran.
    pub(super) starts: Vec<EvidenceLine>,
    pub(super) refusals: u64,
    pub(super) wrong_proofs: u64,
    pub(super) used: u64,
    pub(super) destroyed: u64,
    pub(super) unreadable: u64,
}

impl Evidence {
    pub(super) fn gather(directory: &Path, from_ms: u64, to_ms: u64, integrity: String) -> Result<Self, String> {
        let mut evidence = Self { integrity, ..Self::default() };
        let mut asked: BTreeMap<String, Asked> = BTreeMap::new();
        let wanted = Wanted { since_ms: from_ms, until_ms: to_ms, ..Wanted::default() };
        log::open(directory)?.each(&wanted, &mut |found| {
            evidence.records = evidence.records.saturating_add(1);
            match found.content {
                Content::Record(record) => evidence.take(&record, &mut asked),
                Content::Destroyed => evidence.destroyed = evidence.destroyed.saturating_add(1),
                Content::Unreadable(_) => evidence.unreadable = evidence.unreadable.saturating_add(1),
            }
            Ok(true)
        })?;
        Ok(evidence)
    }

    fn take(&mut self, record: &Record, asked: &mut BTreeMap<String, Asked>) {
        let line = |what: String| (record.seq, record.at_ms, what);
        let Some(event) = record.event() else { return };
        self.reviewers.take(record.at_ms, &event);
        match event {
            Event::Decision(it) => self.decision(record, *it, asked),
            Event::Answer(it) => self.answer(&it, asked),
            // The text of a rule is long, and in the records.
            Event::Change(Change::RuleMade { .. }) => {
                let mut body = record.body().clone();
                body.as_object_mut().and_then(|body| body.remove("text"));
                self.changes.push(line(body.to_string()));
            }
            Event::Change(_) => self.changes.push(line(record.body().to_string())),
            Event::Start(_) => self.starts.push(line(record.body().to_string())),
            Event::Refusal(_) => self.refusals = self.refusals.saturating_add(1),
            Event::Permit(Permit::Spent { .. }) => self.used = self.used.saturating_add(1),
            Event::Permit(Permit::Refused { .. } | Permit::TicketUsed { .. })
            | Event::Outcome(_)
            | Event::Recording(_)
            | Event::Access(_) => {}
        }
    }

    fn decision(&mut self, record: &Record, it: Decision, asked: &mut BTreeMap<String, Asked>) {
        let (seq, at_ms) = (record.seq, record.at_ms);
        let (agent, owner) = (it.request.agent, it.request.owner);
        let why = it.reasons.first().map_or("", String::as_str);
        let line = (seq, at_ms, format!("{agent}: {} ({why})", it.request.act.line()));
        let day = self.days.entry(day_of(at_ms)).or_default();
        match it.verdict {
            Verdict::Allow => day.allowed = day.allowed.saturating_add(1),
            Verdict::Ask => day.asked = day.asked.saturating_add(1),
            Verdict::Deny => {
                day.denied = day.denied.saturating_add(1);
                note(&mut self.denied, &mut self.denied_count, &line);
            }
        }
        if it.would.is_some() {
            note(&mut self.unauthorized, &mut self.unauthorized_count, &line);
        }
        if it.verdict == Verdict::Allow && it.coverage == Coverage::Partial {
            note(&mut self.partial, &mut self.partial_count, &line);
        }
        self.agents.entry(agent).or_default().insert(owner.clone());
        asked.insert(it.request_digest, Asked { at_ms, owner, line, yes: 0 });
    }

    fn answer(&mut self, it: &Answer, asked: &mut BTreeMap<String, Asked>) {
        match it.state {
            AnswerState::Expired => self.expired = self.expired.saturating_add(1),
            AnswerState::Refused => self.wrong_proofs = self.wrong_proofs.saturating_add(1),
            AnswerState::Open | AnswerState::Approved | AnswerState::Denied | AnswerState::Lost | AnswerState::Void => {
            }
        }
        let Some((reviewer, vote)) = it.vote() else { return };
        if vote == Vote::BreakGlass {
            self.broken_glass = self.broken_glass.saturating_add(1);
        }
        let Some(about) = asked.get_mut(&it.request_digest).filter(|_| vote.approves()) else { return };
        about.yes = about.yes.saturating_add(1);
        if about.yes == 2 {
            self.several = self.several.saturating_add(1);
        }
        if about.owner == reviewer {
            self.own.push(about.line.clone());
        }
        if it.state == AnswerState::Approved {
            let day = self.days.entry(day_of(about.at_ms)).or_default();
            day.approved = day.approved.saturating_add(1);
        }
    }

    pub(super) fn total(&self, of: fn(&Day) -> u64) -> u64 {
        self.days.values().map(of).fold(0, u64::saturating_add)
    }

    pub(super) fn to_value(&self) -> Value {
        let lines = |lines: &[EvidenceLine]| -> Vec<Value> {
            lines
                .iter()
                .map(|(seq, at_ms, what)| json!({"record": seq, "at": time_format::shown(*at_ms), "what": what}))
                .collect()
        };
        let days: BTreeMap<&String, Value> = self
            .days
            .iter()
            .map(|(day, it)| {
                (day, json!({"allowed": it.allowed, "asked": it.asked, "denied": it.denied, "approved": it.approved}))
            })
            .collect();
        let people: BTreeMap<&str, Value> = self
            .reviewers
            .iter()
            .map(|(name, it)| {
                let (median_ms, most_a_day) = (it.median_ms(), it.busiest_day());
                (name, json!({"approved": it.approved, "denied": it.denied(), "median_ms": median_ms, "most_a_day": most_a_day, "doubts": doubts(it)}))
            })
            .collect();
        json!({
            "integrity": self.integrity, "records": self.records, "days": days, "agents": self.agents, "people": people,
            "denied": {"count": self.denied_count, "examples": lines(&self.denied)},
            "run_without_prior_authorization": {"count": self.unauthorized_count, "examples": lines(&self.unauthorized)},
            "allowed_with_partial_coverage": {"count": self.partial_count, "examples": lines(&self.partial)},
            "approved_by_the_agents_own_owner": lines(&self.own), "approved_by_several": self.several, "expired": self.expired,
            "changes": lines(&self.changes), "starts": lines(&self.starts), "refusals": self.refusals,
            "wrong_proofs": self.wrong_proofs, "permits_spent": self.used, "contents_destroyed": self.destroyed,
            "contents_unreadable": self.unreadable,
        })
    }
}

/// What an auditor should ask a reviewer about.
pub(super) fn doubts(of: &ReviewerStats) -> Vec<String> {
    of.fatigue_signs().iter().map(ToString::to_string).collect()
}

/// A request that waits for what comes of it.
struct Asked {
    at_ms: u64,
    owner: String,
    line: EvidenceLine,
    yes: u64,
}

fn note(lines: &mut Vec<EvidenceLine>, count: &mut u64, line: &EvidenceLine) {
    *count = count.saturating_add(1);
    if lines.len() < EXAMPLES {
        lines.push(line.clone());
    }
}

/// The day in UTC.
fn day_of(at_ms: u64) -> String {
    time_format::shown(at_ms).chars().take(10).collect()
}

#[cfg(test)]
mod tests {
    use super::Evidence;
    use record::{Record, Statistics};
    use serde_json::{Value, json};
    use std::collections::BTreeMap;

    fn record(seq: u64, kind: &str, at_ms: u64, body: &Value) -> Record {
        let content = json!({"v": 2, "kind": kind, "at_ms": at_ms, "scope": "", "body": body});
        Record::parse(seq, content.to_string().as_bytes()).unwrap()
    }

    /// So many requests, each answered after a time.
    fn answered(count: u64, millis: u64, said: impl Fn(u64) -> &'static str) -> Vec<Record> {
        let of = |number: u64| {
            let (at_ms, digest) = (number.saturating_mul(10_000), number.to_string());
            let asked = json!({"request": {"id": "r", "agent": "bot", "owner": "o", "session": "s", "host": "h",
                    "act": {"kind": "tool", "host": "h", "tool": "Bash", "input": {"command": "mkdir x"}},
                    "seen": {"uid": 1, "gid": 1, "pid": 1}},
                "request_digest": digest, "verdict": "ask", "level": "high", "score": 60, "reversibility": "effort",
                "coverage": "full", "operations": [], "unknowns": [], "factors": [], "reasons": [], "rules": [], "policy": "p"});
            let answer = json!({"hold": digest, "request_digest": digest, "state": "approved", "reviewer": "rita",
                "said": said(number), "assurance": "totp", "proof": null});
            let answered_ms = at_ms.saturating_add(millis);
            [record(number, "decision", at_ms, &asked), record(number, "answer", answered_ms, &answer)]
        };
        (0..count).flat_map(of).collect()
    }

    #[test]
    fn the_report_and_the_dashboard_find_the_same_reviewers_tired() {
        let calm = |number: u64| if number.is_multiple_of(3) { "deny" } else { "approve" };
        let cases: [(Vec<Record>, usize); 5] = [
            (answered(30, 8_000, calm), 0),
            (answered(31, 8_000, calm), 1),
            (answered(20, 2_999, calm), 1),
            (answered(100, 8_000, |number| if number == 5 { "deny" } else { "approve" }), 2),
            // The first answers of a long time do not hide how the last ones were given.
            (answered(200, 8_000, |number| if number < 100 { "deny" } else { "approve" }), 2),
        ];
        for (records, expected) in cases {
            let (mut report, mut dashboard) = (Evidence::default(), Statistics::default());
            let mut asked = BTreeMap::new();
            for record in &records {
                report.take(record, &mut asked);
                dashboard.take(record.at_ms, &record.event().unwrap());
            }
            let doubts = report.to_value()["people"]["rita"]["doubts"].clone();
            let doubts: Vec<String> =
                doubts.as_array().unwrap().iter().map(|it| format!("rita {}", it.as_str().unwrap())).collect();
            assert_eq!(json!(doubts), dashboard.to_value()["alerts"]);
            assert_eq!(doubts.len(), expected, "{doubts:?}");
        }
    }
}
