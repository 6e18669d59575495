//! Control sequences of terminals: separated from text. Those that do more than draw are withheld from viewers of a recording.

/// Where in a control sequence (ECMA-48) a text is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Control {
    #[default]
    Text,
    Escape,
    /// `ESC [ …` until a letter.
    Sequence,
    /// `ESC ] …` and its like, until BEL or `ESC \`.
    Quoted,
    QuotedEscape,
}

impl Control {
    /// What follows a character, and whether it is text.
    pub(super) fn step(self, c: char) -> (Self, bool) {
        match (self, c) {
            (Self::Quoted, '\u{1b}') => (Self::QuotedEscape, false),
            (_, '\u{1b}') => (Self::Escape, false),
            (Self::Text, c) => (Self::Text, !c.is_control() || matches!(c, '\n' | '\t')),
            (Self::Escape, '[') => (Self::Sequence, false),
            (Self::Escape, ']' | 'P' | '_' | '^' | 'X') => (Self::Quoted, false),
            (Self::Escape, _) | (Self::Quoted, '\u{7}') | (Self::QuotedEscape, '\\') => (Self::Text, false),
            // Whatever is no part of a sequence ends it, so that one that never ends cannot hide the rest.
            (Self::Sequence, '\u{20}'..='\u{3f}') => (Self::Sequence, false),
            (Self::Sequence, c) => (Self::Text, !c.is_ascii() || c.is_ascii_control()),
            (Self::Quoted, '\n') => (Self::Text, true),
            (Self::Quoted | Self::QuotedEscape, _) => (Self::Quoted, false),
        }
    }
}

/// Lets through what draws. What asks the terminal something, writes its clipboard or title, changes what its keys and mouse
/// send, or is meant for another program is left out: an agent's output must not act on a later viewer.
#[derive(Debug, Default)]
pub struct Drawing {
    control: Control,
    sequence: String,
}

/// The longest sequence that is looked at, in bytes.
const MAX_SEQUENCE_BYTES: usize = 64;

impl Drawing {
    /// The part of a text that draws. Sequences may be cut between texts.
    pub fn push(&mut self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        for c in text.chars() {
            let (next, is_text) = self.control.step(c);
            let before = std::mem::replace(&mut self.control, next);
            if next == Control::Escape {
                self.sequence.clear();
            } else if is_text || (before == Control::Text && matches!(c, '\r' | '\u{8}')) {
                self.sequence.clear();
                out.push(c);
            } else if matches!(before, Control::Escape | Control::Sequence) && self.sequence.len() < MAX_SEQUENCE_BYTES
            {
                self.sequence.push(c);
                if next == Control::Text && draws(&self.sequence) {
                    out.push('\u{1b}');
                    out.push_str(&self.sequence);
                }
            }
        }
        out
    }
}

/// Whether a whole sequence, without its escape, draws.
fn draws(sequence: &str) -> bool {
    let Some(inside) = sequence.strip_prefix('[') else {
        // Save and restore the cursor, index, next line, reverse index.
        return matches!(sequence, "7" | "8" | "D" | "E" | "M");
    };
    let Some((parameters, last)) = inside.char_indices().last().and_then(|(at, last)| Some((inside.get(..at)?, last)))
    else {
        return false;
    };
    let plain = parameters.chars().all(|c| c.is_ascii_digit() || matches!(c, ';' | ':'));
    match last {
        '@'
        | 'A'..='H'
        | 'J'..='M'
        | 'P'
        | 'S'
        | 'T'
        | 'X'
        | 'Z'
        | '`'
        | 'a'
        | 'b'
        | 'd'..='f'
        | 'm'
        | 'r'
        | 's'
        | 'u' => plain,
        // The other screen, the cursor, wrapping.
        'h' | 'l' => matches!(parameters, "4" | "?6" | "?7" | "?25" | "?47" | "?1047" | "?1048" | "?1049"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::Drawing;

    #[test]
    fn what_draws_passes_and_what_acts_does_not() {
        for drawn in
            ["a\r\nb\t€", "\u{1b}[1;31mred\u{1b}[0m", "\u{1b}[?1049h\u{1b}[2J\u{1b}[H", "\u{1b}7\u{1b}8", "a\u{8}b"]
        {
            assert_eq!(Drawing::default().push(drawn), drawn);
            let mut one_by_one = Drawing::default();
            let parts: String = drawn.chars().map(|c| one_by_one.push(&c.to_string())).collect();
            assert_eq!(parts, drawn);
        }
        for (text, left) in [
            ("a\u{1b}]52;c;ZXZpbA==\u{7}b", "ab"),
            ("a\u{1b}]0;title\u{1b}\\b", "ab"),
            ("a\u{1b}[6nb\u{1b}[cc\u{1b}[?1000hd\u{1b}[?2004he", "abcde"),
            ("a\u{1b}P+q544e\u{1b}\\b\u{1b}_x\u{1b}\\c", "abc"),
            ("a\u{1b}cb\u{1b}[>4;2mc\u{7}d", "abcd"),
            ("\u{1b}[21tx\u{1b}[0\"qy", "xy"),
        ] {
            assert_eq!(Drawing::default().push(text), left, "{text:?}");
        }
    }
}
