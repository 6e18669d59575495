//! Plain words and plain commands, read without the parser: most commands are no more than a few of these.
//!
//! Only what every shell reads in one way is taken here; anything else goes to the full grammar. A test holds the two
//! readings against each other.

use model::Arg;

/// Words that begin something other than a simple command.
const RESERVED: &[&str] = &[
    "if", "then", "else", "elif", "fi", "case", "esac", "for", "select", "while", "until", "do", "done", "in",
    "function", "time", "coproc",
];

/// A simple command of plain words, with blanks between and nothing else.
pub(crate) fn command(text: &str) -> Option<Vec<Arg>> {
    let mut rest = text.trim_matches(' ');
    let mut words = Vec::new();
    while !rest.is_empty() {
        let (word, after) = take_word(rest)?;
        if words.is_empty() && !names_a_program(rest, after, &word) {
            return None;
        }
        words.push(word);
        rest = after.trim_start_matches(' ');
    }
    (!words.is_empty()).then_some(words)
}

/// One plain word, the whole of the text.
pub(crate) fn word(raw: &str) -> Option<Arg> {
    let (word, rest) = take_word(raw)?;
    rest.is_empty().then_some(word)
}

/// Whether the first word can only be the name of a program: no keyword, no assignment, no `!`.
fn names_a_program(text: &str, after: &str, word: &Arg) -> bool {
    let raw = text.get(..text.len().saturating_sub(after.len())).unwrap_or(text);
    word.known().is_some() && !RESERVED.contains(&raw) && !raw.contains('=') && !matches!(raw, "!" | "{}")
}

/// Reads one word up to a blank or the end.
fn take_word(text: &str) -> Option<(Arg, &str)> {
    let bytes = text.as_bytes();
    let ends = |at: usize| bytes.get(at).is_none_or(|byte| *byte == b' ');
    for literal in ["!", "{}"] {
        if text.starts_with(literal) && ends(literal.len()) {
            return Some((Arg::Known(literal.to_owned()), text.get(literal.len()..)?));
        }
    }
    let mut value = String::new();
    let (mut pattern, mut at) = (false, 0_usize);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b' ' => break,
            // Z shell takes `=NAME` for the path of a program.
            b'=' if at == 0 && bytes.get(1).is_some_and(u8::is_ascii_alphabetic) => return None,
            b'a'..=b'z'
            | b'A'..=b'Z'
            | b'0'..=b'9'
            | b'_'
            | b'.'
            | b'/'
            | b':'
            | b'@'
            | b'%'
            | b'+'
            | b','
            | b'='
            | b'-' => value.push(char::from(*byte)),
            b'*' | b'?' => {
                pattern = true;
                value.push(char::from(*byte));
            }
            b'\\' => {
                at = at.checked_add(1)?;
                let escaped = bytes.get(at).filter(|byte| {
                    matches!(byte, b';' | b'(' | b')' | b'!' | b'*' | b'?' | b'.' | b' ' | b'$' | b'\'' | b'"')
                })?;
                value.push(char::from(*escaped));
            }
            quote @ (b'\'' | b'"') => {
                let inside = text.get(at.checked_add(1)?..)?;
                let length = inside.find(char::from(*quote))?;
                let inside = inside.get(..length)?;
                let odd = |c: char| c.is_control() || (*quote == b'"' && matches!(c, '$' | '`' | '\\' | '!'));
                if inside.contains(odd) {
                    return None;
                }
                value.push_str(inside);
                at = at.checked_add(length)?.checked_add(1)?;
            }
            _ => return None,
        }
        at = at.checked_add(1)?;
    }
    let rest = text.get(at..)?;
    Some((if pattern { Arg::Pattern(value) } else { Arg::Known(value) }, rest))
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        reason = "a test may panic"
    )]

    use super::{command, word};
    use crate::lower::Lowering;
    use crate::{Surroundings, parser};
    use brush_parser::ast::{Command, CommandPrefixOrSuffixItem as Item};
    use model::{Arg, Facts};

    /// The words of a text that the full grammar takes for one simple command.
    fn by_grammar(text: &str) -> Option<Vec<Arg>> {
        let program = parser::program(text).ok()?;
        let [list] = program.complete_commands.as_slice() else { return None };
        let [item] = list.0.as_slice() else { return None };
        let [Command::Simple(simple)] = item.0.first.seq.as_slice() else { return None };
        if simple.prefix.is_some() || !item.0.additional.is_empty() || item.0.first.bang || item.0.first.timed.is_some()
        {
            return None;
        }
        let facts = Facts::default();
        let mut walk = Lowering::new(Surroundings::default(), crate::lower::Source::Asking(&facts, Vec::new()));
        let mut words = walk.words_by_grammar(&simple.word_or_name.as_ref()?.value);
        for item in simple.suffix.iter().flat_map(|suffix| suffix.0.iter()) {
            match item {
                Item::Word(word) | Item::AssignmentWord(_, word) => words.extend(walk.words_by_grammar(&word.value)),
                Item::IoRedirect(_) | Item::ProcessSubstitution(..) => return None,
            }
        }
        Some(words)
    }

    #[test]
    fn plain_reading_and_full_grammar_agree() {
        const PARTS: &[&str] = &[
            "ls",
            "rm",
            "a",
            "b.txt",
            "-r",
            "--x=y",
            "'a b'",
            "\"c d\"",
            "*",
            "?.c",
            " ",
            "  ",
            "\\;",
            "\\(",
            "{}",
            "!",
            "''",
            "\"\"",
            "a'b'\"c\"",
            "x=1",
            "if",
            "time",
            "[",
            "~",
            "$x",
            "{a,b}",
            "#",
            "/etc/x",
            "\\ ",
            "\\*",
            "'*'",
            "a\\'b",
            "-name",
            "=",
            "+x",
            "%1",
            "@",
            "!x",
            "\\!",
            ":",
            "'$x'",
            "\"it's\"",
            "'\"'",
            "a,b",
            "2",
            ">",
            "<",
            "|",
            ";",
            "&",
            "\t",
            "é",
        ];
        let mut seed = 7_u64;
        let mut next = |most: usize| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(seed >> 33).unwrap() % most
        };
        let (mut compared, mut count) = (0, 0);
        while count < 60_000 {
            count += 1;
            let text: String =
                (0..=next(7)).map(|_| if next(3) == 0 { " " } else { PARTS[next(PARTS.len())] }).collect();
            let Some(plain) = command(&text) else { continue };
            let full = by_grammar(&text).unwrap_or_else(|| panic!("`{text}` is plain, but no simple command"));
            assert_eq!(plain, full, "`{text}`");
            compared += 1;
        }
        assert!(compared > 5_000, "only {compared} texts were plain");
    }

    #[test]
    fn what_needs_the_grammar_is_left_to_it() {
        for text in [
            "ls $x",
            "ls ~",
            "ls {a,b}",
            "ls # x",
            "ls; id",
            "ls | id",
            "a=1 ls",
            "if",
            "ls [a]*",
            "ls \"$(id)\"",
            "ls \"a!b\"",
            "ls a\\b",
            "ls\nid",
            "! ls",
            "",
        ] {
            assert_eq!(command(text), None, "{text}");
        }
        assert_eq!(word("a'b c'"), Some(Arg::Known("ab c".to_owned())));
    }
}
