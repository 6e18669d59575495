//! What `echo` and `printf` print, exactly, or that this depends on the shell.

/// `echo` with these words. Shells differ on backslashes without `-e`, and on every option but `-n` and `-e`.
pub(crate) fn echo(words: &[&str]) -> Option<String> {
    let options = words.iter().take_while(|word| matches!(**word, "-n" | "-e" | "-ne" | "-en")).count();
    let (options, rest) = words.split_at_checked(options)?;
    let escapes = options.iter().any(|option| option.contains('e'));
    if rest.first().is_some_and(|word| word.starts_with('-'))
        || (!escapes && rest.iter().any(|word| word.contains('\\')))
    {
        return None;
    }
    let text = rest.join(" ");
    let mut text = if escapes { unescaped(&text, Kind::Echo)? } else { text };
    if !options.iter().any(|option| option.contains('n')) {
        text.push('\n');
    }
    Some(text)
}

/// `printf` with a format and its arguments. The format serves again while arguments are left.
pub(crate) fn printf(format: &str, words: &[&str]) -> Option<String> {
    if format.starts_with('-') || words.len() > MAX_WORDS {
        return None;
    }
    let mut printed = String::new();
    let mut rest = words;
    loop {
        let before = rest.len();
        rest = once(format, rest, &mut printed)?;
        if rest.is_empty() || rest.len() == before {
            return Some(printed);
        }
    }
}

/// The most arguments that are put into a format.
const MAX_WORDS: usize = 64;

fn once<'a>(format: &str, mut words: &'a [&'a str], printed: &mut String) -> Option<&'a [&'a str]> {
    let mut pieces = format.split('%');
    printed.push_str(&unescaped(pieces.next()?, Kind::Format)?);
    let mut literal = false;
    for piece in pieces {
        if std::mem::take(&mut literal) {
            printed.push_str(&unescaped(piece, Kind::Format)?);
            continue;
        }
        if piece.is_empty() {
            printed.push('%');
            literal = true;
            continue;
        }
        let (word, left) = words.split_first().map_or(("", words), |(word, left)| (*word, left));
        words = left;
        let mut behind = piece.chars();
        match behind.next()? {
            's' => printed.push_str(word),
            'b' => printed.push_str(&unescaped(word, Kind::Echo)?),
            'd' | 'i' | 'u'
                if !word.is_empty()
                    && (word == "0" || !word.starts_with('0'))
                    && word.bytes().all(|byte| byte.is_ascii_digit()) =>
            {
                printed.push_str(word);
            }
            'c' if word.is_ascii() => printed.extend(word.chars().next()),
            _ => return None,
        }
        printed.push_str(&unescaped(behind.as_str(), Kind::Format)?);
    }
    // A lone sign at the end is a mistake.
    if literal && format.ends_with('%') && !format.ends_with("%%") { None } else { Some(words) }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// `echo -e`, and `%b`.
    Echo,
    /// The format of `printf`.
    Format,
}

/// Backslash escapes on which Bash and Z shell agree; nothing for any other.
fn unescaped(text: &str, kind: Kind) -> Option<String> {
    let mut out: Vec<u8> = Vec::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(character) = rest.next() {
        if character != '\\' {
            out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            continue;
        }
        match rest.next()? {
            'a' => out.push(7),
            'b' => out.push(8),
            'e' => out.push(0x1b),
            'f' => out.push(12),
            'n' => out.push(b'\n'),
            'r' => out.push(b'\r'),
            't' => out.push(b'\t'),
            'v' => out.push(11),
            '\\' => out.push(b'\\'),
            'x' => out.push(u8::try_from(digits(&mut rest, 16, 2, 0)?).ok()?),
            '0' if kind == Kind::Echo => out.push(u8::try_from(digits(&mut rest, 8, 3, 0).unwrap_or(0)).ok()?),
            octal @ '0'..='7' if kind == Kind::Format => {
                out.push(u8::try_from(digits(&mut rest, 8, 2, octal.to_digit(8)?)?).ok()?);
            }
            _ => return None,
        }
    }
    String::from_utf8(out).ok().filter(|text| !text.contains('\0'))
}

/// Up to `most` more digits behind a value; nothing where there is none and the value is open.
fn digits(rest: &mut std::iter::Peekable<std::str::Chars<'_>>, base: u32, most: usize, start: u32) -> Option<u32> {
    let mut value = start;
    let mut count = 0_usize;
    while count < most
        && let Some(digit) = rest.peek().and_then(|c| c.to_digit(base))
    {
        rest.next();
        value = value.checked_mul(base)?.checked_add(digit)?;
        count = count.saturating_add(1);
    }
    (count > 0 || base == 8).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::{echo, printf};

    #[test]
    fn a_format_serves_again_for_every_argument() {
        assert_eq!(printf("%s\\n", &["a", "b"]).as_deref(), Some("a\nb\n"));
        assert_eq!(printf("%s-%s ", &["a", "b", "c"]).as_deref(), Some("a-b c- "));
        assert_eq!(printf("%%%s", &["a"]).as_deref(), Some("%a"));
        assert_eq!(printf("\\164ouch \\x50", &[]).as_deref(), Some("touch P"));
        assert_eq!(printf("%b", &["a\\tb"]).as_deref(), Some("a\tb"));
        assert_eq!(printf("x", &["a"]).as_deref(), Some("x"));
        assert_eq!(printf("%q", &["a"]), None);
        assert_eq!(printf("%5s", &["a"]), None);
    }

    #[test]
    fn echo_prints_what_every_shell_prints_or_nothing_certain() {
        assert_eq!(echo(&["a", "b"]).as_deref(), Some("a b\n"));
        assert_eq!(echo(&["-n", "a"]).as_deref(), Some("a"));
        assert_eq!(echo(&["-e", "a\\x41\\0101"]).as_deref(), Some("aAA\n"));
        assert_eq!(echo(&["a\\n"]), None);
        assert_eq!(echo(&["-E", "a"]), None);
        assert_eq!(echo(&["-e", "\\101"]), None);
    }
}
