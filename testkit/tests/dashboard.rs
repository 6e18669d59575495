//! The web gate and its dashboard: in a real browser, and at the hands of pages and gates that are not ours.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on must fail")]

use std::path::Path;
use std::process::{Command, Stdio};

use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};
use testkit::{Gate, JSON, Sandbox};

/// A request; gives status, headers, and the body as JSON.
fn request(gate: &Gate, method: &str, path: &str, headers: &[&str], body: &str) -> (u16, String, Value) {
    let (status, head, body) = gate.request(method, path, headers, body);
    (status, head, serde_json::from_str(&body).unwrap_or_default())
}

/// Runs a script of `ui/test` in a real browser.
fn in_a_browser(sandbox: &Sandbox, script: &str, base: &str, people: &Value) {
    in_a_browser_with(sandbox, script, base, people, &[]);
}

fn in_a_browser_with(sandbox: &Sandbox, script: &str, base: &str, people: &Value, more: &[(&str, &str)]) {
    let ui = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ui");
    let output = Command::new("node")
        .arg(format!("test/{script}.mjs"))
        .current_dir(ui)
        .env("BASE", base)
        .env("COUNTERSIGN", Sandbox::program("countersign"))
        .env("PEOPLE", people.to_string())
        .env("WORK", &sandbox.work)
        .envs(more.iter().copied())
        .env("SCRIPT", sandbox.root.join("script.sh"))
        .env(host::install_paths::DIRECTORY_VARIABLE, sandbox.layout.run.parent().unwrap())
        .output()
        .expect("node; `cargo xtask test` says what is missing");
    let words = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{words}");
}

#[test]
fn people_answer_in_a_browser() {
    let sandbox = Sandbox::start_with("[default]\ncritical = { people = 2 }\n");
    sandbox.add_agent("bot");
    // Who vouches uses codes up; the browser needs those of the others.
    let pat = sandbox.add_reviewer("pat");
    let rita = sandbox.enrol_as("rita", "operator", &[], Some(&pat));
    let sam = sandbox.enrol_as("sam", "senior", &[], Some(&pat));
    let gate = Gate::start(&sandbox);
    let people = json!({"rita": {"secret": rita.secret()}, "sam": {"secret": sam.secret()}});
    in_a_browser(&sandbox, "dashboard", &format!("http://{}/", gate.address), &people);
    let signed_in = sandbox.records().iter().filter(|record| record["kind"] == "access").count();
    assert!(signed_in >= 3, "{signed_in} records of signing in and out");
}

#[test]
fn people_sign_in_through_a_provider_of_single_sign_on() {
    let rules = "[default]\nlow = { assurance = \"session\" }\n[[rule]]\nid = \"signed\"\nverdict = \"ask\"\ncommand = \"touch **\"\n\
                 matches = [\"touch ./x\"]\nspares = [\"mkdir ./x\"]\nreason = \"signed\"\nassurance = \"signature\"\n";
    let sandbox = Sandbox::start_with(rules);
    sandbox.add_agent("bot");
    sandbox.add_reviewer("pat");
    let free = || std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let (page, provider) = (free(), free());
    let secret = sandbox.root.join("client-secret");
    host::files::replace(&secret, b"a-secret-of-the-gate", 0o600).unwrap();
    let settings = format!(
        "issuer = 'http://localhost:{provider}'\nclient_id = 'gate'\nclient_secret_file = '{}'\npage = 'http://localhost:{page}'\n\
         name = 'the organisation'\nscopes = ['profile', 'groups']\n[[role]]\ngroup = 'all'\nrole = 'viewer'\n[[role]]\ngroup = 'sre'\nrole = 'senior'\n\
         [people]\npatricia = 'pat'\n",
        secret.display()
    );
    std::fs::create_dir_all(&sandbox.layout.config).unwrap();
    std::fs::write(sandbox.layout.signon(), settings).unwrap();
    let _gate = Gate::start_at(&sandbox, page);
    let mut fetching = Command::new(Sandbox::program("countersign-gate"))
        .arg("sign-on")
        .env(host::install_paths::DIRECTORY_VARIABLE, sandbox.layout.run.parent().unwrap())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    in_a_browser_with(
        &sandbox,
        "signon",
        &format!("http://localhost:{page}/"),
        &json!({}),
        &[("PROVIDER", &provider.to_string())],
    );
    fetching.kill().unwrap();
    fetching.wait().unwrap();
    let records = sandbox.records();
    let why: Vec<&str> = records
        .iter()
        .filter(|it| it["body"]["what"] == "sign-on refused")
        .filter_map(|it| it["body"]["why"].as_str())
        .collect();
    assert!(why.iter().any(|it| it.contains("none of your groups")), "{why:?}");
    assert!(why.iter().any(|it| it.contains("the name `pat` belongs to a person here")), "{why:?}");
    assert!(records.iter().any(|it| it["body"]["what"] == "reviewer placed" && it["body"]["role"] == "viewer"));
}

