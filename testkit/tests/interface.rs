//! The HTTP interface: tried against its description by schemathesis, and by agents over HTTP and WebSocket.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must fail"
)]

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use protocol::{OperatorReply, OperatorRequest};
use serde_json::{Value, json};
use testkit::{Gate, JSON, Sandbox, bash_act, test_python};

/// A request of an agent; gives status and body.
fn ask(gate: &Gate, key: &str, path: &str, headers: &[&str], body: &Value) -> (u16, Value) {
    let bearer = format!("authorization: Bearer {key}");
    gate.ask("POST", path, &[&[JSON, bearer.as_str()], headers].concat(), &body.to_string())
}

#[test]
fn an_agent_asks_over_http_waits_and_asks_again_under_one_key() {
    let sandbox = Sandbox::start();
    let key = sandbox.add_agent("bot");
    let rita = sandbox.add_reviewer("rita");
    let gate = Gate::start(&sandbox);
    let wanted = |command: &str| json!({"session": "s", "act": bash_act(command), "intent": "to see"});
    let (status, read) = ask(&gate, &key, "/v1/agent/requests", &[], &wanted("ls /tmp"));
    assert_eq!((status, read["verdict"].as_str()), (200, Some("allow")), "{read}");
    assert!(read["permit"]["signature"].is_string());
    assert_eq!(ask(&gate, "csk_wrong", "/v1/agent/requests", &[], &wanted("ls /tmp")).1["verdict"], "deny");
    assert_eq!(ask(&gate, "nothing", "/v1/agent/requests", &[], &wanted("ls /tmp")).0, 401);
    let (_, held) = ask(&gate, &key, "/v1/agent/requests", &[], &wanted("mkdir /srv/x"));
    assert_eq!(held["verdict"], "held", "{held}");
    assert_eq!(sandbox.hold().id, held["ticket"]);
    // Waiting for people, the answer comes with theirs; and asked again under the same key it is the same answer, decided once.
    let (hold, rita_says) = (sandbox.hold(), rita.vouch());
    let before = Instant::now();
    let waiting = std::thread::scope(|scope| {
        let waits = scope.spawn(|| {
            ask(&gate, &key, "/v1/agent/requests?wait=40", &["idempotency-key: k1"], &wanted("mkdir /srv/x"))
        });
        std::thread::sleep(Duration::from_millis(500));
        sandbox.answer(&hold, "approve", rita_says).unwrap();
        waits.join().unwrap()
    });
    assert_eq!(waiting.1["verdict"], "allow", "{waiting:?}");
    assert!(before.elapsed() < Duration::from_secs(20), "it waited for a change, not for the clock");
    let again = ask(&gate, &key, "/v1/agent/requests", &["idempotency-key: k1"], &wanted("mkdir /srv/x"));
    assert_eq!(again, waiting);
    let other = ask(&gate, &key, "/v1/agent/requests", &["idempotency-key: k1"], &wanted("mkdir /srv/y"));
    assert_eq!(other.0, 409);
    let anew = ask(&gate, &key, "/v1/agent/requests", &[], &wanted("mkdir /srv/x"));
    assert_eq!(anew.1["verdict"], "held", "the yes served once");
}

