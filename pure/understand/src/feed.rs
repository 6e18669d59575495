//! How `xargs` takes what comes in apart, and into how many commands it puts it.

use model::Arg;

/// The placeholder for unknown words that come in.
pub(crate) const ANY_WORDS: &str = "(arguments from input)";

/// Options of `xargs` that take a value, or may.
const LONG: &[(&str, char)] = &[
    ("arg-file", 'a'),
    ("delimiter", 'd'),
    ("eof", 'e'),
    ("exit", 'x'),
    ("interactive", 'p'),
    ("max-args", 'n'),
    ("max-chars", 's'),
    ("max-lines", 'l'),
    ("max-procs", 'P'),
    ("no-run-if-empty", 'r'),
    ("null", '0'),
    ("open-tty", 'o'),
    ("process-slot-var", 'V'),
    ("replace", 'i'),
    ("verbose", 't'),
];

/// What the options say.
#[derive(Debug, Default)]
pub(crate) struct Feed {
    /// One character ends an item, and nothing is quoted.
    pub(crate) delimiter: Option<char>,
    /// The string in the command that an item takes the place of.
    pub(crate) fill: Option<String>,
    /// The word of the command that all items take the place of (BSD).
    gather: Option<String>,
    /// A limit on items precedes the replacement: GNU drops it, others take lines apart by it.
    limited: bool,
    /// At most so many items for one command.
    most: Option<usize>,
    /// At most so many lines for one command.
    lines: Option<usize>,
    /// An item that ends the input.
    end: Option<String>,
    /// What comes in is not what is taken apart, or an option is not known.
    opaque: bool,
    /// How many words belong to `xargs` itself.
    pub(crate) own: usize,
}

impl Feed {
    /// Reads the words behind the program's name.
    pub(crate) fn of_options(words: &[Arg]) -> Self {
        let mut feed = Self::default();
        let mut rest = words.iter();
        loop {
            feed.own = words.len().saturating_sub(rest.len());
            let Some(word) = rest.next() else { break };
            let Some(text) = word.known() else {
                feed.opaque = !matches!(word, Arg::Pattern(text) if !text.starts_with(['-', '*', '?', '[']));
                break;
            };
            if text == "--" {
                feed.own = feed.own.saturating_add(1);
            }
            if text == "--" || text == "-" || !text.starts_with('-') {
                break;
            }
            match text.strip_prefix("--") {
                Some(long) => feed.long(long, &mut rest),
                None => feed.bundle(text.get(1..).unwrap_or(""), &mut rest),
            }
        }
        feed
    }

    fn long(&mut self, text: &str, rest: &mut std::slice::Iter<'_, Arg>) {
        let (name, value) = text.split_once('=').map_or((text, None), |(name, value)| (name, Some(value)));
        let mut meant = LONG.iter().filter(|(long, _)| long.starts_with(name));
        let letter = match (LONG.iter().find(|(long, _)| *long == name), meant.next(), meant.next()) {
            (Some((_, letter)), ..) | (None, Some((_, letter)), None) => *letter,
            (None, ..) => {
                self.opaque = true;
                return;
            }
        };
        let takes = matches!(letter, 'a' | 'd' | 'n' | 's' | 'P' | 'V');
        let value = value.map(|value| Arg::Known(value.to_owned()));
        let value = if takes && value.is_none() { rest.next().cloned() } else { value };
        self.option(letter, value.as_ref());
    }

    fn bundle(&mut self, text: &str, rest: &mut std::slice::Iter<'_, Arg>) {
        let mut letters = text.chars();
        while let Some(letter) = letters.next() {
            let glued = Some(letters.as_str()).filter(|glued| !glued.is_empty()).map(|it| Arg::Known(it.to_owned()));
            match letter {
                '0' | 'o' | 'p' | 'r' | 't' | 'x' => self.option(letter, None),
                'e' | 'i' | 'l' => return self.option(letter, glued.as_ref()),
                'a' | 'd' | 'E' | 'I' | 'L' | 'n' | 'P' | 's' | 'J' | 'R' | 'S' => {
                    let value = glued.or_else(|| rest.next().cloned());
                    return self.option(letter, value.as_ref());
                }
                _ => self.opaque = true,
            }
        }
    }

