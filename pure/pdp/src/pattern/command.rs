//! Patterns of argument vectors.

use model::Arg;

use super::glob::{Glob, Marked, Wild, alternatives};
use super::operand::Operand;

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
    /// What the further arguments may be; without it, any.
    pub(crate) further: Further,
}

/// What the further arguments of a rule that allows may be.
#[derive(Clone, Debug, Default)]
pub(crate) struct Further {
    /// Options; without it, any.
    pub(crate) options: Option<Vec<OptionPattern>>,
    /// Words that are no options; without it, any.
    pub(crate) operands: Option<Vec<Operand>>,
    /// The first word that is no option; without it, like the others.
    pub(crate) target: Option<Vec<Operand>>,
}

/// An option that further arguments may have.
#[derive(Clone, Debug)]
pub(crate) struct OptionPattern {
    glob: Glob,
    /// `$TEXT`: the next word, or what follows `=`, is a text for people, and may be any.
    takes_text: bool,
}

impl OptionPattern {
    /// Reads a glob, or `-m $TEXT`.
    pub(crate) fn new(text: &str) -> Result<Self, String> {
        let (option, takes_text) = text.strip_suffix(" $TEXT").map_or((text, false), |option| (option, true));
        Ok(Self { glob: Glob::new(option, Wild::Argument)?, takes_text })
    }

    /// Whether a word is a long option with its text glued to it.
    fn holds_text(&self, word: &str) -> bool {
        self.takes_text
            && word.split_once('=').is_some_and(|(option, _)| option.starts_with("--") && self.glob.matches(option))
    }
}

/// How a rule reads what is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    /// For a rule that allows: what is not known does not match, and a word is no more than it looks like.
    Narrow,
    /// For a rule that blocks: only what is known matches.
    Certain,
    /// For a rule that asks or denies, and for what a rule that blocks is in doubt about: what is not known may match.
    Wide {
        /// A program that is not known may match, too.
        program: bool,
    },
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

    /// The same without any wildcard: the text means itself.
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
            return Err(format!("`{pattern}`: `**` matches all further arguments, so it comes last and not first"));
        }
        let words = fixed.iter().map(|word| Glob::of_marked(word, Wild::Argument)).collect::<Result<_, _>>()?;
        Ok(Self { words, tail, further: Further::default() })
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

    /// Whether a vector matches. Further arguments of a rule that allows are known and plain, and are among what
    /// `further` says.
    pub(crate) fn matches(&self, argv: &[Arg], reading: Reading) -> bool {
        if argv.len() < self.words.len() || (!self.tail && argv.len() != self.words.len()) {
            return false;
        }
        let narrow = reading == Reading::Narrow;
        let in_doubt = matches!(reading, Reading::Wide { .. });
        let (fixed, further) = argv.split_at_checked(self.words.len()).unwrap_or((argv, &[]));
        let fits = |(at, (glob, word)): (usize, (&Glob, &Arg))| match (at, word) {
            (0, Arg::Known(word)) => names(glob, word, narrow),
            (_, Arg::Known(word)) => glob.matches(word) && (!narrow || stays(glob, word)),
            (0, Arg::Pattern(_) | Arg::Unknown(_)) => reading == Reading::Wide { program: true },
            (_, Arg::Pattern(_) | Arg::Unknown(_)) => in_doubt,
        };
        self.words.iter().zip(fixed).enumerate().all(fits) && (!narrow || self.further.admits(further))
    }

    /// Whether it is a way to write the program with these words first.
    pub(crate) fn fixed_words(&self) -> Option<Vec<&str>> {
        let fixed: Vec<&str> = self.words.iter().map_while(Glob::literal).collect();
        (!fixed.is_empty()).then_some(fixed)
    }
}

impl Further {
    /// Whether further arguments are all among what may be.
    fn admits(&self, further: &[Arg]) -> bool {
        let (mut first, mut dashes) = (true, false);
        let mut words = further.iter();
        while let Some(word) = words.next() {
            let Some(word) = word.known() else { return false };
            let behind_dashes = dashes;
            let texts = self.options.iter().flatten().filter(|it| it.takes_text && !behind_dashes);
            if texts.clone().any(|it| it.holds_text(word)) {
                continue;
            }
            if !is_plain(word) {
                return false;
            }
            dashes |= word == "--";
            if word.starts_with('-') {
                if self.options.as_ref().is_some_and(|options| !options.iter().any(|it| it.glob.matches(word))) {
                    return false;
                }
                if texts.clone().any(|it| it.glob.matches(word)) && words.next().and_then(Arg::known).is_none() {
                    return false;
                }
                continue;
            }
            let lists = match std::mem::take(&mut first) {
                true => self.target.as_ref().or(self.operands.as_ref()),
                false => self.operands.as_ref(),
            };
            if lists.is_some_and(|operands| !operands.iter().any(|it| it.matches(word))) {
                return false;
            }
        }
        true
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

/// Whether a word matched by a wildcard of a rule that allows stays what it looks like: no option where none is
/// written, and no way up out of the directory that is written.
fn stays(glob: &Glob, word: &str) -> bool {
    let option = glob.prefix().is_empty() && word.starts_with('-');
    glob.literal().is_some() || (!option && (glob.is_written("..") || !climbs(word)))
}

/// Whether a path goes up.
fn climbs(word: &str) -> bool {
    word.split(['/', '=', ':', ',']).any(|part| part == "..")
}

/// Whether a word means nothing to a shell, and goes up nowhere.
fn is_plain(word: &str) -> bool {
    !word.contains([';', '&', '|', '$', '`', '<', '>', '\n', '\r', '\0']) && !climbs(word)
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
