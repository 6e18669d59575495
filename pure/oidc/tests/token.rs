//! Tokens that identify a person, and those that only seem to.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must fail"
)]

use data_encoding::BASE64URL_NOPAD;
use ed25519_dalek::{Signer as _, SigningKey};
use oidc::{Known, Provider, Refused, Settings, check};
use serde_json::{Value, json};

const NOW_S: u64 = 1_800_000_000;
const SETTINGS: &str = "issuer = 'https://id.example'\nclient_id = 'gate'\npage = 'https://gate.example'\n\
    [[role]]\ngroup = 'sre'\nrole = 'senior'\ngroups = ['payments']\n[[role]]\ngroup = 'all'\nrole = 'viewer'\n";

fn settings() -> Settings {
    Settings::parse(SETTINGS).unwrap()
}

fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

fn jwk(key: &SigningKey, id: &str) -> Value {
    json!({"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": id,
        "x": BASE64URL_NOPAD.encode(key.verifying_key().as_bytes())})
}

fn provider() -> Provider {
    let configuration = json!({"issuer": "https://id.example", "authorization_endpoint": "https://id.example/auth",
        "token_endpoint": "https://id.example/token", "jwks_uri": "https://id.example/keys"});
    let keys = json!({"keys": [jwk(&key(1), "one"), jwk(&key(2), "two")]});
    Provider::of(&settings(), &configuration, keys, NOW_S * 1_000).unwrap()
}

fn claims() -> Value {
    json!({"iss": "https://id.example", "aud": "gate", "sub": "s-1", "iat": NOW_S, "exp": NOW_S + 300, "nonce": "fresh",
        "preferred_username": "rita", "groups": ["all", "sre"]})
}

fn signed(header: &Value, claims: &Value, by: &SigningKey) -> String {
    let part = |value: &Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
    let text = format!("{}.{}", part(header), part(claims));
    format!("{text}.{}", BASE64URL_NOPAD.encode(&by.sign(text.as_bytes()).to_bytes()))
}

fn header() -> Value {
    json!({"alg": "EdDSA", "kid": "one"})
}

fn says(token: &str) -> Result<Known, Refused> {
    check(&settings(), &provider(), token, "fresh", NOW_S * 1_000)
}

/// The claims with one of them changed.
fn with(name: &str, value: Value) -> Result<Known, Refused> {
    let mut claims = claims();
    claims[name] = value;
    says(&signed(&header(), &claims, &key(1)))
}

#[test]
fn a_token_of_the_provider_says_who_somebody_is_and_what_they_are_here() {
    let known = says(&signed(&header(), &claims(), &key(1))).unwrap();
    assert_eq!((known.subject.as_str(), known.said.as_str()), ("s-1", "rita"));
    assert_eq!(settings().place(&known), Some((pdp::Role::Senior, vec!["payments".to_owned()])));
    assert_eq!(settings().person(&known).unwrap().as_str(), "rita");
    assert!(says(&signed(&json!({"alg": "EdDSA", "kid": "two"}), &claims(), &key(2))).is_ok());
    let nobody = Known { groups: vec!["guests".to_owned()], ..known };
    assert_eq!(settings().place(&nobody), None, "no group, no role");
}

#[test]
fn a_token_that_anybody_else_could_make_says_nothing() {
    let token = signed(&header(), &claims(), &key(1));
    // Another key, under a name that the provider has, one that it has not, and without a name.
    assert_eq!(says(&signed(&header(), &claims(), &key(3))), Err(Refused::Signature));
    assert_eq!(says(&signed(&header(), &claims(), &key(2))), Err(Refused::Signature));
    assert_eq!(says(&signed(&json!({"alg": "EdDSA", "kid": "three"}), &claims(), &key(3))), Err(Refused::Key));
    assert_eq!(says(&signed(&json!({"alg": "EdDSA"}), &claims(), &key(1))), Err(Refused::Key));
    // A key that the token itself brings proves nothing.
    let brings = json!({"alg": "EdDSA", "kid": "one", "jwk": jwk(&key(3), "one"), "jku": "https://evil.example/keys"});
    assert_eq!(says(&signed(&brings, &claims(), &key(3))), Err(Refused::Signature));
    // No signature; a secret that is the public key; another algorithm than the key's.
    let bare = token.rsplit_once('.').unwrap().0;
    let none = format!("{}.{}.", BASE64URL_NOPAD.encode(b"{\"alg\":\"none\"}"), bare.split_once('.').unwrap().1);
    assert!(says(&none).is_err());
    assert!(says(&format!("{bare}.")).is_err());
    for algorithm in ["HS256", "HS512"] {
        assert_eq!(
            says(&signed(&json!({"alg": algorithm, "kid": "one"}), &claims(), &key(1))),
            Err(Refused::Algorithm)
        );
    }
    for algorithm in ["RS256", "ES256"] {
        assert_eq!(says(&signed(&json!({"alg": algorithm, "kid": "one"}), &claims(), &key(1))), Err(Refused::Key));
    }
    // What was signed, with another content.
    let mut other = claims();
    other["preferred_username"] = json!("olga");
    let (first, last) = (token.split_once('.').unwrap().0, token.rsplit_once('.').unwrap().1);
    assert_eq!(
        says(&format!("{first}.{}.{last}", BASE64URL_NOPAD.encode(other.to_string().as_bytes()))),
        Err(Refused::Signature)
    );
    for broken in ["", "a.b.c", "...", &"x".repeat(40_000)] {
        assert!(says(broken).is_err());
    }
}

