//! The token that identifies a person (OpenID Connect Core 1.0, §2 and §3.1.3.7).

use std::fmt;

use jsonwebtoken::jwk::{Jwk, JwkSet, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde_json::{Map, Value};

use crate::settings::{Provider, Settings};

/// Signatures that are taken. None with a shared secret: its verifier could also make one.
const ALGORITHMS: [Algorithm; 5] =
    [Algorithm::RS256, Algorithm::PS256, Algorithm::ES256, Algorithm::ES384, Algorithm::EdDSA];

/// How far the provider's clock may be from ours, in seconds.
const SKEW_S: u64 = 60;

/// The oldest token that is taken, in seconds: it is requested during a sign-in.
const OLDEST_S: u64 = 600;

/// The longest token, in bytes, and the most groups in one.
const MAX_TOKEN: usize = 32 * 1024;
const MAX_GROUPS: usize = 1_000;

/// The person, as the provider says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// Who, for ever (`sub`).
    pub subject: String,
    /// What the claim says that names a person here.
    pub said: String,
    /// Their groups.
    pub groups: Vec<String>,
}

/// Why a token says nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It cannot be read.
    Form,
    /// Its kind of signature is not taken.
    Algorithm,
    /// The provider has no such key, or the key is for something else.
    Key,
    /// The signature is not the provider's.
    Signature,
    /// It is of another provider.
    Issuer,
    /// It is for another audience.
    Audience,
    /// It is too old, or from the future.
    Time,
    /// It answers another question than ours.
    Nonce,
    /// It has no such claim, or no usable one.
    Claim(String),
    /// What is known of the provider is too old.
    Stale,
}

impl fmt::Display for Refused {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Form => out.write_str("the provider's token cannot be read"),
            Self::Algorithm => out.write_str("the provider's token is signed in a way that is not taken here"),
            Self::Key => out.write_str("the provider's token is signed with a key that the provider does not show"),
            Self::Signature => out.write_str("the token is not signed by the provider"),
            Self::Issuer => out.write_str("the token is of another provider"),
            Self::Audience => out.write_str("the token is for another application"),
            Self::Time => out.write_str("the token is too old, or this machine's clock is wrong; sign in again"),
            Self::Nonce => out.write_str("the token belongs to another sign-in; sign in again"),
            Self::Claim(name) => write!(out, "the token has no usable claim `{name}`"),
            Self::Stale => {
                out.write_str("the provider's keys were not fetched for a day; look at `countersign-gate sign-on`")
            }
        }
    }
}

impl std::error::Error for Refused {}

/// Checks a token against the provider's keys. `nonce` is ours, fresh, and in the token.
///
/// # Errors
/// It identifies no person.
pub fn check(
    settings: &Settings,
    provider: &Provider,
    token: &str,
    nonce: &str,
    now_ms: u64,
) -> Result<Known, Refused> {
    if token.len() > MAX_TOKEN {
        return Err(Refused::Form);
    }
    if provider.issuer != settings.issuer {
        return Err(Refused::Issuer);
    }
    if !provider.is_fresh(now_ms) {
        return Err(Refused::Stale);
    }
    let header = decode_header(token).map_err(|_| Refused::Form)?;
    if !ALGORITHMS.contains(&header.alg) {
        return Err(Refused::Algorithm);
    }
    let keys: JwkSet = serde_json::from_value(provider.keys.clone()).map_err(|_| Refused::Key)?;
    let key = key(&keys, header.kid.as_deref(), header.alg).ok_or(Refused::Key)?;
    let key = DecodingKey::from_jwk(key).map_err(|_| Refused::Key)?;
    // Only the signature: every claim is looked at below, by our own clock.
    let mut only = Validation::new(header.alg);
    only.validate_exp = false;
    only.validate_aud = false;
    only.required_spec_claims.clear();
    let claims = decode::<Map<String, Value>>(token, &key, &only).map_err(|_| Refused::Signature)?.claims;
    read(settings, &claims, nonce, now_ms / 1_000)
}

/// The key of a token: the one that it names, and of the kind that it says.
fn key<'a>(keys: &'a JwkSet, id: Option<&str>, algorithm: Algorithm) -> Option<&'a Jwk> {
    let fits = |key: &&Jwk| {
        let says = key.common.key_algorithm.and_then(|it| it.to_string().parse::<Algorithm>().ok());
        !matches!(key.common.public_key_use, Some(PublicKeyUse::Encryption))
            && (key.common.key_algorithm.is_none() || says == Some(algorithm))
            && id.is_none_or(|id| key.common.key_id.as_deref() == Some(id))
    };
    let mut fitting = keys.keys.iter().filter(fits);
    let first = fitting.next()?;
    // Without a name there is no choice to be made.
    fitting.next().is_none().then_some(first)
}

fn read(settings: &Settings, claims: &Map<String, Value>, nonce: &str, now_s: u64) -> Result<Known, Refused> {
    let word = |name: &str| claims.get(name).and_then(Value::as_str);
    let time = |name: &str| claims.get(name).and_then(Value::as_u64);
    if word("iss") != Some(settings.issuer.as_str()) {
        return Err(Refused::Issuer);
    }
    let ours = settings.client_id.as_str();
    let is_for_us = match claims.get("aud") {
        Some(Value::String(one)) => one == ours,
        // More than one: the one that asked for it is named.
        Some(Value::Array(all)) => all.iter().any(|it| it == ours) && (all.len() == 1 || word("azp").is_some()),
        _ => false,
    };
    if !is_for_us || word("azp").is_some_and(|it| it != ours) {
        return Err(Refused::Audience);
    }
    let (expires, issued) = (time("exp").ok_or(Refused::Time)?, time("iat").ok_or(Refused::Time)?);
    let is_over = now_s >= expires.saturating_add(SKEW_S) || now_s >= issued.saturating_add(OLDEST_S);
    if is_over
        || issued > now_s.saturating_add(SKEW_S)
        || time("nbf").is_some_and(|it| it > now_s.saturating_add(SKEW_S))
    {
        return Err(Refused::Time);
    }
    if nonce.is_empty() || word("nonce") != Some(nonce) {
        return Err(Refused::Nonce);
    }
    let missing = |name: &str| Refused::Claim(name.to_owned());
    let subject = word("sub").filter(|it| !it.is_empty() && it.len() <= 255).ok_or_else(|| missing("sub"))?;
    let said = word(&settings.person_claim).filter(|it| !it.is_empty() && it.len() <= 255);
    let said = said.ok_or_else(|| missing(&settings.person_claim))?;
    // An unverified address is only what its user typed.
    if settings.person_claim == "email" && claims.get("email_verified") != Some(&Value::Bool(true)) {
        return Err(missing("email_verified"));
    }
    let groups = match claims.get(&settings.groups_claim) {
        Some(Value::Array(all)) if all.len() <= MAX_GROUPS => {
            all.iter().filter_map(Value::as_str).map(str::to_owned).collect()
        }
        Some(Value::String(one)) => vec![one.clone()],
        _ => return Err(missing(&settings.groups_claim)),
    };
    Ok(Known { subject: subject.to_owned(), said: said.to_owned(), groups })
}
