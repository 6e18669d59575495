//! One channel: where it is, and how a notice goes there.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use lettre::{Message, SmtpTransport, Transport as _};
use notification::{Channels, Level, Notice, When};
use serde_json::{Value, json};
use ureq::Agent;

use crate::push::{Devices, push};

/// How long a server may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// The most holds whose messages are remembered, to be brought up to date.
const MOST_KEPT: usize = 4_096;

/// Why a notice did not go out.
pub(crate) struct NotSent {
    /// It may go later.
    pub(crate) is_passing: bool,
    /// How long the server asks to wait.
    pub(crate) wait: Option<Duration>,
    why: String,
}

impl fmt::Display for NotSent {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.why)
    }
}

/// A channel with its secrets.
pub(crate) enum Sender {
    /// Slack, and the messages by hold.
    Slack {
        agent: Agent,
        at: notification::Slack,
        token: String,
        page: Option<String>,
        sent: BTreeMap<String, String>,
    },
    Teams {
        agent: Agent,
        url: String,
        page: Option<String>,
        mention: Option<String>,
    },
    Email {
        server: SmtpTransport,
        at: notification::Email,
        page: Option<String>,
    },
    Ntfy {
        agent: Agent,
        at: notification::Ntfy,
        token: Option<String>,
        page: Option<String>,
    },
    Pager {
        agent: Agent,
        name: &'static str,
        key: String,
        url: String,
        page: Option<String>,
    },
    Webhook {
        agent: Agent,
        url: String,
        secret: String,
    },
    Push {
        agent: Agent,
        at: notification::Push,
        devices: Arc<dyn Devices>,
    },
}

/// Reads a secret from a file.
pub(crate) type Secrets<'a> = &'a dyn Fn(&str) -> Result<String, String>;

type Chosen = (Sender, Level, When);

impl Sender {
    /// Those that the file names.
    pub(crate) fn all(
        channels: &Channels,
        secret: Secrets<'_>,
        devices: Option<Arc<dyn Devices>>,
    ) -> Result<Vec<Chosen>, String> {
        let page = &channels.page;
        let mut all: Vec<Chosen> = Vec::new();
        if let Some(at) = channels.slack.clone() {
            let (from, when, token) = (at.from, at.when, secret(&at.token_file)?);
            let sent = BTreeMap::new();
            all.push((Self::Slack { agent: agent(), at, token, page: page.clone(), sent }, from, when));
        }
        if let Some(at) = &channels.teams {
            let mention = at.token_file.is_some().then(|| at.mention.clone());
            let sender = Self::Teams { agent: agent(), url: secret(&at.url_file)?, page: page.clone(), mention };
            all.push((sender, at.from, at.when));
        }
        if let Some((at, devices)) = channels.push.clone().zip(devices) {
            let (from, when) = (at.from, at.when);
            all.push((Self::Push { agent: agent(), at, devices }, from, when));
        }
        if let Some(at) = channels.email.clone() {
            let server = SmtpTransport::from_url(&secret(&at.server_file)?).map_err(|why| format!("email: {why}"))?;
            let (from, when) = (at.from, at.when);
            let server = server.timeout(Some(PATIENCE)).build();
            all.push((Self::Email { server, at, page: page.clone() }, from, when));
        }
        if let Some(at) = channels.ntfy.clone() {
            let token = at.token_file.as_deref().map(secret).transpose()?;
            let (from, when) = (at.from, at.when);
            all.push((Self::Ntfy { agent: agent(), at, token, page: page.clone() }, from, when));
        }
        for (name, at, usual) in [
            ("pagerduty", &channels.pagerduty, "https://events.pagerduty.com/v2/enqueue"),
            ("opsgenie", &channels.opsgenie, "https://api.opsgenie.com/v2/alerts"),
        ] {
            if let Some(at) = at {
                let url = at.url.clone().unwrap_or_else(|| usual.to_owned());
                let sender = Self::Pager { agent: agent(), name, key: secret(&at.key_file)?, url, page: page.clone() };
                all.push((sender, at.from, at.when));
            }
        }
        if let Some(at) = &channels.webhook {
            let sender = Self::Webhook { agent: agent(), url: at.url.clone(), secret: secret(&at.secret_file)? };
            all.push((sender, at.from, at.when));
        }
        Ok(all)
    }

    /// What it is called.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Slack { .. } => "slack",
            Self::Teams { .. } => "teams",
            Self::Email { .. } => "email",
            Self::Ntfy { .. } => "ntfy",
            Self::Pager { name, .. } => name,
            Self::Webhook { .. } => "webhook",
            Self::Push { .. } => "push",
        }
    }

    /// Sends one.
    pub(crate) fn send(&mut self, notice: &Notice) -> Result<(), NotSent> {
        match self {
            Self::Slack { agent, at, token, page, sent } => slack(agent, at, token, page.as_deref(), sent, notice),
            Self::Teams { agent, url, page, mention } => {
                post(agent, url, &[], &notification::teams_card(notice, page.as_deref(), mention.as_deref())).map(drop)
            }
            Self::Email { server, at, page } => email(server, at, page.as_deref(), notice),
            Self::Ntfy { agent, at, token, page } => {
                let (title, text, priority, tags) = notification::ntfy(notice);
                // As JSON to the server's root: headers would have to be cleaned of line ends.
                let (server, topic) = at.url.rsplit_once('/').unwrap_or((&at.url, ""));
                let body = json!({"topic": topic, "title": title, "message": text, "priority": priority, "tags": [tags],
                    "click": page});
                let bearer = token.as_ref().map(|token| format!("Bearer {token}"));
                let headers: Vec<(&str, &str)> = bearer.iter().map(|it| ("authorization", it.as_str())).collect();
                post(agent, server, &headers, &body).map(drop)
            }
            Self::Pager { agent, name, key, url, page } => {
                let bearer = format!("GenieKey {key}");
                let headers: &[(&str, &str)] =
                    if *name == "opsgenie" { &[("authorization", bearer.as_str())] } else { &[] };
                match (notification::alarm_open(name, key, notice, page.as_deref()), notice) {
                    (Some(body), _) => post(agent, url, headers, &body).map(drop),
                    (None, Notice::Closed { hold, .. }) => {
                        let body = notification::alarm_close(name, key, &hold.id);
                        let close = format!("{url}/{}/close?identifierType=alias", hold.id);
                        post(agent, if *name == "opsgenie" { &close } else { url }, headers, &body).map(drop)
                    }
                    (None, Notice::Waits { .. } | Notice::Flood { .. }) => Ok(()),
                }
            }
            Self::Webhook { agent, url, secret } => {
                let at_ms = crate::now_ms();
                let body = notification::webhook(notice, at_ms);
                let signature = notification::sign(secret.as_bytes(), at_ms / 1_000, body.to_string().as_bytes());
                post(agent, url, &[("countersign-signature", &signature)], &body).map(drop)
            }
            Self::Push { agent, at, devices } => {
                push(agent, at, devices.as_ref(), notice);
                Ok(())
            }
        }
    }
}

