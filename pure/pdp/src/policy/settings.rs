//! What a policy says besides rules: the mode, what happens without a rule, and the limits that only tighten.

use model::Level;
use serde::Deserialize;

use super::on_call::{self, OnCall};
use crate::pace::{Checkpoint, Taint, Velocity};
use crate::quorum::{PanelText, Person, Quorum, QuorumText};
use crate::rule::Hours;

/// Whether decisions are carried out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// What is denied does not run, and what is asked waits.
    #[default]
    Enforce,
    /// Decisions are recorded, and everything runs. This does not protect.
    Observe,
}

/// The settings of a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The preset that it builds on.
    pub preset: Option<String>,
    /// Whether decisions are carried out.
    pub mode: Mode,
    /// Whether what is understood whole, low in risk and only reads runs without a rule.
    pub reads_run: bool,
    /// Who is asked without a rule, by level: low, medium, high, critical.
    pub levels: [Quorum; 4],
    /// Who is asked where something that cannot be undone is asked.
    pub irreversible: Option<Quorum>,
    /// Quiet hours, and the additional approvers then.
    pub(crate) quiet: Option<(Hours, Quorum)>,
    /// Who is on call when.
    pub(crate) on_call: Vec<OnCall>,
    /// How fast an agent may go.
    pub velocity: Velocity,
    /// After what people look up.
    pub checkpoint: Checkpoint,
    /// What a session that has read content from outside has to ask for.
    pub taint: Taint,
    /// Points of risk that an agent may spend in a day without people.
    pub budget: u32,
    /// The most hops of delegation that need no people.
    pub depth: u8,
    /// Whether an act without a task that the policy knows asks.
    pub task_required: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            preset: None,
            mode: Mode::Enforce,
            reads_run: true,
            levels: [Quorum::DEFAULT, Quorum::DEFAULT, Quorum::DEFAULT, Quorum::DEFAULT],
            irreversible: None,
            quiet: None,
            on_call: Vec::new(),
            velocity: Velocity::default(),
            checkpoint: Checkpoint::default(),
            taint: Taint::default(),
            budget: 2_000,
            depth: 2,
            task_required: false,
        }
    }
}

impl Settings {
    /// Puts everybody who is on call at a moment, in milliseconds since 1970, into the group of their turn.
    pub fn join_on_call(&self, people: &mut [Person], now_ms: u64) {
        on_call::join(&self.on_call, people, now_ms);
    }

    /// Who is asked without a rule.
    pub(crate) fn quorum(&self, level: Level) -> Quorum {
        let [low, medium, high, critical] = &self.levels;
        let quorum = match level {
            Level::Low => low,
            Level::Medium => medium,
            Level::High => high,
            Level::Critical => critical,
        };
        quorum.clone()
    }
}

/// `[default]`, as written in a file.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct DefaultText {
    /// What only reads, is low in risk and understood whole: `allow` or `ask`
    pub(crate) reads: Option<Reads>,
    /// Who is asked at low risk
    pub(crate) low: Option<QuorumText>,
    /// Who is asked at medium risk
    pub(crate) medium: Option<QuorumText>,
    /// Who is asked at high risk
    pub(crate) high: Option<QuorumText>,
    /// Who is asked at critical risk
    pub(crate) critical: Option<QuorumText>,
    /// Who is asked for what cannot be undone
    pub(crate) irreversible: Option<QuorumText>,
    /// Quiet hours: approvers required then, in addition to all others
    pub(crate) quiet: Option<QuietText>,
}

/// Quiet hours. They ask for more, never for less: a tired yes in the night is a risk of its own.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct QuietText {
    /// Days and hours, such as `Mon-Fri 20:00-07:00, Sat-Sun 00:00-24:00 Europe/Berlin`
    hours: String,
    /// How many people must agree
    people: Option<u8>,
    /// Who they must be
    who: Option<PanelText>,
    /// How sure we must be of each: `totp` or `signature`
    assurance: Option<String>,
}

impl QuietText {
    fn read(&self) -> Result<(Hours, Quorum), String> {
        let (people, who, assurance) = (self.people, self.who.clone(), self.assurance.clone());
        if people.is_none() && who.is_none() && assurance.is_none() {
            return Err("`quiet` says when, and not whom to ask for: `people`, `who` or `assurance`".to_owned());
        }
        let quorum = QuorumText { people, who, veto: Some(false), assurance, timeout_s: None }.read()?;
        // It shortens no deadline.
        Ok((Hours::read(&self.hours)?, Quorum { timeout_s: u32::MAX, ..quorum }))
    }
}

/// What happens to reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub(crate) enum Reads {
    /// They run.
    Allow,
    /// People decide.
    Ask,
}

impl DefaultText {
    pub(crate) fn apply(&self, settings: &mut Settings) -> Result<(), String> {
        if let Some(reads) = self.reads {
            settings.reads_run = reads == Reads::Allow;
        }
        for (slot, text) in settings.levels.iter_mut().zip([&self.low, &self.medium, &self.high, &self.critical]) {
            if let Some(text) = text {
                *slot = text.read()?;
            }
        }
        if let Some(text) = &self.irreversible {
            settings.irreversible = Some(text.read()?);
        }
        if let Some(text) = &self.quiet {
            settings.quiet = Some(text.read()?);
        }
        Ok(())
    }
}