#[test]
fn a_token_for_something_else_is_none() {
    assert_eq!(with("iss", json!("https://id.example/")), Err(Refused::Issuer));
    assert_eq!(with("iss", Value::Null), Err(Refused::Issuer));
    assert_eq!(with("aud", json!("another")), Err(Refused::Audience));
    assert_eq!(with("aud", json!(["another", "gate"])), Err(Refused::Audience), "whose it is, it does not say");
    assert_eq!(with("azp", json!("another")), Err(Refused::Audience));
    assert!(with("aud", json!(["gate"])).is_ok());
    for nonce in [json!("old"), json!(""), Value::Null] {
        assert_eq!(with("nonce", nonce), Err(Refused::Nonce));
    }
    for (name, value) in [
        ("exp", json!(NOW_S - 61)),
        ("exp", Value::Null),
        ("exp", json!("never")),
        ("iat", json!(NOW_S + 61)),
        ("iat", json!(NOW_S - 601)),
        ("nbf", json!(NOW_S + 61)),
    ] {
        assert_eq!(with(name, value), Err(Refused::Time), "{name}");
    }
    for name in ["sub", "preferred_username", "groups"] {
        assert_eq!(with(name, Value::Null), Err(Refused::Claim(name.to_owned())));
    }
    let token = signed(&header(), &claims(), &key(1));
    let day_later = (NOW_S + 86_400) * 1_000;
    assert_eq!(check(&settings(), &provider(), &token, "fresh", day_later), Err(Refused::Stale));
}

#[test]
fn an_address_that_nobody_checked_names_nobody() {
    let by_mail = Settings::parse(
        &SETTINGS.replace("[[role]]\ngroup = 'sre'", "person_claim = 'email'\n[[role]]\ngroup = 'sre'"),
    );
    let by_mail = by_mail.unwrap();
    let mut claims = claims();
    claims["email"] = json!("rita@id.example");
    let says =
        |claims: &Value| check(&by_mail, &provider(), &signed(&header(), claims, &key(1)), "fresh", NOW_S * 1_000);
    assert_eq!(says(&claims), Err(Refused::Claim("email_verified".to_owned())));
    claims["email_verified"] = json!(true);
    assert_eq!(by_mail.person(&says(&claims).unwrap()).unwrap().as_str(), "rita@id.example");
}

#[test]
fn settings_that_are_not_safe_are_refused() {
    let refused = |from: &str, to: &str| Settings::parse(&SETTINGS.replace(from, to)).unwrap_err().to_string();
    assert!(refused("https://id.example", "http://id.example").contains("https"));
    assert!(refused("https://id.example", "http://localhost.evil.example").contains("https"));
    assert!(refused("https://id.example", "http://localhost@evil.example").contains("https"));
    assert!(refused("'senior'", "'king'").contains("roles are"));
    assert!(refused("client_id = 'gate'", "client_id = ''").contains("client_id"));
    assert!(refused("client_id", "klient_id").contains("klient_id"));
    assert!(Settings::parse(&SETTINGS.replace("https://id.example", "http://127.0.0.1:9000")).is_ok());
    // Another provider at the same place is another provider.
    let configuration = json!({"issuer": "https://evil.example", "authorization_endpoint": "https://id.example/auth",
        "token_endpoint": "https://id.example/token"});
    assert!(Provider::of(&settings(), &configuration, json!({"keys": [jwk(&key(1), "one")]}), 0).is_err());
}
