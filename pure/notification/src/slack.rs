//! Clicks in Slack: a form, signed by Slack with the app's secret (Slack's "Verifying requests": v0 signatures, five minutes).

use std::fmt;

use serde_json::Value;

use crate::signature::is_slacks;

/// How old a click may be, in seconds, and how far Slack's clock may be ahead.
const WINDOW_S: u64 = 300;

/// A click whose signature holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Click {
    /// Slack's id of the person who clicked.
    pub user: String,
    /// `approve` or `deny`.
    pub said: String,
    /// The hold.
    pub hold: String,
    /// The digest of the request that the message was about.
    pub request: String,
}

/// Why a click is none.
#[derive(Debug, PartialEq, Eq)]
pub enum NoClick {
    /// It is not signed with the app's secret.
    Signature,
    /// It is too old, or from the future: one that was caught and sent again.
    Time,
    /// It is not a click on one of our buttons.
    Form,
}

impl fmt::Display for NoClick {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Signature => "this is not signed by Slack",
            Self::Time => "this was sent too long ago",
            Self::Form => "this is not a click on one of our buttons",
        })
    }
}

impl std::error::Error for NoClick {}

/// Reads a click: the headers `X-Slack-Request-Timestamp` and `X-Slack-Signature`, and the body as it came.
///
/// # Errors
/// It is forged, replayed later, or something else.
pub fn read_click(secret: &[u8], at_s: &str, signature: &str, body: &[u8], now_s: u64) -> Result<Click, NoClick> {
    if !is_slacks(secret, at_s, body, signature) {
        return Err(NoClick::Signature);
    }
    let at: u64 = at_s.parse().map_err(|_| NoClick::Time)?;
    if now_s.abs_diff(at) > WINDOW_S {
        return Err(NoClick::Time);
    }
    let body = std::str::from_utf8(body).map_err(|_| NoClick::Form)?;
    let payload = body.split('&').find_map(|pair| pair.strip_prefix("payload=")).ok_or(NoClick::Form)?;
    let payload: Value = serde_json::from_slice(&decoded(payload).ok_or(NoClick::Form)?).map_err(|_| NoClick::Form)?;
    let text = |pointer: &str| payload.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let value = text("/actions/0/value").ok_or(NoClick::Form)?;
    let mut words = value.split(' ').map(str::to_owned);
    let (said, hold, request) = (words.next(), words.next(), words.next());
    match (text("/type").as_deref(), text("/user/id"), said, hold, request) {
        (Some("block_actions"), Some(user), Some(said), Some(hold), Some(request)) if words.next().is_none() => {
            Ok(Click { user, said, hold, request })
        }
        _ => Err(NoClick::Form),
    }
}

/// Undoes the encoding of a form (`application/x-www-form-urlencoded`).
fn decoded(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'+' => out.push(b' '),
            b'%' => {
                let digits = [bytes.next()?, bytes.next()?];
                out.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
            }
            _ => out.push(byte),
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::{NoClick, read_click};
    use data_encoding::HEXLOWER;
    use hmac::{Hmac, Mac as _};
    use sha2::Sha256;

    const SECRET: &[u8] = b"8f742231b10e8888abcd99yyyzzz85a5";

    fn signature(secret: &[u8], at: &str, body: &str) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret).unwrap();
        mac.update(format!("v0:{at}:{body}").as_bytes());
        format!("v0={}", HEXLOWER.encode(&mac.finalize().into_bytes()))
    }

    fn body(value: &str) -> String {
        let json = format!(r#"{{"type":"block_actions","user":{{"id":"U1"}},"actions":[{{"value":"{value}"}}]}}"#);
        let encoded: String = json.bytes().map(|byte| format!("%{byte:02X}")).collect();
        format!("payload={encoded}")
    }

    #[test]
    fn slacks_own_example_holds() {
        // From Slack's documentation of request signing.
        let body = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
        let known = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503";
        assert!(crate::signature::is_slacks(SECRET, "1531420618", body.as_bytes(), known));
        assert_eq!(read_click(SECRET, "1531420618", known, body.as_bytes(), 1_531_420_700), Err(NoClick::Form));
    }

    #[test]
    fn forged_replayed_and_foreign_clicks_are_none() {
        let body = body("deny hold_1 abc");
        let good = signature(SECRET, "1000", &body);
        let read = |at: &str, signature: &str, body: &str, now| read_click(SECRET, at, signature, body.as_bytes(), now);
        let click = read("1000", &good, &body, 1_010).unwrap();
        assert_eq!((click.user.as_str(), click.said.as_str(), click.hold.as_str()), ("U1", "deny", "hold_1"));
        assert_eq!(read("1000", &signature(b"other", "1000", &body), &body, 1_010), Err(NoClick::Signature));
        assert_eq!(read("1000", &good, &format!("{body}&more=1"), 1_010), Err(NoClick::Signature));
        assert_eq!(read("1001", &good, &body, 1_010), Err(NoClick::Signature));
        assert_eq!(read("1000", &good, &body, 1_301), Err(NoClick::Time));
        assert_eq!(read("1000", &good, &body, 600), Err(NoClick::Time));
        assert_eq!(read("1000", "", &body, 1_010), Err(NoClick::Signature));
        assert!(read_click(b"", "1000", &signature(b"", "1000", &body), body.as_bytes(), 1_010).is_err());
        let odd = self::body("deny hold_1");
        assert_eq!(read("1000", &signature(SECRET, "1000", &odd), &odd, 1_010), Err(NoClick::Form));
    }
}
