//! HTTP to the servers of settings, and what it takes.

use std::time::Duration;

use ureq::Agent;
use ureq::tls::{Certificate, RootCerts, TlsConfig, parse_pem};

/// Timeout for a server's reply.
const PATIENCE: Duration = Duration::from_secs(10);

/// Files that a name is looked up with.
pub(crate) const NAMES: [&str; 4] = ["/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/gai.conf"];

/// A client. Redirects are not followed: what is asked for is where it was said to be. With `authorities` (PEM) it trusts these, and no
/// other.
///
/// # Errors
/// There is no certificate in `authorities`.
pub(crate) fn client(authorities: Option<&[u8]>) -> Result<Agent, String> {
    let config = Agent::config_builder().timeout_global(Some(PATIENCE)).http_status_as_error(false).max_redirects(0);
    let Some(pem) = authorities else { return Ok(config.build().into()) };
    let certificates = parse_pem(pem).filter_map(|item| match item {
        Ok(ureq::tls::PemItem::Certificate(certificate)) => Some(certificate),
        Ok(_) | Err(_) => None,
    });
    let certificates: Vec<Certificate<'static>> = certificates.collect();
    if certificates.is_empty() {
        return Err("the file of `ca_file` holds no certificate (PEM)".to_owned());
    }
    let tls = TlsConfig::builder().root_certs(RootCerts::new_with_certs(&certificates)).build();
    Ok(config.tls_config(tls).build().into())
}

/// The certificates of an authority of one's own, where the settings name a file.
///
/// # Errors
/// It cannot be read.
pub(crate) fn authorities(file: Option<&str>) -> Result<Option<Vec<u8>>, String> {
    file.map(|file| std::fs::read(file).map_err(|why| format!("`{file}`: {why}"))).transpose()
}

/// A listener, for the runtime that we are in.
///
/// # Errors
/// The system refuses.
pub(crate) fn as_tokio(listener: std::net::TcpListener) -> std::io::Result<tokio::net::TcpListener> {
    listener.set_nonblocking(true)?;
    tokio::net::TcpListener::from_std(listener)
}
