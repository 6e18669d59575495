//! Parked holds: no connection waits for them. The asking agent has a ticket. The identical request, from the same agent in the same
//! session, uses the reviewers' answer once, within its lifetime. After a restart of the daemon, parked requests are asked again.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use approval::{Hold, HoldState, Permit};
use audit::Receipt;
use host::clock;
use model::{Digest, Facts};
use pdp::Decision;
use protocol::{AgentReply, Refusal};
use serde_json::json;

use crate::agent_connection::{AgentConnection, denied};
use crate::evaluation::{self, RequestContext};
use crate::holds::{DenialNote, Entry, denial_text};
use crate::permits::{Bound, approved_by, permit_id};
use crate::state::{Daemon, lock};
use crate::{canary, kill_switch, understanding};

/// Lifetime of an answer to a parked request.
const LIFE: Duration = Duration::from_secs(600);

/// The most tickets at once, of all agents and of one.
const MOST: usize = 1_000;
const MOST_OF_ONE: usize = 100;

/// Sleep of the settling thread when nothing is parked.
const IDLE: Duration = Duration::from_secs(10);

/// What there is of a ticket.
struct Ticket {
    agent: String,
    hold: String,
    expires_at_ms: u64,
    decision: Decision,
    asked: Receipt,
    facts: Facts,
    stage: Stage,
}

enum Stage {
    Waits(Arc<Entry>),
    Decided(Box<Decided>),
}

struct Decided {
    hold: Hold,
    answered: Option<Receipt>,
    told: Option<DenialNote>,
    until: Instant,
}

/// Holds without a waiting connection.
#[derive(Default)]
pub(crate) struct Parked {
    /// All tickets, by what is identical.
    tickets: Mutex<BTreeMap<Digest, Ticket>>,
    /// Canaries, which have no ticket.
    pub(crate) canaries: Mutex<Vec<Arc<Entry>>>,
    /// Held while holds are settled: what people said is taken out of each once.
    settling: Mutex<()>,
}

/// What makes two requests identical: agent, session, and the act with all that it is bound to.
fn key(context: &RequestContext) -> Digest {
    let request = &context.request;
    let parts =
        json!([request.agent.as_str(), request.session.as_str(), request.act.digest().to_string(), context.hands_over]);
    Digest::within("countersign/ticket/v1", parts.to_string().as_bytes())
}

impl Parked {
    /// Whether there is a ticket for a request.
    pub(crate) fn knows(&self, context: &RequestContext) -> bool {
        let tickets = lock(&self.tickets);
        !tickets.is_empty() && tickets.contains_key(&key(context))
    }
}

impl AgentConnection<'_> {
    /// Whether a ticket answers this request: people said yes or no, or are still asked (and the caller does not wait).
    pub(crate) fn by_ticket(&mut self, context: &RequestContext, reasons: &[String], park: bool) -> Option<AgentReply> {
        let key = key(context);
        let is_over = matches!(lock(&self.daemon.parked.tickets).get(&key).map(|it| &it.stage),
            Some(Stage::Waits(entry)) if !entry.is_open() || entry.remaining().is_zero());
        if is_over {
            // The answer is new: a caller that is faster than the settling thread does not wait for another change.
            settle(self.daemon);
        }
        let ticket = {
            let mut parked = lock(&self.daemon.parked.tickets);
            let now = Instant::now();
            parked.retain(|_, it| !matches!(&it.stage, Stage::Decided(it) if now >= it.until));
            match parked.get(&key) {
                Some(ticket) if matches!(ticket.stage, Stage::Waits(_)) => {
                    let (hold, expires_at_ms) = (ticket.hold.clone(), ticket.expires_at_ms);
                    // A client that waits itself asks again; there is one ticket, however often it is asked for.
                    return park.then(|| AgentReply::Parked { hold, expires_at_ms, reasons: reasons.to_vec() });
                }
                // Taken out before anything is looked at: it serves once.
                Some(_) => parked.remove(&key)?,
                None => return None,
            }
        };
        Some(self.use_ticket(context, ticket).unwrap_or_else(|why| crate::agent_connection::undecided(&why)))
    }

    fn use_ticket(&mut self, context: &RequestContext, ticket: Ticket) -> Result<AgentReply, String> {
        let Stage::Decided(decided) = ticket.stage else {
            return Err("the ticket is not decided".to_owned());
        };
        let Decided { hold, answered, told, .. } = *decided;
        let now = self.daemon.policy.epoch();
        match (hold.state(), answered) {
            (HoldState::Approved, Some(answered)) => {
                if let Some(flag) = kill_switch::stops(self.daemon, &context.request) {
                    return Ok(denied(&kill_switch::words(&flag)));
                }
                let is_same = understanding::changed_since(&ticket.facts).is_none();
                if !is_same || !evaluation::still_asks(self.daemon, context, &ticket.decision)? {
                    return Ok(self.refuse_changed(ticket.decision.request(), "what people said yes to; ask again"));
                }
                if !context.has_its_key(self.daemon) {
                    return Ok(self.refuse_changed(ticket.decision.request(), "the agent's key"));
                }
                evaluation::approved(self.daemon, context, evaluation::kept(context))?;
                let _receipt = self.daemon.record(record::Permit::TicketUsed {
                    hold: ticket.hold.clone(),
                    request_digest: context.request.digest().to_string(),
                    approved: ticket.decision.request().to_string(),
                })?;
                let (decision, asked) = (&ticket.decision, &ticket.asked);
                let permit = Permit::for_approved(decision, asked, &hold, &answered, permit_id()?, clock::now_ms());
                let bound = Bound::to(self.daemon, context, ticket.decision.request());
                let permit = permit.map_err(|why| why.to_string())?;
                let reply = self.hand_out(permit, bound, context.hands_over, Vec::new(), now);
                Ok(approved_by(reply, hold.answers()))
            }
            (HoldState::Denied, _) => {
                evaluation::refused(self.daemon, context)?;
                Ok(denied(&denial_text(told.as_ref())))
            }
            (HoldState::Expired, _) => Ok(AgentReply::Deny {
                refusal: Refusal::Expired,
                reasons: vec!["no reviewer decided in time, so it is denied".to_owned()],
            }),
            (HoldState::Open | HoldState::Lost | HoldState::Approved, _) => Err("the hold was lost".to_owned()),
        }
    }
}