#[test]
fn people_enrol_and_sign_with_passkeys_in_a_browser() {
    let rules = "[default]\ncritical = { people = 2 }\n[[rule]]\nid = \"signed\"\nverdict = \"ask\"\ncommand = \"touch **\"\nmatches = [\"touch ./x\"]\nspares = [\"mkdir ./x\"]\n\
                 reason = \"signed\"\nassurance = \"signature\"\n";
    let sandbox = Sandbox::start_with(rules);
    sandbox.add_agent("bot");
    let gate = Gate::start(&sandbox);
    // By name: a passkey belongs to a name.
    let base = format!("http://localhost:{}/", gate.address.rsplit(':').next().unwrap());
    in_a_browser(&sandbox, "enrol", &base, &json!({}));
    // A reader of the record can check what was signed, without us.
    let records = sandbox.records();
    let signed: Vec<&Value> = records.iter().filter(|it| it["body"]["proof"]["passkey"].is_string()).collect();
    assert!(signed.len() >= 2, "{signed:?}");
    for record in signed {
        let (body, proof) = (&record["body"], &record["body"]["proof"]);
        let bytes = |name: &str| BASE64URL_NOPAD.decode(proof[name].as_str().unwrap().as_bytes()).unwrap();
        let assertion = approval::Assertion {
            client_data: bytes("client_data"),
            authenticator_data: bytes("authenticator_data"),
            signature: bytes("signature"),
        };
        let words = proof["signed"].as_str().unwrap();
        let passkey = approval::Passkey::parse(proof["passkey"].as_str().unwrap()).unwrap();
        let site = approval::Site::new("localhost").unwrap();
        let challenge = model::Digest::of_bytes(words.as_bytes());
        passkey.check(&assertion, &site, challenge.as_bytes(), 0).unwrap();
        for part in ["hold", "request_digest", "said"] {
            assert!(words.contains(body[part].as_str().unwrap()), "{part} is in {words}");
        }
    }
    // What they set up is in the record, too: the store is what the record says.
    let path = sandbox.root.join("rebuilt.db");
    let output = sandbox.countersign(&["log", "rebuild-store", "--into", path.to_str().unwrap()]).output().unwrap();
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    let rebuilt = state_sqlite::Store::open(&path).unwrap();
    assert_eq!(rebuilt.passkeys(&model::ReviewerName::parse("rita").unwrap()).unwrap().len(), 1);
}

#[test]
fn terminals_the_record_and_reports_in_a_browser() {
    let sandbox = Sandbox::prepared("");
    let path = sandbox.root.join("script.sh");
    let text = "#!/bin/sh\nif [ \"$1\" = short ]; then echo short-word; sleep 3; exit 0; fi\n\
                echo first-word\nfor n in $(seq 1 60); do echo tick-$n; sleep 1; done\necho last-word\n";
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let place = path.display();
    let rule = |id: &str, command: &str| {
        format!(
            "[[rule]]\nid = 'test.{id}'\nverdict = 'allow'\ncommand = '{command}'\ncoverage = 'partial'\n\
             matches = ['{command}']\nspares = ['{command} x']\n"
        )
    };
    let rule = format!("{}{}", rule("long", &format!("{place}")), rule("short", &format!("{place} short")));
    sandbox.write_rules("10-script.toml", &rule);
    let mut sandbox = sandbox;
    sandbox.start_logd();
    sandbox.start_daemon();
    sandbox.add_agent("bot");
    let pat = sandbox.add_reviewer("pat");
    let rita = sandbox.enrol_as("rita", "senior", &[], Some(&pat));
    let sam = sandbox.enrol_as("sam", "reviewer", &[], Some(&pat));
    let gate = Gate::start(&sandbox);
    let people = json!({"rita": {"secret": rita.secret()}, "sam": {"secret": sam.secret()}});
    in_a_browser(&sandbox, "sessions", &format!("http://{}/", gate.address), &people);
    let looked = sandbox.records().iter().filter(|it| it["body"]["state"] == "viewed").count();
    assert!(looked >= 3, "each viewing of a terminal is recorded: {looked}");
}

