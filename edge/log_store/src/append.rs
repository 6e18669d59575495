//! What goes into a log, and how it may fail.

pub(crate) use record::MAX_CONTENT_BYTES;

/// How large a segment of the journal is, in bytes, unless a batch is larger.
pub const SEGMENT_BYTES: usize = 8 * 1024 * 1024;

/// A record on its way into the log.
#[derive(Clone, Debug)]
pub struct Record {
    /// Its canonical content.
    pub content: Vec<u8>,
    /// When it was made, milliseconds since 1970.
    pub at_ms: u64,
    /// Whose content it is.
    pub scope: String,
    /// What it is found by.
    pub terms: Vec<String>,
}

impl Record {
    /// The record of a draft.
    pub fn of(draft: &record::Draft) -> Self {
        Self { content: draft.content(), at_ms: draft.at_ms, scope: draft.scope.clone(), terms: draft.terms() }
    }
}

/// Why records were not made durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failed {
    /// None of them is in the log; it can be tried again.
    Refused(String),
    /// It is unknown what is on the disk: the process must end.
    Fatal(String),
}

impl std::fmt::Display for Failed {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Refused(why) | Self::Fatal(why) => out.write_str(why),
        }
    }
}

/// How a log is written.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// The size of a segment of the journal.
    pub segment_bytes: usize,
    /// Bundles and tiles are written by a thread of their own.
    pub threaded: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self { segment_bytes: SEGMENT_BYTES, threaded: true }
    }
}
