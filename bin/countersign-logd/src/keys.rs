//! Changes of the encryption keys: a new one to encrypt under, and the end of those of a scope. Both are recorded.

use std::collections::BTreeMap;
use std::path::PathBuf;

use host::clock;
use host::install_paths::Layout;
use log_store::{Record, Writer};
use record::{Change, Draft};

/// Makes a new key-encryption key.
pub(crate) fn rotate(writer: &mut Writer) -> Result<String, String> {
    let number = writer.rotate(clock::now_ms())?;
    record(writer, Change::EncryptionKeyRotated { number: u64::from(number) })?;
    Ok(format!("key-encryption key {number} is in use; the older ones still open what they encrypted"))
}

/// What is being destroyed is noted in a file from before the record until it is done, so that a crash between leaves no
/// content that the record says is gone.
fn note() -> Result<PathBuf, String> {
    Ok(Layout::from_environment()?.log.join("destroying"))
}

/// Destroys the data keys of a scope. The order: noted, recorded, destroyed.
pub(crate) fn destroy(writer: &mut Writer, scope: &str, read: &[u64], why: &str) -> Result<String, String> {
    if why.trim().is_empty() {
        return Err("destroying takes a reason".to_owned());
    }
    if let Some(matter) = held()?.get(scope) {
        return Err(format!("`{scope}` is under a legal hold ({matter}); `countersign log legal-hold --end` ends it"));
    }
    let numbers = writer.keys_of(scope, read)?;
    if numbers.is_empty() {
        return Err(format!("no key of `{scope}` is left: there is nothing of it, or it was destroyed before"));
    }
    let text = numbers.iter().map(u64::to_string).collect::<Vec<_>>().join("\n");
    let note = note()?;
    host::files::replace(&note, text.as_bytes(), 0o600).map_err(|why| why.to_string())?;
    let destroyed =
        Change::ContentDestroyed { scope: Some(scope.to_owned()), keys: numbers.clone(), why: why.to_owned() };
    let seq = record(writer, destroyed)?;
    writer.destroy(&numbers)?;
    std::fs::remove_file(&note).map_err(|why| why.to_string())?;
    Ok(format!("the contents of `{scope}` cannot be read any more ({} keys); record {seq} says so", numbers.len()))
}

/// The scopes under a legal hold, with the matter of each. Kept in a file, so that no reading of the log is in the way of
/// refusing; the record says the same.
fn held() -> Result<BTreeMap<String, String>, String> {
    let path = Layout::from_environment()?.log.join(HELD);
    let bytes = host::files::read_small(&path, MAX_HELD_BYTES).map_err(|why| format!("`{}`: {why}", path.display()))?;
    let read = |bytes: Vec<u8>| serde_json::from_slice(&bytes).map_err(|why| format!("`{}`: {why}", path.display()));
    bytes.map_or_else(|| Ok(BTreeMap::new()), read)
}

const HELD: &str = "legal-holds.json";
const MAX_HELD_BYTES: u64 = 16 * 1024 * 1024;

/// Keeps a scope from being destroyed, or ends that. The order: a hold is in force before it is recorded, and its end is
/// recorded before it is in force.
pub(crate) fn legal_hold(writer: &mut Writer, scope: &str, hold: bool, why: &str) -> Result<String, String> {
    if why.trim().is_empty() {
        return Err("a legal hold, and its end, take a reason".to_owned());
    }
    let mut all = held()?;
    let was = all.contains_key(scope);
    if was == hold {
        return Err(format!("`{scope}` is {} a legal hold", if was { "already under" } else { "not under" }));
    }
    let (of, matter) = (scope.to_owned(), why.to_owned());
    if hold {
        all.insert(scope.to_owned(), why.to_owned());
        keep(&all)?;
        record(writer, Change::LegalHoldBegun { scope: of, why: matter })?;
        return Ok(format!("the contents of `{scope}` are not destroyed until the hold is ended"));
    }
    all.remove(scope);
    record(writer, Change::LegalHoldEnded { scope: of, why: matter })?;
    keep(&all)?;
    Ok(format!("the legal hold on `{scope}` is ended"))
}

fn keep(all: &BTreeMap<String, String>) -> Result<(), String> {
    let bytes = serde_json::to_vec_pretty(all).map_err(|why| why.to_string())?;
    let path = Layout::from_environment()?.log.join(HELD);
    host::files::replace(&path, &bytes, 0o600).map_err(|why| format!("`{}`: {why}", path.display()))
}

/// Ends what a crash interrupted.
pub(crate) fn finish(layout: &Layout, writer: &mut Writer) -> Result<(), String> {
    let note = layout.log.join("destroying");
    let Some(text) = host::files::read_small(&note, 1024 * 1024).map_err(|why| why.to_string())? else { return Ok(()) };
    let numbers: Vec<u64> = String::from_utf8_lossy(&text).lines().filter_map(|line| line.parse().ok()).collect();
    let why = "begun before a restart".to_owned();
    record(writer, Change::ContentDestroyed { scope: None, keys: numbers.clone(), why })?;
    writer.destroy(&numbers)?;
    std::fs::remove_file(&note).map_err(|why| why.to_string())
}

fn record(writer: &mut Writer, change: Change) -> Result<u64, String> {
    let draft = Draft::of(change.into(), clock::now_ms());
    crate::put(writer.append(&[Record::of(&draft)]))?;
    Ok(writer.size().saturating_sub(1))
}
