//! The interface under `/v1`.

use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router, middleware};
use protocol::{OperatorReply, OperatorRequest, RuleWish};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::problem::Problem;
use crate::proof::Given;
use crate::session_extractor::{SignedIn, Token, done, unexpected};
use crate::{
    Gate, agent_activity, agents, assets, auth_routes, chat_webhooks, csrf, events, health, oidc_login, record,
};

/// The most that a request may hold, in bytes.
const MAX_BODY: usize = 256 * 1024;

/// A JSON answer, or a problem.
pub(crate) type Answered = Result<Json<Value>, Problem>;

pub(crate) fn router(gate: Arc<Gate>) -> Router {
    let interface = Router::new()
        .route("/health", get(health))
        .route("/session", get(auth_routes::session).post(auth_routes::sign_in).delete(auth_routes::sign_out))
        .route("/session/password", post(auth_routes::password))
        .route("/holds", get(holds))
        .route("/holds/{id}", get(hold))
        .route("/holds/{id}/answer", post(answer))
        .route("/holds/{id}/hand-over", post(hand_over))
        .route("/holds/{id}/rules", get(candidates))
        .route("/events", get(changes))
        .route("/records", get(record::records))
        .route("/records/verify", post(record::verify))
        .route("/requests/{digest}", get(record::story))
        .route("/reports", get(record::figures))
        .route("/sessions", get(agent_activity::now))
        .route("/sessions/live", get(agent_activity::live))
        .route("/recordings", get(record::recordings))
        .route("/recordings/{id}/cast", get(record::cast))
        .route("/recordings/{id}/live", get(record::live))
        .route("/agent/requests", post(agents::request))
        .route("/agent/socket", get(agents::socket))
        .route("/stop", post(stop))
        .route("/channels/slack", post(chat_webhooks::slack))
        .route("/channels/teams", post(chat_webhooks::teams))
        .route("/status", get(health::status))
        .route("/rules", get(rules))
        .route("/agents", get(all_agents))
        .route("/people", get(auth_routes::people))
        .route("/push", get(auth_routes::push_key).post(auth_routes::push))
        .route("/sign-on", get(oidc_login::offered))
        .route("/sign-on/begin", get(oidc_login::begin))
        .route("/sign-on/callback", get(oidc_login::back))
        .route("/challenge", post(auth_routes::challenge))
        .route("/enrolment", post(auth_routes::begin))
        .route("/enrolment/finish", post(auth_routes::finish))
        .route("/invites", post(auth_routes::invite))
        .fallback(|| async { Problem::nothing("there is no such thing under /v1") });
    Router::new()
        .nest("/v1", interface)
        .route("/metrics", get(health::metrics))
        .fallback(get(assets::file))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(middleware::from_fn_with_state(Arc::clone(&gate), csrf::guard))
        .with_state(gate)
}

/// Whether the gate and the daemon answer. Reveals nothing else without a session.
async fn health(State(gate): State<Arc<Gate>>) -> Answered {
    let is_up = gate.holds.is_up();
    if is_up { Ok(Json(json!({"ok": true}))) } else { Err(Problem::away("countersignd does not answer".to_owned())) }
}

async fn holds(State(gate): State<Arc<Gate>>, _who: SignedIn) -> Answered {
    match done(&gate, OperatorRequest::Holds { follow: false }).await? {
        OperatorReply::Holds { holds } => Ok(Json(serde_json::to_value(holds).unwrap_or_default())),
        other => Err(unexpected(&other)),
    }
}

async fn hold(State(gate): State<Arc<Gate>>, _who: SignedIn, Path(id): Path<String>) -> Answered {
    let gone = || Problem::nothing("there is no such open hold; it was decided, or its time is over");
    match done(&gate, OperatorRequest::Holds { follow: false }).await? {
        OperatorReply::Holds { holds } => {
            let found = holds.into_iter().find(|hold| hold.id == id).ok_or_else(gone)?;
            Ok(Json(serde_json::to_value(found).unwrap_or_default()))
        }
        other => Err(unexpected(&other)),
    }
}

