//! Facts: what pure code needs to know of the world, asked for and answered as data.

use std::collections::BTreeMap;

use crate::{Digest, NonEmpty};

/// A question about the world.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FactQuery {
    /// Which file a bare program name resolves to, by the search path that applies.
    Program(String),
    /// The file at an absolute path, links followed, with the content where it is a small text.
    File(String),
    /// Where an absolute path leads once every link in it is followed (the last part need not exist).
    RealPath(String),
    /// How the files below an absolute directory are called: of the first ones, links not followed.
    Names(String),
}

/// An answer. What is there, what is not, and what could not be looked at are three different things: the last is
/// never taken for the second, and makes coverage partial.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// The program's absolute path, or none found.
    Program(Option<String>),
    /// The kind of file there.
    File(FileKind),
    /// The path without links.
    RealPath(String),
    /// Paths of files, relative to the directory.
    Names(Vec<String>),
    /// It was looked for, and could not be seen: no permission, a loop of links, a look into another process.
    Unseen,
    /// Not looked up: the text is judged by itself.
    Unknown,
}

/// The file at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// There is no file.
    Missing,
    /// A directory.
    Directory,
    /// A text small enough to read, with its plain SHA-256.
    Text(String, Digest),
    /// Anything else: a binary, a device, a text that is too large.
    Opaque,
}

/// The facts known so far, each with its question.
#[derive(Clone, Debug, Default)]
pub struct Facts(BTreeMap<FactQuery, Fact>);

impl Facts {
    /// The answer to a question, if it was asked.
    pub fn find(&self, query: &FactQuery) -> Option<&Fact> {
        self.0.get(query)
    }

    /// Adds an answer.
    pub fn learn(&mut self, query: FactQuery, fact: Fact) {
        self.0.insert(query, fact);
    }

    /// Every question with its answer, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&FactQuery, &Fact)> {
        self.0.iter()
    }
}

/// Pure code asks; the edge looks. Either facts are wanted first, or the answer is there.
#[derive(Debug)]
#[must_use]
pub enum Step<T> {
    /// These facts are needed; call again with them.
    Need(NonEmpty<FactQuery>),
    /// The answer.
    Done(T),
}
