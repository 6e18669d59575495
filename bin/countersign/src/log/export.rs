//! `countersign log export`: the record for other tools, and for people who do not trust us.

mod formats;
mod row;

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use host::clock;
use log_store::{Content, Reader};
use serde_json::Value;

use super::filter::{Filter, FilterArgs};
use row::Row;

#[derive(Args)]
pub(crate) struct ExportArgs {
    /// The log's directory (default: this installation's)
    dir: Option<PathBuf>,
    #[command(flatten)]
    filter: FilterArgs,
    /// How it is written
    #[arg(long, value_enum, default_value = "jsonl")]
    format: Format,
    /// Write to this file instead of standard output
    #[arg(long, value_name = "FILE", conflicts_with = "bundle")]
    out: Option<PathBuf>,
    /// Write a directory with the records, a proof for each, the public key, a verifier and how to use it
    #[arg(long, value_name = "DIR")]
    bundle: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// One record a line, as recorded
    Jsonl,
    /// A table, for spreadsheets
    Csv,
    /// Open Cybersecurity Schema Framework 1.3, class API Activity, one event a line
    Ocsf,
    /// Common Event Format, one event a line
    Cef,
    /// OpenTelemetry logs as JSON, a batch a line
    Otlp,
}

/// Writes it.
pub(super) fn main(args: &ExportArgs) -> Result<ExitCode, String> {
    let directory = super::directory(args.dir.as_deref())?;
    if let Some(bundle) = &args.bundle {
        if args.format != Format::Jsonl {
            return Err("a bundle has its records as JSON, a line each".to_owned());
        }
        return of(&directory, &args.filter.read(clock::now_ms())?, bundle);
    }
    let mut out: Box<dyn Write> = match &args.out {
        None => Box::new(BufWriter::new(std::io::stdout().lock())),
        Some(path) => {
            Box::new(BufWriter::new(File::create(path).map_err(|why| format!("`{}`: {why}", path.display()))?))
        }
    };
    let written = write(&directory, args, &mut out);
    let written = written.and_then(|count| out.flush().map(|()| count).map_err(|why| why.to_string()));
    match written {
        Ok(count) => {
            if args.out.is_some() {
                eprintln!("{count} records");
            }
            Ok(ExitCode::SUCCESS)
        }
        Err(why) if why.contains("Broken pipe") => Ok(ExitCode::SUCCESS),
        Err(why) => Err(why),
    }
}

fn write(directory: &Path, args: &ExportArgs, out: &mut dyn Write) -> Result<u64, String> {
    let mut count = 0_u64;
    let mut batch: Vec<Value> = Vec::new();
    let line = |out: &mut dyn Write, text: &str| writeln!(out, "{text}").map_err(|why| why.to_string());
    if args.format == Format::Csv {
        line(out, &formats::csv_head())?;
    }
    each(directory, &args.filter.read(clock::now_ms())?, &mut |record| {
        count = count.saturating_add(1);
        let text = match args.format {
            Format::Jsonl => record.value().to_string(),
            Format::Csv => formats::csv(&record),
            Format::Ocsf => formats::ocsf(&record).to_string(),
            Format::Cef => formats::cef(&record),
            Format::Otlp => {
                batch.push(formats::otlp(&record));
                if batch.len() < OTLP_BATCH {
                    return Ok(());
                }
                formats::otlp_batch(std::mem::take(&mut batch)).to_string()
            }
        };
        line(out, &text)
    })?;
    if !batch.is_empty() {
        line(out, &formats::otlp_batch(batch).to_string())?;
    }
    Ok(count)
}

/// How long is waited for the newest records to be published, so that they can be proved.
const PUBLISHED_WITHIN: Duration = Duration::from_secs(3);

/// Log records in one batch of OpenTelemetry.
const OTLP_BATCH: usize = 512;

