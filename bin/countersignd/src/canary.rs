//! Canaries: holds that look like any other, must be denied, and are never run. They test whether reviewers read.

use std::sync::Arc;
use std::time::Duration;

use approval::{ApprovalRequest, Hold, HoldState};
use host::clock;
use model::{Act, Claims, HoldId, PeerCredentials, Request, RequestId, SessionId, ToolCall};
use pdp::{Role, Verdict};
use protocol::{OperatorReply, OperatorRequest, Vouch};
use record::Change;
use serde_json::json;

use crate::change_authorization::proved;
use crate::delegation;
use crate::evaluation::{self, EnrolledAttributes, RequestContext};
use crate::holds::{Entry, For};
use crate::state::{Daemon, lock};
use crate::{agent_activity, hold_view};

/// The most canaries at once.
const MOST: usize = 8;

/// Opens one.
pub(crate) fn open(daemon: &Daemon, message: &OperatorRequest) -> Result<OperatorReply, String> {
    let OperatorRequest::Canary { agent, command, by } = message else { return Err("this is no canary".to_owned()) };
    let by: &Vouch = by;
    let who = proved(daemon, message, by, Role::Operator)?;
    let agent = daemon.agent_named(agent).ok_or_else(|| format!("there is no agent `{agent}`"))?;
    if lock(&daemon.parked.canaries).len() >= MOST {
        return Err(format!("{MOST} canaries wait already"));
    }
    let random = || clock::random_id().map_err(|why| why.to_string());
    let now_ms = clock::now_ms();
    let call = ToolCall {
        host: "claude-code".to_owned(),
        tool: "Bash".to_owned(),
        input: json!({"command": command}),
        call: None,
        cwd: Some("/srv".to_owned()),
        shell: None,
    };
    let uid = agent.uid.unwrap_or_else(host::files::my_uid);
    let (chain, trust) = delegation::of(daemon, &agent)?;
    let key_digest = agent.key_digest;
    let request = Request {
        id: RequestId::new(now_ms, random()?),
        agent: agent.name,
        owner: agent.owner,
        chain,
        session: SessionId::parse("main").map_err(|why| why.to_string())?,
        host: daemon.host.clone(),
        act: Act::Tool(call),
        claims: Claims { intent: None, task: None, search_path: None },
        seen: PeerCredentials { uid, gid: uid, pid: std::process::id() },
    };
    let place = EnrolledAttributes { env: agent.env, groups: agent.groups, trust };
    let context = RequestContext::read(daemon, request, place, false, key_digest)?;
    let decision = evaluation::decide(daemon, &context)?;
    let Verdict::Ask(quorum, _) = decision.verdict() else {
        return Err(format!(
            "the rules do not ask for this, they say {}; choose another command",
            decision.verdict().as_str()
        ));
    };
    let quorum = quorum.clone();
    // Recorded as any other: a reader of the record cannot recognise it while it waits.
    let body = hold_view::recorded_decision(&context.request, &context.read.intent, &decision, &daemon.redactor);
    let brief = agent_activity::brief(&body);
    let _receipt = daemon.record(body)?;
    daemon.activity.note(daemon, &context.request, brief, &decision);
    let id = HoldId::new(now_ms, random()?);
    let expires_at_ms = now_ms.saturating_add(u64::from(quorum.timeout_s).saturating_mul(1_000));
    let shown = hold_view::shown(daemon, id.as_str(), &context, &decision, &quorum, expires_at_ms);
    let question = ApprovalRequest {
        id: id.clone(),
        request: *decision.request(),
        agent: context.request.agent.clone(),
        owner: context.request.owner.clone(),
        above: context.request.chain.iter().map(|it| it.owner.clone()).collect(),
        quorum,
        expires_at_ms,
    };
    let store =
        |hold: Option<&Hold>| hold.map_or(Ok(()), |hold| daemon.store.add_hold(hold).map_err(|why| why.to_string()));
    let shown = (shown, context.read.intent.clone());
    let (entry, _woken, ()) = daemon.holds.open(daemon, &Hold::open(question), shown, For::Canary, store)?;
    lock(&daemon.parked.canaries).push(entry);
    daemon.holds.watch_over(&id);
    // Its author is recorded when it is over.
    eprintln!("countersignd: {who} seeded a canary");
    Ok(OperatorReply::Done { what: format!("{id} waits; it must be denied, and is never run") })
}

/// Whether one waits.
pub(crate) fn is_waiting(daemon: &Daemon) -> bool {
    !lock(&daemon.parked.canaries).is_empty()
}

/// Ends those that are decided or over, and says what came of them; gives how long until one is over.
pub(crate) fn settle(daemon: &Daemon) -> Duration {
    let waiting: Vec<Arc<Entry>> = lock(&daemon.parked.canaries).clone();
    let mut next = Duration::MAX;
    for entry in waiting {
        let remaining = entry.remaining();
        if entry.is_open() && !remaining.is_zero() {
            next = next.min(remaining);
            continue;
        }
        let outcome = daemon.holds.end(daemon, &entry, HoldState::Expired);
        let question = outcome.hold.question();
        daemon.holds.tell(Some(&question.id));
        let _ = daemon.record(Change::Canary {
            hold: question.id.to_string(),
            request_digest: question.request.to_string(),
            state: outcome.hold.state().into(),
            people: outcome.hold.answers().iter().map(|answer| answer.reviewer.to_string()).collect(),
        });
        lock(&daemon.parked.canaries).retain(|it| !Arc::ptr_eq(it, &entry));
    }
    next
}
