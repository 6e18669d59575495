//! What of an act counts against the limits.

use std::collections::BTreeSet;

use model::{Action, Category, Intent, Level, Resource, Reversibility};

use crate::risk::risk_of;

/// What of an act counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Footprint {
    /// Its level of risk.
    pub level: Level,
    /// It changes something.
    pub changes: bool,
    /// It cannot be undone.
    pub irreversible: bool,
    /// Content from outside comes in.
    pub taints: bool,
    /// Network hosts that it talks to.
    pub hosts: BTreeSet<String>,
    /// What it touches.
    pub categories: BTreeSet<Category>,
    /// What it costs of the trust budget: its score, and nothing at low risk.
    pub cost: u32,
    /// What makes two acts the same: their pieces, and the directory.
    pub same: String,
}

impl Footprint {
    /// The footprint of an intent.
    pub fn of(intent: &Intent, cwd: Option<&str>) -> Self {
        let risk = risk_of(intent);
        let changes = |action: Action| !matches!(action, Action::Read | Action::Inspect | Action::Connect);
        let hosts = intent.operations().filter_map(|it| match &it.resource {
            Resource::Host(host) => Some(host.clone()),
            Resource::Path(_)
            | Resource::Pattern(_)
            | Resource::Program(_)
            | Resource::Package(_)
            | Resource::Service(_)
            | Resource::Tool(_)
            | Resource::Database(_)
            | Resource::System
            | Resource::Unknown(_) => None,
        });
        let lines: Vec<String> = intent.segments.iter().map(model::Segment::line).collect();
        let same =
            model::Digest::within("countersign/same-act/v1", format!("{cwd:?}\n{}", lines.join("\n")).as_bytes());
        Self {
            level: risk.level(),
            changes: intent.operations().any(|it| changes(it.action)),
            irreversible: intent.reversibility() == Reversibility::Irreversible,
            taints: intent.operations().any(|it| it.action == Action::Connect),
            hosts: hosts.collect(),
            categories: intent.operations().map(|it| it.category).collect(),
            cost: if risk.level() == Level::Low { 0 } else { u32::from(risk.score()) },
            same: same.to_string(),
        }
    }
}
