//! Time-based one-time passwords (RFC 6238 over HMAC-SHA-1 of RFC 4226): six digits, steps of thirty seconds.

use std::fmt;

use data_encoding::BASE32_NOPAD;
use hmac::{Hmac, Mac as _};
use sha1::Sha1;

/// Length of a step, in seconds.
const STEP_S: u64 = 30;

/// How many steps a clock may be off, either way.
const DRIFT_STEPS: u64 = 1;

/// A reviewer's shared secret: 20 bytes, as RFC 4226 §4 recommends.
#[derive(Clone, PartialEq, Eq)]
pub struct TotpSecret([u8; 20]);

/// Why a code is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TotpRefused {
    /// Not the code of any step that is allowed now.
    Wrong,
    /// The code of this step, or of a later one, was used already (RFC 6238 §5.2).
    Used,
}

impl fmt::Display for TotpRefused {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Wrong => "the code is wrong",
            Self::Used => "the code was used already; wait for the next one",
        })
    }
}

impl std::error::Error for TotpRefused {}

impl TotpSecret {
    /// A secret from random bytes.
    pub const fn new(bytes: [u8; 20]) -> Self {
        Self(bytes)
    }

    /// The bytes, for storing.
    pub const fn as_bytes(&self) -> &[u8; 20] {
        &self.0
    }

    /// The secret as authenticator apps take it (base 32, RFC 4648 §6).
    pub fn to_base32(&self) -> String {
        BASE32_NOPAD.encode(&self.0)
    }

    /// Reads base 32.
    pub fn from_base32(text: &str) -> Option<Self> {
        Some(Self(BASE32_NOPAD.decode(text.trim().as_bytes()).ok()?.try_into().ok()?))
    }

    /// The key URI that authenticator apps read from a QR code.
    pub fn uri(&self, reviewer: &str) -> String {
        format!("otpauth://totp/Countersign:{reviewer}?secret={}&issuer=Countersign", self.to_base32())
    }

    /// Checks a code at a time; gives the step it belongs to, which must then be remembered as used.
    pub fn check(&self, code: &str, at_ms: u64, last_used_step: Option<u64>) -> Result<u64, TotpRefused> {
        let now = at_ms / 1000 / STEP_S;
        let mut found = None;
        for step in now.saturating_sub(DRIFT_STEPS)..=now.saturating_add(DRIFT_STEPS) {
            // Every allowed step is computed and compared whole, so that timing says nothing.
            let expected = self.code(step);
            let same = expected.len() == code.len()
                && expected.bytes().zip(code.bytes()).fold(0_u8, |differs, (a, b)| differs | (a ^ b)) == 0;
            if same {
                found = Some(step);
            }
        }
        let step = found.ok_or(TotpRefused::Wrong)?;
        if last_used_step.is_some_and(|last| step <= last) { Err(TotpRefused::Used) } else { Ok(step) }
    }

    fn code(&self, step: u64) -> String {
        let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(&self.0) else { return String::new() };
        mac.update(&step.to_be_bytes());
        let hash = mac.finalize().into_bytes();
        // RFC 4226 §5.3: four bytes at the offset that the last four bits give, without the sign bit.
        let offset = usize::from(hash.last().copied().unwrap_or(0) & 0xf);
        let number = hash.iter().skip(offset).take(4).fold(0_u32, |number, byte| (number << 8) | u32::from(*byte));
        format!("{:06}", (number & 0x7fff_ffff) % 1_000_000)
    }
}

/// The code at a time: what an authenticator app shows.
pub fn code_at(secret: &TotpSecret, at_ms: u64) -> String {
    secret.code(at_ms / 1000 / STEP_S)
}

#[cfg(test)]
mod tests {
    use super::{TotpRefused, TotpSecret, code_at};

    #[test]
    fn codes_are_those_of_rfc_6238_appendix_b() {
        let secret = TotpSecret::new(*b"12345678901234567890");
        for (seconds, code) in
            [(59, "287082"), (1_111_111_109, "081804"), (1_234_567_890, "005924"), (2_000_000_000, "279037")]
        {
            assert_eq!(code_at(&secret, seconds * 1000), code);
        }
    }

    #[test]
    fn a_code_is_used_once_and_not_for_long() {
        let secret = TotpSecret::new([7; 20]);
        let now = 1_700_000_000_000;
        let code = code_at(&secret, now);
        let step = secret.check(&code, now, None).unwrap();
        assert_eq!(secret.check(&code, now, Some(step)), Err(TotpRefused::Used));
        assert_eq!(secret.check(&code, now + 29_000, Some(step)), Err(TotpRefused::Used));
        assert_eq!(secret.check(&code, now + 120_000, None), Err(TotpRefused::Wrong));
        assert_eq!(secret.check("000000", now, None).is_ok(), code == "000000");
        assert_eq!(secret.check("", now, None), Err(TotpRefused::Wrong));
    }
}
