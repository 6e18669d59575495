//! Records held against `api/record.schema.json`, as a program of another maker would hold them.
//!
//! A validator of JSON Schema 2020-12, for the keywords that the schema uses. It refuses a schema with any other, so that nothing is
//! passed over.

use std::path::Path;
use std::sync::{Arc, LazyLock};

use log_store::{Content, Reader, RealDisk, Wanted};
use record::{Draft, Record};
use serde_json::{Map, Value};

/// Keywords that say nothing about what is valid.
const PROSE: [&str; 7] = ["$schema", "$defs", "$id", "title", "description", "default", "format"];

/// The published schema.
static SCHEMA: LazyLock<Value> = LazyLock::new(|| {
    let text = include_str!("../../api/record.schema.json");
    serde_json::from_str(text).unwrap_or_else(|why| panic!("api/record.schema.json: {why}"))
});

/// What is wrong with a content, held against the published schema.
///
/// # Errors
/// The first thing that does not hold.
pub fn check_content(content: &Value) -> Result<(), String> {
    check(&SCHEMA, content, "").map(drop)
}

/// What is wrong with the records of a log that can be read: each is as the published schema says, and its type writes the
/// same bytes.
pub fn problems(log: &Path) -> Vec<String> {
    let Ok(mut reader) = Reader::open(Arc::new(RealDisk::new(log))) else { return Vec::new() };
    let mut problems = Vec::new();
    // A log that a test broke ends where it is broken.
    let _ = reader.each(&Wanted::default(), &mut |found| {
        if let Content::Record(record) = found.content {
            problems.extend(problem(&record).map(|why| format!("{why}: {}", record.to_value())));
        }
        Ok(true)
    });
    problems
}

fn problem(record: &Record) -> Option<String> {
    let content = record.content();
    let Some(event) = record.event() else { return Some("no type reads it".to_owned()) };
    let draft = Draft { at_ms: record.at_ms, scope: record.scope.clone(), event };
    if draft.content() != content {
        return Some(format!("its type writes {}", String::from_utf8_lossy(&draft.content())));
    }
    let value = serde_json::from_slice(&content).map_err(|why| why.to_string());
    value.and_then(|value| check_content(&value)).err()
}

/// Members that a schema looked at.
type PeerCredentials = Vec<String>;

/// Holds a value against a schema; gives the members that the schema knows.
fn check(schema: &Value, value: &Value, at: &str) -> Result<PeerCredentials, String> {
    let map = match schema {
        Value::Bool(true) => return Ok(PeerCredentials::new()),
        Value::Object(map) => map,
        other => return Err(format!("{at}: the schema has {other}")),
    };
    let wrong = |what: &str| Err(format!("`{at}` {what}, and is {value}"));
    let mut seen = PeerCredentials::new();
    for (keyword, said) in map {
        match keyword.as_str() {
            "$ref" => seen.extend(check(target(said)?, value, at)?),
            "type" if !is_type(said, value) => return wrong(&format!("is of type {said}")),
            "const" if said != value => return wrong(&format!("is {said}")),
            "enum" if !said.as_array().is_some_and(|all| all.contains(value)) => {
                return wrong(&format!("is one of {said}"));
            }
            "minimum" if is_below(value, said) => return wrong(&format!("is {said} or more")),
            "maximum" if is_below(said, value) => return wrong(&format!("is {said} or less")),
            "required" => {
                for name in said.as_array().into_iter().flatten().filter_map(Value::as_str) {
                    if value.get(name).is_none() {
                        return wrong(&format!("has `{name}`"));
                    }
                }
            }
            "properties" => seen.extend(properties(said, value, at)?),
            "items" => {
                for (number, item) in value.as_array().into_iter().flatten().enumerate() {
                    check(said, item, &format!("{at}/{number}"))?;
                }
            }
            "oneOf" | "anyOf" => seen.extend(alternatives(keyword, said, value, at)?),
            "type" | "const" | "enum" | "minimum" | "maximum" | "unevaluatedProperties" => {}
            prose if PROSE.contains(&prose) => {}
            other => return Err(format!("{at}: the schema has the keyword `{other}`")),
        }
    }
    if map.get("unevaluatedProperties") == Some(&Value::Bool(false)) {
        let unknown = value.as_object().into_iter().flat_map(Map::keys).find(|name| !seen.contains(name));
        if let Some(unknown) = unknown {
            return wrong(&format!("has no `{unknown}`"));
        }
    }
    Ok(seen)
}

fn properties(said: &Value, value: &Value, at: &str) -> Result<PeerCredentials, String> {
    let mut seen = PeerCredentials::new();
    for (name, of_it) in said.as_object().into_iter().flatten() {
        if let Some(member) = value.get(name) {
            check(of_it, member, &format!("{at}/{name}"))?;
            seen.push(name.clone());
        }
    }
    Ok(seen)
}

fn alternatives(keyword: &str, said: &Value, value: &Value, at: &str) -> Result<PeerCredentials, String> {
    let all = said.as_array().into_iter().flatten();
    let (good, bad): (Vec<_>, Vec<_>) = all.map(|one| check(one, value, at)).partition(Result::is_ok);
    if good.is_empty() || (keyword == "oneOf" && good.len() > 1) {
        let bad: Vec<String> = bad.into_iter().filter_map(Result::err).collect();
        return Err(format!("`{at}` holds for {} alternatives: {}", good.len(), bad.join("; ")));
    }
    Ok(good.into_iter().flatten().flatten().collect())
}

fn target(reference: &Value) -> Result<&'static Value, String> {
    let pointer = reference.as_str().and_then(|it| it.strip_prefix('#'));
    let found = pointer.and_then(|pointer| SCHEMA.pointer(pointer));
    found.ok_or_else(|| format!("the schema has no {reference}"))
}

/// Whether a number is below another; what is no number has no bounds.
fn is_below(less: &Value, more: &Value) -> bool {
    less.as_f64().zip(more.as_f64()).is_some_and(|(less, more)| less < more)
}

fn is_type(said: &Value, value: &Value) -> bool {
    match said {
        Value::Array(all) => all.iter().any(|one| is_type(one, value)),
        said => match (said.as_str().unwrap_or_default(), value) {
            ("null", Value::Null) | ("boolean", Value::Bool(_)) | ("string", Value::String(_)) => true,
            ("array", Value::Array(_)) | ("object", Value::Object(_)) => true,
            ("integer", Value::Number(number)) => number.is_i64() || number.is_u64(),
            ("number", Value::Number(_)) => true,
            (_, _) => false,
        },
    }
}
