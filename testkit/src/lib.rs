//! For tests: a whole installation in a directory of its own, with real processes and real sockets; and the corpus of
//! expected verdicts.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    clippy::arithmetic_side_effects,
    reason = "a test that cannot go on must fail"
)]

pub mod corpus;
pub mod dresses;
pub mod fuzz;
mod gate;
pub mod golden;
pub mod grammar;
mod helpers;
mod http_capture;
mod mount;
mod pebble;
mod python;
mod raw_agent;
pub mod record_schema;
mod reviewer;
mod sandbox;
mod separate_users;
pub mod watchdog;

pub use gate::{Gate, JSON};
pub use helpers::{at_work, done, hands_over, is_allowed, makes_files};
pub use http_capture::take;
pub use mount::Mount;
pub use pebble::{Authority, free_port, over_tls, self_signed, wait_for};
pub use python::test_python;
pub use raw_agent::{RawAgent, bash_act, exec_act, permit_of};
pub use reviewer::Reviewer;
pub use sandbox::Sandbox;
pub use separate_users::SeparateUsers;
