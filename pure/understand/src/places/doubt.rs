//! Patterns: whether what they match could be a place that is listed.

use super::Place;

/// Whether a part of a path matches more than itself.
pub(super) fn is_pattern(part: &str) -> bool {
    part.contains(['*', '?', '['])
}

/// Whether the parts of a pattern could begin any listed place. What is found by going through a tree says nothing, and a
/// first part that begins with a wildcard is no name; it counts only at the root of the machine or of a home.
pub(super) fn may_begin(pattern: &[&str], at_root: bool) -> bool {
    pattern.first().is_some_and(|part| *part != "**" && (at_root || !part.starts_with(['*', '?', '['])))
}

/// Whether a path that a pattern matches could be a place, lie below it, or, where all below is gone through, above it.
pub(super) fn could_lead_to(pattern: &[&str], place: &[&str], whole: bool) -> bool {
    let mut parts = pattern.iter();
    let mut guessed = false;
    for listed in place {
        match parts.next() {
            // What is found by going through a tree can be anything in it; what is known of the tree says that.
            Some(&"**") => return false,
            Some(part) if !could_be(part, listed, false) => return false,
            Some(part) => guessed |= is_pattern(part),
            None => return guessed && whole,
        }
    }
    guessed
}

/// Whether the parts of a pattern could be a name that is listed for any directory. A part that begins with a wildcard
/// could be any name, so it says nothing.
pub(super) fn could_be_named(pattern: &[&str], place: &Place) -> bool {
    if pattern.len() < place.parts.len() || (!place.below && pattern.len() > place.parts.len()) {
        return false;
    }
    let mut guessed = false;
    for (listed, part) in place.parts.iter().zip(pattern) {
        if is_pattern(part) {
            if listed.starts_with('*') || part.starts_with(['*', '?', '[']) || !could_be(part, listed, true) {
                return false;
            }
            guessed = true;
        } else if !could_be(part, listed, true) {
            return false;
        }
    }
    guessed
}

/// Whether a name exists that both a pattern and a listed part stand for. In doubt it does.
fn could_be(pattern: &str, listed: &str, literal: bool) -> bool {
    // A wildcard of the shell never matches the dot that a name begins with.
    if pattern.starts_with(['*', '?', '[']) && listed.starts_with('.') {
        return false;
    }
    if literal && !is_pattern(pattern) {
        return pattern == listed;
    }
    if pattern == "*" {
        return true;
    }
    // Most differ in their beginnings.
    for (a, b) in pattern.bytes().zip(listed.bytes()) {
        if matches!(a, b'*' | b'?' | b'[') || matches!(b, b'*' | b'#') {
            break;
        }
        if a != b {
            return false;
        }
    }
    meet(&tokens(pattern), &tokens(listed))
}

/// One character of a pattern, any one, or any number of them.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Token {
    One(char),
    AnyOne,
    Any,
}

/// The longest pattern that is looked into; a longer one could be anything.
const MAX_PART: usize = 128;

fn tokens(pattern: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = pattern.chars();
    while let Some(c) = rest.next() {
        tokens.push(match c {
            '*' => Token::Any,
            '?' | '#' => Token::AnyOne,
            '[' => {
                let after = rest.as_str();
                match after.char_indices().skip(1).find(|(_, c)| *c == ']') {
                    Some((at, _)) => {
                        rest = after.get(at.saturating_add(1)..).unwrap_or("").chars();
                        Token::AnyOne
                    }
                    None => Token::One('['),
                }
            }
            c => Token::One(c),
        });
    }
    tokens
}

/// Whether two patterns have a text in common: row by row over the second, which beginnings of it are possible.
fn meet(left: &[Token], right: &[Token]) -> bool {
    if left.len() > MAX_PART || right.len() > MAX_PART {
        return true;
    }
    let width = right.len().saturating_add(1);
    let mut above: Vec<bool> = Vec::with_capacity(width);
    above.push(true);
    for token in right {
        let before = above.last().copied().unwrap_or(false);
        above.push(before && *token == Token::Any);
    }
    for token in left {
        let mut row: Vec<bool> = Vec::with_capacity(width);
        row.push(*token == Token::Any && above.first().copied().unwrap_or(false));
        for (at, other) in right.iter().enumerate() {
            let diagonal = above.get(at).copied().unwrap_or(false);
            let up = above.get(at.saturating_add(1)).copied().unwrap_or(false);
            let left = row.last().copied().unwrap_or(false);
            row.push(match (token, other) {
                (Token::Any, _) => up || left || diagonal,
                (_, Token::Any) => left || up || diagonal,
                (Token::One(a), Token::One(b)) => diagonal && a == b,
                (Token::One(_) | Token::AnyOne, Token::One(_) | Token::AnyOne) => diagonal,
            });
        }
        above = row;
    }
    above.last().copied().unwrap_or(false)
}
