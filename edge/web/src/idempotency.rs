//! Answers that an agent may ask for again under its idempotency key, so that a lost connection decides nothing twice.
//!
//! `countersignd` is asked first, each time: whose key it is, and the epoch of its rules, flags and agents. A stranger costs nothing.
//! An answer is given again only in the epoch that it was decided in, and a yes only while its permit lives. The same asked at once
//! under one key waits for the first. Only a digest of what was asked is kept.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::http::HeaderMap;
use model::Digest;
use serde_json::Value;
use tokio::sync::OwnedMutexGuard;

use crate::problem::Problem;

/// How long a denial is kept, in milliseconds.
const NO_LIFE_MS: u64 = 600_000;

/// The most keys of one agent. One more takes the place of its oldest that is not under way.
const MOST_OF_ONE: usize = 256;

/// The most bytes of all answers and keys. One more key is refused until some are over.
const MOST_BYTES: usize = 16 * 1024 * 1024;

/// What one key takes without its answer, in bytes, and the longest answer that is kept.
const SLOT_BYTES: usize = 512;
const LONGEST_ANSWER: usize = 8 * 1024;

/// The longest key, in bytes.
const LONGEST_KEY: usize = 128;

/// The key of a request, where it has one.
pub(crate) fn key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(name) = headers.get("idempotency-key") else { return Ok(None) };
    let name = name.to_str().ok().filter(|it| !it.is_empty() && it.len() <= LONGEST_KEY);
    let name = name.ok_or_else(|| Problem::malformed("an idempotency key is plain text of 128 characters at most"))?;
    Ok(Some(name.to_owned()))
}

/// Answers by agent and idempotency key.
#[derive(Default)]
pub(crate) struct Answers(Mutex<Slots>);

#[derive(Default)]
struct Slots {
    by_name: BTreeMap<(String, String), Slot>,
    bytes: usize,
}

struct Slot {
    asked: Digest,
    since_ms: u64,
    /// What is counted for it.
    bytes: usize,
    answer: Arc<tokio::sync::Mutex<Option<Answer>>>,
}

/// What was answered.
struct Answer {
    text: Box<str>,
    epoch: u64,
    until_ms: u64,
}

/// The place of a request under its key: its holder decides, and the others wait.
pub(crate) struct Reservation {
    name: (String, String),
    epoch: u64,
    guard: OwnedMutexGuard<Option<Answer>>,
}

impl Answers {
    /// Waits for the place of a request.
    ///
    /// # Errors
    /// The key was used for another request, the first is still under way when time is up, or there is no room.
    pub(crate) async fn place(
        &self,
        (agent, epoch): (String, u64),
        key: String,
        asked: Digest,
        within: Duration,
    ) -> Result<Reservation, Problem> {
        let name = (agent, key);
        let answer = self.slot(&name, epoch, asked)?;
        let guard = tokio::time::timeout(within, answer.lock_owned()).await;
        let guard = guard.map_err(|_| Problem::refused("the same is still under way; ask again".to_owned()))?;
        Ok(Reservation { name, epoch, guard })
    }

    fn slot(
        &self,
        name: &(String, String),
        epoch: u64,
        asked: Digest,
    ) -> Result<Arc<tokio::sync::Mutex<Option<Answer>>>, Problem> {
        let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = slots.by_name.get(name) {
            if slot.asked == asked {
                return Ok(Arc::clone(&slot.answer));
            }
            if slot.is_under_way() || !slot.is_over(epoch) {
                return Err(Problem::refused("this idempotency key was used for another request".to_owned()));
            }
            slots.remove(name);
        }
        slots.make_room(name, epoch)?;
        let answer = Arc::<tokio::sync::Mutex<Option<Answer>>>::default();
        let slot = Slot { asked, since_ms: now_ms(), bytes: SLOT_BYTES, answer: Arc::clone(&answer) };
        slots.bytes = slots.bytes.saturating_add(SLOT_BYTES);
        slots.by_name.insert(name.clone(), slot);
        Ok(answer)
    }

    /// Keeps what was answered. One that is too long is not kept: the same key asks again.
    pub(crate) fn keep(&self, mut place: Reservation, answer: &Value) {
        let text = answer.to_string();
        if text.len() > LONGEST_ANSWER {
            return;
        }
        let until_ms = match answer.get("permit") {
            Some(permit) => permit_end_ms(permit).unwrap_or(0),
            None => now_ms().saturating_add(NO_LIFE_MS),
        };
        let bytes = text.len();
        *place.guard = Some(Answer { text: text.into(), epoch: place.epoch, until_ms });
        let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let slots = &mut *slots;
        let is_its = |slot: &&mut Slot| Arc::ptr_eq(&slot.answer, OwnedMutexGuard::mutex(&place.guard));
        if let Some(slot) = slots.by_name.get_mut(&place.name).filter(is_its) {
            slots.bytes = slots.bytes.saturating_sub(slot.bytes);
            slot.bytes = SLOT_BYTES.saturating_add(bytes);
            slots.bytes = slots.bytes.saturating_add(slot.bytes);
        }
    }
}

impl Reservation {
    /// What was answered before, if that still counts.
    pub(crate) fn answered(&self) -> Option<Value> {
        let answer = self.guard.as_ref().filter(|it| it.stands(self.epoch))?;
        serde_json::from_str(&answer.text).ok()
    }
}

