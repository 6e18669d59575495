//! The description of the interface: OpenAPI 3.1, made of the types that the routes read and write. `api/openapi.json` is this.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

use crate::problem::Problem;
use crate::session_extractor::Who;
use crate::{agents, auth_routes, health, oidc_login, record, routes};

/// Who may ask.
#[derive(Clone, Copy)]
enum By {
    /// Everybody.
    All,
    /// People who are signed in: the cookie.
    Session,
    /// Agents: their key.
    Agent,
    /// Slack and Teams: a signature over the whole.
    Signed,
}

/// What comes back with status 200.
enum Back {
    /// Nothing: status 204.
    Nothing,
    /// JSON of a schema.
    Json(Value),
    /// Something else, by media type.
    Other(&'static str),
    /// Somewhere else: status 303.
    Elsewhere,
}

struct Describe {
    schemas: SchemaGenerator,
    paths: Map<String, Value>,
}

impl Describe {
    fn schema<T: JsonSchema>(&mut self) -> Value {
        serde_json::to_value(self.schemas.subschema_for::<T>()).unwrap_or_default()
    }

    fn add(&mut self, (method, path): (&str, &str), by: By, summary: &str, body: Option<Value>, back: Back) {
        let mut of: Vec<Value> = path
            .split('/')
            .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
            .map(|name| json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}}))
            .collect();
        let mut responses = Map::new();
        let (status, content) = match back {
            Back::Nothing => ("204", None),
            Back::Elsewhere => ("303", None),
            Back::Json(schema) => ("200", Some(json!({"application/json": {"schema": schema}}))),
            Back::Other(kind) => ("200", Some(json!({kind: {"schema": {"type": "string"}}}))),
        };
        let mut good = json!({"description": "It was done."});
        if let (Some(content), Some(good)) = (content, good.as_object_mut()) {
            good.insert("content".to_owned(), content);
        }
        responses.insert(status.to_owned(), good);
        let problem = self.schema::<Problem>();
        responses.insert(
            "default".to_owned(),
            json!({"description": "What went wrong (RFC 9457).", "content": {"application/problem+json": {"schema": problem}}}),
        );
        let security = match by {
            By::All | By::Signed => json!([]),
            By::Session => json!([{"session": []}]),
            By::Agent => json!([{"agent": []}]),
        };
        let mut operation = json!({"summary": summary, "security": security, "responses": responses,
            "operationId": format!("{method}{}", path.replace(['/', '{', '}'], "_"))});
        if let Some(map) = operation.as_object_mut() {
            match (body, by) {
                (Some(query), _) if method == "get" => of.extend(parameters(&query, self)),
                (Some(schema), By::Signed) if path.ends_with("/slack") => {
                    let content = json!({"application/x-www-form-urlencoded": {"schema": schema}});
                    map.insert("requestBody".to_owned(), json!({"required": true, "content": content}));
                }
                (Some(schema), _) => {
                    let content = json!({"application/json": {"schema": schema}});
                    map.insert("requestBody".to_owned(), json!({"required": true, "content": content}));
                }
                (None, _) if method != "get" => {
                    let content = json!({"application/json": {"schema": {"type": "object"}}});
                    map.insert("requestBody".to_owned(), json!({"required": true, "content": content}));
                }
                (None, _) => {}
            }
            if path.ends_with("/agent/requests") {
                of.push(
                    json!({"name": "wait", "in": "query", "schema": {"type": "integer", "minimum": 0, "maximum": 50},
                    "description": "How long to wait for people, in seconds."}),
                );
                of.push(json!({"name": "Idempotency-Key", "in": "header", "schema": {"type": "string", "minLength": 1, "maxLength": 128},
                    "description": "The same key and request within ten minutes give the same answer."}));
            }
            if !of.is_empty() {
                map.insert("parameters".to_owned(), Value::Array(of));
            }
        }
        let at = self.paths.entry(format!("/v1{path}")).or_insert_with(|| json!({}));
        if let Some(at) = at.as_object_mut() {
            at.insert(method.to_owned(), operation);
        }
    }
}

/// The fields of a schema as parameters of a query.
fn parameters(schema: &Value, describe: &Describe) -> Vec<Value> {
    let name = schema.get("$ref").and_then(Value::as_str).and_then(|it| it.rsplit('/').next()).unwrap_or_default();
    let known = describe.schemas.definitions().get(name).unwrap_or(schema);
    let fields = known.get("properties").and_then(Value::as_object).into_iter().flatten();
    // By name: how a map is ordered is up to what else is built.
    let fields: std::collections::BTreeMap<&String, &Value> = fields.collect();
    fields
        .into_iter()
        .map(|(name, schema)| json!({"name": name, "in": "query", "required": false, "schema": schema}))
        .collect()
}

