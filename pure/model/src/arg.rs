//! Arguments of commands, as far as they are known before the command runs.

/// One argument of a simple command, as far as it could be worked out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Arg {
    /// Exactly this.
    Known(String),
    /// Whatever this pattern matches when it runs.
    Pattern(String),
    /// Not known before it runs; how it is written.
    Unknown(String),
}

impl Arg {
    /// The value, where it is known.
    pub fn known(&self) -> Option<&str> {
        match self {
            Self::Known(text) => Some(text),
            Self::Pattern(_) | Self::Unknown(_) => None,
        }
    }

    /// How it is written or what it is.
    pub fn text(&self) -> &str {
        match self {
            Self::Known(text) | Self::Pattern(text) | Self::Unknown(text) => text,
        }
    }
}
