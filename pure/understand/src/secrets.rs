//! Secrets in text, found and masked before anything is stored or shown.
//!
//! A first set of kinds: tokens known by their prefix, private key blocks, credentials in URLs and in
//! `Authorization` headers, and values given to options and variables that are named after secrets.

use std::fmt::Write as _;

use model::Digest;

/// Prefixes of issued tokens and how long such a token is at least, prefix included.
const PREFIXES: &[(&str, usize, &str)] = &[
    ("AKIA", 20, "aws-key-id"),
    ("ASIA", 20, "aws-key-id"),
    ("ghp_", 30, "github-token"),
    ("gho_", 30, "github-token"),
    ("ghs_", 30, "github-token"),
    ("ghu_", 30, "github-token"),
    ("github_pat_", 40, "github-token"),
    ("glpat-", 20, "gitlab-token"),
    ("xoxb-", 20, "slack-token"),
    ("xoxp-", 20, "slack-token"),
    ("xoxa-", 20, "slack-token"),
    ("sk_live_", 16, "stripe-key"),
    ("sk_test_", 16, "stripe-key"),
    ("rk_live_", 16, "stripe-key"),
    ("sk-ant-", 20, "anthropic-key"),
    ("sk-proj-", 20, "openai-key"),
    ("sk-", 32, "api-key"),
    ("AIza", 35, "google-api-key"),
    ("ya29.", 20, "google-token"),
    ("npm_", 30, "npm-token"),
    ("pypi-", 40, "pypi-token"),
    ("dop_v1_", 40, "digitalocean-token"),
    ("hf_", 30, "huggingface-token"),
    ("SG.", 40, "sendgrid-key"),
    ("eyJ", 40, "json-web-token"),
    ("csk_", 20, "countersign-agent-key"),
];

/// Words in the name of an option, a variable or a header that say its value is a secret.
const NAMES: &[&str] = &[
    "password",
    "passwd",
    "secret",
    "token",
    "apikey",
    "api_key",
    "api-key",
    "access_key",
    "private_key",
    "authorization",
];

/// The text with every secret replaced by `‹kind:LENGTH:DIGEST›`, where DIGEST is the start of its SHA-256 under a
/// salt of the caller's, so that equal secrets look equal and nothing else can be learned.
pub fn mask(text: &str, salt: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, token, after)) = next_token(rest) {
        let context = out_tail(&out, before);
        out.push_str(before);
        match kind_of(token, &context) {
            Some((kind, head, secret)) => {
                out.push_str(head);
                let digest = Digest::within(salt, secret.as_bytes()).to_string();
                // Writing into a `String` cannot fail.
                let _ = write!(out, "‹{kind}:{}:{}›", secret.len(), digest.get(..8).unwrap_or(""));
                if let Some(tail) = token.get(head.len().saturating_add(secret.len())..) {
                    out.push_str(tail);
                }
            }
            None => out.push_str(token),
        }
        rest = after;
    }
    out.push_str(rest);
    mask_key_blocks(&out)
}

/// Splits off the next run of characters that a token can be made of.
fn next_token(text: &str) -> Option<(&str, &str, &str)> {
    let part = |c: char| {
        c.is_alphanumeric()
            || matches!(c, '_' | '-' | '.' | '+' | '/' | '=' | '~' | '%' | ':' | '@' | '!' | '#' | '^' | '*')
    };
    let start = text.find(part)?;
    let (before, from) = text.split_at_checked(start)?;
    let end = from.find(|c: char| !part(c)).unwrap_or(from.len());
    let (token, after) = from.split_at_checked(end)?;
    Some((before, token, after))
}

/// The last characters before a token, lower case: where a name that says *secret* would stand.
fn out_tail(out: &str, before: &str) -> String {
    let joined: String = out.chars().rev().take(40).collect::<Vec<_>>().into_iter().rev().collect();
    (joined + before).to_ascii_lowercase()
}

/// What kind of secret a token holds: its kind, what stands before the secret, and the secret.
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
    for (prefix, least, kind) in PREFIXES {
        if let Some(at) = value.find(prefix)
            && value.get(at..).is_some_and(|found| found.len() >= *least)
            && value.get(..at).is_some_and(|before| !before.ends_with(|c: char| c.is_ascii_alphanumeric()))
        {
            let head = value_head.saturating_add(at);
            return Some((kind, token.get(..head)?, token.get(head..)?));
        }
    }
    let says_secret = |text: &str| NAMES.iter().any(|word| text.contains(word));
    if value_head > 0 && value.len() >= 4 && says_secret(&name.to_ascii_lowercase()) && !value.starts_with('$') {
        return Some(("named-secret", token.get(..value_head)?, value));
    }
    let previous = context.trim_end().trim_end_matches([':', '"', '\'', '=', ' ']);
    let last_word = previous.rsplit(|c: char| c.is_whitespace() || c == '"' || c == '\'').next().unwrap_or("");
    let follows =
        last_word == "bearer" || last_word == "basic" || (last_word.starts_with("--") && says_secret(last_word));
    (follows && token.len() >= 4 && value_head == 0 && !token.starts_with('-')).then_some(("named-secret", "", token))
}

/// Replaces the body of PEM blocks of private keys (RFC 7468).
fn mask_key_blocks(text: &str) -> String {
    let Some(start) = text.find("-----BEGIN ") else { return text.to_owned() };
    let (before, block) = text.split_at_checked(start).unwrap_or((text, ""));
    let label = block.get(11..).and_then(|rest| rest.split("-----").next()).unwrap_or("");
    if !label.contains("PRIVATE KEY") {
        return text.to_owned();
    }
    let end = block
        .find("-----END ")
        .and_then(|at| block.get(at..))
        .and_then(|rest| rest.get(9..))
        .and_then(|rest| rest.split_once("-----"));
    let after = end.map_or("", |(_, after)| after);
    format!("{before}‹private-key›{}", mask_key_blocks(after))
}

#[cfg(test)]
mod tests {
    use super::mask;

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
