//! `signon.toml`, and what the provider says of itself.

use std::collections::BTreeMap;
use std::fmt;

use model::ReviewerName;
use pdp::Role;
use serde::{Deserialize, Serialize};

use crate::token::Known;

/// What is set up.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The provider's issuer, to the letter as its tokens have it.
    pub issuer: String,
    /// Our id there.
    pub client_id: String,
    /// The file with our secret there; none for a public client.
    #[serde(default)]
    pub client_secret_file: Option<String>,
    /// The address of our page, as browsers reach it: `ADDRESS/v1/sign-on/callback` is where the provider sends them back to.
    pub page: String,
    /// What the button says.
    #[serde(default = "shown")]
    pub name: String,
    /// The claim that names a person.
    #[serde(default = "person_claim")]
    pub person_claim: String,
    /// The claim with their groups.
    #[serde(default = "groups_claim")]
    pub groups_claim: String,
    /// Scopes requested in addition to `openid`.
    #[serde(default = "scopes")]
    pub scopes: Vec<String>,
    /// A file with the certificates of an authority of one's own (PEM), for the connection to the provider.
    #[serde(default)]
    pub ca_file: Option<String>,
    /// Which group has which role. The highest that fits counts; a person in none is not let in.
    pub role: Vec<Mapping>,
    /// People who are enrolled here already, by what the claim says: they keep the role that they have here.
    #[serde(default)]
    pub people: BTreeMap<String, String>,
}

/// What a group of the provider is here.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    /// The group there.
    pub group: String,
    /// The role here.
    pub role: String,
    /// The groups here.
    #[serde(default)]
    pub groups: Vec<String>,
}

fn shown() -> String {
    "single sign-on".to_owned()
}

fn person_claim() -> String {
    "preferred_username".to_owned()
}

fn groups_claim() -> String {
    "groups".to_owned()
}

fn scopes() -> Vec<String> {
    ["profile", "email", "groups"].map(str::to_owned).to_vec()
}

/// Why settings do not serve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unusable(String);

impl fmt::Display for Unusable {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl std::error::Error for Unusable {}

impl Settings {
    /// Reads and checks them.
    ///
    /// # Errors
    /// Something is missing, unknown, or not safe: an issuer without TLS that is not this machine.
    pub fn parse(text: &str) -> Result<Self, Unusable> {
        let settings: Self = toml::from_str(text).map_err(|why| Unusable(why.to_string()))?;
        for (what, address) in [("issuer", &settings.issuer), ("page", &settings.page)] {
            if !is_safe(address) {
                return Err(Unusable(format!(
                    "`{what} = {address:?}`: write an https address (http only for this machine)"
                )));
            }
        }
        if settings.client_id.is_empty() || settings.role.is_empty() {
            return Err(Unusable("`client_id` and at least one [[role]] are needed".to_owned()));
        }
        for Mapping { group, role, groups } in &settings.role {
            let is_group = |it: &String| !it.is_empty() && !it.contains(char::is_whitespace);
            if group.is_empty() || Role::parse(role).is_none() || !groups.iter().all(is_group) {
                let all = Role::ALL.iter().map(|it| it.as_str()).collect::<Vec<_>>().join(", ");
                return Err(Unusable(format!("the role of `{group}`: roles are {all}, and groups have no blanks")));
            }
        }
        for (said, name) in &settings.people {
            if ReviewerName::parse(name).is_err() {
                return Err(Unusable(format!("`people.{said:?} = {name:?}` is not the name of a person")));
            }
        }
        Ok(settings)
    }

    /// Where the provider sends a browser back to.
    pub fn callback(&self) -> String {
        format!("{}/v1/sign-on/callback", self.page.trim_end_matches('/'))
    }

    /// The role and the groups of a person; nothing where none of their groups has one.
    pub fn place(&self, known: &Known) -> Option<(Role, Vec<String>)> {
        let fitting: Vec<&Mapping> = self.role.iter().filter(|it| known.groups.contains(&it.group)).collect();
        let role = fitting.iter().filter_map(|it| Role::parse(&it.role)).max()?;
        let mut groups: Vec<String> = fitting.iter().flat_map(|it| it.groups.clone()).collect();
        groups.sort();
        groups.dedup();
        Some((role, groups))
    }

