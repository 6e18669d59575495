//! A witness: it remembers the newest checkpoint of each log, and signs only what goes on from it.
//!
//! The order: what it saw is durable, then the cosignature leaves. After a crash between, it saw more than it said.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};

use audit::{AddCheckpoint, Checkpoint, LogVerifier, WitnessKey, Witnessed};
use host::clock;
use tiny_http::{Header, Method, Request, Response, Server};

use crate::log::public_key;

/// The longest request.
const MAX_BODY: u64 = 64 * 1024;

struct Witness {
    directory: PathBuf,
    key: WitnessKey,
    logs: Vec<LogVerifier>,
    /// One at a time: what is remembered and what is signed must not come apart.
    signing: Mutex<()>,
}

/// Serves until the process is ended.
pub(super) fn main(directory: &Path, name: &str, logs: &[PathBuf], listen: &str) -> Result<ExitCode, String> {
    if name.is_empty() || name.contains(|c: char| c.is_whitespace() || c == '+') {
        return Err(format!("`{name}` is no name of a witness: no spaces, no `+`"));
    }
    let fail = |why: std::io::Error| format!("`{}`: {why}", directory.display());
    host::files::private_directory(directory).map_err(fail)?;
    let key = WitnessKey::new(name, &host::files::secret_key(&directory.join("witness.key")).map_err(fail)?);
    let public = format!("{}\n", key.verifier().to_text());
    host::files::replace(&directory.join("witness.pub"), public.as_bytes(), 0o644).map_err(fail)?;
    let logs = logs.iter().map(|path| public_key(path)).collect::<Result<_, _>>()?;
    let witness = Witness { directory: directory.to_owned(), key, logs, signing: Mutex::default() };
    let server = Server::http(listen).map_err(|why| format!("`{listen}`: {why}"))?;
    println!("witness {} at http://{}", public.trim(), server.server_addr());
    super::serve_all(&server, |request| witness.serve(request));
    Ok(ExitCode::SUCCESS)
}

impl Witness {
    fn serve(&self, mut request: Request) {
        let asked = *request.method() == Method::Post && request.url() == "/add-checkpoint";
        let mut body = String::new();
        let read = request.as_reader().take(MAX_BODY).read_to_string(&mut body);
        let (status, text, size) = match (asked, read) {
            (false, _) => (404, String::new(), false),
            (true, Err(_)) => (400, String::new(), false),
            (true, Ok(_)) => self.answer(&body),
        };
        let response = Response::from_string(text).with_status_code(status);
        let _ = match Header::from_bytes(&b"Content-Type"[..], &b"text/x.tlog.size"[..]) {
            Ok(header) if size => request.respond(response.with_header(header)),
            Ok(_) | Err(()) => request.respond(response),
        };
    }

    /// Status, body, and whether the body is a size.
    fn answer(&self, body: &str) -> (u16, String, bool) {
        let Some(asked) = AddCheckpoint::parse(body) else { return (400, String::new(), false) };
        // A thread that panicked here remembered before it signed, or did neither.
        let _signing = self.signing.lock().unwrap_or_else(PoisonError::into_inner);
        match asked.judge(&self.logs, |origin| self.seen(origin)) {
            Witnessed::Malformed => (400, String::new(), false),
            Witnessed::Unknown => (403, String::new(), false),
            Witnessed::Conflict(size) => (409, format!("{size}\n"), true),
            Witnessed::Split => {
                eprintln!("countersign: A SPLIT VIEW was shown to this witness and not signed:\n{}", asked.note);
                (422, String::new(), false)
            }
            Witnessed::PeerCredentials(checkpoint) => {
                let path = self.path(&checkpoint.origin);
                let kept = host::files::replace(&path, asked.note.as_bytes(), 0o600);
                match (kept, self.key.cosign(&asked.note, clock::now_ms() / 1_000)) {
                    (Ok(()), Some(line)) => (200, line, false),
                    (Err(why), _) => {
                        eprintln!("countersign: `{}`: {why}; nothing is signed", path.display());
                        (500, String::new(), false)
                    }
                    (Ok(()), None) => (500, String::new(), false),
                }
            }
        }
    }

    fn path(&self, origin: &str) -> PathBuf {
        self.directory.join(format!("{}.seen", model::Digest::of_bytes(origin.as_bytes())))
    }

    /// What it saw last. What cannot be read is not taken for nothing: then it signs no more for this log.
    fn seen(&self, origin: &str) -> Option<Checkpoint> {
        let read = host::files::read_small(&self.path(origin), MAX_BODY);
        let unreadable = Checkpoint { origin: origin.to_owned(), size: u64::MAX, root: [0; 32] };
        match read {
            Ok(None) => None,
            Err(_) => Some(unreadable),
            Ok(Some(bytes)) => {
                let note = String::from_utf8(bytes).unwrap_or_default();
                let opened = self.logs.iter().find_map(|log| log.open(&note).ok());
                Some(opened.unwrap_or(unreadable))
            }
        }
    }
}