/// Every record that is asked for. What cannot be read is written as that, where nothing narrows what is asked for.
fn each(directory: &Path, filter: &Filter, each: &mut dyn FnMut(Row) -> Result<(), String>) -> Result<(), String> {
    let mut reader = super::open(directory)?;
    let mut one = |found: log_store::Found| {
        let entry = &found.entry;
        let row = match found.content {
            Content::Record(record) => filter.passes(&record).then(|| Row::of(&record)),
            Content::Destroyed => filter.is_open().then(|| Row::hidden(entry.seq, entry.at_ms, "destroyed by policy")),
            Content::Unreadable(why) => filter.is_open().then(|| Row::hidden(entry.seq, entry.at_ms, &why)),
        };
        if let Some(row) = row {
            each(row)?;
        }
        Ok(true)
    };
    reader.each(&filter.wanted(), &mut one).map(drop)
}

/// The records of a time, each with its proof, in a directory.
pub(crate) fn bundle(directory: &Path, (from_ms, to_ms): (u64, u64), bundle: &Path) -> Result<(), String> {
    of(directory, &FilterArgs::default().between(from_ms, to_ms), bundle).map(drop)
}

/// A directory that can be verified with a public key from elsewhere.
fn of(directory: &Path, filter: &Filter, bundle: &Path) -> Result<ExitCode, String> {
    let fail = |path: &Path, why: std::io::Error| format!("`{}`: {why}", path.display());
    std::fs::create_dir(bundle).map_err(|why| fail(bundle, why))?;
    let mut wanted = Vec::new();
    each(directory, filter, &mut |record| {
        wanted.push(record.seq());
        Ok(())
    })?;
    let mut reader: Reader = super::open(directory)?;
    // What was recorded last is published within half a second, where the log is written at all.
    let started = Instant::now();
    while wanted.iter().any(|seq| *seq >= reader.published()) && started.elapsed() < PUBLISHED_WITHIN {
        std::thread::sleep(Duration::from_millis(50));
        reader.refresh()?;
    }
    let path = bundle.join("records.jsonl");
    let mut out = BufWriter::new(File::create(&path).map_err(|why| fail(&path, why))?);
    let (mut proved, mut without) = (0_u64, Vec::new());
    for seq in wanted {
        match reader.prove(seq) {
            Ok((content, proof)) => {
                let content = String::from_utf8(content).map_err(|_| "a content is not text".to_owned())?;
                writeln!(out, "{}", super::prove::text(&content, &proof.to_value())).map_err(|why| fail(&path, why))?;
                proved = proved.saturating_add(1);
            }
            Err(why) => without.push(format!("record {seq}: {why}")),
        }
    }
    out.flush().map_err(|why| fail(&path, why))?;
    let key = super::verify::text(&directory.join("log.pub"))?;
    let read_me = format!("{READ_ME}\n{}\n", without.join("\n"));
    for (name, text) in [("log.pub", key.as_str()), ("countersign_verify.py", VERIFIER), ("README.txt", &read_me)] {
        let path = bundle.join(name);
        std::fs::write(&path, text).map_err(|why| fail(&path, why))?;
    }
    println!(
        "{proved} records, each with its proof, in `{}`; README.txt describes how to verify them",
        bundle.display()
    );
    for line in &without {
        println!("left out: {line}");
    }
    Ok(ExitCode::SUCCESS)
}

/// The verifier that shares no code with us.
const VERIFIER: &str = include_str!("../../../../sdk/python/countersign_verify.py");

const READ_ME: &str = "Records of a Countersign log, each with a proof that it stood in the log when the checkpoint in it was signed.

To check them, with Python 3.9 or newer and its package `cryptography`:

    python3 countersign_verify.py records.jsonl --key log.pub

The key in this directory came with the records. To verify without trusting its author, compare the key with a copy of
`log.pub` from elsewhere, and the checkpoint in the proofs with one that a witness or they themselves kept.

Every line of records.jsonl has `content`, the record as JSON, and `proof`: its entry in the log, the salt of its commitment,
the path to the root, and the signed checkpoint. The format is docs/reference/record-format.md of Countersign.

Left out, and why:
";
