//! What something that is not understood could do with what it is given: at least what its words name.

use model::{Action, Arg, Category, Operation, Resource, Reversibility, Segment};

use crate::effect::host_of;
use crate::knowledge::Role;
use crate::lower::Lowering;

/// How many words of one opaque text are looked at.
const MAX_WORDS: usize = 24;

impl Lowering<'_> {
    /// The places and addresses in the words of an opaque program or code: it may read and write them, and talk to them.
    /// Coverage stays partial; this only says more of what to expect.
    pub(crate) fn suspect(&mut self, text: &str, segment: &mut Segment) {
        let ends = |c: char| {
            c.is_whitespace()
                || matches!(
                    c,
                    '"' | '\'' | '`' | '(' | ')' | '<' | '>' | ',' | ';' | '|' | '&' | '[' | ']' | '{' | '}' | '='
                )
        };
        for word in text.split(ends).filter(|word| !word.is_empty()).take(MAX_WORDS) {
            if is_address(word) {
                for (action, reversibility) in
                    [(Action::Connect, Reversibility::Reversible), (Action::Send, Reversibility::Irreversible)]
                {
                    let resource = host_of(word).map_or_else(|| Resource::Unknown(word.to_owned()), Resource::Host);
                    push(
                        segment,
                        Operation {
                            action,
                            resource,
                            category: Category::NetworkEgress,
                            reversibility,
                            recursive: false,
                        },
                    );
                }
            } else if is_place(word) {
                let value = Arg::Known(word.to_owned());
                let known = self.own_house.take();
                for role in [Role::Read, Role::Write] {
                    let mut operations = Vec::new();
                    self.effect(&value, role, false, &mut operations, &mut Vec::new());
                    operations.into_iter().for_each(|operation| push(segment, operation));
                }
                // That a word names what is ours does not say that it is touched.
                self.own_house = known;
            }
        }
    }
}

fn push(segment: &mut Segment, operation: Operation) {
    if !segment.operations.contains(&operation) {
        segment.operations.push(operation);
    }
}

/// A URL, `user@host.domain`, or `host.domain:port`.
pub(crate) fn is_address(word: &str) -> bool {
    let named = |host: &str| {
        host.rsplit_once('.').is_some_and(|(head, top)| {
            !head.is_empty() && top.len() >= 2 && top.bytes().all(|byte| byte.is_ascii_alphanumeric())
        }) && host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-'))
    };
    if let Some((scheme, rest)) = word.split_once("://") {
        return scheme != "file" && !rest.is_empty();
    }
    let host = word.rsplit_once('@').map_or(word, |(_, host)| host);
    match host.split_once(':') {
        Some((host, port)) => {
            named(host) && port.starts_with(|c: char| c.is_ascii_digit() || c == '/' || c.is_ascii_alphabetic())
        }
        None => word.contains('@') && named(host),
    }
}

/// A word that plainly names a file.
pub(crate) fn is_place(word: &str) -> bool {
    let word = word.trim_start_matches('@');
    word.len() > 1
        && !word.starts_with('-')
        && (word.starts_with(['/', '~'])
            || word.starts_with("./")
            || word.starts_with("../")
            || crate::verbs::has_extension(word))
}

/// Whether an option that is not listed may well name something to run.
pub(crate) fn sounds_like_running(option: &str) -> bool {
    const WORDS: &[&str] = &[
        "exec", "command", "cmd", "script", "plugin", "plugins", "hook", "hooks", "eval", "shell", "program",
        "execute", "pager", "editor", "rsh", "lua", "python", "perl", "preload", "library",
    ];
    let begins = |word: &str| option == word || option.strip_prefix(word).is_some_and(|rest| rest.starts_with('-'));
    !option.starts_with("no-") && (option.split('-').any(|word| WORDS.contains(&word)) || begins("run") || begins("on"))
}

/// Whether a word is an address by number: `203.0.113.9`, with a port or a range perhaps, or one of version 6.
pub(crate) fn is_numeric_address(word: &str) -> bool {
    let host = word.rsplit_once('@').map_or(word, |(_, host)| host);
    let host = host.split(['/', ':']).next().unwrap_or(host);
    let parts = host.split('.').filter(|part| part.parse::<u8>().is_ok()).count();
    let dotted = parts == 4 && host.matches('.').count() == 3;
    dotted || (word.matches(':').count() >= 2 && word.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b':'))
}

/// Whether a word is a number, with a sign, a unit or a fraction.
pub(crate) fn is_number(text: &str) -> bool {
    let digits = text.trim_start_matches(['+', '-']);
    let digits = digits.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == '%');
    digits.starts_with(|c: char| c.is_ascii_digit())
        && digits.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | ':' | 'x' | ',' | '-'))
}
