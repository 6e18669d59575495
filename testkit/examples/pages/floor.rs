//! The floor: a server that does nothing but carry. HTTP in, a durable write, a WebSocket message out; HTTP in, a durable write, and the
//! first request is answered. No rule is checked, no one is authenticated, nothing is signed.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::State;
use axum::extract::ws::{Message, WebSocketUpgrade};
use axum::response::Response;
use axum::routing::{get, post};
use tokio::sync::{broadcast, oneshot};

/// How large the file is that is written over and over, and a record in it, in bytes.
const FILE_BYTES: u64 = 16 * 1024 * 1024;
const RECORD_BYTES: u64 = 1_500;

/// The server, with the pages that are connected to it.
pub(crate) struct Floor {
    address: SocketAddr,
    heard: Receiver<Instant>,
    pages: usize,
    /// As a browser does it: the connection is there already.
    click: TcpStream,
    _runtime: tokio::runtime::Runtime,
}

struct Server {
    file: std::fs::File,
    at: AtomicU64,
    tell: broadcast::Sender<String>,
    waits: Mutex<Option<oneshot::Sender<()>>>,
}

impl Server {
    fn write(&self) {
        let at = self.at.fetch_add(RECORD_BYTES, Ordering::Relaxed) % (FILE_BYTES - RECORD_BYTES);
        self.file.write_all_at(&[7; RECORD_BYTES as usize], at).unwrap();
        self.file.sync_data().unwrap();
    }
}

impl Floor {
    /// Starts it, with its file in a directory.
    pub(crate) fn start(directory: &Path, pages: usize) -> Self {
        let path = directory.join(format!("floor-{pages}"));
        std::fs::write(&path, vec![0; usize::try_from(FILE_BYTES).unwrap()]).unwrap();
        let file = std::fs::OpenOptions::new().write(true).open(path).unwrap();
        file.sync_all().unwrap();
        let server =
            Arc::new(Server { file, at: AtomicU64::new(0), tell: broadcast::channel(16).0, waits: Mutex::default() });
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let router = Router::new()
            .route("/request", post(request))
            .route("/answer", post(answer))
            .route("/page", get(page))
            .with_state(server);
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        runtime.spawn(async move { axum::serve(listener, router).await });
        let (tell, heard) = channel();
        (0..pages).for_each(|_| connect(address, tell.clone()));
        Self { address, heard, pages, click: TcpStream::connect(address).unwrap(), _runtime: runtime }
    }

    /// One request, seen, answered, and gone on with.
    pub(crate) fn round(&self) -> Duration {
        let mut agent = TcpStream::connect(self.address).unwrap();
        let started = Instant::now();
        post_to(&agent, "/request", 600);
        let seen = self.heard.recv().unwrap().duration_since(started);
        for _ in 1..self.pages {
            self.heard.recv().unwrap();
        }
        let clicked = Instant::now();
        post_to(&self.click, "/answer", 20);
        let mut answered = [0; 512];
        assert!(agent.read(&mut answered).unwrap() > 0);
        let took = seen + clicked.elapsed();
        assert!((&self.click).read(&mut answered).unwrap() > 0);
        took
    }
}

async fn request(State(server): State<Arc<Server>>, body: String) {
    let (done, waits) = oneshot::channel();
    *server.waits.lock().unwrap() = Some(done);
    tokio::task::block_in_place(|| server.write());
    server.tell.send(body).unwrap();
    waits.await.unwrap();
}

async fn answer(State(server): State<Arc<Server>>, _body: String) {
    tokio::task::block_in_place(|| server.write());
    let waits = server.waits.lock().unwrap().take().unwrap();
    waits.send(()).unwrap();
}

async fn page(State(server): State<Arc<Server>>, upgrade: WebSocketUpgrade) -> Response {
    let mut told = server.tell.subscribe();
    upgrade.on_upgrade(async move |mut socket| {
        while let Ok(text) = told.recv().await {
            if socket.send(Message::Text(text.into())).await.is_err() {
                return;
            }
        }
    })
}

fn post_to(mut stream: &TcpStream, path: &str, bytes: usize) {
    let body = "x".repeat(bytes);
    let head =
        format!("POST {path} HTTP/1.1\r\nhost: floor\r\ncontent-type: text/plain\r\ncontent-length: {bytes}\r\n\r\n");
    stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
}

/// A page (RFC 6455): tells when a message came. All are of one length, so that there is no frame to be taken apart.
fn connect(address: SocketAddr, tell: Sender<Instant>) {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(
        stream,
        "GET /page HTTP/1.1\r\nhost: floor\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    )
    .unwrap();
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    assert!(head.starts_with(b"HTTP/1.1 101"));
    std::thread::spawn(move || {
        // Two bytes of head, two of length, the text.
        let mut frame = [0; 604];
        while stream.read_exact(&mut frame).is_ok() && tell.send(Instant::now()).is_ok() {}
    });
}
