//! The page's certificate from an authority (ACME, RFC 8555), and replaced while the gate runs. The authority is Pebble, the one that
//! Let's Encrypt tests with; it rejects a quarter of all good nonces.

#![allow(clippy::unwrap_used, clippy::panic, clippy::expect_used, reason = "a test may fail loudly")]

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::PathBuf;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use host::install_paths::Layout;
use testkit::{Authority, Sandbox, free_port, over_tls, self_signed, wait_for};

const PATIENCE: Duration = Duration::from_secs(60);
const NAME: &str = "gate.test";
const KEEPER: u32 = 61_011;
const WEB: u32 = 61_012;

/// A port that only root may open: one of a hundred of one's own.
fn low_port(from: u16) -> u16 {
    (from..from.saturating_add(100)).find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok()).unwrap()
}

fn is_root() -> bool {
    host::files::my_uid() == 0
}

/// The certificate that a page shows: its serial number and its key.
fn shown(port: u16) -> String {
    let shown = Command::new("sh")
        .args(["-c", &format!("openssl s_client -connect 127.0.0.1:{port} -servername {NAME} </dev/null 2>/dev/null | openssl x509 -noout -serial -pubkey")])
        .output()
        .unwrap();
    String::from_utf8(shown.stdout).unwrap()
}

