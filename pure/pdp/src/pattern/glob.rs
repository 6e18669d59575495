//! Globs: `*`, `**` and `?` over one text.

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

/// The most tokens (characters and wildcards after the literal beginning) of one glob: the matcher's states fit into
/// four machine words. A longer pattern is refused when it is read.
const MAX_TOKENS: usize = 255;

/// The most texts that the braces of one pattern may become.
const MAX_ALTERNATIVES: usize = 256;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token {
    Char(char),
    /// `?`
    One,
    /// `*`
    Run,
    /// `**`
    Any,
}

/// A compiled glob.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Glob {
    /// What every match begins with.
    literal: Box<str>,
    /// What follows from the first wildcard on. Empty: the literal is all.
    tokens: Box<[Token]>,
    wild: Wild,
}

impl Glob {
    /// Compiles a pattern without braces.
    pub(crate) fn new(pattern: &str, wild: Wild) -> Result<Self, String> {
        let marked: Vec<(char, bool)> = pattern.chars().map(|c| (c, false)).collect();
        Self::of_marked(&marked, wild)
    }

    /// Compiles characters of which some are quoted, and so stand for themselves.
    pub(crate) fn of_marked(marked: &[(char, bool)], wild: Wild) -> Result<Self, String> {
        let is_wild = |(c, quoted): &(char, bool)| !quoted && matches!(c, '*' | '?');
        let first = marked.iter().position(is_wild).unwrap_or(marked.len());
        let (head, rest) = marked.split_at(first);
        let mut tokens: Vec<Token> = Vec::new();
        for (c, quoted) in rest {
            match (c, quoted, tokens.last()) {
                ('*', false, Some(Token::Run | Token::Any)) => {
                    tokens.pop();
                    tokens.push(Token::Any);
                }
                ('*', false, _) => tokens.push(Token::Run),
                ('?', false, _) => tokens.push(Token::One),
                (c, ..) => tokens.push(Token::Char(*c)),
            }
        }
        if tokens.len() > MAX_TOKENS {
            return Err(format!("a pattern has at most {MAX_TOKENS} characters after its first wildcard"));
        }
        Ok(Self { literal: head.iter().map(|(c, _)| *c).collect(), tokens: tokens.into(), wild })
    }

    /// The text that it matches, where that is only one.
    pub(crate) fn literal(&self) -> Option<&str> {
        self.tokens.is_empty().then_some(&self.literal)
    }

    /// What every match begins with.
    pub(crate) fn prefix(&self) -> &str {
        &self.literal
    }

    /// Whether a text is in the pattern's literal beginning.
    pub(crate) fn is_written(&self, text: &str) -> bool {
        self.literal.contains(text)
    }

    /// Whether the whole text matches.
    pub(crate) fn matches(&self, text: &str) -> bool {
        let Some(rest) = text.strip_prefix(&*self.literal) else { return false };
        match *self.tokens {
            [] => return rest.is_empty(),
            [Token::Any] if self.wild != Wild::Argument => return true,
            _ => {}
        }
        let mut states = States::default();
        self.enter(&mut states, 0);
        for c in rest.chars() {
            let mut next = States::default();
            for at in states.live() {
                match self.tokens.get(at) {
                    Some(Token::Char(expected)) if *expected == c => self.enter(&mut next, at.saturating_add(1)),
                    Some(Token::One) if self.stands_for(c, false) => self.enter(&mut next, at.saturating_add(1)),
                    Some(Token::Run) if self.stands_for(c, false) => self.enter(&mut next, at),
                    Some(Token::Any) if self.stands_for(c, true) => self.enter(&mut next, at),
                    Some(Token::Char(_) | Token::One | Token::Run | Token::Any) | None => {}
                }
            }
            states = next;
        }
        states.has(self.tokens.len())
    }

