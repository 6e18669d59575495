//! Regular expressions over a whole command line, in linear time.

use model::Arg;

use super::{Reading, line_of};

/// The longest expression, in bytes.
const MAX_BYTES: usize = 2_048;

/// The largest compiled program, in bytes.
const MAX_PROGRAM: usize = 1 << 20;

/// Lines that no rule that allows may match.
const CANARIES: &[&str] =
    &["", "rm -rf /", "rm -rf '/*'", "x; rm -rf /", "x '; rm -rf /'", "x '$(id)'", "bash -c id", "curl http://h/x"];

/// A regular expression, anchored at both ends.
#[derive(Clone, Debug)]
pub(crate) struct LineRegex {
    regex: regex::Regex,
    /// The program that every match begins with, where the expression says so plainly.
    program: Option<String>,
}

impl LineRegex {
    /// Compiles an expression. One of a rule that allows is refused where it matches a canary.
    pub(crate) fn new(text: &str, allows: bool) -> Result<Self, String> {
        if text.len() > MAX_BYTES {
            return Err(format!("a regular expression has at most {MAX_BYTES} bytes"));
        }
        let built = regex::RegexBuilder::new(&format!("^(?:{text})$")).size_limit(MAX_PROGRAM).build();
        let regex = built.map_err(|why| format!("`{text}` is no regular expression: {}", last_line(&why)))?;
        match CANARIES.iter().find(|canary| allows && regex.is_match(canary)) {
            Some(canary) => Err(format!("`{text}` is too broad: it matches `{canary}`")),
            None => Ok(Self { regex, program: program_of(text) }),
        }
    }

    /// The program that every match begins with, where the expression says so plainly.
    pub(crate) fn program(&self) -> Option<&str> {
        self.program.as_deref()
    }

    /// Whether a vector, written as a line, matches. For a rule that allows every word must be known and plain, for one
    /// that blocks every word must be known.
    pub(crate) fn matches(&self, argv: &[Arg], reading: Reading) -> bool {
        let lenient = reading == Reading::Narrow;
        if reading == Reading::Certain && argv.iter().any(|word| word.known().is_none()) {
            return false;
        }
        let plain = |word: &str| !word.contains([';', '&', '|', '$', '`', '<', '>', '\n', '\r', '\0']);
        if lenient && !argv.iter().all(|word| word.known().is_some_and(plain)) {
            return false;
        }
        let line = |program: &str| line_of(std::iter::once(program).chain(argv.iter().skip(1).map(Arg::text)));
        let program = argv.first().map_or("", Arg::text);
        // What a rule restricts does not escape it by being written with its directory.
        let base = program.rsplit('/').next().unwrap_or(program);
        self.regex.is_match(&line(program)) || (!lenient && self.regex.is_match(&line(base)))
    }
}

/// A first word without anything special, before a blank, in an expression without alternatives.
fn program_of(text: &str) -> Option<String> {
    let (word, rest) = text.split_once(' ').filter(|_| !text.contains('|'))?;
    if rest.starts_with(['*', '?', '{']) {
        return None;
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    (!word.is_empty() && word.chars().all(plain)).then(|| word.to_owned())
}

fn last_line(why: &regex::Error) -> String {
    let text = why.to_string();
    let line = text.lines().last().unwrap_or("").trim();
    line.strip_prefix("error: ").unwrap_or(line).to_owned()
}
