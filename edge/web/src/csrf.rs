//! What every request passes, and what every response carries, against pages that are not ours.
//!
//! A page elsewhere can make a browser send requests here with the cookie's owner behind it (CSRF), or point its own name at this
//! address (DNS rebinding). So: the `Host` is ours; whatever changes something comes from our own page, as the browser says in
//! `Origin` and `Sec-Fetch-Site`; and its body is JSON, which a form cannot send.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, Method, Request, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use crate::Gate;
use crate::problem::Problem;

/// Scripts and styles are our own files (the terminal player brings its own WebAssembly with them); nothing is loaded from elsewhere, framed, or sent elsewhere.
const POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Looks at a request before anything else does.
pub(crate) async fn guard(State(gate): State<Arc<Gate>>, request: Request<Body>, next: Next) -> Response {
    let is_interface = request.uri().path().starts_with("/v1/");
    // Signed as a whole; it involves neither a cookie nor a page.
    let is_signed = crate::chat_webhooks::SIGNED.contains(&request.uri().path()) && *request.method() == Method::POST;
    // A browser returns from the provider: what it brings is checked.
    let comes_back = request.uri().path() == crate::oidc_login::CALLBACK && *request.method() == Method::GET;
    let passed =
        if is_signed { Ok(()) } else { check(&gate, request.method(), request.headers(), is_interface && !comes_back) };
    let mut response = match passed {
        Ok(()) => in_words(next.run(request).await, is_interface).await,
        Err(problem) => problem.into_response(),
    };
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.insert("cross-origin-opener-policy", HeaderValue::from_static("same-origin"));
    headers.insert("cross-origin-resource-policy", HeaderValue::from_static("same-origin"));
    headers.insert("permissions-policy", HeaderValue::from_static("camera=(), microphone=(), geolocation=()"));
    if gate.tls.is_some() {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
    if is_interface {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    response
}

/// What the framework refuses by itself (a body that is no JSON, another method) is a problem document, too.
async fn in_words(response: Response, is_interface: bool) -> Response {
    let status = response.status();
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|it| it.to_str().ok()).unwrap_or("");
    let is_ours = kind.starts_with("application/");
    if !is_interface || is_ours || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let text = axum::body::to_bytes(response.into_body(), MAX_WORDS).await.unwrap_or_default();
    Problem::of(status, String::from_utf8_lossy(&text).into_owned()).into_response()
}

/// The longest text of the framework, in bytes.
const MAX_WORDS: usize = 4_096;

fn check(gate: &Gate, method: &Method, headers: &HeaderMap, is_interface: bool) -> Result<(), Problem> {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let host = text("host").unwrap_or("");
    if !gate.hosts.iter().any(|ours| ours.eq_ignore_ascii_case(host)) {
        return Err(Problem::forbidden("this is not the name of this gate"));
    }
    let scheme = if gate.tls.is_some() { "https://" } else { "http://" };
    let is_ours = |origin: &str| origin.strip_prefix(scheme).is_some_and(|it| it.eq_ignore_ascii_case(host));
    let from_elsewhere = text("sec-fetch-site").is_some_and(|it| !matches!(it, "same-origin" | "none"))
        || text("origin").is_some_and(|origin| !is_ours(origin));
    if is_interface && from_elsewhere {
        return Err(Problem::forbidden("this was asked by another page"));
    }
    let is_safe = matches!(*method, Method::GET | Method::HEAD);
    let is_json = text("content-type").is_some_and(|it| it.split(';').next() == Some("application/json"));
    if !is_safe && !is_json {
        return Err(Problem::malformed("whatever changes something is sent as application/json"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::Gate;
    use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
    use std::sync::Arc;

    struct Nowhere;

    impl crate::SignOn for Nowhere {
        fn leave(&self, _: &protocol::SignOnWay, _: &str) -> Result<crate::Leaving, String> {
            Err("nowhere".to_owned())
        }

        fn token(&self, _: &protocol::SignOnWay, _: &str, _: &str) -> Result<String, String> {
            Err("nowhere".to_owned())
        }
    }

    fn passes(method: &Method, headers: &[(&str, &str)]) -> bool {
        let operators = crate::daemon_client::DaemonClient::new(std::path::PathBuf::new());
        let hosts = vec!["localhost:7443".to_owned()];
        let gate = Gate {
            operators,
            holds: Arc::default(),
            agents: std::path::PathBuf::new(),
            answers: crate::idempotency::Answers::default(),
            hosts,
            tls: None,
            looking: Arc::new(tokio::sync::Semaphore::new(1)),
            sign_on: Box::new(Nowhere),
            away: crate::oidc_login::PendingLogins::default(),
            push_key: std::path::PathBuf::new(),
        };
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(HeaderName::try_from(*name).unwrap(), HeaderValue::from_str(value).unwrap());
        }
        check(&gate, method, &map, true).is_ok()
    }

    #[test]
    fn only_our_own_page_and_tools_without_a_page_get_through() {
        let (host, json) = (("host", "localhost:7443"), ("content-type", "application/json"));
        let ours = ("origin", "http://localhost:7443");
        assert!(passes(&Method::GET, &[host]));
        assert!(passes(&Method::POST, &[host, json]));
        assert!(passes(&Method::POST, &[host, json, ours, ("sec-fetch-site", "same-origin")]));
        for bad in [
            vec![json],
            vec![("host", "evil.example"), json],
            vec![("host", "localhost:7443.evil.example"), json],
            vec![host],
            vec![host, ("content-type", "text/plain")],
            vec![host, ("content-type", "application/x-www-form-urlencoded")],
            vec![host, json, ("origin", "http://evil.example")],
            vec![host, json, ("origin", "https://localhost:7443")],
            vec![host, json, ("origin", "null")],
            vec![host, json, ("sec-fetch-site", "cross-site")],
            vec![host, json, ("sec-fetch-site", "same-site")],
            vec![host, json, ours, ("sec-fetch-site", "cross-site")],
        ] {
            assert!(!passes(&Method::POST, &bad), "{bad:?}");
        }
        assert!(!passes(&Method::GET, &[host, ("sec-fetch-site", "cross-site")]));
    }
}
