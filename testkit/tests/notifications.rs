//! Notifications over channels, and which clicks count: with fake servers that fail at first.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must fail"
)]

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use data_encoding::HEXLOWER;
use hmac::{Hmac, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;
use testkit::{Gate, Sandbox};

/// A request to one of our servers: path, headers, body.
type Heard = Arc<Mutex<Vec<(String, BTreeMap<String, String>, Value)>>>;

/// The body as received, with the headers.
const RAW: &str = "(body)";

/// A server that answers the first of each path with 500.
fn server(at: &TcpListener) -> Heard {
    let heard = Heard::default();
    let (theirs, listener) = (Arc::clone(&heard), at.try_clone().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.unwrap());
            let mut first = String::new();
            if stream.read_line(&mut first).unwrap_or(0) == 0 {
                continue;
            }
            let path = first.split(' ').nth(1).unwrap().to_owned();
            let mut headers = BTreeMap::new();
            loop {
                let mut line = String::new();
                stream.read_line(&mut line).unwrap();
                let Some((name, value)) = line.trim_end().split_once(':') else { break };
                headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
            }
            let mut body = vec![0; headers["content-length"].parse().unwrap()];
            stream.read_exact(&mut body).unwrap();
            headers.insert(RAW.to_owned(), String::from_utf8(body.clone()).unwrap());
            let is_first = !theirs.lock().unwrap().iter().any(|(known, ..)| *known == path);
            theirs.lock().unwrap().push((path, headers, serde_json::from_slice(&body).unwrap()));
            let (status, body) = if is_first { ("500 Oh", "{}") } else { ("200 OK", r#"{"ok":true,"ts":"17.5"}"#) };
            write!(
                stream.get_mut(),
                "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            )
            .unwrap();
        }
    });
    heard
}

/// A mail server that keeps what it is given.
fn mail_server() -> (String, Arc<Mutex<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let kept = Arc::new(Mutex::new(String::new()));
    let theirs = Arc::clone(&kept);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.unwrap());
            let mut in_data = false;
            stream.get_mut().write_all(b"220 mail\r\n").unwrap();
            loop {
                let mut line = String::new();
                if stream.read_line(&mut line).unwrap_or(0) == 0 {
                    break;
                }
                theirs.lock().unwrap().push_str(&line);
                let answer = match (in_data, line.trim_end()) {
                    (true, ".") => {
                        in_data = false;
                        "250 ok\r\n"
                    }
                    (true, _) => continue,
                    (false, "DATA") => {
                        in_data = true;
                        "354 go on\r\n"
                    }
                    (false, "QUIT") => "221 bye\r\n",
                    (false, _) => "250 ok\r\n",
                };
                stream.get_mut().write_all(answer.as_bytes()).unwrap();
            }
        }
    });
    (address, kept)
}

struct Notify(Child);

impl Notify {
    fn start(sandbox: &Sandbox) -> Self {
        let mut command = Command::new(Sandbox::program("countersign-gate"));
        command.arg("notify").env(host::install_paths::DIRECTORY_VARIABLE, sandbox.layout.run.parent().unwrap());
        Self(command.stderr(Stdio::null()).spawn().unwrap())
    }
}

impl Drop for Notify {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn until<T>(what: &str, look: impl Fn() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(started.elapsed() < Duration::from_secs(30), "{what} did not come");
        std::thread::sleep(Duration::from_millis(30));
    }
}

const SIGNING: &str = "the-signing-secret";

/// A click as Slack sends it.
fn click(gate: &Gate, secret: &str, at: u64, user: &str, value: &str) -> (u16, Value) {
    let json = json!({"type": "block_actions", "user": {"id": user}, "actions": [{"value": value}]}).to_string();
    let body: String = format!("payload={}", json.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>());
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(format!("v0:{at}:{body}").as_bytes());
    let signature = format!("v0={}", HEXLOWER.encode(&mac.finalize().into_bytes()));
    post(gate, at, &signature, &body)
}

fn post(gate: &Gate, at: u64, signature: &str, body: &str) -> (u16, Value) {
    let (at, signature) = (format!("x-slack-request-timestamp: {at}"), format!("x-slack-signature: {signature}"));
    let form = "content-type: application/x-www-form-urlencoded";
    gate.ask("POST", "/v1/channels/slack", &["host: gate.example", form, &at, &signature], body)
}

fn now_s() -> u64 {
    host::clock::now_ms() / 1_000
}

