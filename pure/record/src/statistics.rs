//! Figures over records: what was asked and decided by day, how reviewers answer, and which rules ask for what is always approved.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use crate::reviewer_stats::{DAY_MS, MOST_KEPT, ReviewerView, median};
use crate::{Answer, Decision, Event, Reviewers, Verdict};

/// Approved so often unchanged, an act is worth a rule.
const OFTEN: u64 = 5;

/// The most such acts that are named.
const MOST_OFTEN: usize = 20;

/// What is counted of a day.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DayStats {
    requests: u64,
    allowed: u64,
    asked: u64,
    denied: u64,
    score: u64,
    answers: u64,
    times: Vec<u64>,
}

#[derive(Clone, Debug, Default)]
struct RuleStats {
    asked: u64,
    approved: u64,
    denied: u64,
}

/// What is counted. Records are taken in their order.
#[derive(Clone, Debug, Default)]
pub struct Statistics {
    days: BTreeMap<u64, DayStats>,
    reviewers: Reviewers,
    rules: BTreeMap<String, RuleStats>,
    /// By which rules a request was asked, and what it was.
    asked: BTreeMap<String, (Vec<String>, String)>,
    often: BTreeMap<String, u64>,
}

fn add(count: &mut u64) {
    *count = count.saturating_add(1);
}

impl Statistics {
    /// Takes an event of this time.
    pub fn take(&mut self, at_ms: u64, event: &Event) {
        match event {
            Event::Decision(it) => self.decision(at_ms, it),
            Event::Answer(it) => self.answer(at_ms, it),
            Event::Start(_)
            | Event::Permit(_)
            | Event::Outcome(_)
            | Event::Change(_)
            | Event::Refusal(_)
            | Event::Recording(_)
            | Event::Access(_) => {}
        }
        self.reviewers.take(at_ms, event);
    }

    fn decision(&mut self, at_ms: u64, decision: &Decision) {
        let day = self.days.entry(at_ms / DAY_MS).or_default();
        add(&mut day.requests);
        day.score = day.score.saturating_add(u64::from(decision.score));
        match decision.verdict {
            Verdict::Allow => add(&mut day.allowed),
            Verdict::Deny => add(&mut day.denied),
            Verdict::Ask => {
                add(&mut day.asked);
                for rule in &decision.rules {
                    add(&mut self.rules.entry(rule.clone()).or_default().asked);
                }
                if self.asked.len() >= MOST_KEPT {
                    self.asked.pop_first();
                }
                let asked = (decision.rules.clone(), decision.request.act.command());
                self.asked.insert(decision.request_digest.clone(), asked);
            }
        }
    }

    fn answer(&mut self, at_ms: u64, answer: &Answer) {
        let Some((_, vote)) = answer.vote() else { return };
        let day = self.days.entry(at_ms / DAY_MS).or_default();
        add(&mut day.answers);
        day.times.extend(self.reviewers.took(at_ms, answer));
        let Some((rules, act)) = self.asked.get(&answer.request_digest) else { return };
        for rule in rules {
            let rule = self.rules.entry(rule.clone()).or_default();
            add(if vote.approves() { &mut rule.approved } else { &mut rule.denied });
        }
        if vote.approves() && (self.often.len() < MOST_KEPT || self.often.contains_key(act)) {
            add(self.often.entry(act.clone()).or_default());
        }
    }

    /// The figures for programs, and what of them should worry an operator.
    pub fn to_value(&self) -> Value {
        let days = self.days.iter().map(|(day, it)| DayView {
            day_ms: day.saturating_mul(DAY_MS),
            requests: it.requests,
            allowed: it.allowed,
            asked: it.asked,
            denied: it.denied,
            answers: it.answers,
            median_ms: median(it.times.iter().copied()),
            average_score: it.score.checked_div(it.requests).unwrap_or(0),
        });
        let rules = self.rules.iter().map(|(rule, it)| RuleView {
            rule,
            asked: it.asked,
            approved: it.approved,
            denied: it.denied,
        });
        let mut often: Vec<OftenView<'_>> = (self.often.iter())
            .filter(|(_, times)| **times >= OFTEN)
            .map(|(asked, approved)| OftenView { asked, approved: *approved })
            .collect();
        often.sort_by_key(|it| std::cmp::Reverse(it.approved));
        often.truncate(MOST_OFTEN);
        let view = View {
            days: days.collect(),
            people: self.reviewers.iter().map(ReviewerView::of).collect(),
            rules: rules.collect(),
            often,
            alerts: self.reviewers.alerts(),
        };
        serde_json::to_value(view).unwrap_or_default()
    }
}

#[derive(Serialize)]
struct View<'a> {
    days: Vec<DayView>,
    people: Vec<ReviewerView<'a>>,
    rules: Vec<RuleView<'a>>,
    often: Vec<OftenView<'a>>,
    alerts: Vec<String>,
}

#[derive(Serialize)]
struct DayView {
    day_ms: u64,
    requests: u64,
    allowed: u64,
    asked: u64,
    denied: u64,
    answers: u64,
    median_ms: Option<u64>,
    average_score: u64,
}

#[derive(Serialize)]
struct RuleView<'a> {
    rule: &'a str,
    asked: u64,
    approved: u64,
    denied: u64,
}

#[derive(Serialize)]
struct OftenView<'a> {
    asked: &'a str,
    approved: u64,
}
