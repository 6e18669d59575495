//! What the daemon holds: state, rules, keys, agents, and the way to the log.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Instant;

use approval::{PermitKey, Site};
use audit::{LogVerifier, Receipt};
use host::clock;
use host::install_paths::{Layout, PAGE_VARIABLE};
use model::Digest;
use record::{AgentAdded, Change, Draft, Event, Refusal, Start};
use serde_json::{Map, Value};
use state_sqlite::{AgentRow, Store};

use crate::activity_counters::{ActivityCounters, FORGET_MS};
use crate::agent_activity::AgentActivity;
use crate::approvals::Questions;
use crate::enrolment::Enrolments;
use crate::flags::Flags;
use crate::hold_view::Redactor;
use crate::holds::Holds;
use crate::json_log;
use crate::log_client::{LogClient, PendingRecord};
use crate::metrics::Metrics;
use crate::oidc::LoginNonces;
use crate::passwords::Passwords;
use crate::policy::LivePolicy;
use crate::recordings::Recordings;
use crate::running_acts::RunningActs;
use crate::similar_approvals::Nearest;
use crate::spans::SpanBuffer;
use crate::tickets::Parked;
use crate::web_sessions::Sessions;

/// The domain of agents' keys.
const KEY_DOMAIN: &str = "countersign/agent-key/v1";

/// After how many records the newest checkpoint is pinned in the state store.
const PIN_EVERY: u64 = 256;

pub(crate) struct Daemon {
    pub(crate) layout: Layout,
    /// What is ours, where agents do not go.
    pub(crate) own: crate::understanding::Own,
    pub(crate) store: Store,
    pub(crate) policy: LivePolicy,
    pub(crate) flags: Flags,
    pub(crate) paces: ActivityCounters,
    pub(crate) permit_key: PermitKey,
    pub(crate) redactor: Redactor,
    pub(crate) holds: Holds,
    pub(crate) acts: RunningActs,
    pub(crate) activity: AgentActivity,
    pub(crate) recordings: Recordings,
    pub(crate) sessions: Sessions,
    pub(crate) parked: Parked,
    pub(crate) metrics: Metrics,
    pub(crate) spans: SpanBuffer,
    pub(crate) nearest: Nearest,
    pub(crate) questions: Questions,
    pub(crate) enrolments: Enrolments,
    pub(crate) begun: LoginNonces,
    pub(crate) passwords: Passwords,
    /// A line of JSON on standard error for each record.
    lines: bool,
    /// Signatures of clicks in chat that were taken, and when.
    pub(crate) clicks: Mutex<BTreeMap<String, u64>>,
    /// Where our page lives: what passkeys are bound to.
    pub(crate) site: Site,
    pub(crate) host: String,
    /// Our own environment.
    pub(crate) environment: BTreeMap<String, String>,
    /// The user of the web gate, where it has one of its own.
    pub(crate) web_uid: Option<u32>,
    log: LogClient,
    agents: RwLock<BTreeMap<Digest, AgentRow>>,
    /// Held from the look at an agent to its change in force: two changes never rest on the same look.
    agents_change: Mutex<()>,
    /// When a refusal without a request was last recorded: strangers must not fill the log.
    refused_at_ms: Mutex<u64>,
}

