//! A record in one line, for people.

use model::display::exact;
use record::{Answer, Decision, Event, Outcome, Permit, Record, RecordingEvent};

/// One record in one line, for people.
pub(crate) fn summary(record: &Record) -> String {
    let what = match record.event() {
        Some(Event::Decision(it)) => decided(&it),
        Some(Event::Answer(it)) => answered(&it),
        Some(Event::Permit(it)) => used(&it),
        Some(Event::Outcome(it)) => ended(&it),
        Some(Event::Recording(it)) => recorded(&it),
        Some(Event::Start(_) | Event::Change(_) | Event::Refusal(_) | Event::Access(_)) | None => {
            record.body().to_string()
        }
    };
    let (seq, at, kind) = (record.seq, moment(record.at_ms), record.kind.as_str());
    exact(&format!("{seq:>6}  {at}  {kind:<8}  {}", what.trim()))
}

/// The beginning of a digest: enough for people to name a request by.
fn short(digest: &str) -> String {
    digest.chars().take(12).collect()
}

fn decided(it: &Decision) -> String {
    let (verdict, level, agent) = (it.verdict.as_str(), it.level.as_str(), &it.request.agent);
    let why = it.reasons.first().map_or("", String::as_str);
    format!("{verdict:<5} {level:<8} {agent:<12} {}   [{why}] {}", it.request.act.line(), short(&it.request_digest))
}

fn answered(it: &Answer) -> String {
    let reviewer = it.reviewer.as_deref().unwrap_or("");
    let assurance = it.assurance.map_or("", |it| it.as_str());
    format!("{} {reviewer} {assurance} {}", it.state.as_str(), short(&it.request_digest))
}

fn used(it: &Permit) -> String {
    let (why, digest) = match it {
        Permit::Refused { request_digest, why } => (why.as_str(), request_digest),
        Permit::Spent { request_digest, .. } | Permit::TicketUsed { request_digest, .. } => ("", request_digest),
    };
    format!("{} {why} {}", it.state(), short(digest))
}

fn ended(it: &Outcome) -> String {
    match it {
        Outcome::Ended { exit, signal, millis, request_digest, .. } => {
            let how = match (exit, signal) {
                (Some(exit), _) => format!("exit status {exit}"),
                (None, Some(signal)) => format!("signal {signal}"),
                (None, None) => "unknown".to_owned(),
            };
            format!("{how} after {millis} ms {}", short(request_digest))
        }
        Outcome::Unknown { request_digest, .. } => format!("unknown after 0 ms {}", short(request_digest)),
    }
}

fn recorded(it: &RecordingEvent) -> String {
    let more = match it {
        RecordingEvent::Viewed { variant, by, .. } => format!("{} {by}", variant.as_str()),
        RecordingEvent::Began { .. }
        | RecordingEvent::Ended { .. }
        | RecordingEvent::Cut { .. }
        | RecordingEvent::Redacted { .. } => it.of().map_or_else(String::new, |of| of.title.clone()),
    };
    format!("{:<8} {} {more}", it.state(), it.recording())
}

/// A time for people, to the millisecond.
pub(super) fn moment(at_ms: u64) -> String {
    let at = i64::try_from(at_ms).ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
    at.map_or_else(|| "?".to_owned(), |at| at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string())
}
