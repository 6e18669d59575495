//! `countersign log`: the record, from its files alone.

mod filter;
mod why;

use std::fs::File;
use std::io::{BufRead as _, BufReader, IsTerminal as _, Read as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use audit::{Line, LogVerifier, MAX_RECORD_BYTES, Verifier, Wrong};
use clap::{Args, Subcommand};
use host::clock;
use host::layout::Layout;
use model::display::visible;
use serde_json::{Value, json};

use filter::{Filter, FilterArgs};

#[derive(Args)]
pub(crate) struct LogArgs {
    #[command(subcommand)]
    verb: LogVerb,
}

#[derive(Subcommand)]
enum LogVerb {
    /// Print the records, oldest first; all, or those that are asked for
    Show {
        /// The log's directory (default: this installation's)
        dir: Option<PathBuf>,
        #[command(flatten)]
        filter: FilterArgs,
        /// Go on with what is recorded from now on
        #[arg(long)]
        follow: bool,
        /// One JSON object a line, as recorded
        #[arg(long)]
        json: bool,
    },
    /// Tell the whole story of one request: what was meant, asked, decided, answered, done, and what came of it
    Why {
        /// The beginning of its digest or id, or its hold or permit
        request: String,
        /// The log's directory (default: this installation's)
        dir: Option<PathBuf>,
        /// The records as JSON
        #[arg(long)]
        json: bool,
    },
    /// Check that nothing was changed, lost, swapped or cut. Needs no daemon and no secret; exit status 1 if something does not hold
    Verify {
        /// The log's directory (default: this installation's)
        dir: Option<PathBuf>,
        /// The log's public key, from somewhere else than the directory under test
        #[arg(long, value_name = "FILE")]
        key: Option<PathBuf>,
        /// A checkpoint saved earlier, somewhere else: the log must contain it
        #[arg(long, value_name = "FILE")]
        against: Option<PathBuf>,
        /// The result as JSON
        #[arg(long)]
        json: bool,
    },
}

/// Runs the verb.
pub(crate) fn main(args: &LogArgs) -> Result<ExitCode, String> {
    match &args.verb {
        LogVerb::Show { dir, filter, follow, json } => {
            show(&directory(dir.as_deref())?, &filter.read(clock::now_ms())?, *follow, *json)
        }
        LogVerb::Why { request, dir, json } => why::main(&directory(dir.as_deref())?, request, *json),
        LogVerb::Verify { dir, key, against, json } => {
            verify(&directory(dir.as_deref())?, key.as_deref(), against.as_deref(), *json)
        }
    }
}

fn directory(given: Option<&Path>) -> Result<PathBuf, String> {
    given.map_or_else(|| Layout::from_environment().map(|layout| layout.log), |given| Ok(given.to_owned()))
}

/// Every line of the log's file, without its newline, and whether it had one.
fn lines(directory: &Path, mut each: impl FnMut(&[u8], bool) -> Result<(), String>) -> Result<(), String> {
    let path = directory.join("records.log");
    let fail = |why: std::io::Error| format!("`{}`: {why}", path.display());
    let mut reader = BufReader::with_capacity(1 << 20, File::open(&path).map_err(fail)?);
    let mut line = Vec::new();
    let limit = u64::try_from(MAX_RECORD_BYTES.saturating_mul(2)).unwrap_or(u64::MAX);
    loop {
        line.clear();
        if (&mut reader).take(limit).read_until(b'\n', &mut line).map_err(fail)? == 0 {
            return Ok(());
        }
        match line.strip_suffix(b"\n") {
            Some(whole) => each(whole, true)?,
            None => each(&line, false)?,
        }
    }
}

/// Every record that can be read, oldest first.
pub(crate) fn records(directory: &Path, each: &mut dyn FnMut(&Value)) -> Result<(), String> {
    lines(directory, |line, _| {
        if let Some(record) = line.strip_prefix(b"R ").and_then(|record| serde_json::from_slice(record).ok()) {
            each(&record);
        }
        Ok(())
    })
}

fn show(directory: &Path, filter: &Filter<'_>, follow: bool, as_json: bool) -> Result<ExitCode, String> {
    use std::io::Write as _;
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let each = |line: &[u8], out: &mut dyn std::io::Write| {
        let Some(record) = line.strip_prefix(b"R ").filter(|record| filter.may_pass(record)) else { return Ok(()) };
        let text = match serde_json::from_slice::<Value>(record) {
            Ok(value) if !filter.passes(&value) => return Ok(()),
            Ok(_) if as_json => String::from_utf8_lossy(record).into_owned(),
            Ok(value) => summary(&value),
            // What cannot be read is shown where everything is, and is no match for anything else.
            Err(_) if filter.is_open() => format!("(unreadable: {})", visible(&String::from_utf8_lossy(record))),
            Err(_) => return Ok(()),
        };
        writeln!(out, "{text}").map_err(|why| why.to_string())
    };
    let mut read = 0;
    let mut written = lines_from(directory, &mut read, |line| each(line, &mut out));
    let flushed = out.flush().map_err(|why| why.to_string());
    written = written.and(flushed);
    while follow && written.is_ok() {
        std::thread::sleep(FOLLOW_EVERY);
        written = lines_from(directory, &mut read, |line| each(line, &mut out));
        written = written.and(out.flush().map_err(|why| why.to_string()));
    }
    // Whoever reads only the first lines closes the pipe; that is no failure.
    match written {
        Err(why) if why.contains("Broken pipe") => Ok(ExitCode::SUCCESS),
        other => other.map(|()| ExitCode::SUCCESS),
    }
}

/// How often the file is looked at for more.
const FOLLOW_EVERY: std::time::Duration = std::time::Duration::from_millis(200);

/// Every whole line from a byte on; moves the byte behind the last of them.
fn lines_from(
    directory: &Path,
    from: &mut u64,
    mut each: impl FnMut(&[u8]) -> Result<(), String>,
) -> Result<(), String> {
    use std::io::Seek as _;
    let path = directory.join("records.log");
    let fail = |why: std::io::Error| format!("`{}`: {why}", path.display());
    let mut file = File::open(&path).map_err(fail)?;
    file.seek(std::io::SeekFrom::Start(*from)).map_err(fail)?;
    let mut reader = BufReader::with_capacity(1 << 20, file);
    let limit = u64::try_from(MAX_RECORD_BYTES.saturating_mul(2)).unwrap_or(u64::MAX);
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = (&mut reader).take(limit).read_until(b'\n', &mut line).map_err(fail)?;
        let Some(whole) = line.strip_suffix(b"\n") else { return Ok(()) };
        each(whole)?;
        *from = from.saturating_add(u64::try_from(read).unwrap_or(0));
    }
}

