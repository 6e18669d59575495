//! Signing in, enrolment, invitations.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use protocol::{
    EnrolmentAuthority, NewFactor, OperatorReply, OperatorRequest, Password, PushTarget, ReviewerAttributes,
};
use qrcode::{Color, QrCode};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::Gate;
use crate::problem::Problem;
use crate::proof::Given;
use crate::routes::Answered;
use crate::session_extractor::{COOKIE, SignedIn, Token, ask, done, unexpected};

#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct SignIn {
    name: String,
    #[serde(default)]
    proof: Given,
}

/// Signs a person in.
pub(crate) async fn sign_in(State(gate): State<Arc<Gate>>, Json(given): Json<SignIn>) -> Result<Response, Problem> {
    let by = given.proof.named(given.name)?;
    match ask(&gate, OperatorRequest::SignIn { by }).await? {
        OperatorReply::SignedIn { token } => {
            Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, gate.cookie(&token))]).into_response())
        }
        OperatorReply::Refused { why } => Err(Problem::signed_out(why)),
        other => Err(unexpected(&other)),
    }
}

#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct NewPassword {
    /// At least twelve characters.
    password: Password,
    /// A code, and the old password where there is one.
    proof: Given,
}

/// A signed-in person changes their password. All their sessions end, and this page gets a new one.
pub(crate) async fn password(
    State(gate): State<Arc<Gate>>,
    signed_in: SignedIn,
    Json(given): Json<NewPassword>,
) -> Result<Response, Problem> {
    let by = given.proof.named(signed_in.who.name)?;
    match done(&gate, OperatorRequest::SetPassword { password: given.password, by }).await? {
        OperatorReply::SignedIn { token } => {
            Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, gate.cookie(&token))]).into_response())
        }
        other => Err(unexpected(&other)),
    }
}

/// Signs a person out.
pub(crate) async fn sign_out(State(gate): State<Arc<Gate>>, signed_in: SignedIn) -> Result<Response, Problem> {
    done(&gate, OperatorRequest::SignOut { token: signed_in.token.0 }).await?;
    let cookie = format!("{COOKIE}=; HttpOnly; SameSite=Strict; Path=/; Max-Age=0");
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie)]).into_response())
}

/// Who is signed in.
pub(crate) async fn session(signed_in: SignedIn) -> Answered {
    Ok(Json(serde_json::to_value(signed_in.who).unwrap_or_default()))
}

/// Something fresh for a passkey.
pub(crate) async fn challenge(State(gate): State<Arc<Gate>>) -> Answered {
    match done(&gate, OperatorRequest::Challenge).await? {
        OperatorReply::Challenge { nonce, site } => Ok(Json(json!({"nonce": nonce, "site": site}))),
        other => Err(unexpected(&other)),
    }
}

#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Begin {
    Invite { token: String, name: Option<String> },
    Recovery { name: String, code: String },
    Own { name: String, proof: Given },
}

/// Begins the enrolment of a factor.
pub(crate) async fn begin(State(gate): State<Arc<Gate>>, Json(given): Json<Begin>) -> Answered {
    let who = match given {
        Begin::Invite { token, name } => EnrolmentAuthority::Invite { token, name },
        Begin::Recovery { name, code } => EnrolmentAuthority::Recovery { name, code },
        Begin::Own { name, proof } => EnrolmentAuthority::Own { by: proof.named(name)? },
    };
    match done(&gate, OperatorRequest::BeginEnrolment { who }).await? {
        OperatorReply::Enrolment { ticket, name, role, totp_uri, challenge, site, takes_password } => {
            let qr = qr(&totp_uri).ok_or_else(|| Problem::away("the QR code could not be drawn".to_owned()))?;
            Ok(Json(json!({"ticket": ticket, "name": name, "role": role, "totp_uri": totp_uri, "qr": qr,
                "challenge": challenge, "site": site, "takes_password": takes_password})))
        }
        other => Err(unexpected(&other)),
    }
}

