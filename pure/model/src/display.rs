//! Text of strangers, made safe to show: nothing in it can move a cursor, hide, or pass for ours.

use std::fmt::Write as _;

/// The text with every character that does not show as itself written out as `⟨U+XXXX⟩`.
///
/// Written out are: C0 and C1 controls (so escape sequences, carriage returns, backspaces), bidirectional controls
/// (CVE-2021-42574), zero-width and other invisible characters, tag characters, variation selectors, line and
/// paragraph separators, and blanks other than the plain space. A newline becomes `⏎`, a tab `⇥`.
pub fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' => out.push('⏎'),
            '\t' => out.push('⇥'),
            hidden if is_deceptive(hidden) => {
                // Writing into a `String` cannot fail.
                let _ = write!(out, "⟨U+{:04X}⟩", u32::from(hidden));
            }
            other => out.push(other),
        }
    }
    out
}

/// The same of a text as it came, so that two texts never look alike: the marks that [`visible`] makes are written out where the text
/// itself holds them.
pub fn exact(text: &str) -> String {
    if !text.contains(MARKS) {
        return visible(text);
    }
    let mut out = String::with_capacity(text.len());
    for part in text.split_inclusive(MARKS) {
        let mark = part.chars().next_back().filter(|last| MARKS.contains(last));
        out.push_str(&visible(part.strip_suffix(MARKS).unwrap_or(part)));
        if let Some(mark) = mark {
            let _ = write!(out, "⟨U+{:04X}⟩", u32::from(mark));
        }
    }
    out
}

/// The marks that replace characters in a text that was made visible.
const MARKS: [char; 3] = ['⏎', '⇥', '⟨'];

/// Whether a character shows as nothing, as something else, or changes how its neighbours show.
pub const fn is_deceptive(character: char) -> bool {
    matches!(character,
        '\0'..='\u{8}' | '\u{b}'..='\u{1f}' | '\u{7f}'..='\u{9f}'
        | '\u{a0}' | '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{1680}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{2000}'..='\u{200f}' | '\u{2028}'..='\u{202f}' | '\u{205f}'..='\u{206f}'
        | '\u{2800}' | '\u{3000}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
        | '\u{fff0}'..='\u{fffb}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::{exact, visible};

    #[test]
    fn a_mark_that_a_text_holds_is_not_one_of_ours() {
        assert_eq!(exact("a⏎b\nc"), "a⟨U+23CE⟩b⏎c");
        assert_eq!(exact("⟨U+202E⟩\u{202e}⇥"), "⟨U+27E8⟩U+202E⟩⟨U+202E⟩⟨U+21E5⟩");
        assert_eq!(visible(&exact("a\n\tb")), exact("a\n\tb"), "a second look changes nothing");
    }

    #[test]
    fn nothing_moves_the_cursor_or_hides() {
        assert_eq!(visible("ok\u{1b}[2K\rls"), "ok⟨U+001B⟩[2K⟨U+000D⟩ls");
        assert_eq!(visible("a\u{202e}b\u{200b}c\u{e0041}"), "a⟨U+202E⟩b⟨U+200B⟩c⟨U+E0041⟩");
        assert_eq!(visible("two\nlines\tand é 漢"), "two⏎lines⇥and é 漢");
    }
}
