//! Asking a witness to sign the newest checkpoint. The signature is kept next to the log; a copy elsewhere is better.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use audit::{AddCheckpoint, WitnessVerifier};
use log_store::{Reader, RealDisk};
use model::Digest;

use crate::log::public_key;

/// The longest answer, in bytes.
const MAX_ANSWER: u64 = 64 * 1024;

/// Asks once.
pub(super) fn once(directory: &Path, url: &str, key: &Path) -> Result<ExitCode, String> {
    let text = crate::log::small_text(key)?;
    let witness = WitnessVerifier::parse(&text).ok_or_else(|| format!("`{}` is no key of a witness", key.display()))?;
    let log = public_key(&directory.join("log.pub"))?;
    let kept = directory.join("witnessed").join(Digest::of_bytes(witness.to_text().as_bytes()).to_string());
    let last = host::files::read_small(&kept, MAX_ANSWER).ok().flatten().and_then(|note| String::from_utf8(note).ok());
    let mut old = last.and_then(|note| log.open(&note).ok()).map_or(0, |checkpoint| checkpoint.size);
    let reader = Reader::open(Arc::new(RealDisk::new(directory)))?;
    let note = reader.note().ok_or("the log has no checkpoint yet")?.to_owned();
    let size = log.open(&note).map_err(|why| why.to_string())?.size;
    // A second attempt, with the size that the witness says it saw.
    for _ in 0..2 {
        let asked = AddCheckpoint { old, proof: reader.consistency(old)?, note: note.clone() };
        let url = format!("{}/add-checkpoint", url.trim_end_matches('/'));
        let mut answer = super::agent().post(&url).send(asked.to_text()).map_err(|why| format!("`{url}`: {why}"))?;
        let body = answer.body_mut().with_config().limit(MAX_ANSWER).read_to_string().map_err(|why| why.to_string())?;
        match answer.status().as_u16() {
            200 => {
                let cosigned = format!("{note}{body}");
                let seen = witness.seen_at(&cosigned).ok_or("the witness's signature does not hold")?;
                if let Some(parent) = kept.parent() {
                    host::files::private_directory(parent).map_err(|why| why.to_string())?;
                }
                host::files::replace(&kept, cosigned.as_bytes(), 0o600).map_err(|why| why.to_string())?;
                println!(
                    "witnessed: {size} records, at {}; `{}`",
                    crate::time_format::shown(seen.saturating_mul(1_000)),
                    kept.display()
                );
                return Ok(ExitCode::SUCCESS);
            }
            409 => {
                let seen: u64 =
                    body.trim().parse().map_err(|_| "the witness saw another size, and does not say which")?;
                if seen == old {
                    return Err(format!("SPLIT VIEW: the witness saw another log of {seen} records under this key"));
                }
                if seen > size {
                    return Err(format!("ROLLED BACK: the witness saw {seen} records, and the log has {size}"));
                }
                old = seen;
            }
            422 => {
                return Err(format!("SPLIT VIEW: the log does not go on from the {old} records that the witness saw"));
            }
            403 | 404 => {
                return Err(
                    "the witness does not know this log; start it with --log and this log's public key".to_owned()
                );
            }
            other => return Err(format!("the witness answered {other}")),
        }
    }
    Err("the witness goes on faster than it can be asked".to_owned())
}
