//! What a certificate authority asks for at port 80 (HTTP-01, RFC 8555 §8.3): answered by a process of its own, which serves nothing else.
//! One kind of request has an answer here, so it is read without a server's library, and each connection has little time and room.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;

/// How long a connection lasts, and how many there are at once.
const PATIENCE: Duration = Duration::from_secs(5);
const MOST: usize = 128;

/// The longest request, in bytes.
const MAX_REQUEST: usize = 4_096;

/// What is answered at the moment: texts by token.
#[derive(Clone, Debug, Default)]
pub struct Challenges(Arc<Mutex<BTreeMap<String, String>>>);

impl Challenges {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers one from now on.
    pub fn set(&self, token: &str, text: &str) {
        self.lock().insert(token.to_owned(), text.to_owned());
    }

    /// Answers none any more.
    pub fn clear(&self) {
        self.lock().clear();
    }

    /// The answer to a request.
    fn answer(&self, request: &[u8]) -> String {
        let line = request.split(|byte| *byte == b'\r').next().and_then(|line| std::str::from_utf8(line).ok());
        let token = line.and_then(|line| line.strip_prefix("GET /.well-known/acme-challenge/")?.split_once(" HTTP/1."));
        let text = token.and_then(|(token, _)| self.lock().get(token).cloned());
        let (status, text) = text.map_or(("404 Not Found", String::new()), |text| ("200 OK", text));
        let length = text.len();
        format!(
            "HTTP/1.1 {status}\r\ncontent-type: application/octet-stream\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{text}"
        )
    }
}

/// Answers until the process ends.
pub async fn answer_challenges(listener: TcpListener, challenges: Challenges) {
    let places = Arc::new(Semaphore::new(MOST));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let Ok((stream, _)) = listener.accept().await else {
            // Out of descriptors: do not spin.
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        let challenges = challenges.clone();
        tokio::spawn(async move {
            let _ = timeout(PATIENCE, serve(stream, &challenges)).await;
            drop(place);
        });
    }
}

async fn serve(mut stream: TcpStream, challenges: &Challenges) -> std::io::Result<()> {
    let mut request = Vec::new();
    while !request.windows(4).any(|it| it == b"\r\n\r\n") && request.len() < MAX_REQUEST {
        if stream.read_buf(&mut request).await? == 0 {
            return Ok(());
        }
    }
    stream.write_all(challenges.answer(&request).as_bytes()).await?;
    stream.shutdown().await
}

#[cfg(test)]
mod tests {
    use super::Challenges;

    #[test]
    fn nothing_is_answered_but_what_is_asked_at_the_moment() {
        let challenges = Challenges::default();
        challenges.set("token", "token.thumbprint");
        let is_answered = |request: &str| challenges.answer(request.as_bytes()).starts_with("HTTP/1.1 200");
        assert!(is_answered("GET /.well-known/acme-challenge/token HTTP/1.1\r\nhost: x\r\n\r\n"));
        for other in [
            "GET /.well-known/acme-challenge/ HTTP/1.1\r\n\r\n",
            "GET /.well-known/acme-challenge/toke HTTP/1.1\r\n\r\n",
            "GET /.well-known/acme-challenge/token2 HTTP/1.1\r\n\r\n",
            "GET /.well-known/acme-challenge/../acme-challenge/token HTTP/1.1\r\n\r\n",
            "GET /x HTTP/1.1\r\nGET /.well-known/acme-challenge/token HTTP/1.1\r\n\r\n",
            "POST /.well-known/acme-challenge/token HTTP/1.1\r\n\r\n",
            "GET /.well-known/acme-challenge/token",
            "\0\r\n\r\n",
            "",
        ] {
            assert!(!is_answered(other), "{other:?}");
        }
        challenges.clear();
        assert!(!is_answered("GET /.well-known/acme-challenge/token HTTP/1.1\r\n\r\n"));
    }
}
