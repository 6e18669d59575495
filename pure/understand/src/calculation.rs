//! Arithmetic of the shell: whether an expression can be an error, and what is put into it before it is evaluated.

use crate::knowledge;

/// Whether an expression is evaluated without an error, whatever the shell: numbers and known variables, and between
/// them operators that no operand is an error for.
pub(crate) fn is_safe<'a>(expression: &str, value: impl Fn(&str) -> Option<&'a str>) -> bool {
    let mut rest = expression.trim_start();
    let (mut open, mut operand) = (0_usize, false);
    while let Some(first) = rest.chars().next() {
        let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
        let (word, behind) = rest.split_at(end);
        if !word.is_empty() {
            let number = is_number(word) || (!first.is_ascii_digit() && value(word).is_some_and(is_number));
            if operand || !number {
                return false;
            }
            operand = true;
            rest = behind.trim_start();
            continue;
        }
        let Some((length, divides)) = operator(rest, operand, &mut open) else { return false };
        operand &= first == ')';
        rest = rest.get(length..).unwrap_or("").trim_start();
        if divides && !rest.starts_with(|c: char| matches!(c, '1'..='9')) {
            return false;
        }
    }
    operand && open == 0
}

/// Whether an expression is one that a shell without `((` could run as a command: it names a program, or is none.
pub(crate) fn could_be_command(expression: &str) -> bool {
    let of_arithmetic = |c: char| c.is_ascii_alphanumeric() || "_ \t\n+-*/%=<>!&|^~?:,()[]$#{}".contains(c);
    if !expression.chars().all(of_arithmetic) || expression.trim_start().starts_with('/') {
        return true;
    }
    let operand = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut words = expression.split_whitespace().peekable();
    while let Some(word) = words.next() {
        let next = words.peek().is_some_and(|next| next.starts_with(|c| operand(c) || c == '$'));
        if next && word.ends_with(|c| operand(c) || c == ')') {
            return true;
        }
    }
    expression.split(['&', '|', '(', ')', '!']).any(|part| {
        let part = part.trim();
        let end = part.find(|c: char| !operand(c)).unwrap_or(part.len());
        let (name, behind) = part.split_at(end);
        (behind.is_empty() || behind.starts_with([' ', '\t', '\n', '<', '>']))
            && !name.starts_with(|c: char| c.is_ascii_digit())
            && knowledge::find(name).is_some()
    })
}

/// The length of the operator or parenthesis in front, and whether it divides.
fn operator(text: &str, operand: bool, open: &mut usize) -> Option<(usize, bool)> {
    const BETWEEN: &[&str] = &["&&", "||", "==", "!=", "<=", ">=", "+", "-", "*", "<", ">", "/", "%"];
    if text.starts_with('(') && !operand {
        *open = open.saturating_add(1);
        return Some((1, false));
    }
    if text.starts_with(')') && operand {
        *open = open.checked_sub(1)?;
        return Some((1, false));
    }
    let found = BETWEEN.iter().find(|it| text.starts_with(**it)).filter(|_| operand)?;
    // `**`, `*=` and `++` are others.
    let other = text
        .get(found.len()..)
        .is_some_and(|rest| rest.starts_with(['*', '=', '+', '-', '/', '%', '<', '>', '&', '|']));
    (!other).then_some((found.len(), matches!(*found, "/" | "%")))
}

/// A decimal number that means what it says. One that begins with `0` is octal, and may be none.
pub(crate) fn is_number(text: &str) -> bool {
    text == "0"
        || (!text.is_empty() && !text.starts_with('0') && text.len() < 18 && text.bytes().all(|b| b.is_ascii_digit()))
}

/// An expression with the values of its parameters put in, or nothing where one of them is not known to be a number:
/// what is put in is evaluated, and may hold commands.
pub(crate) fn expand<'a>(expression: &str, value: impl Fn(&str) -> Option<&'a str>) -> Option<String> {
    let mut parts = expression.split('$');
    let mut out = parts.next().unwrap_or("").to_owned();
    for part in parts {
        // These are numbers whatever happens.
        if let Some(rest) = part.strip_prefix(['#', '?', '$', '!']).filter(|_| !part.starts_with("$$")) {
            out.push('1');
            out.push_str(rest);
            continue;
        }
        let digit = part.starts_with(|c: char| c.is_ascii_digit());
        let end = part.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(part.len());
        let (name, rest) = part.split_at_checked(if digit { 1 } else { end })?;
        let value = value(name).filter(|value| !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit()))?;
        out.push_str(value);
        out.push_str(rest);
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::{expand, is_safe};

    fn value(name: &str) -> Option<&'static str> {
        match name {
            "n" | "1" => Some("3"),
            "o" => Some("08"),
            "x" => Some("a[0]"),
            _ => None,
        }
    }

    #[test]
    fn what_can_fail_is_told_from_what_cannot() {
        for safe in ["1+2", "n+1", " (n * 2) - 1 ", "n / 2", "n % 10", "1 <= n && n < 4", "0"] {
            assert!(is_safe(safe, value), "{safe}");
        }
        for unsafe_one in ["1/0", "n/n", "1/(0)", "1+", "08", "o", "x", "m", "2**n", "1 2", "(1", "n=1", "", "1/08-08"]
        {
            assert!(!is_safe(unsafe_one, value), "{unsafe_one}");
        }
    }

    #[test]
    fn only_numbers_are_put_in() {
        assert_eq!(expand("$1+$n+$#", value).as_deref(), Some("3+3+1"));
        for open in ["$x", "$@", "$*", "$2", "$m"] {
            assert_eq!(expand(open, value), None, "{open}");
        }
    }
}
