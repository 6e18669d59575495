//! The web gate of an installation, at a port of its own.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use crate::Sandbox;

/// A running web gate. It ends with this value.
pub struct Gate {
    child: Child,
    /// Where it listens: address and port.
    pub address: String,
}

impl Gate {
    /// Starts it.
    pub fn start(sandbox: &Sandbox) -> Self {
        let mut child = Command::new(Sandbox::program("countersign-gate"))
            .args(["web", "--listen", "127.0.0.1:0"])
            .env(host::layout::DIRECTORY_VARIABLE, sandbox.layout.run.parent().unwrap())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let line = BufReader::new(child.stderr.take().unwrap()).lines().next().unwrap().unwrap();
        let address = line.split("http://").nth(1).unwrap().trim_end_matches('/').to_owned();
        Self { child, address }
    }
}

impl Gate {
    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
