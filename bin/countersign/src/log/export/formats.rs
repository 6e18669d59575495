//! Records in the formats of other tools.

use model::Level;
use model::display::exact;
use serde_json::{Map, Value, json};

use super::row::Row;

/// The head of the table (RFC 4180).
pub(super) fn csv_head() -> String {
    let mut names: Vec<&str> = Row::default().columns().iter().map(|(name, _)| *name).collect();
    names.push("act");
    names.join(",")
}

/// A row of the table.
pub(super) fn csv(record: &Row) -> String {
    let mut cells: Vec<String> = record.columns().iter().map(|(_, text)| cell(text)).collect();
    cells.push(cell(&record.act));
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
fn severity(record: &Row) -> u64 {
    match record.level {
        Some(Level::Low) => 2,
        Some(Level::Medium) => 3,
        Some(Level::High) => 4,
        Some(Level::Critical) => 5,
        None => 1,
    }
}

/// An event of the Open Cybersecurity Schema Framework 1.3: class API Activity (6003) with the profile of security controls.
pub(super) fn ocsf(record: &Row) -> Value {
    const CLASS: u64 = 6003;
    // Activity 99: other, with its name.
    let (action, disposition) = match (record.verdict.as_str(), record.state.as_str()) {
        ("allow", _) | (_, "approved") => (1, 1),
        ("deny", _) | (_, "denied" | "expired") => (2, 2),
        (_, _) => (99, 99),
    };
    json!({
        "activity_id": 99, "activity_name": record.title(), "category_uid": 6, "class_uid": CLASS,
        "type_uid": CLASS.saturating_mul(100).saturating_add(99), "severity_id": severity(record), "time": record.at_ms,
        "action_id": action, "disposition_id": disposition,
        "actor": {"app_name": record.agent.clone(), "user": {"name": record.owner.clone()},
            "session": {"uid": record.session.clone()}},
        "api": {"operation": record.kind.clone(), "request": {"uid": record.request.clone()}},
        "src_endpoint": {"hostname": record.host.clone()},
        "message": record.act.clone(), "status_detail": record.reason.clone(),
        "metadata": {"version": "1.3.0", "profiles": ["security_control"], "uid": record.seq().to_string(),
            "product": {"name": "Countersign", "vendor_name": "Countersign", "version": env!("CARGO_PKG_VERSION")}},
        "unmapped": {"record": record.value()},
    })
}

/// An event of the Common Event Format, version 0.
pub(super) fn cef(record: &Row) -> String {
    let head = |text: &str| text.replace('\\', "\\\\").replace('|', "\\|").replace(['\n', '\r'], " ");
    let value = |text: &str| text.replace('\\', "\\\\").replace('=', "\\=").replace('\n', "\\n").replace('\r', "\\r");
    let grave = severity(record).saturating_mul(2);
    let pairs = [
        ("rt", record.at_ms.to_string()),
        ("externalId", record.seq().to_string()),
        ("suser", record.owner.clone()),
        ("sproc", record.agent.clone()),
        ("dhost", record.host.clone()),
        ("act", record.verdict.clone()),
        ("outcome", record.state.clone()),
        ("reason", record.reason.clone()),
        ("cs1Label", "session".to_owned()),
        ("cs1", record.session.clone()),
        ("cs2Label", "request".to_owned()),
        ("cs2", record.request.clone()),
        ("msg", record.act.clone()),
    ];
    let pairs: Vec<String> =
        pairs.iter().filter(|(_, text)| !text.is_empty()).map(|(key, text)| format!("{key}={}", value(text))).collect();
    format!(
        "CEF:0|Countersign|Countersign|{}|{}|{}|{grave}|{}",
        env!("CARGO_PKG_VERSION"),
        head(&record.kind),
        head(&record.title()),
        pairs.join(" ")
    )
}

/// A log record of OpenTelemetry (`opentelemetry/proto/logs/v1`).
pub(super) fn otlp(record: &Row) -> Value {
    let nanos = record.at_ms.saturating_mul(1_000_000).to_string();
    let (severity_number, severity_text) = match severity(record) {
        1 | 2 => (9, "INFO"),
        3 => (13, "WARN"),
        4 => (17, "ERROR"),
        _ => (21, "FATAL"),
    };
    let attributes: Vec<Value> = record
        .columns()
        .into_iter()
        .filter(|(_, text)| !text.is_empty())
        .map(|(name, text)| json!({"key": format!("countersign.{name}"), "value": {"stringValue": text}}))
        .collect();
    json!({
        "timeUnixNano": nanos, "observedTimeUnixNano": nanos, "severityNumber": severity_number, "severityText": severity_text,
        "body": {"stringValue": format!("{}: {}", record.title(), record.act)}, "attributes": attributes,
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
    use super::super::row::Row;
    use super::{cef, csv};
    use record::Record;
    use serde_json::json;

    /// A decision on an argument vector of an agent, for a reason.
    fn row(argv: &[&str], agent: &str, reason: &str) -> Row {
        let file = json!({"path": "/p", "device": "1", "inode": "2", "size": "3", "changed_ns": "4", "sha256": "5"});
        let content = json!({"v": 2, "kind": "decision", "at_ms": 2, "scope": "", "body": {
            "request": {"id": "r", "agent": agent, "owner": "o", "session": "s", "host": "h", "seen": {"uid": 1, "gid": 1, "pid": 1},
                "act": {"kind": "exec", "argv": argv, "cwd": "/", "environment": "6", "executable": file, "scripts": []}},
            "request_digest": "d", "verdict": "deny", "level": "high", "score": 60, "reversibility": "effort", "coverage": "full",
            "operations": [], "unknowns": [], "factors": [], "reasons": [reason], "rules": [], "policy": "p"}});
        let record = Record::parse(1, content.to_string().as_bytes()).unwrap();
        assert!(record.event().is_some());
        Row::of(&record)
    }

    #[test]
    fn what_an_agent_chose_is_neither_a_formula_nor_a_further_field() {
        let row_of = |argv: &[&str]| csv(&row(argv, "bot", "x"));
        let hostile = row(&["=cmd|' /C calc'!A0", "a\"b\nc,d"], "@bot", "x|y=z\nCEF:0|forged");
        let text = csv(&hostile);
        assert!(text.contains(",'@bot,") && text.ends_with("\"'=cmd|' /C calc'!A0 a\"\"b⏎c,d\""), "{text}");
        for hidden in ["\u{1b}[2J", "\r", "\u{202e}", "\u{200b}", "\u{7f}", "\u{9b}"] {
            let text = row_of(&[&format!(" {hidden}=1+1")]);
            assert!(!text.contains(hidden) && text.contains("⟨U+"), "{text}");
        }
        let spaced = row_of(&["  =1+1"]);
        assert!(spaced.ends_with(",'  =1+1"), "{spaced}");
        let event = cef(&hostile);
        assert_eq!(event.lines().count(), 1, "{event}");
        assert!(event.contains("reason=x|y\\=z\\nCEF:0|forged"), "{event}");
    }
}
