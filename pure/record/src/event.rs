//! One event of any kind.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Access, Answer, Change, Decision, Outcome, Permit, RecordingEvent, Refusal, Start};

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "kind", content = "body", rename_all = "lowercase")]
pub enum Event {
    /// The daemon started.
    Start(Start),
    /// A decision on a request. Durable before anything else happens.
    Decision(Box<Decision>),
    /// A reviewer's answer to a hold, or the hold's end without one.
    Answer(Answer),
    /// A permit or a ticket was used, or its use was refused.
    Permit(Permit),
    /// How an act ended.
    Outcome(Outcome),
    /// An agent, a reviewer, a rule, a flag, the policy or a key changed.
    Change(Change),
    /// Something was refused before it became a request.
    Refusal(Refusal),
    /// A terminal's recording began, ended with a digest, or was looked at.
    Recording(RecordingEvent),
    /// A reviewer signed in or out, or tried to.
    Access(Access),
}

model::words! {
    /// The kind of an event: its tag in a content.
    RecordKind {
        /// [`Event::Start`].
        Start = "start",
        /// [`Event::Decision`].
        Decision = "decision",
        /// [`Event::Answer`].
        Answer = "answer",
        /// [`Event::Permit`].
        Permit = "permit",
        /// [`Event::Outcome`].
        Outcome = "outcome",
        /// [`Event::Change`].
        Change = "change",
        /// [`Event::Refusal`].
        Refusal = "refusal",
        /// [`Event::Recording`].
        Recording = "recording",
        /// [`Event::Access`].
        Access = "access",
    }
}

impl Event {
    /// Its kind.
    pub const fn kind(&self) -> RecordKind {
        match self {
            Self::Start(_) => RecordKind::Start,
            Self::Decision(_) => RecordKind::Decision,
            Self::Answer(_) => RecordKind::Answer,
            Self::Permit(_) => RecordKind::Permit,
            Self::Outcome(_) => RecordKind::Outcome,
            Self::Change(_) => RecordKind::Change,
            Self::Refusal(_) => RecordKind::Refusal,
            Self::Recording(_) => RecordKind::Recording,
            Self::Access(_) => RecordKind::Access,
        }
    }

    /// The body as JSON.
    pub fn body(&self) -> Value {
        let body = match self {
            Self::Start(it) => serde_json::to_value(it),
            Self::Decision(it) => serde_json::to_value(it),
            Self::Answer(it) => serde_json::to_value(it),
            Self::Permit(it) => serde_json::to_value(it),
            Self::Outcome(it) => serde_json::to_value(it),
            Self::Change(it) => serde_json::to_value(it),
            Self::Refusal(it) => serde_json::to_value(it),
            Self::Recording(it) => serde_json::to_value(it),
            Self::Access(it) => serde_json::to_value(it),
        };
        // These types have only text keys and whole numbers, which is all that JSON could refuse.
        body.unwrap_or_default()
    }

    /// Reads a body. Nothing where this version does not know what it says.
    pub(crate) fn read(kind: RecordKind, body: &Value) -> Option<Self> {
        match kind {
            RecordKind::Start => Deserialize::deserialize(body).ok().map(Self::Start),
            RecordKind::Decision => Deserialize::deserialize(body).ok().map(Self::Decision),
            RecordKind::Answer => Deserialize::deserialize(body).ok().map(Self::Answer),
            RecordKind::Permit => Deserialize::deserialize(body).ok().map(Self::Permit),
            RecordKind::Outcome => Deserialize::deserialize(body).ok().map(Self::Outcome),
            RecordKind::Change => Deserialize::deserialize(body).ok().map(Self::Change),
            RecordKind::Refusal => Deserialize::deserialize(body).ok().map(Self::Refusal),
            RecordKind::Recording => Deserialize::deserialize(body).ok().map(Self::Recording),
            RecordKind::Access => Deserialize::deserialize(body).ok().map(Self::Access),
        }
    }

