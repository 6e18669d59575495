//! Signatures over what is sent and heard: HMAC-SHA-256 (RFC 2104) over a time and a body, so that neither can be changed or sent later.

use data_encoding::HEXLOWER;
use hmac::{Hmac, Mac as _};
use sha2::Sha256;

fn mac(secret: &[u8], parts: &[&[u8]]) -> Hmac<Sha256> {
    // A key of any length is one (RFC 2104 §2), so there is none to refuse.
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).unwrap_or_else(|_| Hmac::new(&Default::default()));
    parts.iter().for_each(|part| mac.update(part));
    mac
}

/// The header `Countersign-Signature` of a request that we send: `t=SECONDS,v1=HEX`, over `SECONDS.BODY`.
pub fn sign(secret: &[u8], at_s: u64, body: &[u8]) -> String {
    let code = mac(secret, &[at_s.to_string().as_bytes(), b".", body]).finalize().into_bytes();
    format!("t={at_s},v1={}", HEXLOWER.encode(&code))
}

/// Whether a code is over a body. Compared in constant time.
pub(crate) fn is_over(secret: &[u8], body: &[u8], code: &[u8]) -> bool {
    !secret.is_empty() && mac(secret, &[body]).verify_slice(code).is_ok()
}

/// Whether `v0=HEX` is Slack's signature over `v0:SECONDS:BODY`. Compared in constant time.
pub(crate) fn is_slacks(secret: &[u8], at_s: &str, body: &[u8], signature: &str) -> bool {
    let Some(code) = signature.strip_prefix("v0=").and_then(|hex| HEXLOWER.decode(hex.as_bytes()).ok()) else {
        return false;
    };
    !secret.is_empty() && mac(secret, &[b"v0:", at_s.as_bytes(), b":", body]).verify_slice(&code).is_ok()
}
