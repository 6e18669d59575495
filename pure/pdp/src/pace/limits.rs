//! The limits, with the numbers of SPEC §7.2 as defaults.

use model::{Category, Level};
use serde::Deserialize;

use crate::policy::Settings;

/// How many acts of one session, and of one agent, run without people. Over a limit they are held, not dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Velocity {
    /// A minute, at low risk.
    pub low: u32,
    /// A minute, at medium risk.
    pub medium: u32,
    /// A minute, at high risk.
    pub high: u32,
    /// A minute, at critical risk.
    pub critical: u32,
    /// A minute, of all.
    pub total: u32,
    /// A second, of all.
    pub burst: u32,
}

impl Default for Velocity {
    fn default() -> Self {
        Self { low: 60, medium: 20, high: 4, critical: 1, total: 50, burst: 10 }
    }
}

impl Velocity {
    /// The limit of a level.
    pub(crate) const fn of(&self, level: Level) -> u32 {
        match level {
            Level::Low => self.low,
            Level::Medium => self.medium,
            Level::High => self.high,
            Level::Critical => self.critical,
        }
    }
}

/// After what a person has to look before more is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// So many changes.
    pub changes: u32,
    /// So many minutes of changes.
    pub minutes: u32,
    /// So many network hosts.
    pub hosts: u32,
    /// Anything that cannot be undone.
    pub irreversible: bool,
    /// So many failures in a row.
    pub failures: u32,
    /// So many failures of the same act.
    pub retries: u32,
}

impl Default for Checkpoint {
    fn default() -> Self {
        Self { changes: 25, minutes: 10, hosts: 3, irreversible: true, failures: 3, retries: 5 }
    }
}

/// What a session that has read content from outside has to ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taint {
    /// Whatever touches one of these.
    pub asks: Vec<Category>,
}

impl Default for Taint {
    fn default() -> Self {
        use Category::{CredentialAccess, FsDestructive, FsWrite, NetworkEgress, PersistenceConfig, RemoteCode};
        Self { asks: vec![NetworkEgress, CredentialAccess, FsWrite, FsDestructive, PersistenceConfig, RemoteCode] }
    }
}

/// `[velocity]`, as written in a file.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct VelocityText {
    /// Acts a minute at low risk
    low: Option<u32>,
    /// Acts a minute at medium risk
    medium: Option<u32>,
    /// Acts a minute at high risk
    high: Option<u32>,
    /// Acts a minute at critical risk
    critical: Option<u32>,
    /// Acts a minute in all
    total: Option<u32>,
    /// Acts a second in all
    burst: Option<u32>,
}

/// `[checkpoint]`, as written in a file.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct CheckpointText {
    /// Changes until a person has to look
    changes: Option<u32>,
    /// Minutes of changes until a person has to look
    minutes: Option<u32>,
    /// Network hosts until a person has to look
    hosts: Option<u32>,
    /// Whether a person has to look before anything that cannot be undone
    irreversible: Option<bool>,
    /// Failures in a row until a person has to look
    failures: Option<u32>,
    /// Failures of the same act until a person has to look
    retries: Option<u32>,
    /// Points of risk that an agent may spend in a day without people
    budget: Option<u32>,
    /// Categories that a session which has read content from outside has to ask for
    taint: Option<Vec<String>>,
    /// Whether an act has to name a task that the policy knows: `required`, or `free`
    task: Option<TaskDuty>,
    /// The most hops of delegation
    depth: Option<u8>,
}

/// Whether an act has to name a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
enum TaskDuty {
    /// It has to.
    Required,
    /// It may.
    Free,
}

impl VelocityText {
    pub(crate) fn apply(&self, to: &mut Velocity) {
        let Self { low, medium, high, critical, total, burst } = self;
        let set = |slot: &mut u32, given: &Option<u32>| *slot = given.unwrap_or(*slot);
        set(&mut to.low, low);
        set(&mut to.medium, medium);
        set(&mut to.high, high);
        set(&mut to.critical, critical);
        set(&mut to.total, total);
        set(&mut to.burst, burst);
    }
}

impl CheckpointText {
    pub(crate) fn apply(&self, settings: &mut Settings) -> Result<(), String> {
        let to = &mut settings.checkpoint;
        let set = |slot: &mut u32, given: &Option<u32>| *slot = given.unwrap_or(*slot);
        set(&mut to.changes, &self.changes);
        set(&mut to.minutes, &self.minutes);
        set(&mut to.hosts, &self.hosts);
        set(&mut to.failures, &self.failures);
        set(&mut to.retries, &self.retries);
        to.irreversible = self.irreversible.unwrap_or(to.irreversible);
        set(&mut settings.budget, &self.budget);
        settings.task_required = self.task.map_or(settings.task_required, |it| it == TaskDuty::Required);
        settings.depth = self.depth.unwrap_or(settings.depth);
        let read = |word: &String| {
            let known = Category::ALL.iter().map(|it| it.as_str());
            Category::parse(word).ok_or_else(|| crate::rule::no_such("category", word, known))
        };
        if let Some(words) = &self.taint {
            settings.taint = Taint { asks: words.iter().map(read).collect::<Result<Vec<_>, _>>()? };
        }
        Ok(())
    }
}
