//! The language of `awk` (POSIX, with what gawk adds): files it reads and writes, commands it runs.

use model::{Arg, Segment, Unknown};

use super::scan::{self, Token};
use crate::command::run_unknown;
use crate::knowledge::Role;
use crate::lower::Lowering;

impl Lowering<'_> {
    /// Reads a program of `awk`. What reaches outside is `system`, pipes, redirections, `getline` and gawk's `@`.
    pub(super) fn awk(&mut self, program: &str, segment: &mut Segment) {
        let Some(tokens) = scan::awk(program) else {
            run_unknown(segment, program, "the awk program could not be read");
            return;
        };
        if hides_a_call(program, &tokens) {
            run_unknown(segment, program, "it is not clear where a pattern, a comment or a text of the program ends");
        }
        // Inside `print …` up to the end of the statement, `>` writes; elsewhere it compares. Parentheses protect.
        let (mut printing, mut depth) = (false, 0_usize);
        for (at, token) in tokens.iter().enumerate() {
            let next = tokens.get(at.saturating_add(1));
            let before = at.checked_sub(1).and_then(|before| tokens.get(before));
            match token {
                Token::Word(word) if word == "print" || word == "printf" => (printing, depth) = (true, 0),
                Token::Word(word) if word == "system" => {
                    let argument = tokens.get(at.saturating_add(2));
                    let closed = tokens.get(at.saturating_add(3)) == Some(&Token::Mark(')'));
                    self.awk_command(argument.filter(|_| closed), segment);
                }
                Token::Word(word) if word == "getline" => self.awk_getline(&tokens, at, segment),
                Token::Word(word) if matches!(word.as_str(), "ENVIRON" | "SYMTAB") => {
                    segment.operations.push(model::Operation {
                        action: model::Action::Read,
                        resource: model::Resource::Unknown("the environment".to_owned()),
                        category: model::Category::CredentialAccess,
                        reversibility: model::Reversibility::Reversible,
                        recursive: false,
                    })
                }
                Token::Word(word) if word == "SYMTAB" => {
                    segment.operations.push(crate::builtin::shows_variables());
                    let why = "it reads and sets any variable of the program".to_owned();
                    segment.unknowns.push(Unknown { text: "SYMTAB".to_owned(), why });
                }
                Token::Word(word) if word == "ARGV" => {
                    let why = "the program changes which files it reads".to_owned();
                    segment.unknowns.push(Unknown { text: "ARGV".to_owned(), why });
                }
                Token::Text(text, _) if text.starts_with("/inet") => {
                    run_unknown(segment, text, "opens a network connection")
                }
                Token::Mark('(') => depth = depth.saturating_add(1),
                Token::Mark(')') => depth = depth.saturating_sub(1),
                Token::Mark('\n') => printing &= goes_on(tokens.get(..at).unwrap_or_default()),
                Token::Mark(';' | '{' | '}') => printing = false,
                Token::Mark('@') => {
                    run_unknown(segment, program, "loads code, or calls a function by a name made when it runs")
                }
                Token::Mark('>') if printing && depth == 0 && before != Some(&Token::Mark('>')) => {
                    let target = if next == Some(&Token::Mark('>')) { tokens.get(at.saturating_add(2)) } else { next };
                    let after = tokens.get(at.saturating_add(if next == Some(&Token::Mark('>')) { 3 } else { 2 }));
                    let value = literal(target, after);
                    self.effect(&value, Role::Write, false, &mut segment.operations, &mut segment.unknowns);
                }
                Token::Mark('|') if next != Some(&Token::Mark('|')) && before != Some(&Token::Mark('|')) => {
                    // `|&` is a pipe in both directions.
                    let skip = if matches!(next, Some(Token::Mark('&'))) { 2 } else { 1 };
                    let target = tokens.get(at.saturating_add(skip));
                    match target {
                        Some(Token::Word(word)) if word == "getline" => {
                            self.awk_command(command_before(&tokens, at), segment);
                        }
                        other => {
                            let after = tokens.get(at.saturating_add(skip).saturating_add(1));
                            self.awk_command(other.filter(|_| ends(after)), segment);
                        }
                    }
                }
                Token::Word(_) | Token::Text(..) | Token::Number | Token::Mark(_) => {}
            }
        }
    }

    fn awk_command(&mut self, command: Option<&Token>, segment: &mut Segment) {
        match command {
            Some(Token::Text(text, false)) => self.shell_text(&Arg::Known(text.clone()), segment),
            _ => run_unknown(segment, "awk", "runs a command that is made when it runs"),
        }
    }

    /// `getline` from a file: `getline < FILE`, with a variable or an element before the `<`.
    fn awk_getline(&mut self, tokens: &[Token], at: usize, segment: &mut Segment) {
        let mut depth = 0_usize;
        for (here, token) in tokens.iter().enumerate().skip(at.saturating_add(1)) {
            match token {
                Token::Mark('<') if depth == 0 => {
                    let after = tokens.get(here.saturating_add(2));
                    let value = literal(tokens.get(here.saturating_add(1)), after);
                    self.effect(&value, Role::Read, false, &mut segment.operations, &mut segment.unknowns);
                    return;
                }
                Token::Mark('[' | '(') => depth = depth.saturating_add(1),
                Token::Mark(']' | ')') => match depth.checked_sub(1) {
                    Some(less) => depth = less,
                    None => return,
                },
                Token::Mark('$') | Token::Word(_) | Token::Number | Token::Mark('-' | '+') => {}
                Token::Text(..) | Token::Mark(_) if depth > 0 => {}
                Token::Text(..) => {
                    let why = "a form of `getline` that is not read".to_owned();
                    segment.unknowns.push(Unknown { text: "getline".to_owned(), why });
                    return;
                }
                Token::Mark(_) => return,
            }
        }
    }
}

