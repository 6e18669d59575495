//! `countersign log archive`: closed bundles go to an archive: a directory, or object storage with object lock.
//!
//! What is archived never changes and is put there once. Data keys are not archived: what was destroyed stays destroyed.

mod prune;
mod s3;
mod target;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use audit::tile::{TILE_HEIGHT, TILE_WIDTH, bundles, entries_path, payload_path, tile_path};
use clap::{Args, Subcommand};
use log_store::recordings::{Stage, all, path};
use log_store::{CHECKPOINT, Files as _, RealDisk, Wanted};
use record::Event;

use target::Put;
pub(crate) use target::layered;

#[derive(Args)]
pub(crate) struct ArchiveArgs {
    #[command(subcommand)]
    verb: ArchiveVerb,
}

#[derive(Subcommand)]
enum ArchiveVerb {
    /// Copy closed bundles to an archive: a directory, or `s3://BUCKET/PREFIX`. Credentials come from
    /// AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, endpoint and region from AWS_ENDPOINT_URL and AWS_REGION
    Run {
        /// The archive
        target: String,
        /// The log's directory (default: this installation's)
        dir: Option<PathBuf>,
        /// Lock each object for this many days against deletion (S3 object lock, compliance mode)
        #[arg(long, value_name = "DAYS")]
        lock: Option<u32>,
        /// Repeat at this interval, in seconds
        #[arg(long, value_name = "SECONDS")]
        every: Option<u64>,
    },
    /// Put the archived contents of a session under a legal hold (S3 object lock). Only the bucket's owner can end it
    Hold {
        /// The archive, in object storage
        target: String,
        /// The agent
        agent: String,
        /// The session
        session: String,
        /// The log's directory (default: this installation's)
        dir: Option<PathBuf>,
    },
    /// Remove old contents from this machine that the archive has, byte for byte. `--archive` reads them there
    Prune {
        /// The archive
        target: String,
        /// The log's directory (default: this installation's)
        dir: Option<PathBuf>,
        /// Minimum age of the newest content, in days
        #[arg(long, value_name = "DAYS", default_value = "90")]
        older_than: u32,
    },
    /// Print an address to which one file can be put, for a shipper that holds no credentials
    Presign {
        /// The archive, in object storage
        target: String,
        /// The object's name below it
        name: String,
        /// Lifetime of the address, in seconds
        #[arg(long, value_name = "SECONDS", default_value = "900")]
        valid: u32,
    },
    /// Print bucket rules for another identity to apply: no deletion, cold storage after 90 days
    Rules {
        /// The archive, in object storage
        target: String,
        /// Who writes: the identity (ARN) that must not be able to delete
        #[arg(long, value_name = "ARN")]
        writer: String,
    },
}