impl Daemon {
    /// Opens everything. Whatever is wrong stops the start: a daemon that runs can decide.
    pub(crate) fn open(layout: Layout) -> Result<Self, String> {
        let store = Store::open(&layout.state.join("state.db")).map_err(|why| why.to_string())?;
        let secret = host::files::secret_key(&layout.state.join("permit.key")).map_err(|why| why.to_string())?;
        let salt = host::files::secret_key(&layout.state.join("mask.key")).map_err(|why| why.to_string())?;
        let permit_key = PermitKey::new(&secret);
        host::files::replace(&layout.permit_public_key(), permit_key.verifier().to_text().as_bytes(), 0o644)
            .map_err(|why| why.to_string())?;
        publish_page(&layout).map_err(|why| format!("`{}`: {why}", layout.page().display()))?;
        let agents = store.agents().map_err(|why| why.to_string())?;
        let pin = store.pinned().map_err(|why| why.to_string())?;
        let (note, verifier) = unpin(pin)?;
        let log = LogClient::new(layout.log_socket(), verifier, note);
        log.greet()?;
        let made = store.rules().map_err(|why| why.to_string())?;
        let directory = layout.policy();
        let policy = host::stack::on_large_stack(|| LivePolicy::open(directory, &made)).map_err(str::to_owned)??;
        store.forget_before(clock::now_ms().saturating_sub(FORGET_MS)).map_err(|why| why.to_string())?;
        let change_signal = Arc::default();
        let daemon = Self {
            policy,
            flags: Flags::open(&store)?,
            paces: ActivityCounters::default(),
            permit_key,
            redactor: Redactor(Digest::of_bytes(&salt).to_string()),
            holds: Holds::new(Arc::clone(&change_signal)),
            acts: RunningActs::new(Arc::clone(&change_signal)),
            activity: AgentActivity::new(change_signal),
            recordings: Recordings::default(),
            sessions: Sessions::from_environment()?,
            parked: Parked::default(),
            metrics: Metrics::default(),
            spans: SpanBuffer::default(),
            nearest: Nearest::default(),
            questions: Questions::default(),
            enrolments: Enrolments::default(),
            begun: LoginNonces::default(),
            passwords: Passwords::default(),
            lines: json_log::are_wanted()?,
            clicks: Mutex::default(),
            site: crate::environment::site()?,
            web_uid: crate::environment::web_uid(&agents)?,
            host: host::facts::host_name(),
            environment: crate::understanding::environment(),
            log,
            agents_change: Mutex::default(),
            agents: RwLock::new(agents.into_iter().map(|agent| (agent.key_digest, agent)).collect()),
            refused_at_ms: Mutex::new(0),
            store,
            own: crate::understanding::Own::of(&layout),
            layout,
        };
        let lost = daemon.store.lose_open_holds().map_err(|why| why.to_string())?;
        let _receipt = daemon.record(Start {
            program: "countersignd".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            policy: daemon.policy.current().digest().to_string(),
            mode: daemon.policy.mode(),
            lost_holds: lost.iter().map(ToString::to_string).collect(),
        })?;
        daemon.pin()?;
        Ok(daemon)
    }

    /// Makes a record durable.
    pub(crate) fn record(&self, event: impl Into<Event>) -> Result<Receipt, String> {
        self.begin_record(event.into())?.receipt()
    }

