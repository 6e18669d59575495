//! The certificate authority: an account there, and one order for a certificate (ACME, RFC 8555).

use std::future::Future;
use std::io::Cursor;
use std::path::Path;
use std::pin::Pin;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use bytes::Bytes;
use data_encoding::BASE64URL_NOPAD;
use host::files;
use host::install_paths::Layout;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use instant_acme::{
    Account, AccountCredentials, AuthorizationStatus, BodyWrapper, BytesResponse, ChallengeType, Error,
    ExternalAccountKey, HttpClient, Identifier, NewAccount, NewOrder, Order, OrderStatus, RetryPolicy,
};
use ureq::Agent;
use web::Challenges;

use super::settings::Settings;
use crate::client::{authorities, client};

/// The most that the authority may answer, in bytes.
const MAX_ANSWER: u64 = 1024 * 1024;

/// How long it may take to look at our answers, and to issue.
const PATIENCE: RetryPolicy = RetryPolicy::new().timeout(Duration::from_secs(90));

/// How long the program that sets DNS records may take. It comes back when others see them.
const HOOK_PATIENCE: Duration = Duration::from_secs(600);

/// Why there is no certificate.
pub(crate) enum Failed {
    /// The authority was not reached, or not in order: it may go in a moment.
    Away(String),
    /// It refuses, or we cannot do our part: soon is too soon.
    Refused(String),
}

impl From<Error> for Failed {
    fn from(why: Error) -> Self {
        // A nonce that was good is not, on some servers, more often than it is tried again (RFC 8555 §6.5).
        let is_nonce = |kind: &Option<String>| kind.as_ref().is_some_and(|it| it.ends_with(":badNonce"));
        let is_passing =
            matches!(why, Error::Other(_)) || matches!(&why, Error::Api(problem) if is_nonce(&problem.r#type));
        let text = plain(why.to_string().trim_start_matches("API error: "));
        if is_passing { Self::Away(text) } else { Self::Refused(text) }
    }
}

impl From<String> for Failed {
    fn from(why: String) -> Self {
        Self::Refused(why)
    }
}

/// Our requests, carried by the client that the other gates use.
struct Carried(Agent);

impl HttpClient for Carried {
    fn request(
        &self,
        request: Request<BodyWrapper<Bytes>>,
    ) -> Pin<Box<dyn Future<Output = Result<BytesResponse, Error>> + Send>> {
        let agent = self.0.clone();
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let body = body.collect().await.map_err(|why| Error::Other(why.into()))?.to_bytes().to_vec();
            let carried = tokio::task::spawn_blocking(move || -> Result<Response<Vec<u8>>, ureq::Error> {
                let (parts, mut body) = agent.run(Request::from_parts(parts, body))?.into_parts();
                let body = body.with_config().limit(MAX_ANSWER).read_to_vec()?;
                Ok(Response::from_parts(parts, body))
            });
            let answer = carried.await.map_err(|why| Error::Other(why.into()))?;
            let answer = answer.map_err(|why| Error::Other(why.into()))?;
            Ok(BytesResponse::from(answer.map(|body| Full::new(Cursor::new(body)))))
        })
    }
}

/// The account that we have, or a new one.
pub(crate) async fn account(layout: &Layout, settings: &Settings) -> Result<Account, Failed> {
    let http = client(authorities(settings.ca_file.as_deref())?.as_deref())?;
    let builder = Account::builder_with_http(Box::new(Carried(http)));
    let path = layout.certificate_account();
    let say = |why: &dyn std::fmt::Display| format!("`{}`: {why}", path.display());
    if let Some(bytes) = files::read_small(&path, MAX_ANSWER).map_err(|why| say(&why))? {
        let kept: serde_json::Value = serde_json::from_slice(&bytes).map_err(|why| say(&why))?;
        // An account belongs to one authority.
        if kept.get("directory").and_then(serde_json::Value::as_str) == Some(settings.directory.as_str()) {
            let credentials: AccountCredentials = serde_json::from_value(kept).map_err(|why| say(&why))?;
            return Ok(builder.from_credentials(credentials).await?);
        }
    }
    let external = settings.external_account.as_ref().map(|external| {
        let key = crate::notify::secret(&external.key_file)?;
        let key = BASE64URL_NOPAD
            .decode(key.trim_end_matches('=').as_bytes())
            .map_err(|_| format!("`{}` is no key in base64url", external.key_file))?;
        Ok::<_, String>(ExternalAccountKey::new(external.id.clone(), &key))
    });
    let contact: Vec<&str> = settings.contact.iter().map(String::as_str).collect();
    let new = NewAccount { contact: &contact, terms_of_service_agreed: true, only_return_existing: false };
    let made = builder.create(&new, settings.directory.clone(), external.transpose()?.as_ref()).await;
    let (account, credentials) = made?;
    let text = serde_json::to_vec(&credentials).map_err(|why| say(&why))?;
    files::replace(&path, &text, 0o600).map_err(|why| say(&why))?;
    Ok(account)
}