    /// The name of a person here.
    ///
    /// # Errors
    /// What the claim says makes no name.
    pub fn person(&self, known: &Known) -> Result<ReviewerName, Unusable> {
        let name = self.people.get(&known.said).map(String::as_str);
        ReviewerName::parse(name.unwrap_or(&known.said))
            .map_err(|why| Unusable(format!("`{}` of the provider makes no name here: {why}", self.person_claim)))
    }
}

/// TLS, or this machine.
fn is_safe(address: &str) -> bool {
    let host = |rest: &str| rest.split(['/', '?', '#']).next().unwrap_or_default().to_owned();
    let local = |host: &str| {
        let name =
            host.rsplit_once(':').map_or(host, |(name, port)| if port.parse::<u16>().is_ok() { name } else { host });
        matches!(name, "localhost" | "127.0.0.1" | "[::1]")
    };
    match (address.strip_prefix("https://"), address.strip_prefix("http://")) {
        (Some(rest), _) => !host(rest).is_empty() && !host(rest).contains('@'),
        (None, Some(rest)) => local(&host(rest)),
        (None, None) => false,
    }
}

/// What is known of the provider: where it is, and its keys. Fetched by a process of its own, and kept in a file.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provider {
    /// The issuer that it says it is.
    pub issuer: String,
    /// Where browsers are sent.
    pub authorization_endpoint: String,
    /// Where a code is exchanged.
    pub token_endpoint: String,
    /// Its keys (RFC 7517).
    pub keys: serde_json::Value,
    /// When it was fetched, milliseconds since 1970.
    pub fetched_ms: u64,
}

/// How long what was fetched is good for, in milliseconds: a day. A key that the provider took back serves no longer.
const GOOD_FOR_MS: u64 = 86_400_000;

impl Provider {
    /// Puts together what was fetched: the provider's configuration (OpenID Connect Discovery 1.0) and its keys.
    ///
    /// # Errors
    /// It is another provider than the one that is set up, or something is missing or not safe.
    pub fn of(
        settings: &Settings,
        configuration: &serde_json::Value,
        keys: serde_json::Value,
        fetched_ms: u64,
    ) -> Result<Self, Unusable> {
        let word = |name: &str| configuration.get(name).and_then(serde_json::Value::as_str).unwrap_or_default();
        if word("issuer") != settings.issuer {
            return Err(Unusable(format!("the provider calls itself {:?}, not {:?}", word("issuer"), settings.issuer)));
        }
        let (authorization_endpoint, token_endpoint) = (word("authorization_endpoint"), word("token_endpoint"));
        if !is_safe(authorization_endpoint) || !is_safe(token_endpoint) {
            return Err(Unusable("the provider's addresses are missing, or without TLS".to_owned()));
        }
        if keys.get("keys").and_then(serde_json::Value::as_array).is_none_or(Vec::is_empty) {
            return Err(Unusable("the provider has no keys".to_owned()));
        }
        let (authorization_endpoint, token_endpoint) = (authorization_endpoint.to_owned(), token_endpoint.to_owned());
        Ok(Self { issuer: settings.issuer.clone(), authorization_endpoint, token_endpoint, keys, fetched_ms })
    }

    /// Where the keys are, by the configuration.
    ///
    /// # Errors
    /// It does not say, or without TLS.
    pub fn keys_at(configuration: &serde_json::Value) -> Result<&str, Unusable> {
        let at = configuration.get("jwks_uri").and_then(serde_json::Value::as_str).filter(|it| is_safe(it));
        at.ok_or_else(|| Unusable("the provider does not say where its keys are".to_owned()))
    }

    /// Whether it was fetched not too long ago.
    pub const fn is_fresh(&self, now_ms: u64) -> bool {
        now_ms.saturating_sub(self.fetched_ms) < GOOD_FOR_MS
    }
}
