//! What only tightens: how fast an agent goes, how long no person has looked, what it has read, what it has spent.
//!
//! A [`Pace`] is what is remembered of one session, or of one agent over all its sessions: a caller can make up a new
//! session, so each limit is held against both. Nothing here can turn a no into a yes.

mod footprint;
mod limits;

pub use footprint::Footprint;
pub use limits::{Checkpoint, Taint, Velocity};
pub(crate) use limits::{CheckpointText, VelocityText};

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use model::Level;
use serde::{Deserialize, Serialize};

use crate::policy::Settings;
use crate::sequence::Progress;

/// The span that velocity looks at, in milliseconds.
const MINUTE_MS: u64 = 60_000;

/// The most acts that are remembered one by one. More in a minute are over every limit.
const MAX_RECENT: usize = 512;

/// The most hosts and failing acts that are remembered.
const MAX_REMEMBERED: usize = 64;

/// How long an agent as a whole counts as tainted, in milliseconds. A session stays tainted until it ends.
const AGENT_TAINT_MS: u64 = 3_600_000;

/// What is remembered of a session or an agent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Pace {
    /// Acts of the last minute: when, and at which level (0 low to 3 critical).
    recent: VecDeque<(u64, u8)>,
    /// Changes since a person looked.
    changes: u32,
    /// When the first of them was.
    first_change_ms: Option<u64>,
    /// Network hosts since a person looked.
    hosts: BTreeSet<String>,
    /// Acts that failed in a row.
    failures: u32,
    /// How often the same act failed.
    failed: BTreeMap<String, u32>,
    /// When untrusted content was last read.
    tainted_ms: Option<u64>,
    /// Points spent without people since the day began, and that day (days since 1970).
    spent: (u64, u32),
    /// How far each sequence has come.
    pub(crate) sequences: BTreeMap<String, Progress>,
}

/// Whose pace it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Of one session.
    Session,
    /// Of an agent, over all its sessions.
    Agent,
}

/// Why people are asked although a rule would let it run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tightened {
    /// A stable name: `velocity`, `checkpoint`, `taint`, `retry_loop`, `trust_budget`.
    pub name: &'static str,
    /// The reason, in words.
    pub why: String,
}

impl Pace {
    /// Why an act that a rule allows has to wait for people, if it has to.
    pub fn tighten(&self, act: &Footprint, now_ms: u64, scope: Scope, settings: &Settings) -> Option<Tightened> {
        let whose = match scope {
            Scope::Session => "this session",
            Scope::Agent => "this agent",
        };
        self.too_fast(act.level, now_ms, &settings.velocity, whose)
            .or_else(|| self.checkpoint(act, now_ms, &settings.checkpoint, whose))
            .or_else(|| self.taint(act, now_ms, scope, &settings.taint))
            .or_else(|| self.loops(act, &settings.checkpoint))
            .or_else(|| self.overspent(act, now_ms, settings.budget))
    }

    fn too_fast(&self, level: Level, now_ms: u64, limit: &Velocity, whose: &str) -> Option<Tightened> {
        let within = |span: u64| self.recent.iter().filter(move |(at, _)| now_ms.saturating_sub(*at) < span);
        let count = |found: usize| u32::try_from(found).unwrap_or(u32::MAX);
        let slot = slot(level);
        let of_level = count(within(MINUTE_MS).filter(|(_, it)| *it == slot).count());
        let (all, burst) = (count(within(MINUTE_MS).count()), count(within(1_000).count()));
        let (most, what) = (limit.of(level), level.as_str());
        let why = if of_level >= most {
            format!("{whose} has done {of_level} things of {what} risk within a minute; {most} run without people")
        } else if all >= limit.total {
            format!("{whose} has done {all} things within a minute; {} run without people", limit.total)
        } else if burst >= limit.burst {
            format!("{whose} has done {burst} things within a second; {} run without people", limit.burst)
        } else {
            return None;
        };
        Some(Tightened { name: "velocity", why })
    }

