//! Notices on people's devices: a push service that is ours takes them, and a library of other people reads them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must fail"
)]

use std::net::TcpListener;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use testkit::{Gate, JSON, Sandbox, exec_act, take, test_python};

/// A key of a browser: private (for the library), public, and its secret. The example of RFC 8291, appendix A.
const PRIVATE: &str = "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94";
const PUBLIC: &str = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
const AUTH: &str = "BTBZMqHH6r4Tts7J_aSIgg";

const READ: &str = "
import sys, base64, http_ece
from cryptography.hazmat.primitives.asymmetric import ec
raw = lambda text: base64.urlsafe_b64decode(text + '=' * (-len(text) % 4))
private, auth, body = (raw(it) for it in sys.argv[1:4])
key = ec.derive_private_key(int.from_bytes(private, 'big'), ec.SECP256R1())
print(http_ece.decrypt(body, private_key=key, auth_secret=auth, version='aes128gcm').decode())
";

#[test]
fn a_device_is_told_what_waits_and_nobody_on_the_way_reads_it() {
    let sandbox = Sandbox::start();
    let key = sandbox.add_agent("bot");
    let rita = sandbox.add_reviewer("rita");
    let service = TcpListener::bind("127.0.0.1:0").unwrap();
    let settings = "[push]\ncontact = 'mailto:ops@example.com'\nhosts = ['localhost']\n";
    std::fs::create_dir_all(&sandbox.layout.config).unwrap();
    std::fs::write(sandbox.layout.channels(), settings).unwrap();
    let notify = || {
        Command::new(Sandbox::program("countersign-gate"))
            .arg("notify")
            .env(host::install_paths::DIRECTORY_VARIABLE, sandbox.layout.run.parent().unwrap())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    };
    let mut telling = notify();
    let gate = Gate::start(&sandbox);
    let cookie = gate.sign_in(&rita);
    let public = || gate.ask("GET", "/v1/push", &[&cookie], "").1["key"].as_str().map(str::to_owned);
    while public().is_none() {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let device = |endpoint: &str, on: bool| {
        let body = json!({"endpoint": endpoint, "p256dh": PUBLIC, "auth": AUTH, "on": on}).to_string();
        gate.ask("POST", "/v1/push", &[JSON, &cookie], &body).0
    };
    let endpoint = format!("http://localhost:{}/push/rita", service.local_addr().unwrap().port());
    // No one without a session is notified, and no address leads elsewhere.
    let body = json!({"endpoint": endpoint, "p256dh": PUBLIC, "auth": AUTH, "on": true}).to_string();
    assert_eq!(gate.ask("POST", "/v1/push", &[JSON], &body).0, 401);
    assert_eq!(device("http://169.254.169.254/latest", true), 409);
    assert_eq!(device(&endpoint, true), 200);
    let agent = sandbox.raw(&key);
    let act = exec_act(&["mkdir", "told-on-the-phone"]);
    agent.submit(&act);
    let (head, body) = take(&service, "201 Created", "");
    assert!(head.starts_with("post /push/rita http/1.1"), "{head}");
    for line in ["content-encoding: aes128gcm", "ttl: 600", "urgency: high", "authorization: vapid t="] {
        assert!(head.contains(line), "{line}: {head}");
    }
    assert!(head.contains(&format!("k={}", public().unwrap()).to_ascii_lowercase()), "{head}");
    assert!(!String::from_utf8_lossy(&body).contains("told-on-the-phone"));
    let body = data_encoding::BASE64URL_NOPAD.encode(&body);
    let output = test_python().args(["-c", READ, PRIVATE, AUTH, &body]).output().unwrap();
    let text: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    assert!(text["body"].as_str().unwrap().contains("mkdir told-on-the-phone"), "{text}");
    assert_eq!(text["tag"], sandbox.hold().id.as_str());
    // The end replaces it; the service does not know the device any more, and it is forgotten.
    drop(agent);
    let (head, _) = take(&service, "410 Gone", "");
    assert!(head.contains("urgency: low"), "{head}");
    let left = || {
        let state = rusqlite::Connection::open(sandbox.layout.state.join("state.db")).unwrap();
        state.query_row("SELECT COUNT(*) FROM devices", [], |row| row.get::<_, u32>(0)).unwrap()
    };
    while left() > 0 {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    assert_eq!(device(&endpoint, true), 200);
    assert_eq!(device(&endpoint, false), 200);
    assert_eq!(left(), 0);
    telling.kill().unwrap();
    telling.wait().unwrap();
}
