//! How things are, for people and for Prometheus: what the daemon says, and what only the gate knows.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use protocol::{Metric, OperatorReply, OperatorRequest, Status};
use serde::Serialize;

use crate::Gate;
use crate::problem::Problem;
use crate::session_extractor::{SignedIn, done, unexpected};
use crate::tls::Life;

/// The state of the gate and the daemon.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct Health {
    #[serde(flatten)]
    status: Status,
    /// When the page's certificate ends, in seconds since 1970; nothing without TLS.
    certificate_until_s: Option<u64>,
}

/// `GET /v1/status`.
pub(crate) async fn status(State(gate): State<Arc<Gate>>, _who: SignedIn) -> Result<Json<Health>, Problem> {
    match done(&gate, OperatorRequest::Status).await? {
        OperatorReply::Status(status) => {
            Ok(Json(Health { status, certificate_until_s: gate.life().map(|it| it.until_s) }))
        }
        other => Err(unexpected(&other)),
    }
}

/// Numbers for Prometheus (text format 0.0.4). They name no person.
pub(crate) async fn metrics(State(gate): State<Arc<Gate>>) -> Result<Response, Problem> {
    let OperatorReply::Metrics { mut metrics } = done(&gate, OperatorRequest::Metrics).await? else {
        return Err(Problem::away(
            "unexpected reply from `countersignd`; all programs must be of the same release".to_owned(),
        ));
    };
    if let Some(life) = gate.life() {
        metrics.extend(certificate(life));
    }
    let mut out = String::new();
    let mut said = BTreeSet::new();
    for Metric { name, kind, help, labels, value } in metrics {
        let family = if kind == "histogram" { name.rsplit_once('_').map_or(name.as_str(), |it| it.0) } else { &name };
        if said.insert(family.to_owned()) {
            out.push_str(&format!("# HELP {family} {help}\n# TYPE {family} {kind}\n"));
        }
        let labels = if labels.is_empty() { labels } else { format!("{{{labels}}}") };
        out.push_str(&format!("{name}{labels} {value}\n"));
    }
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], out).into_response())
}

/// How long the page's certificate is good.
fn certificate(life: Life) -> [Metric; 2] {
    let gauge = |name: &str, help: &str, at_s: u64| Metric {
        name: format!("countersign_certificate_{name}_timestamp_seconds"),
        kind: "gauge".to_owned(),
        help: help.to_owned(),
        labels: String::new(),
        // Until 2106.
        value: f64::from(u32::try_from(at_s).unwrap_or(u32::MAX)),
    };
    [
        gauge("begin", "From when on the page's certificate is good.", life.from_s),
        gauge("expiry", "When the page's certificate ends.", life.until_s),
    ]
}

impl Gate {
    /// How long the page's certificate is good; nothing without TLS, or while there is none yet.
    fn life(&self) -> Option<Life> {
        self.tls.as_ref()?.life()
    }
}
