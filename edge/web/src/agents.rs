//! Agents over the network: the words of the agents' socket, carried. A WebSocket is one conversation with `countersignd`, and the
//! lease of all permits in it: they end with it. A request by HTTP does not wait: it gets a decision, or a ticket to ask again with.
//!
//! The key that an agent sends is checked by `countersignd`; there are no sessions here, and no page of a browser is let in.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use model::Digest;
use protocol::{AgentReply, AgentRequest, MAX_AGENT_FRAME};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::Gate;
use crate::daemon_connection::DaemonConnection;
use crate::idempotency;
use crate::problem::Problem;

/// Timeout for a decision that needs no reviewers.
const PATIENCE: Duration = Duration::from_secs(20);

/// Maximum silence on an agent's WebSocket.
const IDLE: Duration = Duration::from_secs(300);

/// The longest wait for people in one request, in seconds: below what proxies and clients allow.
const LONGEST_WAIT_S: u64 = 50;

/// What an agent asks.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct ActRequest {
    /// The session, as the agent names it.
    session: String,
    /// The act, as `api/openapi.json` says.
    #[serde(deserialize_with = "model::unambiguous::deserialize")]
    act: Value,
    /// Why, in the agent's words.
    #[serde(default)]
    intent: Option<String>,
    /// A ticket or task.
    #[serde(default)]
    task: Option<String>,
}

#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Waiting {
    /// How long to wait for people, in seconds.
    #[serde(default)]
    wait: u64,
}

/// The agent's key.
fn key(headers: &HeaderMap) -> Result<String, Problem> {
    let text = headers.get("authorization").and_then(|it| it.to_str().ok());
    let key = text.and_then(|it| it.strip_prefix("Bearer ")).map(str::trim).filter(|it| it.starts_with("csk_"));
    key.map(str::to_owned).ok_or_else(|| Problem::signed_out("say `Authorization: Bearer csk_…`".to_owned()))
}

/// One conversation of an agent with the daemon.
struct AgentConnection(DaemonConnection);

impl AgentConnection {
    async fn open(gate: &Gate) -> Result<Self, Problem> {
        DaemonConnection::open(&gate.agents).await.map(Self).map_err(Problem::away)
    }

    async fn say(&mut self, message: &AgentRequest) -> Result<(), Problem> {
        let frame = protocol::encode(message, MAX_AGENT_FRAME).map_err(|why| Problem::malformed(&why.to_string()))?;
        self.0.send(&frame).await.map_err(Problem::away)
    }

    async fn hear(&mut self) -> Result<AgentReply, Problem> {
        self.0.hear(MAX_AGENT_FRAME).await.map_err(Problem::away)
    }
}

/// Asks for a decision. An allow spends the permit: the agent acts by itself.
pub(crate) async fn request(
    State(gate): State<Arc<Gate>>,
    headers: HeaderMap,
    Query(Waiting { wait }): Query<Waiting>,
    Json(wanted): Json<ActRequest>,
) -> Result<Json<Value>, Problem> {
    let key = key(&headers)?;
    let wait = Duration::from_secs(wait.min(LONGEST_WAIT_S));
    let Some(name) = idempotency::key(&headers)? else { return answer(&gate, &key, &wanted, wait).await.map(Json) };
    let whose = match ask(&gate, &AgentRequest::Standing { key: key.clone() }).await? {
        AgentReply::Standing { agent, epoch } => (agent, epoch),
        other => return of(other).map(Json),
    };
    let asked = Digest::of_bytes(&serde_json::to_vec(&wanted).unwrap_or_default());
    let place = gate.answers.place(whose, name, asked, wait.saturating_add(PATIENCE)).await?;
    if let Some(answer) = place.answered() {
        return Ok(Json(answer));
    }
    // In a task of its own: it is decided and kept even if the client is gone, and asks again.
    let deciding = tokio::spawn(async move {
        let answer = answer(&gate, &key, &wanted, wait).await?;
        // What is not decided is not kept: the same key asks again.
        if answer.get("verdict").and_then(Value::as_str) != Some("held") {
            gate.answers.keep(place, &answer);
        }
        Ok(Json(answer))
    });
    deciding.await.map_err(|_| Problem::away("the request was not decided; ask again".to_owned()))?
}

/// Asks, and waits so long for people.
async fn answer(gate: &Gate, key: &str, wanted: &ActRequest, wait: Duration) -> Result<Value, Problem> {
    let until = Instant::now().checked_add(wait);
    let mut changes = gate.holds.subscribe().1;
    loop {
        let heard = decide(gate, key, wanted).await?;
        let AgentReply::Parked { hold, expires_at_ms, reasons } = heard else { return of(heard) };
        let left = until.map_or(Duration::ZERO, |until| until.saturating_duration_since(Instant::now()));
        let parked = json!({"verdict": "held", "ticket": hold, "expires_at_ms": expires_at_ms, "reasons": reasons});
        // Whatever changes of holds may be this one; looking again is one question to the daemon, which the ticket answers.
        let is_gone = async {
            while let Ok(change) = changes.recv().await {
                if change.data.contains(&hold) {
                    return;
                }
            }
        };
        if left.is_zero() || timeout(left, is_gone).await.is_err() {
            return Ok(parked);
        }
    }
}

