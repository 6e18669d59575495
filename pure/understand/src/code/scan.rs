//! Words, literals and marks of a code: enough to see which names are called with which literal arguments.

/// One token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// A name, with the dots, colons and arrows that join it to others.
    Word(String),
    /// A literal text, and whether parts of it are filled in when it runs.
    Text(String, bool),
    /// A number.
    Number,
    /// Any other character.
    Mark(char),
}

/// How a language writes its literals and comments.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lexis {
    /// What begins a comment to the end of the line.
    pub(super) comments: &'static [&'static str],
    /// Letters that make a double-quoted (or back-quoted) text have parts filled in.
    pub(super) filled: &'static [char],
    /// Three quotes make one literal (Python).
    pub(super) triple: bool,
    /// A back quote runs a command (Perl, Ruby, PHP).
    pub(super) back_quote_runs: bool,
    /// Marks that belong to a name.
    pub(super) joins: &'static [&'static str],
    /// Characters that may begin a name besides letters and `_`.
    pub(super) sigils: &'static [char],
}

/// Cuts a code into tokens; nothing where a literal does not end.
pub(super) fn tokens(code: &str, lexis: &Lexis) -> Option<Vec<Token>> {
    let mut out = Vec::new();
    let mut rest = code;
    while let Some(first) = rest.chars().next() {
        if let Some(comment) = lexis.comments.iter().find(|comment| rest.starts_with(**comment)) {
            let _ = comment;
            rest = rest.split_once('\n').map_or("", |(_, next)| next);
            out.push(Token::Mark('\n'));
        } else if matches!(first, '"' | '\'') || (first == '`' && !lexis.back_quote_runs) {
            let (text, filled, next) = literal(rest, first, lexis)?;
            let raw = matches!(out.last(), Some(Token::Word(prefix)) if lexis.triple && is_prefix(prefix));
            if raw {
                let prefix = out.pop();
                let formatted = matches!(prefix, Some(Token::Word(word)) if word.to_ascii_lowercase().contains('f'));
                out.push(Token::Text(text, formatted));
            } else {
                out.push(Token::Text(text, filled));
            }
            rest = next;
        } else if first == '`' {
            let (text, filled, next) = literal(rest, first, lexis)?;
            out.push(Token::Mark('`'));
            out.push(Token::Text(text, filled));
            rest = next;
        } else if first.is_alphabetic() || first == '_' || lexis.sigils.contains(&first) {
            let end = word_end(rest, first, lexis);
            out.push(Token::Word(rest.get(..end)?.to_owned()));
            rest = rest.get(end..)?;
        } else if first.is_ascii_digit() {
            // A letter directly behind a number is a word of its own to some: `1system("x")`.
            rest = rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.' || c == '_');
            out.push(Token::Number);
        } else {
            if first == '\n' || !first.is_whitespace() {
                out.push(Token::Mark(first));
            }
            rest = rest.get(first.len_utf8()..)?;
        }
    }
    Some(out)
}

fn is_prefix(word: &str) -> bool {
    matches!(word.to_ascii_lowercase().as_str(), "r" | "b" | "f" | "u" | "rb" | "br" | "rf" | "fr")
}

fn word_end(text: &str, first: char, lexis: &Lexis) -> usize {
    let mut at = first.len_utf8();
    loop {
        let tail = text.get(at..).unwrap_or("");
        let letters = tail.chars().take_while(|c| c.is_alphanumeric() || *c == '_').map(char::len_utf8).sum::<usize>();
        at = at.saturating_add(letters);
        let tail = text.get(at..).unwrap_or("");
        let join = lexis.joins.iter().find(|join| {
            tail.strip_prefix(**join).is_some_and(|after| after.starts_with(|c: char| c.is_alphabetic() || c == '_'))
        });
        match join {
            Some(join) => at = at.saturating_add(join.len()),
            None => return at,
        }
    }
}

