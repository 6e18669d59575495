//! The operating system: facts, execution and supervision, sockets, durable files. It knows nothing of policy, and it
//! is the only crate with `unsafe` code.

pub mod accounts;
pub mod clock;
pub mod exec;
pub mod executable_identity;
pub mod facts;
pub mod files;
pub mod git_repository;
pub mod homes;
pub mod inotify;
pub mod install_paths;
pub mod landlock;
pub mod memory;
pub mod process_tree;
pub mod pty;
pub mod sealed;
pub mod service_supervisor;
pub mod socket;
pub mod stack;
