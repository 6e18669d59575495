//! Expansions that the text alone fixes: braces, and the escapes of `$'…'`.

use brush_parser::word::{BraceExpressionMember, BraceExpressionOrText};

/// How many words one brace expression may become. More is an unknown word.
const MAX_BRACES: usize = 64;

/// The words of a brace expression, or nothing where there are too many.
pub(crate) fn expand_braces(parts: &[BraceExpressionOrText]) -> Option<Vec<String>> {
    let mut words = vec![String::new()];
    for part in parts {
        let choices: Vec<String> = match part {
            BraceExpressionOrText::Text(text) => vec![text.clone()],
            BraceExpressionOrText::Expr(members) => {
                let mut choices = Vec::new();
                for member in members {
                    choices.extend(expand_member(member)?);
                }
                choices
            }
        };
        if words.len().saturating_mul(choices.len()) > MAX_BRACES {
            return None;
        }
        words = words.iter().flat_map(|word| choices.iter().map(move |choice| format!("{word}{choice}"))).collect();
    }
    Some(words)
}

fn expand_member(member: &BraceExpressionMember) -> Option<Vec<String>> {
    match member {
        BraceExpressionMember::Child(parts) => expand_braces(parts),
        BraceExpressionMember::NumberSequence { start, end, increment } => {
            let step = usize::try_from(increment.unsigned_abs()).ok().filter(|step| *step > 0)?;
            // Counted down by more than one, it begins at the high end, which need not be one of those counted up.
            let (low, high) = ((*start).min(*end), (*start).max(*end));
            if start > end && step > 1 {
                return None;
            }
            if high.checked_sub(low)? > i64::try_from(MAX_BRACES.saturating_mul(step)).ok()? {
                return None;
            }
            let mut numbers: Vec<String> = (low..=high).step_by(step).map(|number| number.to_string()).collect();
            if start > end {
                numbers.reverse();
            }
            Some(numbers)
        }
        BraceExpressionMember::CharSequence { start, end, increment } => {
            let step = usize::try_from(increment.unsigned_abs()).ok().filter(|step| *step > 0)?;
            let (low, high) = ((*start).min(*end), (*start).max(*end));
            if start > end {
                return None;
            }
            let characters: Vec<String> =
                (low..=high).step_by(step).take(MAX_BRACES.saturating_add(1)).map(String::from).collect();
            (characters.len() <= MAX_BRACES).then_some(characters)
        }
    }
}

/// Decodes the inside of `$'…'` (Bash manual, *ANSI-C Quoting*); nothing where it is not text.
pub(crate) fn ansi_c(raw: &str) -> Option<String> {
    let mut out: Vec<u8> = Vec::with_capacity(raw.len());
    let mut rest = raw.chars().peekable();
    while let Some(character) = rest.next() {
        if character != '\\' {
            out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            continue;
        }
        if rest.peek().is_some_and(|c| c.is_digit(8)) {
            out.push(u8::try_from(digits(&mut rest, 8, 3)? & 0xff).ok()?);
            continue;
        }
        match rest.next()? {
            'a' => out.push(7),
            'b' => out.push(8),
            'e' | 'E' => out.push(0x1b),
            'f' => out.push(12),
            'n' => out.push(b'\n'),
            'r' => out.push(b'\r'),
            't' => out.push(b'\t'),
            'v' => out.push(11),
            quoted @ ('\\' | '\'' | '"' | '?') => out.push(u8::try_from(quoted).ok()?),
            'x' => out.push(u8::try_from(digits(&mut rest, 16, 2)?).ok()?),
            'u' => {
                out.extend_from_slice(char::from_u32(digits(&mut rest, 16, 4)?)?.encode_utf8(&mut [0; 4]).as_bytes())
            }
            'U' => {
                out.extend_from_slice(char::from_u32(digits(&mut rest, 16, 8)?)?.encode_utf8(&mut [0; 4]).as_bytes())
            }
            'c' => out.push(u8::try_from(rest.next()?).ok()? & 0x1f),
            other => {
                out.push(b'\\');
                out.extend_from_slice(other.encode_utf8(&mut [0; 4]).as_bytes());
            }
        }
    }
    String::from_utf8(out).ok().filter(|text| !text.contains('\0'))
}

/// Reads up to `most` digits.
fn digits(rest: &mut std::iter::Peekable<std::str::Chars<'_>>, base: u32, most: usize) -> Option<u32> {
    let mut digits = String::new();
    while digits.len() < most && rest.peek().is_some_and(|c| c.is_digit(base)) {
        digits.extend(rest.next());
    }
    u32::from_str_radix(&digits, base).ok()
}

#[cfg(test)]
mod tests {
    use super::ansi_c;

    #[test]
    fn ansi_c_escapes_become_what_they_mean() {
        assert_eq!(ansi_c(r"\x72m").as_deref(), Some("rm"));
        assert_eq!(ansi_c(r"\162m\t\u0041").as_deref(), Some("rm\tA"));
        assert_eq!(ansi_c(r"\xff"), None);
    }
}
