//! What a policy says besides rules: the mode, what happens without a rule, and the limits that only tighten.

use model::Level;
use serde::Deserialize;

use crate::pace::{Checkpoint, Taint, Velocity};
use crate::quorum::{Quorum, QuorumText};

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

/// `[default]`, as it stands in a file.
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
        Ok(())
    }
}