    /// The digest of the request that it is about.
    pub fn request_digest(&self) -> Option<&str> {
        match self {
            Self::Decision(it) => Some(&it.request_digest),
            Self::Answer(it) => Some(&it.request_digest),
            Self::Permit(it) => Some(it.request_digest()),
            Self::Outcome(it) => Some(it.request_digest()),
            Self::Recording(it) => it.of().map(|it| it.request_digest.as_str()),
            Self::Change(it) => it.request_digest(),
            Self::Start(_) | Self::Refusal(_) | Self::Access(_) => None,
        }
    }

    /// The agent that it is about, where it holds what the agent asked for.
    pub fn agent(&self) -> Option<&str> {
        match self {
            Self::Decision(it) => Some(&it.request.agent),
            Self::Recording(it) => it.of().map(|it| it.request.agent.as_str()),
            Self::Start(_)
            | Self::Answer(_)
            | Self::Permit(_)
            | Self::Outcome(_)
            | Self::Change(_)
            | Self::Refusal(_)
            | Self::Access(_) => None,
        }
    }

    /// The session of that agent.
    pub fn session(&self) -> Option<&str> {
        match self {
            Self::Decision(it) => Some(&it.request.session),
            Self::Recording(it) => it.of().map(|it| it.request.session.as_str()),
            Self::Start(_)
            | Self::Answer(_)
            | Self::Permit(_)
            | Self::Outcome(_)
            | Self::Change(_)
            | Self::Refusal(_)
            | Self::Access(_) => None,
        }
    }

    /// The reviewer who did it, or whom it is about.
    pub fn reviewer(&self) -> Option<&str> {
        match self {
            Self::Answer(it) => it.reviewer.as_deref(),
            Self::Change(it) => it.reviewer(),
            Self::Access(it) => it.reviewer(),
            Self::Start(_)
            | Self::Decision(_)
            | Self::Permit(_)
            | Self::Outcome(_)
            | Self::Refusal(_)
            | Self::Recording(_) => None,
        }
    }

    /// The recording that it names.
    pub fn recording(&self) -> Option<&str> {
        match self {
            Self::Permit(Permit::Spent { recording, .. }) => recording.as_deref(),
            Self::Recording(it) => Some(it.recording()),
            Self::Permit(_)
            | Self::Start(_)
            | Self::Decision(_)
            | Self::Answer(_)
            | Self::Outcome(_)
            | Self::Change(_)
            | Self::Refusal(_)
            | Self::Access(_) => None,
        }
    }

    /// What people name its request by: the digest, the id, the hold, the permit.
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.request_digest().into_iter().collect();
        match self {
            Self::Decision(it) => names.push(&it.request.id),
            Self::Answer(it) => names.push(&it.hold),
            Self::Permit(Permit::Spent { permit, .. }) => names.push(permit),
            Self::Permit(Permit::TicketUsed { hold, .. }) => names.push(hold),
            Self::Outcome(it) => names.push(it.permit()),
            Self::Change(it) => names.extend(it.hold()),
            Self::Permit(Permit::Refused { .. })
            | Self::Start(_)
            | Self::Refusal(_)
            | Self::Recording(_)
            | Self::Access(_) => {}
        }
        names
    }

    /// The decision that it is.
    pub fn decision(&self) -> Option<&Decision> {
        if let Self::Decision(it) = self { Some(it) } else { None }
    }

    /// Whose content it is: an agent's session, where it holds what the agent asked for; otherwise the installation's own.
    pub fn scope(&self) -> String {
        match (self.agent(), self.session()) {
            (Some(agent), Some(session)) => format!("{agent}/{session}"),
            (_, _) => String::new(),
        }
    }
}

macro_rules! events {
    ($($body:ident => $variant:ident),+ $(,)?) => {
        $(impl From<$body> for Event {
            fn from(body: $body) -> Self {
                Self::$variant(body)
            }
        })+
    };
}

events! {
    Start => Start,
    Answer => Answer,
    Permit => Permit,
    Outcome => Outcome,
    Change => Change,
    Refusal => Refusal,
    RecordingEvent => Recording,
    Access => Access,
}

impl From<Decision> for Event {
    fn from(body: Decision) -> Self {
        Self::Decision(Box::new(body))
    }
}
