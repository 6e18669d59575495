//! What the record says of a time: counted once, for every framework.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use log_store::{Content, Wanted};
use serde_json::{Value, json};

use super::{number, text};
use crate::{log, time_format};

/// Maximum number of examples of one kind in a report; the attached records have all.
const EXAMPLES: usize = 50;

/// SPEC of approval fatigue: more requests a day than this for one person, a median below this time over this many
/// decisions, a share of approvals above this over this many.
const MOST_A_DAY: u64 = 30;
const FASTEST_MS: u64 = 3_000;
const FAST_OVER: usize = 20;
const MOST_APPROVED_PER_MILLE: u64 = 980;
const APPROVED_OVER: u64 = 100;

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
pub(super) struct ReviewerTally {
    pub(super) yes: u64,
    pub(super) no: u64,
    /// Answer times, in milliseconds.
    took: Vec<u64>,
    by_day: BTreeMap<String, u64>,
}

impl ReviewerTally {
    pub(super) fn median_ms(&self) -> u64 {
        let mut took = self.took.clone();
        took.sort_unstable();
        took.get(took.len() / 2).copied().unwrap_or(0)
    }

    pub(super) fn most_a_day(&self) -> u64 {
        self.by_day.values().copied().max().unwrap_or(0)
    }

    /// What an auditor should ask them about.
    pub(super) fn doubts(&self) -> Vec<String> {
        let mut doubts = Vec::new();
        if self.most_a_day() > MOST_A_DAY {
            doubts.push(format!("{} decisions on one day", self.most_a_day()));
        }
        if self.took.len() >= FAST_OVER && self.median_ms() < FASTEST_MS {
            doubts.push(format!("half of the decisions took less than {} ms", self.median_ms()));
        }
        let all = self.yes.saturating_add(self.no);
        if all >= APPROVED_OVER && self.yes.saturating_mul(1_000) > all.saturating_mul(MOST_APPROVED_PER_MILLE) {
            doubts.push(format!("{} of {all} were approved", self.yes));
        }
        doubts
    }
}

#[derive(Default)]
pub(super) struct Evidence {
    pub(super) integrity: String,
    pub(super) records: u64,
    pub(super) days: BTreeMap<String, Day>,
    /// Agents with those who answer for them.
    pub(super) agents: BTreeMap<String, BTreeSet<String>>,
    pub(super) people: BTreeMap<String, ReviewerTally>,
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
                Content::Draft(draft) => evidence.take(&draft.shown(found.entry.seq), &mut asked),
                Content::Destroyed => evidence.destroyed = evidence.destroyed.saturating_add(1),
                Content::Unreadable(_) => evidence.unreadable = evidence.unreadable.saturating_add(1),
            }
            Ok(true)
        })?;
        Ok(evidence)
    }

    fn take(&mut self, record: &Value, asked: &mut BTreeMap<String, Asked>) {
        let at_ms = number(record, "/at_ms");
        let line = |what: String| (number(record, "/seq"), at_ms, what);
        match text(record, "/kind") {
            "decision" => self.decision(record, asked),
            "answer" => self.answer(record, asked),
            "change" => {
                let mut body = record.pointer("/body").cloned().unwrap_or_default();
                if let Some(body) = body.as_object_mut() {
                    body.remove("text");
                }
                self.changes.push(line(body.to_string()));
            }
            "start" => self.starts.push(line(record.pointer("/body").map(ToString::to_string).unwrap_or_default())),
            "refusal" => self.refusals = self.refusals.saturating_add(1),
            "permit" if text(record, "/body/state") == "spent" => self.used = self.used.saturating_add(1),
            _ => {}
        }
    }

    fn decision(&mut self, record: &Value, asked: &mut BTreeMap<String, Asked>) {
        let (seq, at_ms) = (number(record, "/seq"), number(record, "/at_ms"));
        let agent = text(record, "/body/request/agent").to_owned();
        let owner = text(record, "/body/request/owner").to_owned();
        let act = record.pointer("/body/request/act").map(log::act).unwrap_or_default();
        let verdict = text(record, "/body/verdict");
        let day = self.days.entry(day_of(at_ms)).or_default();
        let line = (seq, at_ms, format!("{agent}: {act} ({})", text(record, "/body/reasons/0")));
        match verdict {
            "allow" => day.allowed = day.allowed.saturating_add(1),
            "ask" => day.asked = day.asked.saturating_add(1),
            _ => {
                day.denied = day.denied.saturating_add(1);
                note(&mut self.denied, &mut self.denied_count, &line);
            }
        }
        if !text(record, "/body/would").is_empty() {
            note(&mut self.unauthorized, &mut self.unauthorized_count, &line);
        }
        if verdict == "allow" && text(record, "/body/coverage") == "partial" {
            note(&mut self.partial, &mut self.partial_count, &line);
        }
        self.agents.entry(agent).or_default().insert(owner.clone());
        asked.insert(text(record, "/body/request_digest").to_owned(), Asked { at_ms, owner, line, yes: 0 });
    }

    fn answer(&mut self, record: &Value, asked: &mut BTreeMap<String, Asked>) {
        let at_ms = number(record, "/at_ms");
        let reviewer = text(record, "/body/reviewer");
        match (text(record, "/body/state"), text(record, "/body/said")) {
            ("expired", _) => self.expired = self.expired.saturating_add(1),
            ("refused", _) => self.wrong_proofs = self.wrong_proofs.saturating_add(1),
            (_, said) if !reviewer.is_empty() => {
                let person = self.people.entry(reviewer.to_owned()).or_default();
                let yes = matches!(said, "approve" | "break-glass");
                if said == "break-glass" {
                    self.broken_glass = self.broken_glass.saturating_add(1);
                }
                if yes {
                    person.yes = person.yes.saturating_add(1)
                } else {
                    person.no = person.no.saturating_add(1)
                }
                let of_day = person.by_day.entry(day_of(at_ms)).or_default();
                *of_day = of_day.saturating_add(1);
                let Some(about) = asked.get_mut(text(record, "/body/request_digest")) else { return };
                person.took.push(at_ms.saturating_sub(about.at_ms));
                if !yes {
                    return;
                }
                about.yes = about.yes.saturating_add(1);
                if about.yes == 2 {
                    self.several = self.several.saturating_add(1);
                }
                if about.owner == reviewer {
                    self.own.push(about.line.clone());
                }
                if text(record, "/body/state") == "approved" {
                    let day = self.days.entry(day_of(about.at_ms)).or_default();
                    day.approved = day.approved.saturating_add(1);
                }
            }
            (_, _) => {}
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
        let people: BTreeMap<&String, Value> = self
            .people
            .iter()
            .map(|(name, it)| {
                let doubts = it.doubts();
                (name, json!({"approved": it.yes, "denied": it.no, "median_ms": it.median_ms(), "most_a_day": it.most_a_day(), "doubts": doubts}))
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
