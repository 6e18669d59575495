//! `countersign log verify`: a whole log from its files, without a server and without a secret.

use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use audit::LogVerifier;
use serde_json::json;

/// Reads a small text.
pub(crate) fn text(path: &Path) -> Result<String, String> {
    let bytes = host::files::read_small(path, 64 * 1024).map_err(|why| format!("`{}`: {why}", path.display()))?;
    let bytes = bytes.ok_or_else(|| format!("`{}` is missing", path.display()))?;
    String::from_utf8(bytes).map_err(|_| format!("`{}` is not text", path.display()))
}

/// Reads a log's public key.
pub(crate) fn public_key(path: &Path) -> Result<LogVerifier, String> {
    LogVerifier::parse(&text(path)?).ok_or_else(|| format!("`{}` is no public key of a log", path.display()))
}

/// Verifies, and says what holds or what is the first thing that does not.
pub(super) fn main(
    directory: &Path,
    key: Option<&Path>,
    against: &[PathBuf],
    archive: Option<&str>,
    as_json: bool,
) -> Result<ExitCode, String> {
    let log = public_key(&key.map_or_else(|| directory.join("log.pub"), Path::to_owned))?;
    let mut known = Vec::new();
    for path in against {
        let note = text(path)?;
        known.push(log.open(&note).map_err(|why| format!("`{}`: {why}", path.display()))?);
    }
    let mut err = std::io::stderr();
    let watched = err.is_terminal();
    let progress = &mut |done: u64, of: u64| {
        if watched && done.is_multiple_of(64 * 256) {
            let _ = write!(err, "\r{done} of {of} records");
        }
    };
    let disk = super::archive::layered(directory, archive)?;
    let verified = log_store::verify(disk.as_ref(), &log, known, progress);
    if watched {
        eprint!("\r\x1b[K");
    }
    match verified {
        Ok(held) => {
            if as_json {
                println!(
                    "{}",
                    json!({"holds": true, "records": held.records, "unpublished": held.unpublished, "bytes": held.bytes, "torn": held.torn})
                );
            } else {
                println!("holds: {} records, as signed by {}", held.records, log.to_text());
                if held.torn {
                    println!("note: the journal ends in a batch that was never acknowledged (a crash leaves that)");
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
                println!("{}", json!({"holds": false, "record": wrong.record, "file": wrong.file, "why": wrong.why}));
            } else {
                println!("DOES NOT HOLD: {wrong}");
            }
            Ok(ExitCode::from(1))
        }
    }
}
