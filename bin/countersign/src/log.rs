//! `countersign log`: the record, from its files alone.

mod archive;
mod export;
mod filter;
mod keys;
mod prove;
mod replication;
mod session;
mod summary;
mod verify;
mod why;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use host::clock;
use host::install_paths::Layout;
use log_store::{Content, Found, Reader, Wanted};
use model::display::exact;
use record::Record;
use serde_json::json;

pub(crate) use archive::layered;
pub(crate) use export::bundle;
use filter::{Filter, FilterArgs};
pub(crate) use keys::done;
pub(crate) use prove::text as proof_text;
use summary::moment;
pub(crate) use summary::summary;
pub(crate) use verify::{public_key, text as small_text};

#[derive(Args)]
pub(crate) struct LogArgs {
    #[command(subcommand)]
    verb: LogVerb,
}

#[derive(Subcommand)]
enum LogVerb {
    /// Print the records, oldest first: all, or those that match the filter
    Show {
        /// The log's directory (default: this installation's)
        dir: Option<PathBuf>,
        #[command(flatten)]
        filter: FilterArgs,
        /// Continue with new records
        #[arg(long)]
        follow: bool,
        /// Read contents that were pruned from this archive
        #[arg(long, value_name = "ARCHIVE")]
        archive: Option<String>,
        /// One JSON object per line, as recorded
        #[arg(long)]
        json: bool,
    },
    /// Print the history of one request: intent, decision, answers, permit and outcome
    Why {
        /// The beginning of its digest or id, or its hold or permit
        request: String,
        /// The log's directory (default: this installation's)
        dir: Option<PathBuf>,
        /// The records as JSON
        #[arg(long)]
        json: bool,
    },
    /// Print the requests of one session and their outcomes, in order
    Session {
        /// The session's name
        session: String,
        /// The agent, where several have a session of this name
        #[arg(long)]
        agent: Option<String>,
        /// The log's directory (default: this installation's)
        dir: Option<PathBuf>,
        /// The records as JSON
        #[arg(long)]
        json: bool,
    },
    /// Export records for other tools, or with a proof for each for independent verification
    Export(Box<export::ExportArgs>),
    #[command(flatten)]
    Replication(replication::ReplicationVerb),
    /// Derive agents, reviewers, rules and flags from the record, and compare them with the state store
    RebuildStore {
        /// Write what the record says into this new file
        #[arg(long, value_name = "FILE")]
        into: Option<PathBuf>,
    },
    /// Copy closed bundles to an archive with delete protection, and read them from there
    Archive(archive::ArchiveArgs),
    /// Write a proof of one record's content, for verification without a key or a server
    Prove {
        /// The record's number
        record: u64,
        /// The log's directory (default: this installation's)
        dir: Option<PathBuf>,
    },
    /// Check such a proof: a file, or `-` for standard input
    Proved {
        /// The proof
        file: PathBuf,
        /// The log's public key, from somewhere that you trust
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
    },
    /// Encrypt with a new key from now on (automatic every 30 days)
    Rotate,
    /// Protect a session's contents from destruction, or list the protected sessions
    LegalHold {
        /// The agent
        #[arg(requires = "session")]
        agent: Option<String>,
        /// The session
        session: Option<String>,
        /// The legal matter, or why the hold ends; it is recorded
        #[arg(long, default_value = "", hide_default_value = true)]
        reason: String,
        /// End the hold
        #[arg(long, requires = "agent")]
        end: bool,
    },
    /// Destroy the contents of a session's records for ever, by destroying their keys. The log still verifies
    Destroy {
        /// The agent
        agent: String,
        /// The session
        session: String,
        /// The policy or reason; it is recorded
        #[arg(long)]
        reason: String,
    },
    /// Verify that no record was changed, lost, swapped or cut off. Needs no daemon and no secret; exit status 1 if a check fails
    Verify {
        /// The log's directory (default: this installation's)
        dir: Option<PathBuf>,
        /// The log's public key, from somewhere else than the directory under test
        #[arg(long, value_name = "FILE")]
        key: Option<PathBuf>,
        /// A checkpoint saved earlier, elsewhere: the log must continue from it. May be given more than once
        #[arg(long, value_name = "FILE")]
        against: Vec<PathBuf>,
        /// Read contents that were pruned from this archive
        #[arg(long, value_name = "ARCHIVE")]
        archive: Option<String>,
        /// The result as JSON
        #[arg(long)]
        json: bool,
    },
}

