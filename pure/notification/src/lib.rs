//! Notifications over channels: what is said there of a hold, and which answers count. Bytes in, bytes
//! out; sending belongs to others.
//!
//! A message never holds authority. A click or a message in chat can deny; it can approve only where the policy requires no more than a person who
//! is signed in, and only through a signature that `countersignd` checks. All else leads to the page.

mod config;
mod messages;
mod push;
mod signature;
mod slack;
mod teams;

pub use config::{Alarm, Channels, Email, Level, MalformedConfig, Ntfy, Push, Slack, Teams, Webhook, When};
pub use messages::{alarm_close, alarm_open, email, ntfy, slack_blocks, summary, teams_card, webhook};
/// A key for one message (P-256).
pub use p256::SecretKey;
pub use push::{PushKey, Subscription, push_text};
pub use signature::sign;
pub use slack::{Click, NoClick, read_click};
pub use teams::{CODE_LENGTH, NotWritten, Written, code_of, read_written};

/// What there is to say.
#[derive(Clone, Debug)]
pub enum Notice {
    /// A hold waits, or half of its time is over.
    Waits {
        /// The hold.
        hold: Box<protocol::HoldView>,
        /// Half of its time is over.
        half: bool,
    },
    /// This many more holds of one agent wait; they are not sent one by one.
    Flood {
        /// The agent.
        agent: String,
        /// The number of holds.
        count: usize,
    },
    /// It does not wait any more.
    Closed {
        /// The hold.
        hold: Box<protocol::HoldView>,
        /// What became of it.
        outcome: String,
    },
}
