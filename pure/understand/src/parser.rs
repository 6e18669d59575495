//! The boundary to the Bash parser. Beyond these limits nothing is fed to it, and a panic in it is a refusal to
//! understand, never a crash.

use std::panic::{AssertUnwindSafe, catch_unwind};

use brush_parser::ast::Program;
use brush_parser::word::{self, BraceExpressionOrText, WordPieceWithSource};
use brush_parser::{Parser, ParserOptions};

/// The longest text that is parsed. A longer one is one unknown part.
pub const MAX_TEXT_BYTES: usize = 128 * 1024;

/// The most opening brackets, quotes of substitution and compound keywords in one text.
///
/// The parser recurses; each of these can cost a level. Counting openers, rather than depth, cannot be fooled by
/// quoting. Callers run long texts on threads with a large stack (`host::stack`).
pub const MAX_OPENERS: usize = 600;

/// The text and its characters that can open a level, as the limit counts them.
fn openers(text: &str) -> usize {
    let brackets = text.bytes().filter(|byte| matches!(byte, b'(' | b'{' | b'`' | b'[' | b'!' | b'$')).count();
    let words = text
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| {
            matches!(*word, "if" | "while" | "until" | "for" | "case" | "select" | "coproc" | "time" | "elif")
        })
        .count();
    brackets.saturating_add(words)
}

/// How many brackets of one kind may be open at once, counted without regard to quotes.
///
/// The parser tries one reading after another at each such bracket, so that every further one doubles the work, or
/// worse. At these limits the slowest text takes a quarter of a second (`$(` within a
/// here-document, three times as long for each level); people nest two or three deep.
const MAX_OPEN_RUNS: &[(char, char, usize)] = &[('(', ')', 10), ('{', '}', 7)];

/// The same for subscripts inside one word that expands something, where each costs ten times the one before.
const MAX_SUBSCRIPT_RUN: usize = 3;

/// How many `case` commands may be open at once: an unfinished one is tried in two ways at each level.
const MAX_OPEN_CASES: usize = 8;

/// The most `case` commands that are open at once, counted by their words.
fn open_cases(text: &str) -> usize {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric());
    let count = |(open, most): (usize, usize), word: &str| {
        let open = match word {
            "case" => open.saturating_add(1),
            "esac" => open.saturating_sub(1),
            _ => open,
        };
        (open, most.max(open))
    };
    words.fold((0, 0), count).1
}

/// How many `((` may be open at once: each that does not end is read again as a command.
const MAX_OPEN_ARITHMETIC: usize = 3;

/// The most `((` that are open at once, counted without regard to quotes.
fn open_arithmetic(text: &str) -> usize {
    let (mut rest, mut run, mut most) = (text, 0_usize, 0_usize);
    while let Some(at) = rest.find(['(', ')']) {
        let found = rest.get(at..).unwrap_or("");
        let width = if found.starts_with("((") {
            run = run.saturating_add(1);
            2
        } else if found.starts_with("))") {
            run = run.saturating_sub(1);
            2
        } else {
            1
        };
        most = most.max(run);
        rest = found.get(width..).unwrap_or("");
    }
    most
}

/// Whether a here-document has no body, or its end is named with an expansion, a control character or an unfinished quote: on some of these the parser never
/// ends, and people do not write them.
fn odd_heredoc(text: &str) -> bool {
    text.match_indices("<<").any(|(at, _)| {
        let rest = text.get(at.saturating_add(2)..).unwrap_or("");
        let here_string = rest.starts_with('<') || text.get(..at).is_some_and(|before| before.ends_with('<'));
        let after = rest.trim_start_matches('-');
        let name = after.trim_start_matches([' ', '\t']);
        // One without any body, its name some blanks away, is looked for without end inside `$(`.
        let blanks = after.len().saturating_sub(name.len());
        if !here_string && blanks > 1 && !rest.contains('\n') {
            return true;
        }
        let name = match name.chars().next() {
            Some(quote @ ('"' | '\'')) => match name.get(1..).and_then(|inside| inside.split_once(quote)) {
                Some((inside, _)) => inside,
                None => return !here_string,
            },
            _ => name.split([' ', '\t', '\n', ';', '|', '&', '<', '>', ')']).next().unwrap_or(""),
        };
        !here_string && name.contains(|c: char| matches!(c, '$' | '`') || c.is_control())
    })
}

/// How often a byte is in a text. A count that is within a limit says without more that a run is.
fn count(text: &str, wanted: char) -> usize {
    text.bytes().filter(|byte| char::from(*byte) == wanted).count()
}

