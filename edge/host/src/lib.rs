//! The operating system: facts, execution and supervision, sockets, durable files. It knows nothing of policy, and it
//! is the only crate with `unsafe` code.

pub mod accounts;
pub mod clock;
pub mod confine;
pub mod exec;
pub mod facts;
pub mod files;
pub mod homes;
pub mod identity;
pub mod layout;
pub mod memory;
pub mod project;
pub mod sealed;
pub mod socket;
pub mod stack;
pub mod stop;
pub mod supervise;
pub mod terminal;
pub mod watch;
