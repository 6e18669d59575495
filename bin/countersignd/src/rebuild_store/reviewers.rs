//! People, as derived from the record.

use model::{Digest, ReviewerName};
use pdp::{Person, Role};
use serde_json::{Map, Value};
use state_sqlite::Factor;

/// The domain of what the record says of a reviewer's factor.
const FACTOR_DOMAIN: &str = "countersign/factor/v1";

/// What the record says of a factor: enough to see that it is another, nothing to prove oneself with.
pub(crate) fn factor_digest(factor: &Factor) -> String {
    match factor {
        Factor::Totp(secret) => Digest::within(FACTOR_DOMAIN, secret.as_bytes()).to_string(),
        Factor::Ssh(identity) => Digest::within(FACTOR_DOMAIN, identity.to_line().as_bytes()).to_string(),
        Factor::Passkey => Digest::within(FACTOR_DOMAIN, b"passkeys").to_string(),
    }
}

/// A person's own enrolment: another first factor, a further passkey, or all factors again.
pub(super) fn set_up(known: &mut Map<String, Value>, body: &Value) {
    for key in ["factor_digest", "ssh_key", "password_digest"] {
        if let Some(value) = body.get(key) {
            known.insert(key.to_owned(), value.clone());
        }
    }
    let passkeys = known.entry("passkeys").or_insert_with(|| Value::Array(Vec::new()));
    if let Some(passkeys) = passkeys.as_array_mut() {
        if body.get("anew").and_then(Value::as_bool) == Some(true) {
            passkeys.clear();
        }
        passkeys.extend(body.get("passkey").filter(|it| it.is_string()).cloned());
    }
}

/// A person's passkeys, as derived from the record.
pub(super) fn passkeys_of(body: &Value) -> Vec<String> {
    let lines = body.get("passkeys").and_then(Value::as_array).into_iter().flatten();
    let mut lines: Vec<String> = lines.filter_map(Value::as_str).map(str::to_owned).collect();
    lines.sort();
    lines
}

/// A person as the record has them. One of before there were roles could do everything.
pub(super) fn person(name: &str, body: &Value) -> Option<Person> {
    let role = body.get("role").and_then(Value::as_str).map_or(Some(Role::Operator), Role::parse)?;
    let groups = body.get("groups").and_then(Value::as_array).into_iter().flatten();
    let groups = groups.filter_map(Value::as_str).map(str::to_owned).collect();
    Some(Person { name: ReviewerName::parse(name).ok()?, role, groups })
}