#[test]
fn an_agent_keeps_its_lease_over_a_websocket() {
    let sandbox = Sandbox::start();
    let key = sandbox.add_agent("bot");
    let rita = sandbox.add_reviewer("rita");
    let gate = Gate::start(&sandbox);
    // Node brings a WebSocket client along, but for the header: the module of the tests in a browser has one that sends it.
    let script = r#"
        import { createRequire } from "node:module";
        import http from "node:http";
        import { randomBytes } from "node:crypto";
        void createRequire;
        const [host, key, act] = process.argv.slice(1);
        const request = http.request({ host: host.split(":")[0], port: host.split(":")[1], path: "/v1/agent/socket", headers: {
            host, connection: "Upgrade", upgrade: "websocket", "sec-websocket-version": "13", "sec-websocket-key": randomBytes(16).toString("base64"),
            authorization: `Bearer ${key}` } });
        request.on("response", (it) => { console.log(it.statusCode); process.exit(1); });
        request.on("upgrade", (_response, socket) => {
            const send = (value) => {
                const data = Buffer.from(JSON.stringify(value)), mask = randomBytes(4);
                const head = data.length < 126 ? Buffer.from([0x81, 0x80 | data.length]) : Buffer.from([0x81, 0xfe, data.length >> 8, data.length & 255]);
                socket.write(Buffer.concat([head, mask, data.map((byte, at) => byte ^ mask[at % 4])]));
            };
            let held = Buffer.alloc(0);
            socket.on("data", (data) => {
                held = Buffer.concat([held, data]);
                for (;;) {
                    if (held.length < 2) return;
                    let length = held[1] & 127, at = 2;
                    if (length === 126) { if (held.length < 4) return; length = held.readUInt16BE(2); at = 4; }
                    if (held.length < at + length) return;
                    const text = held.subarray(at, at + length).toString();
                    held = held.subarray(at + length);
                    console.log(text);
                    const said = JSON.parse(text);
                    if (said.say === "allow") send({ say: "redeem", permit: JSON.parse(said.permit.text).id, act: JSON.parse(act) });
                    if (said.say === "spent") send({ say: "outcome", permit: "permit_x", exit: 0, signal: null, millis: 1 });
                    if (said.say === "ended") process.exit(0);
                }
            });
            send({ say: "submit", session: "s", act: JSON.parse(act) });
        });
        request.end();
    "#;
    let act = bash_act("mkdir /srv/x").to_string();
    let mut child = Command::new("node");
    child.args(["--input-type=module", "-e", script, "--", &gate.address, &key, &act]);
    let mut child = child.stdout(std::process::Stdio::piped()).spawn().unwrap();
    let hold = sandbox.hold();
    sandbox.answer(&hold, "approve", rita.vouch()).unwrap();
    let mut says = Vec::new();
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let said: Value = serde_json::from_str(&line.unwrap()).unwrap();
        says.push(said["say"].as_str().unwrap().to_owned());
        // A report under another permit is refused, so the act goes on. Then people stop it.
        if said["say"] == "deny" {
            let stop = OperatorRequest::Flag { name: "stop:bot".to_owned(), on: true, by: None };
            assert!(matches!(sandbox.operator(&stop), OperatorReply::Done { .. }));
        }
    }
    assert!(child.wait().unwrap().success());
    assert_eq!(says, ["held", "allow", "spent", "deny", "ended"]);
    let clear = |by| OperatorRequest::Flag { name: "stop:bot".to_owned(), on: false, by };
    assert!(matches!(sandbox.operator(&clear(None)), OperatorReply::Refused { .. }), "going on takes a proof");
    assert!(matches!(sandbox.operator(&clear(Some(rita.vouch()))), OperatorReply::Done { .. }));
    // An agent that disconnects while a hold is open loses the hold.
    let mut child = Command::new("node");
    child.args(["--input-type=module", "-e", script, "--", &gate.address, &key, &bash_act("mkdir /srv/z").to_string()]);
    let mut child = child.stdout(std::process::Stdio::null()).spawn().unwrap();
    let _hold = sandbox.hold();
    child.kill().unwrap();
    child.wait().unwrap();
    let started = Instant::now();
    while !sandbox.holds(0).is_empty() {
        assert!(started.elapsed() < Duration::from_secs(10), "the hold stayed");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn the_interface_is_what_its_description_says() {
    let sandbox = Sandbox::start();
    let key = sandbox.add_agent("bot");
    let rita = sandbox.add_reviewer("rita");
    let gate = Gate::start(&sandbox);
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let output = test_python()
        .args(["-m", "schemathesis.cli", "run"])
        .arg(root.join("api/openapi.json"))
        .arg("--url")
        .arg(format!("http://{}", gate.address))
        .args(["-H", &gate.sign_in(&rita), "-H", &format!("Authorization: Bearer {key}")])
        .args([
            "--checks",
            "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance",
        ])
        // What streams without end, what signs this run out, and what stops everything.
        .args(["--exclude-path-regex", "/(events|live|stop)$|/v1/session$", "--max-examples", "15", "--seed", "1"])
        .args(["--phases", "examples,coverage,fuzzing", "--no-color", "--request-timeout", "20"])
        .current_dir(&sandbox.root)
        .output()
        .unwrap();
    let words = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{words}");
    // Whatever it tried, nothing was approved, and both still answer.
    assert!(!sandbox.records().iter().any(|it| it["body"]["state"] == "approved"));
}