    fn checkpoint(&self, act: &Footprint, now_ms: u64, limit: &Checkpoint, whose: &str) -> Option<Tightened> {
        let stop = |why: String| Some(Tightened { name: "checkpoint", why });
        if !act.changes {
            return None;
        }
        if self.changes >= limit.changes {
            return stop(format!("{whose} has changed things {} times since a person looked", self.changes));
        }
        let since = self.first_change_ms.map(|first| now_ms.saturating_sub(first));
        if since.is_some_and(|since| since >= u64::from(limit.minutes).saturating_mul(MINUTE_MS)) {
            return stop(format!("{whose} has been changing things for {} minutes unattended", limit.minutes));
        }
        let hosts = act.hosts.iter().filter(|host| !self.hosts.contains(*host)).count();
        let reached = self.hosts.len().saturating_add(hosts);
        if hosts > 0 && u32::try_from(reached).unwrap_or(u32::MAX) > limit.hosts {
            return stop(format!("{whose} would reach {reached} hosts without a person having looked"));
        }
        if limit.irreversible && act.irreversible {
            return stop("it cannot be undone, and no person has looked".to_owned());
        }
        if self.failures >= limit.failures {
            return stop(format!("{} acts in a row have failed", self.failures));
        }
        None
    }

    /// Whether untrusted content was read.
    pub fn is_tainted(&self, now_ms: u64, scope: Scope) -> bool {
        self.tainted_ms.is_some_and(|at| scope == Scope::Session || now_ms.saturating_sub(at) < AGENT_TAINT_MS)
    }

    fn taint(&self, act: &Footprint, now_ms: u64, scope: Scope, taint: &Taint) -> Option<Tightened> {
        let touched = act.categories.iter().find(|it| taint.asks.contains(it))?;
        let why = format!("content from outside was read before, and this touches {}", touched.as_str());
        self.is_tainted(now_ms, scope).then_some(Tightened { name: "taint", why })
    }

    fn loops(&self, act: &Footprint, limit: &Checkpoint) -> Option<Tightened> {
        let failed = self.failed.get(&act.same).copied().unwrap_or(0);
        let why = format!("the same act has failed {failed} times");
        (failed >= limit.retries).then_some(Tightened { name: "retry_loop", why })
    }

    fn overspent(&self, act: &Footprint, now_ms: u64, budget: u32) -> Option<Tightened> {
        let spent = self.spent_on(now_ms);
        let why = format!("{spent} of {budget} points of trust are spent today");
        (act.cost > 0 && spent.saturating_add(act.cost) > budget).then_some(Tightened { name: "trust_budget", why })
    }

    fn spent_on(&self, now_ms: u64) -> u32 {
        if self.spent.0 == day(now_ms) { self.spent.1 } else { 0 }
    }

    /// Notes that an act may be done: with people having looked, or without.
    pub fn note(&mut self, act: &Footprint, now_ms: u64, attended: bool) {
        self.recent.retain(|(at, _)| now_ms.saturating_sub(*at) < MINUTE_MS);
        if self.recent.len() >= MAX_RECENT {
            self.recent.pop_front();
        }
        self.recent.push_back((now_ms, slot(act.level)));
        if act.taints {
            self.tainted_ms = Some(now_ms);
        }
        let spent = self.spent_on(now_ms);
        if attended {
            self.changes = 0;
            self.first_change_ms = None;
            self.hosts.clear();
            self.failures = 0;
            self.failed.clear();
            // People who agree give back what the act would have cost.
            self.spent = (day(now_ms), spent.saturating_sub(act.cost));
            return;
        }
        self.spent = (day(now_ms), spent.saturating_add(act.cost));
        if act.changes {
            self.changes = self.changes.saturating_add(1);
            self.first_change_ms.get_or_insert(now_ms);
        }
        let room = MAX_REMEMBERED.saturating_sub(self.hosts.len());
        self.hosts.extend(act.hosts.iter().take(room).cloned());
    }

    /// Notes that people said no, or that a rule did: trust shrinks.
    pub fn note_refusal(&mut self, now_ms: u64, cost: u32) {
        self.spent = (day(now_ms), self.spent_on(now_ms).saturating_add(cost));
    }

    /// Notes how an act ended.
    pub fn note_outcome(&mut self, same: &str, failed: bool) {
        if !failed {
            self.failures = 0;
            self.failed.remove(same);
            return;
        }
        self.failures = self.failures.saturating_add(1);
        if self.failed.len() < MAX_REMEMBERED || self.failed.contains_key(same) {
            let count = self.failed.entry(same.to_owned()).or_default();
            *count = count.saturating_add(1);
        }
    }
}

/// Today, in days since 1970 (UTC).
const fn day(now_ms: u64) -> u64 {
    now_ms / 86_400_000
}

const fn slot(level: Level) -> u8 {
    match level {
        Level::Low => 0,
        Level::Medium => 1,
        Level::High => 2,
        Level::Critical => 3,
    }
}
