//! The file for people's eyes: secrets in what was typed and printed are masked, however the terminal cut them into events.
//!
//! What is typed arrives a character at a time, and what is printed is cut anywhere, coloured, and wrapped. So the text of
//! each direction is put together without control sequences, looked at as a whole, and masked where it came from. A secret
//! that a program draws out of order over the screen is not put together (`docs/explain/gaps.md`).

use std::collections::VecDeque;
use std::ops::Range;

use super::control::Control;
use super::{Event, EventKind};

/// Finds secrets in a text.
pub type Spans<'a> = &'a dyn Fn(&str) -> Vec<Range<usize>>;

/// How much text is looked at together. Beyond it, all but the last [`KEPT_BYTES`] is settled.
const WINDOW_BYTES: usize = 512 * 1024;

/// How much text waits for what may follow: no secret that we know is longer.
const KEPT_BYTES: usize = 32 * 1024;

/// Masks events as they come, holding back those whose text may be part of a secret yet.
pub struct Redactor<'a> {
    spans: Spans<'a>,
    waiting: VecDeque<Event>,
    bytes: usize,
}

impl<'a> Redactor<'a> {
    /// Masks what `spans` finds.
    pub fn new(spans: Spans<'a>) -> Self {
        Self { spans, waiting: VecDeque::new(), bytes: 0 }
    }

    /// Takes the next event; gives those that are settled.
    pub fn push(&mut self, event: Event) -> Vec<Event> {
        self.bytes = self.bytes.saturating_add(event.text.len());
        self.waiting.push_back(event);
        if self.bytes < WINDOW_BYTES { Vec::new() } else { self.settle(KEPT_BYTES) }
    }

    /// What still waits: nothing follows.
    pub fn end(&mut self) -> Vec<Event> {
        self.settle(0)
    }

    fn settle(&mut self, kept: usize) -> Vec<Event> {
        self.waiting.make_contiguous();
        let events = self.waiting.as_mut_slices().0;
        // From the back: how many events hold what is kept.
        let mut tail = 0_usize;
        let behind = events.iter().rev().take_while(|event| {
            let is_kept = tail < kept;
            tail = tail.saturating_add(event.text.len());
            is_kept
        });
        let most = events.len().saturating_sub(behind.count());
        let mut masks = Vec::new();
        for kind in [EventKind::Output, EventKind::Input] {
            let direction = Direction::of(events, kind);
            masks.extend((self.spans)(&direction.text).iter().map(|span| direction.places(span)));
        }
        let (settled, is_whole) = whole(&masks, most);
        // Masks are characters, so nothing moves for the others. Where a secret is settled in part, its rest is masked now: the
        // rest alone would not be known for one.
        let mut gone: Vec<Vec<usize>> = vec![Vec::new(); events.len()];
        for place in masks.iter().flatten().filter(|place| place.event < settled || !is_whole) {
            if let Some(list) = gone.get_mut(place.event) {
                list.push(place.at);
            }
        }
        for (event, places) in events.iter_mut().zip(gone) {
            if !places.is_empty() {
                event.text = masked(&event.text, &places);
            }
        }
        let out: Vec<Event> = self.waiting.drain(..settled).collect();
        self.bytes = self.waiting.iter().map(|event| event.text.len()).sum();
        out
    }
}

/// How many of the first `most` events can be settled without cutting a secret; where a secret fills the window, so that
/// nothing could be, all of them, and that they are not whole.
fn whole(masks: &[Vec<CharPosition>], most: usize) -> (usize, bool) {
    let mut settled = most;
    loop {
        let reaches_beyond = |mask: &&Vec<CharPosition>| {
            mask.first().is_some_and(|place| place.event < settled)
                && mask.last().is_some_and(|place| place.event >= settled)
        };
        match masks.iter().find(reaches_beyond).and_then(|mask| mask.first()) {
            None if settled == 0 && most > 0 => return (most, false),
            None => return (settled, true),
            Some(place) => settled = place.event,
        }
    }
}

/// The text of one direction, and where each of its characters came from.
struct Direction {
    text: String,
    /// For each character: where it starts in `text`, in which event it is, and which bytes it has there.
    origins: Vec<(usize, CharPosition)>,
}

#[derive(Clone, Copy, Debug)]
struct CharPosition {
    event: usize,
    /// Where in its text the character begins.
    at: usize,
}

impl Direction {
    fn of(events: &[Event], kind: EventKind) -> Self {
        let mut direction = Self { text: String::new(), origins: Vec::new() };
        let mut control = Control::Text;
        for (number, event) in events.iter().enumerate().filter(|(_, event)| event.kind == kind) {
            for (at, c) in event.text.char_indices() {
                let (next, is_text) = control.step(c);
                control = next;
                match c {
                    // A line that the terminal wraps goes on after a return; one that ends has a newline, too.
                    '\r' if kind == EventKind::Output && direction.text.ends_with(' ') => {
                        direction.text.pop();
                        direction.origins.pop();
                    }
                    '\r' if kind == EventKind::Output => {}
                    // What was typed and taken back.
                    '\u{8}' | '\u{7f}' if kind == EventKind::Input => {
                        direction.text.pop();
                        direction.origins.pop();
                    }
                    // A line that is typed ends with a return.
                    '\r' => direction.push('\n', number, at),
                    _ if is_text => direction.push(c, number, at),
                    _ => {}
                }
            }
        }
        direction
    }

