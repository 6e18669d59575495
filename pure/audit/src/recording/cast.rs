//! The lines of an asciicast, and text out of a terminal's bytes.

use serde_json::{Value, json};

/// The first line of an asciicast.
pub fn cast_head(width: u16, height: u16, started_ms: u64, title: &str, terminal: &str) -> String {
    let seconds = started_ms.checked_div(1_000).unwrap_or(0);
    let env = json!({"TERM": terminal});
    json!({"version": 2, "width": width, "height": height, "timestamp": seconds, "title": title, "env": env})
        .to_string()
}

/// What an event of an asciicast is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// Printed.
    Output,
    /// Typed.
    Input,
    /// Another size, as `COLUMNSxROWS`.
    Resize,
    /// A moment of the act's story: a request, a decision.
    Marker,
}

impl EventKind {
    const ALL: [Self; 4] = [Self::Output, Self::Input, Self::Resize, Self::Marker];

    /// Its letter.
    pub const fn letter(self) -> &'static str {
        match self {
            Self::Output => "o",
            Self::Input => "i",
            Self::Resize => "r",
            Self::Marker => "m",
        }
    }

    /// Reads the letter.
    pub fn parse(letter: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.letter() == letter)
    }
}

/// One event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// How long after the beginning, in microseconds.
    pub micros: u64,
    /// What it is.
    pub kind: EventKind,
    /// Its text.
    pub text: String,
}

impl Event {
    /// As a line of an asciicast.
    pub fn line(&self) -> String {
        let micros = self.micros;
        let (whole, part) = (micros.checked_div(1_000_000).unwrap_or(0), micros.checked_rem(1_000_000).unwrap_or(0));
        format!("[{whole}.{part:06}, \"{}\", {}]\n", self.kind.letter(), Value::String(self.text.clone()))
    }

    /// From a line.
    pub fn parse(line: &str) -> Option<Self> {
        let (seconds, kind, text): (f64, String, String) = serde_json::from_str(line).ok()?;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a time that we wrote, bounded below"
        )]
        let micros = (seconds.clamp(0.0, 1e12) * 1e6).round() as u64;
        Some(Self { micros, kind: EventKind::parse(&kind)?, text })
    }
}

/// Bytes of a terminal as text: what is cut within a character waits for the rest; what is no UTF-8 is shown as such.
#[derive(Debug, Default)]
pub struct Decoder(Vec<u8>);

impl Decoder {
    /// The text of what came, as far as it is whole.
    pub fn push(&mut self, bytes: &[u8]) -> String {
        self.0.extend_from_slice(bytes);
        let mut text = String::with_capacity(self.0.len());
        let mut kept = Vec::new();
        let mut chunks = self.0.utf8_chunks().peekable();
        while let Some(chunk) = chunks.next() {
            text.push_str(chunk.valid());
            let is_begun = std::str::from_utf8(chunk.invalid()).is_err_and(|why| why.error_len().is_none());
            if chunks.peek().is_none() && is_begun {
                kept = chunk.invalid().to_vec();
            } else if !chunk.invalid().is_empty() {
                text.push(char::REPLACEMENT_CHARACTER);
            }
        }
        self.0 = kept;
        text
    }
}

#[cfg(test)]
mod tests {
    use super::{Decoder, Event, EventKind};

    #[test]
    fn an_event_is_a_line_and_back() {
        let event = Event { micros: 61_000_007, kind: EventKind::Output, text: "\u{1b}[31mä\"\r\n".to_owned() };
        assert_eq!(event.line(), "[61.000007, \"o\", \"\\u001b[31mä\\\"\\r\\n\"]\n");
        assert_eq!(Event::parse(event.line().trim_end()), Some(event));
        assert_eq!(Event::parse("[1.0, \"x\", \"\"]"), None);
    }

    #[test]
    fn characters_that_are_cut_come_whole() {
        let mut decoder = Decoder::default();
        assert_eq!(decoder.push(&[b'a', 0xe2, 0x82]), "a");
        assert_eq!(decoder.push(&[0xac, 0xff, b'b']), "€\u{fffd}b");
        assert_eq!(decoder.push(&[0xe2]), "");
        assert_eq!(decoder.push(b"x"), "\u{fffd}x");
    }
}