/// Gets a certificate: the chain, and a new key, both PEM.
pub(crate) async fn order(
    account: &Account,
    settings: &Settings,
    challenges: &Challenges,
) -> Result<(String, String), Failed> {
    let identifiers: Vec<Identifier> = settings.names.iter().cloned().map(Identifier::Dns).collect();
    let mut order = account.new_order(&NewOrder::new(&identifiers)).await?;
    let mut records = Vec::new();
    let answered = answer(&mut order, settings, challenges, &mut records).await;
    let issued = match answered {
        Ok(()) => issued(&mut order).await,
        Err(why) => Err(why),
    };
    challenges.clear();
    for (hook, name, value) in &records {
        if let Err(why) = run(hook, "unset", name, value) {
            eprintln!("countersign-gate: {why}");
        }
    }
    issued
}

/// A record that was set: the program, the name and the value.
type Record = (std::path::PathBuf, String, String);

/// Answers what the authority wants to see of each name.
async fn answer(
    order: &mut Order,
    settings: &Settings,
    challenges: &Challenges,
    records: &mut Vec<Record>,
) -> Result<(), Failed> {
    let mut authorizations = order.authorizations();
    while let Some(authorization) = authorizations.next().await {
        let mut authorization = authorization?;
        if authorization.status == AuthorizationStatus::Valid {
            continue;
        }
        let way = if settings.dns_hook.is_some() { ChallengeType::Dns01 } else { ChallengeType::Http01 };
        let mut challenge = authorization.challenge(way).ok_or_else(|| {
            let other = if settings.dns_hook.is_some() { "leave `dns_hook` out" } else { "set a `dns_hook`" };
            format!("the authority does not offer this way to prove a name; {other}")
        })?;
        let proof = challenge.key_authorization();
        if let Some(hook) = &settings.dns_hook {
            let name = challenge.identifier().to_string();
            let name = format!("_acme-challenge.{}", name.trim_start_matches("*."));
            let value = proof.dns_value();
            let (theirs, its_name, its_value) = (hook.clone(), name.clone(), value.clone());
            records.push((hook.clone(), name, value));
            let set = tokio::task::spawn_blocking(move || run(&theirs, "set", &its_name, &its_value));
            set.await.map_err(|why| why.to_string())??;
        } else {
            challenges.set(&challenge.token, proof.as_str());
        }
        challenge.set_ready().await?;
    }
    Ok(())
}

/// Waits until the authority has looked, and issued.
async fn issued(order: &mut Order) -> Result<(String, String), Failed> {
    let status = order.poll_ready(&PATIENCE).await?;
    if status != OrderStatus::Ready {
        return Err(Failed::Refused(refusal(order).await));
    }
    let key = order.finalize().await?;
    let chain = order.poll_certificate(&PATIENCE).await?;
    Ok((chain, key))
}

/// Why the authority does not believe us.
async fn refusal(order: &mut Order) -> String {
    let mut reasons = Vec::new();
    let mut authorizations = order.authorizations();
    while let Some(Ok(mut authorization)) = authorizations.next().await {
        if authorization.refresh().await.is_err() {
            continue;
        }
        let name = authorization.identifier().to_string();
        let failed = authorization.challenges.iter().filter_map(|challenge| challenge.error.as_ref());
        reasons.extend(
            failed.map(|problem| format!("{name}: {}", plain(problem.to_string().trim_start_matches("API error: ")))),
        );
    }
    if reasons.is_empty() { "the authority refuses, and does not say why".to_owned() } else { reasons.join("; ") }
}

/// A text of a server, on one line and without control characters.
fn plain(text: &str) -> String {
    text.chars().take(500).map(|it| if it.is_control() { ' ' } else { it }).collect()
}

/// Runs the program of the settings: `HOOK set NAME VALUE`, and `HOOK unset NAME VALUE`.
fn run(hook: &Path, what: &str, name: &str, value: &str) -> Result<(), String> {
    let say = |why: &dyn std::fmt::Display| format!("`{} {what} {name} …`: {why}", hook.display());
    let mut child =
        Command::new(hook).args([what, name, value]).stdin(Stdio::null()).spawn().map_err(|why| say(&why))?;
    let since = Instant::now();
    loop {
        match child.try_wait().map_err(|why| say(&why))? {
            Some(status) if status.success() => return Ok(()),
            Some(status) => return Err(say(&status)),
            None if since.elapsed() > HOOK_PATIENCE => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(say(&"it takes too long"));
            }
            None => std::thread::sleep(Duration::from_millis(100)),
        }
    }
}
