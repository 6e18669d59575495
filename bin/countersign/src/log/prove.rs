//! `countersign log prove`: a proof of one record's content that needs only the log's public key.

use std::io::Read as _;
use std::path::Path;
use std::process::ExitCode;

use audit::ReceiptProof;
use record::Record;
use serde_json::{Value, json};

use super::summary;

/// What the file says of itself.
const FORMAT: &str = "countersign/record-proof/v2";

/// Prints the proof of one record.
pub(super) fn write(directory: &Path, record: u64) -> Result<ExitCode, String> {
    let (content, proof) = super::open(directory)?.prove(record)?;
    let content = String::from_utf8(content).map_err(|_| "the content is not text".to_owned())?;
    println!("{}", self::text(&content, &proof.to_value()));
    Ok(ExitCode::SUCCESS)
}

/// A proof as text.
pub(crate) fn text(content: &str, proof: &Value) -> String {
    json!({"format": FORMAT, "content": content, "proof": proof}).to_string()
}

/// Checks a proof against a public key.
pub(super) fn check(file: &Path, key: &Path) -> Result<ExitCode, String> {
    let log = super::verify::public_key(key)?;
    let text = if file.as_os_str() == "-" {
        let mut text = String::new();
        std::io::stdin().take(64 * 1024 * 1024).read_to_string(&mut text).map_err(|why| why.to_string())?;
        text
    } else {
        std::fs::read_to_string(file).map_err(|why| format!("`{}`: {why}", file.display()))?
    };
    let value: Value = serde_json::from_str(&text).map_err(|why| format!("not a proof: {why}"))?;
    if value.get("format").and_then(Value::as_str) != Some(FORMAT) {
        return Err(format!("not a proof in the format `{FORMAT}`"));
    }
    let content = value.get("content").and_then(Value::as_str).ok_or("the proof has no content")?;
    let proof = value.get("proof").and_then(ReceiptProof::from_value).ok_or("the proof cannot be read")?;
    match proof.check(content.as_bytes(), &log) {
        Ok(entry) => {
            println!("proved: this is record {} of the log {}", entry.seq, log.to_text());
            if let Some(record) = Record::parse(entry.seq, content.as_bytes()) {
                println!("{}", summary(&record));
            }
            Ok(ExitCode::SUCCESS)
        }
        Err(why) => {
            println!("NOT PROVED: {why}");
            Ok(ExitCode::from(1))
        }
    }
}
