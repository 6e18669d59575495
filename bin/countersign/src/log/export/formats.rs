//! Records in the formats of other tools.

use model::display::exact;
use serde_json::{Map, Value, json};

/// What most tools want to know of a record.
const COLUMNS: [(&str, &str); 16] = [
    ("seq", "/seq"),
    ("time_ms", "/at_ms"),
    ("kind", "/kind"),
    ("agent", "/body/request/agent"),
    ("owner", "/body/request/owner"),
    ("session", "/body/request/session"),
    ("host", "/body/request/host"),
    ("verdict", "/body/verdict"),
    ("level", "/body/level"),
    ("score", "/body/score"),
    ("reviewer", "/body/reviewer"),
    ("state", "/body/state"),
    ("exit", "/body/exit"),
    ("request", "/body/request_digest"),
    ("policy", "/body/policy"),
    ("reason", "/body/reasons/0"),
];

fn text(record: &Value, pointer: &str) -> String {
    match record.pointer(pointer) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

fn act(record: &Value) -> String {
    record.pointer("/body/request/act").map(crate::log::act).unwrap_or_default()
}

fn number(record: &Value, pointer: &str) -> u64 {
    record.pointer(pointer).and_then(Value::as_u64).unwrap_or(0)
}

/// What it is, in a few words.
fn title(record: &Value) -> String {
    let what = ["/body/verdict", "/body/state", "/body/what"].map(|pointer| text(record, pointer));
    let what = what.into_iter().find(|it| !it.is_empty()).unwrap_or_default();
    format!("{} {what}", text(record, "/kind")).trim().to_owned()
}

/// The head of the table (RFC 4180).
pub(super) fn csv_head() -> String {
    let mut names: Vec<&str> = COLUMNS.iter().map(|(name, _)| *name).collect();
    names.push("act");
    names.join(",")
}

/// A row of the table.
pub(super) fn csv(record: &Value) -> String {
    let mut cells: Vec<String> = COLUMNS.iter().map(|(_, pointer)| cell(&text(record, pointer))).collect();
    cells.push(cell(&act(record)));
    cells.join(",")
}

/// A cell. Agents choose these words: what a spreadsheet would take for a formula is text, also behind blanks, and what a terminal
/// would obey or an eye would miss is written out.
fn cell(text: &str) -> String {
    let text = exact(text);
    let formula = text.trim_start().starts_with(['=', '+', '-', '@', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}']);
    let text = if formula { format!("'{text}") } else { text };
    if text.contains([',', '"', ';']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

/// How grave: 1 informational to 5 critical.
fn severity(record: &Value) -> u64 {
    match text(record, "/body/level").as_str() {
        "low" => 2,
        "medium" => 3,
        "high" => 4,
        "critical" => 5,
        _ => 1,
    }
}

/// An event of the Open Cybersecurity Schema Framework 1.3: class API Activity (6003) with the profile of security controls.
pub(super) fn ocsf(record: &Value) -> Value {
    const CLASS: u64 = 6003;
    // Activity 99: other, with its name.
    let (action, disposition) = match (text(record, "/body/verdict").as_str(), text(record, "/body/state").as_str()) {
        ("allow", _) | (_, "approved") => (1, 1),
        ("deny", _) | (_, "denied" | "expired") => (2, 2),
        (_, _) => (99, 99),
    };
    json!({
        "activity_id": 99, "activity_name": title(record), "category_uid": 6, "class_uid": CLASS,
        "type_uid": CLASS.saturating_mul(100).saturating_add(99), "severity_id": severity(record), "time": number(record, "/at_ms"),
        "action_id": action, "disposition_id": disposition,
        "actor": {"app_name": text(record, "/body/request/agent"), "user": {"name": text(record, "/body/request/owner")},
            "session": {"uid": text(record, "/body/request/session")}},
        "api": {"operation": text(record, "/kind"), "request": {"uid": text(record, "/body/request_digest")}},
        "src_endpoint": {"hostname": text(record, "/body/request/host")},
        "message": act(record), "status_detail": text(record, "/body/reasons/0"),
        "metadata": {"version": "1.3.0", "profiles": ["security_control"], "uid": text(record, "/seq"),
            "product": {"name": "Countersign", "vendor_name": "Countersign", "version": env!("CARGO_PKG_VERSION")}},
        "unmapped": {"record": record},
    })
}

/// An event of the Common Event Format, version 0.
pub(super) fn cef(record: &Value) -> String {
    let head = |text: &str| text.replace('\\', "\\\\").replace('|', "\\|").replace(['\n', '\r'], " ");
    let value = |text: &str| text.replace('\\', "\\\\").replace('=', "\\=").replace('\n', "\\n").replace('\r', "\\r");
    let grave = severity(record).saturating_mul(2);
    let pairs = [
        ("rt", text(record, "/at_ms")),
        ("externalId", text(record, "/seq")),
        ("suser", text(record, "/body/request/owner")),
        ("sproc", text(record, "/body/request/agent")),
        ("dhost", text(record, "/body/request/host")),
        ("act", text(record, "/body/verdict")),
        ("outcome", text(record, "/body/state")),
        ("reason", text(record, "/body/reasons/0")),
        ("cs1Label", "session".to_owned()),
        ("cs1", text(record, "/body/request/session")),
        ("cs2Label", "request".to_owned()),
        ("cs2", text(record, "/body/request_digest")),
        ("msg", act(record)),
    ];
    let pairs: Vec<String> =
        pairs.iter().filter(|(_, text)| !text.is_empty()).map(|(key, text)| format!("{key}={}", value(text))).collect();
    format!(
        "CEF:0|Countersign|Countersign|{}|{}|{}|{grave}|{}",
        env!("CARGO_PKG_VERSION"),
        head(&text(record, "/kind")),
        head(&title(record)),
        pairs.join(" ")
    )
}

/// A log record of OpenTelemetry (`opentelemetry/proto/logs/v1`).
pub(super) fn otlp(record: &Value) -> Value {
    let nanos = number(record, "/at_ms").saturating_mul(1_000_000).to_string();
    let (severity_number, severity_text) = match severity(record) {
        1 | 2 => (9, "INFO"),
        3 => (13, "WARN"),
        4 => (17, "ERROR"),
        _ => (21, "FATAL"),
    };
    let attributes: Vec<Value> = COLUMNS
        .iter()
        .map(|(name, pointer)| (name, text(record, pointer)))
        .filter(|(_, text)| !text.is_empty())
        .map(|(name, text)| json!({"key": format!("countersign.{name}"), "value": {"stringValue": text}}))
        .collect();
    json!({
        "timeUnixNano": nanos, "observedTimeUnixNano": nanos, "severityNumber": severity_number, "severityText": severity_text,
        "body": {"stringValue": format!("{}: {}", title(record), act(record))}, "attributes": attributes,
    })
}

/// Log records as one request to export them.
pub(super) fn otlp_batch(records: Vec<Value>) -> Value {
    let name = Map::from_iter([
        ("key".to_owned(), json!("service.name")),
        ("value".to_owned(), json!({"stringValue": "countersign"})),
    ]);
    json!({"resourceLogs": [{
        "resource": {"attributes": [name]},
        "scopeLogs": [{"scope": {"name": "countersign.record", "version": env!("CARGO_PKG_VERSION")}, "logRecords": records}],
    }]})
}

#[cfg(test)]
mod tests {
    use super::{cef, csv};
    use serde_json::json;

    #[test]
    fn what_an_agent_chose_is_neither_a_formula_nor_a_further_field() {
        let act = json!({"argv": ["=cmd|' /C calc'!A0", "a\"b\nc,d"]});
        let record = json!({"seq": 1, "at_ms": 2, "kind": "decision", "body": {"verdict": "deny",
            "request": {"agent": "@bot", "act": act}, "reasons": ["x|y=z\nCEF:0|forged"]}});
        let row = csv(&record);
        assert!(row.contains(",'@bot,") && row.ends_with("\"'=cmd|' /C calc'!A0 a\"\"b⏎c,d\""), "{row}");
        for hidden in ["\u{1b}[2J", "\r", "\u{202e}", "\u{200b}", "\u{7f}", "\u{9b}"] {
            let act = json!({"argv": [format!(" {hidden}=1+1")]});
            let row = csv(&json!({"seq": 1, "kind": "decision", "body": {"request": {"act": act}}}));
            assert!(!row.contains(hidden) && row.contains("⟨U+"), "{row}");
        }
        let spaced = csv(&json!({"seq": 1, "kind": "decision", "body": {"request": {"act": {"argv": ["  =1+1"]}}}}));
        assert!(spaced.ends_with(",'  =1+1"), "{spaced}");
        let event = cef(&record);
        assert_eq!(event.lines().count(), 1, "{event}");
        assert!(event.contains("reason=x|y\\=z\\nCEF:0|forged"), "{event}");
    }
}
