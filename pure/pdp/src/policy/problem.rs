//! Why a set of rules is refused, with the place.

use std::fmt;

use crate::rule::nearest;

/// One problem of a set of rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyProblem {
    /// The file.
    pub file: String,
    /// Line and column there, from 1, where they are known.
    pub place: Option<(usize, usize)>,
    /// What is wrong.
    pub why: String,
}

impl fmt::Display for PolicyProblem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place {
            Some((line, column)) => write!(out, "{}:{line}:{column}: {}", self.file, self.why),
            None => write!(out, "{}: {}", self.file, self.why),
        }
    }
}

impl std::error::Error for PolicyProblem {}

impl PolicyProblem {
    /// A problem of the file as a whole.
    pub(crate) fn of_file(file: &str, why: String) -> Self {
        Self { file: file.to_owned(), place: None, why }
    }

    /// A problem at a byte of the file.
    pub(crate) fn at(file: &str, text: &str, byte: usize, why: String) -> Self {
        Self { file: file.to_owned(), place: Some(place(text, byte)), why }
    }

    /// What the reader of TOML says, in our form: an unknown key gets the nearest known one.
    pub(crate) fn of_toml(file: &str, text: &str, why: &toml::de::Error) -> Self {
        let message = why.message().lines().next().unwrap_or("not TOML").to_owned();
        let named = |text: &str| text.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
        let why_text = match message.split_once(", expected") {
            Some((head, known)) if head.starts_with("unknown") => {
                let (unknown, known) = (named(head), named(known));
                let known: Vec<&str> = known.iter().map(String::as_str).collect();
                match unknown.first().and_then(|it| nearest(it, &known)) {
                    Some(near) => format!("{head}; did you mean `{near}`?"),
                    None => format!("{head}; there are {}", known.join(", ")),
                }
            }
            Some(_) | None => message,
        };
        Self { file: file.to_owned(), place: why.span().map(|span| place(text, span.start)), why: why_text }
    }
}

/// Line and column of a byte, from 1; columns count characters.
fn place(text: &str, byte: usize) -> (usize, usize) {
    let before = text.get(..byte).unwrap_or(text);
    let line = before.matches('\n').count().saturating_add(1);
    let column = before.rsplit('\n').next().map_or(0, |line| line.chars().count()).saturating_add(1);
    (line, column)
}

/// The byte at which a key is written in the part of a file that begins at `start`, or that beginning.
pub(crate) fn key_at(text: &str, start: usize, key: &str) -> usize {
    let rest = text.get(start..).unwrap_or("");
    let mut at = start;
    for (number, line) in rest.split_inclusive('\n').enumerate() {
        let trimmed = line.trim_start();
        if number > 0 && trimmed.starts_with("[[") {
            break;
        }
        let indent = line.len().saturating_sub(trimmed.len());
        if trimmed.strip_prefix(key).is_some_and(|rest| rest.starts_with([' ', '=', '\t', '.'])) {
            return at.saturating_add(indent);
        }
        at = at.saturating_add(line.len());
    }
    start
}
