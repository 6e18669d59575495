//! Answers signed with a passkey (W3C Web Authentication Level 3), as browsers and security keys make them.
//!
//! The challenge is not random: it is the digest of [`crate::AnswerStatement`], the words of the answer, so that a signature can be checked by
//! anyone later and is valid for nothing else. Only what people's authenticators do today is read: ES256 and Ed25519 keys, no attestation
//! (enrolment settles who a person is), and the person verified by the authenticator (PIN, finger, face).

use std::fmt;

use ciborium::Value as Cbor;
use data_encoding::BASE64URL_NOPAD;
use p256::ecdsa::signature::Verifier as _;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

/// Where our page lives, as browsers see it. A passkey belongs to one such place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    host: String,
}

/// Why a passkey or a signature of it is refused.
#[derive(Debug, PartialEq, Eq)]
pub enum PasskeyRefused {
    /// What the browser sent cannot be read.
    Form,
    /// It was made for something else: another challenge, another page, another purpose.
    Purpose,
    /// The authenticator did not look who is before it.
    Unverified,
    /// Not an ES256 or Ed25519 key.
    Key,
    /// The signature is not by this key over this.
    Wrong,
    /// The authenticator counts backwards: there is a copy of it.
    Copied,
}

impl fmt::Display for PasskeyRefused {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Form => "what the browser sent of the passkey cannot be read",
            Self::Purpose => {
                "the passkey signed for something else: what was shown is not what waits, or another page asked"
            }
            Self::Unverified => "the authenticator did not verify who is before it; set a PIN, a finger or a face",
            Self::Key => "this authenticator makes keys of a kind that we do not check (ES256 and Ed25519 are)",
            Self::Wrong => "the signature is not by this passkey",
            Self::Copied => "the authenticator's counter went backwards: there may be a copy of it",
        })
    }
}

impl std::error::Error for PasskeyRefused {}

impl Site {
    /// A host name, as in the address of the page. `localhost` is this machine without TLS; every other takes TLS.
    pub fn new(host: &str) -> Option<Self> {
        let is_name = |part: &str| {
            !part.is_empty()
                && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        };
        let is_number = host.rsplit('.').next().is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit()));
        let good = host.len() <= 253 && host.split('.').all(is_name) && !is_number;
        good.then(|| Self { host: host.to_owned() })
    }

    /// The name that passkeys are bound to (the "relying party ID").
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Whether a page's origin is ours.
    fn is_origin(&self, origin: &str) -> bool {
        let rest = match origin.strip_prefix("https://") {
            Some(rest) => Some(rest),
            None => origin.strip_prefix("http://").filter(|_| self.host == "localhost"),
        };
        let Some(rest) = rest else { return false };
        let (host, port) = rest.split_once(':').map_or((rest, None), |(host, port)| (host, Some(port)));
        host == self.host && port.is_none_or(|port| port.parse::<u16>().is_ok())
    }
}

/// What the browser says that the authenticator was asked.
#[derive(Deserialize)]
struct ClientData {
    #[serde(rename = "type")]
    kind: String,
    challenge: String,
    origin: String,
    #[serde(rename = "crossOrigin", default)]
    cross_origin: bool,
    #[serde(rename = "topOrigin", default)]
    top_origin: Option<String>,
}

impl ClientData {
    fn check(bytes: &[u8], kind: &str, site: &Site, challenge: &[u8]) -> Result<(), PasskeyRefused> {
        let data: Self = serde_json::from_slice(bytes).map_err(|_| PasskeyRefused::Form)?;
        let is_ours = data.kind == kind
            && data.challenge == BASE64URL_NOPAD.encode(challenge)
            && site.is_origin(&data.origin)
            && !data.cross_origin
            && data.top_origin.is_none();
        if is_ours { Ok(()) } else { Err(PasskeyRefused::Purpose) }
    }
}

/// What the authenticator says (§6.1): for whom, whether it looked, how often it signed, and what follows.
struct AuthenticatorData<'a> {
    counter: u32,
    has_key: bool,
    rest: &'a [u8],
}

const PRESENT: u8 = 0x01;
const VERIFIED: u8 = 0x04;
const HAS_KEY: u8 = 0x40;