/// One record in one line, for people.
pub(crate) fn summary(record: &Value) -> String {
    let text = |pointer: &str| record.pointer(pointer).and_then(Value::as_str).unwrap_or("").to_owned();
    let seq = record.get("seq").and_then(Value::as_u64).unwrap_or(0);
    let at = record.get("at_ms").and_then(Value::as_i64).and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
    let at = at.map_or_else(|| "?".to_owned(), |at| at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string());
    let short = |pointer: &str| text(pointer).chars().take(12).collect::<String>();
    let what = match text("/kind").as_str() {
        "decision" => {
            let act = record.pointer("/body/request/act").map(act).unwrap_or_default();
            let why = record.pointer("/body/reasons/0").and_then(Value::as_str).unwrap_or("").to_owned();
            format!(
                "{:<5} {:<8} {:<12} {act}   [{why}] {}",
                text("/body/verdict"),
                text("/body/level"),
                text("/body/request/agent"),
                short("/body/request_digest")
            )
        }
        "answer" => format!(
            "{} {} {} {}",
            text("/body/state"),
            text("/body/reviewer"),
            text("/body/assurance"),
            short("/body/request_digest")
        ),
        "permit" => format!("{} {} {}", text("/body/state"), text("/body/why"), short("/body/request_digest")),
        "outcome" => {
            let number = |pointer: &str| record.pointer(pointer).and_then(Value::as_i64);
            let how = match (number("/body/exit"), number("/body/signal")) {
                (Some(exit), _) => format!("exit status {exit}"),
                (None, Some(signal)) => format!("signal {signal}"),
                (None, None) => "unknown".to_owned(),
            };
            format!("{how} after {} ms {}", number("/body/millis").unwrap_or(0), short("/body/request_digest"))
        }
        _ => record.get("body").map(ToString::to_string).unwrap_or_default(),
    };
    visible(&format!("{seq:>6}  {at}  {:<8}  {}", text("/kind"), what.trim()))
}