/// Whether the text has calls that reach outside, which its tokens do not have: then it was taken apart otherwise than
/// `awk` does it, as where a slash may divide or begin a pattern.
fn hides_a_call(program: &str, tokens: &[Token]) -> bool {
    let found = |name: &str| tokens.iter().filter(|token| matches!(token, Token::Word(word) if word == name)).count();
    let calls = program.matches("system(").count().saturating_add(program.matches("system (").count());
    calls > found("system") || program.matches("getline").count() > found("getline")
}

/// Whether a statement goes on behind a line end: behind a mark that lacks its right side, and behind `do` and `else`.
fn goes_on(before: &[Token]) -> bool {
    match before.iter().rev().find(|token| **token != Token::Mark('\n')) {
        Some(Token::Mark(mark)) => !matches!(mark, ')' | ']' | '+' | '-' | ';' | '}' | '{'),
        Some(Token::Word(word)) => matches!(word.as_str(), "do" | "else" | "in"),
        Some(Token::Text(..) | Token::Number) | None => false,
    }
}

/// The command before a pipe into `getline`: known only where it is one literal, and nothing is joined to it.
fn command_before(tokens: &[Token], at: usize) -> Option<&Token> {
    let command = at.checked_sub(1).and_then(|before| tokens.get(before));
    let joined = match at.checked_sub(2).and_then(|before| tokens.get(before)) {
        None => false,
        Some(Token::Mark(mark)) => !matches!(mark, ';' | '{' | '}' | '\n' | '(' | '&' | '|' | '!'),
        Some(Token::Word(_) | Token::Text(..) | Token::Number) => true,
    };
    command.filter(|_| !joined)
}

/// Whether a statement or an argument ends here.
const fn ends(after: Option<&Token>) -> bool {
    matches!(after, None | Some(Token::Mark(';' | '\n' | '}' | ')' | '{')))
}

/// A file name: known only where it is one literal and nothing is joined to it.
fn literal(token: Option<&Token>, after: Option<&Token>) -> Arg {
    match token {
        Some(Token::Text(text, false)) if ends(after) => Arg::Known(text.clone()),
        _ => Arg::Unknown("a file named when it runs".to_owned()),
    }
}
