//! `env -S TEXT`: the text is taken apart at blanks by rules of `env`'s own, and what follows it belongs to the same command.

use model::Arg;

/// The words of `env` with the text in their place; nothing where there is none, or where more than blanks decides.
pub(crate) fn split(args: &[Arg]) -> Option<Vec<Arg>> {
    let at = args.iter().position(|arg| !is_plain_option(arg))?;
    let (before, rest) = args.split_at(at);
    let (option, rest) = rest.split_first()?;
    let option = option.known()?;
    let glued = ["-S", "-vS", "--split-string="].iter().find_map(|name| option.strip_prefix(name));
    let (text, rest) = match glued {
        Some(text) if !text.is_empty() => (text, rest),
        Some(_) => rest.split_first().and_then(|(text, rest)| Some((text.known()?, rest)))?,
        None if option == "--split-string" => {
            rest.split_first().and_then(|(text, rest)| Some((text.known()?, rest)))?
        }
        None => return None,
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || " \t\n_-./:=,@%+~^|&;<>()!?*[]{}".contains(c);
    if !text.chars().all(plain) {
        return None;
    }
    let words = text.split([' ', '\t', '\n']).filter(|word| !word.is_empty()).map(|word| Arg::Known(word.to_owned()));
    Some(before.iter().cloned().chain(words).chain(rest.iter().cloned()).collect())
}

/// An option in front of `-S` that takes no value.
fn is_plain_option(arg: &Arg) -> bool {
    matches!(arg.known(), Some("-i" | "-0" | "-v" | "--ignore-environment" | "--null" | "--debug"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    #[test]
    fn what_follows_the_text_is_of_the_same_command() {
        let words = |text: &[&str]| text.iter().map(|it| Arg::Known((*it).to_owned())).collect::<Vec<_>>();
        assert_eq!(split(&words(&["-S", "rm -rf", "cat", "x"])), Some(words(&["rm", "-rf", "cat", "x"])));
        assert_eq!(split(&words(&["-i", "-Stouch a\nls", "P"])), Some(words(&["-i", "touch", "a", "ls", "P"])));
        assert_eq!(split(&words(&["--split-string=-u A ls && x"])), Some(words(&["-u", "A", "ls", "&&", "x"])));
        assert_eq!(split(&words(&["-S", "touch ${X}"])), None);
        assert_eq!(split(&words(&["-u", "A", "-S", "ls"])), None);
        assert_eq!(split(&words(&["ls", "-S", "x"])), None);
    }
}
