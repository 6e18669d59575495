//! Names of files in a pipeline: which programs list them, and which filters hand on some of them as they are.
//!
//! Both lists are closed. An option that is not here may print something else than names, cut them, or read them from
//! another file.

use crate::{find, paths};

/// A filter that hands on lines as they are: letters that stand alone, letters with a value, and operands it takes.
struct Filter {
    alone: &'static str,
    valued: &'static str,
    operands: usize,
}

fn filter(name: &str) -> Option<Filter> {
    let (alone, valued, operands) = match name {
        "grep" | "egrep" | "fgrep" => ("EFGPahiqsvwxyz", "em", 1),
        "head" => ("qz0123456789", "n", 0),
        "tail" => ("qrz0123456789", "n", 0),
        "sort" => ("CMRVbcdfghinrsuz", "kt", 0),
        "uniq" => ("dDiuz", "fsw", 0),
        "tac" => ("", "", 0),
        "shuf" => ("z", "n", 0),
        _ => return None,
    };
    Some(Filter { alone, valued, operands })
}

/// Whether a filter with these words hands on some of the names that come in, and nothing else.
pub(crate) fn passes(name: &str, words: &[&str], nul: bool) -> bool {
    let Some(filter) = filter(name) else { return false };
    let Some(read) = Read::of(words, filter.alone, filter.valued) else { return false };
    let greps = filter.operands == 1;
    let operands = if greps && read.has('e') { 0 } else { filter.operands };
    // With a pattern in an option every operand is a file. Lines and names must end alike, or a name is torn.
    read.operands.len() == operands && (name == "tac" && !nul || read.has('z') == nul)
}

/// The pattern for the names that a program lists by itself, and whether they end with a NUL.
pub(crate) fn names(name: &str, words: &[&str], cwd: Option<&str>) -> Option<(String, bool)> {
    match name {
        // It knows the names of the whole system.
        "locate" => Some((find::under("/", None), false)),
        "ls" => {
            let read = Read::of(words, "1ASUXckrtuv", "")?;
            // The names in a directory come without it: who reads them takes them for names here.
            let here = read.operands.iter().all(|place| is_below(place, cwd));
            here.then(|| (BARE.to_owned(), false))
        }
        _ => {
            let files = name == "rg" && words.contains(&"--files");
            let rest: Vec<&str> = words.iter().filter(|word| **word != "--files").copied().collect();
            let (alone, valued) = if name == "rg" { ("0FHUSilsuvwx", "egtTm") } else { ("EFGHIPRZahilrsvwx", "em") };
            let read = Read::of(&rest, alone, valued)?;
            if !files && !read.has('l') {
                return None;
            }
            let pattern = usize::from(!files && !read.has('e'));
            let nul = read.has(if name == "rg" { '0' } else { 'Z' });
            match read.operands.get(pattern..)? {
                [] => Some((BARE.to_owned(), nul)),
                [one] if has_root(one) => Some((find::under(one, cwd), nul)),
                many if !many.iter().all(|place| is_below(place, cwd)) => None,
                many if many.iter().all(|place| has_root(place)) => Some((find::under("", cwd), nul)),
                _ => Some((BARE.to_owned(), nul)),
            }
        }
    }
}

/// Names below the working directory, without it: any of them may begin with a dash.
pub(crate) const BARE: &str = "**";

/// Whether names under a place begin as the place does, and not with a dash.
fn has_root(place: &str) -> bool {
    !place.starts_with(['*', '?', '[', '-'])
}

/// Whether a place lies below the working directory.
fn is_below(place: &str, cwd: Option<&str>) -> bool {
    if place.starts_with('~') || place.split('/').any(|part| part == "..") {
        return false;
    }
    if !place.starts_with('/') {
        return true;
    }
    let path = paths::plain(place, cwd);
    cwd.is_some_and(|cwd| path.strip_prefix(cwd).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
}

/// The letters that were given, and the operands.
struct Read<'a> {
    letters: String,
    operands: Vec<&'a str>,
}

impl<'a> Read<'a> {
    /// Nothing where an option is not of those that are listed.
    fn of(words: &[&'a str], alone: &str, valued: &str) -> Option<Self> {
        let mut read = Self { letters: String::new(), operands: Vec::new() };
        let mut rest = words.iter();
        while let Some(word) = rest.next() {
            if *word == "--" {
                read.operands.extend(rest);
                break;
            }
            let Some(letters) = word.strip_prefix('-').filter(|letters| !letters.is_empty()) else {
                read.operands.push(word);
                continue;
            };
            if is_plain_long(word) {
                continue;
            }
            for (at, letter) in letters.char_indices() {
                read.letters.push(letter);
                if valued.contains(letter) {
                    if at.saturating_add(letter.len_utf8()) == letters.len() {
                        rest.next()?;
                    }
                    break;
                }
                if !alone.contains(letter) {
                    return None;
                }
            }
        }
        Some(read)
    }

    fn has(&self, letter: char) -> bool {
        self.letters.contains(letter)
    }
}

/// Long options that only choose among the names.
fn is_plain_long(word: &str) -> bool {
    ["--include=", "--exclude=", "--exclude-dir=", "--glob=", "--type=", "--lines=", "--sort="]
        .iter()
        .any(|option| word.starts_with(option))
        || matches!(word, "--hidden" | "--no-ignore" | "--color=never" | "--reverse" | "--unique" | "--ignore-case")
}
