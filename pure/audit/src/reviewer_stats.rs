//! Figures over records: what was asked and answered by day, by whom and how fast, and where people may be getting tired.
//!
//! The thresholds are those of a rubber stamp: more than thirty requests a day to one person, a median below three seconds over the
//! last twenty, more than ninety-eight of the last hundred approved.

use std::collections::{BTreeMap, VecDeque};

use serde_json::{Value, json};

const DAY_MS: u64 = 86_400_000;

/// More than so many a day to one person.
const MOST_A_DAY: u64 = 30;
/// Over so many answers, a median below so many milliseconds.
const LAST_TIMES: usize = 20;
const FASTEST_MEDIAN_MS: u64 = 3_000;
/// Over so many answers, more than so many of a hundred approved.
const LAST_ANSWERS: usize = 100;
const MOST_APPROVED: usize = 98;
/// Approved so often unchanged, a rule is worth a thought.
const OFTEN: u64 = 5;
/// The most requests and texts that are remembered at once.
const MOST_KEPT: usize = 50_000;

#[derive(Default)]
struct Day {
    requests: u64,
    allowed: u64,
    asked: u64,
    denied: u64,
    score: u64,
    answers: u64,
    times: Vec<u64>,
}

#[derive(Default)]
struct ReviewerTally {
    answers: u64,
    approved: u64,
    by_day: BTreeMap<u64, u64>,
    times: VecDeque<u64>,
    last: VecDeque<bool>,
    agreed: u64,
    differed: u64,
    canaries_approved: u64,
    canaries: u64,
}

#[derive(Default)]
struct Rule {
    asked: u64,
    approved: u64,
    denied: u64,
}

/// What is counted. Records are taken in their order.
#[derive(Default)]
pub struct Figures {
    days: BTreeMap<u64, Day>,
    people: BTreeMap<String, ReviewerTally>,
    rules: BTreeMap<String, Rule>,
    /// When a request was asked, by which rules, and what.
    asked: BTreeMap<String, (u64, Vec<String>, String)>,
    /// Who said what to a hold.
    said: BTreeMap<String, Vec<(String, bool)>>,
    often: BTreeMap<String, u64>,
}

fn text<'a>(record: &'a Value, pointer: &str) -> &'a str {
    record.pointer(pointer).and_then(Value::as_str).unwrap_or("")
}

fn add(count: &mut u64) {
    *count = count.saturating_add(1);
}

impl Figures {
    /// Takes a record ([`crate::Draft::shown`]).
    pub fn take(&mut self, record: &Value) {
        match text(record, "/kind") {
            "decision" => self.decision(record),
            "answer" => self.answer(record),
            _ => {}
        }
    }

    fn decision(&mut self, record: &Value) {
        let at_ms = record.get("at_ms").and_then(Value::as_u64).unwrap_or(0);
        let day = self.days.entry(at_ms / DAY_MS).or_default();
        add(&mut day.requests);
        day.score = day.score.saturating_add(record.pointer("/body/score").and_then(Value::as_u64).unwrap_or(0));
        match text(record, "/body/verdict") {
            "allow" => add(&mut day.allowed),
            "deny" => add(&mut day.denied),
            _ => {
                add(&mut day.asked);
                let rules = record.pointer("/body/rules").and_then(Value::as_array).into_iter().flatten();
                let rules: Vec<String> = rules.filter_map(Value::as_str).map(str::to_owned).collect();
                for rule in &rules {
                    add(&mut self.rules.entry(rule.clone()).or_default().asked);
                }
                if self.asked.len() >= MOST_KEPT {
                    self.asked.pop_first();
                }
                let act = record.pointer("/body/request/act").map(crate::reviewer_stats::words).unwrap_or_default();
                self.asked.insert(text(record, "/body/request_digest").to_owned(), (at_ms, rules, act));
            }
        }
    }

    fn answer(&mut self, record: &Value) {
        let reviewer = text(record, "/body/reviewer");
        let yes = match text(record, "/body/said") {
            "approve" | "break-glass" => true,
            "deny" => false,
            _ => return,
        };
        if reviewer.is_empty() || text(record, "/body/state") == "refused" {
            return;
        }
        let at_ms = record.get("at_ms").and_then(Value::as_u64).unwrap_or(0);
        let asked = self.asked.get(text(record, "/body/request_digest"));
        let time = asked.map(|(since_ms, ..)| at_ms.saturating_sub(*since_ms));
        let day = self.days.entry(at_ms / DAY_MS).or_default();
        add(&mut day.answers);
        day.times.extend(time);
        if let Some((_, rules, act)) = asked {
            for rule in rules {
                let rule = self.rules.entry(rule.clone()).or_default();
                add(if yes { &mut rule.approved } else { &mut rule.denied });
            }
            if yes && (self.often.len() < MOST_KEPT || self.often.contains_key(act)) {
                add(self.often.entry(act.clone()).or_default());
            }
        }
        let person = self.people.entry(reviewer.to_owned()).or_default();
        if record.pointer("/body/canary").and_then(Value::as_bool) == Some(true) {
            add(&mut person.canaries);
            if yes {
                add(&mut person.canaries_approved);
            }
        }
        add(&mut person.answers);
        if yes {
            add(&mut person.approved);
        }
        add(person.by_day.entry(at_ms / DAY_MS).or_default());
        keep(&mut person.times, time, LAST_TIMES);
        keep(&mut person.last, Some(yes), LAST_ANSWERS);
        if self.said.len() >= MOST_KEPT {
            self.said.pop_first();
        }
        let others = self.said.entry(text(record, "/body/hold").to_owned()).or_default();
        for (other, said) in others.iter() {
            for name in [other.as_str(), reviewer] {
                let person = self.people.entry(name.to_owned()).or_default();
                add(if *said == yes { &mut person.agreed } else { &mut person.differed });
            }
        }
        others.push((reviewer.to_owned(), yes));
    }