    /// Whether some text could match this below `base`, and another glob as well. Wildcards of a shell in square
    /// brackets count as one character.
    pub(crate) fn may_meet(&self, base: &str, other: &Self) -> bool {
        let spelt = |text: &str| text.chars().map(Token::Char).collect::<Vec<_>>();
        let mine: Vec<Token> = [spelt(base), spelt(&self.literal), self.tokens.to_vec()].concat();
        let theirs = without_classes(&[spelt(&other.literal), other.tokens.to_vec()].concat());
        // Which places of the other glob are live after each token of this one.
        let mut live = vec![false; theirs.len().saturating_add(1)];
        open(&theirs, &mut live, 0);
        for token in &mine {
            let mut next = vec![false; live.len()];
            let loops = matches!(token, Token::Run | Token::Any);
            if loops {
                next.clone_from(&live);
            }
            // A wildcard of this one may stand for any number of the other's characters.
            for at in 0..theirs.len() {
                let from = if loops { next.get(at) } else { live.get(at) };
                if from != Some(&true) {
                    continue;
                }
                let (stays, meets) = match (token, theirs.get(at)) {
                    (_, None) => (false, false),
                    (Token::Char(a), Some(Token::Char(b))) => (false, a == b),
                    (Token::Char('/'), Some(Token::One | Token::Run)) => (false, false),
                    (Token::One | Token::Run, Some(Token::Char('/'))) => (false, false),
                    (_, Some(Token::Run | Token::Any)) => (true, true),
                    (_, Some(Token::Char(_) | Token::One)) => (false, true),
                };
                if stays {
                    open(&theirs, &mut next, at);
                }
                if meets {
                    open(&theirs, &mut next, at.saturating_add(1));
                }
            }
            live = next;
        }
        live.last() == Some(&true)
    }

    /// Marks a place and all that can be reached from it without a character.
    fn enter(&self, states: &mut States, mut at: usize) {
        loop {
            states.add(at);
            if !matches!(self.tokens.get(at), Some(Token::Run | Token::Any)) {
                return;
            }
            at = at.saturating_add(1);
        }
    }

    const fn stands_for(&self, c: char, double: bool) -> bool {
        match self.wild {
            Wild::Argument => !matches!(c, ';' | '&' | '|' | '$' | '`' | '<' | '>' | '\n' | '\r' | '\0'),
            Wild::Path => double || c != '/',
            Wild::Name => true,
        }
    }
}

/// Marks a place as live, and what can be reached from it without a character.
fn open(tokens: &[Token], live: &mut [bool], mut at: usize) {
    loop {
        if let Some(slot) = live.get_mut(at) {
            *slot = true;
        }
        if !matches!(tokens.get(at), Some(Token::Run | Token::Any)) {
            return;
        }
        at = at.saturating_add(1);
    }
}

/// `[a-z]` of a shell's pattern is one character.
fn without_classes(tokens: &[Token]) -> Vec<Token> {
    let mut plain = Vec::new();
    let mut rest = tokens;
    while let Some((token, after)) = rest.split_first() {
        let class =
            (*token == Token::Char('[')).then(|| after.iter().skip(1).position(|it| *it == Token::Char(']'))).flatten();
        match class {
            Some(end) => {
                plain.push(Token::One);
                rest = after.get(end.saturating_add(2)..).unwrap_or_default();
            }
            None => {
                plain.push(*token);
                rest = after;
            }
        }
    }
    plain
}

/// Which places of the pattern are live: a bit each.
#[derive(Clone, Copy, Default)]
struct States([u64; 4]);

impl States {
    fn add(&mut self, at: usize) {
        if let Some(word) = self.0.get_mut(at >> 6) {
            *word |= 1_u64 << (at & 63);
        }
    }

    fn has(&self, at: usize) -> bool {
        self.0.get(at >> 6).is_some_and(|word| word & (1_u64 << (at & 63)) != 0)
    }

    fn live(self) -> impl Iterator<Item = usize> {
        self.0.into_iter().enumerate().flat_map(|(word, bits)| {
            let mut bits = bits;
            std::iter::from_fn(move || {
                let lowest = usize::try_from(bits.trailing_zeros()).ok().filter(|_| bits != 0)?;
                bits &= bits.wrapping_sub(1);
                Some((word << 6) | lowest)
            })
        })
    }
}

/// Characters of a pattern, each with whether it is quoted.
pub(crate) type Marked = Vec<(char, bool)>;

