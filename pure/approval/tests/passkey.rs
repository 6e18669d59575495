//! Passkeys: what an authenticator gives, and everything that it must not.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on must fail")]

use approval::{AnswerStatement, Assertion, Passkey, PasskeyRefused, Site};
use data_encoding::BASE64URL_NOPAD;
use p256::ecdsa::signature::Signer as _;
use sha2::{Digest as _, Sha256};

/// An authenticator as small as one can be.
struct Device(p256::ecdsa::SigningKey);

impl Device {
    fn new(seed: u8) -> Self {
        Self(p256::ecdsa::SigningKey::from_slice(&[seed; 32]).unwrap())
    }

    fn data(host: &str, flags: u8, counter: u32) -> Vec<u8> {
        [Sha256::digest(host.as_bytes()).as_slice(), &[flags], &counter.to_be_bytes()].concat()
    }

    fn said(kind: &str, challenge: &[u8], origin: &str) -> Vec<u8> {
        let challenge = BASE64URL_NOPAD.encode(challenge);
        format!(r#"{{"type":"{kind}","challenge":"{challenge}","origin":"{origin}","crossOrigin":false}}"#).into_bytes()
    }

    fn passkey(&self, challenge: &[u8]) -> Result<Passkey, PasskeyRefused> {
        let point = self.0.verifying_key().to_encoded_point(false);
        let (x, y) = (point.x().unwrap(), point.y().unwrap());
        let cose = [
            &[0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20],
            x.as_slice(),
            &[0x22, 0x58, 0x20],
            y.as_slice(),
        ]
        .concat();
        let data = [&Self::data("localhost", 0x45, 0)[..], &[0; 16], &[0, 3], b"one", &cose].concat();
        let said = Self::said("webauthn.create", challenge, "http://localhost:7443");
        Passkey::made(&said, &data, &site(), challenge)
    }

    fn sign(&self, said: Vec<u8>, data: Vec<u8>) -> Assertion {
        let signed = [&data[..], Sha256::digest(&said).as_slice()].concat();
        let signature: p256::ecdsa::Signature = self.0.sign(&signed);
        Assertion { client_data: said, authenticator_data: data, signature: signature.to_der().as_bytes().to_vec() }
    }
}

fn site() -> Site {
    Site::new("localhost").unwrap()
}

const OURS: &str = "http://localhost:7443";

#[test]
fn a_signature_serves_its_answer_its_page_and_nothing_else() {
    let device = Device::new(7);
    let passkey = device.passkey(b"c").unwrap();
    assert_eq!(Passkey::parse(&passkey.to_line()).as_ref(), Some(&passkey));
    let good =
        |counter| device.sign(Device::said("webauthn.get", b"answer", OURS), Device::data("localhost", 5, counter));
    assert_eq!(passkey.check(&good(0), &site(), b"answer", 0), Ok(0));
    assert_eq!(passkey.check(&good(8), &site(), b"answer", 7), Ok(8));
    let refused = |assertion: &Assertion| passkey.check(assertion, &site(), b"answer", 0).unwrap_err();
    assert_eq!(passkey.check(&good(0), &site(), b"another", 0), Err(PasskeyRefused::Purpose));
    for origin in
        ["http://localhost.evil.example", "https://evil.example", "http://127.0.0.1:7443", "null", "http://localhost:x"]
    {
        let other = device.sign(Device::said("webauthn.get", b"answer", origin), Device::data("localhost", 5, 0));
        assert_eq!(refused(&other), PasskeyRefused::Purpose, "{origin}");
    }
    let made = device.sign(Device::said("webauthn.create", b"answer", OURS), Device::data("localhost", 5, 0));
    assert_eq!(refused(&made), PasskeyRefused::Purpose);
    let elsewhere = device.sign(Device::said("webauthn.get", b"answer", OURS), Device::data("evil.example", 5, 0));
    assert_eq!(refused(&elsewhere), PasskeyRefused::Purpose);
    for flags in [0, 1, 4] {
        let unseen = device.sign(Device::said("webauthn.get", b"answer", OURS), Device::data("localhost", flags, 0));
        assert_eq!(refused(&unseen), PasskeyRefused::Unverified);
    }
    let other = Device::new(9).sign(Device::said("webauthn.get", b"answer", OURS), Device::data("localhost", 5, 0));
    assert_eq!(refused(&other), PasskeyRefused::Wrong);
    // A device that counts and does not count on was copied.
    assert_eq!(passkey.check(&good(7), &site(), b"answer", 7), Err(PasskeyRefused::Copied));
    assert_eq!(passkey.check(&good(0), &site(), b"answer", 7), Err(PasskeyRefused::Copied));
    // Every byte counts.
    for at in 0..good(3).authenticator_data.len() {
        let mut bad = good(3);
        bad.authenticator_data[at] ^= 1;
        assert!(passkey.check(&bad, &site(), b"answer", 0).is_err(), "byte {at}");
    }
}

#[test]
fn what_is_no_passkey_is_refused() {
    let said = Device::said("webauthn.create", b"c", OURS);
    for data in [Vec::new(), Device::data("localhost", 5, 0), Device::data("localhost", 0x45, 0)] {
        assert!(Passkey::made(&said, &data, &site(), b"c").is_err());
    }
    let device = Device::new(3);
    assert!(device.passkey(b"c").is_ok());
    for line in ["", "es256", "es256 AA AA", "rsa AA AA", "ed25519 AA AA"] {
        assert_eq!(Passkey::parse(line), None);
    }
}

#[test]
fn a_site_is_a_name() {
    for good in ["localhost", "gate.example.com", "a-b.example"] {
        assert!(Site::new(good).is_some(), "{good}");
    }
    for bad in ["", "127.0.0.1", "[::1]", "Gate.example", "a..b", "a/b", "a:1"] {
        assert!(Site::new(bad).is_none(), "{bad}");
    }
    let (device, gate) = (Device::new(7), Site::new("gate.example").unwrap());
    let passkey = device.passkey(b"c").unwrap();
    let at = |origin| device.sign(Device::said("webauthn.get", b"a", origin), Device::data("gate.example", 5, 0));
    assert!(passkey.check(&at("https://gate.example:8443"), &gate, b"a", 0).is_ok());
    assert_eq!(passkey.check(&at("http://gate.example"), &gate, b"a", 0), Err(PasskeyRefused::Purpose));
}

#[test]
fn all_that_an_answer_does_is_in_its_words() {
    let base = AnswerStatement {
        said: "approve",
        hold: "h",
        request: "r",
        shown: "s",
        policy: "p",
        rule: None,
        reason: None,
        also: Vec::new(),
    };
    let others = [
        AnswerStatement { said: "deny", ..base.clone() },
        AnswerStatement { hold: "i", ..base.clone() },
        AnswerStatement { request: "q", ..base.clone() },
        AnswerStatement { shown: "t", ..base.clone() },
        AnswerStatement { policy: "o", ..base.clone() },
        AnswerStatement { rule: Some(("rule", "why")), ..base.clone() },
        AnswerStatement { rule: Some(("rulew", "hy")), ..base.clone() },
        AnswerStatement { reason: Some("no"), ..base.clone() },
        AnswerStatement { also: vec![("i", "q".to_owned(), "t".to_owned())], ..base.clone() },
        AnswerStatement { also: vec![("i", "q".to_owned(), "u".to_owned())], ..base.clone() },
    ];
    let mut seen = std::collections::BTreeSet::from([base.challenge()]);
    for other in others {
        assert!(seen.insert(other.challenge()));
    }
}
