//! The person's terminal: what is printed to it can be more than text, and what is read from it a person typed.

use model::{Arg, Factor, Segment, Unknown};

/// How programs spell the escape character.
const ESCAPES: &[&str] = &[
    "\u{1b}",
    "\\033",
    "\\0033",
    "\\33",
    "\\e",
    "\\E",
    "\\x1b",
    "\\x1B",
    "\\u001b",
    "\\u001B",
    "\\u{1b}",
    "\\x{1b}",
    "\\U0000001b",
    "%x1b",
    "%x1B",
];

/// How they spell the one-character forms of the same openings.
const OPENINGS: &[&str] = &[
    "\u{9d}", "\u{90}", "\u{9e}", "\u{9f}", "\u{98}", "\\x9d", "\\x90", "\\x9D", "\\235", "\\220", "\\u009d",
    "\\u0090", "\\0235", "\\0220", "%x9d", "%x9D", "%x90",
];

/// Notes a control sequence that does more than colour: one that opens a string (OSC, DCS, APC, PM, SOS) can write
/// the clipboard, set titles, or make a terminal answer as if a person typed.
pub(crate) fn observe(segment: &mut Segment) {
    let suspicious = |text: &str| text.contains(['\\', '\u{1b}']) || text.contains("%x") || !text.is_ascii();
    let found = segment.argv.iter().skip(1).any(|arg| suspicious(arg.text()) && opens_string(arg.text()));
    if found {
        let why = "prints a control sequence that a terminal obeys (clipboard, title, answers), not text".to_owned();
        segment.factors.push(Factor { name: "terminal_sequence", points: 20, why: why.clone() });
        segment.unknowns.push(Unknown { text: "terminal".to_owned(), why });
    }
    if segment.argv.iter().skip(1).any(|arg| arg.known().is_some_and(is_terminal)) {
        segment.unknowns.push(unknown());
    }
}

/// Whether a path is a person's terminal.
pub(crate) fn is_terminal(path: &str) -> bool {
    let Some(name) = path.strip_prefix("/dev/") else { return false };
    let numbered =
        |prefix: &str| name.strip_prefix(prefix).is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()));
    name == "console" || name.starts_with("ttys") || numbered("tty") || numbered("pts/")
}

/// What is said of a redirection to or from a terminal.
pub(crate) fn unknown() -> Unknown {
    let why = "a person's terminal: what is written there is obeyed, and what is read there a person types".to_owned();
    Unknown { text: "/dev/tty".to_owned(), why }
}

/// Whether a value names a terminal.
pub(crate) fn names_terminal(arg: &Arg) -> bool {
    arg.known().is_some_and(is_terminal)
}

fn opens_string(text: &str) -> bool {
    OPENINGS.iter().any(|opening| text.contains(opening))
        || ESCAPES.iter().any(|escape| {
            text.match_indices(escape).any(|(at, _)| {
                let behind = text.get(at.saturating_add(escape.len())..).unwrap_or("");
                behind.starts_with([']', 'P', 'X', '^', '_'])
                    || behind.starts_with("\\]")
                    || behind.starts_with("\\x5d")
                    || behind.starts_with('Z')
                    || behind.strip_prefix('[').is_some_and(asks)
            })
        })
}

/// Whether what follows `ESC [` makes a terminal answer as if a person typed, print, or report what is done with it: a
/// query of its state, its size or its title, a copy to a printer, a mode that reports the mouse or the focus.
fn asks(behind: &str) -> bool {
    let end = behind.find(|c: char| !c.is_ascii_digit() && !matches!(c, ';' | ':' | '?' | '>' | '=' | '!' | '$' | ' '));
    let (parameters, rest) = behind.split_at_checked(end.unwrap_or(behind.len())).unwrap_or_default();
    match rest.chars().next() {
        Some('n' | 'c' | 'i' | 'x' | 't') => true,
        Some('p') => parameters.ends_with('$'),
        Some('q') => parameters.starts_with('>'),
        Some('u') => parameters.starts_with(['?', '>', '=']),
        Some('h') => parameters.split(['?', ';']).any(|it| it.starts_with("100") || it.starts_with("101")),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::{is_terminal, opens_string};

    #[test]
    fn colours_are_text_and_strings_are_not() {
        for text in [
            "\\033[31mred\\033[0m",
            "\\e[1;32m",
            "\\x1b[0K",
            "C:\\\\Program",
            "\\e[2J\\e[H",
            "\\e[?25l",
            "\\x1b[[0-9;]*m",
            "\\x1b\\[[0-9]*n",
            "%x09%s",
            "a\\nb",
            "\\Eigen",
            "é",
        ] {
            assert!(!opens_string(text), "{text}");
        }
        for text in [
            "\\033]52;c;x\\a",
            "\\e]0;t\\007",
            "\\x1bP+q",
            "\\u001b]52;c;",
            "\u{1b}]52;",
            "\\x9d52;c",
            "\\e[6n",
            "\\e[21t",
            "\\033[c",
            "\\e[?1003h",
            "\\eZ",
            "%x1b]52;c;",
        ] {
            assert!(opens_string(text), "{text}");
        }
        assert!(is_terminal("/dev/tty") && is_terminal("/dev/pts/3") && is_terminal("/dev/tty1"));
        assert!(!is_terminal("/dev/null") && !is_terminal("/dev/stdout") && !is_terminal("/dev/ttyp"));
    }
}
