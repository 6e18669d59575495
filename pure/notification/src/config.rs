//! `channels.toml`: the notification channels.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;

/// The content of `channels.toml`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Channels {
    /// The address of the page, for links.
    #[serde(default)]
    pub page: Option<String>,
    /// Slack.
    #[serde(default)]
    pub slack: Option<Slack>,
    /// Microsoft Teams.
    #[serde(default)]
    pub teams: Option<Teams>,
    /// E-mail.
    #[serde(default)]
    pub email: Option<Email>,
    /// ntfy.
    #[serde(default)]
    pub ntfy: Option<Ntfy>,
    /// Notices of the page on people's own devices.
    #[serde(default)]
    pub push: Option<Push>,
    /// PagerDuty (Events API v2).
    #[serde(default)]
    pub pagerduty: Option<Alarm>,
    /// Opsgenie (Alert API).
    #[serde(default)]
    pub opsgenie: Option<Alarm>,
    /// A signed request to any address.
    #[serde(default)]
    pub webhook: Option<Webhook>,
}

/// The lowest level that is notified.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Everything.
    #[default]
    Low,
    /// Medium and above.
    Medium,
    /// High and above.
    High,
    /// Critical.
    Critical,
}

impl Level {
    /// Reads the word of a hold. One that we do not know is the highest.
    pub fn of(word: &str) -> Self {
        match word {
            "low" => Self::Low,
            "medium" => Self::Medium,
            "high" => Self::High,
            _ => Self::Critical,
        }
    }
}

/// When a notification is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// When it is asked.
    #[default]
    Asked,
    /// When half of the time is over without a decision: for a backup.
    HalfTime,
}

/// Slack: an app with `chat:write`, and interactivity at `/v1/channels/slack` of the page.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slack {
    /// The file with the bot token (`xoxb-…`).
    pub token_file: String,
    /// The channel's id.
    pub channel: String,
    /// The file with the signing secret. Without it, messages have no buttons.
    #[serde(default)]
    pub signing_secret_file: Option<String>,
    /// Slack's user ids, and the reviewers' names here.
    #[serde(default)]
    pub people: BTreeMap<String, String>,
    /// The address of its interface.
    #[serde(default = "slack_url")]
    pub url: String,
    /// From which level on.
    #[serde(default)]
    pub from: Level,
    /// When a notification is sent.
    #[serde(default)]
    pub when: When,
}

fn slack_url() -> String {
    "https://slack.com/api".to_owned()
}

/// Teams: a workflow "when a webhook request is received"; for answers, an outgoing webhook to `/v1/channels/teams` of the page.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Teams {
    /// The file with the workflow's address, which is a secret.
    pub url_file: String,
    /// The file with the security token of an outgoing webhook. Without it, messages only lead to the page.
    #[serde(default)]
    pub token_file: Option<String>,
    /// The name of the outgoing webhook, by which people mention it.
    #[serde(default = "our_name")]
    pub mention: String,
    /// Users' ids in the organisation's directory (object ids), and the reviewers' names here.
    #[serde(default)]
    pub people: BTreeMap<String, String>,
    /// From which level on.
    #[serde(default)]
    pub from: Level,
    /// When a notification is sent.
    #[serde(default)]
    pub when: When,
}

fn our_name() -> String {
    "Countersign".to_owned()
}

/// E-mail.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Email {
    /// The file with the server: `smtps://user:password@host` or `smtp://host:25`.
    pub server_file: String,
    /// From whom.
    pub from_address: String,
    /// The recipients.
    pub to: Vec<String>,
    /// From which level on.
    #[serde(default)]
    pub from: Level,
    /// When a notification is sent.
    #[serde(default)]
    pub when: When,
}

/// ntfy.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ntfy {
    /// The topic's address. Anyone who knows it can read along.
    pub url: String,
    /// The file with an access token.
    #[serde(default)]
    pub token_file: Option<String>,
    /// From which level on.
    #[serde(default)]
    pub from: Level,
    /// When a notification is sent.
    #[serde(default)]
    pub when: When,
}

/// Web push.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Push {
    /// Whom a push service can write to: `mailto:` or `https:`.
    pub contact: String,
    /// Hosts of push services in addition to those of the usual browsers.
    #[serde(default)]
    pub hosts: Vec<String>,
    /// From which level on.
    #[serde(default)]
    pub from: Level,
    /// When a notification is sent.
    #[serde(default)]
    pub when: When,
}

/// A pager.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Alarm {
    /// The file with the routing key (PagerDuty) or the API key (Opsgenie).
    pub key_file: String,
    /// The address of its interface, where it is another than the usual.
    #[serde(default)]
    pub url: Option<String>,
    /// From which level on.
    #[serde(default = "high")]
    pub from: Level,
    /// When a notification is sent.
    #[serde(default)]
    pub when: When,
}

const fn high() -> Level {
    Level::High
}

/// A signed request.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    /// The address.
    pub url: String,
    /// The file with the secret that it is signed with.
    pub secret_file: String,
    /// From which level on.
    #[serde(default)]
    pub from: Level,
    /// When a notification is sent.
    #[serde(default)]
    pub when: When,
}

/// Why a file is refused.
#[derive(Debug)]
pub struct MalformedConfig(String);

impl fmt::Display for MalformedConfig {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl std::error::Error for MalformedConfig {}

impl Channels {
    /// Reads the file's text.
    ///
    /// # Errors
    /// It is not what such a file says.
    pub fn parse(text: &str) -> Result<Self, MalformedConfig> {
        let channels: Self = toml::from_str(text).map_err(|why| MalformedConfig(why.to_string()))?;
        let addresses = [
            channels.page.as_deref(),
            channels.slack.as_ref().map(|it| it.url.as_str()),
            channels.ntfy.as_ref().map(|it| it.url.as_str()),
            channels.webhook.as_ref().map(|it| it.url.as_str()),
            channels.pagerduty.as_ref().and_then(|it| it.url.as_deref()),
            channels.opsgenie.as_ref().and_then(|it| it.url.as_deref()),
        ];
        // Text about a hold goes unencrypted to this machine alone.
        let is_safe = |url: &str| {
            let local = ["http://127.0.0.1", "http://localhost", "http://[::1]"];
            url.starts_with("https://")
                || local.iter().any(|start| {
                    url.strip_prefix(start).is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '/']))
                })
        };
        let open_one = addresses.into_iter().flatten().find(|url| !is_safe(url)).map(str::to_owned);
        match open_one {
            Some(url) => Err(MalformedConfig(format!("`{url}`: write https://, or an address of this machine"))),
            None => Ok(channels),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Channels;

    #[test]
    fn addresses_are_https_or_of_this_machine() {
        let with = |url: &str| Channels::parse(&format!("[ntfy]\nurl = \"{url}\"\n")).is_ok();
        assert!(with("https://ntfy.example/x") && with("http://127.0.0.1:8080/x") && with("http://localhost/x"));
        for bad in
            ["http://ntfy.example/x", "http://localhost.evil.example/x", "http://127.0.0.1.evil.example", "ftp://x", ""]
        {
            assert!(!with(bad), "{bad}");
        }
        assert!(Channels::parse("[slack]\ntoken = \"xoxb\"").is_err());
        assert!(Channels::parse("").is_ok());
    }
}