    /// The figures, and what of them should worry somebody.
    pub fn to_value(&self) -> Value {
        let mut alerts = Vec::new();
        let people: Vec<Value> =
            self.people.iter().map(|(name, person)| of_person(name, person, &mut alerts)).collect();
        let days: Vec<Value> = self
            .days
            .iter()
            .map(|(day, it)| {
                let average = it.score.checked_div(it.requests).unwrap_or(0);
                json!({"day_ms": day.saturating_mul(DAY_MS), "requests": it.requests, "allowed": it.allowed, "asked": it.asked,
                    "denied": it.denied, "answers": it.answers, "median_ms": median(it.times.iter().copied()), "average_score": average})
            })
            .collect();
        let rules: Vec<Value> = self
            .rules
            .iter()
            .map(|(id, it)| json!({"rule": id, "asked": it.asked, "approved": it.approved, "denied": it.denied}))
            .collect();
        let mut often: Vec<(&String, &u64)> = self.often.iter().filter(|(_, times)| **times >= OFTEN).collect();
        often.sort_by(|a, b| b.1.cmp(a.1));
        let often: Vec<Value> =
            often.into_iter().take(20).map(|(act, times)| json!({"asked": act, "approved": times})).collect();
        json!({"days": days, "people": people, "rules": rules, "often": often, "alerts": alerts})
    }
}

fn of_person(name: &str, person: &ReviewerTally, alerts: &mut Vec<String>) -> Value {
    let busiest = person.by_day.values().copied().max().unwrap_or(0);
    let median_ms = median(person.times.iter().copied());
    let approved = person.last.iter().filter(|yes| **yes).count();
    if busiest > MOST_A_DAY {
        alerts.push(format!("{name} was asked {busiest} times in a day; beyond {MOST_A_DAY} people stop reading"));
    }
    if let Some(fast) = median_ms.filter(|it| person.times.len() >= LAST_TIMES && *it < FASTEST_MEDIAN_MS) {
        alerts.push(format!("{name} answered the last {LAST_TIMES} within {fast} ms (median)"));
    }
    if person.last.len() >= LAST_ANSWERS && approved > MOST_APPROVED {
        alerts.push(format!("{name} approved {approved} of the last {LAST_ANSWERS}"));
    }
    if person.canaries_approved > 0 {
        alerts.push(format!(
            "{name} approved {} of {} canaries: requests that must be denied",
            person.canaries_approved, person.canaries
        ));
    }
    json!({"name": name, "answers": person.answers, "approved": person.approved, "busiest_day": busiest, "median_ms": median_ms,
        "agreed": person.agreed, "differed": person.differed, "canaries": person.canaries, "canaries_approved": person.canaries_approved})
}

fn keep<T>(list: &mut VecDeque<T>, one: Option<T>, most: usize) {
    list.extend(one);
    while list.len() > most {
        list.pop_front();
    }
}

fn median(times: impl Iterator<Item = u64>) -> Option<u64> {
    let mut times: Vec<u64> = times.collect();
    times.sort_unstable();
    times.get(times.len() / 2).copied()
}

/// The words of an act as it is recorded.
fn words(act: &Value) -> String {
    match act.get("argv").and_then(Value::as_array) {
        Some(argv) => argv.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" "),
        None => match act.pointer("/input/command").and_then(Value::as_str) {
            Some(command) => command.to_owned(),
            None => act.to_string(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::Figures;
    use serde_json::json;

    fn figures(answers: u64, millis: u64, yes: impl Fn(u64) -> bool) -> serde_json::Value {
        let mut figures = Figures::default();
        for number in 0..answers {
            let (at, digest) = (number.saturating_mul(10_000), format!("{number}"));
            figures.take(&json!({"kind": "decision", "at_ms": at, "body": {"verdict": "ask", "score": 50, "request_digest": digest,
                "rules": ["r"], "request": {"act": {"argv": ["mkdir", "x"]}}}}));
            let said = if yes(number) { "approve" } else { "deny" };
            figures.take(&json!({"kind": "answer", "at_ms": at.saturating_add(millis), "body": {"said": said, "reviewer": "rita", "hold": digest,
                "state": "approved", "request_digest": digest}}));
        }
        figures.to_value()
    }

    #[test]
    fn tired_people_are_seen_at_the_thresholds_and_not_before() {
        let calm = figures(30, 8_000, |number| number % 3 > 0);
        assert_eq!(calm["alerts"], json!([]));
        assert_eq!(calm["people"][0]["median_ms"], 8_000);
        assert_eq!(calm["often"][0], json!({"asked": "mkdir x", "approved": 20}));
        assert_eq!(calm["days"][0]["asked"], 30);
        let busy = figures(31, 8_000, |number| number % 3 > 0);
        assert_eq!(busy["alerts"].as_array().unwrap().len(), 1);
        let fast = figures(20, 2_999, |number| number % 3 > 0);
        assert!(fast["alerts"][0].as_str().unwrap().contains("within"));
        assert_eq!(figures(19, 100, |_| false)["alerts"], json!([]));
        let always = figures(100, 8_000, |number| number != 5);
        assert!(
            always["alerts"].as_array().unwrap().iter().any(|it| it.as_str().unwrap().contains("99 of the last 100"))
        );
        let nearly = figures(100, 8_000, |number| number > 1);
        assert!(
            !nearly["alerts"].as_array().unwrap().iter().any(|it| it.as_str().unwrap().contains("of the last 100"))
        );
    }
}