/// What a port answers without TLS.
fn plain(port: u16, path: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    // Who talks no TLS may be cut off at once.
    let _ = write!(stream, "GET {path} HTTP/1.1\r\nhost: {NAME}\r\nconnection: close\r\n\r\n");
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

/// `countersign up`, with a page at a port.
struct Up {
    child: Child,
    port: u16,
    words: PathBuf,
}

impl Up {
    fn start(sandbox: &Sandbox, settings: &str) -> Self {
        Self::start_with(sandbox, settings, false)
    }

    /// Under accounts of its own, where we are root.
    fn start_with(sandbox: &Sandbox, settings: &str, apart: bool) -> Self {
        let home = sandbox.layout.run.parent().unwrap();
        let layout = Layout::under(home);
        fs::create_dir_all(&layout.web).unwrap();
        fs::set_permissions(&layout.web, fs::Permissions::from_mode(0o700)).unwrap();
        fs::write(layout.certificate_settings(), settings).unwrap();
        let port = if apart { low_port(900) } else { free_port() };
        let programs = sandbox.work.join("programs");
        fs::create_dir(&programs).unwrap();
        for name in ["countersign", "countersignd", "countersign-logd", "countersign-gate"] {
            let (from, to) = (Sandbox::program(name), programs.join(name));
            if fs::hard_link(&from, &to).is_err() {
                fs::copy(from, to).unwrap();
            }
        }
        let words = sandbox.work.join("words");
        let both = File::create(&words).unwrap();
        let mut command = Command::new(programs.join("countersign"));
        command.args(["up", "--dir", home.to_str().unwrap(), "--web", &format!("127.0.0.1:{port}")]);
        if apart {
            for path in [home, &layout.config, &layout.state, &layout.log, &layout.run] {
                chown(path, Some(KEEPER), Some(KEEPER)).unwrap();
            }
            command.args(["--user", &format!("{KEEPER}:{KEEPER}"), "--web-user", &format!("{WEB}:{WEB}")]);
        }
        command.env("COUNTERSIGN_WEB_HOST", NAME).stdout(both.try_clone().unwrap()).stderr(both);
        Self { child: command.spawn().unwrap(), port, words }
    }

    fn says(&self, what: &str) {
        let since = Instant::now();
        while !self.said().contains(what) {
            assert!(since.elapsed() < PATIENCE, "`{what}` is not said: {}", self.said());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn said(&self) -> String {
        fs::read_to_string(&self.words).unwrap()
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        let _ = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        let _ = self.child.wait();
    }
}

#[test]
fn the_page_gets_a_certificate_and_a_new_one_before_it_is_over() {
    let sandbox = Sandbox::prepared("");
    let asks_at = if is_root() { low_port(800) } else { free_port() };
    let authority = Authority::start(&sandbox.work, asks_at, 15);
    let settings = authority.settings_for(NAME, &format!("listen = \"127.0.0.1:{asks_at}\""));
    let up = Up::start_with(&sandbox, &settings, is_root());
    let health = || over_tls(up.port, NAME, &authority.root(), "/v1/health");
    up.says("the page has a new certificate");
    let answer = wait_for("no page", health);
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("{\"ok\":true}"), "{answer}");
    // Nothing else is answered where the authority asks, and the page is not there.
    for path in ["/", "/v1/health", "/.well-known/acme-challenge/x", "/.well-known/acme-challenge/../../x"] {
        assert!(plain(asks_at, path).starts_with("HTTP/1.1 404"), "{path}");
    }
    assert!(!plain(up.port, "/v1/health").contains("HTTP/1.1 200"), "the page is there without TLS");

    // An open page stays open.
    let first = shown(up.port);
    let mut open = TcpStream::connect(("127.0.0.1", up.port)).unwrap();
    let since = Instant::now();
    let second = loop {
        let now = shown(up.port);
        if !now.is_empty() && now != first {
            break now;
        }
        assert!(since.elapsed() < PATIENCE, "no second certificate: {}", up.said());
        std::thread::sleep(Duration::from_millis(200));
    };
    let key = |shown: &str| shown.split_once("PUBLIC KEY").unwrap().1.to_owned();
    assert_ne!(key(&first), key(&second), "the key stays the same");
    assert!(open.write_all(b"x").is_ok(), "what was open is cut");
    assert!(health().is_some());
    assert!(!up.said().contains("ended:"), "something ended: {}", up.said());

    let layout = Layout::under(sandbox.layout.run.parent().unwrap());
    for path in [layout.certificate(), layout.certificate_account()] {
        let found = fs::metadata(&path).unwrap();
        assert_eq!(found.mode() & 0o777, 0o600, "{}", path.display());
        assert_eq!(found.uid(), if is_root() { WEB } else { host::files::my_uid() }, "{}", path.display());
    }
}

#[test]
fn a_name_is_proved_by_dns_where_the_authority_reaches_nothing() {
    let sandbox = Sandbox::prepared("");
    let authority = Authority::start(&sandbox.work, free_port(), 86_400);
    let hook = sandbox.work.join("hook");
    // The server that keeps the names takes JSON.
    let program = format!(
        "#!/usr/bin/env python3\nimport json, sys, urllib.request\nwhat, name, value = sys.argv[1:]\nopen('{}', 'a').write(f'{{what}} {{name}}\\n')\n\
         path, body = ('set-txt', {{'host': name + '.', 'value': value}}) if what == 'set' else ('clear-txt', {{'host': name + '.'}})\n\
         urllib.request.urlopen('http://127.0.0.1:{}/' + path, json.dumps(body).encode())\n",
        sandbox.mark("asked").display(),
        authority.names
    );
    fs::write(&hook, program).unwrap();
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o700)).unwrap();
    let settings = authority.settings_for(NAME, &format!("dns_hook = \"{}\"", hook.display()));
    let settings = settings.replace(&format!("\"{NAME}\""), &format!("\"*.{NAME}\""));
    let up = Up::start(&sandbox, &settings);
    wait_for("no page", || over_tls(up.port, &format!("a.{NAME}"), &authority.root(), "/v1/health"));
    let asked = || fs::read_to_string(sandbox.mark("asked")).unwrap();
    // Once for each order; one that the authority cut short is tried again.
    let all = format!("set _acme-challenge.{NAME}\nunset _acme-challenge.{NAME}\n");
    wait_for("the record is not taken back", || asked().replace(&all, "").is_empty().then_some(()));
}

/// Metrics show when the certificate expires, and every number that the shipped alerts need.
fn watched(metrics: &str) {
    let value = |name: &str| -> u64 {
        let line = metrics
            .lines()
            .find_map(|line| line.strip_prefix(&format!("countersign_certificate_{name}_timestamp_seconds ")));
        line.unwrap_or_else(|| panic!("no {name} in {metrics}")).parse().unwrap()
    };
    let now_s = host::clock::now_ms().checked_div(1_000).unwrap();
    assert!((now_s.saturating_sub(600)..=now_s).contains(&value("begin")));
    assert_eq!(value("expiry").checked_sub(value("begin")), Some(2 * 86_400));
    let alerts = include_str!("../../api/alerts.rules.yml");
    let asked =
        alerts.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|it| it.starts_with("countersign_"));
    for name in asked {
        assert!(metrics.contains(&format!("\n{name}")), "an alert asks for {name}, and there is no such number");
    }
}