/// Runs the verb.
pub(crate) fn main(args: &LogArgs) -> Result<ExitCode, String> {
    match &args.verb {
        LogVerb::Show { dir, filter, follow, archive, json } => {
            let reader = open_with(&directory(dir.as_deref())?, archive.as_deref())?;
            show(reader, &filter.read(clock::now_ms())?, *follow, *json)
        }
        LogVerb::Why { request, dir, json } => why::main(&directory(dir.as_deref())?, request, *json),
        LogVerb::Session { session, agent, dir, json } => {
            session::main(&directory(dir.as_deref())?, session, agent.as_deref(), *json)
        }
        LogVerb::Export(args) => export::main(args),
        LogVerb::Replication(verb) => replication::main(verb),
        LogVerb::Archive(args) => archive::main(args),
        LogVerb::RebuildStore { into } => keys::rebuild(into.as_deref()),
        LogVerb::Prove { record, dir } => prove::write(&directory(dir.as_deref())?, *record),
        LogVerb::Proved { file, key } => prove::check(file, key),
        LogVerb::Rotate => keys::rotate(),
        LogVerb::LegalHold { agent, session, reason, end } => {
            keys::legal_hold(agent.as_deref().zip(session.as_deref()), reason, *end)
        }
        LogVerb::Destroy { agent, session, reason } => keys::destroy(&format!("{agent}/{session}"), reason),
        LogVerb::Verify { dir, key, against, archive, json } => {
            verify::main(&directory(dir.as_deref())?, key.as_deref(), against, archive.as_deref(), *json)
        }
    }
}

pub(crate) fn directory(given: Option<&Path>) -> Result<PathBuf, String> {
    given.map_or_else(|| Layout::from_environment().map(|layout| layout.log), |given| Ok(given.to_owned()))
}

/// Opens a log for reading.
pub(crate) fn open(directory: &Path) -> Result<Reader, String> {
    open_with(directory, None)
}

/// Opens a log of which some contents may be in an archive.
fn open_with(directory: &Path, archive: Option<&str>) -> Result<Reader, String> {
    Reader::open(archive::layered(directory, archive)?).map_err(|why| format!("`{}`: {why}", directory.display()))
}

/// Every record that can be read, oldest first.
pub(crate) fn records(directory: &Path, each: &mut dyn FnMut(&Record)) -> Result<(), String> {
    records_with(directory, &Wanted::default(), each)
}

/// Every record that can be read and may be wanted, oldest first.
pub(crate) fn records_with(directory: &Path, wanted: &Wanted, each: &mut dyn FnMut(&Record)) -> Result<(), String> {
    let mut one = |found: Found| {
        if let Content::Record(record) = found.content {
            each(&record);
        }
        Ok(true)
    };
    open(directory)?.each(wanted, &mut one).map(drop)
}

/// How often is looked for more.
const FOLLOW_EVERY: std::time::Duration = std::time::Duration::from_millis(200);

fn show(mut reader: Reader, filter: &Filter, follow: bool, as_json: bool) -> Result<ExitCode, String> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let mut wanted = filter.wanted();
    loop {
        let written = reader.each(&wanted, &mut |found| {
            let Some(text) = shown(found, filter, as_json) else { return Ok(true) };
            writeln!(out, "{text}").map(|()| true).map_err(|why| why.to_string())
        });
        let written = written.and_then(|next| out.flush().map(|()| next).map_err(|why| why.to_string()));
        match written {
            Ok(next) if follow => wanted.from = next,
            Ok(_) => return Ok(ExitCode::SUCCESS),
            // A reader of only the first lines closes the pipe; that is no failure.
            Err(why) if why.contains("Broken pipe") => return Ok(ExitCode::SUCCESS),
            Err(why) => return Err(why),
        }
        std::thread::sleep(FOLLOW_EVERY);
        reader.refresh()?;
    }
}

/// What is printed of a record, if it is asked for.
fn shown(found: Found, filter: &Filter, as_json: bool) -> Option<String> {
    let Found { entry, content } = found;
    let hidden = |what: &str| {
        // What cannot be read is shown where everything is, and is no match for anything else.
        filter.is_open().then(|| {
            if as_json {
                json!({"seq": entry.seq, "at_ms": entry.at_ms, "unreadable": what}).to_string()
            } else {
                exact(&format!("{:>6}  {}  {what}", entry.seq, moment(entry.at_ms)))
            }
        })
    };
    match content {
        Content::Record(record) => {
            filter.passes(&record).then(|| if as_json { record.to_value().to_string() } else { summary(&record) })
        }
        Content::Destroyed => hidden("(content destroyed by policy)"),
        Content::Unreadable(why) => hidden(&format!("(unreadable: {why})")),
    }
}
