//! The language of `sed` (POSIX, with the commands GNU adds): which files it reads and writes, and what it runs.

use model::{Arg, Segment, Unknown};

use crate::command::run_unknown;
use crate::knowledge::Role;
use crate::lower::Lowering;

impl Lowering<'_> {
    /// Reads a script of `sed`.
    pub(super) fn sed(&mut self, script: &str, segment: &mut Segment) {
        let mut rest = script;
        while let Some(next) = self.sed_command(rest, segment) {
            rest = next;
        }
    }

    /// Reads one command; gives what follows it, or nothing at the end and where the script could not be read on.
    fn sed_command<'b>(&mut self, text: &'b str, segment: &mut Segment) -> Option<&'b str> {
        let text = text.trim_start_matches([' ', '\t', ';', '\n', '}']);
        if text.is_empty() {
            return None;
        }
        let Some(text) = after_addresses(text) else {
            return give_up(segment, text);
        };
        let mut letters = text.chars();
        let command = letters.next()?;
        let after = letters.as_str();
        match command {
            '{' | '=' | 'd' | 'D' | 'g' | 'G' | 'h' | 'H' | 'n' | 'N' | 'p' | 'P' | 'x' | 'z' | 'F' => Some(after),
            'l' | 'q' | 'Q' | 'L' => Some(after.trim_start_matches(|c: char| c == ' ' || c.is_ascii_digit())),
            '#' => Some(after.split_once('\n').map_or("", |(_, next)| next)),
            ':' | 'b' | 't' | 'T' | 'v' => {
                let end = after.find(['\n', ';', '}']).unwrap_or(after.len());
                let (label, next) = (after.get(..end)?, after.get(end..)?);
                // Seds differ on where an odd label ends, so what follows one is not read.
                let plain = label.trim().chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.'));
                if plain { Some(next) } else { give_up(segment, text) }
            }
            'a' | 'i' | 'c' => after_text(after).or_else(|| give_up(segment, text)),
            'r' | 'R' | 'w' | 'W' => {
                let (file, next) = after.split_once('\n').unwrap_or((after, ""));
                let role = if matches!(command, 'r' | 'R') { Role::Read } else { Role::Write };
                self.effect(
                    &Arg::Known(file.trim().to_owned()),
                    role,
                    false,
                    &mut segment.operations,
                    &mut segment.unknowns,
                );
                Some(next)
            }
            'e' => {
                let (line, next) = after.split_once('\n').unwrap_or((after, ""));
                if line.trim().is_empty() {
                    run_unknown(segment, "sed e", "runs each line of the input");
                } else {
                    self.shell_text(&Arg::Known(line.trim().to_owned()), segment);
                }
                Some(next)
            }
            's' | 'y' => self.sed_substitution(command, after, segment),
            _ => give_up(segment, text),
        }
    }

    fn sed_substitution<'b>(&mut self, command: char, text: &'b str, segment: &mut Segment) -> Option<&'b str> {
        let mark = text.chars().next()?;
        let body = text.get(mark.len_utf8()..)?;
        let Some((pattern, body)) = to_mark(body, mark) else { return give_up(segment, text) };
        let Some((replacement, mut flags)) = to_mark(body, mark) else { return give_up(segment, text) };
        // Seds differ on whether a mark inside a bracket list ends the pattern.
        if opens_list(pattern) {
            return give_up(segment, text);
        }
        if command == 'y' {
            return Some(flags);
        }
        loop {
            let mut letters = flags.chars();
            match letters.next() {
                Some('g' | 'p' | 'i' | 'I' | 'm' | 'M' | '0'..='9') => flags = letters.as_str(),
                Some('e') => {
                    run_unknown(segment, replacement, "runs what the substitution makes of each line");
                    flags = letters.as_str();
                }
                Some('w') => {
                    let (file, next) = letters.as_str().split_once('\n').unwrap_or((letters.as_str(), ""));
                    self.effect(
                        &Arg::Known(file.trim().to_owned()),
                        Role::Write,
                        false,
                        &mut segment.operations,
                        &mut segment.unknowns,
                    );
                    return Some(next);
                }
                _ => return Some(flags),
            }
        }
    }
}

fn give_up<'b>(segment: &mut Segment, text: &str) -> Option<&'b str> {
    segment.operations.push(super::run(model::Resource::Unknown(text.to_owned())));
    segment
        .unknowns
        .push(Unknown { text: text.to_owned(), why: "a part of the sed script that is not read".to_owned() });
    None
}

