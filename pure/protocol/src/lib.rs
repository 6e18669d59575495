//! Versioned messages between our programs, and their framing. Bytes in, bytes out; sockets belong to others.
//!
//! A frame is four bytes of length (big endian), one byte of protocol version, and that much JSON. A length beyond
//! the receiver's limit, another version or another shape is refused with a name, and the connection ends.

mod agent;
mod asked;
mod change;
mod hears;
mod log;
mod operator;
mod pieces;
mod principals;
mod proof;
mod reading;
mod told;
mod views;
mod watched;
mod web;
mod work;

pub use agent::{AgentHears, AgentSays, Refusal, SealedText, Terminal, TerminalEvent};
pub use change::{change_text, signed_change};
pub use hears::OperatorHears;
pub use log::{LogHears, LogRecord, LogSays, RecordingHead};
pub use operator::OperatorSays;
pub use pieces::{EffectView, PieceView, UnknownView};
pub use principals::AboveView;
pub use proof::{Enrolling, NewFactor, PasskeySaid, Password, Proof, RuleWish, SshSaid, Vouch};
pub use reading::{ReadOut, Reading, RecordQuery};
pub use told::{Gone, Handed, PushTarget, SignOnWay};
pub use views::{
    AgentPlace, AgentView, BrokenGlassView, CandidateView, Factor, FlagView, HoldView, PersonPlace, ReviewerView,
    RuleView, SAME, Status,
};
pub use watched::{Metric, Span};
pub use work::{SessionView, WorkView};

use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// The protocol's version. Both sides must speak the same.
pub const VERSION: u8 = 1;

/// The length of what stands before the JSON.
pub const HEADER_BYTES: usize = 5;

/// The longest frame on the agents' socket, in bytes of JSON. A longer one is refused before it is read.
pub const MAX_AGENT_FRAME: usize = 1024 * 1024;

/// The longest frame on the operator's socket.
pub const MAX_OPERATOR_FRAME: usize = 4 * 1024 * 1024;

/// The longest answer on the operator's socket: as many holds as may be open, each as long as one may be.
pub const MAX_OPERATOR_ANSWER: usize = 256 * 1024 * 1024;

/// The longest frame between `countersignd` and `countersign-logd`: a batch of records.
pub const MAX_LOG_FRAME: usize = 64 * 1024 * 1024;

/// Why a frame is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FrameRefused {
    /// It says it is longer than the limit.
    TooLong {
        /// What it says.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// Another version of the protocol.
    Version(u8),
    /// The JSON is not a message that belongs here.
    Shape(String),
}

impl fmt::Display for FrameRefused {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong { bytes, limit } => write!(out, "the message has {bytes} bytes; {limit} are allowed"),
            Self::Version(version) => write!(
                out,
                "the other side speaks protocol version {version}, this one {VERSION}: install the same release on both sides"
            ),
            Self::Shape(why) => write!(out, "not a message that belongs here: {why}"),
        }
    }
}

impl std::error::Error for FrameRefused {}

/// The length that a header announces.
pub fn length(header: [u8; HEADER_BYTES], limit: usize) -> Result<usize, FrameRefused> {
    let [a, b, c, d, version] = header;
    if version != VERSION {
        return Err(FrameRefused::Version(version));
    }
    let bytes = usize::try_from(u32::from_be_bytes([a, b, c, d])).unwrap_or(usize::MAX);
    if bytes > limit { Err(FrameRefused::TooLong { bytes, limit }) } else { Ok(bytes) }
}

/// A message as a frame.
pub fn encode(message: &impl Serialize, limit: usize) -> Result<Vec<u8>, FrameRefused> {
    let body = serde_json::to_vec(message).map_err(|why| FrameRefused::Shape(why.to_string()))?;
    let bytes = u32::try_from(body.len()).ok().filter(|_| body.len() <= limit);
    let bytes = bytes.ok_or(FrameRefused::TooLong { bytes: body.len(), limit })?;
    let mut frame = Vec::with_capacity(body.len().saturating_add(HEADER_BYTES));
    frame.extend_from_slice(&bytes.to_be_bytes());
    frame.push(VERSION);
    frame.extend_from_slice(&body);
    Ok(frame)
}

/// A message from the JSON of a frame.
pub fn decode<M: DeserializeOwned>(body: &[u8]) -> Result<M, FrameRefused> {
    serde_json::from_slice(body).map_err(|why| FrameRefused::Shape(why.to_string()))
}

#[cfg(test)]
mod tests {
    use super::{AgentSays, FrameRefused, HEADER_BYTES, MAX_AGENT_FRAME, decode, encode, length};

    #[test]
    fn a_frame_says_its_length_and_version() {
        let frame = encode(
            &AgentSays::Outcome { permit: "permit_x".into(), exit: Some(0), signal: None, millis: 3 },
            MAX_AGENT_FRAME,
        )
        .unwrap();
        let header: [u8; HEADER_BYTES] = frame.get(..HEADER_BYTES).unwrap().try_into().unwrap();
        assert_eq!(length(header, MAX_AGENT_FRAME), Ok(frame.len() - HEADER_BYTES));
        assert_eq!(length([0, 0, 0, 1, 9], MAX_AGENT_FRAME), Err(FrameRefused::Version(9)));
        assert!(matches!(length([255, 0, 0, 0, 1], MAX_AGENT_FRAME), Err(FrameRefused::TooLong { .. })));
    }

    #[test]
    fn strangers_words_are_refused() {
        assert!(decode::<AgentSays>(b"{\"say\":\"approve\",\"hold\":\"x\"}").is_err());
        assert!(decode::<AgentSays>(b"{\"say\":\"outcome\",\"permit\":\"x\",\"millis\":1,\"more\":1}").is_err());
        assert!(decode::<AgentSays>(&b"[".repeat(100_000)).is_err());
    }
}
