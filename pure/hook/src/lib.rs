//! Each agent host's hook contract ↔ our request and answer. Bytes in, bytes out.

pub mod claude_code;

/// What a hook prints and how it exits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HookAnswer {
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
    /// Exit status.
    pub exit: u8,
}
