//! The arguments of a call, as tokens.

use super::scan::Token;

/// The arguments of a call: for each the one literal it is, or nothing where it is more or other than that.
pub(super) fn arguments(tokens: &[Token], at: usize) -> Vec<Option<&Token>> {
    let rest = tokens.get(at.saturating_add(1)..).unwrap_or_default();
    let rest = if rest.first() == Some(&Token::Mark('(')) { rest.get(1..).unwrap_or_default() } else { rest };
    let (mut depth, mut parts, mut current): (usize, Vec<Vec<&Token>>, Vec<&Token>) = (0, Vec::new(), Vec::new());
    for token in rest {
        match token {
            Token::Mark(')') if depth == 0 => break,
            Token::Mark(';' | '\n' | '}') if depth == 0 => break,
            Token::Mark(',') if depth == 0 => parts.push(std::mem::take(&mut current)),
            Token::Word(_) | Token::Text(..) | Token::Number | Token::Mark(_) => {
                match token {
                    Token::Mark('(' | '[' | '{') => depth = depth.saturating_add(1),
                    Token::Mark(')' | ']' | '}') => depth = depth.saturating_sub(1),
                    Token::Mark(_) | Token::Word(_) | Token::Text(..) | Token::Number => {}
                }
                current.push(token);
            }
        }
    }
    parts.push(current);
    parts.iter().map(|part| if let [only] = part.as_slice() { Some(*only) } else { None }).collect()
}

/// The literal words of a call that runs a program: all of them, or none where one is not literal.
pub(super) fn literals(tokens: &[Token], at: usize) -> Vec<String> {
    let rest = tokens.get(at.saturating_add(1)..).unwrap_or_default();
    let mut words = Vec::new();
    for token in rest {
        match token {
            Token::Text(text, false) => words.push(text.clone()),
            Token::Mark('(' | '[' | ',') => {}
            Token::Mark(')' | ']' | '{' | ';' | '\n' | '}') => break,
            // A named argument ends the list of words.
            Token::Word(_) if !words.is_empty() => break,
            Token::Word(_) | Token::Text(..) | Token::Number | Token::Mark(_) => return Vec::new(),
        }
    }
    // `execl("/bin/sh", "sh", …)` gives the program's name twice.
    if let [program, name, ..] = words.as_slice()
        && program.rsplit('/').next() == Some(name.rsplit('/').next().unwrap_or(name))
        && program.contains('/')
    {
        words.remove(1);
    }
    words
}
