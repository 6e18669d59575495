//! The page that people read: plain HTML, no script, nothing from elsewhere.

use model::display::visible;

use super::controls::{Framework, Section};
use super::evidence::{Evidence, EvidenceLine};
use crate::time_format;

/// The whole page.
pub(super) fn of(framework: Framework, span: &(String, String), evidence: &Evidence) -> String {
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\
         <title>{name}: what AI agents did</title><style>{STYLE}</style><body><main>\
         <h1>{name}: what AI agents did, and on whose authority</h1><p>From {} to {}. {} records; {}.</p>",
        plain(&span.0),
        plain(&span.1),
        evidence.records,
        plain(&evidence.integrity),
        name = framework.name(),
    );
    page.push_str("<h2>What to ask about first</h2><ul>");
    for doubt in doubts(evidence) {
        page.push_str(&format!("<li>{}</li>", plain(&doubt)));
    }
    page.push_str(
        "</ul><h2>By clause</h2><table><tr><th>clause</th><th>about</th><th>the evidence shows</th><th>where</th></tr>",
    );
    for clause in framework.clauses() {
        let places: Vec<String> = clause
            .sections
            .iter()
            .map(|section| format!("<a href=\"#{}\">{}</a>", anchor(*section), title(*section)))
            .collect();
        page.push_str(&format!(
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            plain(clause.number),
            plain(clause.about),
            plain(clause.shows),
            places.join(", ")
        ));
    }
    page.push_str("</table>");
    for section in ALL {
        page.push_str(&format!("<h2 id=\"{}\">{}</h2>{}", anchor(section), title(section), body(section, evidence)));
    }
    page.push_str(
        "<h2>How this can be checked</h2><p><code>records/</code> has every record of the time with a proof that it stood in the log; its README says how they are checked without us. \
         <code>MANIFEST.sha256</code> has the digest of every file (<code>sha256sum --check MANIFEST.sha256</code>), and <code>seal.json</code> proves that the log recorded the manifest's digest. \
         The log's public key and a checkpoint should come from elsewhere than this directory.</p></main>\n",
    );
    page
}

