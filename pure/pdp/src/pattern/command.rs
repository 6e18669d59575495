//! Patterns of argument vectors.

use model::Arg;

use super::glob::{Glob, Marked, Wild, alternatives};

/// The most argument vectors that one pattern may stand for.
const MAX_VECTORS: usize = 256;

/// Directories whose programs may be written with their path.
const SYSTEM: &[&str] = &["/usr/bin/", "/bin/", "/usr/local/bin/", "/usr/sbin/", "/sbin/"];

/// A pattern of an argument vector: one glob for each word, and perhaps any further arguments.
#[derive(Clone, Debug)]
pub(crate) struct CommandPattern {
    words: Vec<Glob>,
    /// `**` as the last word: any further arguments.
    tail: bool,
}

impl CommandPattern {
    /// Reads a pattern: words, quoted as in a shell; `*` and `?` in a word; `{a,b}` for alternatives; `**` last.
    pub(crate) fn read(pattern: &str) -> Result<Vec<Self>, String> {
        let mut vectors: Vec<Vec<Marked>> = vec![Vec::new()];
        for word in split(pattern)? {
            let choices = alternatives(&word)
                .ok_or_else(|| format!("the braces of `{pattern}` do not close, nest, or make too many patterns"))?;
            let grown = vectors.iter().flat_map(|vector| {
                choices.iter().map(move |choice| {
                    let mut vector = vector.clone();
                    vector.push(choice.clone());
                    vector
                })
            });
            vectors = grown.take(MAX_VECTORS.saturating_add(1)).collect();
            if vectors.len() > MAX_VECTORS {
                return Err(format!("the braces of `{pattern}` make more than {MAX_VECTORS} patterns"));
            }
        }
        vectors.into_iter().map(|vector| Self::of_words(pattern, &vector)).collect()
    }

    /// The same without any wildcard: the text stands for itself.
    pub(crate) fn exact(text: &str) -> Result<Self, String> {
        let quoted = |word: Marked| word.into_iter().map(|(c, _)| (c, true)).collect::<Marked>();
        let words: Vec<Marked> = split(text)?.into_iter().map(quoted).collect();
        Self::of_words(text, &words)
    }

    fn of_words(pattern: &str, words: &[Marked]) -> Result<Self, String> {
        let is_tail = |word: &Marked| word.as_slice() == [('*', false), ('*', false)];
        let tail = words.last().is_some_and(is_tail);
        let fixed = words.get(..words.len().saturating_sub(usize::from(tail))).unwrap_or(words);
        if fixed.is_empty() || fixed.iter().any(is_tail) {
            return Err(format!("`{pattern}`: `**` stands for all further arguments, so it comes last and not first"));
        }
        let words = fixed.iter().map(|word| Glob::of_marked(word, Wild::Argument)).collect::<Result<_, _>>()?;
        Ok(Self { words, tail })
    }

    /// The word that names the program.
    pub(crate) fn program(&self) -> Option<&Glob> {
        self.words.first()
    }

    /// The words, without the tail.
    pub(crate) fn words(&self) -> &[Glob] {
        &self.words
    }

    /// Whether any argument is open: a wildcard, or further arguments.
    pub(crate) fn is_open(&self) -> bool {
        self.tail || self.words.iter().skip(1).any(|word| word.literal().is_none())
    }

    /// Whether a vector matches. An argument that is not known matches for a rule that restricts (`lenient` is false)
    /// and never for one that allows; a program that is not known matches only where people are asked (`asks`).
    /// Further arguments of a rule that allows are known and plain, and their options are among `options`, if given.
    pub(crate) fn matches(&self, argv: &[Arg], lenient: bool, asks: bool, options: Option<&[Glob]>) -> bool {
        if argv.len() < self.words.len() || (!self.tail && argv.len() != self.words.len()) {
            return false;
        }
        let (fixed, further) = argv.split_at_checked(self.words.len()).unwrap_or((argv, &[]));
        let fits = |(at, (glob, word)): (usize, (&Glob, &Arg))| match (at, word) {
            (0, Arg::Known(word)) => names(glob, word, lenient),
            (_, Arg::Known(word)) => glob.matches(word) && (!lenient || stays(glob, word)),
            (0, Arg::Pattern(_) | Arg::Unknown(_)) => asks,
            (_, Arg::Pattern(_) | Arg::Unknown(_)) => !lenient,
        };
        self.words.iter().zip(fixed).enumerate().all(fits)
            && further.iter().all(|word| !lenient || word.known().is_some_and(|word| may_follow(word, options)))
    }
}

/// Whether a glob names a program, which may be written with its directory: for a rule that allows, only with one of
/// the system's.
fn names(glob: &Glob, word: &str, lenient: bool) -> bool {
    if glob.prefix().contains('/') {
        return glob.matches(word);
    }
    let base = word.rsplit('/').next().unwrap_or(word);
    let placed = base.len() == word.len() || SYSTEM.iter().any(|dir| word.strip_prefix(dir) == Some(base));
    (!lenient || placed) && glob.matches(base)
}

/// Whether a word that a wildcard of a rule that allows stands for stays what it looks like: no option where none is
/// written, and no way up out of the directory that is written.
fn stays(glob: &Glob, word: &str) -> bool {
    let option = glob.prefix().is_empty() && word.starts_with('-');
    glob.literal().is_some() || (!option && (glob.is_written("..") || !climbs(word)))
}

/// Whether a path goes up.
fn climbs(word: &str) -> bool {
    word.split(['/', '=', ':', ',']).any(|part| part == "..")
}

/// Whether a word may be one of the further arguments of a rule that allows.
fn may_follow(word: &str, options: Option<&[Glob]>) -> bool {
    let plain = !word.contains([';', '&', '|', '$', '`', '<', '>', '\n', '\r', '\0']);
    plain
        && !climbs(word)
        && (!word.starts_with('-') || options.is_none_or(|options| options.iter().any(|it| it.matches(word))))
}

/// Splits a text into words as a shell does: blanks, `'…'`, `"…"`, `\`. Each character says whether it was quoted.
pub(crate) fn split(text: &str) -> Result<Vec<Marked>, String> {
    let mut words: Vec<Marked> = Vec::new();
    let mut word: Option<Marked> = None;
    let mut quote: Option<char> = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (Some('"') | None, '\\') => {
                let next = chars.next().ok_or_else(|| format!("`{text}` ends with a backslash"))?;
                word.get_or_insert_default().push((next, true));
            }
            (Some(_), c) => word.get_or_insert_default().push((c, true)),
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (None, c) => word.get_or_insert_default().push((c, false)),
        }
    }
    if quote.is_some() {
        return Err(format!("a quote in `{text}` does not end"));
    }
    words.extend(word);
    Ok(words)
}

/// The one way to write a vector as a line: a blank between words, quotes where a word is not plain.
pub(crate) fn line_of<'a>(words: impl Iterator<Item = &'a str>) -> String {
    let plain = |c: char| c.is_alphanumeric() || "_-./=:,+@%".contains(c);
    let quoted = |word: &str| {
        if !word.is_empty() && word.chars().all(plain) {
            word.to_owned()
        } else {
            format!("'{}'", word.replace('\'', "'\\''"))
        }
    };
    words.map(quoted).collect::<Vec<_>>().join(" ")
}
