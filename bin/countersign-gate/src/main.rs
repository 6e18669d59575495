//! `countersign-gate`: enforcement points and interfaces that read hostile bytes from the network. Each subcommand is a process of
//! its own, with no say in any decision.

mod devices;
mod link;
mod notify;
mod signon;
mod telemetry;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Parser, Subcommand};
use host::layout::{Layout, WEB_HOST_VARIABLE};

/// Gates of Countersign on the network. `countersign up` starts the web gate beside the daemons.
#[derive(Parser)]
#[command(name = "countersign-gate", version)]
struct Cli {
    #[command(subcommand)]
    gate: Gate,
}

#[derive(Subcommand)]
enum Gate {
    /// The dashboard and the HTTP interface for people who answer holds
    Web {
        /// Where to listen. Without a certificate only this machine's own addresses
        #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:7443")]
        listen: SocketAddr,
        /// The certificate with its chain (PEM). COUNTERSIGN_WEB_HOST says the name in the page's address
        #[arg(long, value_name = "FILE", requires = "tls_key")]
        tls_cert: Option<PathBuf>,
        /// Its key (PEM), a file of mode 0600
        #[arg(long, value_name = "FILE", requires = "tls_cert")]
        tls_key: Option<PathBuf>,
    },
    /// Tell people of what waits, over the channels of `channels.toml`: Slack, Teams, e-mail, ntfy, PagerDuty, Opsgenie, a webhook
    Notify,
    /// Fetch the addresses and keys of the provider of `signon.toml`, so that people can sign in with it
    SignOn,
    /// Push the numbers of /metrics, and traces of requests, to a collector of OpenTelemetry
    Telemetry {
        /// The collector (OTLP over HTTP)
        #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:4318")]
        otlp: String,
        /// How often, in seconds
        #[arg(long, value_name = "SECONDS", default_value_t = 15, value_parser = clap::value_parser!(u64).range(1..=3600))]
        every: u64,
    },
}

fn main() -> ExitCode {
    let done = match Cli::parse().gate {
        Gate::Web { listen, tls_cert, tls_key } => web(listen, tls_cert.as_deref().zip(tls_key.as_deref())),
        Gate::Notify => notify::main(),
        Gate::SignOn => signon::main(),
        Gate::Telemetry { otlp, every } => telemetry::main(&otlp, every),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("countersign-gate: {why}");
            ExitCode::FAILURE
        }
    }
}

fn web(listen: SocketAddr, tls: Option<(&Path, &Path)>) -> Result<(), String> {
    host::memory::keep_private();
    let tls = tls.map(|(certificate, key)| certificate_of(certificate, key)).transpose()?;
    if tls.is_none() && !listen.ip().is_loopback() {
        return Err(format!(
            "`{listen}` can be reached from elsewhere, so it takes TLS: add --tls-cert FILE --tls-key FILE. Or listen on 127.0.0.1, and reach it through an SSH tunnel: ssh -L {}:127.0.0.1:{} HOST",
            listen.port(),
            listen.port()
        ));
    }
    let host = std::env::var(WEB_HOST_VARIABLE).ok();
    let layout = Layout::from_environment()?;
    // Before any thread is there, so that every one of them is shut in. Pages are in the program; what is left
    // is the sockets, and the files that a name is looked up with.
    let mut readable = vec![layout.run.as_path()];
    readable.extend(signon::NAMES.map(Path::new));
    match host::confine::to_read(&readable) {
        Ok(true) => {}
        Ok(false) => eprintln!("countersign-gate: this kernel has no Landlock: the gate is not shut in"),
        Err(why) => return Err(format!("the gate could not be shut in: {why}")),
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|why| why.to_string())?;
    runtime.block_on(async move {
        let listener = tokio::net::TcpListener::bind(listen)
            .await
            .map_err(|why| format!("`{listen}`: {why}; choose another with `--listen 127.0.0.1:PORT`"))?;
        let address = listener.local_addr().map_err(|why| why.to_string())?;
        let scheme = if tls.is_some() { "https" } else { "http" };
        // On standard error: `up --json` has standard output to itself.
        eprintln!("countersign-gate: the dashboard is at {scheme}://{address}/");
        let sign_on = Box::new(signon::Browser);
        let push_key = layout.push_public_key();
        web::serve(web::Door {
            listener,
            operators: layout.web_socket(),
            agents: layout.agent_socket(),
            host,
            tls,
            sign_on,
            push_key,
        })
        .await
        .map_err(|why| why.to_string())
    })
}

fn certificate_of(certificate: &Path, key: &Path) -> Result<Arc<web::Tls>, String> {
    if host::files::can_be_read_by_others(key).map_err(|why| format!("`{}`: {why}", key.display()))? {
        return Err(format!("`{}` can be read by others; make it mode 0600", key.display()));
    }
    let read = |path: &Path| std::fs::read(path).map_err(|why| format!("`{}`: {why}", path.display()));
    web::settings(&read(certificate)?, &read(key)?)
}
