//! `certificate.toml`: which authority, and for which names.

use std::net::SocketAddr;
use std::path::PathBuf;

use host::install_paths::{CHALLENGES_AT, Layout};
use serde::Deserialize;

/// The most that the file may hold, in bytes.
const MAX_FILE: u64 = 64 * 1024;

/// What is set up.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// The names in the page's address.
    pub(crate) names: Vec<String>,
    /// The authority's terms are agreed to: it gives no account otherwise.
    #[serde(default)]
    pub(crate) agree_to_terms: bool,
    /// Where the authority writes to when something is wrong.
    #[serde(default)]
    pub(crate) contact: Vec<String>,
    /// The authority's directory (RFC 8555 §7.1.1).
    #[serde(default = "lets_encrypt")]
    pub(crate) directory: String,
    /// Where its questions are answered (HTTP-01): it asks at port 80 of each name.
    #[serde(default = "challenges_at")]
    pub(crate) listen: SocketAddr,
    /// A program that sets and unsets DNS records (DNS-01); nothing is listened to then.
    #[serde(default)]
    pub(crate) dns_hook: Option<PathBuf>,
    /// Certificates of an authority of one's own (PEM), for the connection to it.
    #[serde(default)]
    pub(crate) ca_file: Option<String>,
    /// For authorities that know their customers already (RFC 8555 §7.3.4).
    #[serde(default)]
    pub(crate) external_account: Option<ExternalAccount>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExternalAccount {
    /// Who we are to the authority.
    pub(crate) id: String,
    /// The file with the key that it gave us, in base64url, mode 0600.
    pub(crate) key_file: String,
}

fn lets_encrypt() -> String {
    instant_acme::LetsEncrypt::Production.url().to_owned()
}

fn challenges_at() -> SocketAddr {
    CHALLENGES_AT
}

impl Settings {
    /// Reads and checks them.
    ///
    /// # Errors
    /// There are none, or they do not serve; in words that say what to do.
    pub(crate) fn read(layout: &Layout) -> Result<Self, String> {
        let path = layout.certificate_settings();
        let bytes = host::files::read_small(&path, MAX_FILE).map_err(|why| format!("`{}`: {why}", path.display()))?;
        let bytes = bytes.ok_or_else(|| format!("`{}` is not there; see docs/operate/install.md", path.display()))?;
        let text = String::from_utf8(bytes).map_err(|_| format!("`{}` is not text", path.display()))?;
        Self::parse(&text).map_err(|why| format!("`{}`: {why}", path.display()))
    }

    fn parse(text: &str) -> Result<Self, String> {
        let settings: Self = toml::from_str(text).map_err(|why| why.to_string())?;
        let is_name = |name: &String| {
            let label = |it: &str| {
                !it.is_empty()
                    && it.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
            };
            let name = if settings.dns_hook.is_some() { name.strip_prefix("*.").unwrap_or(name) } else { name };
            name.len() <= 253 && name.split('.').all(label)
        };
        if settings.names.is_empty() {
            return Err(
                "`names` is empty: write the names in the page's address, such as names = [\"gate.example.com\"]"
                    .to_owned(),
            );
        }
        if let Some(name) = settings.names.iter().find(|name| !is_name(name)) {
            return Err(format!("`{name}` is no host name in small letters (`*.` in front takes a `dns_hook`)"));
        }
        if !settings.directory.starts_with("https://") {
            return Err(format!("`directory = {:?}`: write an https address", settings.directory));
        }
        if let Some(contact) = settings.contact.iter().find(|it| !it.starts_with("mailto:")) {
            return Err(format!("`{contact}`: write an address such as mailto:ops@example.com"));
        }
        if !settings.agree_to_terms {
            return Err(format!(
                "read the terms of the authority at {}, and write agree_to_terms = true",
                settings.directory
            ));
        }
        Ok(settings)
    }
}

#[cfg(test)]
mod tests {
    use super::Settings;

    #[test]
    fn what_does_not_serve_is_refused_with_what_to_do() {
        let good = "names = [\"gate.example.com\"]\nagree_to_terms = true\n";
        let settings = Settings::parse(good).unwrap();
        assert!(settings.directory.contains("letsencrypt.org") && settings.listen.port() == 80);
        for (text, says) in [
            ("names = []\nagree_to_terms = true", "is empty"),
            ("names = [\"gate.example.com\"]", "terms"),
            ("names = [\"Gate.example.com\"]\nagree_to_terms = true", "small letters"),
            ("names = [\"gate..com\"]\nagree_to_terms = true", "no host name"),
            ("names = [\"*.example.com\"]\nagree_to_terms = true", "dns_hook"),
            ("names = [\"a/b\"]\nagree_to_terms = true", "no host name"),
            ("names = [\"a.b\"]\nagree_to_terms = true\ndirectory = \"http://ca/\"", "https"),
            ("names = [\"a.b\"]\nagree_to_terms = true\ncontact = [\"ops@example.com\"]", "mailto"),
            ("names = [\"a.b\"]\nagree_to_terms = true\nport = 80", "unknown field"),
        ] {
            let why = Settings::parse(text).unwrap_err();
            assert!(why.contains(says), "{text}: {why}");
        }
        assert!(Settings::parse("names = [\"*.a.b\"]\nagree_to_terms = true\ndns_hook = \"/x\"").is_ok());
    }
}
