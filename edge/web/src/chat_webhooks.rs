//! Answers in chat, as they come: carried to `countersignd`, which checks the signatures of Slack and Teams.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use protocol::{OperatorReply, OperatorRequest};
use serde_json::json;

use crate::Gate;
use crate::problem::Problem;
use crate::routes::Answered;
use crate::session_extractor::{ask, unexpected};

/// The paths, which take requests from elsewhere: signatures stand for what other requests are looked at for.
pub(crate) const SIGNED: [&str; 2] = ["/v1/channels/slack", "/v1/channels/teams"];

/// A click in Slack.
pub(crate) async fn slack(State(gate): State<Arc<Gate>>, headers: HeaderMap, body: Bytes) -> Answered {
    let text = |name: &str| headers.get(name).and_then(|it| it.to_str().ok()).unwrap_or("").to_owned();
    let (at, signature) = (text("x-slack-request-timestamp"), text("x-slack-signature"));
    let body = String::from_utf8(body.to_vec()).map_err(|_| Problem::malformed("this is no text"))?;
    match ask(&gate, OperatorRequest::SlackClick { at, signature, body }).await? {
        OperatorReply::Answered { state, agreed, needed, .. } => {
            let text = match state.as_str() {
                "open" => format!("Your answer counts: {agreed} of at least {needed} agreed."),
                other => format!("It is {other}."),
            };
            Ok(Json(json!({"response_type": "ephemeral", "replace_original": false, "text": text})))
        }
        OperatorReply::Refused { why } => Err(Problem::refused(why)),
        other => Err(unexpected(&other)),
    }
}

/// A message in Teams. Its author reads the answer below it.
pub(crate) async fn teams(State(gate): State<Arc<Gate>>, headers: HeaderMap, body: Bytes) -> Answered {
    let authorization = headers.get(AUTHORIZATION).and_then(|it| it.to_str().ok()).unwrap_or("").to_owned();
    let body = String::from_utf8(body.to_vec()).map_err(|_| Problem::malformed("this is no text"))?;
    match ask(&gate, OperatorRequest::TeamsMessage { authorization, body }).await? {
        OperatorReply::Done { what } => Ok(Json(json!({"type": "message", "text": what}))),
        OperatorReply::Refused { why } => Err(Problem::refused(why)),
        other => Err(unexpected(&other)),
    }
}
