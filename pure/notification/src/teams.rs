//! Answers written in Teams, to an outgoing webhook: a message that mentions it comes as JSON, signed with the token that Teams gave out
//! when the webhook was made (Microsoft's "Create Outgoing Webhooks": `Authorization: HMAC BASE64`, HMAC-SHA-256 over the body).
//!
//! Buttons of a card would come through a bot, with a token that says who sends them and does not cover what was clicked: a
//! relay could attach any answer to it. This signature covers the whole message.

use std::fmt;

use data_encoding::BASE64;
use jiff::Timestamp;
use serde_json::Value;

use crate::signature::is_over;

/// How old a message may be, in seconds, and how far the clock of Teams may be ahead.
const WINDOW_S: u64 = 300;

/// The length of a hold's code, in characters.
pub const CODE_LENGTH: usize = 8;

/// A message whose signature holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The author's id in their organisation's directory (`aadObjectId`).
    pub user: String,
    /// The first word: `approve`, `deny` or `ask`.
    pub said: String,
    /// The second: the hold's code, in small letters.
    pub code: String,
    /// What follows.
    pub words: String,
}

/// Why a message is none.
#[derive(Debug, PartialEq, Eq)]
pub enum NotWritten {
    /// It is not signed with the webhook's token.
    Signature,
    /// It is too old, or from the future: one that was caught and sent again.
    Time,
    /// It is no message of a person.
    Form,
}

impl fmt::Display for NotWritten {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Signature => "this is not signed by Teams",
            Self::Time => "this was sent too long ago",
            Self::Form => "this is not a message of a person in Teams",
        })
    }
}

impl std::error::Error for NotWritten {}

/// The code by which people in chat name a hold: the end of its id, which the daemon drew. Who asks has no say in it.
pub fn code_of(hold: &str) -> String {
    let start = hold.len().saturating_sub(CODE_LENGTH);
    hold.get(start..).unwrap_or(hold).to_ascii_lowercase()
}

/// Reads a message: the header `Authorization`, and the body as it came. `token` is in base64, as Teams shows it.
///
/// # Errors
/// It is forged, replayed later, or something else.
pub fn read_written(token: &str, authorization: &str, body: &[u8], now_s: u64) -> Result<Written, NotWritten> {
    let secret = BASE64.decode(token.as_bytes()).map_err(|_| NotWritten::Signature)?;
    let code = authorization.strip_prefix("HMAC ").and_then(|code| BASE64.decode(code.as_bytes()).ok());
    if !code.is_some_and(|code| is_over(&secret, body, &code)) {
        return Err(NotWritten::Signature);
    }
    let message: Value = serde_json::from_slice(body).map_err(|_| NotWritten::Form)?;
    let text = |pointer: &str| message.pointer(pointer).and_then(Value::as_str).ok_or(NotWritten::Form);
    let at: Timestamp = text("/timestamp")?.parse().map_err(|_| NotWritten::Time)?;
    if !u64::try_from(at.as_second()).is_ok_and(|at| now_s.abs_diff(at) <= WINDOW_S) {
        return Err(NotWritten::Time);
    }
    if text("/type")? != "message" {
        return Err(NotWritten::Form);
    }
    let written = plain(text("/text")?);
    let mut words = written.split_whitespace();
    let mut word = || words.next().unwrap_or_default().to_ascii_lowercase();
    let (said, code) = (word(), word());
    let words = words.collect::<Vec<_>>().join(" ");
    Ok(Written { user: text("/from/aadObjectId")?.to_owned(), said, code, words })
}

/// A text of Teams without its markup: mentions are left out, the content of other elements is kept.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, tag)) = rest.split_once('<') {
        out.push_str(before);
        let Some((tag, after)) = tag.split_once('>') else {
            out.push('<');
            rest = tag;
            continue;
        };
        let is_mention = tag == "at" || tag.starts_with("at ");
        rest = if is_mention { after.split_once("</at>").map_or("", |(_, after)| after) } else { after };
        out.push(' ');
    }
    out.push_str(rest);
    // `&amp;` last, so that nothing is undone twice.
    let named = [("&nbsp;", " "), ("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")];
    named.iter().fold(out, |text, (name, character)| text.replace(name, character))
}