#[test]
fn without_a_certificate_nobody_is_served_and_a_bad_one_is_not_taken() {
    let sandbox = Sandbox::prepared("");
    // The authority asks where no server answers: for it, the name belongs to another.
    let authority = Authority::start(&sandbox.work, free_port(), 86_400);
    let up = Up::start(&sandbox, &authority.settings_for(NAME, &format!("listen = \"127.0.0.1:{}\"", free_port())));
    up.says("tried again in 60 s");
    assert!(up.said().contains("no certificate yet"), "{}", up.said());
    assert!(up.said().contains("connection refused"), "{}", up.said());
    assert_eq!(shown(up.port), "");
    assert!(!plain(up.port, "/v1/health").contains("HTTP/1.1"), "the page is there without TLS");

    let layout = Layout::under(sandbox.layout.run.parent().unwrap());
    let put = |chain: &str, key: &str, mode: u32| {
        let read = |name: &str| fs::read_to_string(sandbox.work.join(name)).unwrap();
        let text = format!("{}{}", read(chain), read(key));
        host::files::replace(&layout.certificate(), text.as_bytes(), mode).unwrap();
    };
    self_signed(&sandbox.work, NAME);
    self_signed(&sandbox.work, "other.test");
    // Of two files that do not belong together, and one that everybody can read: not shown.
    put("gate.test.pem", "other.test.key", 0o600);
    up.says("the certificate is not taken: certificate and key:");
    put("other.test.pem", "other.test.key", 0o644);
    up.says("can be read by others");
    assert_eq!(shown(up.port), "");
    put("gate.test.pem", "gate.test.key", 0o600);
    up.says("the page has a new certificate");
    let ours = sandbox.work.join("gate.test.pem");
    assert!(over_tls(up.port, NAME, &ours, "/v1/health").is_some());
    watched(&over_tls(up.port, NAME, &ours, "/metrics").unwrap());
    // A later bad one replaces the good one for no client.
    put("gate.test.pem", "other.test.key", 0o600);
    wait_for("no word", || (up.said().matches("not taken: certificate and key").count() == 2).then_some(()));
    assert!(over_tls(up.port, NAME, &ours, "/v1/health").is_some());
}

#[test]
fn settings_that_the_web_gate_could_have_written_open_no_port() {
    if !is_root() {
        // Without separate accounts there is no other user.
        return;
    }
    let sandbox = Sandbox::prepared("");
    let home = sandbox.layout.run.parent().unwrap();
    let layout = Layout::under(home);
    fs::create_dir_all(&layout.web).unwrap();
    fs::write(layout.certificate_settings(), format!("names = [\"{NAME}\"]\nlisten = \"127.0.0.1:22\"\n")).unwrap();
    chown(layout.certificate_settings(), Some(WEB), Some(WEB)).unwrap();
    chown(home, Some(KEEPER), Some(KEEPER)).unwrap();
    let (keeper, web) = (format!("{KEEPER}:{KEEPER}"), format!("{WEB}:{WEB}"));
    let words = ["up", "--dir", home.to_str().unwrap(), "--web", "off", "--user", &keeper, "--web-user", &web];
    let output = sandbox.countersign(&words).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("others than root can write it"), "{said}");
    // Nor is a link followed there, or anything else than a directory given away, wherever it leads.
    let ours = sandbox.work.join("ours");
    fs::write(&ours, "x = [secret").unwrap();
    fs::remove_file(layout.certificate_settings()).unwrap();
    std::os::unix::fs::symlink(&ours, layout.certificate_settings()).unwrap();
    let said = sandbox.countersign(&words).output().unwrap();
    assert!(!said.status.success() && !String::from_utf8_lossy(&said.stderr).contains("secret"), "{said:?}");
    fs::remove_dir_all(&layout.web).unwrap();
    let links: [fn(&PathBuf, &PathBuf) -> std::io::Result<()>; 2] =
        [|from, to| fs::hard_link(from, to), |from, to| std::os::unix::fs::symlink(from, to)];
    for put in links {
        put(&ours, &layout.web).unwrap();
        assert!(!sandbox.countersign(&words).output().unwrap().status.success());
        assert_eq!(fs::metadata(&ours).unwrap().uid(), 0, "root gave a file away");
        fs::remove_file(&layout.web).unwrap();
    }
}
