//! What can be said of a text before it is read: characters that deceive.

use model::display::is_deceptive;
use model::{Factor, Intent, Unknown};

/// Names what would make the text show otherwise than it is. Each makes coverage partial: what a person sees and
/// what a shell reads must be the same.
pub(crate) fn observe(text: &str, intent: &mut Intent) {
    if let Some(found) = text.chars().find(|character| is_deceptive(*character)) {
        let name = match found {
            '\u{1b}' | '\u{9b}' => "terminal_escape",
            '\r' => "carriage_return",
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{61c}' | '\u{200e}' | '\u{200f}' => {
                "bidirectional_text"
            }
            other if other.is_ascii_control() => "control_character",
            _ => "invisible_character",
        };
        note(intent, name, format!("U+{:04X} shows as something else, or not at all", u32::from(found)));
    }
    let blank = text.split('\n').fold((0_usize, 0_usize), |(run, most), line| {
        let run = if line.trim().is_empty() { run.saturating_add(1) } else { 0 };
        (run, most.max(run))
    });
    if blank.1 > 10 || text.contains(&" ".repeat(80)) {
        note(intent, "pushed_out_of_view", "a long stretch of blanks pushes part of the text out of view".to_owned());
    }
}

/// The same for a text that was decoded from another, of which a person sees only the code.
pub(crate) fn observe_decoded(text: &str, intent: &mut Intent) {
    let hidden = !text.is_ascii() && text.chars().any(|character| !character.is_ascii() && is_deceptive(character));
    if hidden && !intent.factors.iter().any(|factor| NAMES.contains(&factor.name)) {
        observe(text, intent);
    }
}

/// The factors of characters outside of ASCII.
const NAMES: &[&str] = &["terminal_escape", "bidirectional_text", "invisible_character"];

fn note(intent: &mut Intent, name: &'static str, why: String) {
    intent.factors.push(Factor { name, points: 25, why: why.clone() });
    intent.unknowns.push(Unknown { text: String::new(), why });
}