/// A literal that begins with `quote`: its text, whether it is filled in, and what follows.
fn literal<'a>(text: &'a str, quote: char, lexis: &Lexis) -> Option<(String, bool, &'a str)> {
    let long = [quote, quote, quote].iter().collect::<String>();
    if lexis.triple && text.starts_with(&long) {
        let body = text.get(3..)?;
        let (inside, next) = body.split_once(long.as_str())?;
        return Some((inside.to_owned(), inside.contains('\\'), next));
    }
    let mut value = String::new();
    let mut filled = false;
    let mut letters = text.char_indices().skip(1).peekable();
    while let Some((at, c)) = letters.next() {
        if c == quote {
            return Some((value, filled, text.get(at.saturating_add(1)..)?));
        }
        if c == '\\' {
            match letters.next()?.1 {
                'n' => value.push('\n'),
                't' => value.push('\t'),
                same @ ('\\' | '\'' | '"' | '/' | '`' | '$' | '@') => value.push(same),
                other => {
                    // An escape that is not decoded here: what the text is, is not known.
                    filled |= quote != '\'' || lexis.triple;
                    value.push('\\');
                    value.push(other);
                }
            }
            continue;
        }
        filled |= quote != '\'' && lexis.filled.contains(&c);
        value.push(c);
    }
    None
}

/// The tokens of an `awk` program, where a slash after an operator begins a pattern.
pub(super) fn awk(code: &str) -> Option<Vec<Token>> {
    const LEXIS: Lexis =
        Lexis { comments: &["#"], filled: &[], triple: false, back_quote_runs: false, joins: &[], sigils: &[] };
    let mut plain = String::new();
    let mut rest = code;
    let (mut last, mut word) = ('{', String::new());
    while let Some(first) = rest.chars().next() {
        if first == '"' {
            word.clear();
            let (_, _, next) = literal(rest, '"', &LEXIS)?;
            plain.push_str(rest.get(..rest.len().saturating_sub(next.len()))?);
            (rest, last) = (next, '"');
        } else if rest.starts_with("\\\n") {
            // The line goes on, and a word does not.
            plain.push(' ');
            rest = rest.get(2..)?;
        } else if first == '#' {
            rest = rest.find('\n').and_then(|at| rest.get(at..)).unwrap_or("");
        } else if first == '/' && begins_pattern(last, &word) {
            let end = pattern_end(rest.get(1..)?)?;
            word.clear();
            plain.push_str(" 0 ");
            rest = rest.get(end.saturating_add(2)..)?;
            last = ')';
        } else {
            if first == '\'' {
                return None;
            }
            // Whether awk divides or begins a pattern here depends on how it reads the text before.
            let either = matches!(last, ')' | '+' | '-') || word == "getline";
            if first == '/' && either && hides_something(rest.get(1..)?) {
                return None;
            }
            // A number ends where its digits do.
            let number = word.starts_with(|c: char| c.is_ascii_digit()) || plain.ends_with('.');
            if number && (first.is_alphabetic() || first == '_') {
                plain.push(' ');
                word.clear();
            }
            plain.push(first);
            if first.is_alphanumeric() || first == '_' {
                let apart = plain.chars().rev().nth(1).is_some_and(char::is_whitespace);
                if apart || !(last.is_alphanumeric() || last == '_') {
                    word.clear();
                }
                word.push(first);
            } else if !first.is_whitespace() {
                word.clear();
            }
            if first == '\n' || !first.is_whitespace() {
                last = first;
            }
            rest = rest.get(first.len_utf8()..)?;
        }
    }
    tokens(&plain, &LEXIS)
}

/// Whether a slash begins a pattern: behind an operator, an opening mark, or a word of the language.
fn begins_pattern(last: char, word: &str) -> bool {
    matches!(
        last,
        '(' | '{'
            | '}'
            | ';'
            | '\n'
            | ','
            | '~'
            | '!'
            | '&'
            | '|'
            | '='
            | '*'
            | '%'
            | '^'
            | '<'
            | '>'
            | '?'
            | ':'
            | '['
    ) || matches!(word, "print" | "printf" | "return" | "in" | "else" | "do" | "case" | "exit")
}

/// Whether a quote or a comment precedes another slash of the line: read as a pattern, it would hide what follows.
fn hides_something(rest: &str) -> bool {
    let line = rest.split('\n').next().unwrap_or(rest);
    line.rsplit_once('/').is_some_and(|(inside, _)| inside.contains(['"', '#']))
}

/// Where a pattern ends: nothing where a bracket list or a line end leaves open what it is.
fn pattern_end(text: &str) -> Option<usize> {
    let mut escaped = false;
    let end = text.char_indices().find_map(|(at, c)| {
        let ends = c == '/' && !escaped;
        escaped = c == '\\' && !escaped;
        ends.then_some(at)
    })?;
    let pattern = text.get(..end)?;
    (!pattern.contains('\n') && !super::sed::opens_list(pattern)).then_some(end)
}