impl Answer {
    fn stands(&self, epoch: u64) -> bool {
        self.epoch == epoch && now_ms() < self.until_ms
    }
}

impl Slot {
    /// Whether nothing under it counts any more. What is under way counts.
    fn is_over(&self, epoch: u64) -> bool {
        self.answer.try_lock().is_ok_and(|it| !it.as_ref().is_some_and(|it| it.stands(epoch)))
    }

    fn is_under_way(&self) -> bool {
        // One that a request is about to take is, too.
        Arc::strong_count(&self.answer) > 1
    }
}

impl Slots {
    fn remove(&mut self, name: &(String, String)) {
        if let Some(slot) = self.by_name.remove(name) {
            self.bytes = self.bytes.saturating_sub(slot.bytes);
        }
    }

    /// Makes room for one more key of an agent.
    fn make_room(&mut self, (agent, _): &(String, String), epoch: u64) -> Result<(), Problem> {
        let of_agent = |(name, _): &(&(String, String), &Slot)| name.0 == *agent;
        if self.bytes.saturating_add(SLOT_BYTES).saturating_add(LONGEST_ANSWER) > MOST_BYTES {
            let over = |slot: &Slot| !slot.is_under_way() && slot.is_over(epoch);
            let gone: Vec<_> = self.by_name.iter().filter(|(_, it)| over(it)).map(|(name, _)| name.clone()).collect();
            gone.iter().for_each(|name| self.remove(name));
            if self.bytes.saturating_add(SLOT_BYTES).saturating_add(LONGEST_ANSWER) > MOST_BYTES {
                return Err(Problem::away("too many idempotency keys are in use; ask again later".to_owned()));
            }
        }
        let own = || self.by_name.range((agent.clone(), String::new())..).take_while(of_agent);
        if own().count() < MOST_OF_ONE {
            return Ok(());
        }
        let oldest = own().filter(|(_, slot)| !slot.is_under_way()).min_by_key(|(_, slot)| slot.since_ms);
        let oldest = oldest.map(|(name, _)| name.clone());
        let oldest = oldest.ok_or_else(|| Problem::away("too many requests of this agent are under way".to_owned()))?;
        self.remove(&oldest);
        Ok(())
    }
}

/// When a permit ends, as it says.
fn permit_end_ms(permit: &Value) -> Option<u64> {
    let text: Value = serde_json::from_str(permit.get("text")?.as_str()?).ok()?;
    let end = text.get("expires_at_ms")?;
    end.as_u64().or_else(|| end.as_str()?.parse().ok())
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use model::Digest;
    use serde_json::json;

    use super::{Answers, MOST_OF_ONE};

    fn place(
        answers: &Answers,
        agent: &str,
        epoch: u64,
        key: &str,
        asked: &str,
    ) -> Result<super::Reservation, super::Problem> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let asked = Digest::of_bytes(asked.as_bytes());
        runtime.block_on(answers.place((agent.into(), epoch), key.into(), asked, Duration::from_millis(20)))
    }

    #[test]
    fn an_answer_is_given_again_in_its_epoch_and_to_its_agent_alone() {
        let answers = Answers::default();
        let no = json!({"verdict": "deny"});
        answers.keep(place(&answers, "a", 1, "k", "ls").unwrap(), &no);
        assert_eq!(place(&answers, "a", 1, "k", "ls").unwrap().answered(), Some(no));
        assert_eq!(place(&answers, "b", 1, "k", "ls").unwrap().answered(), None);
        assert!(place(&answers, "a", 1, "k", "rm").is_err(), "another request");
        assert_eq!(place(&answers, "a", 2, "k", "ls").unwrap().answered(), None, "the rules changed");
        assert_eq!(place(&answers, "a", 2, "k", "rm").unwrap().answered(), None, "what is over holds no key");
        let over = json!({"verdict": "allow", "permit": {"text": "{\"expires_at_ms\":5}"}});
        answers.keep(place(&answers, "a", 2, "p", "ls").unwrap(), &over);
        assert_eq!(place(&answers, "a", 2, "p", "ls").unwrap().answered(), None, "the permit is over");
    }

    #[test]
    fn one_at_a_time_is_under_way() {
        let answers = Answers::default();
        let first = place(&answers, "a", 1, "k", "ls").unwrap();
        assert!(place(&answers, "a", 1, "k", "ls").is_err());
        drop(first);
        assert!(place(&answers, "a", 1, "k", "ls").is_ok());
    }

    #[test]
    fn what_is_kept_is_bounded_for_each_agent_and_for_all() {
        let answers = Answers::default();
        let no = json!({"verdict": "deny", "reasons": ["x".repeat(4_000)]});
        for agent in 0..40 {
            for key in 0..=MOST_OF_ONE {
                let Ok(place) = place(&answers, &agent.to_string(), 1, &key.to_string(), "ls") else { continue };
                answers.keep(place, &no);
            }
        }
        let slots = answers.0.lock().unwrap();
        assert!(slots.bytes <= super::MOST_BYTES, "{}", slots.bytes);
        let counted: usize = slots.by_name.values().map(|it| it.bytes).sum();
        assert_eq!(counted, slots.bytes);
        assert_eq!(slots.by_name.keys().filter(|it| it.0 == "0").count(), MOST_OF_ONE);
    }
}
