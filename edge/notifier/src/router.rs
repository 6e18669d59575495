//! Which notice goes where, and when.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use notification::{Channels, Level, Notice, When};
use protocol::{ClosedHold, HoldView};

use crate::{Devices, RunningChannel, start};

/// Maximum number of single messages about one agent's holds within a minute. Further ones become one message a minute.
const ONE_BY_ONE: usize = 10;
const MINUTE: Duration = Duration::from_secs(60);

/// All channels, and what was sent to them.
pub struct Router {
    channels: Vec<RunningChannel>,
    open: BTreeMap<String, Open>,
    paces: BTreeMap<String, Pace>,
}

struct Open {
    hold: HoldView,
    /// Half of its time, if that was not notified yet.
    half_ms: Option<u64>,
    /// It was not notified: there were too many.
    is_quiet: bool,
}

#[derive(Default)]
struct Pace {
    told: VecDeque<Instant>,
    more: usize,
    said: Option<Instant>,
}

/// A delivery: the channel and the hold, for the record.
pub struct Delivery {
    /// The hold.
    pub hold: String,
    /// The channel.
    pub channel: &'static str,
    /// Half of its time is over.
    pub half: bool,
}

impl Router {
    /// Starts the channels. `secret` reads one from the file that the settings name; `devices` are people's own.
    ///
    /// # Errors
    /// One of them cannot be.
    pub fn new(
        channels: &Channels,
        secret: &dyn Fn(&str) -> Result<String, String>,
        devices: Option<Arc<dyn Devices>>,
    ) -> Result<Self, String> {
        Ok(Self { channels: start(channels, secret, devices)?, open: BTreeMap::new(), paces: BTreeMap::new() })
    }

    /// The names of the channels.
    pub fn names(&self) -> Vec<&'static str> {
        self.channels.iter().map(|it| it.name).collect()
    }

    /// Holds that wait from the beginning: they are notified now.
    pub fn all(&mut self, holds: Vec<HoldView>) -> Vec<Delivery> {
        self.open.retain(|id, _| holds.iter().any(|hold| hold.id == *id));
        self.changed(holds, Vec::new())
    }

    /// What changed.
    pub fn changed(&mut self, changed: Vec<HoldView>, gone: Vec<ClosedHold>) -> Vec<Delivery> {
        let mut hops = Vec::new();
        for hold in changed {
            if let Some(known) = self.open.get_mut(&hold.id) {
                known.hold = hold;
                continue;
            }
            let left = hold.expires_at_ms.saturating_sub(crate::now_ms());
            let half_ms = Some(hold.expires_at_ms.saturating_sub(left / 2));
            let is_quiet = !self.may_tell(&hold.agent);
            if !is_quiet {
                hops.extend(self.say(&Arc::new(Notice::Waits { hold: Box::new(hold.clone()), half: false })));
            }
            self.open.insert(hold.id.clone(), Open { hold, half_ms, is_quiet });
        }
        for ClosedHold { id, outcome } in gone {
            if let Some(one) = self.open.remove(&id).filter(|one| !one.is_quiet) {
                self.say(&Arc::new(Notice::Closed { hold: Box::new(one.hold), outcome }));
            }
        }
        hops
    }

    /// Whether a further hold of an agent gets its own message; otherwise it is counted.
    fn may_tell(&mut self, agent: &str) -> bool {
        let pace = self.paces.entry(agent.to_owned()).or_default();
        let now = Instant::now();
        while pace.told.front().is_some_and(|at| now.saturating_duration_since(*at) >= MINUTE) {
            pace.told.pop_front();
        }
        if pace.told.len() < ONE_BY_ONE {
            pace.told.push_back(now);
            return true;
        }
        pace.more = pace.more.saturating_add(1);
        false
    }

    /// Tells what is due by now: half times, and floods. Gives the hops, and how long until something is due again.
    pub fn due(&mut self) -> (Vec<Delivery>, Duration) {
        let now_ms = crate::now_ms();
        let due = |one: &Open| !one.is_quiet && one.half_ms.is_some_and(|at| at <= now_ms);
        let ids: Vec<String> = self.open.iter().filter(|(_, one)| due(one)).map(|(id, _)| id.clone()).collect();
        let mut hops = Vec::new();
        for id in ids {
            let Some(one) = self.open.get_mut(&id) else { continue };
            one.half_ms = None;
            let notice = Notice::Waits { hold: Box::new(one.hold.clone()), half: true };
            hops.extend(self.say(&Arc::new(notice)));
        }
        let now = Instant::now();
        let mut floods = Vec::new();
        for (agent, pace) in &mut self.paces {
            let is_new = pace.said.is_none_or(|at| now.saturating_duration_since(at) >= MINUTE);
            if pace.more > 0 && is_new {
                pace.said = Some(now);
                floods.push(Notice::Flood { agent: agent.clone(), count: std::mem::take(&mut pace.more) });
            }
        }
        self.paces.retain(|_, pace| pace.more > 0 || !pace.told.is_empty());
        floods.into_iter().for_each(|flood| drop(self.say(&Arc::new(flood))));
        let next = self.open.values().filter(|one| !one.is_quiet).filter_map(|one| one.half_ms).min();
        let wait = next.map_or(MINUTE, |at| Duration::from_millis(at.saturating_sub(now_ms)));
        let flood_soon = self.paces.values().any(|pace| pace.more > 0);
        (hops, wait.clamp(Duration::from_millis(20), if flood_soon { Duration::from_secs(2) } else { MINUTE }))
    }

    /// Gives a notice to those that it is for.
    fn say(&self, notice: &Arc<Notice>) -> Vec<Delivery> {
        let mut hops = Vec::new();
        for told in &self.channels {
            let (is_for, hop) = match notice.as_ref() {
                Notice::Waits { hold, half } => {
                    let is_its_time = *half == (told.when == When::HalfTime);
                    let hop = Delivery { hold: hold.id.clone(), channel: told.name, half: *half };
                    (is_its_time && Level::of(&hold.level) >= told.from, Some(hop))
                }
                Notice::Flood { .. } => (true, None),
                Notice::Closed { hold, .. } => (Level::of(&hold.level) >= told.from, None),
            };
            if is_for {
                told.queue.push(Arc::clone(notice));
                hops.extend(hop);
            }
        }
        hops
    }
}