/// The same, with every object's names in order.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let map: std::collections::BTreeMap<String, Value> = map.into_iter().collect();
            Value::Object(map.into_iter().map(|(name, value)| (name, sorted(value))).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(sorted).collect()),
        plain @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => plain,
    }
}

/// The whole description.
pub fn openapi() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut it = Describe { schemas: settings.into_generator(), paths: Map::new() };
    it.people();
    it.holds();
    it.record();
    it.agents_and_channels();
    let schemas = it.schemas.take_definitions(true);
    sorted(json!({
        "openapi": "3.1.0",
        "info": {"title": "Countersign", "version": env!("CARGO_PKG_VERSION"), "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            "description": "The web gate: for people who answer holds, and for agents that ask. `GET /v1/agent/socket` is a WebSocket: the words of docs/reference/agents-interface.md."},
        "servers": [{"url": "http://localhost:7443"}],
        "paths": it.paths,
        "components": {"schemas": schemas, "securitySchemes": {
            "session": {"type": "apiKey", "in": "cookie", "name": crate::session_extractor::COOKIE},
            "agent": {"type": "http", "scheme": "bearer"}}},
    }))
}

fn object() -> Back {
    Back::Json(json!({"type": "object"}))
}

fn list(schema: Value) -> Back {
    Back::Json(json!({"type": "array", "items": schema}))
}

impl Describe {
    /// Signing in, factors and invitations.
    fn people(&mut self) {
        let who = self.schema::<Who>();
        self.add(("get", "/health"), By::All, "Whether the gate and the daemon answer.", None, object());
        self.add(("get", "/session"), By::Session, "Who is signed in.", None, Back::Json(who));
        let body = self.schema::<auth_routes::SignIn>();
        self.add(("post", "/session"), By::All, "Sign in. The answer sets the cookie.", Some(body), Back::Nothing);
        self.add(("delete", "/session"), By::Session, "Sign out.", None, Back::Nothing);
        let body = self.schema::<auth_routes::NewPassword>();
        self.add(
            ("post", "/session/password"),
            By::Session,
            "Choose another password. All sessions end, and the answer sets the cookie.",
            Some(body),
            Back::Nothing,
        );
        self.add(("post", "/challenge"), By::All, "Something fresh for a passkey to sign.", None, object());
        let body = self.schema::<auth_routes::Begin>();
        self.add(("post", "/enrolment"), By::All, "Begin to enrol a factor.", Some(body), object());
        let body = self.schema::<auth_routes::Finish>();
        self.add(
            ("post", "/enrolment/finish"),
            By::All,
            "Finish self. The answer sets the cookie.",
            Some(body),
            object(),
        );
        let body = self.schema::<auth_routes::Invite>();
        self.add(("post", "/invites"), By::Session, "Invite a person, as an operator.", Some(body), object());
    }

    /// Holds, stops, and what is in force.
    fn holds(&mut self) {
        let hold = self.schema::<protocol::HoldView>();
        let agent = self.schema::<protocol::AgentView>();
        let person = self.schema::<protocol::ReviewerView>();
        let status = self.schema::<health::Health>();
        self.add(("get", "/holds"), By::Session, "What waits.", None, list(hold.clone()));
        self.add(("get", "/holds/{id}"), By::Session, "One hold.", None, Back::Json(hold));
        let body = self.schema::<routes::Answer>();
        self.add(
            ("post", "/holds/{id}/answer"),
            By::Session,
            "Answer a hold, with a proof for this answer.",
            Some(body),
            object(),
        );
        let body = self.schema::<routes::HandOver>();
        self.add(
            ("post", "/holds/{id}/hand-over"),
            By::Session,
            "Hand it over to another reviewer.",
            Some(body),
            object(),
        );
        self.add(("get", "/holds/{id}/rules"), By::Session, "Which rules could be made of self.", None, object());
        let events = Back::Other("text/event-stream");
        self.add(("get", "/events"), By::Session, "Changes of what waits, as server-sent events.", None, events);
        let body = self.schema::<routes::Stop>();
        self.add(("post", "/stop"), By::Session, "Stop a session, an agent, or everything.", Some(body), object());
        self.add(("get", "/status"), By::Session, "How things are.", None, Back::Json(status));
        self.add(("get", "/rules"), By::Session, "The rules.", None, object());
        self.add(("get", "/agents"), By::Session, "The agents.", None, list(agent));
        self.add(("get", "/people"), By::Session, "The people.", None, list(person));
    }

