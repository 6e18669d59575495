//! How reviewers answer, and where they may be tired of it. The dashboard and the reports for auditors count with this, so that
//! they agree.
//!
//! A reviewer who is tired approves without reading. The signs: more than thirty requests a day, a median below three seconds over
//! the last twenty, more than ninety-eight of the last hundred approved, a canary approved.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;

use serde::Serialize;

use crate::{Answer, Event, Verdict};

/// A day, in milliseconds.
pub(crate) const DAY_MS: u64 = 86_400_000;

/// More answers than this a day are too many.
const MOST_A_DAY: u64 = 30;
/// A median below this is too fast, over so many answers.
const FASTEST_MEDIAN_MS: u64 = 3_000;
const LAST_TIMES: usize = 20;
/// More approvals than this are too many, of so many answers.
const MOST_APPROVED: usize = 98;
const LAST_ANSWERS: usize = 100;
/// The most requests and holds that are remembered while the records are read.
pub(crate) const MOST_KEPT: usize = 50_000;

/// Every reviewer's figures. Records are taken in their order.
#[derive(Clone, Debug, Default)]
pub struct Reviewers {
    all: BTreeMap<String, ReviewerStats>,
    /// When a request was asked, by its digest.
    asked: BTreeMap<String, u64>,
    /// Who voted how on a hold.
    votes: BTreeMap<String, Vec<(String, bool)>>,
}

/// How one reviewer answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReviewerStats {
    /// Answers that counted.
    pub answers: u64,
    /// Of these, approvals.
    pub approved: u64,
    /// Answers to holds with another reviewer who said the same.
    pub agreed: u64,
    /// Answers to holds with another reviewer who said otherwise.
    pub differed: u64,
    /// Canaries that were answered.
    pub canaries: u64,
    /// Of these, approvals: each must have been denied.
    pub canaries_approved: u64,
    by_day: BTreeMap<u64, u64>,
    /// How long the last answers took, in milliseconds.
    times: VecDeque<u64>,
    /// Whether the last answers were approvals.
    last: VecDeque<bool>,
}

/// A sign that a reviewer may approve without reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FatigueSign {
    /// So many answers in one day.
    TooMany {
        /// The answers.
        in_a_day: u64,
    },
    /// The last answers were given so fast.
    TooFast {
        /// The median, in milliseconds.
        median_ms: u64,
    },
    /// So many of the last answers were approvals.
    AlwaysApproves {
        /// The approvals.
        approved: usize,
    },
    /// Canaries were approved.
    ApprovedCanaries {
        /// So many.
        approved: u64,
        /// Of so many.
        of: u64,
    },
}

impl fmt::Display for FatigueSign {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooMany { in_a_day } => {
                write!(out, "was asked {in_a_day} times in a day; beyond {MOST_A_DAY} people stop reading")
            }
            Self::TooFast { median_ms } => {
                write!(out, "answered the last {LAST_TIMES} within {median_ms} ms (median)")
            }
            Self::AlwaysApproves { approved } => write!(out, "approved {approved} of the last {LAST_ANSWERS}"),
            Self::ApprovedCanaries { approved, of } => {
                write!(out, "approved {approved} of {of} canaries: requests that must be denied")
            }
        }
    }
}

impl Reviewers {
    /// Takes an event of this time.
    pub fn take(&mut self, at_ms: u64, event: &Event) {
        match event {
            Event::Decision(it) if it.verdict == Verdict::Ask => {
                if self.asked.len() >= MOST_KEPT {
                    self.asked.pop_first();
                }
                self.asked.insert(it.request_digest.clone(), at_ms);
            }
            Event::Answer(it) => self.answer(at_ms, it),
            Event::Decision(_)
            | Event::Start(_)
            | Event::Permit(_)
            | Event::Outcome(_)
            | Event::Change(_)
            | Event::Refusal(_)
            | Event::Recording(_)
            | Event::Access(_) => {}
        }
    }

    /// How long an answer took that is given at this time.
    pub(crate) fn took(&self, at_ms: u64, answer: &Answer) -> Option<u64> {
        self.asked.get(&answer.request_digest).map(|since_ms| at_ms.saturating_sub(*since_ms))
    }

