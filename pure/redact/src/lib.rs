//! Secrets in text, found and masked before anything is stored or shown.
//!
//! Tokens known by how they begin (`secrets.toml`), private key blocks, credentials in URLs and in
//! `Authorization` headers, and values given to options and variables that are named after secrets. One pass over the text;
//! at each place where a token can begin, only the prefixes with that first letter are tried.

use std::fmt::Write as _;
use std::ops::Range;

use model::Digest;

include!(concat!(env!("OUT_DIR"), "/tables.rs"));

/// The text with every secret replaced by `‹kind:LENGTH:DIGEST›`, where DIGEST is the start of its SHA-256 under a
/// salt of the caller's, so that equal secrets look equal and nothing else can be learned.
pub fn mask(text: &str, salt: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    for Secret { place, kind } in find(text) {
        out.push_str(text.get(from..place.start).unwrap_or_default());
        let secret = text.get(place.clone()).unwrap_or_default();
        if kind == KEY_BLOCK {
            out.push_str("‹private-key›");
        } else {
            let digest = Digest::within(salt, secret.as_bytes()).to_string();
            // Writing into a `String` cannot fail.
            let _ = write!(out, "‹{kind}:{}:{}›", secret.len(), digest.get(..8).unwrap_or(""));
        }
        from = place.end;
    }
    out.push_str(text.get(from..).unwrap_or_default());
    out
}

/// A secret in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Secret {
    /// Its bytes.
    pub place: Range<usize>,
    /// What kind it is.
    pub kind: &'static str,
}

/// The kind of a block with a private key.
const KEY_BLOCK: &str = "private-key";

/// How many bytes before a token are looked at for a name that says *secret*.
const CONTEXT_BYTES: usize = 40;

/// Every secret in a text, in order.
pub fn find(text: &str) -> Vec<Secret> {
    let mut found = Vec::new();
    let mut from = 0;
    for block in key_blocks(text) {
        tokens(text, from..block.start, &mut found);
        from = block.end;
        found.push(Secret { place: block, kind: KEY_BLOCK });
    }
    tokens(text, from..text.len(), &mut found);
    found
}

/// Secrets that are tokens, in one part of a text.
fn tokens(text: &str, part: Range<usize>, found: &mut Vec<Secret>) {
    let mut at = part.start;
    while let Some((before, token, _)) = text.get(at..part.end).and_then(next_token) {
        let start = at.saturating_add(before.len());
        if let Some((kind, head, secret)) = kind_of(token, &context(text, start)) {
            let begin = start.saturating_add(head.len());
            found.push(Secret { place: begin..begin.saturating_add(secret.len()), kind });
        }
        at = start.saturating_add(token.len());
    }
}

/// The text before a token, lower case: the place of a name that says *secret*.
fn context(text: &str, start: usize) -> String {
    let mut from = start.saturating_sub(CONTEXT_BYTES);
    while !text.is_char_boundary(from) {
        from = from.saturating_add(1);
    }
    text.get(from..start).unwrap_or_default().to_ascii_lowercase()
}

/// Splits off the next run of characters that a token can be made of.
fn next_token(text: &str) -> Option<(&str, &str, &str)> {
    let part = |c: char| {
        c.is_alphanumeric()
            || matches!(c, '_' | '-' | '.' | '+' | '/' | '=' | '~' | '%' | ':' | '@' | '!' | '#' | '^' | '*' | '$')
    };
    let start = text.find(part)?;
    let (before, from) = text.split_at_checked(start)?;
    let end = from.find(|c: char| !part(c)).unwrap_or(from.len());
    let (token, after) = from.split_at_checked(end)?;
    Some((before, token, after))
}

/// What kind of secret a token holds: its kind, the text before the secret, and the secret.
fn kind_of<'a>(token: &'a str, context: &str) -> Option<(&'static str, &'a str, &'a str)> {
    // A URL with credentials: scheme://user:password@host
    if let Some((scheme, rest)) = token.split_once("://")
        && let Some((userinfo, _)) = rest.split_once('@')
        && let Some((user, password)) = userinfo.split_once(':')
        && !password.is_empty()
    {
        let head = scheme.len().saturating_add(3).saturating_add(user.len()).saturating_add(1);
        return Some(("url-password", token.get(..head)?, password));
    }
    // NAME=value and --name=value
    let (name, value) = token.split_once(['=', ':']).unwrap_or(("", token));
    let value_head = token.len().saturating_sub(value.len());
    if let Some((at, kind)) = issued(token) {
        return Some((kind, token.get(..at)?, token.get(at..)?));
    }
    let says_secret = |text: &str| SECRET_NAMES.iter().find(|(word, _)| text.contains(word)).map(|(_, kind)| *kind);
    if value_head > 0
        && value.len() >= 4
        && !value.starts_with('$')
        && let Some(kind) = says_secret(&name.to_ascii_lowercase())
    {
        return Some((kind, token.get(..value_head)?, value));
    }
    let previous = context.trim_end().trim_end_matches([':', '"', '\'', '=', ' ']);
    let last_word = previous.rsplit(|c: char| c.is_whitespace() || c == '"' || c == '\'').next().unwrap_or("");
    let kind = match last_word {
        "bearer" | "basic" => Some("authorization"),
        option if option.starts_with("--") => says_secret(option),
        _ => None,
    };
    kind.filter(|_| token.len() >= 4 && value_head == 0 && !token.starts_with('-')).map(|kind| (kind, "", token))
}