    fn push(&mut self, c: char, event: usize, at: usize) {
        self.origins.push((self.text.len(), CharPosition { event, at }));
        self.text.push(c);
    }

    fn places(&self, span: &Range<usize>) -> Vec<CharPosition> {
        let from = self.origins.partition_point(|(at, _)| *at < span.start);
        let to = self.origins.partition_point(|(at, _)| *at < span.end);
        self.origins.get(from..to).unwrap_or_default().iter().map(|(_, place)| *place).collect()
    }
}

/// The text with the characters at these places replaced, each by one of the same width in most terminals.
fn masked(text: &str, places: &[usize]) -> String {
    text.char_indices().map(|(at, c)| if places.binary_search(&at).is_ok() { '•' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::{Event, EventKind, Redactor};

    fn spans(text: &str) -> Vec<std::ops::Range<usize>> {
        text.match_indices("SECRET99").map(|(at, found)| at..at.saturating_add(found.len())).collect()
    }

    fn redacted(events: &[(EventKind, &str)]) -> Vec<String> {
        let mut redactor = Redactor::new(&spans);
        let mut out = Vec::new();
        for (kind, text) in events {
            out.extend(redactor.push(Event { micros: 0, kind: *kind, text: (*text).to_owned() }));
        }
        out.extend(redactor.end());
        out.into_iter().map(|event| event.text).collect()
    }

    #[test]
    fn a_secret_is_masked_however_it_was_cut() {
        use EventKind::{Input, Output, Resize};
        let typed: Vec<(EventKind, &str)> =
            ["S", "E", "X", "\u{7f}", "C", "R", "E", "T", "9", "9", "\r"].iter().map(|it| (Input, *it)).collect();
        assert_eq!(redacted(&typed).concat(), "••X\u{7f}••••••\r");
        assert_eq!(redacted(&[(Output, "a SEC"), (Input, "x"), (Output, "RET99 b")]), ["a •••", "x", "••••• b"]);
        // Coloured, and wrapped by a line editor.
        assert_eq!(
            redacted(&[(Output, "S\u{1b}[31mEC\u{1b}]0;t\u{7}RE \r"), (Resize, "80x24"), (Output, "T\u{1b}[0m99!")]),
            ["•\u{1b}[31m••\u{1b}]0;t\u{7}•• \r", "80x24", "•\u{1b}[0m••!"]
        );
        assert_eq!(redacted(&[(Output, "SECRET98")]), ["SECRET98"]);
        // A sequence that never ends hides nothing behind it.
        assert_eq!(redacted(&[(Output, "\u{1b}]0;never\nSECRET99")]), ["\u{1b}]0;never\n••••••••"]);
    }

    #[test]
    fn a_secret_that_never_ends_fills_no_memory_and_is_masked() {
        let spans = |text: &str| {
            let start = text.find("BEGIN")?;
            Some(std::iter::once(start..text.len()).collect::<Vec<_>>())
        };
        let spans = |text: &str| spans(text).unwrap_or_default();
        let mut redactor = Redactor::new(&spans);
        let (mut out, mut most) = (Vec::new(), 0);
        for number in 0..50_000_u64 {
            let text = if number == 10 { "BEGIN".to_owned() } else { format!("{number:60}") };
            out.extend(redactor.push(Event { micros: number, kind: EventKind::Output, text }));
            most = most.max(redactor.bytes);
        }
        out.extend(redactor.end());
        assert_eq!(out.len(), 50_000);
        assert!(most < 2 * super::WINDOW_BYTES, "{most}");
        assert!(out.iter().take(2_000).skip(11).all(|event| event.text.chars().all(|c| c == '•')));
    }

    #[test]
    fn directions_do_not_cut_each_others_secrets() {
        // What is typed reaches beyond what can be settled; printed text spans the place where it begins.
        let mut redactor = Redactor::new(&spans);
        let mut out = Vec::new();
        let mut push = |kind, text: &str| {
            out.extend(redactor.push(Event { micros: 0, kind, text: text.to_owned() }));
        };
        push(EventKind::Output, &"x".repeat(super::WINDOW_BYTES - super::KEPT_BYTES - 100));
        push(EventKind::Output, "SEC");
        push(EventKind::Input, "SECR");
        push(EventKind::Output, "RET99");
        push(EventKind::Output, &"y".repeat(super::KEPT_BYTES));
        push(EventKind::Input, "ET99");
        push(EventKind::Output, &"z".repeat(super::WINDOW_BYTES));
        out.extend(redactor.end());
        let text: String = out.iter().map(|event| event.text.as_str()).collect();
        assert!(!text.contains("SEC") && !text.contains("99"), "a part of a secret is left");
    }

    #[test]
    fn a_long_recording_is_settled_piece_by_piece() {
        let mut redactor = Redactor::new(&spans);
        let (mut out, mut most) = (Vec::new(), 0);
        for number in 0..40_000_u64 {
            let text = if number % 2 == 0 { format!("{:60}SECR", number) } else { format!("ET99{:60}", number) };
            out.extend(redactor.push(Event { micros: number, kind: EventKind::Output, text }));
            most = most.max(redactor.bytes);
        }
        out.extend(redactor.end());
        assert_eq!(out.len(), 40_000);
        assert!(out.iter().enumerate().all(|(at, event)| event.micros == at as u64));
        assert!(out.iter().all(|event| !event.text.contains("SECR") && !event.text.contains("ET99")));
        assert!(most < 2 * super::WINDOW_BYTES, "{most}");
    }
}
