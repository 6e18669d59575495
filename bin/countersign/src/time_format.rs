//! Times that people write and read.

use jiff::Timestamp;

/// An end that a person gives: `30m`, `8h`, `7d` from now, or a date and time (RFC 3339). Given in RFC 3339, UTC.
pub(crate) fn end(text: &str, now_ms: u64) -> Result<String, String> {
    let wrong = || format!("`{text}` is no time: write `30m`, `8h`, `7d`, or `2027-01-31T00:00:00Z`");
    let unit = |text: &str, seconds: u64| text.parse::<u64>().ok().and_then(|it| it.checked_mul(seconds));
    let seconds = match text.char_indices().last() {
        Some((at, 'm')) => text.get(..at).and_then(|it| unit(it, 60)),
        Some((at, 'h')) => text.get(..at).and_then(|it| unit(it, 3_600)),
        Some((at, 'd')) => text.get(..at).and_then(|it| unit(it, 86_400)),
        Some(_) | None => None,
    };
    let moment = match seconds {
        Some(seconds) => {
            let ms = now_ms.checked_add(seconds.saturating_mul(1_000)).and_then(|it| i64::try_from(it).ok());
            Timestamp::from_millisecond(ms.ok_or_else(wrong)?).map_err(|_| wrong())?
        }
        None => text.parse().map_err(|_| wrong())?,
    };
    let whole = Timestamp::from_second(moment.as_second()).map_err(|_| wrong())?;
    Ok(whole.to_string())
}

/// A moment in the past: `30m`, `8h`, `7d` ago, or a date and time (RFC 3339). Milliseconds since 1970.
pub(crate) fn moment(text: &str, now_ms: u64) -> Result<u64, String> {
    let wrong = || format!("`{text}` is no time: write `30m`, `8h`, `7d`, or `2027-01-31T00:00:00Z`");
    // A span is as long backwards as it is forwards.
    let ahead: Timestamp = end(text, now_ms).map_err(|_| wrong())?.parse().map_err(|_| wrong())?;
    let ahead = u64::try_from(ahead.as_millisecond()).map_err(|_| wrong())?;
    let span = text.ends_with(['m', 'h', 'd']);
    Ok(if span { now_ms.saturating_sub(ahead.saturating_sub(now_ms)) } else { ahead })
}

/// A time for people's eyes: RFC 3339, UTC, whole seconds.
pub(crate) fn shown(ms: u64) -> String {
    i64::try_from(ms / 1_000)
        .ok()
        .and_then(|s| Timestamp::from_second(s).ok())
        .map_or_else(|| "?".to_owned(), |it| it.to_string())
}
