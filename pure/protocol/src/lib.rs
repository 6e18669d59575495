//! Versioned messages between our programs, and their framing. Bytes in, bytes out; sockets belong to others.
//!
//! A frame is four bytes of length (big endian), one byte of protocol version, and that much JSON. A length beyond
//! the receiver's limit, another version or another shape is refused with a name, and the connection ends.

mod agent;
mod agent_activity;
mod log;
mod oidc_client;
mod operator_reply;
mod operator_request;
mod proof;
mod push_target;
mod record_query;
mod statement;
mod telemetry;
mod views;
mod web;

pub use agent::{AgentReply, AgentRequest, Refusal, SealedText, Terminal, TerminalEvent};
pub use agent_activity::{ActivityView, SessionView};
pub use log::{LogRecord, LogReply, LogRequest, RecordingHead};
pub use oidc_client::SignOnWay;
pub use operator_reply::OperatorReply;
pub use operator_request::OperatorRequest;
pub use proof::{EnrolmentAuthority, NewFactor, PasskeyAssertion, Password, Proof, RuleWish, SshSignature, Vouch};
pub use push_target::PushTarget;
pub use record::RecordQuery;
pub use record_query::{LogQuery, LogQueryResult};
pub use statement::{change_text, signed_change};
pub use telemetry::{Metric, Span};
pub use views::{
    AgentAttributes, AgentView, BrokenGlassView, CandidateView, ClosedHold, DelegatorView, EffectView, Factor,
    FlagView, HandOver, HoldView, PieceView, ReviewerAttributes, ReviewerView, RuleView, SAME, Status, UnknownView,
};

use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// The protocol's version. Both sides must speak the same.
pub const VERSION: u8 = 1;

/// The length of the header before the JSON.
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
    /// Its announced length is above the limit.
    TooLong {
        /// The announced length.
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
                "the other side uses protocol version {version}, this one {VERSION}: install the same release on both sides"
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
    use super::{AgentRequest, FrameRefused, HEADER_BYTES, MAX_AGENT_FRAME, decode, encode, length};

    #[test]
    fn a_frame_says_its_length_and_version() {
        let frame = encode(
            &AgentRequest::Outcome { permit: "permit_x".into(), exit: Some(0), signal: None, millis: 3 },
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
        assert!(decode::<AgentRequest>(b"{\"say\":\"approve\",\"hold\":\"x\"}").is_err());
        assert!(decode::<AgentRequest>(b"{\"say\":\"outcome\",\"permit\":\"x\",\"millis\":1,\"more\":1}").is_err());
        assert!(decode::<AgentRequest>(&b"[".repeat(100_000)).is_err());
    }
}