    /// Sends a record to the log. What does not rest on it may be done until its receipt is waited for; see [`LogClient::send`].
    pub(crate) fn begin_record(&self, event: Event) -> Result<Recorded<'_>, String> {
        let started = Instant::now();
        let line = self.lines.then(|| json_log::of(&event));
        let on_its_way = self.log.send(Draft::of(event, clock::now_ms()))?;
        Ok(Recorded { daemon: self, started, line, on_its_way })
    }

    /// Records a refusal before there was a request: once a second at most.
    pub(crate) fn note_refusal(&self, seen: model::PeerCredentials, why: &str) {
        let now = clock::now_ms();
        let mut last = self.refused_at_ms.lock().unwrap_or_else(PoisonError::into_inner);
        if now.abs_diff(*last) >= 1_000 {
            *last = now;
            drop(last);
            let _ = self.record(Refusal { why: why.to_owned(), seen: seen.into() });
        }
    }

    /// Keeps the newest checkpoint where the log's user cannot reach it.
    pub(crate) fn pin(&self) -> Result<(), String> {
        let (note, verifier) = self.log.known();
        match (note, verifier) {
            (Some(note), Some(verifier)) => {
                self.store.pin(&format!("{verifier}\n{note}")).map_err(|why| why.to_string())
            }
            (Some(_) | None, _) => Ok(()),
        }
    }

    /// Number of records, as of the newest receipt.
    pub(crate) fn records(&self) -> u64 {
        self.log.size()
    }

    /// Whether the log answered the last time.
    pub(crate) fn log_answers(&self) -> bool {
        self.log.answers()
    }

    /// Records that wait for the log.
    pub(crate) fn waiting(&self) -> usize {
        self.log.waiting()
    }

    /// The agent that a key belongs to.
    pub(crate) fn agent(&self, key: &str) -> Option<AgentRow> {
        let agents = self.agents.read().unwrap_or_else(PoisonError::into_inner);
        agents.get(&Digest::within(KEY_DOMAIN, key.as_bytes())).cloned()
    }

    /// Number of agents.
    pub(crate) fn agent_count(&self) -> usize {
        self.agents.read().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Everybody, in the groups that they are in at this moment: those who are on call are in one more.
    pub(crate) fn people_now(&self) -> Result<Vec<pdp::Person>, String> {
        let mut people = self.store.people().map_err(|why| why.to_string())?;
        self.policy.current().settings().join_on_call(&mut people, clock::now_ms());
        Ok(people)
    }

    /// Whether a user id is that of an agent.
    pub(crate) fn is_agents_uid(&self, uid: u32) -> bool {
        self.agents.read().unwrap_or_else(PoisonError::into_inner).values().any(|agent| agent.uid == Some(uid))
    }

    /// Adds an agent with a fresh key, which is returned and not kept.
    pub(crate) fn add_agent(&self, place: NewAgent) -> Result<String, String> {
        let (key, key_digest) = fresh_key()?;
        let NewAgent { name, owner, under, uid, env, groups, trust } = place;
        if uid.is_some() && uid == self.web_uid {
            return Err("this user is the web gate's; an agent has one of its own".to_owned());
        }
        let row = AgentRow { name, owner, under, key_digest, uid, created_ms: clock::now_ms(), env, groups, trust };
        let _changing = lock(&self.agents_change);
        let _receipt = self.record(Change::AgentAdded(AgentAdded {
            agent: row.name.to_string(),
            owner: row.owner.to_string(),
            under: row.under.as_ref().map(ToString::to_string),
            uid: row.uid,
            env: row.env.clone(),
            groups: row.groups.clone(),
            trust: row.trust,
            key_digest: row.key_digest.to_string(),
        }))?;
        self.store.add_agent(&row).map_err(|why| why.to_string())?;
        self.agents.write().unwrap_or_else(PoisonError::into_inner).insert(key_digest, row);
        Ok(key)
    }

    /// Puts an agent elsewhere: environment, groups, trust. Recorded before it is in force.
    pub(crate) fn place_agent(&self, row: AgentRow, by: &str) -> Result<(), String> {
        let _changing = lock(&self.agents_change);
        let key_digest = self.agent_named(row.name.as_str()).ok_or(REMOVED)?.key_digest;
        let row = AgentRow { key_digest, ..row };
        let _receipt = self.record(Change::AgentPlaced {
            agent: row.name.to_string(),
            env: row.env.clone(),
            groups: row.groups.clone(),
            trust: row.trust,
            by: by.to_owned(),
        })?;
        self.store.place_agent(&row).map_err(|why| why.to_string())?;
        self.agents.write().unwrap_or_else(PoisonError::into_inner).insert(row.key_digest, row);
        self.policy.moved();
        Ok(())
    }

    /// Takes an agent away. The order: recorded, stored, in force; what rested on it falls with the epoch.
    pub(crate) fn remove_agent(&self, row: &AgentRow, by: &str) -> Result<(), String> {
        let _changing = lock(&self.agents_change);
        let _receipt = self.record(Change::AgentRemoved { agent: row.name.to_string(), by: by.to_owned() })?;
        let removed = self.store.remove_agent(&row.name).map_err(|why| why.to_string());
        // In force even if the store failed: a key that leaked is none from here on.
        self.agents.write().unwrap_or_else(PoisonError::into_inner).retain(|_, it| it.name != row.name);
        self.policy.moved();
        removed.map(drop)
    }

    /// Gives an agent a fresh key, which is returned and not kept. The order: recorded, stored, in force; what rested on the old
    /// key falls with the epoch.
    pub(crate) fn rotate_agent_key(&self, row: AgentRow, by: &str) -> Result<String, String> {
        let _changing = lock(&self.agents_change);
        let row = self.agent_named(row.name.as_str()).ok_or(REMOVED)?;
        let (key, key_digest) = fresh_key()?;
        let _receipt = self.record(Change::AgentKeyRotated {
            agent: row.name.to_string(),
            key_digest: key_digest.to_string(),
            by: by.to_owned(),
        })?;
        let stored = self.store.rotate_agent_key(&row.name, &key_digest).map_err(|why| why.to_string());
        let mut agents = self.agents.write().unwrap_or_else(PoisonError::into_inner);
        // Refused even if the store failed: the old key leaked.
        agents.retain(|_, it| it.name != row.name);
        if stored == Ok(true) {
            agents.insert(key_digest, AgentRow { key_digest, ..row });
        }
        drop(agents);
        self.policy.moved();
        if stored? { Ok(key) } else { Err("the agent is not in the store; restart the daemon".to_owned()) }
    }

    /// An agent by its name.
    pub(crate) fn agent_named(&self, name: &str) -> Option<AgentRow> {
        let agents = self.agents.read().unwrap_or_else(PoisonError::into_inner);
        agents.values().find(|agent| agent.name.as_str() == name).cloned()
    }
}