/// Where in a value a token begins that some issuer hands out, and of which kind it is.
fn issued(value: &str) -> Option<(usize, &'static str)> {
    let mut before = None;
    for (at, first) in value.char_indices() {
        let begins = before.is_none_or(|c: char| !c.is_alphanumeric());
        before = Some(first);
        let candidates = usize::try_from(u32::from(first)).ok().and_then(|byte| SECRET_PREFIXES_BY_BYTE.get(byte));
        let rest = value.get(at..)?;
        // A host in a webhook's address, or a dot, may stand in the middle of a word.
        for (prefix, least, kind) in candidates
            .into_iter()
            .flat_map(|list| list.iter())
            .filter_map(|number| SECRET_PREFIXES.get(usize::from(*number)))
        {
            if (begins || first == '.') && rest.len() >= *least && rest.starts_with(prefix) {
                return Some((at, kind));
            }
        }
    }
    None
}

/// How many kinds of secrets are known, in addition to private key blocks and passwords in URLs.
pub fn kinds() -> usize {
    let kinds: std::collections::BTreeSet<&str> =
        SECRET_PREFIXES.iter().map(|(_, _, kind)| *kind).chain(SECRET_NAMES.iter().map(|(_, kind)| *kind)).collect();
    kinds.len()
}

/// The PEM blocks of private keys (RFC 7468); one that does not end goes to the end of the text.
fn key_blocks(text: &str) -> Vec<Range<usize>> {
    const BEGIN: &str = "-----BEGIN ";
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(begin) = text.get(at..).and_then(|rest| rest.find(BEGIN)) {
        let start = at.saturating_add(begin);
        let inside = start.saturating_add(BEGIN.len());
        let block = text.get(inside..).unwrap_or_default();
        let label = block.split("-----").next().unwrap_or("");
        at = inside;
        if label.len() < 80 && label.contains("PRIVATE KEY") {
            let end = block.split_once("-----END ").and_then(|(_, after)| after.split_once("-----"));
            at = end.map_or(text.len(), |(_, after)| text.len().saturating_sub(after.len()));
            found.push(start..at);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::{SECRET_PREFIXES, kinds, mask};

    #[test]
    fn secrets_are_gone_and_the_rest_stays() {
        for (text, secret) in [
            (
                "curl -H 'Authorization: Bearer sk_live_4eC39HqLyjWDarjtT1zdp7dc' https://h/",
                "sk_live_4eC39HqLyjWDarjtT1zdp7dc",
            ),
            ("git clone https://bob:hunter22@h/r", "hunter22"),
            ("mysql --password=geheim123 db", "geheim123"),
            ("login --token abcd1234efgh", "abcd1234efgh"),
            (
                "export AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY",
                "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY",
            ),
            ("x=ghp_0123456789abcdefghijABCDEFGHIJ012345", "ghp_0123456789abcdefghijABCDEFGHIJ012345"),
            ("echo '-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNza\n-----END OPENSSH PRIVATE KEY-----'", "b3BlbnNza"),
        ] {
            let masked = mask(text, "salt");
            assert!(!masked.contains(secret), "{masked}");
            assert!(masked.contains('‹'), "{masked}");
        }
    }

    #[test]
    fn every_issued_kind_is_found_where_it_stands() {
        assert!(kinds() >= 150, "only {} kinds", kinds());
        for (prefix, least, _) in SECRET_PREFIXES {
            let token = format!("{prefix}{}", "aB3".repeat(*least));
            for text in [
                format!("tool {token}"),
                format!("X={token}"),
                format!("curl 'https://h/?k={token}'"),
                format!("echo \"{token}\" end"),
            ] {
                let masked = mask(&text, "salt");
                let tail = token.get(prefix.len()..).unwrap_or("");
                assert!(!masked.contains(tail), "{masked}");
            }
        }
    }

    #[test]
    fn a_long_text_of_beginnings_takes_one_pass() {
        let text = "-----BEGIN sk-ghp_ eyJ xoxb- ".repeat(20_000);
        assert!(mask(&text, "salt").len() >= text.len());
    }

    #[test]
    fn ordinary_text_is_left_alone() {
        for text in [
            "ls -la /tmp",
            "git log --format=%H",
            "grep -r token src/",
            "echo $PASSWORD",
            "cat a=b.txt",
            "curl https://h:8080/x",
        ] {
            assert_eq!(mask(text, "salt"), text);
        }
    }
}
