//! The web gate of an installation, at a port of its own.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::{Reviewer, Sandbox};

/// A running web gate. One that was started here ends with this value.
pub struct Gate {
    child: Option<Child>,
    /// Where it listens: address and port.
    pub address: String,
}

impl Gate {
    /// Starts it.
    pub fn start(sandbox: &Sandbox) -> Self {
        Self::start_at(sandbox, 0)
    }

    /// Starts it at a port.
    pub fn start_at(sandbox: &Sandbox, port: u16) -> Self {
        let mut child = Command::new(Sandbox::program("countersign-gate"))
            .args(["web", "--listen", &format!("127.0.0.1:{port}")])
            .env(host::install_paths::DIRECTORY_VARIABLE, sandbox.layout.run.parent().unwrap())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let line = BufReader::new(child.stderr.take().unwrap()).lines().next().unwrap().unwrap();
        let address = line.split("http://").nth(1).unwrap().trim_end_matches('/').to_owned();
        Self { child: Some(child), address }
    }

    /// One that another process started.
    pub fn at(address: String) -> Self {
        Self { child: None, address }
    }
}

impl Gate {
    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.as_ref().unwrap().id()
    }
}

/// The header of a body in JSON.
pub const JSON: &str = "content-type: application/json";

impl Gate {
    /// A request, word for word, with our own `Host` unless another is given; gives status, headers and body.
    pub fn request(&self, method: &str, path: &str, headers: &[&str], body: &str) -> (u16, String, String) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let is_named = headers.iter().any(|it| it.starts_with("host:"));
        let own = if is_named { String::new() } else { format!("host: {}\r\n", self.address) };
        let headers: String = headers.iter().map(|it| format!("{it}\r\n")).collect();
        let length = body.len();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\n{own}{headers}content-length: {length}\r\nconnection: close\r\n\r\n{body}"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, head.to_owned(), body.to_owned())
    }

    /// The same, with the body as JSON.
    pub fn ask(&self, method: &str, path: &str, headers: &[&str], body: &str) -> (u16, Value) {
        let (status, _, body) = self.request(method, path, headers, body);
        (status, serde_json::from_str(&body).unwrap_or_default())
    }

    /// Signs a person in; returns the header with their cookie.
    pub fn sign_in(&self, reviewer: &Reviewer) -> String {
        let protocol::Proof::Totp(code) = reviewer.vouch().proof else { panic!("no code") };
        let body = json!({"name": reviewer.name, "proof": {"code": code}}).to_string();
        let (status, head, _) = self.request("POST", "/v1/session", &[JSON], &body);
        assert_eq!(status, 204, "{head}");
        let line = head.lines().find_map(|line| line.strip_prefix("set-cookie: ")).unwrap();
        assert!(line.contains("HttpOnly") && line.contains("SameSite=Strict"), "{line}");
        format!("cookie: {}", line.split(';').next().unwrap())
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
