//! The process that gets the page's certificate, where `certificate.toml` sets it up.

use std::net::SocketAddr;
use std::path::PathBuf;

use host::install_paths::{CHALLENGES_AT, Layout};
use host::service_supervisor::{Answers, Service};
use serde::Deserialize;

use super::accounts::Accounts;

/// The most that the settings may hold, in bytes.
const MAX_FILE: u64 = 64 * 1024;

/// What of the settings is about us. The rest is the process's own.
#[derive(Deserialize)]
struct Ours {
    #[serde(default = "usual")]
    listen: SocketAddr,
    dns_hook: Option<PathBuf>,
}

fn usual() -> SocketAddr {
    CHALLENGES_AT
}

/// The process, where it is set up.
///
/// # Errors
/// The settings cannot be read, or another account could have written them.
pub(super) fn service(
    layout: &Layout,
    accounts: Option<&Accounts>,
    environment: &[(String, PathBuf)],
) -> Result<Option<Service>, String> {
    let path = layout.certificate_settings();
    let say = |why: &dyn std::fmt::Display| format!("`{}`: {why}", path.display());
    // Root opens a port for what it says.
    let read = accounts.map_or_else(|| host::files::read_small(&path, MAX_FILE), |it| it.read(&path, MAX_FILE));
    let Some(bytes) = read.map_err(|why| say(&why))? else { return Ok(None) };
    let text = String::from_utf8(bytes).map_err(|_| say(&"it is not text"))?;
    let Ours { listen, dns_hook } = toml::from_str(&text).map_err(|why| say(&why))?;
    let own = std::env::current_exe()
        .map_err(|why| format!("cannot determine the path of the `countersign` executable: {why}"))?;
    Ok(Some(Service {
        name: "countersign-gate certificate",
        program: own.with_file_name("countersign-gate"),
        environment: environment.to_vec(),
        arguments: vec!["certificate".to_owned()],
        account: None,
        listens: None,
        // With a program that sets DNS records, the authority does not connect to us.
        answers: dns_hook.map_or(Answers::Address(listen), |_| Answers::Socket(layout.agent_socket())),
    }))
}