#[cfg(test)]
mod tests {
    use super::{NotWritten, Written, code_of, plain, read_written};
    use data_encoding::BASE64;
    use hmac::{Hmac, Mac as _};
    use sha2::Sha256;

    const TOKEN: &str = "c2VjcmV0IG9mIHRlYW1z";

    fn signed(token: &str, body: &str) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(&BASE64.decode(token.as_bytes()).unwrap()).unwrap();
        mac.update(body.as_bytes());
        format!("HMAC {}", BASE64.encode(&mac.finalize().into_bytes()))
    }

    /// As Microsoft's documentation shows a message, shortened.
    fn body(text: &str) -> String {
        serde_json::json!({"type": "message", "id": "1485983408511", "timestamp": "2017-02-01T21:10:07.437Z", "channelId": "msteams",
            "from": {"id": "29:1XJKJ", "name": "Rita", "aadObjectId": "00000000-1111"}, "text": text})
        .to_string()
    }

    const AT: u64 = 1_485_983_407;

    #[test]
    fn the_known_answer_of_another_implementation() {
        // printf %s '{"a":1}' | openssl dgst -sha256 -mac HMAC -macopt hexkey:736563726574206f66207465616d73 -binary | base64
        assert_eq!(signed(TOKEN, "{\"a\":1}"), "HMAC LHzTlSFYIJEPxL/5WhquGozJfiOH+lG9CSkv8hbKJjY=");
    }

    #[test]
    fn a_message_is_an_answer_a_code_and_words() {
        let read = |text: &str| {
            let body = body(text);
            read_written(TOKEN, &signed(TOKEN, &body), body.as_bytes(), AT + 10).unwrap()
        };
        let expected = Written {
            user: "00000000-1111".to_owned(),
            said: "deny".to_owned(),
            code: "7xpa3k2q".to_owned(),
            words: "use ./old & <nothing> else".to_owned(),
        };
        let texts = [
            "<at>Countersign</at> deny 7XPA3K2Q use ./old &amp; &lt;nothing&gt; else\n",
            "<p><at id=\"0\">Gate</at>&nbsp;Deny&nbsp;7xpa3k2q <b>use</b> ./old &amp; &lt;nothing&gt; else</p>",
            "deny 7xpa3k2q use ./old &amp; &lt;nothing&gt; else",
        ];
        for text in texts {
            assert_eq!(read(text), expected, "{text}");
        }
        assert_eq!(plain("&amp;lt;b&amp;gt; <at>never closed deny x"), "&lt;b&gt;  ");
        assert_eq!(read("<at>Countersign</at>").said, "");
        assert_eq!(code_of("hold_01jabcdefghjkmnpqrstvwxyz0"), "stvwxyz0");
    }

    #[test]
    fn forged_replayed_and_foreign_messages_are_none() {
        let body = body("deny 7xpa3k2q");
        let good = signed(TOKEN, &body);
        let read = |token: &str, header: &str, body: &str, now| read_written(token, header, body.as_bytes(), now);
        assert!(read(TOKEN, &good, &body, AT).is_ok());
        for (token, header, text) in [
            (TOKEN, signed("b3RoZXI=", &body), body.clone()),
            (TOKEN, good.clone(), body.replace("deny", "approve")),
            (TOKEN, good.replace("HMAC ", "Bearer "), body.clone()),
            (TOKEN, String::new(), body.clone()),
            ("", signed("", &body), body.clone()),
            ("not base64!", good.clone(), body.clone()),
        ] {
            assert_eq!(read(token, &header, &text, AT), Err(NotWritten::Signature), "{header}");
        }
        assert_eq!(read(TOKEN, &good, &body, AT + 301), Err(NotWritten::Time));
        assert_eq!(read(TOKEN, &good, &body, AT - 301), Err(NotWritten::Time));
        for odd in [body.replace("\"message\"", "\"invoke\""), body.replace("aadObjectId", "other"), "[]".to_owned()] {
            assert_eq!(read(TOKEN, &signed(TOKEN, &odd), &odd, AT), Err(NotWritten::Form), "{odd}");
        }
    }
}