/// Runs the verb.
pub(crate) fn main(args: &ArchiveArgs) -> Result<ExitCode, String> {
    match &args.verb {
        ArchiveVerb::Run { target, dir, lock, every } => {
            let directory = super::directory(dir.as_deref())?;
            super::replication::again(*every, || run(&directory, target, *lock))
        }
        ArchiveVerb::Hold { target, agent, session, dir } => {
            hold(&super::directory(dir.as_deref())?, target, &format!("{agent}/{session}"))
        }
        ArchiveVerb::Prune { target, dir, older_than } => {
            prune::main(&super::directory(dir.as_deref())?, target, *older_than)
        }
        ArchiveVerb::Presign { target, name, valid } => {
            println!("{}", s3::Bucket::open(target)?.presigned_put(name, *valid));
            Ok(ExitCode::SUCCESS)
        }
        ArchiveVerb::Rules { target, writer } => {
            println!("{}", s3::rules(target, writer)?);
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// The progress of each archive is noted next to the log; a lost note is rebuilt from the archive.
const NOTE: &str = "archived.json";

fn run(directory: &Path, name: &str, lock: Option<u32>) -> Result<ExitCode, String> {
    let fail = |why: std::io::Error| format!("`{}`: {why}", directory.display());
    let disk = RealDisk::new(directory);
    let log = super::public_key(&directory.join("log.pub"))?;
    let note = disk.read(CHECKPOINT).map_err(fail)?.ok_or("the log has no checkpoint")?;
    let note = String::from_utf8(note).map_err(|_| "the checkpoint is not text".to_owned())?;
    let checkpoint = log.open(&note).map_err(|why| why.to_string())?;
    let target = target::open(name)?;
    let mut notes: BTreeMap<String, u64> =
        disk.read(NOTE).map_err(fail)?.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
    let from = notes.get(name).copied().unwrap_or(0);
    let (mut put, mut there) = (0_u64, 0_u64);
    let recordings = recordings(&disk).map_err(fail)?;
    for file in files(from, checkpoint.size).into_iter().chain(recordings) {
        let Some(bytes) = disk.read(&file).map_err(fail)? else {
            // Pruned contents were in an archive before; of the rest nothing may be missing.
            if file.starts_with("payload/") && target.get(&file)?.is_some() {
                continue;
            }
            return Err(format!("`{file}` is missing; the log may have gone on meanwhile, so run it again"));
        };
        match target.put(&file, &bytes, lock)? {
            Put::Stored => put = put.saturating_add(1),
            Put::There if target.get(&file)?.as_deref() == Some(bytes.as_slice()) => there = there.saturating_add(1),
            Put::There => {
                return Err(format!(
                    "THE ARCHIVE HAS ANOTHER `{file}`: it is of another log, or was written by another program"
                ));
            }
        }
    }
    // The checkpoint last: whatever it counts is there.
    target.put(&format!("checkpoints/{:020}", checkpoint.size), note.as_bytes(), lock)?;
    notes.insert(name.to_owned(), checkpoint.size.saturating_sub(checkpoint.size % TILE_WIDTH));
    let text = serde_json::to_vec(&notes).map_err(|why| why.to_string())?;
    log_store::replace(&disk, NOTE, &text).map_err(fail)?;
    println!("archived: {} records in `{name}`; {put} files put there, {there} were there", checkpoint.size);
    Ok(ExitCode::SUCCESS)
}

/// Holds every archived file that has something of a scope: the bundles of its records, and its recordings.
fn hold(directory: &Path, name: &str, scope: &str) -> Result<ExitCode, String> {
    let target = target::open(name)?;
    let notes = RealDisk::new(directory).read(NOTE).map_err(|why| why.to_string())?.unwrap_or_default();
    let notes: BTreeMap<String, u64> = serde_json::from_slice(&notes).unwrap_or_default();
    let whole = notes.get(name).copied().unwrap_or(0) / TILE_WIDTH;
    let mut files = BTreeSet::new();
    let mut later = 0_u64;
    super::records_with(directory, &Wanted::default(), &mut |record| {
        if record.scope != scope {
            return;
        }
        let bundle = record.seq / TILE_WIDTH;
        if bundle < whole {
            files.insert(entries_path(bundle, TILE_WIDTH));
            files.insert(payload_path(bundle, TILE_WIDTH));
        } else {
            later = later.saturating_add(1);
        }
        if let Some(id) = record.event().as_ref().and_then(Event::recording) {
            files.extend([Stage::Whole, Stage::Redacted].map(|stage| path(id, stage)));
        }
    })?;
    for file in &files {
        target.hold(file)?;
    }
    println!("held: {} files of `{scope}` in `{name}`, until the bucket's owner ends it", files.len());
    if later > 0 {
        println!("{later} records of it are in no complete bundle yet: run this again when they are archived");
    }
    Ok(if files.is_empty() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// The files of recordings that have ended; those of others are not settled.
fn recordings(disk: &RealDisk) -> std::io::Result<Vec<String>> {
    let mut files = Vec::new();
    for stage in [Stage::Whole, Stage::Redacted] {
        files.extend(all(disk, stage)?.iter().map(|id| path(id, stage)));
    }
    Ok(files)
}

/// All files of a log of `size` records but those of complete bundles below `from`.
fn files(from: u64, size: u64) -> Vec<String> {
    let mut files = Vec::new();
    for (number, width) in bundles(size) {
        if number >= from / TILE_WIDTH {
            files.extend([entries_path(number, width), payload_path(number, width)]);
            if width == TILE_WIDTH {
                files.push(payload_path(number, width).replacen("payload", "index", 1));
            }
        }
    }
    for level in 0..=u32::from(u8::MAX) {
        let shift = level.saturating_mul(TILE_HEIGHT);
        let hashes = size.checked_shr(shift).unwrap_or(0);
        if hashes == 0 {
            break;
        }
        let done = from.checked_shr(shift).unwrap_or(0) / TILE_WIDTH;
        files.extend(
            bundles(hashes).filter(|(index, _)| *index >= done).map(|(index, width)| tile_path(level, index, width)),
        );
    }
    files
}
