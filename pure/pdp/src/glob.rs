//! Patterns of rules. Matching is linear in the text for each wildcard and never recurses.

/// What a wildcard may stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wild {
    /// In one argument: `*` is any run of characters that mean nothing to a shell.
    Argument,
    /// In a path: `*` stops at `/`, `**` does not.
    Path,
    /// In a name: `*` is anything.
    Name,
}

/// The most texts that the braces of one pattern may become.
const MAX_ALTERNATIVES: usize = 256;

/// Whether the whole text matches the pattern.
pub(crate) fn matches(pattern: &str, text: &str, wild: Wild) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    let mut states = vec![false; pattern.len().saturating_add(1)];
    closure(&pattern, &mut states, 0);
    for character in text {
        let mut next = vec![false; pattern.len().saturating_add(1)];
        for (at, _) in states.iter().enumerate().filter(|(_, live)| **live) {
            match pattern.get(at) {
                Some('*') => {
                    let double = pattern.get(at.saturating_add(1)) == Some(&'*')
                        || at.checked_sub(1).and_then(|before| pattern.get(before)) == Some(&'*');
                    if stands_for(character, wild, double) {
                        closure(&pattern, &mut next, at);
                    }
                }
                Some('?') if stands_for(character, wild, false) => closure(&pattern, &mut next, at.saturating_add(1)),
                Some(expected) if *expected == character && *expected != '?' => {
                    closure(&pattern, &mut next, at.saturating_add(1))
                }
                Some(_) | None => {}
            }
        }
        states = next;
    }
    states.last().copied().unwrap_or(false)
}

/// Marks a place in the pattern and all that can be reached from it without a character.
fn closure(pattern: &[char], states: &mut [bool], mut at: usize) {
    loop {
        if let Some(state) = states.get_mut(at) {
            *state = true;
        }
        if pattern.get(at) != Some(&'*') {
            return;
        }
        at = at.saturating_add(1);
    }
}

const fn stands_for(character: char, wild: Wild, double: bool) -> bool {
    match wild {
        Wild::Argument => !matches!(character, ';' | '&' | '|' | '$' | '`' | '<' | '>' | '\n' | '\r' | '\0'),
        Wild::Path => double || character != '/',
        Wild::Name => true,
    }
}

/// A pattern without its braces: `{a,b}c` is `ac` and `bc`. Nothing where there are too many or braces do not close.
pub(crate) fn alternatives(pattern: &str) -> Option<Vec<String>> {
    let Some((head, rest)) = pattern.split_once('{') else {
        return (!pattern.contains('}')).then(|| vec![pattern.to_owned()]);
    };
    let (inside, tail) = rest.split_once('}')?;
    if inside.contains('{') || head.contains('}') {
        return None;
    }
    let tails = alternatives(tail)?;
    let all: Vec<String> =
        inside.split(',').flat_map(|choice| tails.iter().map(move |tail| format!("{head}{choice}{tail}"))).collect();
    (all.len() <= MAX_ALTERNATIVES).then_some(all)
}

#[cfg(test)]
mod tests {
    use super::{Wild, alternatives, matches};

    #[test]
    fn a_star_never_crosses_what_means_something() {
        assert!(matches("a*c", "abbc", Wild::Argument));
        assert!(!matches("a*", "a;id", Wild::Argument));
        assert!(!matches("a*", "a$(id)", Wild::Argument));
        assert!(matches("/srv/*", "/srv/x", Wild::Path));
        assert!(!matches("/srv/*", "/srv/x/y", Wild::Path));
        assert!(matches("/srv/**", "/srv/x/y", Wild::Path));
        assert!(!matches("/srv/**", "/srvx", Wild::Path));
        assert!(matches("deploy-?", "deploy-1", Wild::Name));
    }

    #[test]
    fn many_stars_stay_linear() {
        let pattern = "*a".repeat(200);
        assert!(!matches(&pattern, &"a".repeat(199), Wild::Name));
        assert!(matches(&pattern, &"a".repeat(200), Wild::Name));
    }

    #[test]
    fn braces_multiply() {
        assert_eq!(alternatives("git {log,diff} {a,b}").unwrap().len(), 4);
        assert!(alternatives("{a").is_none());
        assert!(alternatives("a}").is_none());
    }
}
