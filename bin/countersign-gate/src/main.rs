//! `countersign-gate`: enforcement points and interfaces that read hostile bytes from the network. Each subcommand is a process of
//! its own, with no say in any decision.

mod acme;
mod client;
mod notify;
mod oidc_discovery;
mod operator_client;
mod push_subscriptions;
mod telemetry;
mod web;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Gates of Countersign on the network. `countersign up` starts the web gate with the daemons.
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
        /// Where to listen. Without a certificate, only addresses of this machine
        #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:7443")]
        listen: SocketAddr,
        /// The certificate with its chain (PEM). COUNTERSIGN_WEB_HOST is the name in the page's address. A new file is used immediately
        #[arg(long, value_name = "FILE", requires = "tls_key")]
        tls_cert: Option<PathBuf>,
        /// Its key (PEM), a file of mode 0600. It may be the same file
        #[arg(long, value_name = "FILE", requires = "tls_cert")]
        tls_key: Option<PathBuf>,
        /// The certificate may come later; until then no page is served
        #[arg(long, requires = "tls_cert")]
        tls_later: bool,
    },
    /// Get the page's certificate from an authority, and renew it (ACME), as `certificate.toml` says
    Certificate,
    /// Notify reviewers of holds, over the channels of `channels.toml`: Slack, Teams, e-mail, ntfy, PagerDuty, Opsgenie, a webhook
    Notify,
    /// Fetch the addresses and keys of the provider of `signon.toml`, so that people can sign in with it
    SignOn,
    /// Push the metrics, and traces of requests, to an OpenTelemetry collector
    Telemetry {
        /// The collector (OTLP over HTTP)
        #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:4318")]
        otlp: String,
        /// Interval, in seconds
        #[arg(long, value_name = "SECONDS", default_value_t = 15, value_parser = clap::value_parser!(u64).range(1..=3600))]
        every: u64,
    },
}

fn main() -> ExitCode {
    let done = match Cli::parse().gate {
        Gate::Web { listen, tls_cert, tls_key, tls_later: may_be_late } => {
            let files = tls_cert.zip(tls_key).map(|(certificate, key)| web::Files { certificate, key, may_be_late });
            web::main(listen, files)
        }
        Gate::Certificate => acme::main(),
        Gate::Notify => notify::main(),
        Gate::SignOn => oidc_discovery::main(),
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
