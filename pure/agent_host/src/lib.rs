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
    /// Why the call must not be made. Nothing where there is no objection.
    pub reason: Option<String>,
}

impl HookAnswer {
    /// The same answer where standard output has no reader: by exit status, with the reason on standard error. An allow needs no words.
    #[must_use]
    pub fn by_status(self) -> Self {
        match self.reason {
            Some(reason) => Self::no(reason),
            None => self,
        }
    }

    fn no(reason: String) -> Self {
        Self { stdout: String::new(), stderr: format!("countersign: {reason}\n"), exit: BLOCKS, reason: Some(reason) }
    }
}

/// The exit status that blocks a call, whatever is printed.
pub const BLOCKS: u8 = 2;
