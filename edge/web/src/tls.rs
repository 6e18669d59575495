//! TLS: a listener whose connections have shaken hands. A handshake that hangs holds up no other.

use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use axum::serve::Listener;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::sync::mpsc::{Receiver, channel};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::server::TlsStream;
use x509_cert::Certificate;
use x509_cert::der::Decode as _;
use x509_cert::time::Time;

/// How long a handshake may take, and how many may be under way.
const HANDSHAKE: Duration = Duration::from_secs(10);
const MOST_HANDSHAKES: usize = 256;

/// How many connections may wait to be served.
const WAITING: usize = 64;

/// The certificate of the page. It can be replaced while we serve; open connections stay.
#[derive(Debug)]
pub struct Tls {
    config: Arc<ServerConfig>,
    shown: Arc<Shown>,
}

/// What new connections are shown. Nothing while there is none yet: they are refused then.
#[derive(Debug, Default)]
struct Shown(RwLock<Option<(Arc<CertifiedKey>, Life)>>);

/// How long a certificate is good, in seconds since 1970.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Life {
    pub(crate) from_s: u64,
    pub(crate) until_s: u64,
}

impl Life {
    fn of(certificate: &CertificateDer<'_>) -> Option<Self> {
        let validity = Certificate::from_der(certificate).ok()?.tbs_certificate.validity;
        let seconds = |time: &Time| time.to_unix_duration().as_secs();
        Some(Self { from_s: seconds(&validity.not_before), until_s: seconds(&validity.not_after) })
    }
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).as_ref().map(|(key, _)| Arc::clone(key))
    }
}

impl Tls {
    /// Without a certificate yet.
    ///
    /// # Errors
    /// The library refuses its own defaults.
    pub fn new() -> Result<Self, String> {
        let shown = Arc::new(Shown::default());
        let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|why| why.to_string())?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&shown) as Arc<dyn ResolvesServerCert>);
        Ok(Self { config: Arc::new(config), shown })
    }

    /// Shows this certificate, with its chain, from now on. Both are PEM, and may be the same text.
    ///
    /// # Errors
    /// One of them cannot be read, or they do not belong together: the one before goes on to be shown.
    pub fn show(&self, certificate: &[u8], key: &[u8]) -> Result<(), String> {
        let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(certificate)
            .collect::<Result<_, _>>()
            .map_err(|why| format!("the certificate: {why}"))?;
        let first = chain.first().ok_or("there is no certificate in the file (PEM)")?;
        let life = Life::of(first).ok_or("the certificate does not say how long it is good")?;
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|why| format!("the key: {why}"))?;
        // Fails where they do not belong together.
        let certified = CertifiedKey::from_der(chain, key, self.config.crypto_provider())
            .map_err(|why| format!("certificate and key: {why}"))?;
        *self.shown.0.write().unwrap_or_else(PoisonError::into_inner) = Some((Arc::new(certified), life));
        Ok(())
    }

    /// How long the certificate that is shown is good.
    pub(crate) fn life(&self) -> Option<Life> {
        self.shown.0.read().unwrap_or_else(PoisonError::into_inner).as_ref().map(|(_, life)| *life)
    }

    /// As connections take it.
    pub(crate) fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.config)
    }
}

/// Connections that have shaken hands.
pub(crate) struct Shaken {
    address: SocketAddr,
    ready: Receiver<(TlsStream<TcpStream>, SocketAddr)>,
}

impl Shaken {
    /// Accepts, and shakes hands with each on a task of its own.
    pub(crate) fn new(listener: TcpListener, settings: Arc<ServerConfig>) -> std::io::Result<Self> {
        let address = listener.local_addr()?;
        let (tell, ready) = channel(WAITING);
        let acceptor = TlsAcceptor::from(settings);
        let places = Arc::new(Semaphore::new(MOST_HANDSHAKES));
        tokio::spawn(async move {
            while !tell.is_closed() {
                let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
                let Ok((stream, from)) = listener.accept().await else {
                    // Out of descriptors: do not spin.
                    tokio::time::sleep(Duration::from_millis(10)).await;
                    continue;
                };
                let (acceptor, tell) = (acceptor.clone(), tell.clone());
                tokio::spawn(async move {
                    let shaken = tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)).await;
                    if let Ok(Ok(stream)) = shaken {
                        let _ = tell.send((stream, from)).await;
                    }
                    drop(place);
                });
            }
        });
        Ok(Self { address, ready })
    }
}

impl Listener for Shaken {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        match self.ready.recv().await {
            Some(accepted) => accepted,
            // The task that accepts never ends before us.
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        Ok(self.address)
    }
}
