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

mod authority;
pub mod corpus;
pub mod dresses;
pub mod fuzz;
mod gate;
pub mod golden;
pub mod grammar;
mod mount;
mod python;
mod raw;
mod reviewer;
mod sandbox;
mod separate_users;
mod short;
mod taken;

pub use authority::{Authority, free_port, over_tls, self_signed, wait_for};
pub use gate::{Gate, JSON};
pub use mount::Mount;
pub use python::python_with;
pub use raw::{RawAgent, bash_act, exec_act, permit_of};
pub use reviewer::Reviewer;
pub use sandbox::Sandbox;
pub use separate_users::SeparateUsers;
pub use short::{at_work, done, hands_over, is_allowed, makes_files};
pub use taken::take;