    fn option(&mut self, letter: char, value: Option<&Arg>) {
        let text = value.and_then(Arg::known);
        // A value that is not known before it runs leaves nothing certain.
        self.opaque |= value.is_some() && text.is_none();
        let number = || text.and_then(|text| text.parse::<usize>().ok()).filter(|number| *number > 0);
        match letter {
            '0' => self.delimiter = Some('\0'),
            'd' => {
                self.delimiter = text.and_then(character);
                self.opaque |= self.delimiter.is_none();
            }
            'a' => self.opaque = true,
            'I' | 'i' => {
                self.fill = Some(text.unwrap_or("{}").to_owned());
                self.opaque |= text == Some("");
                self.limited |= self.most.is_some();
                (self.most, self.lines) = (None, None);
            }
            'J' => self.gather = text.map(str::to_owned),
            'n' => {
                (self.most, self.lines) = (number(), None);
                self.opaque |= self.most.is_none();
            }
            'L' | 'l' => {
                (self.lines, self.most) = (if value.is_some() { number() } else { Some(1) }, None);
                self.opaque |= self.lines.is_none();
            }
            'E' | 'e' => self.end = text.filter(|text| !text.is_empty()).map(str::to_owned),
            // A limit of size, or of replacements, splits where we do not count.
            's' | 'S' | 'R' => self.opaque = true,
            _ => {}
        }
    }

    /// The items of a text in their groups, one for each command; nothing where that is not certain.
    pub(crate) fn groups(&self, text: &str) -> Option<Vec<Vec<String>>> {
        if self.opaque {
            return None;
        }
        // Which of two options wins, and how they mix, differs between the programs.
        let kinds = [self.fill.is_some(), self.gather.is_some(), self.most.is_some(), self.lines.is_some()];
        if kinds.iter().filter(|given| **given).count() > 1 {
            return None;
        }
        if let Some(delimiter) = self.delimiter {
            let whole = text.strip_suffix(delimiter).unwrap_or(text);
            let items: Vec<String> = whole.split(delimiter).map(str::to_owned).collect();
            let items = if whole.is_empty() { Vec::new() } else { items };
            return match self.lines {
                Some(most) => Some(items.chunks(most).map(<[String]>::to_vec).collect()),
                None => Some(self.grouped(items)),
            };
        }
        let by_line = quoted_items(text, self.fill.is_some())?;
        let until = |items: Vec<String>| -> Vec<String> {
            let end = self.end.as_deref();
            items.into_iter().take_while(|item| Some(item.as_str()) != end).collect()
        };
        // Programs differ on an end that is the last item, with no line end behind it.
        if self.end.as_deref().is_some_and(|end| !end.is_empty() && text.ends_with(end)) {
            return None;
        }
        match self.lines {
            // An end inside of a line, and lines that a blank joins to the next, are left.
            Some(_) if self.end.is_some() || text.lines().any(|line| line.ends_with([' ', '\t'])) => None,
            Some(most) => {
                let lines: Vec<Vec<String>> = by_line.into_iter().filter(|line| !line.is_empty()).collect();
                Some(lines.chunks(most).map(<[Vec<String>]>::concat).collect())
            }
            None => {
                let items = by_line.concat();
                // GNU's takes an end without a line end for an item.
                if items.last() == self.end.as_ref() && self.end.is_some() && !text.ends_with('\n') {
                    return None;
                }
                let items = until(items);
                let apart = self.limited && items.iter().any(|item| item.contains([' ', '\t']));
                Some(self.grouped(items)).filter(|_| !apart)
            }
        }
    }

    fn grouped(&self, items: Vec<String>) -> Vec<Vec<String>> {
        match (self.fill.is_some(), self.most) {
            (true, _) => items.into_iter().map(|item| vec![item]).collect(),
            (false, Some(most)) => items.chunks(most).map(<[String]>::to_vec).collect(),
            (false, None) if items.is_empty() => Vec::new(),
            (false, None) => vec![items],
        }
    }