    /// The record, reports, sessions and recordings.
    fn record(&mut self) {
        let any = || Back::Json(json!({}));
        let query = self.schema::<protocol::RecordQuery>();
        self.add(
            ("get", "/records"),
            By::Session,
            "Records, newest first; `next` is the cursor for `before`.",
            Some(query),
            object(),
        );
        self.add(("post", "/records/verify"), By::Session, "Whether the whole record holds.", None, object());
        self.add(("get", "/requests/{digest}"), By::Session, "The story of one request.", None, any());
        let query = self.schema::<record::Days>();
        self.add(("get", "/reports"), By::Session, "Figures of the last days.", Some(query), object());
        let work = self.schema::<protocol::ActivityView>();
        self.add(("get", "/sessions"), By::Session, "Where agents work.", None, Back::Json(work));
        let live = Back::Other("text/event-stream");
        self.add(("get", "/sessions/live"), By::Session, "The same, as it changes (server-sent events).", None, live);
        self.add(("get", "/recordings"), By::Session, "What was recorded of terminals.", None, any());
        let cast = Back::Other("application/x-asciicast");
        self.add(
            ("get", "/recordings/{id}/cast"),
            By::Session,
            "A recording, with secrets masked (asciicast v2).",
            None,
            cast,
        );
        let live = Back::Other("text/event-stream");
        self.add(("get", "/recordings/{id}/live"), By::Session, "A growing recording.", None, live);
    }

    /// Agents that ask, notifications, single sign-on and chat.
    fn agents_and_channels(&mut self) {
        let body = self.schema::<agents::ActRequest>();
        self.add(
            ("post", "/agent/requests"),
            By::Agent,
            "May this be done? A decision, or a ticket.",
            Some(body),
            object(),
        );
        self.add(
            ("get", "/push"),
            By::Session,
            "The key that a browser needs for notices on a device.",
            None,
            object(),
        );
        let body = self.schema::<auth_routes::Device>();
        self.add(("post", "/push"), By::Session, "Turn notifications on a device on or off.", Some(body), object());
        self.add(
            ("get", "/sign-on"),
            By::All,
            "Whether there is single sign-on, and what it is called.",
            None,
            object(),
        );
        let away = "To the provider, or back to the page with a code for the error.";
        self.add(("get", "/sign-on/begin"), By::All, away, None, Back::Elsewhere);
        let back = self.schema::<oidc_login::Back>();
        let page = "A browser comes back. It goes to the page, signed in or with a code for the error.";
        self.add(("get", "/sign-on/callback"), By::All, page, Some(back), Back::Elsewhere);
        let click = json!({"type": "object", "properties": {"payload": {"type": "string"}}, "required": ["payload"]});
        self.add(("post", "/channels/slack"), By::Signed, "A click in Slack.", Some(click), object());
        let text = json!({"type": "string"});
        let written = json!({"type": "object", "properties": {"type": text, "timestamp": text, "text": text,
        "from": {"type": "object", "properties": {"aadObjectId": text}}}, "required": ["type", "timestamp", "text", "from"]});
        self.add(
            ("post", "/channels/teams"),
            By::Signed,
            "A message in Teams to an outgoing webhook.",
            Some(written),
            object(),
        );
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    /// Not describable: an agent's WebSocket.
    const LEFT_OUT: [&str; 1] = ["/agent/socket"];

    #[test]
    fn every_route_is_described_and_nothing_else() {
        let source = include_str!("routes.rs").split_once(".fallback(").unwrap().0;
        let routes = source.split(".route(").skip(1).map(|it| it.split('"').nth(1).unwrap());
        let routes: BTreeSet<String> =
            routes.filter(|it| !LEFT_OUT.contains(it)).map(|it| format!("/v1{it}")).collect();
        let described = super::openapi();
        let described: BTreeSet<String> = described["paths"].as_object().unwrap().keys().cloned().collect();
        assert!(routes.len() > 30);
        assert_eq!(routes, described);
        // Each with its methods.
        for (word, methods) in [("get", source.matches("get(").count()), ("post", source.matches("post(").count())] {
            let count =
                super::openapi()["paths"].as_object().unwrap().values().filter(|it| it.get(word).is_some()).count();
            assert_eq!(count, methods - if word == "get" { LEFT_OUT.len() } else { 0 }, "{word}");
        }
    }
}
