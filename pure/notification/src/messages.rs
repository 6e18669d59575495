//! What is said of a hold, for each channel. Every text of an agent goes out as plain text: no markup, no mention, no link of its own.

use model::display::visible;
use protocol::HoldView;
use serde_json::{Value, json};

use crate::Notice;
use crate::teams::code_of;

/// Maximum length of a request's text in a message. A longer one says so and has no buttons: reviewers answer only what they see.
const MOST_SHOWN: usize = 1_500;

/// What is asked, as far as it fits; and whether that is all.
fn asked(hold: &HoldView) -> (String, bool) {
    let lines: Vec<String> = hold.asked_lines().iter().map(|line| visible(line)).collect();
    let text = lines.join("\n");
    let count = text.chars().count();
    if count <= MOST_SHOWN {
        return (text, true);
    }
    let short: String = text.chars().take(MOST_SHOWN).collect();
    (format!("{short} … and {} characters more: read them on the page", count.saturating_sub(MOST_SHOWN)), false)
}

fn link(page: Option<&str>) -> Option<String> {
    page.map(|page| format!("{}/", page.trim_end_matches('/')))
}

/// The notice in one line.
pub fn summary(notice: &Notice) -> String {
    match notice {
        Notice::Waits { hold, half } => {
            let late = if *half { "half of the time is over: " } else { "" };
            format!("{late}{} asks: {} ({} risk, {}/100)", hold.agent, one_line(&asked(hold).0), hold.level, hold.score)
        }
        Notice::Flood { agent, count } => format!("{agent} asks {count} times more; look at the queue, or stop it"),
        Notice::Closed { hold, outcome } => format!("{outcome}: {} asked {}", hold.agent, one_line(&asked(hold).0)),
    }
}

fn one_line(text: &str) -> String {
    text.replace("⏎\n", " ⏎ ").replace(['\n', '\r'], " · ")
}

/// Lines about a hold, each plain.
fn lines(hold: &HoldView) -> Vec<String> {
    let mut lines = vec![format!("would: {}", hold.effects().join("; "))];
    if !hold.above.is_empty() {
        lines.push(format!("for: {}", hold.principals()));
    }
    if !hold.beside.is_empty() {
        lines.push(format!("with: {}", hold.beside.join("; ")));
    }
    if !hold.unknowns.is_empty() {
        lines.push(format!("not understood: {}", hold.unknowns.join("; ")));
    }
    lines.push(format!("because: {}", hold.reasons.join("; ")));
    lines.push(format!("undo: {}; needs {} with {}", hold.reversibility, hold.who, hold.assurance));
    lines.push(format!("where: {} {}", hold.host, hold.cwd.as_deref().unwrap_or("")));
    lines.iter().map(|line| visible(line).chars().take(500).collect()).collect()
}

