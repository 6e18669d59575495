//! What people and the record get to see of a request: without secrets, with nothing that deceives.

use model::display::exact;
use model::{Act, ByteText, Coverage, Intent, Operation, Request, Segment, ToolCall};
use pdp::{Decision, Quorum, Verdict};
use protocol::{EffectView, HoldView, PieceView, SAME, UnknownView};
use record::Redact;
use redact::mask;
use serde_json::Value;

use crate::evaluation::RequestContext;
use crate::state::Daemon;

/// The salt of masks in this installation: equal secrets look equal here, and nowhere else.
pub(crate) struct Redactor(pub(crate) String);

impl Redactor {
    /// A text for people: masked, then made visible.
    pub(crate) fn text(&self, text: &str) -> String {
        exact(&mask(text, &self.0))
    }
}

impl Redact for Redactor {
    fn redact(&self, text: &str) -> String {
        mask(text, &self.0)
    }
}

/// The words of an act, in one line for each argument vector or tool call.
pub(crate) fn asked(act: &Act) -> String {
    match act {
        Act::Exec(exec) => exec.argv.iter().map(quoted).collect::<Vec<_>>().join(" "),
        Act::Tool(call) => match call.input.get("command").and_then(Value::as_str) {
            Some(command) if is_shell(call) => command.to_owned(),
            Some(_) | None => format!("{} {}", call.tool, call.input),
        },
    }
}

/// The tool, where what is asked is a call of one that is no shell: its name, and its input as JSON.
fn tool(act: &Act) -> Option<&str> {
    match act {
        Act::Tool(call) if !is_shell(call) => Some(&call.tool),
        Act::Tool(_) | Act::Exec(_) => None,
    }
}

fn is_shell(call: &ToolCall) -> bool {
    call.tool == "Bash" && call.input.get("command").is_some_and(Value::is_string)
}

/// Options of a host's shell call besides the command, such as running in the background or outside a sandbox.
fn beside(act: &Act, redactor: &Redactor) -> Vec<String> {
    let input = match act {
        Act::Tool(call) if is_shell(call) => call.input.as_object(),
        Act::Tool(_) | Act::Exec(_) => None,
    };
    // The description is the agent's claim, and is shown there.
    let others = input.into_iter().flatten().filter(|(name, _)| !matches!(name.as_str(), "command" | "description"));
    others.map(|(name, value)| redactor.text(&format!("{name}: {value}"))).collect()
}

/// An argument as a shell would need it written, so that its bounds show.
fn quoted(word: &ByteText) -> String {
    let text = String::from_utf8_lossy(word.as_bytes()).into_owned();
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | '=' | ':' | ',' | '+' | '@' | '%');
    if !text.is_empty() && text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', "'\\''")) }
}

/// A decision as it is recorded, secrets masked.
pub(crate) fn recorded_decision(
    request: &Request,
    intent: &Intent,
    decision: &Decision,
    mask: &Redactor,
) -> record::Decision {
    record::Decision {
        request: record::Request::of(request, mask),
        request_digest: decision.request().to_string(),
        verdict: match decision.verdict() {
            Verdict::Allow(_) => record::Verdict::Allow,
            Verdict::Ask(..) => record::Verdict::Ask,
            Verdict::Deny => record::Verdict::Deny,
        },
        would: decision.would().and_then(record::Would::parse),
        level: decision.risk().level(),
        score: decision.risk().score(),
        reversibility: intent.reversibility(),
        coverage: decision.coverage().into(),
        operations: record::Operation::all(intent, mask),
        unknowns: record::Unknown::all(decision.coverage(), mask),
        factors: decision.risk().factors.iter().map(|it| record::Factor::of(it, mask)).collect(),
        reasons: decision.reasons().iter().map(|it| mask.redact(&it.to_string())).collect(),
        rules: decision.rules().to_vec(),
        policy: decision.policy().to_string(),
    }
}

/// A hold as people see it, with similar approvals.
pub(crate) fn shown(
    daemon: &Daemon,
    id: &str,
    context: &RequestContext,
    decision: &Decision,
    quorum: &Quorum,
    expires_at_ms: u64,
) -> HoldView {
    let text = daemon.redactor.text(&asked(&context.request.act));
    let nearest = daemon.nearest.to(context.request.agent.as_str(), &text);
    let asked_before =
        daemon.questions.before(context.request.agent.as_str(), &text, cwd(context, &daemon.redactor).as_deref());
    let view = hold_view(id, context, decision, quorum, expires_at_ms, nearest, &daemon.redactor);
    HoldView { asked_before, ..view }
}

fn cwd(context: &RequestContext, redactor: &Redactor) -> Option<String> {
    context.cwd().map(|cwd| redactor.text(cwd))
}

fn above(it: &model::Delegator) -> protocol::DelegatorView {
    protocol::DelegatorView { agent: it.agent.to_string(), owner: it.owner.to_string() }
}