/// Parks a hold that is open.
///
/// # Errors
/// There are too many tickets.
pub(crate) fn park(
    daemon: &Daemon,
    context: &RequestContext,
    decision: Decision,
    asked: Receipt,
    entry: Arc<Entry>,
    (hold, expires_at_ms): (String, u64),
) -> Result<(), String> {
    let agent = context.request.agent.to_string();
    let key = key(context);
    let mut parked = lock(&daemon.parked.tickets);
    // Two that are identical came at the same moment: one ticket would be without its hold, which would never end.
    if parked.contains_key(&key) {
        return Err("the same was parked at this moment; ask again".to_owned());
    }
    if parked.len() >= MOST || parked.values().filter(|it| it.agent == agent).count() >= MOST_OF_ONE {
        return Err(format!("{MOST_OF_ONE} requests of an agent, and {MOST} of all, are parked at most"));
    }
    let facts = context.read.facts.clone();
    let stage = Stage::Waits(entry);
    parked.insert(key, Ticket { agent, hold, expires_at_ms, decision, asked, facts, stage });
    Ok(())
}

/// Ends parked holds whose time is over, and keeps what people said of the others. Runs on a thread of its own.
pub(crate) fn watch(daemon: &Arc<Daemon>) -> std::io::Result<()> {
    let daemon = Arc::clone(daemon);
    let work = move || {
        let mut seen = 0;
        loop {
            let wait = settle(&daemon);
            let (_, now) = daemon.holds.count();
            if now == seen {
                daemon.holds.wait_for_change(seen, wait);
            }
            seen = now;
        }
    };
    std::thread::Builder::new().name("parked".to_owned()).spawn(work).map(drop)
}

/// Settles what is decided or over; gives how long until something is over.
fn settle(daemon: &Daemon) -> Duration {
    let _alone = lock(&daemon.parked.settling);
    daemon.holds.watch(false);
    let waiting: Vec<(Digest, Arc<Entry>)> = {
        let parked = lock(&daemon.parked.tickets);
        let entry = |ticket: &Ticket| match &ticket.stage {
            Stage::Waits(entry) => Some(Arc::clone(entry)),
            Stage::Decided(_) => None,
        };
        parked.iter().filter_map(|(key, ticket)| Some((*key, entry(ticket)?))).collect()
    };
    let mut next = canary::settle(daemon).min(IDLE);
    if !waiting.is_empty() || canary::is_waiting(daemon) {
        daemon.holds.watch(true);
    }
    for (key, entry) in waiting {
        let remaining = entry.remaining();
        if entry.is_open() && !remaining.is_zero() {
            next = next.min(remaining);
            continue;
        }
        let outcome =
            daemon.holds.end(daemon, &entry, if entry.is_lost() { HoldState::Lost } else { HoldState::Expired });
        daemon.holds.tell(Some(&outcome.hold.question().id));
        let until = Instant::now().checked_add(LIFE).unwrap_or_else(Instant::now);
        let stage = Stage::Decided(Box::new(Decided {
            hold: outcome.hold,
            answered: outcome.answered,
            told: outcome.told,
            until,
        }));
        if let Some(ticket) = lock(&daemon.parked.tickets).get_mut(&key) {
            ticket.stage = stage;
        }
    }
    next.max(Duration::from_millis(1))
}
