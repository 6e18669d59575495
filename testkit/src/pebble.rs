//! A certificate authority for tests: Pebble, the one that Let's Encrypt tests with. It rejects a quarter of all good nonces.

use std::fs;
use std::io::Write as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(60);

/// A free port.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Looks again and again until something is there.
pub fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let since = Instant::now();
    loop {
        match look() {
            Some(found) => return found,
            None => assert!(since.elapsed() < PATIENCE, "{what}"),
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Pebble, and the names that it knows.
pub struct Authority {
    programs: Vec<Child>,
    directory: PathBuf,
    port: u16,
    management: u16,
    /// Where the names that it knows are managed.
    pub names: u16,
}

impl Authority {
    /// One that looks for answers at a port, and whose certificates are good for so many seconds.
    pub fn start(directory: &Path, asks_at: u16, good_for_s: u32) -> Self {
        let directory = directory.join("authority");
        fs::create_dir_all(&directory).unwrap();
        self_signed(&directory, "localhost");
        let (port, management, names, names_dns) = (free_port(), free_port(), free_port(), free_port());
        let settings = serde_json::json!({"pebble": {
            "listenAddress": format!("127.0.0.1:{port}"), "managementListenAddress": format!("127.0.0.1:{management}"),
            "certificate": "localhost.pem", "privateKey": "localhost.key", "httpPort": asks_at, "tlsPort": 1,
            "ocspResponderURL": "", "externalAccountBindingRequired": false, "certificateValidityPeriod": good_for_s,
        }});
        fs::write(directory.join("settings.json"), settings.to_string()).unwrap();
        let at = |port: u16| format!("127.0.0.1:{port}");
        let quiet = |command: &mut Command| command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let resolver = quiet(
            Command::new("pebble-challtestsrv").args(
                [
                    ["-dns01", &at(names_dns)],
                    ["-management", &at(names)],
                    ["-http01", ""],
                    ["-https01", ""],
                    ["-tlsalpn01", ""],
                    ["-defaultIPv6", ""],
                ]
                .concat(),
            ),
        );
        let pebble = quiet(
            Command::new("pebble")
                .args(["-config", "settings.json", "-dnsserver", &at(names_dns)])
                .env("PEBBLE_VA_NOSLEEP", "1")
                .env("PEBBLE_WFE_NONCEREJECT", "25")
                .current_dir(&directory),
        );
        let authority = Self { programs: vec![resolver, pebble], directory, port, management, names };
        // What it signs with, it says where it is managed.
        let root = wait_for("no authority", || {
            let ca = authority.directory.join("localhost.pem");
            over_tls(authority.management, "localhost", &ca, "/roots/0")
                .filter(|text| text.contains("BEGIN CERTIFICATE"))
        });
        let start = root.find("-----BEGIN").unwrap();
        fs::write(authority.directory.join("root.pem"), root.get(start..).unwrap()).unwrap();
        authority
    }

    /// A `certificate.toml`.
    pub fn settings_for(&self, name: &str, more: &str) -> String {
        format!(
            "names = [\"{name}\"]\nagree_to_terms = true\ndirectory = \"https://localhost:{}/dir\"\nca_file = \"{}\"\n{more}\n",
            self.port,
            self.directory.join("localhost.pem").display()
        )
    }

    /// What its certificates are held against.
    pub fn root(&self) -> PathBuf {
        self.directory.join("root.pem")
    }
}

impl Drop for Authority {
    fn drop(&mut self) {
        for program in &mut self.programs {
            let _ = program.kill();
            let _ = program.wait();
        }
    }
}

/// A certificate that signs itself: NAME.pem and NAME.key.
pub fn self_signed(directory: &Path, name: &str) {
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"])
        .args(["-keyout", &format!("{name}.key"), "-out", &format!("{name}.pem"), "-subj", &format!("/CN={name}")])
        .args(["-addext", &format!("subjectAltName=DNS:{name}"), "-addext", "basicConstraints=critical,CA:FALSE"])
        .current_dir(directory)
        .stderr(Stdio::null())
        .status();
    assert!(made.unwrap().success());
}

/// What a page answers over TLS, where its certificate holds.
pub fn over_tls(port: u16, name: &str, ca: &Path, path: &str) -> Option<String> {
    let mut child = Command::new("openssl")
        .args(["s_client", "-quiet", "-verify_return_error", "-verify_hostname", name, "-servername", name])
        .args(["-connect", &format!("127.0.0.1:{port}"), "-CAfile", ca.to_str().unwrap()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let _ =
        write!(child.stdin.take().unwrap(), "GET {path} HTTP/1.1\r\nhost: {name}:{port}\r\nconnection: close\r\n\r\n");
    let output = child.wait_with_output().unwrap();
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}
