//! Windows of time: days and hours of a wall clock in a named zone (IANA time zone database), daylight saving and all.

use jiff::civil::Weekday;
use jiff::tz::TimeZone;

/// Minutes of a day.
const DAY: u16 = 24 * 60;

const DAYS: [(&str, Weekday); 7] = [
    ("mon", Weekday::Monday),
    ("tue", Weekday::Tuesday),
    ("wed", Weekday::Wednesday),
    ("thu", Weekday::Thursday),
    ("fri", Weekday::Friday),
    ("sat", Weekday::Saturday),
    ("sun", Weekday::Sunday),
];

/// When a rule holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hours {
    windows: Vec<Window>,
    zone: TimeZone,
}

/// From a minute of a day to before another. Where it ends before it begins, it ends on the next day.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Window {
    days: Vec<Weekday>,
    from: u16,
    to: u16,
}

impl Hours {
    /// Reads `Mon-Fri 09:00-17:00 Europe/Berlin`; several windows are separated by commas, and without days it is
    /// every day.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        let wrong = |what: &str| format!("`{text}`: {what}; write it as `Mon-Fri 09:00-17:00 Europe/Berlin`");
        let (windows, zone) = text.trim().rsplit_once(char::is_whitespace).ok_or_else(|| wrong("no zone"))?;
        let zone =
            TimeZone::get(zone).map_err(|_| wrong(&format!("`{zone}` is no zone of the IANA time zone database")))?;
        let mut days: Vec<Weekday> = Vec::new();
        let mut read: Vec<Window> = Vec::new();
        for part in windows.split(',').map(str::trim) {
            let mut hours = None;
            for word in part.split_whitespace() {
                if word.starts_with(|c: char| c.is_ascii_digit()) {
                    hours = Some(span(word).ok_or_else(|| wrong(&format!("`{word}` is no span of hours")))?);
                } else {
                    days.extend(days_of(word).ok_or_else(|| wrong(&format!("`{word}` is no day")))?);
                }
            }
            if let Some((from, to)) = hours {
                let mut days = std::mem::take(&mut days);
                if days.is_empty() {
                    days.extend(DAYS.map(|(_, day)| day));
                }
                read.push(Window { days, from, to });
            }
        }
        if read.is_empty() || !days.is_empty() {
            return Err(wrong("days without hours"));
        }
        Ok(Self { windows: read, zone })
    }

    /// The day of a moment, in milliseconds since 1970, by the calendar of the zone.
    pub(crate) fn date(&self, now_ms: u64) -> Option<jiff::civil::Date> {
        let now = i64::try_from(now_ms).ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok())?;
        Some(now.to_zoned(self.zone.clone()).date())
    }

    /// Whether a moment, in milliseconds since 1970, is inside. A moment that no calendar holds is not.
    pub(crate) fn hold(&self, now_ms: u64) -> bool {
        let Some(now) = i64::try_from(now_ms).ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok()) else {
            return false;
        };
        let now = now.to_zoned(self.zone.clone());
        let minute = |hour: i8, minute: i8| {
            u16::from(hour.unsigned_abs()).saturating_mul(60).saturating_add(u16::from(minute.unsigned_abs()))
        };
        let (today, at) = (now.weekday(), minute(now.hour(), now.minute()));
        let yesterday = today.previous();
        self.windows.iter().any(|window| {
            if window.from < window.to {
                window.days.contains(&today) && window.from <= at && at < window.to
            } else {
                (window.days.contains(&today) && window.from <= at)
                    || (window.days.contains(&yesterday) && at < window.to)
            }
        })
    }
}

fn days_of(word: &str) -> Option<Vec<Weekday>> {
    let place = |name: &str| DAYS.iter().position(|(day, _)| name.eq_ignore_ascii_case(day));
    let (first, last) = word.split_once('-').unwrap_or((word, word));
    let (first, last) = (place(first)?, place(last)?);
    let wrapped = DAYS.iter().chain(&DAYS).skip(first);
    let count = last.checked_sub(first).unwrap_or_else(|| last.saturating_add(7).saturating_sub(first));
    Some(wrapped.take(count.saturating_add(1)).map(|(_, day)| *day).collect())
}

fn span(word: &str) -> Option<(u16, u16)> {
    let (from, to) = word.split_once('-')?;
    let (from, to) = (minute_of(from)?, minute_of(to)?);
    (from != to && from < DAY).then_some((from, to))
}

fn minute_of(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once(':')?;
    if hour.len() != 2 || minute.len() != 2 {
        return None;
    }
    let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
    let at = hour.checked_mul(60)?.checked_add(minute)?;
    (minute < 60 && at <= DAY).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::Hours;

    fn at(hours: &Hours, moment: &str) -> bool {
        let moment: jiff::Timestamp = moment.parse().unwrap();
        hours.hold(u64::try_from(moment.as_millisecond()).unwrap())
    }

    #[test]
    fn a_window_flips_at_its_boundary_and_with_daylight_saving() {
        let hours = Hours::read("Mon-Fri 09:00-17:00 Europe/Berlin").unwrap();
        // Winter: UTC+1. Friday 2026-11-20.
        assert!(!at(&hours, "2026-11-20T07:59:59.999Z"));
        assert!(at(&hours, "2026-11-20T08:00:00Z"));
        assert!(at(&hours, "2026-11-20T15:59:59.999Z"));
        assert!(!at(&hours, "2026-11-20T16:00:00Z"));
        // The Monday after the change of 2026-03-29 to summer, UTC+2, and the Friday before it.
        assert!(!at(&hours, "2026-03-27T07:30:00Z"));
        assert!(at(&hours, "2026-03-30T07:30:00Z"));
        // The Monday after the change of 2026-10-25 to winter, and the Friday before it.
        assert!(at(&hours, "2026-10-23T07:30:00Z"));
        assert!(!at(&hours, "2026-10-26T07:30:00Z"));
        // Saturday.
        assert!(!at(&hours, "2026-11-21T10:00:00Z"));
    }

    #[test]
    fn a_window_over_a_night_with_a_changed_clock_holds_its_wall_times() {
        let hours = Hours::read("Sat 22:00-06:00 Europe/Berlin").unwrap();
        // The night to 2026-03-29: 02:00 becomes 03:00.
        assert!(at(&hours, "2026-03-28T21:00:00Z"));
        assert!(at(&hours, "2026-03-29T03:59:00Z"));
        assert!(!at(&hours, "2026-03-29T04:00:00Z"));
        // The night to 2026-10-25: 03:00 becomes 02:00.
        assert!(at(&hours, "2026-10-24T20:00:00Z"));
        assert!(at(&hours, "2026-10-25T04:59:00Z"));
        assert!(!at(&hours, "2026-10-25T05:00:00Z"));
        assert!(!at(&hours, "2026-10-24T19:59:00Z"));
    }

    #[test]
    fn what_is_not_plain_is_refused() {
        for text in [
            "",
            "09:00-17:00",
            "Mon 09:00-17:00 Mars/Base",
            "Mon Europe/Berlin",
            "Mon 9:00-17:00 UTC",
            "Mon 09:00-25:00 UTC",
            "Foo 09:00-17:00 UTC",
            "Mon 09:60-17:00 UTC",
            "09:00-09:00 UTC",
            "24:00-09:00 UTC",
        ] {
            assert!(Hours::read(text).is_err(), "{text}");
        }
        for text in
            ["09:00-24:00 UTC", "Mon, Wed 09:00-17:00, Sat 10:00-12:00 America/New_York", "Fri-Mon 00:00-24:00 UTC"]
        {
            assert!(Hours::read(text).is_ok(), "{text}");
        }
    }
}