#[test]
fn nobody_sees_or_does_anything_without_signing_in() {
    let sandbox = Sandbox::start();
    sandbox.add_agent("bot");
    let rita = sandbox.add_reviewer("rita");
    let gate = Gate::start(&sandbox);
    for path in ["holds", "holds/x", "events", "status", "rules", "agents", "people", "session"] {
        for cookie in ["cookie: other=1", "cookie: countersign=", "cookie: countersign=0000"] {
            assert_eq!(request(&gate, "GET", &format!("/v1/{path}"), &[cookie], "").0, 401, "{path}");
        }
    }
    assert_eq!(request(&gate, "GET", "/v1/nothing", &[], "").0, 404);
    let answer = r#"{"said":"approve","proof":{"code":"000000"}}"#;
    assert_eq!(request(&gate, "POST", "/v1/holds/x/answer", &[JSON], answer).0, 401);
    let wrong = json!({"name": "rita", "proof": {"code": "000000"}}).to_string();
    let (status, _, problem) = request(&gate, "POST", "/v1/session", &[JSON], &wrong);
    assert_eq!((status, problem["status"].as_u64()), (401, Some(401)));
    // Signed in, it is there; signed out, it is not.
    let cookie = gate.sign_in(&rita);
    assert_eq!(request(&gate, "GET", "/v1/session", &[&cookie], "").2["name"], "rita");
    assert_eq!(request(&gate, "GET", "/v1/holds", &[&cookie], "").0, 200);
    assert_eq!(request(&gate, "DELETE", "/v1/session", &[&cookie, JSON], "{}").0, 204);
    assert_eq!(request(&gate, "GET", "/v1/holds", &[&cookie], "").0, 401);
}

#[test]
fn guessing_at_the_gate_locks_nobody_out_and_gets_nowhere() {
    let sandbox = Sandbox::start();
    sandbox.add_agent("bot");
    let rita = sandbox.add_reviewer("rita");
    let gate = Gate::start(&sandbox);
    let cookie = gate.sign_in(&rita);
    let mut words = std::collections::BTreeSet::new();
    for number in 0..40 {
        let name = if number % 2 == 0 { "rita" } else { "nobody" };
        let body = json!({"name": name, "proof": {"code": format!("{number:06}")}}).to_string();
        let (status, _, problem) = request(&gate, "POST", "/v1/session", &[JSON], &body);
        assert_eq!(status, 401);
        words.insert(problem["detail"].as_str().unwrap().to_owned());
    }
    // A missing person gets the same answer.
    assert_eq!(words.len(), 2, "{words:?}");
    let refused = sandbox.records().iter().filter(|it| it["body"]["what"] == "sign-in refused").count();
    assert_eq!(refused, 9, "four of Rita, who signed in once, and five of an unknown name were checked");
    // Nor by setting up a factor in her name.
    for number in 0..8 {
        let own = json!({"own": {"name": "rita", "proof": {"code": format!("{number:06}")}}}).to_string();
        let (status, _, _) = request(&gate, "POST", "/v1/enrolment", &[JSON], &own);
        assert_eq!(status, 409);
    }
    // Rita answers all the same, in the page that is open and in the terminal.
    let mut child = sandbox.run(&["mkdir", "x"]).stderr(Stdio::null()).spawn().unwrap();
    let hold = sandbox.hold();
    let protocol::Proof::Totp(code) = rita.vouch().proof else { panic!("no code") };
    let body = json!({"said": "approve", "proof": {"code": code}}).to_string();
    let (status, _, said) = request(&gate, "POST", &format!("/v1/holds/{}/answer", hold.id), &[&cookie, JSON], &body);
    assert_eq!((status, said["state"].as_str()), (200, Some("approved")), "{said}");
    assert!(child.wait().unwrap().success());
}

