//! Recordings of terminals, as the log speaks of them. The files are specified in `docs/reference/record-format.md`.

use serde::{Deserialize, Serialize};

/// Something about the recording of a terminal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "state", rename_all = "lowercase")]
pub enum RecordingEvent {
    /// Its head is durable: the act may begin.
    Began {
        /// The recording.
        recording: String,
        /// What it records.
        #[serde(flatten)]
        of: Recorded,
    },
    /// It ended in order.
    Ended {
        /// The recording.
        recording: String,
        /// What it records.
        #[serde(flatten)]
        of: Recorded,
        /// How many events it has.
        events: u64,
        /// How long it is, in milliseconds.
        millis: u64,
        /// SHA-256 of the file, hexadecimal.
        digest: String,
        /// How long the file is.
        bytes: u64,
    },
    /// It was cut off. What it records is left out where the writer itself had ended.
    Cut {
        /// The recording.
        recording: String,
        /// What it records.
        #[serde(flatten)]
        of: Option<Recorded>,
        /// How many events it has.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        events: Option<u64>,
        /// How long it is, in milliseconds.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        millis: Option<u64>,
        /// SHA-256 of the file, hexadecimal.
        digest: String,
        /// How long the file is.
        bytes: u64,
    },
    /// The file in which secrets are masked is there.
    Redacted {
        /// The recording.
        recording: String,
        /// SHA-256 of that file, hexadecimal.
        digest: String,
        /// How long that file is.
        bytes: u64,
    },
    /// It is about to be looked at.
    Viewed {
        /// The recording.
        recording: String,
        /// Which of its files.
        variant: RecordingVariant,
        /// By whom.
        by: String,
    },
}

/// What a recording records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Recorded {
    /// The digest of the request.
    pub request_digest: String,
    /// Whose request it is.
    pub request: RecordedSession,
    /// What runs, for people.
    pub title: String,
}

/// A session of an agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RecordedSession {
    /// The agent.
    pub agent: String,
    /// Its session.
    pub session: String,
}

model::words! {
    /// Which of the two files of a recording.
    RecordingVariant {
        /// Everything that went over the terminal.
        Raw = "raw",
        /// The same with secrets masked.
        Redacted = "redacted",
    }
}

impl RecordingEvent {
    /// The recording.
    pub fn recording(&self) -> &str {
        match self {
            Self::Began { recording, .. }
            | Self::Ended { recording, .. }
            | Self::Cut { recording, .. }
            | Self::Redacted { recording, .. }
            | Self::Viewed { recording, .. } => recording,
        }
    }

    /// What it records, where this event says so.
    pub fn of(&self) -> Option<&Recorded> {
        match self {
            Self::Began { of, .. } | Self::Ended { of, .. } => Some(of),
            Self::Cut { of, .. } => of.as_ref(),
            Self::Redacted { .. } | Self::Viewed { .. } => None,
        }
    }

    /// The digest of the file that it is about.
    pub fn digest(&self) -> Option<&str> {
        match self {
            Self::Ended { digest, .. } | Self::Cut { digest, .. } | Self::Redacted { digest, .. } => Some(digest),
            Self::Began { .. } | Self::Viewed { .. } => None,
        }
    }

    /// Its state as a word.
    pub const fn state(&self) -> &'static str {
        match self {
            Self::Began { .. } => "began",
            Self::Ended { .. } => "ended",
            Self::Cut { .. } => "cut",
            Self::Redacted { .. } => "redacted",
            Self::Viewed { .. } => "viewed",
        }
    }
}