fn hold_view(
    id: &str,
    context: &RequestContext,
    decision: &Decision,
    quorum: &Quorum,
    expires_at_ms: u64,
    nearest: Option<String>,
    redactor: &Redactor,
) -> HoldView {
    let (request, intent) = (&context.request, &context.read.intent);
    let unknowns = match decision.coverage() {
        Coverage::Full => Vec::new(),
        Coverage::Partial(parts) => {
            parts.iter().map(|part| redactor.text(&format!("{}: {}", part.text, part.why))).collect()
        }
    };
    HoldView {
        id: id.to_owned(),
        request: decision.request().to_string(),
        agent: request.agent.to_string(),
        owner: request.owner.to_string(),
        above: request.chain.iter().map(above).collect(),
        session: request.session.to_string(),
        host: request.host.clone(),
        cwd: cwd(context, redactor),
        asked: redactor.text(&asked(&request.act)),
        tool: tool(&request.act).map(|name| redactor.text(name)),
        beside: beside(&request.act, redactor),
        pieces: pieces(&request.act, intent, redactor),
        flows: flows(intent, redactor),
        unknowns,
        reasons: decision.reasons().iter().map(|reason| redactor.text(&reason.to_string())).collect(),
        level: decision.risk().level().as_str().to_owned(),
        score: decision.risk().score(),
        factors: decision
            .risk()
            .factors
            .iter()
            .map(|it| protocol::Factor { name: it.name.to_owned(), points: it.points, why: redactor.text(&it.why) })
            .collect(),
        reversibility: intent.reversibility().as_str().to_owned(),
        coverage: decision.coverage().as_str().to_owned(),
        intent: request.claims.intent.as_ref().map(|it| redactor.text(it)),
        task: request.claims.task.as_ref().map(|it| redactor.text(it)),
        uid: request.seen.uid,
        expires_at_ms,
        needed: usize::from(quorum.people),
        who: quorum.words(),
        agreed: Vec::new(),
        assurance: quorum.assurance.as_str().to_owned(),
        policy: decision.policy().to_string(),
        nearest,
        group: group_of(request, decision),
        asked_before: None,
        handed: Vec::new(),
    }
}

/// What is asked, piece by piece. A shell that does nothing but run all of the others is no further piece: it is the request as a whole.
fn pieces(act: &Act, intent: &Intent, redactor: &Redactor) -> Vec<PieceView> {
    let whole = match act {
        Act::Exec(exec) => {
            Some(exec.argv.iter().map(|word| String::from_utf8_lossy(word.as_bytes())).collect::<Vec<_>>().join(" "))
        }
        Act::Tool(_) => None,
    };
    let is_frame = |it: &Segment| {
        it.operations.is_empty()
            && it.unknowns.is_empty()
            && it.wrappers.is_empty()
            && whole.as_ref().is_some_and(|whole| it.line() == *whole)
    };
    let frames = intent.segments.iter().filter(|it| is_frame(it)).count();
    let framed = frames == 1
        && intent.segments.iter().all(|it| is_frame(it) || !it.wrappers.is_empty())
        && intent.segments.len() > 1;
    let shown = intent.segments.iter().filter(|it| !framed || !is_frame(it));
    shown.map(|it| piece(it, usize::from(framed), redactor)).collect()
}

/// One piece, without so many of the outermost of what it is inside.
fn piece(segment: &Segment, without: usize, redactor: &Redactor) -> PieceView {
    let effect = |it: &Operation| EffectView {
        words: redactor.text(&it.to_string()),
        category: it.category.as_str().to_owned(),
        undo: it.reversibility.as_str().to_owned(),
    };
    let unknown = |it: &model::Unknown| UnknownView { text: redactor.text(&it.text), why: redactor.text(&it.why) };
    PieceView {
        line: redactor.text(&segment.line()),
        inside: segment.wrappers.iter().skip(without).map(|it| redactor.text(it)).collect(),
        effects: segment.operations.iter().map(effect).collect(),
        unknowns: segment.unknowns.iter().map(unknown).collect(),
    }
}

/// What goes from one place into another, each pair once.
fn flows(intent: &Intent, redactor: &Redactor) -> Vec<String> {
    let mut out = Vec::new();
    for flow in &intent.flows {
        let line = redactor.text(&format!("{} → {}", flow.from.text(), flow.into.text()));
        if !out.contains(&line) {
            out.push(line);
        }
    }
    out
}

/// What is held only for the agent's speed is one matter for people, however many acts it is.
fn group_of(request: &Request, decision: &Decision) -> Option<String> {
    let speed = |reason: &pdp::Reason| reason.source == pdp::Source::Factor("velocity");
    if decision.reasons().iter().all(speed) {
        return Some(format!("velocity {}", request.agent));
    }
    // The same act asked for several times is one matter, too.
    Some(format!("{SAME}{} {}", request.agent, request.act.digest()))
}