#[test]
fn every_channel_is_told_once_it_answers_and_no_agent_writes_markup_there() {
    let mut sandbox = Sandbox::prepared(
        "[default]\nlow = { timeout_s = 30 }\nmedium = { timeout_s = 30 }\nhigh = { timeout_s = 30 }\ncritical = { timeout_s = 30 }\n",
    );
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (web, heard) = (format!("http://{}", listener.local_addr().unwrap()), server(&listener));
    let (mail, mails) = mail_server();
    let file = |name: &str, text: &str| sandbox.secret(name, text);
    let text = format!(
        "page = \"http://localhost:7443\"\n\
         [slack]\ntoken_file = {:?}\nchannel = \"C1\"\nsigning_secret_file = {:?}\nurl = \"{web}\"\n\
         [teams]\nurl_file = {:?}\ntoken_file = {:?}\n[email]\nserver_file = {:?}\nfrom_address = \"gate@example.org\"\nto = [\"rita@example.org\"]\n\
         [ntfy]\nurl = \"{web}/ntfy/topic\"\n\
         [pagerduty]\nkey_file = {:?}\nurl = \"{web}/pager\"\nfrom = \"low\"\n\
         [opsgenie]\nkey_file = {:?}\nurl = \"{web}/genie\"\nfrom = \"low\"\nwhen = \"half_time\"\n\
         [webhook]\nurl = \"{web}/hook\"\nsecret_file = {:?}\n",
        file("slack", "xoxb-1"),
        file("signing", SIGNING),
        file("teams", &format!("{web}/teams")),
        file("teams-token", "c2VjcmV0"),
        file("mail", &format!("smtp://{mail}")),
        file("pager", "pk"),
        file("genie", "gk"),
        file("hook", "hk"),
    );
    std::fs::write(sandbox.layout.channels(), text).unwrap();
    sandbox.start_logd();
    sandbox.start_daemon();
    sandbox.add_agent("bot");
    let rita = sandbox.add_reviewer("rita");
    let _notify = Notify::start(&sandbox);
    let evil = "<!channel> <https://evil.example|click> *bold* @here ghp_0123456789abcdefghijABCDEFGHIJ012345";
    let mut child = sandbox.run(&["mkdir", evil]).stderr(Stdio::null()).spawn().unwrap();
    let hold = sandbox.hold();
    let of = |path: &str| heard.lock().unwrap().iter().filter(|(it, ..)| it == path).cloned().collect::<Vec<_>>();
    // Each first one was answered with 500, and came again.
    for path in ["/chat.postMessage", "/teams", "/ntfy", "/pager", "/hook"] {
        until(path, || (of(path).len() >= 2).then_some(()));
    }
    let slack = of("/chat.postMessage").pop().unwrap();
    assert_eq!(slack.1["authorization"], "Bearer xoxb-1");
    let blocks = slack.2["blocks"].to_string();
    assert!(!blocks.contains("mrkdwn\":true") && !blocks.contains("\"mrkdwn\","), "{blocks}");
    assert!(!slack.2["text"].as_str().unwrap().contains("<!channel>"), "{}", slack.2);
    // This hold asks for a code: chat can only say no.
    assert!(blocks.contains("\"action_id\":\"deny\"") && !blocks.contains("\"action_id\":\"approve\""), "{blocks}");
    let (_, headers, body) = of("/hook").pop().unwrap();
    let (at, code) = headers["countersign-signature"].split_once(",v1=").unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(b"hk").unwrap();
    mac.update(format!("{}.{}", at.trim_start_matches("t="), headers[RAW]).as_bytes());
    assert_eq!(HEXLOWER.encode(&mac.finalize().into_bytes()), code);
    assert_eq!(body["hold"]["id"], hold.id);
    // Teams says how to answer there: with a code that is of this hold, and only with a no.
    let teams = of("/teams").pop().unwrap().2.to_string();
    assert!(teams.contains(&format!("@Countersign deny {}", notification::code_of(&hold.id))), "{teams}");
    assert!(!teams.contains("approve"), "{teams}");
    until("a mail", || mails.lock().unwrap().contains("Answer on the page").then_some(()));
    // A backup is notified at half time, and not before.
    assert!(of("/genie").is_empty());
    until("half time", || (of("/genie").len() >= 2).then_some(()));
    // The message says what became of it, and the pager stops.
    sandbox.answer(&hold, "deny", rita.vouch()).unwrap();
    until("the outcome", || of("/chat.update").pop().filter(|it| it.2.to_string().contains("denied by rita")));
    assert_eq!(of("/chat.update").pop().unwrap().2["ts"], "17.5");
    until("resolve", || of("/pager").pop().filter(|it| it.2["event_action"] == "resolve"));
    assert_eq!(child.wait().unwrap().code(), Some(126));
    // Secrets are masked everywhere, and the hops are in the record.
    let all = format!("{:?}{}", heard.lock().unwrap(), mails.lock().unwrap());
    assert!(!all.contains("ghp_0123456789abcdefghij"), "a secret went out");
    let hops: Vec<String> = sandbox
        .records()
        .iter()
        .filter(|it| it["body"]["hold"] == hold.id && it["body"]["channel"].is_string())
        .map(|it| format!("{} {}", it["body"]["what"], it["body"]["channel"]))
        .collect();
    assert!(
        hops.contains(&"\"told\" \"slack\"".to_owned()) && hops.contains(&"\"escalated\" \"opsgenie\"".to_owned()),
        "{hops:?}"
    );
}