/// Skips addresses: numbers, `$`, `/pattern/`, `\cpatternc`, ranges, steps, and `!`.
fn after_addresses(text: &str) -> Option<&str> {
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches([' ', ',', '!', '+', '~']);
        let first = rest.chars().next()?;
        rest = match first {
            '0'..='9' => rest.trim_start_matches(|c: char| c.is_ascii_digit()),
            '$' => rest.get(1..)?,
            '/' => {
                let (pattern, next) = to_mark(rest.get(1..)?, '/')?;
                if opens_list(pattern) {
                    return None;
                }
                next.trim_start_matches(['I', 'M'])
            }
            '\\' => {
                let mark = rest.chars().nth(1)?;
                let (pattern, next) = to_mark(rest.get(mark.len_utf8().saturating_add(1)..)?, mark)?;
                if opens_list(pattern) {
                    return None;
                }
                next.trim_start_matches(['I', 'M'])
            }
            _ => return Some(rest),
        };
    }
}

/// The text up to the mark, and what follows it; a backslash takes the next character along, a bracket its list.
fn to_mark(text: &str, mark: char) -> Option<(&str, &str)> {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        if escaped {
            escaped = false;
        } else if c == '\\' {
            escaped = true;
        } else if c == mark {
            return Some((text.get(..at)?, text.get(at.saturating_add(mark.len_utf8())..)?));
        }
    }
    None
}

/// Whether a text is one substitution that fills in no more than what was matched, in `sed` and in Perl alike.
pub(super) fn is_plain_substitution(text: &str) -> bool {
    let (Some(rest), Some(mark)) = (text.strip_prefix('s').or_else(|| text.strip_prefix('y')), text.chars().nth(1))
    else {
        return false;
    };
    if mark.is_alphanumeric() || mark.is_whitespace() {
        return false;
    }
    let found = rest
        .get(mark.len_utf8()..)
        .and_then(|body| to_mark(body, mark))
        .and_then(|(pattern, body)| Some((pattern, to_mark(body, mark)?)));
    found.is_some_and(|(pattern, (replacement, flags))| {
        let filled = |text: &str| {
            text.split('$')
                .skip(1)
                .all(|rest| rest.is_empty() || rest.starts_with(|c: char| c.is_ascii_digit() || c == '&'))
        };
        let pattern_plain = !pattern.contains("(?{")
            && !pattern.contains("(??")
            && !pattern.contains('@')
            && pattern.split('$').skip(1).all(|rest| rest.is_empty() || rest.starts_with([')', '|']));
        pattern_plain
            && filled(replacement)
            && !replacement.contains('@')
            && flags.chars().all(|flag| matches!(flag, 'g' | 'i' | 'x'))
    })
}

/// Whether a pattern ends inside a bracket list.
pub(super) fn opens_list(pattern: &str) -> bool {
    let mut letters = pattern.chars();
    let (mut inside, mut first) = (false, false);
    while let Some(c) = letters.next() {
        match c {
            '\\' if !inside => drop(letters.next()),
            '[' if !inside => (inside, first) = (true, true),
            // `[:alpha:]`, `[.-.]` and `[=a=]` inside a list.
            '[' if inside => {
                let rest = letters.as_str();
                if let Some(kind) = rest.chars().next().filter(|kind| matches!(kind, ':' | '.' | '=')) {
                    let Some((_, next)) = rest.split_once(&format!("{kind}]")) else { return true };
                    letters = next.chars();
                }
                first = false;
            }
            '^' if inside && first => {}
            ']' if inside && !first => inside = false,
            _ => first = false,
        }
    }
    inside
}

/// The text of `a`, `i` and `c` goes to the end of the line, further where that ends in a backslash of its own. Nothing
/// where the line is only backslashes, which seds count differently.
fn after_text(text: &str) -> Option<&str> {
    let mut rest = text;
    loop {
        let Some((line, next)) = rest.split_once('\n') else { return Some("") };
        let kept = line.trim_end_matches('\\');
        let backslashes = line.len().saturating_sub(kept.len());
        if backslashes > 1 && kept.trim().is_empty() {
            return None;
        }
        if backslashes.is_multiple_of(2) {
            return Some(next);
        }
        rest = next;
    }
}
