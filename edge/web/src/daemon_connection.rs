//! Frames over a Unix socket of the daemon, without a thread that waits.

use std::io::ErrorKind;
use std::path::Path;

use protocol::HEADER_BYTES;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;

/// One conversation with the daemon.
pub(crate) struct DaemonConnection(UnixStream);

impl DaemonConnection {
    /// Connects to a socket of the daemon.
    pub(crate) async fn open(socket: &Path) -> Result<Self, String> {
        let away = |why| format!("countersignd does not answer ({why}); nothing is allowed meanwhile");
        UnixStream::connect(socket).await.map(Self).map_err(away)
    }

    /// Sends a frame.
    pub(crate) async fn send(&mut self, frame: &[u8]) -> Result<(), String> {
        self.0.write_all(frame).await.map_err(|why| why.to_string())
    }

    /// Waits for the next message, of at most `limit` bytes.
    pub(crate) async fn hear<M: DeserializeOwned>(&mut self, limit: usize) -> Result<M, String> {
        let gone = |why: std::io::Error| format!("countersignd closed the connection: {why}");
        let mut header = [0; HEADER_BYTES];
        self.0.read_exact(&mut header).await.map_err(gone)?;
        let bytes = protocol::length(header, limit).map_err(|why| why.to_string())?;
        let mut body = vec![0; bytes];
        self.0.read_exact(&mut body).await.map_err(gone)?;
        protocol::decode(&body).map_err(|why| why.to_string())
    }

    /// Waits for an unrequested message: the end. Whatever it is, the connection is over.
    pub(crate) async fn stirs(&self) {
        while self.is_quiet() {
            if self.0.readable().await.is_err() {
                return;
            }
        }
    }

    /// Whether it is there and nothing came over it: not its end either.
    pub(crate) fn is_quiet(&self) -> bool {
        matches!(self.0.try_read(&mut [0]), Err(why) if why.kind() == ErrorKind::WouldBlock)
    }
}
