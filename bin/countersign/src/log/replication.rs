//! The log and other machines: a log's public files for mirrors, a witness, asking witnesses, following a log.

mod cosign;
mod mirror;
mod serve;
mod witness;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Subcommand;
use tiny_http::{Request, Server};
use ureq::Agent;

#[derive(Subcommand)]
pub(crate) enum ReplicationVerb {
    /// Serve a log's public files over HTTP: its checkpoint and tiles, and with --contents the encrypted contents. No key leaves
    Serve {
        /// The log's directory (default: this installation's)
        dir: Option<PathBuf>,
        /// Where to listen
        #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7780")]
        listen: String,
        /// Serve the encrypted contents, too, so that a mirror can check them
        #[arg(long)]
        contents: bool,
    },
    /// Be a witness for logs (C2SP tlog-witness): remember each checkpoint, and sign only its continuation. For a second machine
    Witness {
        /// Directory for its key and the checkpoints that it saw
        #[arg(long, value_name = "DIR")]
        dir: PathBuf,
        /// Its name, such as `witness.example.org/two`
        #[arg(long)]
        name: String,
        /// The public key of a log to be a witness for; may be given more than once
        #[arg(long = "log", value_name = "FILE", required = true)]
        logs: Vec<PathBuf>,
        /// Where to listen
        #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7781")]
        listen: String,
    },
    /// Ask a witness to sign the newest checkpoint, once or repeatedly
    Cosign {
        /// The witness, such as `http://second.example.org:7781`
        witness: String,
        /// The witness's public key
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
        /// The log's directory (default: this installation's)
        dir: Option<PathBuf>,
        /// Repeat at this interval, in seconds
        #[arg(long, value_name = "SECONDS")]
        every: Option<u64>,
    },
    /// Follow a log over HTTP into a directory, and check every record on the way
    Mirror {
        /// Where the log is served, such as `http://first.example.org:7780`
        url: String,
        /// The directory
        dir: PathBuf,
        /// The log's public key, from somewhere that you trust
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
        /// Repeat at this interval, in seconds
        #[arg(long, value_name = "SECONDS")]
        every: Option<u64>,
    },
}

/// Runs the verb.
pub(crate) fn main(verb: &ReplicationVerb) -> Result<ExitCode, String> {
    match verb {
        ReplicationVerb::Serve { dir, listen, contents } => {
            serve::main(&super::directory(dir.as_deref())?, listen, *contents)
        }
        ReplicationVerb::Witness { dir, name, logs, listen } => witness::main(dir, name, logs, listen),
        ReplicationVerb::Cosign { witness, key, dir, every } => {
            let directory = super::directory(dir.as_deref())?;
            again(*every, || cosign::once(&directory, witness, key))
        }
        ReplicationVerb::Mirror { url, dir, key, every } => again(*every, || mirror::once(url, dir, key)),
    }
}

/// Serving threads: this many slow clients delay others. Put a proxy in front of a public address.
const SERVERS: usize = 16;

/// Serves requests on some threads until the process is ended.
fn serve_all(server: &Server, serve: impl Fn(Request) + Sync) {
    std::thread::scope(|scope| {
        for _ in 0..SERVERS {
            scope.spawn(|| server.incoming_requests().for_each(&serve));
        }
    });
}

/// Timeout for another machine's reply.
const PATIENCE: Duration = Duration::from_secs(30);

pub(super) fn agent() -> Agent {
    Agent::config_builder().timeout_global(Some(PATIENCE)).http_status_as_error(false).build().into()
}

/// Does something once; or again and again, telling what went wrong and going on.
pub(super) fn again(every: Option<u64>, once: impl Fn() -> Result<ExitCode, String>) -> Result<ExitCode, String> {
    let Some(seconds) = every else { return once() };
    loop {
        if let Err(why) = once() {
            eprintln!("countersign: {why}");
        }
        std::thread::sleep(Duration::from_secs(seconds.max(1)));
    }
}
