//! `countersign session`: recorded terminal sessions: list, watch, replay, export.

mod cast;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use audit::recording::Variant;
use clap::{Args, Subcommand};
use log_store::recording_index::RecordingEntry;
use model::display::visible;
use serde_json::{Value, json};

use crate::{log, time_format};
use cast::Cast;

#[derive(Args)]
pub(crate) struct SessionArgs {
    #[command(subcommand)]
    verb: SessionVerb,
}

/// Which recording, and where.
#[derive(Args)]
struct Which {
    /// The recording: the beginning of its id, the digest of its request, or a session's name if it has only one
    recording: String,
    /// The log's directory (default: this installation's)
    dir: Option<PathBuf>,
    /// Everything, with the secrets that the redacted file masks
    #[arg(long)]
    raw: bool,
    /// Read recordings that were pruned from this archive
    #[arg(long, value_name = "ARCHIVE")]
    archive: Option<String>,
}

#[derive(Subcommand)]
enum SessionVerb {
    /// List what was recorded, newest last
    Ls {
        /// The log's directory (default: this installation's)
        dir: Option<PathBuf>,
        /// Only this agent's
        #[arg(long)]
        agent: Option<String>,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Replay one in this terminal, with secrets masked. The viewing is recorded
    Play {
        #[command(flatten)]
        which: Which,
        /// Speed factor
        #[arg(long, default_value_t = 1.0)]
        speed: f64,
        /// Wait at most so many seconds where nothing happened
        #[arg(long, default_value_t = 2.0, value_name = "SECONDS")]
        idle: f64,
    },
    /// Watch one that goes on now (nothing is masked yet). That it was looked at is recorded
    Watch {
        #[command(flatten)]
        which: Which,
    },
    /// Write one as an asciicast file (`asciinema play FILE`), with secrets masked. That it was taken is recorded
    Export {
        #[command(flatten)]
        which: Which,
        /// The file; it must not exist
        #[arg(short, long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Check that every recording is what the log says it was
    Verify {
        /// The log's directory (default: this installation's)
        dir: Option<PathBuf>,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
}

/// Runs the verb.
pub(crate) fn main(args: &SessionArgs) -> Result<ExitCode, String> {
    match &args.verb {
        SessionVerb::Ls { dir, agent, json } => list(&log::directory(dir.as_deref())?, agent.as_deref(), *json),
        SessionVerb::Play { which, speed, idle } => {
            if !(*speed > 0.0 && *idle >= 0.0) {
                return Err("`--speed` is above 0, and `--idle` not below".to_owned());
            }
            open(which, false)?.play(*speed, *idle)
        }
        SessionVerb::Watch { which } => open(which, true)?.watch(),
        SessionVerb::Export { which, out } => export(which, out),
        SessionVerb::Verify { dir, json } => verify(&log::directory(dir.as_deref())?, *json),
    }
}

/// Every recording that the log tells of, by id.
fn told(directory: &Path) -> Result<BTreeMap<String, RecordingEntry>, String> {
    log::open(directory).and_then(|mut reader| log_store::recording_index::all(&mut reader))
}

fn list(directory: &Path, agent: Option<&str>, as_json: bool) -> Result<ExitCode, String> {
    let mut all: Vec<_> = told(directory)?.into_iter().collect();
    all.retain(|(_, one)| agent.is_none_or(|agent| one.agent == agent));
    if as_json {
        let rows: Vec<Value> = all.iter().map(|(id, one)| one.to_value(id)).collect();
        println!("{}", Value::Array(rows));
        return Ok(ExitCode::SUCCESS);
    }
    if all.is_empty() {
        println!("nothing was recorded; `countersign run --record -- CMD` records, or a rule with `record = true`");
    }
    for (id, one) in all {
        let seconds = one.millis / 1_000;
        let line = format!(
            "{id}  {}  {:<9} {seconds:>6} s  {} in {}  {}",
            time_format::shown(one.began_ms),
            one.state,
            one.agent,
            one.session,
            one.title
        );
        println!("{}", visible(&line));
    }
    Ok(ExitCode::SUCCESS)
}

/// The one recording that is meant.
fn find(directory: &Path, name: &str) -> Result<(String, RecordingEntry), String> {
    let mut found: Vec<_> = told(directory)?
        .into_iter()
        .filter(|(id, one)| {
            id.starts_with(name) || one.session == name || (name.len() >= 8 && one.request.starts_with(name))
        })
        .collect();
    match (found.pop(), found.len()) {
        (Some(only), 0) => Ok(only),
        (Some(_), more) => Err(format!(
            "{} recordings are meant by `{name}`; `countersign session ls` tells their ids",
            more.saturating_add(1)
        )),
        (None, _) => Err(format!("there is no recording `{name}`; `countersign session ls` lists them")),
    }
}

/// Opens one for reading, once it is recorded that it is looked at.
fn open(which: &Which, live: bool) -> Result<Cast, String> {
    let directory = log::directory(which.dir.as_deref())?;
    let (id, one) = find(&directory, &which.recording)?;
    let variant = if which.raw || live { Variant::Raw } else { Variant::Redacted };
    let digest = match variant {
        Variant::Raw => one.digest.clone(),
        Variant::Redacted => one.redacted.clone(),
    };
    let is_growing = one.state == "recording";
    if is_growing && !live {
        return Err(format!("`{id}` still grows; watch it with `countersign session watch {id}`"));
    }
    if digest.is_none() && !live {
        return Err(format!(
            "`{id}` has no redacted file yet; it is made a moment after the end. `--raw` shows what there is"
        ));
    }
    let files = log::layered(&directory, which.archive.as_deref())?;
    let cast = Cast::open(files, &id, variant, is_growing, digest.as_deref())?;
    note_view(&directory, &id, variant)?;
    Ok(cast)
}

/// Each viewing is recorded first. A copy of a log elsewhere has no log writer to do that.
fn note_view(directory: &Path, id: &str, variant: Variant) -> Result<(), String> {
    let ours = host::install_paths::Layout::from_environment()?.log;
    if std::fs::canonicalize(directory).ok() != std::fs::canonicalize(ours).ok() {
        return Ok(());
    }
    let user = std::env::var("SUDO_USER").or_else(|_| std::env::var("USER")).unwrap_or_default();
    let by = format!("uid {} ({})", host::files::my_uid(), visible(&user));
    let variant = if variant == Variant::Raw { "raw" } else { "redacted" }.to_owned();
    log::done(&protocol::LogRequest::Viewed { recording: id.to_owned(), variant, by })
        .map(drop)
        .map_err(|why| format!("recordings are shown only where it can be recorded who looks: {why}"))
}

fn export(which: &Which, out: &Path) -> Result<ExitCode, String> {
    let mut cast = open(which, false)?;
    let fail = |why: std::io::Error| format!("`{}`: {why}", out.display());
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(out).map_err(fail)?;
    while let Some(lines) = cast.next()? {
        for line in lines {
            writeln!(file, "{line}").map_err(fail)?;
        }
    }
    file.sync_all().map_err(fail)?;
    println!("written: {}; play it with `asciinema play {}`", out.display(), out.display());
    Ok(ExitCode::SUCCESS)
}

fn verify(directory: &Path, as_json: bool) -> Result<ExitCode, String> {
    let files = log::layered(directory, None)?;
    let mut wrong = Vec::new();
    let all = told(directory)?;
    for (id, one) in &all {
        for (variant, digest) in [(Variant::Raw, &one.digest), (Variant::Redacted, &one.redacted)] {
            if let Some(digest) = digest
                && let Err(why) = log_store::recording_index::is_as_told(files.as_ref(), id, variant, digest)
            {
                wrong.push(why);
            }
        }
    }
    // A file without a record was put there, or its record is missing from an incomplete log.
    for stage in [log_store::recordings::Stage::Whole, log_store::recordings::Stage::Open] {
        let there = log_store::recordings::all(files.as_ref(), stage).map_err(|why| why.to_string())?;
        wrong.extend(
            there.iter().filter(|id| !all.contains_key(*id)).map(|id| format!("`{id}`: the log does not tell of it")),
        );
    }
    if as_json {
        println!("{}", json!({"recordings": all.len(), "wrong": wrong}));
    } else if wrong.is_empty() {
        println!("{} recordings are what the log says they were", all.len());
    } else {
        wrong.iter().for_each(|why| println!("NOT AS RECORDED: {}", visible(why)));
    }
    Ok(if wrong.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