fn act(act: &Value) -> String {
    let words = act.get("argv").and_then(Value::as_array).map(|words| {
        words
            .iter()
            .map(|word| word.as_str().map_or_else(|| word.to_string(), str::to_owned))
            .collect::<Vec<_>>()
            .join(" ")
    });
    words.unwrap_or_else(|| {
        let tool = act.get("tool").and_then(Value::as_str).unwrap_or("");
        format!("{tool} {}", act.get("input").map(ToString::to_string).unwrap_or_default())
    })
}

fn verify(directory: &Path, key: Option<&Path>, against: Option<&Path>, as_json: bool) -> Result<ExitCode, String> {
    let read = |path: &Path| {
        let bytes = host::files::read_small(path, 64 * 1024).map_err(|why| format!("`{}`: {why}", path.display()))?;
        let bytes = bytes.ok_or_else(|| format!("`{}` is missing", path.display()))?;
        String::from_utf8(bytes).map_err(|_| format!("`{}` is not text", path.display()))
    };
    let key_path = key.map_or_else(|| directory.join("log.pub"), Path::to_owned);
    let log = LogVerifier::parse(&read(&key_path)?)
        .ok_or_else(|| format!("`{}` is no public key of a log", key_path.display()))?;
    let checked = check(directory, &log, |path| read(path), against);
    match checked {
        Ok((records, tail)) => {
            if as_json {
                println!("{}", json!({"holds": true, "records": records, "unacknowledged_bytes": tail}));
            } else {
                println!("holds: {records} records, as signed by {}", log.to_text());
                if tail > 0 {
                    println!(
                        "note: {tail} bytes behind the last checkpoint were never acknowledged to anybody (a crash leaves that)"
                    );
                }
                if key.is_none() && std::io::stdout().is_terminal() {
                    println!(
                        "The key came from the same directory. Keep a copy of `log.pub` elsewhere and pass it with --key."
                    );
                }
            }
            Ok(ExitCode::SUCCESS)
        }
        Err(wrong) => {
            if as_json {
                println!("{}", json!({"holds": false, "record": wrong.record, "line": wrong.line, "why": wrong.why}));
            } else {
                println!("DOES NOT HOLD: {wrong}");
            }
            Ok(ExitCode::from(1))
        }
    }
}

fn check(
    directory: &Path,
    log: &LogVerifier,
    read: impl Fn(&Path) -> Result<String, String>,
    against: Option<&Path>,
) -> Result<(u64, u64), Wrong> {
    let outside = |why: String| Wrong { record: 0, line: 0, why };
    let length =
        std::fs::metadata(directory.join("records.log")).map_err(|why| outside(format!("`records.log`: {why}")))?.len();
    let mut verifier = Verifier::new(log.clone());
    let mut wrong = None;
    lines(directory, |line, whole| {
        if whole && wrong.is_none() {
            match verifier.line(line) {
                Ok(Line::Record(_) | Line::Checkpoint) => {}
                Err(why) => wrong = Some(why),
            }
        }
        Ok(())
    })
    .map_err(outside)?;
    if let Some(wrong) = wrong {
        return Err(wrong);
    }
    if let Some(path) = against {
        let saved = read(path).map_err(outside)?;
        let mut again = Verifier::new(log.clone());
        lines(
            directory,
            |line, whole| if whole { again.line(line).map(drop).map_err(|why| why.to_string()) } else { Ok(()) },
        )
        .map_err(outside)?;
        let _contains = again.finish(Some(&saved))?;
    }
    // The newest checkpoint stands beside the log; without it a cut could not be seen, so it has to be there.
    let latest = read(&directory.join("checkpoint")).map_err(outside)?;
    let latest = Some(latest).filter(|note| !note.is_empty());
    let verified = verifier.finish(latest.as_deref())?;
    Ok((verified.tree.size(), length.saturating_sub(verified.length)))
}
