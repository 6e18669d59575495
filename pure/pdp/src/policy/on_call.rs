//! Who is on call: people who belong to a group for as long as their turn lasts.

use jiff::civil::{Date, Weekday};
use model::ReviewerName;
use serde::Deserialize;

use crate::quorum::Person;
use crate::rule::Hours;

/// A turn, as written in a file.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct OnCallText {
    /// Days and hours, such as `Mon-Fri 09:00-17:00 Europe/Berlin`
    hours: String,
    /// Who is on call then, all of them
    people: Option<Vec<String>>,
    /// Who is on call in turn, a week each, from Monday to Sunday in that zone
    turns: Option<Vec<String>>,
    /// The Monday on which the first of them begins, such as `2026-11-02`
    since: Option<String>,
    /// The group that they are in meanwhile
    #[serde(default = "on_call")]
    group: String,
}

fn on_call() -> String {
    "on-call".to_owned()
}

/// A turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OnCall {
    hours: Hours,
    who: Who,
    group: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Who {
    All(Vec<ReviewerName>),
    /// A week each, since a Monday.
    Turns(Vec<ReviewerName>, Date),
}

impl OnCallText {
    pub(crate) fn read(&self) -> Result<OnCall, String> {
        let names = |names: &Vec<String>| {
            let read = names.iter().map(|name| ReviewerName::parse(name).map_err(|why| format!("`{name}`: {why}")));
            read.collect::<Result<Vec<_>, String>>()
                .and_then(|it| if it.is_empty() { Err("no one is on call".to_owned()) } else { Ok(it) })
        };
        let who = match (&self.people, &self.turns, &self.since) {
            (Some(people), None, None) => Who::All(names(people)?),
            (None, Some(turns), Some(since)) => {
                let date: Date =
                    since.parse().map_err(|_| format!("`since = {since:?}`: write a date such as 2026-11-02"))?;
                if date.weekday() != Weekday::Monday {
                    return Err(format!("`since = {since:?}` is no Monday"));
                }
                Who::Turns(names(turns)?, date)
            }
            (_, _, _) => return Err("write `people`, or `turns` and `since`".to_owned()),
        };
        if self.group.is_empty() || self.group.contains(char::is_whitespace) {
            return Err("`group` is one word".to_owned());
        }
        Ok(OnCall { hours: Hours::read(&self.hours)?, who, group: self.group.clone() })
    }
}

impl OnCall {
    /// Whether a person is on call at a moment, in milliseconds since 1970.
    fn is_on(&self, name: &ReviewerName, now_ms: u64) -> bool {
        if !self.hours.hold(now_ms) {
            return false;
        }
        match &self.who {
            Who::All(people) => people.contains(name),
            Who::Turns(turns, since) => {
                let begun = self.hours.date(now_ms).and_then(|date| since.until(date).ok()).map(|span| span.get_days());
                // Before the first begins, no one is.
                let week = begun.filter(|days| *days >= 0).and_then(|days| usize::try_from(days.div_euclid(7)).ok());
                let at = week.and_then(|week| week.checked_rem(turns.len()));
                at.and_then(|at| turns.get(at)) == Some(name)
            }
        }
    }
}

/// Puts everybody who is on call at a moment into the group of their turn.
pub(crate) fn join(turns: &[OnCall], people: &mut [Person], now_ms: u64) {
    for person in people {
        for turn in turns.iter().filter(|turn| turn.is_on(&person.name, now_ms)) {
            if !person.groups.contains(&turn.group) {
                person.groups.push(turn.group.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{OnCallText, join};
    use crate::quorum::{Person, Role};
    use model::ReviewerName;

    fn on(text: &str, at: &str) -> Vec<String> {
        let turn = toml::from_str::<OnCallText>(text).unwrap().read().unwrap();
        let now_ms = u64::try_from(at.parse::<jiff::Timestamp>().unwrap().as_millisecond()).unwrap();
        let person =
            |name: &str| Person { name: ReviewerName::parse(name).unwrap(), role: Role::Reviewer, groups: Vec::new() };
        let mut people = ["ada", "rita", "sam"].map(person);
        join(&[turn], &mut people, now_ms);
        people.iter().filter(|it| it.groups == ["on-call"]).map(|it| it.name.to_string()).collect()
    }

    #[test]
    fn people_are_on_call_in_their_hours_and_weeks_by_the_calendar_of_their_zone() {
        let office = "hours = 'Mon-Fri 09:00-17:00 Europe/Berlin'\npeople = ['rita', 'sam']\n";
        assert_eq!(on(office, "2026-11-23T08:00:00Z"), ["rita", "sam"], "nine in Berlin");
        assert!(on(office, "2026-11-23T07:59:59Z").is_empty());
        assert!(on(office, "2026-11-22T10:00:00Z").is_empty(), "a Sunday");
        let turns =
            "hours = 'Mon-Sun 00:00-24:00 Europe/Berlin'\nturns = ['ada', 'rita', 'sam']\nsince = '2026-11-02'\n";
        assert!(on(turns, "2026-11-01T22:59:59Z").is_empty(), "before the first");
        // It is Monday in Berlin an hour before it is in Greenwich.
        assert_eq!(on(turns, "2026-11-01T23:00:00Z"), ["ada"]);
        assert_eq!(on(turns, "2026-11-08T22:59:59Z"), ["ada"]);
        assert_eq!(on(turns, "2026-11-08T23:00:00Z"), ["rita"]);
        assert_eq!(on(turns, "2026-11-18T12:00:00Z"), ["sam"]);
        assert_eq!(on(turns, "2026-11-23T12:00:00Z"), ["ada"], "and again");
        // Weeks are weeks over the change of the clocks.
        assert_eq!(on(turns, "2027-03-28T12:00:00Z"), ["sam"]);
    }

    #[test]
    fn turns_that_mean_nothing_are_refused() {
        for text in [
            "hours = 'Mon-Fri 09:00-17:00 Europe/Berlin'",
            "hours = 'Mon-Fri 09:00-17:00 Europe/Berlin'\npeople = []",
            "hours = 'Mon-Fri 09:00-17:00 Europe/Berlin'\nturns = ['ada']",
            "hours = 'Mon-Fri 09:00-17:00 Europe/Berlin'\nturns = ['ada']\nsince = '2026-11-03'",
            "hours = 'Mon-Fri 09:00-17:00 Europe/Berlin'\npeople = ['ada']\nturns = ['ada']\nsince = '2026-11-02'",
            "hours = 'Mon-Fri 09:00-17:00 Mars/Olympus'\npeople = ['ada']",
            "hours = 'Mon-Fri 09:00-17:00 Europe/Berlin'\npeople = ['ada']\ngroup = 'on call'",
        ] {
            assert!(toml::from_str::<OnCallText>(text).unwrap().read().is_err(), "{text}");
        }
    }
}