/// The modules of a QR code, a row a text of `#` and `.`.
fn qr(text: &str) -> Option<Vec<String>> {
    let code = QrCode::new(text).ok()?;
    let word = |module: &Color| if *module == Color::Dark { '#' } else { '.' };
    Some(code.to_colors().chunks(code.width()).map(|row| row.iter().map(word).collect()).collect())
}

#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Finish {
    ticket: String,
    code: Option<String>,
    passkey: Option<Made>,
    /// With the first code of a person without a factor: the chosen password.
    password: Option<Password>,
}

#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct Made {
    client_data: String,
    authenticator_data: String,
    label: String,
}

/// Finishes the enrolment of a factor.
pub(crate) async fn finish(State(gate): State<Arc<Gate>>, Json(given): Json<Finish>) -> Result<Response, Problem> {
    let factor = match (given.code, given.passkey) {
        (Some(code), None) => NewFactor::Totp(code),
        (None, Some(Made { client_data, authenticator_data, label })) => {
            NewFactor::Passkey { client_data, authenticator_data, label }
        }
        (Some(_), Some(_)) | (None, None) => return Err(Problem::malformed("give `code` or `passkey`")),
    };
    match done(&gate, OperatorRequest::FinishEnrolment { ticket: given.ticket, factor, password: given.password })
        .await?
    {
        OperatorReply::Enrolled { name, recovery, token } => {
            let body = Json(json!({"name": name, "recovery": recovery}));
            Ok(([(header::SET_COOKIE, gate.cookie(&token))], body).into_response())
        }
        other => Err(unexpected(&other)),
    }
}

#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Invite {
    name: String,
    role: String,
    #[serde(default)]
    groups: Vec<String>,
    proof: Given,
}

/// An operator invites a person; returns the link's token.
pub(crate) async fn invite(State(gate): State<Arc<Gate>>, signed_in: SignedIn, Json(given): Json<Invite>) -> Answered {
    let place = ReviewerAttributes { role: given.role, groups: given.groups };
    let by = Some(given.proof.named(signed_in.who.name)?);
    match done(&gate, OperatorRequest::Invite { name: Some(given.name), place, by }).await? {
        OperatorReply::Invited { token, expires_at_ms } => {
            Ok(Json(json!({"token": token, "expires_at_ms": expires_at_ms})))
        }
        other => Err(unexpected(&other)),
    }
}

/// Everybody.
pub(crate) async fn people(State(gate): State<Arc<Gate>>, _who: SignedIn) -> Answered {
    match done(&gate, OperatorRequest::Reviewers).await? {
        OperatorReply::Reviewers { reviewers } => {
            Ok(Json::<Value>(serde_json::to_value(reviewers).unwrap_or_default()))
        }
        other => Err(unexpected(&other)),
    }
}

/// The key that a browser needs for notices on this device; none where they are not set up.
pub(crate) async fn push_key(State(gate): State<Arc<Gate>>, _who: SignedIn) -> Answered {
    let key = tokio::task::block_in_place(|| std::fs::read_to_string(&gate.push_key)).ok();
    Ok(Json(json!({"key": key})))
}

/// A device, and whether it is notified.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Device {
    /// The address at its push service.
    endpoint: String,
    /// Its key, base64url.
    p256dh: String,
    /// Its secret, base64url.
    auth: String,
    /// Whether it is notified from now on.
    on: bool,
}

/// Turn notifications on a device on or off.
pub(crate) async fn push(State(gate): State<Arc<Gate>>, token: Token, Json(device): Json<Device>) -> Answered {
    let Device { endpoint, p256dh, auth, on } = device;
    let target = PushTarget { reviewer: String::new(), endpoint, p256dh, auth };
    match done(&gate, OperatorRequest::Push { token: token.0, target, on }).await? {
        OperatorReply::Done { what } => Ok(Json(json!({"what": what}))),
        other => Err(unexpected(&other)),
    }
}