#[test]
fn a_click_denies_and_approves_only_what_a_session_is_enough_for() {
    let rules = "[[rule]]\nid = \"free\"\nverdict = \"ask\"\ncommand = \"touch **\"\nmatches = [\"touch ./x\"]\nspares = [\"mkdir ./x\"]\n\
                 reason = \"free\"\nassurance = \"session\"\n";
    let sandbox = Sandbox::start_with(rules);
    let signing = sandbox.secret("signing", SIGNING);
    let token = sandbox.secret("token", "xoxb");
    let text = format!(
        "[slack]\ntoken_file = {token:?}\nchannel = \"C1\"\nsigning_secret_file = {signing:?}\npeople = {{ U1 = \"rita\", U2 = \"olga\" }}\n"
    );
    std::fs::write(sandbox.layout.channels(), text).unwrap();
    sandbox.add_agent("bot");
    let _rita = sandbox.add_reviewer("rita");
    let gate = Gate::start(&sandbox);
    let mut child = sandbox.run(&["mkdir", "x"]).stderr(Stdio::null()).spawn().unwrap();
    let hold = sandbox.hold();
    let value = |said: &str| format!("{said} {} {}", hold.id, hold.request);
    // Forged, old, unknown, about something else, worth too little.
    assert_eq!(click(&gate, "guess", now_s(), "U1", &value("deny")).0, 409);
    assert_eq!(click(&gate, SIGNING, now_s() - 400, "U1", &value("deny")).0, 409);
    assert_eq!(click(&gate, SIGNING, now_s(), "U9", &value("deny")).0, 409);
    assert_eq!(click(&gate, SIGNING, now_s(), "U1", &format!("deny {} {}", hold.id, "0".repeat(64))).0, 409);
    assert_eq!(click(&gate, SIGNING, now_s(), "U1", &value("break-glass")).0, 409);
    let (status, problem) = click(&gate, SIGNING, now_s(), "U1", &value("approve"));
    assert_eq!(status, 409);
    assert!(problem["detail"].as_str().unwrap().contains("code"), "{problem}");
    assert_eq!(sandbox.hold().agreed.len(), 0);
    let (status, said) = click(&gate, SIGNING, now_s(), "U1", &value("deny"));
    assert_eq!((status, said["text"].as_str()), (200, Some("It is denied.")));
    assert_eq!(child.wait().unwrap().code(), Some(126));
    // Where a session is enough, chat approves; the same click again does nothing.
    let mut child = sandbox.run(&["touch", "./x"]).stderr(Stdio::null()).spawn().unwrap();
    let hold = sandbox.hold();
    let value = format!("approve {} {}", hold.id, hold.request);
    assert_eq!(click(&gate, SIGNING, now_s(), "U2", &value).0, 409, "not an enrolled person");
    let at = now_s();
    assert_eq!(click(&gate, SIGNING, at, "U1", &value).0, 200);
    assert!(child.wait().unwrap().success());
    assert_eq!(click(&gate, SIGNING, at, "U1", &value).0, 409);
}

#[test]
fn a_flood_of_one_agent_is_told_as_one() {
    let sandbox = Sandbox::start();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (web, heard) = (format!("http://{}", listener.local_addr().unwrap()), server(&listener));
    let hook = sandbox.secret("hook", "hk");
    std::fs::write(sandbox.layout.channels(), format!("[webhook]\nurl = \"{web}/hook\"\nsecret_file = {hook:?}\n"))
        .unwrap();
    sandbox.add_agent("bot");
    let _rita = sandbox.add_reviewer("rita");
    let _notify = Notify::start(&sandbox);
    let mut children: Vec<Child> = (0..30)
        .map(|number| sandbox.run(&["rm", "-r", &format!("./d{number}")]).stderr(Stdio::null()).spawn().unwrap())
        .collect();
    sandbox.holds(30);
    let events = |what: &str| heard.lock().unwrap().iter().filter(|(.., body)| body["event"] == what).count();
    until("the flood", || (events("flood") >= 1).then_some(()));
    std::thread::sleep(Duration::from_millis(500));
    // One was sent twice: its first try was answered with 500.
    assert_eq!(events("waits"), 11);
    for child in &mut children {
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
