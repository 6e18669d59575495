//! JSON lines for a log collector (`COUNTERSIGN_LOG=json`): one for each record, with the ids that tie it to its request. What
//! was asked is not in them, nor any reason: that is in the record, encrypted.

use std::time::Duration;

use audit::RecordKind;
use host::clock;
use serde_json::{Map, Value, json};

/// The variable that asks for them.
const VARIABLE: &str = "COUNTERSIGN_LOG";

/// Members of a record that are ids, our own words, or names of agents and people.
const TOLD: [&str; 14] = [
    "request_digest",
    "hold",
    "permit",
    "verdict",
    "state",
    "said",
    "assurance",
    "reviewer",
    "outcome",
    "exit",
    "what",
    "channel",
    "recording",
    "agent",
];

/// Whether they are asked for.
///
/// # Errors
/// The variable says something else.
pub(crate) fn are_wanted() -> Result<bool, String> {
    match std::env::var(VARIABLE).as_deref() {
        Err(_) | Ok("" | "text") => Ok(false),
        Ok("json") => Ok(true),
        Ok(other) => Err(format!("`{VARIABLE}={other}`: write `json` or `text`")),
    }
}

/// The line of a record, before it is durable.
pub(crate) fn of(kind: RecordKind, body: &Value) -> Map<String, Value> {
    let mut line = Map::new();
    line.insert("event".to_owned(), json!(kind.as_str()));
    for name in TOLD {
        if let Some(value) = body.get(name).filter(|it| it.is_string() || it.is_number()) {
            line.insert(name.to_owned(), value.clone());
        }
    }
    for name in ["agent", "session"] {
        if let Some(value) = body.pointer(&format!("/request/{name}")).filter(|it| it.is_string()) {
            line.insert(name.to_owned(), value.clone());
        }
    }
    line
}

/// Writes it.
pub(crate) fn write(mut line: Map<String, Value>, seq: u64, took: Duration) {
    line.insert("at_ms".to_owned(), json!(clock::now_ms()));
    line.insert("record".to_owned(), json!(seq));
    line.insert("log_us".to_owned(), json!(u64::try_from(took.as_micros()).unwrap_or(u64::MAX)));
    eprintln!("{}", Value::Object(line));
}

#[cfg(test)]
mod tests {
    use audit::RecordKind;
    use serde_json::json;

    #[test]
    fn a_line_ties_a_record_to_its_request_and_says_nothing_of_what_was_asked() {
        let body = json!({
            "request": {"agent": "bot", "session": "s-1", "act": {"argv": ["curl", "-H", "secret"]}, "claims": {"intent": "secret"}},
            "request_digest": "d1", "verdict": "ask", "reasons": ["secret"], "why": "secret", "asks": "secret", "proof": {"signed": "secret"},
            "state": {"secret": true}, "by": "secret",
        });
        let line = serde_json::Value::Object(super::of(RecordKind::Decision, &body));
        assert_eq!(
            line,
            json!({"event": "decision", "agent": "bot", "session": "s-1", "request_digest": "d1", "verdict": "ask"})
        );
    }
}