/// Blocks of Slack's Block Kit. Text is in `plain_text` and preformatted rich text, which Slack does not read as markup.
pub fn slack_blocks(notice: &Notice, page: Option<&str>, buttons: bool) -> Value {
    let plain = |text: String| json!({"type": "plain_text", "text": text.chars().take(2_900).collect::<String>(), "emoji": false});
    let mut blocks = vec![json!({"type": "section", "text": plain(match notice {
        Notice::Waits { hold, half } => {
            let late = if *half { "Half of the time is over. " } else { "" };
            format!("{late}{} ({}) asks, {} risk {}/100", hold.agent, hold.owner, hold.level, hold.score)
        }
        Notice::Flood { .. } | Notice::Closed { .. } => summary(notice),
    })})];
    if let Notice::Waits { hold, .. } = notice {
        let (text, whole) = asked(hold);
        blocks.push(json!({"type": "rich_text", "elements": [
            {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": text}]}]}));
        blocks.push(json!({"type": "context", "elements": [plain(lines(hold).join("\n"))]}));
        let mut actions = Vec::new();
        if buttons && whole {
            let value = |said: &str| format!("{said} {} {}", hold.id, hold.request);
            if hold.assurance == "session" {
                actions.push(json!({"type": "button", "style": "primary", "text": plain("Approve".to_owned()),
                    "action_id": "approve", "value": value("approve")}));
            }
            actions.push(json!({"type": "button", "style": "danger", "text": plain("Deny".to_owned()),
                "action_id": "deny", "value": value("deny")}));
        }
        if let Some(url) = link(page) {
            actions.push(
                json!({"type": "button", "text": plain("Open the page".to_owned()), "action_id": "open", "url": url}),
            );
        }
        if !actions.is_empty() {
            blocks.push(json!({"type": "actions", "elements": actions}));
        }
    }
    Value::Array(blocks)
}

/// A message with an Adaptive Card (1.4), as a Teams workflow takes it.
/// With the name of an outgoing webhook it says how to answer there.
pub fn teams_card(notice: &Notice, page: Option<&str>, mention: Option<&str>) -> Value {
    // `RichTextBlock` knows no Markdown; `TextBlock` does.
    let rich = |text: String, font: &str| json!({"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": text, "fontType": font}]});
    let mut body = vec![rich(summary(notice), "Default")];
    if let Notice::Waits { hold, .. } = notice {
        let (text, whole) = asked(hold);
        body.push(rich(text, "Monospace"));
        body.extend(lines(hold).into_iter().map(|line| rich(line, "Default")));
        if let Some(mention) = mention.filter(|_| whole) {
            let code = code_of(&hold.id);
            let yes =
                if hold.assurance == "session" { format!("@{mention} approve {code}  ·  ") } else { String::new() };
            let how = format!("Answer here: {yes}@{mention} deny {code} and why  ·  @{mention} ask {code} and what");
            body.push(rich(how, "Default"));
        }
    }
    let actions: Vec<Value> = link(page)
        .map(|url| json!({"type": "Action.OpenUrl", "title": "Open the page", "url": url}))
        .into_iter()
        .collect();
    json!({"type": "message", "attachments": [{"contentType": "application/vnd.microsoft.card.adaptive", "content": {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json", "type": "AdaptiveCard", "version": "1.4",
        "body": body, "actions": actions}}]})
}

/// Subject and text of an e-mail. Its link opens the page and decides nothing.
pub fn email(notice: &Notice, page: Option<&str>) -> (String, String) {
    let subject: String = summary(notice).chars().filter(|it| !it.is_control()).take(150).collect();
    let mut text = vec![summary(notice)];
    if let Notice::Waits { hold, .. } = notice {
        text.push(String::new());
        text.push(asked(hold).0.lines().map(|line| format!("    {line}")).collect::<Vec<_>>().join("\n"));
        text.push(String::new());
        text.extend(lines(hold));
    }
    text.extend(link(page).map(|url| format!("\nAnswer on the page: {url}")));
    (subject, text.join("\n"))
}

/// Title, text, priority (1 to 5) and tags of a message on ntfy.
pub fn ntfy(notice: &Notice) -> (String, String, u8, &'static str) {
    match notice {
        Notice::Waits { hold, .. } => {
            let priority = match hold.level.as_str() {
                "critical" => 5,
                "high" => 4,
                "medium" => 3,
                _ => 2,
            };
            (format!("{} asks ({} risk)", hold.agent, hold.level), asked(hold).0, priority, "warning")
        }
        Notice::Flood { agent, .. } => (format!("{agent} asks very often"), summary(notice), 4, "rotating_light"),
        Notice::Closed { hold, outcome } => {
            (format!("{}: {outcome}", hold.agent), asked(hold).0, 1, "white_check_mark")
        }
    }
}

/// An alarm: PagerDuty (Events API v2) and Opsgenie (Alert API), by the name of the pager and its key.
pub fn alarm_open(pager: &str, key: &str, notice: &Notice, page: Option<&str>) -> Option<Value> {
    let (id, severity) = match notice {
        Notice::Waits { hold, .. } => (hold.id.clone(), if hold.level == "critical" { "critical" } else { "error" }),
        Notice::Flood { agent, .. } => (format!("flood-{agent}"), "error"),
        Notice::Closed { .. } => return None,
    };
    let text: String = summary(notice).chars().take(1_000).collect();
    Some(match pager {
        "pagerduty" => json!({"routing_key": key, "event_action": "trigger", "dedup_key": id, "payload": {
            "summary": text, "source": "countersign", "severity": severity}, "links": link(page).map(|url| json!([{"href": url, "text": "Open the page"}]))}),
        _ => json!({"message": text.chars().take(130).collect::<String>(), "alias": id, "description": text,
            "priority": if severity == "critical" { "P1" } else { "P2" }, "source": "countersign"}),
    })
}

/// The end of an alarm.
pub fn alarm_close(pager: &str, key: &str, hold: &str) -> Value {
    match pager {
        "pagerduty" => json!({"routing_key": key, "event_action": "resolve", "dedup_key": hold}),
        _ => json!({"source": "countersign"}),
    }
}

/// The body of a signed request.
pub fn webhook(notice: &Notice, at_ms: u64) -> Value {
    match notice {
        Notice::Waits { hold, half } => {
            json!({"event": if *half { "half_time" } else { "waits" }, "at_ms": at_ms, "hold": hold})
        }
        Notice::Flood { agent, count } => json!({"event": "flood", "at_ms": at_ms, "agent": agent, "count": count}),
        Notice::Closed { hold, outcome } => {
            json!({"event": "closed", "at_ms": at_ms, "hold": hold, "outcome": outcome})
        }
    }
}