/// Why an agent cannot be changed any more.
const REMOVED: &str = "the agent was removed meanwhile";

/// Writes the dashboard's address where agents' tools find it, or takes an old one away.
fn publish_page(layout: &Layout) -> std::io::Result<()> {
    match std::env::var(PAGE_VARIABLE) {
        Ok(page) => host::files::replace(&layout.page(), page.as_bytes(), 0o644),
        Err(_) => match std::fs::remove_file(layout.page()) {
            Err(why) if why.kind() != std::io::ErrorKind::NotFound => Err(why),
            Ok(()) | Err(_) => Ok(()),
        },
    }
}

/// A fresh key of an agent, and its digest.
fn fresh_key() -> Result<(String, Digest), String> {
    let key = format!("csk_{}", hex(clock::random::<32>().map_err(|why| why.to_string())?));
    let digest = Digest::within(KEY_DOMAIN, key.as_bytes());
    Ok((key, digest))
}

/// A record that is being made durable.
pub(crate) struct Recorded<'a> {
    daemon: &'a Daemon,
    started: Instant,
    line: Option<Map<String, Value>>,
    on_its_way: PendingRecord<'a>,
}

impl Recorded<'_> {
    /// Its receipt: it is durable.
    pub(crate) fn receipt(self) -> Result<Receipt, String> {
        let Self { daemon, started, line, on_its_way } = self;
        let receipt = on_its_way.receipt()?;
        daemon.metrics.log.note(started.elapsed());
        if let Some(line) = line {
            json_log::write(line, receipt.seq(), started.elapsed());
        }
        if receipt.seq() % PIN_EVERY == PIN_EVERY.saturating_sub(1) {
            // Failing to pin loses a safeguard against cutting, not a record.
            let _ = daemon.pin();
        }
        Ok(receipt)
    }
}

/// What an agent is enrolled with.
pub(crate) struct NewAgent {
    pub(crate) name: model::AgentName,
    pub(crate) owner: model::ReviewerName,
    pub(crate) under: Option<model::AgentName>,
    pub(crate) uid: Option<u32>,
    pub(crate) env: Option<String>,
    pub(crate) groups: Vec<String>,
    pub(crate) trust: u8,
}

fn hex(bytes: [u8; 32]) -> String {
    Digest::from_array(bytes).to_string()
}

/// The pin is the log's key, a newline, and the newest note.
fn unpin(pin: Option<String>) -> Result<(Option<String>, Option<LogVerifier>), String> {
    let Some(pin) = pin else { return Ok((None, None)) };
    let (verifier, note) = pin.split_once('\n').ok_or("the pinned checkpoint cannot be read")?;
    let verifier = LogVerifier::parse(verifier).ok_or("the pinned log key cannot be read")?;
    Ok((Some(note.to_owned()), Some(verifier)))
}

/// A lock whose holder cannot leave a half-made value behind.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