const ALL: [Section; 10] = [
    Section::Unauthorized,
    Section::Partial,
    Section::Duties,
    Section::People,
    Section::Days,
    Section::Denied,
    Section::Agents,
    Section::Changes,
    Section::Starts,
    Section::Integrity,
];

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;margin:0;color:#1b1b1b;background:#fff}main{max-width:72rem;margin:auto;padding:1rem 2rem 4rem}\
h1{font-size:1.6rem}h2{font-size:1.2rem;margin-top:2.5rem}table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.35rem .75rem .35rem 0;border-bottom:1px solid #ddd}th{white-space:nowrap}td{overflow-wrap:anywhere}td:first-child{white-space:nowrap}\
td.n,th.n{text-align:right}@media(prefers-color-scheme:dark){body{color:#eee;background:#161616}th,td{border-color:#444}a{color:#9cf}}@media print{main{max-width:none}}";

/// Text from elsewhere: nothing in it is markup, and what cannot be seen is made visible.
fn plain(text: &str) -> String {
    visible(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// What is uncomfortable, first.
fn doubts(evidence: &Evidence) -> Vec<String> {
    let mut doubts = Vec::new();
    let mut some = |count: u64, what: &str| {
        if count > 0 {
            doubts.push(format!("{count} {what}"));
        }
    };
    some(evidence.unauthorized_count, "acts ran without an authorization before, because the policy only watched");
    some(evidence.partial_count, "acts were allowed though a part of them was not understood");
    some(evidence.own.len() as u64, "approvals are by people who answer for the agent");
    some(evidence.broken_glass, "emergency approvals by one person alone");
    some(evidence.expired, "requests were left unanswered until their time was over");
    some(evidence.wrong_proofs, "proofs of people were wrong");
    some(evidence.refusals, "refusals of people without the right");
    some(evidence.destroyed, "records had their contents destroyed by policy");
    some(evidence.unreadable, "records could not be read here");
    for (name, one) in evidence.reviewers.iter() {
        doubts.extend(one.fatigue_signs().iter().map(|doubt| format!("{name} {doubt}")));
    }
    doubts.push(
        "Outside of this evidence: whatever was done on the hosts without going through Countersign (an agent host without its hook, a person's own shell)"
            .to_owned(),
    );
    doubts
}

const fn anchor(section: Section) -> &'static str {
    match section {
        Section::Days => "days",
        Section::Unauthorized => "unauthorized",
        Section::Partial => "partial",
        Section::Denied => "denied",
        Section::People => "people",
        Section::Agents => "agents",
        Section::Changes => "changes",
        Section::Starts => "starts",
        Section::Integrity => "integrity",
        Section::Duties => "duties",
    }
}

const fn title(section: Section) -> &'static str {
    match section {
        Section::Days => "Decisions by day",
        Section::Unauthorized => "Acts without prior authorization",
        Section::Partial => "Allowed, though not understood whole",
        Section::Denied => "Denied",
        Section::People => "People who decided",
        Section::Agents => "Agents and who answers for them",
        Section::Changes => "Changes of what decides",
        Section::Starts => "Starts of our programs",
        Section::Integrity => "Integrity of the record",
        Section::Duties => "Segregation of duties",
    }
}

fn lines(count: u64, lines: &[EvidenceLine]) -> String {
    if lines.is_empty() {
        return "<p>None.</p>".to_owned();
    }
    let mut table =
        format!("<p>{count} in all.</p><table><tr><th class=\"n\">record</th><th>time</th><th>what</th></tr>");
    for (seq, at_ms, what) in lines {
        table.push_str(&format!(
            "<tr><td class=\"n\">{seq}</td><td>{}</td><td>{}</td></tr>",
            time_format::shown(*at_ms),
            plain(what)
        ));
    }
    table.push_str("</table>");
    if (lines.len() as u64) < count {
        table.push_str("<p>The rest is in <code>records/</code>.</p>");
    }
    table
}

fn rows(head: &str, rows: impl Iterator<Item = String>) -> String {
    format!("<table><tr>{head}</tr>{}</table>", rows.collect::<String>())
}

fn body(section: Section, evidence: &Evidence) -> String {
    match section {
        Section::Unauthorized => lines(evidence.unauthorized_count, &evidence.unauthorized),
        Section::Partial => lines(evidence.partial_count, &evidence.partial),
        Section::Denied => lines(evidence.denied_count, &evidence.denied),
        Section::Changes => lines(evidence.changes.len() as u64, &evidence.changes),
        Section::Starts => lines(evidence.starts.len() as u64, &evidence.starts),
        Section::Integrity => format!("<p>{}. Contents destroyed by policy: {}.</p>", plain(&evidence.integrity), evidence.destroyed),
        Section::Duties => format!(
            "<p>{} requests were approved by two people or more. Approved by people who answer for the agent:</p>{}",
            evidence.several,
            lines(evidence.own.len() as u64, &evidence.own)
        ),
        Section::Agents => rows(
            "<th>agent</th><th>who answers for it</th>",
            evidence.agents.iter().map(|(agent, owners)| {
                let owners = owners.iter().map(|owner| plain(owner)).collect::<Vec<_>>().join(", ");
                format!("<tr><td>{}</td><td>{owners}</td></tr>", plain(agent))
            }),
        ),
        Section::People => rows(
            "<th>person</th><th class=\"n\">approved</th><th class=\"n\">denied</th><th class=\"n\">median time</th><th class=\"n\">most on a day</th><th>to ask about</th>",
            evidence.reviewers.iter().map(|(name, one)| {
                format!(
                    "<tr><td>{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{} s</td><td class=\"n\">{}</td><td>{}</td></tr>",
                    plain(name),
                    one.approved,
                    one.denied(),
                    one.median_ms().unwrap_or(0) / 1_000,
                    one.busiest_day(),
                    plain(&super::evidence::doubts(one).join("; "))
                )
            }),
        ),
        Section::Days => rows(
            "<th>day (UTC)</th><th class=\"n\">allowed by rule</th><th class=\"n\">asked</th><th class=\"n\">of these approved</th><th class=\"n\">denied</th>",
            evidence.days.iter().map(|(day, it)| {
                format!(
                    "<tr><td>{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td></tr>",
                    plain(day), it.allowed, it.asked, it.approved, it.denied
                )
            }),
        ) + &format!(
            "<p>In all {} allowed, {} asked, {} denied; {} authorities were used.</p>",
            evidence.total(|day| day.allowed),
            evidence.total(|day| day.asked),
            evidence.total(|day| day.denied),
            evidence.used
        ),
    }
}