async fn decide(gate: &Gate, key: &str, wanted: &ActRequest) -> Result<AgentReply, Problem> {
    let ActRequest { session, act, intent, task } = wanted.clone();
    let submit = AgentRequest::Submit {
        key: key.to_owned(),
        session,
        act,
        intent,
        task,
        search_path: None,
        hands_over: true,
        park: true,
    };
    ask(gate, &submit).await
}

/// One question, and its first answer.
async fn ask(gate: &Gate, question: &AgentRequest) -> Result<AgentReply, Problem> {
    let mut line = AgentConnection::open(gate).await?;
    line.say(question).await?;
    timeout(PATIENCE, line.hear()).await.map_err(|_| Problem::away("countersignd takes too long".to_owned()))?
}

fn of(heard: AgentReply) -> Result<Value, Problem> {
    Ok(match heard {
        AgentReply::Allow { permit, request, reasons, .. } => {
            json!({"verdict": "allow", "request": request, "reasons": reasons,
            "permit": {"text": permit.text, "signature": permit.signature}})
        }
        AgentReply::Deny { refusal, reasons } => json!({"verdict": "deny", "refusal": refusal, "reasons": reasons}),
        AgentReply::Held { .. }
        | AgentReply::Parked { .. }
        | AgentReply::Standing { .. }
        | AgentReply::Spent
        | AgentReply::Noted => {
            return Err(Problem::away(
                "unexpected reply from `countersignd`; all programs must be of the same release".to_owned(),
            ));
        }
    })
}

/// A conversation: JSON messages, as on the agents' socket, but that `submit` has no key.
pub(crate) async fn socket(
    State(gate): State<Arc<Gate>>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Result<Response, Problem> {
    let key = key(&headers)?;
    let line = AgentConnection::open(&gate).await?;
    let upgrade = upgrade.max_message_size(MAX_AGENT_FRAME).max_frame_size(MAX_AGENT_FRAME);
    Ok(upgrade.on_upgrade(move |socket| converse(socket, line, key)).into_response())
}

/// The message to an agent without a request: the daemon ended the connection.
const ENDED: &str = r#"{"say":"ended","why":"people stopped this agent, it was silent for too long, or the daemon is gone: end what runs"}"#;

/// Carries, until either side ends it. Order is kept. The daemon sends only replies, except that a hold has two.
async fn converse(mut socket: WebSocket, mut line: AgentConnection, key: String) {
    loop {
        let said = tokio::select! {
            said = timeout(IDLE, socket.recv()) => said,
            () = line.0.stirs() => {
                let _ = socket.send(Message::Text(ENDED.into())).await;
                return;
            }
        };
        let text = match said {
            Ok(Some(Ok(Message::Text(text)))) => text,
            Ok(Some(Ok(Message::Ping(_) | Message::Pong(_)))) => continue,
            Ok(Some(Ok(Message::Binary(_) | Message::Close(_)) | Err(_)) | None) | Err(_) => return,
        };
        let say = match with_key(text.as_str(), &key) {
            Ok(say) => say,
            Err(why) => {
                let problem = json!({"say": "malformed", "why": why}).to_string();
                let _ = socket.send(Message::Text(problem.into())).await;
                return;
            }
        };
        if line.say(&say).await.is_err() {
            return;
        }
        loop {
            // A client that leaves while a hold is open ends it: the daemon sees the connection end with us.
            let Some(heard) = hear_while_there(&mut socket, &mut line).await else { return };
            let is_held = matches!(heard, AgentReply::Held { .. });
            let text = serde_json::to_string(&heard).unwrap_or_default();
            if socket.send(Message::Text(text.into())).await.is_err() {
                return;
            }
            if !is_held {
                break;
            }
        }
    }
}

/// The daemon's reply, unless the agent leaves first, or sends out of turn.
async fn hear_while_there(socket: &mut WebSocket, line: &mut AgentConnection) -> Option<AgentReply> {
    // Begun once: a frame that was read by half is not begun again.
    let mut hear = std::pin::pin!(line.hear());
    loop {
        tokio::select! {
            heard = &mut hear => return heard.ok(),
            said = socket.recv() => match said {
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(Message::Text(_) | Message::Binary(_) | Message::Close(_)) | Err(_)) | None => return None,
            },
        }
    }
}

/// A message of an agent, with the key that it came with.
fn with_key(text: &str, key: &str) -> Result<AgentRequest, String> {
    let mut value = model::unambiguous::parse(text.as_bytes()).map_err(|why| why.to_string())?;
    let map = value.as_object_mut().ok_or("a message is an object")?;
    // The gate's own question: whose key this is.
    if map.get("say").and_then(Value::as_str) == Some("standing") {
        return Err("`standing` is not a message of this connection".to_owned());
    }
    if map.get("say").and_then(Value::as_str) == Some("submit") {
        if map.contains_key("key") {
            return Err("the key goes into the header `Authorization`".to_owned());
        }
        map.insert("key".to_owned(), Value::String(key.to_owned()));
        map.entry("hands_over").or_insert(Value::Bool(false));
        for name in ["intent", "task", "search_path"] {
            map.entry(name).or_insert(Value::Null);
        }
    }
    serde_json::from_value(value).map_err(|why| why.to_string())
}
