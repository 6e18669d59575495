//! JSON lines for a log collector (`COUNTERSIGN_LOG=json`): one for each record, with the ids that tie it to its request. What
//! was asked is not in them, nor any reason: that is in the record, encrypted.

use std::time::Duration;

use host::clock;
use record::Event;
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
pub(crate) fn of(event: &Event) -> Map<String, Value> {
    let body = event.body();
    let mut line = Map::new();
    line.insert("event".to_owned(), json!(event.kind().as_str()));
    for name in TOLD {
        if let Some(value) = body.get(name).filter(|it| it.is_string() || it.is_number()) {
            line.insert(name.to_owned(), value.clone());
        }
    }
    for (name, value) in [("agent", event.agent()), ("session", event.session())] {
        line.extend(value.map(|value| (name.to_owned(), json!(value))));
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
    use record::{Answer, AnswerState, Event, Member, Proof, Vote};
    use serde_json::json;

    #[test]
    fn a_line_ties_a_decision_to_its_request_and_says_nothing_of_what_was_asked() {
        let decision = json!({"kind": "decision", "body": {
            "request": {"id": "r", "agent": "bot", "owner": "secret", "session": "s-1", "host": "secret", "claims": {"intent": "secret"},
                "act": {"kind": "tool", "host": "h", "tool": "Bash", "input": {"command": "secret"}},
                "seen": {"uid": 1, "gid": 1, "pid": 1}},
            "request_digest": "d1", "verdict": "ask", "level": "high", "score": 60, "reversibility": "effort", "coverage": "full",
            "operations": [], "unknowns": [], "factors": [], "reasons": ["secret"], "rules": ["secret"], "policy": "p",
        }});
        let line = super::of(&serde_json::from_value(decision).unwrap());
        assert_eq!(
            serde_json::Value::Object(line),
            json!({"event": "decision", "agent": "bot", "session": "s-1", "request_digest": "d1", "verdict": "ask"})
        );
    }

    #[test]
    fn a_line_of_an_answer_has_neither_its_reason_nor_its_proof() {
        let (ssh_key, signature) = ("secret".to_owned(), "secret".to_owned());
        let ended = Answer::ended("h1".to_owned(), "d1".to_owned(), AnswerState::Denied, Some("secret".to_owned()));
        let answer = Answer {
            reviewer: Some("rita".to_owned()),
            said: Some(Vote::Deny),
            proof: Member::Is(Proof::Ssh { ssh_key, signature }),
            ..ended
        };
        let line = serde_json::Value::Object(super::of(&Event::from(answer)));
        assert_eq!(
            line,
            json!({"event": "answer", "hold": "h1", "request_digest": "d1", "reviewer": "rita", "said": "deny", "state": "denied"})
        );
    }
}
