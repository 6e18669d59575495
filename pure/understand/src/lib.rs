//! Text to intent: what a shell command or a tool call would really do, and how much of that could be worked out.
//!
//! Pure code. What it needs to know of the world it asks for as [`FactQuery`] data. The rule throughout: whatever is
//! not understood is named as unknown, and an unknown part is never allowed by default.

mod command;
mod environment;
mod knowledge;
mod lower;
mod parser;
mod paths;
mod program;
mod script;
pub mod secrets;
mod text;
mod tool;
mod words;

use model::{Facts, Intent, NonEmpty, Step};
use serde_json::Value;

pub use parser::{MAX_OPENERS, MAX_TEXT_BYTES};

use lower::Lowering;

/// How deep texts may stand inside texts (`sh -c "sh -c …"`, scripts, substitutions). Deeper is unknown.
pub const MAX_DEPTH: usize = 12;

/// How many simple commands one text may have. The rest is unknown.
pub const MAX_SEGMENTS: usize = 512;

/// How many facts may be asked for in one round. Paths beyond it are judged by their text alone.
pub const MAX_QUERIES: usize = 64;

/// What is to be understood.
#[derive(Clone, Copy, Debug)]
pub enum Subject<'a> {
    /// A text for a Bash or POSIX shell.
    Shell(&'a str),
    /// An argument vector, executed without a shell.
    Argv(&'a [String]),
    /// A call of an agent host's tool, with its input.
    Tool(&'a str, &'a Value),
}

/// Where it would run, as far as that is known.
#[derive(Clone, Copy, Debug, Default)]
pub struct Surroundings<'a> {
    /// The working directory, absolute.
    pub cwd: Option<&'a str>,
    /// The home directory, absolute.
    pub home: Option<&'a str>,
}

/// Works out the intent, or asks for facts first. Call again with the answers added; a question is asked once.
pub fn understand(subject: Subject<'_>, around: Surroundings<'_>, facts: &Facts) -> Step<Intent> {
    let mut lowering = Lowering::new(around, facts);
    match subject {
        Subject::Shell(source) => {
            text::observe(source, &mut lowering.intent);
            lowering.shell(source);
        }
        Subject::Argv(argv) => {
            for word in argv {
                text::observe(word, &mut lowering.intent);
            }
            lowering.vector(argv);
        }
        Subject::Tool(name, input) => tool::lower(&mut lowering, name, input),
    }
    let (intent, needs) = lowering.finish();
    match NonEmpty::from_vec(needs) {
        Some(queries) => Step::Need(queries),
        None => Step::Done(intent),
    }
}
