//! Commands that only look, word for word, compiled from `exact/`: what a program says of itself, and what some show of
//! the machine though the rest of what they do is more.

use model::Arg;

include!(concat!(env!("OUT_DIR"), "/exact.rs"));

/// Whether a program with these words only looks.
pub(crate) fn only_looks(program: &str, args: &[Arg]) -> bool {
    let Ok(at) = LOOKS.binary_search_by(|(name, _)| (*name).cmp(program)) else { return false };
    let Some(words) = args.iter().map(Arg::known).collect::<Option<Vec<&str>>>() else { return false };
    LOOKS.get(at).is_some_and(|(_, patterns)| patterns.iter().any(|pattern| fits(pattern, &words)))
}

/// Whether words fit a pattern. What is optional is taken wherever it fits.
fn fits(pattern: &str, words: &[&str]) -> bool {
    let mut rest = words;
    for wanted in pattern.split_whitespace() {
        if wanted == "*" {
            return rest.iter().all(|word| is_name(word));
        }
        let (choices, least, most) = match (wanted.strip_suffix('?'), wanted.strip_suffix('~')) {
            (Some(choices), _) => (choices, 0, 1),
            (None, Some(choices)) => (choices, 0, rest.len()),
            (None, None) => (wanted, 1, 1),
        };
        let taken = rest.iter().take(most).take_while(|word| choices.split('|').any(|it| it == **word)).count();
        if taken < least {
            return false;
        }
        rest = rest.get(taken..).unwrap_or_default();
    }
    rest.is_empty()
}

/// A name of something: no option, and nothing that any program takes for an address or a pattern.
fn is_name(word: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._+:@/%,-".contains(c);
    !word.is_empty() && !word.starts_with('-') && !word.contains("://") && word.chars().all(plain)
}

#[cfg(test)]
mod tests {
    use super::{fits, only_looks};
    use model::Arg;

    fn looks(text: &str) -> bool {
        let words: Vec<&str> = text.split(' ').collect();
        let args: Vec<Arg> = words.iter().skip(1).map(|it| Arg::Known((*it).to_owned())).collect();
        only_looks(words.first().unwrap_or(&""), &args)
    }

    #[test]
    fn what_is_optional_may_be_missing() {
        assert!(fits("", &[]) && !fits("", &["x"]));
        assert!(fits("a|b? c", &["c"]) && fits("a|b? c", &["b", "c"]) && !fits("a|b? c", &["a", "b", "c"]));
        assert!(fits("-x|-y~ c *", &["-x", "-y", "-x", "c", "n", "m"]) && !fits("-x~ c *", &["c", "-n"]));
    }

    #[test]
    fn a_word_more_is_another_command() {
        for text in [
            "gcc --version",
            "ip -br -4 addr show",
            "ip route",
            "ip addr show dev eth0",
            "mount",
            "openssl version -a",
            "dpkg -S /bin/ls",
        ] {
            assert!(looks(text), "{text}");
        }
        for text in [
            "gcc --version a.c",
            "ip addr add 10.0.0.1/8 dev x -batch",
            "ip -batch x addr",
            "ip link set eth0 up",
            "ip l s eth0 down",
            "tmux -v",
            "mysql -v",
            "ip link set eth0 up -b x",
            "mount /dev/sda /mnt",
            "openssl version -config",
            "openssl list -engines -provider x",
            "dpkg -i a.deb",
            "dpkg -l -i",
            "cargo --version",
            "./x --version",
        ] {
            assert!(!looks(text), "{text}");
        }
    }
}