impl<'a> AuthenticatorData<'a> {
    fn read(bytes: &'a [u8], site: &Site) -> Result<Self, PasskeyRefused> {
        let (for_whom, rest) = bytes.split_first_chunk::<32>().ok_or(PasskeyRefused::Form)?;
        let ([flags], rest) = rest.split_first_chunk::<1>().ok_or(PasskeyRefused::Form)?;
        let (counter, rest) = rest.split_first_chunk::<4>().ok_or(PasskeyRefused::Form)?;
        if for_whom.as_slice() != Sha256::digest(site.host.as_bytes()).as_slice() {
            return Err(PasskeyRefused::Purpose);
        }
        if flags & PRESENT == 0 || flags & VERIFIED == 0 {
            return Err(PasskeyRefused::Unverified);
        }
        Ok(Self { counter: u32::from_be_bytes(*counter), has_key: flags & HAS_KEY != 0, rest })
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Key {
    P256(p256::ecdsa::VerifyingKey),
    Ed25519(ed25519_dalek::VerifyingKey),
}

/// A passkey: which one, and what checks its signatures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passkey {
    credential: Vec<u8>,
    key: Key,
}

/// A signature, as the browser gives it.
#[derive(Clone, Debug)]
pub struct Assertion {
    /// What the browser says that was asked (JSON).
    pub client_data: Vec<u8>,
    /// What the authenticator says.
    pub authenticator_data: Vec<u8>,
    /// Its signature over both.
    pub signature: Vec<u8>,
}

impl Passkey {
    /// Reads what a browser gives when a passkey was made (`getClientDataJSON`, `getAuthenticatorData`).
    ///
    /// # Errors
    /// It was made for something else, or is of a kind that we cannot check.
    pub fn made(
        client_data: &[u8],
        authenticator_data: &[u8],
        site: &Site,
        challenge: &[u8],
    ) -> Result<Self, PasskeyRefused> {
        ClientData::check(client_data, "webauthn.create", site, challenge)?;
        let data = AuthenticatorData::read(authenticator_data, site)?;
        if !data.has_key {
            return Err(PasskeyRefused::Form);
        }
        let (_model, rest) = data.rest.split_first_chunk::<16>().ok_or(PasskeyRefused::Form)?;
        let (length, rest) = rest.split_first_chunk::<2>().ok_or(PasskeyRefused::Form)?;
        let length = usize::from(u16::from_be_bytes(*length));
        let (credential, key) = rest.split_at_checked(length).ok_or(PasskeyRefused::Form)?;
        // The standard's own limit.
        if credential.is_empty() || credential.len() > 1_023 {
            return Err(PasskeyRefused::Form);
        }
        let key: Cbor = ciborium::from_reader(key).map_err(|_| PasskeyRefused::Key)?;
        Ok(Self { credential: credential.to_vec(), key: cose(&key).ok_or(PasskeyRefused::Key)? })
    }

    /// Which one it is, as authenticators call it.
    pub fn credential(&self) -> &[u8] {
        &self.credential
    }

    /// One line for the store and the record: the kind of key, the key, and which one it is, each but the first in base64url.
    pub fn to_line(&self) -> String {
        let (kind, key) = match &self.key {
            Key::P256(key) => ("es256", key.to_encoded_point(true).as_bytes().to_vec()),
            Key::Ed25519(key) => ("ed25519", key.as_bytes().to_vec()),
        };
        format!("{kind} {} {}", BASE64URL_NOPAD.encode(&key), BASE64URL_NOPAD.encode(&self.credential))
    }

    /// Reads such a line.
    pub fn parse(line: &str) -> Option<Self> {
        let mut words = line.split(' ');
        let (kind, key, credential) = (words.next()?, words.next()?, words.next()?);
        let key = BASE64URL_NOPAD.decode(key.as_bytes()).ok()?;
        let key = match kind {
            "es256" => Key::P256(p256::ecdsa::VerifyingKey::from_sec1_bytes(&key).ok()?),
            "ed25519" => Key::Ed25519(ed25519_dalek::VerifyingKey::from_bytes(&<[u8; 32]>::try_from(key).ok()?).ok()?),
            _ => return None,
        };
        let credential = BASE64URL_NOPAD.decode(credential.as_bytes()).ok()?;
        words.next().is_none().then_some(Self { credential, key })
    }

    /// Checks a signature over a challenge (§7.2). Gives the authenticator's count of signatures; `counted` is the one of last time,
    /// and zero where it does not count.
    ///
    /// # Errors
    /// It is not by this passkey over this challenge on our page.
    pub fn check(
        &self,
        assertion: &Assertion,
        site: &Site,
        challenge: &[u8],
        counted: u32,
    ) -> Result<u32, PasskeyRefused> {
        ClientData::check(&assertion.client_data, "webauthn.get", site, challenge)?;
        let data = AuthenticatorData::read(&assertion.authenticator_data, site)?;
        let mut signed = assertion.authenticator_data.clone();
        signed.extend_from_slice(&Sha256::digest(&assertion.client_data));
        let holds = match &self.key {
            Key::P256(key) => p256::ecdsa::Signature::from_der(&assertion.signature)
                .is_ok_and(|signature| key.verify(&signed, &signature).is_ok()),
            Key::Ed25519(key) => ed25519_dalek::Signature::from_slice(&assertion.signature)
                .is_ok_and(|signature| key.verify_strict(&signed, &signature).is_ok()),
        };
        if !holds {
            return Err(PasskeyRefused::Wrong);
        }
        let counts = data.counter != 0 || counted != 0;
        if counts && data.counter <= counted {
            return Err(PasskeyRefused::Copied);
        }
        Ok(data.counter)
    }
}

/// A public key in COSE (RFC 9053): ES256 over P-256, or EdDSA over Ed25519.
fn cose(key: &Cbor) -> Option<Key> {
    let at = |wanted: i128| {
        let pairs = key.as_map()?;
        pairs.iter().find(|(name, _)| name.as_integer().map(i128::from) == Some(wanted)).map(|(_, value)| value)
    };
    let number = |wanted: i128| at(wanted)?.as_integer().map(i128::from);
    let bytes = |wanted: i128| at(wanted)?.as_bytes().and_then(|it| <[u8; 32]>::try_from(it.as_slice()).ok());
    match (number(1)?, number(3)?, number(-1)?) {
        (2, -7, 1) => {
            let point = p256::EncodedPoint::from_affine_coordinates(&bytes(-2)?.into(), &bytes(-3)?.into(), false);
            p256::ecdsa::VerifyingKey::from_encoded_point(&point).ok().map(Key::P256)
        }
        (1, -8, 6) => ed25519_dalek::VerifyingKey::from_bytes(&bytes(-2)?).ok().map(Key::Ed25519),
        _ => None,
    }
}