fn agent() -> Agent {
    Agent::config_builder().timeout_global(Some(PATIENCE)).http_status_as_error(false).max_redirects(0).build().into()
}

fn post(agent: &Agent, url: &str, headers: &[(&str, &str)], body: &Value) -> Result<Value, NotSent> {
    let failed = |is_passing, wait, why: String| NotSent { is_passing, wait, why };
    let mut request = agent.post(url).header("content-type", "application/json; charset=utf-8");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    // Errors of the library may hold the address, which for some is the secret: only their kind is said.
    let answer = request.send(body.to_string());
    let mut answer = answer.map_err(|why| failed(true, None, kind(&why).to_owned()))?;
    let status = answer.status().as_u16();
    let wait =
        answer.headers().get("retry-after").and_then(|it| it.to_str().ok()?.parse().ok()).map(Duration::from_secs);
    if !(200..300).contains(&status) {
        return Err(failed(status == 429 || status >= 500, wait, format!("the server answered {status}")));
    }
    let text = answer.body_mut().with_config().limit(64 * 1024).read_to_string().unwrap_or_default();
    Ok(serde_json::from_str(&text).unwrap_or_default())
}

#[expect(clippy::wildcard_enum_match_arm, reason = "what matters is that nothing of the address is said")]
pub(crate) const fn kind(why: &ureq::Error) -> &'static str {
    match why {
        ureq::Error::Timeout(_) => "the server takes too long",
        ureq::Error::HostNotFound => "the server's name is not known",
        ureq::Error::ConnectionFailed | ureq::Error::Io(_) => "the server cannot be reached",
        ureq::Error::Tls(_) | ureq::Error::Rustls(_) => "the server's certificate does not hold",
        _ => "the request failed",
    }
}

fn slack(
    agent: &Agent,
    at: &notification::Slack,
    token: &str,
    page: Option<&str>,
    sent: &mut BTreeMap<String, String>,
    notice: &Notice,
) -> Result<(), NotSent> {
    let buttons = at.signing_secret_file.is_some();
    let mut body = json!({"channel": at.channel, "text": escaped(&notification::summary(notice)),
        "blocks": notification::slack_blocks(notice, page, buttons), "unfurl_links": false, "mrkdwn": false});
    let mut method = "chat.postMessage";
    if let (Notice::Closed { hold, .. }, Some(map)) = (notice, body.as_object_mut()) {
        // Nothing was said of it here.
        let Some(ts) = sent.remove(&hold.id) else { return Ok(()) };
        map.insert("ts".to_owned(), json!(ts));
        method = "chat.update";
    }
    let bearer = format!("Bearer {token}");
    let answer = post(agent, &format!("{}/{method}", at.url), &[("authorization", &bearer)], &body)?;
    if answer.get("ok").and_then(Value::as_bool) != Some(true) {
        let why = answer.get("error").and_then(Value::as_str).unwrap_or("no answer");
        let why = format!("Slack says `{}`", why.chars().take(60).collect::<String>());
        return Err(NotSent { is_passing: false, wait: None, why });
    }
    if let (Notice::Waits { hold, .. }, Some(ts)) = (notice, answer.get("ts").and_then(Value::as_str)) {
        if sent.len() >= MOST_KEPT {
            sent.pop_first();
        }
        sent.insert(hold.id.clone(), ts.to_owned());
    }
    Ok(())
}

/// The fallback text is read as markup: no mention and no link comes of it.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn email(server: &SmtpTransport, at: &notification::Email, page: Option<&str>, notice: &Notice) -> Result<(), NotSent> {
    let failed = |is_passing, why: String| NotSent { is_passing, wait: None, why };
    // An end needs no mail: the one that asked leads to the page, which tells.
    if matches!(notice, Notice::Closed { .. }) {
        return Ok(());
    }
    let (subject, text) = notification::email(notice, page);
    let address = |text: &str| text.parse().map_err(|_| failed(false, format!("`{text}` is no address")));
    let mut message = Message::builder().from(address(&at.from_address)?).subject(subject);
    for to in &at.to {
        message = message.to(address(to)?);
    }
    let message = message.body(text).map_err(|why| failed(false, why.to_string()))?;
    server.send(&message).map(drop).map_err(|why| failed(!why.is_permanent(), "the mail server refused it".to_owned()))
}
