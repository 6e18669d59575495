//! `countersign-gate`: enforcement points and interfaces that read hostile bytes from the network. Each subcommand is a process of
//! its own, with no say in any decision.

mod link;
mod notify;

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Parser, Subcommand};
use host::layout::Layout;
use link::Operators;

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
        /// Where to listen. Only this machine's own addresses: there is no TLS yet
        #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:7443")]
        listen: SocketAddr,
    },
    /// Tell people of what waits, over the channels of `channels.toml`: Slack, Teams, e-mail, ntfy, PagerDuty, Opsgenie, a webhook
    Notify,
}

fn main() -> ExitCode {
    let done = match Cli::parse().gate {
        Gate::Web { listen } => web(listen),
        Gate::Notify => notify::main(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("countersign-gate: {why}");
            ExitCode::FAILURE
        }
    }
}

fn web(listen: SocketAddr) -> Result<(), String> {
    host::memory::keep_private();
    if !listen.ip().is_loopback() {
        return Err(format!(
            "`{listen}` can be reached from elsewhere, and there is no TLS yet. Listen on 127.0.0.1, and reach it through an SSH tunnel: ssh -L {}:127.0.0.1:{} HOST",
            listen.port(),
            listen.port()
        ));
    }
    let layout = Layout::from_environment()?;
    let link = Arc::new(Operators::new(&layout));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|why| why.to_string())?;
    runtime.block_on(async move {
        let listener = tokio::net::TcpListener::bind(listen)
            .await
            .map_err(|why| format!("`{listen}`: {why}; choose another with `--listen 127.0.0.1:PORT`"))?;
        let address = listener.local_addr().map_err(|why| why.to_string())?;
        // On standard error: `up --json` has standard output to itself.
        eprintln!("countersign-gate: the dashboard is at http://{address}/");
        web::serve(listener, link, layout.agent_socket()).await.map_err(|why| why.to_string())
    })
}