    /// A command with a group of items put into it.
    pub(crate) fn filled(&self, command: &[Arg], items: &[Arg]) -> Vec<Arg> {
        if let Some(gather) = self.gather.as_deref() {
            let put = |word: &Arg| if word.text() == gather { items.to_vec() } else { vec![word.clone()] };
            return command.iter().flat_map(put).collect();
        }
        let Some(fill) = self.fill.as_deref() else {
            return command.iter().chain(items).cloned().collect();
        };
        let item = match items {
            [one] => one.clone(),
            _ => Arg::Unknown(ANY_WORDS.to_owned()),
        };
        let put = |word: &Arg| match (word.text() == fill, word.text().contains(fill), word, &item) {
            (true, ..) => item.clone(),
            (false, false, ..) => word.clone(),
            (false, true, Arg::Known(text), Arg::Known(value)) => Arg::Known(text.replace(fill, value)),
            (false, true, ..) => Arg::Unknown(word.text().to_owned()),
        };
        command.iter().map(put).collect()
    }
}

/// The items of each line, as `xargs` reads them: quotes and backslashes are its own. Nothing where a quote is open.
fn quoted_items(text: &str, whole_lines: bool) -> Option<Vec<Vec<String>>> {
    let (mut lines, mut line, mut item) = (Vec::new(), Vec::new(), None::<String>);
    let mut rest = text.chars();
    while let Some(character) = rest.next() {
        match character {
            '\0' => return None,
            '\n' => {
                line.extend(item.take());
                lines.push(std::mem::take(&mut line));
            }
            ' ' | '\t' if item.is_none() || !whole_lines => line.extend(item.take()),
            ' ' | '\t' => item.get_or_insert_default().push(character),
            quote @ ('\'' | '"') => {
                let inside = rest.as_str();
                let length = inside.find(quote)?;
                let quoted = inside.get(..length).filter(|quoted| !quoted.contains('\n'))?;
                item.get_or_insert_default().push_str(quoted);
                rest = inside.get(length.saturating_add(1)..)?.chars();
            }
            '\\' => item.get_or_insert_default().push(rest.next()?),
            // Programs differ on other white space.
            other if other.is_whitespace() => return None,
            other => item.get_or_insert_default().push(other),
        }
    }
    line.extend(item);
    lines.push(line);
    Some(lines)
}

/// The one character that an option names, escapes included.
fn character(text: &str) -> Option<char> {
    let mut characters = text.chars();
    match (characters.next()?, characters.as_str()) {
        (one, "") => Some(one),
        ('\\', "n") => Some('\n'),
        ('\\', "t") => Some('\t'),
        ('\\', "0") => Some('\0'),
        ('\\', "\\") => Some('\\'),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::Feed;
    use model::Arg;

    fn groups(options: &str, text: &str) -> Option<Vec<Vec<String>>> {
        let words: Vec<Arg> = options.split_whitespace().map(|word| Arg::Known(word.to_owned())).collect();
        Feed::of_options(&words).groups(text)
    }

    fn lists(groups: &[&[&str]]) -> Option<Vec<Vec<String>>> {
        Some(groups.iter().map(|group| group.iter().map(|item| (*item).to_owned()).collect()).collect())
    }

    #[test]
    fn items_are_those_that_xargs_takes() {
        for (options, text, expected) in [
            ("", "a b\nc\n", lists(&[&["a", "b", "c"]])),
            ("", "'a b' c\\ d \"e'f\"\n", lists(&[&["a b", "c d", "e'f"]])),
            ("-0", "touch x\n", lists(&[&["touch x\n"]])),
            ("--null", "a b\0c", lists(&[&["a b", "c"]])),
            ("-d \\n", "a 'b\nc\n", lists(&[&["a 'b", "c"]])),
            ("-d,", "a,b", lists(&[&["a", "b"]])),
            ("--delim=, -n1", "a,b", lists(&[&["a"], &["b"]])),
            ("-rtn 2", "a b c", lists(&[&["a", "b"], &["c"]])),
            ("-I{}", " a b\n\nc\n", lists(&[&["a b"], &["c"]])),
            ("-i", "a 'b c'\n", lists(&[&["a b c"]])),
            ("-L1", "a b\nc\n", lists(&[&["a", "b"], &["c"]])),
            ("-E x", "a x b", lists(&[&["a"]])),
            ("-a f", "a", None),
            ("--nope", "a", None),
            ("-n 1 -I {}", "a", lists(&[&["a"]])),
            ("-n 1 -I {}", "a b\nc", None),
            ("-n 1 -I {}", "a\nb", lists(&[&["a"], &["b"]])),
            ("-I {} -n 1", "a", None),
            ("", "a 'b", None),
        ] {
            assert_eq!(groups(options, text), expected, "xargs {options} of {text:?}");
        }
    }
}