/// An answer to a hold, with a proof for this answer.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Answer {
    /// `approve`, `deny`, or `ask`: a denial for now, with a question to the agent.
    said: String,
    #[serde(default)]
    proof: Given,
    /// With an approval: a rule that is made from it.
    rule: Option<Wish>,
    /// With a denial: the message to the agent. With a question: the question.
    reason: Option<String>,
    /// Others that the same proof answers: an approval covers identical holds, a denial any of the same agent.
    #[serde(default)]
    also: Vec<String>,
}

#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Wish {
    text: String,
    reason: String,
}

async fn answer(
    State(gate): State<Arc<Gate>>,
    token: Token,
    Path(hold): Path<String>,
    Json(given): Json<Answer>,
) -> Answered {
    let Answer { said, proof, rule, reason, also } = given;
    // The daemon looks whose session it is, and answers for that person alone.
    let by = proof.answering(&token)?;
    let rule = rule.map(|Wish { text, reason }| RuleWish { text, reason, by: None });
    let say = OperatorRequest::Answer { hold, said, by, session: Some(token.0), also, rule, reason };
    match done(&gate, say).await? {
        OperatorReply::Answered { state, agreed, needed, also } => {
            Ok(Json(json!({"state": state, "agreed": agreed, "needed": needed, "also": also})))
        }
        OperatorReply::Done { what } => Ok(Json(json!({"what": what}))),
        other => Err(unexpected(&other)),
    }
}

/// To whom a hold is given.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct HandOver {
    /// The receiving reviewer.
    to: String,
    /// What they should know.
    note: Option<String>,
}

async fn hand_over(
    State(gate): State<Arc<Gate>>,
    token: Token,
    Path(hold): Path<String>,
    Json(HandOver { to, note }): Json<HandOver>,
) -> Answered {
    match done(&gate, OperatorRequest::HandOver { token: token.0, hold, to, note }).await? {
        OperatorReply::Done { what } => Ok(Json(json!({"what": what}))),
        other => Err(unexpected(&other)),
    }
}

async fn candidates(State(gate): State<Arc<Gate>>, _who: SignedIn, Path(hold): Path<String>) -> Answered {
    match done(&gate, OperatorRequest::Candidates { hold }).await? {
        OperatorReply::Candidates { candidates, none } => Ok(Json(json!({"candidates": candidates, "none": none}))),
        other => Err(unexpected(&other)),
    }
}

async fn changes(State(gate): State<Arc<Gate>>, signed_in: SignedIn) -> Response {
    events::stream(gate, signed_in.token).into_response()
}

/// What is stopped: an agent, a session of it, or everything.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Stop {
    agent: Option<String>,
    session: Option<String>,
}

async fn stop(State(gate): State<Arc<Gate>>, by: SignedIn, Json(Stop { agent, session }): Json<Stop>) -> Answered {
    match done(&gate, OperatorRequest::Stop { token: by.token.0, agent, session }).await? {
        OperatorReply::Done { what } => Ok(Json(json!({"what": what}))),
        other => Err(unexpected(&other)),
    }
}

async fn rules(State(gate): State<Arc<Gate>>, _who: SignedIn) -> Answered {
    match done(&gate, OperatorRequest::Rules).await? {
        OperatorReply::Rules { rules, policy, mode, refused } => {
            Ok(Json(json!({"rules": rules, "policy": policy, "mode": mode, "refused": refused})))
        }
        other => Err(unexpected(&other)),
    }
}

async fn all_agents(State(gate): State<Arc<Gate>>, _who: SignedIn) -> Answered {
    match done(&gate, OperatorRequest::Agents).await? {
        OperatorReply::Agents { agents } => Ok(Json(serde_json::to_value(agents).unwrap_or_default())),
        other => Err(unexpected(&other)),
    }
}