#[test]
fn every_thread_of_the_gate_has_shut_itself_in() {
    let sandbox = Sandbox::start();
    let gate = Gate::start(&sandbox);
    // What being shut in means is tried in `edge/host/tests/landlock.rs`; here, that no thread was begun before.
    let tasks = std::fs::read_dir(format!("/proc/{}/task", gate.pid())).unwrap();
    let threads: Vec<String> =
        tasks.map(|task| std::fs::read_to_string(task.unwrap().path().join("status")).unwrap()).collect();
    assert!(threads.len() > 1);
    assert!(threads.iter().all(|status| status.contains("NoNewPrivs:\t1")), "{threads:?}");
}

#[test]
fn another_page_can_make_a_browser_do_nothing() {
    let sandbox = Sandbox::start();
    sandbox.add_agent("bot");
    let rita = sandbox.add_reviewer("rita");
    let gate = Gate::start(&sandbox);
    let cookie = gate.sign_in(&rita);
    let mut child = sandbox.run(&["mkdir", "x"]).stderr(Stdio::null()).spawn().unwrap();
    let hold = sandbox.hold();
    let protocol::Proof::Totp(code) = rita.vouch().proof else { panic!("no code") };
    let body = json!({"said": "approve", "proof": {"code": code}}).to_string();
    let path = format!("/v1/holds/{}/answer", hold.id);
    for headers in [
        vec!["origin: http://evil.example", JSON],
        vec!["origin: null", JSON],
        vec!["sec-fetch-site: cross-site", JSON],
        vec!["host: evil.example", JSON],
        vec!["content-type: text/plain"],
        vec!["content-type: application/x-www-form-urlencoded"],
    ] {
        let all: Vec<&str> = headers.iter().copied().chain([cookie.as_str()]).collect();
        let (status, _, _) = request(&gate, "POST", &path, &all, &body);
        assert!(matches!(status, 400 | 403), "{headers:?}: {status}");
    }
    assert_eq!(sandbox.hold().agreed.len(), 0);
    // Our own page may.
    let ours = format!("origin: http://{}", gate.address);
    let (status, _, said) =
        request(&gate, "POST", &path, &[&cookie, JSON, &ours, "sec-fetch-site: same-origin"], &body);
    assert_eq!((status, said["state"].as_str()), (200, Some("approved")), "{said}");
    assert!(child.wait().unwrap().success());
    let (_, head, _) = request(&gate, "GET", "/", &[], "");
    assert!(head.contains("default-src 'none'") && !head.contains("unsafe-inline"), "{head}");
}

#[test]
fn a_gate_that_lies_gets_nothing_run() {
    // An attacker in the gate has its socket to the daemon, and the session tokens: no person's proof.
    let sandbox = Sandbox::start();
    sandbox.add_agent("bot");
    let rita = sandbox.add_reviewer("rita");
    let gate = Gate::start(&sandbox);
    let cookie = gate.sign_in(&rita);
    let token = cookie.split_once('=').unwrap().1.to_owned();
    let mut child = sandbox.run(&["mkdir", "x"]).stderr(Stdio::null()).spawn().unwrap();
    let hold = sandbox.hold();
    for proof in [
        protocol::Proof::Totp(token.clone()),
        protocol::Proof::Totp(String::new()),
        protocol::Proof::Ssh(protocol::SshSignature { signature: token, nonce: None }),
    ] {
        let by = protocol::Vouch { reviewer: "rita".to_owned(), proof };
        assert!(sandbox.answer(&hold, "approve", by).is_err());
    }
    // A code that was used, to sign in or for another answer, is used.
    let used = rita.vouch();
    let protocol::Proof::Totp(code) = &used.proof else { panic!("no code") };
    let again = rita.vouch_with(code);
    assert_eq!(sandbox.answer(&hold, "approve", used).as_deref(), Ok("approved"));
    assert!(child.wait().unwrap().success());
    let mut child = sandbox.run(&["mkdir", "y"]).stderr(Stdio::null()).spawn().unwrap();
    let hold = sandbox.hold();
    assert!(sandbox.answer(&hold, "approve", again).is_err());
    assert!(!sandbox.mark("y").exists());
    child.kill().unwrap();
    child.wait().unwrap();
}
