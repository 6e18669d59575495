//! Permits on a connection: handed out, used once, reported.

use std::time::{Duration, Instant};

use approval::{PERMIT_LIFE_MS, Permit};
use audit::RecordKind;
use host::clock;
use model::{Act, AgentName, Digest, Facts, PermitId, RequestDigest, SessionId};
use serde_json::json;
use wire::{AgentHears, SealedText};

use crate::agents::{Talk, denied, undecided};
use crate::judge;
use crate::judging::Case;

/// A permit that was handed out and waits to be used.
pub(crate) struct Issued {
    id: PermitId,
    request: RequestDigest,
    act: Digest,
    facts: Facts,
    until: Instant,
    until_ms: u64,
    since_ms: u64,
    /// The count of changes of rules and flags that the decision rests on.
    epoch: u64,
    whose: Whose,
}

/// Whose act it is, for what is remembered of them.
#[derive(Clone)]
pub(crate) struct Whose {
    pub(crate) request: RequestDigest,
    pub(crate) agent: AgentName,
    pub(crate) session: SessionId,
    /// What makes two acts the same.
    pub(crate) same: String,
}

impl Talk<'_> {
    pub(crate) fn hand_out(&mut self, permit: Permit, case: &Case, reasons: Vec<String>, epoch: u64) -> AgentHears {
        let now_ms = clock::now_ms();
        let issued = Issued {
            id: permit.id().clone(),
            request: *permit.request(),
            act: case.request.act.digest(),
            facts: case.read.facts.clone(),
            until: Instant::now().checked_add(Duration::from_millis(PERMIT_LIFE_MS)).unwrap_or_else(Instant::now),
            until_ms: permit.expires_at_ms(),
            since_ms: now_ms,
            epoch,
            whose: Whose {
                request: *permit.request(),
                agent: case.request.agent.clone(),
                session: case.request.session.clone(),
                same: case.footprint.same.clone(),
            },
        };
        let digest = permit.request().to_string();
        if !case.hands_over {
            self.issued.insert(permit.id().to_string(), issued);
        }
        let sealed = permit.seal(&self.daemon.permit_key);
        AgentHears::Allow {
            permit: SealedText { text: sealed.text, signature: sealed.signature },
            request: digest,
            reasons,
        }
    }

    pub(crate) fn redeem(&mut self, permit: &str, act: &serde_json::Value) -> AgentHears {
        // Taken out before anything is checked: a permit is tried once.
        let Some(issued) = self.issued.remove(permit) else {
            return denied("there is no such permit here: it was used, or is another connection's");
        };
        let now_ms = clock::now_ms();
        if Instant::now() >= issued.until || now_ms >= issued.until_ms || now_ms < issued.since_ms {
            return denied("the permit is too old");
        }
        if Act::from_value(act).map(|act| act.digest()) != Ok(issued.act) {
            return self
                .refuse_changed(&issued.request, "the act: arguments, directory, environment, executable or a script");
        }
        if self.daemon.policy.epoch() != issued.epoch {
            return self.refuse_changed(&issued.request, "the rules or flags that it was decided by; ask again");
        }
        if let Some(path) = judge::changed_since(&issued.facts) {
            return self.refuse_changed(&issued.request, &path);
        }
        match self.daemon.store.spend(&issued.id, &issued.request, now_ms) {
            Ok(true) => {}
            Ok(false) => return denied("the permit was spent before"),
            Err(why) => return undecided(&why.to_string()),
        }
        let body =
            json!({"permit": issued.id.as_str(), "request_digest": issued.request.to_string(), "state": "spent"});
        match self.daemon.record(RecordKind::Permit, body) {
            Ok(_receipt) => {
                self.running.insert(issued.id.to_string(), issued.whose);
                AgentHears::Spent
            }
            Err(why) => undecided(&why),
        }
    }

    pub(crate) fn refuse_changed(&self, request: &RequestDigest, what: &str) -> AgentHears {
        let what = self.daemon.scrubber.text(what);
        let body =
            json!({"request_digest": request.to_string(), "state": "refused", "why": format!("changed: {what}")});
        let _ = self.daemon.record(RecordKind::Permit, body);
        denied(&format!("what would run is not what was decided on; changed: {what}"))
    }

    pub(crate) fn outcome(&mut self, permit: &str, exit: Option<i32>, signal: Option<i32>, millis: u64) -> AgentHears {
        let Some(whose) = self.running.remove(permit) else { return undecided("no act runs under this permit") };
        let failed = exit != Some(0);
        let noted = self.daemon.paces.with(self.daemon, &whose.agent, &whose.session, |pair| {
            pair.agent.note_outcome(&whose.same, failed);
            pair.session.note_outcome(&whose.same, failed);
            Ok(((), failed))
        });
        if let Err(why) = noted {
            return undecided(&why);
        }
        let body = json!({
            "permit": permit, "request_digest": whose.request.to_string(), "outcome": "ended", "exit": exit, "signal": signal, "millis": millis,
        });
        match self.daemon.record(RecordKind::Outcome, body) {
            Ok(_receipt) => AgentHears::Noted,
            Err(why) => undecided(&why),
        }
    }
}

pub(crate) fn permit_id() -> Result<PermitId, String> {
    Ok(PermitId::new(clock::now_ms(), clock::random_id().map_err(|why| why.to_string())?))
}