    fn answer(&mut self, at_ms: u64, answer: &Answer) {
        let Some((name, vote)) = answer.vote() else { return };
        let took = self.took(at_ms, answer);
        let approves = vote.approves();
        let one = self.all.entry(name.to_owned()).or_default();
        add(&mut one.answers, true);
        add(&mut one.approved, approves);
        add(&mut one.canaries, answer.canary);
        add(&mut one.canaries_approved, answer.canary && approves);
        add(one.by_day.entry(at_ms / DAY_MS).or_default(), true);
        keep(&mut one.times, took, LAST_TIMES);
        keep(&mut one.last, Some(approves), LAST_ANSWERS);
        if self.votes.len() >= MOST_KEPT {
            self.votes.pop_first();
        }
        let others = self.votes.entry(answer.hold.clone()).or_default();
        for (other, before) in others.iter() {
            for name in [other.as_str(), name] {
                let one = self.all.entry(name.to_owned()).or_default();
                add(&mut one.agreed, *before == approves);
                add(&mut one.differed, *before != approves);
            }
        }
        others.push((name.to_owned(), approves));
    }

    /// Every reviewer by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &ReviewerStats)> {
        self.all.iter().map(|(name, one)| (name.as_str(), one))
    }

    /// What should worry an operator: the reviewer's name, and why.
    pub fn alerts(&self) -> Vec<String> {
        let of = |(name, one): (&str, &ReviewerStats)| -> Vec<String> {
            one.fatigue_signs().iter().map(|sign| format!("{name} {sign}")).collect()
        };
        self.iter().flat_map(of).collect()
    }
}

impl ReviewerStats {
    /// Answers that counted and were no approvals.
    pub const fn denied(&self) -> u64 {
        self.answers.saturating_sub(self.approved)
    }

    /// The most answers in a day.
    pub fn busiest_day(&self) -> u64 {
        self.by_day.values().copied().max().unwrap_or(0)
    }

    /// How long the last answers took, in milliseconds: the median.
    pub fn median_ms(&self) -> Option<u64> {
        median(self.times.iter().copied())
    }

    /// What a reviewer should be asked about.
    pub fn fatigue_signs(&self) -> Vec<FatigueSign> {
        let mut signs = Vec::new();
        let in_a_day = self.busiest_day();
        if in_a_day > MOST_A_DAY {
            signs.push(FatigueSign::TooMany { in_a_day });
        }
        let enough = self.times.len() >= LAST_TIMES;
        if let Some(median_ms) = self.median_ms().filter(|it| enough && *it < FASTEST_MEDIAN_MS) {
            signs.push(FatigueSign::TooFast { median_ms });
        }
        let approved = self.last.iter().filter(|approves| **approves).count();
        if self.last.len() >= LAST_ANSWERS && approved > MOST_APPROVED {
            signs.push(FatigueSign::AlwaysApproves { approved });
        }
        if self.canaries_approved > 0 {
            signs.push(FatigueSign::ApprovedCanaries { approved: self.canaries_approved, of: self.canaries });
        }
        signs
    }
}

/// A reviewer's figures for programs.
#[derive(Serialize)]
pub(crate) struct ReviewerView<'a> {
    name: &'a str,
    answers: u64,
    approved: u64,
    busiest_day: u64,
    median_ms: Option<u64>,
    agreed: u64,
    differed: u64,
    canaries: u64,
    canaries_approved: u64,
}

impl<'a> ReviewerView<'a> {
    pub(crate) fn of((name, one): (&'a str, &'a ReviewerStats)) -> Self {
        Self {
            name,
            answers: one.answers,
            approved: one.approved,
            busiest_day: one.busiest_day(),
            median_ms: one.median_ms(),
            agreed: one.agreed,
            differed: one.differed,
            canaries: one.canaries,
            canaries_approved: one.canaries_approved,
        }
    }
}

fn add(count: &mut u64, is_one: bool) {
    *count = count.saturating_add(u64::from(is_one));
}

fn keep<T>(list: &mut VecDeque<T>, one: Option<T>, most: usize) {
    list.extend(one);
    while list.len() > most {
        list.pop_front();
    }
}

pub(crate) fn median(times: impl Iterator<Item = u64>) -> Option<u64> {
    let mut times: Vec<u64> = times.collect();
    times.sort_unstable();
    times.get(times.len() / 2).copied()
}
