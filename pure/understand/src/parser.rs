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
/// quoting. Callers run on threads with the stack that [`STACK_BYTES`](crate::MAX_OPENERS) of them need.
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

fn within_limits(text: &str) -> Result<(), String> {
    if text.len() > MAX_TEXT_BYTES {
        return Err(format!("the text has more than {MAX_TEXT_BYTES} bytes"));
    }
    if openers(text) > MAX_OPENERS {
        return Err(format!("the text opens more than {MAX_OPENERS} brackets and compound commands"));
    }
    if text.contains('\0') {
        return Err("the text holds a NUL, which a shell drops or stops at".to_owned());
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

/// Parses one word into its pieces.
pub(crate) fn word(text: &str) -> Result<Vec<WordPieceWithSource>, String> {
    within_limits(text)?;
    guarded(|| word::parse(text, &ParserOptions::default()).map_err(|why| why.to_string()))
}

/// Parses the body of a here-document whose delimiter is not quoted.
pub(crate) fn heredoc(text: &str) -> Result<Vec<WordPieceWithSource>, String> {
    within_limits(text)?;
    guarded(|| word::parse_heredoc(text, &ParserOptions::default()).map_err(|why| why.to_string()))
}

/// The brace expressions of a word, if it has any.
pub(crate) fn braces(text: &str) -> Result<Option<Vec<BraceExpressionOrText>>, String> {
    within_limits(text)?;
    guarded(|| word::parse_brace_expansions(text, &ParserOptions::default()).map_err(|why| why.to_string()))
}

fn guarded<T>(parse: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(parse)).unwrap_or_else(|_| Err("the parser failed on it".to_owned()))
}