/// The most brackets that are open at once.
fn open_run(text: &str, open: char, close: char) -> usize {
    let count = |(run, most): (usize, usize), c: char| {
        let run = if c == open { run.saturating_add(1) } else { run };
        (if c == close { run.saturating_sub(1) } else { run }, most.max(run))
    };
    text.chars().fold((0, 0), count).1
}

fn within_limits(text: &str) -> Result<(), String> {
    if text.len() > MAX_TEXT_BYTES {
        return Err(format!("the text has more than {MAX_TEXT_BYTES} bytes"));
    }
    if text.len() > MAX_OPENERS && openers(text) > MAX_OPENERS {
        return Err(format!("the text opens more than {MAX_OPENERS} brackets and compound commands"));
    }
    if text.len() > "case".len().saturating_mul(MAX_OPEN_CASES) && open_cases(text) > MAX_OPEN_CASES {
        return Err("the text opens more `case` commands within each other than can be read safely".to_owned());
    }
    if count(text, '(') > MAX_OPEN_ARITHMETIC && open_arithmetic(text) > MAX_OPEN_ARITHMETIC {
        return Err("the text opens more `((` within each other than can be read safely".to_owned());
    }
    if count(text, '<') > 1 && odd_heredoc(text) {
        return Err("the end of a here-document is named in a way that cannot be read safely".to_owned());
    }
    let runs =
        |(open, close, most): &(char, char, usize)| count(text, *open) > *most && open_run(text, *open, *close) > *most;
    if MAX_OPEN_RUNS.iter().any(runs) {
        return Err("the text opens more brackets within each other than can be read safely".to_owned());
    }
    if text.contains('\0') {
        return Err("the text holds a NUL, which a shell drops or stops at".to_owned());
    }
    Ok(())
}

fn within_word_limits(text: &str) -> Result<(), String> {
    within_limits(text)?;
    if text.contains("${") && open_run(text, '[', ']') > MAX_SUBSCRIPT_RUN {
        return Err("the word has more subscripts within each other than can be read safely".to_owned());
    }
    Ok(())
}

/// Parses a whole text.
pub(crate) fn program(text: &str) -> Result<Program, String> {
    within_limits(text)?;
    guarded(|| {
        let mut parser = Parser::new(std::io::Cursor::new(text.as_bytes()), &ParserOptions::default());
        parser.parse_program().map_err(|why| why.to_string())
    })
}

/// Parses a text of which bash would pass over some lines: a mistake inside `[[ … ]]` costs its line, and the rest runs;
/// a backslash at the very end is dropped. Gives the lines that were passed over.
pub(crate) fn with_mistakes(text: &str) -> Option<(Program, Vec<String>)> {
    if text.len() > MAX_TEXT_BYTES {
        return None;
    }
    let mut passed = Vec::new();
    let mut mended = String::new();
    for line in text.lines() {
        if line.contains("[[") && passed.len() < MAX_PASSED_LINES && program(line).is_err() {
            passed.push(line.to_owned());
            mended.push(':');
        } else {
            mended.push_str(line);
        }
        mended.push('\n');
    }
    let open_end = text.ends_with('\\') && !text.ends_with("\\\\");
    if open_end {
        passed.push("\\".to_owned());
        mended.truncate(mended.trim_end().len().saturating_sub(1));
    }
    if passed.is_empty() {
        return None;
    }
    program(&mended).ok().map(|program| (program, passed))
}

/// How many lines with a mistake are passed over in one text.
const MAX_PASSED_LINES: usize = 8;

/// Parses one word into its pieces.
pub(crate) fn word(text: &str) -> Result<Vec<WordPieceWithSource>, String> {
    within_word_limits(text)?;
    guarded(|| word::parse(text, &ParserOptions::default()).map_err(|why| why.to_string()))
}

/// Parses the body of a here-document whose delimiter is not quoted.
pub(crate) fn heredoc(text: &str) -> Result<Vec<WordPieceWithSource>, String> {
    within_word_limits(text)?;
    guarded(|| word::parse_heredoc(text, &ParserOptions::default()).map_err(|why| why.to_string()))
}

/// The brace expressions of a word, if it has any.
pub(crate) fn braces(text: &str) -> Result<Option<Vec<BraceExpressionOrText>>, String> {
    within_word_limits(text)?;
    guarded(|| word::parse_brace_expansions(text, &ParserOptions::default()).map_err(|why| why.to_string()))
}

fn guarded<T>(parse: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(parse)).unwrap_or_else(|_| Err("the parser failed on it".to_owned()))
}