/// A pattern without its braces: `{a,b}c` is `ac` and `bc`. Quoted braces and commas stand for themselves. Nothing
/// where there are too many, or braces do not close, or nest.
pub(crate) fn alternatives(pattern: &[(char, bool)]) -> Option<Vec<Marked>> {
    let at = |wanted: char, text: &[(char, bool)]| text.iter().position(|it| *it == (wanted, false));
    let Some(open) = at('{', pattern) else {
        return at('}', pattern).is_none().then(|| vec![pattern.to_vec()]);
    };
    let (head, rest) = pattern.split_at_checked(open)?;
    let rest = rest.get(1..)?;
    let (inside, tail) = rest.split_at_checked(at('}', rest)?)?;
    if at('{', inside).is_some() || at('}', head).is_some() {
        return None;
    }
    let tails = alternatives(tail.get(1..)?)?;
    let mut all = Vec::new();
    for choice in inside.split(|it| *it == (',', false)) {
        for tail in &tails {
            all.push([head, choice, tail.as_slice()].concat());
            if all.len() > MAX_ALTERNATIVES {
                return None;
            }
        }
    }
    Some(all)
}

/// Compiles a pattern with braces into one glob for each alternative.
pub(crate) fn alternatives_of(pattern: &str, wild: Wild) -> Result<Vec<Glob>, String> {
    let marked: Marked = pattern.chars().map(|c| (c, false)).collect();
    let all = alternatives(&marked)
        .ok_or_else(|| format!("the braces of `{pattern}` do not close, nest, or make too many patterns"))?;
    all.iter().map(|it| Glob::of_marked(it, wild)).collect()
}

#[cfg(test)]
mod tests {
    use super::{Glob, Wild, alternatives};

    fn matches(pattern: &str, text: &str, wild: Wild) -> bool {
        Glob::new(pattern, wild).unwrap().matches(text)
    }

    #[test]
    fn a_star_never_crosses_what_means_something() {
        assert!(matches("a*c", "abbc", Wild::Argument));
        assert!(!matches("a*", "a;id", Wild::Argument));
        assert!(!matches("a*", "a$(id)", Wild::Argument));
        assert!(!matches("a**", "a|id", Wild::Argument));
        assert!(matches("/srv/*", "/srv/x", Wild::Path));
        assert!(!matches("/srv/*", "/srv/x/y", Wild::Path));
        assert!(matches("/srv/**", "/srv/x/y", Wild::Path));
        assert!(matches("**/x/*.rs", "/a/b/x/c.rs", Wild::Path));
        assert!(!matches("**/x/*.rs", "/a/b/x/y/c.rs", Wild::Path));
        assert!(!matches("/srv/**", "/srvx", Wild::Path));
        assert!(matches("deploy-?", "deploy-1", Wild::Name));
        assert!(!matches("deploy-?", "deploy-", Wild::Name));
        assert!(matches("", "", Wild::Name));
    }

    #[test]
    fn two_globs_meet_where_one_text_matches_both() {
        let meet =
            |a: &str, b: &str| Glob::new(a, Wild::Path).unwrap().may_meet("", &Glob::new(b, Wild::Path).unwrap());
        assert!(meet("**/.config/countersign/**", "/root/.conf*/countersign/policy/*"));
        assert!(meet("**/.config/countersign/**", "/root/.config/counter?ign/policy/a.toml"));
        assert!(meet("**/.config/countersign/**", "/root/.config/[c]ountersign/a"));
        assert!(meet("**/.bashrc", "/home/a/.b*"));
        assert!(!meet("**/.bashrc", "/home/a/*.rs"));
        assert!(!meet("/etc/countersign/**", "/work/project/*"));
        assert!(!meet("/etc/sudoers", "/etc/x*"));
    }

    #[test]
    fn many_stars_stay_linear() {
        let pattern = "*a".repeat(120);
        assert!(!matches(&pattern, &"a".repeat(119), Wild::Name));
        assert!(matches(&pattern, &"a".repeat(120), Wild::Name));
        assert!(Glob::new(&"*a".repeat(200), Wild::Name).is_err());
    }

    #[test]
    fn braces_multiply() {
        let marked = |text: &str| text.chars().map(|c| (c, false)).collect::<Vec<_>>();
        assert_eq!(alternatives(&marked("git {log,diff} {a,b}")).unwrap().len(), 4);
        assert!(alternatives(&marked("{a")).is_none());
        assert!(alternatives(&marked("a}")).is_none());
        assert!(alternatives(&marked("{a,{b}}")).is_none());
        assert!(alternatives(&marked(&"{a,b}".repeat(9))).is_none());
        assert_eq!(alternatives(&[('{', true), ('a', false), ('}', true)]).unwrap().len(), 1);
    }
}
