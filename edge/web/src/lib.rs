//! The web gate: an HTTP interface and the dashboard for people who answer holds.
//!
//! It carries, and decides nothing: `countersignd` checks who a person is, and whether their approval counts, each
//! time. What it keeps is the list of open holds, to tell every page of a change at once.

#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "an answer that does not belong to the question is an error, whichever it is"
)]

mod acme_http01;
mod agent_activity;
mod agents;
mod assets;
mod auth_routes;
mod chat_webhooks;
mod csrf;
mod daemon_client;
mod daemon_connection;
mod events;
mod health;
mod hold_cache;
mod idempotency;
mod oidc_login;
#[cfg(feature = "schema")]
mod openapi;
mod problem;
mod proof;
mod record;
mod routes;
mod session_extractor;
mod tls;

#[cfg(feature = "schema")]
pub use openapi::openapi;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

pub use acme_http01::{Challenges, answer_challenges};
pub use oidc_login::{Leaving, SignOn};
pub use tls::Tls;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::daemon_client::DaemonClient;
use crate::hold_cache::HoldCache;

/// What every request needs.
pub(crate) struct Gate {
    pub(crate) operators: DaemonClient,
    pub(crate) holds: Arc<HoldCache>,
    /// The agents' socket.
    pub(crate) agents: PathBuf,
    /// Answers that an agent may ask for again.
    pub(crate) answers: idempotency::Answers,
    /// `Host` headers that are ours: another one is a page elsewhere whose name was pointed at us.
    pub(crate) hosts: Vec<String>,
    /// Its certificate, where it is reached over TLS.
    pub(crate) tls: Option<Arc<Tls>>,
    /// Places for pages that look where agents work.
    pub(crate) looking: Arc<Semaphore>,
    /// The way to the provider of single sign-on.
    pub(crate) sign_on: Box<dyn SignOn>,
    /// Those who are on that way.
    pub(crate) away: oidc_login::PendingLogins,
    /// The file with the key by which push services know us.
    pub(crate) push_key: PathBuf,
}

impl Gate {
    /// The header that gives a browser its session.
    pub(crate) fn cookie(&self, token: &str) -> String {
        let secure = if self.tls.is_some() { "; Secure" } else { "" };
        format!("{}={token}; HttpOnly; SameSite=Strict; Path=/{secure}", session_extractor::COOKIE)
    }
}

/// How the gate is reached.
pub struct ServeOptions {
    /// Where it listens.
    pub listener: TcpListener,
    /// The web gate's socket of the daemon.
    pub operators: PathBuf,
    /// The agents' socket of the daemon.
    pub agents: PathBuf,
    /// The name in the page's address, in addition to this machine's own.
    pub host: Option<String>,
    /// The certificate; nothing for plain HTTP.
    pub tls: Option<Arc<Tls>>,
    /// The way to the provider of single sign-on.
    pub sign_on: Box<dyn SignOn>,
    /// The file with the key by which push services know us, where devices are notified.
    pub push_key: PathBuf,
}

/// Serves until asked to end.
///
/// # Errors
/// The listener fails.
pub async fn serve(door: ServeOptions) -> std::io::Result<()> {
    let ServeOptions { listener, operators, agents, host, tls, sign_on, push_key } = door;
    let address = listener.local_addr()?;
    let holds = Arc::new(HoldCache::default());
    let hosts = hosts(address, host.as_deref());
    let answers = idempotency::Answers::default();
    let away = oidc_login::PendingLogins::default();
    let operators = DaemonClient::new(operators);
    let shown = tls.clone();
    let looking = Arc::new(Semaphore::new(agent_activity::MOST_LOOK));
    let gate =
        Arc::new(Gate { operators, holds, agents, answers, hosts, tls: shown, looking, sign_on, away, push_key });
    let following = Arc::clone(&gate);
    tokio::spawn(async move { following.operators.follow(&following.holds).await });
    let router = routes::router(gate);
    // In a task of its own: the accepting thread is then one of the serving threads.
    let served = tokio::spawn(async move {
        match tls {
            Some(tls) => {
                axum::serve(tls::Shaken::new(listener, tls.config())?, router).with_graceful_shutdown(ended()).await
            }
            None => axum::serve(listener, router).with_graceful_shutdown(ended()).await,
        }
    });
    served.await.map_err(std::io::Error::other)?
}

fn hosts(address: SocketAddr, name: Option<&str>) -> Vec<String> {
    let port = address.port();
    let mut hosts = vec![address.to_string()];
    if address.ip().is_loopback() {
        hosts.extend([format!("localhost:{port}"), format!("127.0.0.1:{port}"), format!("[::1]:{port}")]);
    }
    // Behind a proxy or at the usual port there is no number in it.
    hosts.extend(name.into_iter().flat_map(|name| [name.to_owned(), format!("{name}:{port}")]));
    hosts
}

/// Waits for SIGTERM or SIGINT.
async fn ended() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut term), Ok(mut int)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt())) else {
        return;
    };
    let (term, int) = (std::pin::pin!(term.recv()), std::pin::pin!(int.recv()));
    let mut both = (term, int);
    std::future::poll_fn(|context| {
        let ready = both.0.as_mut().poll(context).is_ready() || both.1.as_mut().poll(context).is_ready();
        if ready { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
}
