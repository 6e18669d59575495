//! Single sign-on: `countersign-gate sign-on` fetches the provider's addresses and keys; `countersign-gate web` sends browsers there
//! and exchanges what they bring back. Neither identifies a person: `countersignd` does.

use std::time::Duration;

use data_encoding::BASE64URL_NOPAD;
use host::install_paths::Layout;
use host::{clock, files};
use oidc::{Provider, Settings};
use protocol::{Password, SignOnWay};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use ureq::Agent;
use web::Leaving;

use crate::client::{authorities, client};

/// How often its keys are fetched, and how soon again where that failed.
const EVERY: Duration = Duration::from_secs(600);
const AGAIN: Duration = Duration::from_secs(5);

/// The most that it may answer, in bytes.
const MAX_ANSWER: u64 = 256 * 1024;

/// Fetches, for as long as the process lives.
pub(crate) fn main() -> Result<(), String> {
    host::memory::keep_private();
    let layout = Layout::from_environment()?;
    let settings = settings(&layout)?
        .ok_or_else(|| format!("`{}` is not there; see docs/operate/signon.md", layout.signon().display()))?;
    let agent = client(authorities(settings.ca_file.as_deref())?.as_deref())?;
    std::thread::spawn(|| {
        let _ = host::service_supervisor::wait_for_end(None);
        std::process::exit(0);
    });
    let mut was_well = false;
    loop {
        let fetched = fetch(&agent, &settings).and_then(|provider| {
            let text = serde_json::to_vec(&provider).map_err(|why| why.to_string())?;
            files::replace(&layout.provider(), &text, 0o644).map_err(|why| why.to_string())
        });
        match &fetched {
            Ok(()) if !was_well => eprintln!("countersign-gate: people sign in with {}", settings.issuer),
            Ok(()) => {}
            Err(why) => eprintln!("countersign-gate: {}: {why}; tried again in {} s", settings.issuer, AGAIN.as_secs()),
        }
        was_well = fetched.is_ok();
        std::thread::sleep(if was_well { EVERY } else { AGAIN });
    }
}

/// The settings, where there are any.
fn settings(layout: &Layout) -> Result<Option<Settings>, String> {
    let path = layout.signon();
    let say = |why: &dyn std::fmt::Display| format!("`{}`: {why}", path.display());
    let Some(bytes) = files::read_small(&path, MAX_ANSWER).map_err(|why| say(&why))? else { return Ok(None) };
    let text = String::from_utf8(bytes).map_err(|_| say(&"it is not text"))?;
    Settings::parse(&text).map(Some).map_err(|why| say(&why))
}

fn fetch(agent: &Agent, settings: &Settings) -> Result<Provider, String> {
    let at = format!("{}/.well-known/openid-configuration", settings.issuer.trim_end_matches('/'));
    let configuration = get(agent, &at)?;
    let keys = get(agent, Provider::keys_at(&configuration).map_err(|why| why.to_string())?)?;
    Provider::of(settings, &configuration, keys, clock::now_ms()).map_err(|why| why.to_string())
}

fn get(agent: &Agent, address: &str) -> Result<Value, String> {
    let mut answer = agent.get(address).call().map_err(|why| why.to_string())?;
    let status = answer.status().as_u16();
    let text = answer.body_mut().with_config().limit(MAX_ANSWER).read_to_string().map_err(|why| why.to_string())?;
    if status != 200 {
        return Err(format!("{address} answers {status}"));
    }
    serde_json::from_str(&text).map_err(|_| format!("{address} answers no JSON"))
}

/// The browser's way there and back.
pub(crate) struct Browser;

const AWAY: &str = "the provider was not reached yet; try again in a moment";

impl web::SignOn for Browser {
    /// The code's way (RFC 6749 §4.1) with a proof of who asked for it (PKCE, RFC 7636).
    fn leave(&self, way: &SignOnWay, nonce: &str) -> Result<Leaving, String> {
        let (at, _) = way.endpoints.as_ref().ok_or(AWAY)?;
        let random = || clock::random::<32>().map(|it| BASE64URL_NOPAD.encode(&it)).map_err(|why| why.to_string());
        let (state, verifier) = (random()?, random()?);
        let challenge = BASE64URL_NOPAD.encode(&Sha256::digest(verifier.as_bytes()));
        let scope = std::iter::once("openid").chain(way.scopes.iter().map(String::as_str));
        let scope = scope.collect::<Vec<_>>().join(" ");
        let query = [
            ("response_type", "code"),
            ("client_id", &way.client_id),
            ("redirect_uri", &way.callback),
            ("scope", &scope),
            ("state", &state),
            ("nonce", nonce),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ];
        let query = query.map(|(name, value)| format!("{name}={}", encoded(value))).join("&");
        let join = if at.contains('?') { '&' } else { '?' };
        Ok(Leaving { address: format!("{at}{join}{query}"), state, verifier })
    }

    fn token(&self, way: &SignOnWay, code: &str, verifier: &str) -> Result<String, String> {
        let (_, at) = way.endpoints.as_ref().ok_or(AWAY)?;
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", way.callback.as_str()),
            ("code_verifier", verifier),
            ("client_id", way.client_id.as_str()),
        ];
        let body = form.map(|(name, value)| format!("{name}={}", encoded(value))).join("&");
        let agent = client(way.authorities.as_deref().map(str::as_bytes))?;
        let mut request = agent.post(at).header("content-type", "application/x-www-form-urlencoded");
        if let Some(Password(secret)) = &way.client_secret {
            let pair = format!("{}:{}", encoded(&way.client_id), encoded(secret));
            request =
                request.header("authorization", format!("Basic {}", data_encoding::BASE64.encode(pair.as_bytes())));
        }
        let mut answer = request.send(body).map_err(|why| format!("the provider cannot be reached: {why}"))?;
        let status = answer.status().as_u16();
        let text = answer.body_mut().with_config().limit(MAX_ANSWER).read_to_string().map_err(|why| why.to_string())?;
        let answer: Value = serde_json::from_str(&text).unwrap_or_default();
        let word = |name: &str| answer.get(name).and_then(Value::as_str);
        word("id_token").filter(|_| status == 200).map(str::to_owned).ok_or_else(|| {
            format!("the provider gives no token ({status} {})", word("error").unwrap_or("without a reason"))
        })
    }
}

/// Percent-encoding of everything that is not unreserved (RFC 3986 §2.3).
fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}
