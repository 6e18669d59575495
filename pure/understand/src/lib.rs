//! Text to intent: what a shell command or a tool call would really do, and how much of that could be worked out.
//!
//! Pure code. What it needs to know of the world it asks for as [`FactQuery`] data. The rule throughout: whatever is
//! not understood is named as unknown, and an unknown part is never allowed by default.

mod agreement;
mod aim;
mod arguments;
mod budget;
mod builtin;
mod calculation;
mod carried;
mod chain;
mod code;
mod command;
mod compound;
mod declaration;
mod effect;
mod environment;
mod exact;
mod expand;
mod feed;
mod find;
mod function;
mod git;
mod git_settings;
mod inherited;
mod knowledge;
mod leak;
mod links;
mod listed;
mod lower;
mod made_files;
mod message;
mod openings;
mod options;
mod other_shell;
mod outline;
mod overrides;
mod own_rules;
mod parameters;
mod parser;
mod paths;
mod pipeline;
pub mod places;
mod plain;
mod print;
mod program;
mod pty;
mod read_names;
mod redirect;
mod repository;
mod script;
mod searched;
mod senders;
mod shared;
mod shell;
mod shell_state;
mod shown;
mod simple;
mod split_string;
mod state;
mod stream;
mod suspect;
mod terminal;
mod text;
mod tool;
mod touch;
mod verb;
mod verbs;
mod words;
mod words_of;
mod wrapper;

use model::{Fact, FactQuery, Facts, Intent, NonEmpty, Step};
use serde_json::Value;

pub use budget::{MAX_BYTES, MAX_STEPS};
pub use code::Dialect;
pub use inherited::{Inherited, value_matters};
pub use openings::{Opening, openings};
pub use other_shell::Shell;
pub use parser::{MAX_OPENERS, MAX_TEXT_BYTES};

use lower::{Lowering, Source};

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
    /// The same, in an environment that it would get.
    Exec(&'a [String], &'a [Inherited<'a>]),
    /// A call of an agent host's tool, with its input.
    Tool(&'a str, &'a Value),
    /// SQL for a database.
    Sql(&'a str, Dialect),
    /// A text for a person or another agent, which runs nothing by itself.
    Message(&'a str),
}

/// Where it would run, as far as that is known.
#[derive(Clone, Copy, Debug, Default)]
pub struct Surroundings<'a> {
    /// The working directory, absolute.
    pub cwd: Option<&'a str>,
    /// The home directory, absolute.
    pub home: Option<&'a str>,
    /// The shell that runs a text. Where it is not known, a text must mean the same in all usual ones.
    pub shell: Shell,
    /// The root of the project that the work is on.
    pub project: Option<&'a str>,
    /// The directories and files in which the firewall keeps what is its own.
    pub own: &'a [String],
    /// The files of its programs.
    pub own_programs: &'a [String],
}

/// How many facts may be looked up for one text. Paths beyond it are judged by their text alone.
pub const MAX_FACTS: usize = 512;

/// Works out the intent with a function that looks up facts. The facts are left in `facts`.
pub fn settle(
    subject: Subject<'_>,
    around: Surroundings<'_>,
    facts: &mut Facts,
    look: &mut dyn FnMut(&FactQuery) -> Fact,
) -> Intent {
    let mut lowering = Lowering::new(around, Source::Looking { facts, look, left: MAX_FACTS });
    read(&mut lowering, subject);
    lowering.uncalled();
    lowering.finish().0
}

/// Reads a text in a place where nothing is known of the disk: for the examples of rules.
pub fn read_blind(text: &str) -> Intent {
    let own = ["/home/agent/.config/countersign", "/home/agent/.local/state/countersign"].map(str::to_owned);
    let around = Surroundings {
        cwd: Some("/work/project"),
        home: Some("/home/agent"),
        project: Some("/work/project"),
        own: &own,
        shell: Shell::Unknown,
        own_programs: &[],
    };
    settle(Subject::Shell(text), around, &mut Facts::default(), &mut |_| Fact::Unknown)
}

/// How many of the [`MAX_STEPS`] steps a text takes, where nothing is known of the disk: for tests and benches.
pub fn steps_of(text: &str) -> usize {
    let around = Surroundings { cwd: Some("/work/project"), home: Some("/home/agent"), ..Surroundings::default() };
    let (mut facts, mut look) = (Facts::default(), |_: &FactQuery| Fact::Unknown);
    let mut lowering = Lowering::new(around, Source::Looking { facts: &mut facts, look: &mut look, left: MAX_FACTS });
    read(&mut lowering, Subject::Shell(text));
    lowering.uncalled();
    lowering.budget.steps_taken()
}

/// Whether a text is one that the shell's grammar takes, as far as we read it.
pub fn parses(text: &str) -> bool {
    parser::program(text).is_ok() || parser::with_mistakes(text).is_some()
}

/// Works out the intent, or asks for facts first. Call again with the answers added; a question is asked once.
pub fn understand(subject: Subject<'_>, around: Surroundings<'_>, facts: &Facts) -> Step<Intent> {
    let mut lowering = Lowering::new(around, Source::Asking(facts, Vec::new()));
    read(&mut lowering, subject);
    lowering.uncalled();
    let (intent, needs) = lowering.finish();
    match NonEmpty::from_vec(needs) {
        Some(queries) => Step::Need(queries),
        None => Step::Done(intent),
    }
}

fn read(lowering: &mut Lowering<'_>, subject: Subject<'_>) {
    match subject {
        Subject::Shell(source) => {
            text::observe(source, &mut lowering.intent);
            lowering.shell(source);
            if lowering.shell == Shell::Sh
                && let Some(mark) = other_shell::mark(source)
            {
                lowering.unknown(mark, "shells differ on what this means, and which one `sh` is here is not known");
            }
        }
        Subject::Argv(argv) => {
            for word in argv {
                text::observe(word, &mut lowering.intent);
            }
            lowering.vector(argv);
        }
        Subject::Exec(argv, variables) => {
            for word in argv {
                text::observe(word, &mut lowering.intent);
            }
            lowering.exec(argv, variables);
        }
        Subject::Tool(name, input) => tool::lower(lowering, name, input),
        Subject::Sql(text, dialect) => {
            text::observe(text, &mut lowering.intent);
            lowering.sql(text, dialect);
        }
        Subject::Message(text) => {
            text::observe(text, &mut lowering.intent);
            lowering.message(text);
        }
    }
}
