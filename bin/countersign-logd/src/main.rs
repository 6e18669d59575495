//! `countersign-logd`: the one writer of the record. It holds the log key, takes records from `countersignd`, makes
//! them durable, and answers with proofs. It has no way to change an old record.

mod writer;

use std::os::unix::net::UnixStream;
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use audit::Draft;
use host::layout::Layout;
use host::socket::{self, Failed};
use wire::{LogHears, LogSays, MAX_LOG_FRAME};
use writer::Writer;

/// How long the other side may take to send the rest of a message, or to take ours.
const PATIENCE: Duration = Duration::from_secs(5);

fn main() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        None => {}
        Some("--version") => {
            println!("countersign-logd {}", env!("CARGO_PKG_VERSION"));
            return ExitCode::SUCCESS;
        }
        Some(_) => {
            println!(
                "countersign-logd: writes the record.\n\nIt takes no arguments; `countersign up` starts it. Directories come from \
                 COUNTERSIGN_DIR or the XDG variables."
            );
            return ExitCode::SUCCESS;
        }
    }
    match serve() {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("countersign-logd: {why}");
            ExitCode::FAILURE
        }
    }
}

fn serve() -> Result<(), String> {
    let layout = Layout::from_environment()?;
    for directory in [&layout.log, &layout.run] {
        host::files::private_directory(directory).map_err(|why| format!("`{}`: {why}", directory.display()))?;
    }
    let writer = Arc::new(Mutex::new(Writer::open(&layout.log)?));
    let listener = socket::listen(&layout.log_socket(), 0o600).map_err(|why| why.to_string())?;
    for stream in listener.incoming() {
        let Ok(stream) = stream else { continue };
        let writer = Arc::clone(&writer);
        let _ = std::thread::Builder::new().spawn(move || converse(&stream, &writer));
    }
    Ok(())
}

/// Serves one connection. Only our own user may write the record.
fn converse(stream: &UnixStream, writer: &Mutex<Writer>) {
    let me = host::files::my_uid();
    if !socket::peer(stream).is_ok_and(|peer| peer.uid == me) {
        return;
    }
    loop {
        let message = match socket::receive::<LogHears>(stream, MAX_LOG_FRAME, None, PATIENCE) {
            Ok(message) => message,
            Err(Failed::Closed) => return,
            Err(why) => {
                let _ = socket::send(stream, &LogSays::Failed { why: why.to_string() }, MAX_LOG_FRAME, PATIENCE);
                return;
            }
        };
        // A thread that panicked with the writer in hand may have left it between steps: nothing is written after it.
        let answer = match (writer.lock(), message) {
            (Err(_), _) => LogSays::Failed { why: "the writer failed earlier; restart it".to_owned() },
            (Ok(writer), LogHears::Hello) => {
                LogSays::Log { verifier: writer.verifier(), note: writer.note().map(str::to_owned) }
            }
            (Ok(mut writer), LogHears::Append { drafts }) => append(&mut writer, &drafts),
        };
        let sent = socket::send(stream, &answer, MAX_LOG_FRAME, PATIENCE);
        if let (LogSays::Durable { .. }, Ok(mut writer)) = (&answer, writer.lock()) {
            writer.publish();
        }
        if sent.is_err() {
            return;
        }
    }
}

fn append(writer: &mut Writer, drafts: &[serde_json::Value]) -> LogSays {
    let Some(drafts) = drafts.iter().map(Draft::from_value).collect::<Option<Vec<_>>>() else {
        return LogSays::Failed { why: "a draft is malformed".to_owned() };
    };
    match writer.append(drafts) {
        Ok(proofs) => LogSays::Durable { proofs: proofs.iter().map(audit::ReceiptProof::to_value).collect() },
        Err(why) => LogSays::Failed { why },
    }
}
