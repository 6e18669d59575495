//! `countersign-logd`: the one writer of the record. It holds the log key and the encryption keys, takes records from
//! `countersignd`, makes them durable, and answers with proofs. It has no way to change an old record.

mod keys;
mod queries;
mod recordings;

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::net::UnixStream;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use host::install_paths::Layout;
use host::socket::{self, Failed};
use log_store::{Disk, FileKeeper, RealDisk, Record, Settings, Writer, log_key};
use model::Digest;
use protocol::{LogRecord, LogReply, LogRequest, MAX_LOG_FRAME};
use record::{Change, Draft};
use serde_json::Value;

/// Timeout for the rest of a message, or for sending one.
const PATIENCE: Duration = Duration::from_secs(5);

/// The variable with the size of the journal's segments, and between what it may be.
const SEGMENT: &str = "COUNTERSIGN_SEGMENT_BYTES";
const SMALLEST_SEGMENT: usize = 64 * 1024;
const LARGEST_SEGMENT: usize = 1024 * 1024 * 1024;

/// The log's name in checkpoints.
const ORIGIN: &str = "countersign.local/log";

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
                 COUNTERSIGN_DIR or the XDG variables. {SEGMENT} is the size of the journal's segments ({} bytes, unless given).",
                log_store::SEGMENT_BYTES
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

pub(crate) type Shared = Arc<Mutex<Option<Writer>>>;

fn serve() -> Result<(), String> {
    host::memory::keep_private();
    let layout = Layout::from_environment()?;
    let fail = |directory: &std::path::Path, why| format!("`{}`: {why}", directory.display());
    host::files::private_directory(&layout.log).map_err(|why| fail(&layout.log, why))?;
    host::files::passable_directory(&layout.run).map_err(|why| fail(&layout.run, why))?;
    let say = |why: &dyn std::fmt::Display| format!("`{}`: {why}", layout.log.display());
    // Held until the process ends.
    let lock = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(layout.log.join("lock"))
        .map_err(|why| say(&why))?;
    host::files::lock_alone(&lock).map_err(|_| say(&"another countersign-logd writes this log"))?;
    let writer: Shared = Arc::new(Mutex::new(Some(open(&layout).map_err(|why| say(&why))?)));
    let listener = socket::listen(&layout.log_socket(), 0o600).map_err(|why| why.to_string())?;
    let theirs = Arc::clone(&writer);
    let disk = disk_of(&layout);
    recordings::redact_all(&disk, &writer)?;
    let accept = move || {
        for stream in listener.incoming() {
            let Ok(stream) = stream else { continue };
            let (writer, disk) = (Arc::clone(&theirs), Arc::clone(&disk));
            let _ = std::thread::Builder::new().spawn(move || converse(&stream, &writer, &disk));
        }
    };
    std::thread::Builder::new().name("accept".to_owned()).spawn(accept).map_err(|why| why.to_string())?;
    host::service_supervisor::wait_for_end(None).map_err(|why| why.to_string())?;
    // Requests in progress have their answer; none is served after this.
    let writer = writer.lock().unwrap_or_else(PoisonError::into_inner).take();
    writer.map_or(Ok(()), Writer::close)
}

fn disk_of(layout: &Layout) -> Arc<dyn Disk> {
    Arc::new(RealDisk::new(&layout.log))
}

fn open(layout: &Layout) -> Result<Writer, String> {
    if layout.log.join("records.log").exists() {
        return Err("this is a log of an earlier development version; move the directory away, and a new one is begun"
            .to_owned());
    }
    let disk = disk_of(layout);
    // What others could read is not gone on with; nor is a program to seal by that others could name.
    for name in ["log.key", "keys/ring.json", "keys/seal.json"] {
        let path = layout.log.join(name);
        if path.exists() && host::files::can_be_read_by_others(&path).map_err(|why| why.to_string())? {
            return Err(format!("`{}` can be read by others; make it mode 0600", path.display()));
        }
    }
    let key = log_key(disk.as_ref(), ORIGIN)?;
    let public = format!("{}\n", key.verifier().to_text());
    let keeper = FileKeeper::open(Arc::clone(&disk), host::clock::now_ms())?;
    let mut settings = Settings::default();
    if let Ok(bytes) = std::env::var(SEGMENT) {
        let bytes = bytes.parse().ok().filter(|bytes| (SMALLEST_SEGMENT..=LARGEST_SEGMENT).contains(bytes));
        settings.segment_bytes = bytes.ok_or_else(|| {
            format!("`{SEGMENT}` is a number of bytes between {SMALLEST_SEGMENT} and {LARGEST_SEGMENT}")
        })?;
    }
    let say = &mut |what: &str| eprintln!("countersign-logd: {what}");
    let mut writer = Writer::open(disk, key, Box::new(keeper), settings, say).map_err(|why| {
        format!("the record does not hold, so nothing is added to it: {why}. Keep the directory as evidence; `countersign log verify` tells more")
    })?;
    // Only now: under a key that is not the log's, the one that verifies it must not be written over.
    let known = host::files::read_small(&layout.log.join("log.pub"), 4096).map_err(|why| why.to_string())?;
    if known.as_deref() != Some(public.as_bytes()) {
        host::files::replace(&layout.log.join("log.pub"), public.as_bytes(), 0o644).map_err(|why| why.to_string())?;
    }
    keys::finish(layout, &mut writer)?;
    recordings::finish(&disk_of(layout), &mut writer)?;
    Ok(writer)
}

/// Serves one connection. Only our own user may write the record.
fn converse(stream: &UnixStream, writer: &Shared, disk: &Arc<dyn Disk>) {
    let me = host::files::my_uid();
    if !socket::peer(stream).is_ok_and(|peer| peer.uid == me) {
        return;
    }
    let mut recording = None;
    while let Ok(message) = next(stream, &mut recording) {
        let answer = if let LogRequest::Watch { recording, live, by } = message {
            match queries::watch(stream, (disk, writer), &recording, live, &by) {
                Ok(()) => continue,
                Err(why) => Err(why),
            }
        } else {
            answer(message, writer, disk, &mut recording)
        };
        let answer = answer.unwrap_or_else(|why| LogReply::Failed { why });
        let is_durable = matches!(answer, LogReply::Durable { .. });
        let sent = socket::send(stream, &answer, MAX_LOG_FRAME, PATIENCE);
        // Waiting callers have their receipts; the rest is internal.
        if is_durable {
            let _ = with(writer, |writer| {
                writer.hand_on();
                Ok(())
            });
        }
        if sent.is_err() {
            break;
        }
    }
    if let Some(recording) = recording
        && let Err(why) = recordings::end(disk, writer, recording, recordings::End::Cut)
    {
        eprintln!("countersign-logd: {why}");
    }
}

/// The next message. A recording that waits for one is flushed meanwhile.
fn next(stream: &UnixStream, recording: &mut Option<recordings::Growing>) -> Result<LogRequest, ()> {
    while let Some(within) = recording.as_ref().and_then(recordings::Growing::flush_within) {
        match socket::readable_within(stream, within) {
            Ok(true) => break,
            Ok(false) => {
                if let Some(Err(why)) = recording.as_mut().map(recordings::Growing::flush_if_due) {
                    eprintln!("countersign-logd: a recording could not be flushed: {why}");
                    return Err(());
                }
            }
            Err(_) => return Err(()),
        }
    }
    socket::receive::<LogRequest>(stream, MAX_LOG_FRAME, None, PATIENCE).map_err(|why| {
        if !matches!(why, Failed::Closed) {
            let _ = socket::send(stream, &LogReply::Failed { why: why.to_string() }, MAX_LOG_FRAME, PATIENCE);
        }
    })
}

/// Does something with the writer. A thread that panicked with it in hand may have left it between steps: nothing is written
/// after that.
pub(crate) fn with<T>(shared: &Shared, act: impl FnOnce(&mut Writer) -> Result<T, String>) -> Result<T, String> {
    let mut writer = shared.lock().map_err(|_| "the writer failed earlier; restart it".to_owned())?;
    act(writer.as_mut().ok_or("the log is being closed")?)
}

fn answer(
    message: LogRequest,
    shared: &Shared,
    disk: &Arc<dyn Disk>,
    recording: &mut Option<recordings::Growing>,
) -> Result<LogReply, String> {
    let none = || "this connection has no recording".to_owned();
    let what = match message {
        LogRequest::Hello => {
            return with(shared, |writer| {
                Ok(LogReply::Log { verifier: writer.verifier().to_text(), note: writer.note().map(str::to_owned) })
            });
        }
        LogRequest::Append { records } => return with(shared, |writer| append(writer, records)),
        LogRequest::Seal { digest, about } => return with(shared, |writer| seal(writer, &digest, about)),
        LogRequest::Begin { .. } if recording.is_some() => return Err("this connection has a recording".to_owned()),
        LogRequest::Begin { head } => {
            let begun = with(shared, |writer| recordings::begin(disk, writer, head))?;
            return Ok(LogReply::Began { recording: recording.insert(begun).id().to_owned() });
        }
        LogRequest::Add { events } => recording.as_mut().ok_or_else(none)?.add(events).map(|()| String::new()),
        LogRequest::End => recordings::end(disk, shared, recording.take().ok_or_else(none)?, recordings::End::InOrder),
        LogRequest::Viewed { recording, variant, by } => {
            with(shared, |writer| recordings::viewed(writer, &recording, &variant, &by))
        }
        LogRequest::Read { what } => {
            let layout = Layout::from_environment()?;
            return queries::read(disk, &layout, &what).map(|found| LogReply::Read { found });
        }
        LogRequest::Watch { .. } => return Err("a recording is viewed on its own connection".to_owned()),
        LogRequest::Rotate => with(shared, keys::rotate),
        LogRequest::LegalHold { scope, held, why } => {
            with(shared, |writer| keys::legal_hold(writer, &scope, held, &why))
        }
        LogRequest::Destroy { scope, keys, why } => with(shared, |writer| keys::destroy(writer, &scope, &keys, &why)),
    };
    Ok(LogReply::Done { what: what? })
}

fn append(writer: &mut Writer, records: Vec<LogRecord>) -> Result<LogReply, String> {
    let mut taken = Vec::with_capacity(records.len());
    for LogRecord { content, at_ms, scope, terms } in records {
        if !Draft::is_content(content.as_bytes(), at_ms, &scope) {
            return Err("a record is malformed".to_owned());
        }
        taken.push(Record { content: content.into_bytes(), at_ms, scope, terms });
    }
    let proofs = put(writer.make_durable(&taken))?;
    Ok(LogReply::Durable { proofs: proofs.iter().map(audit::ReceiptProof::to_value).collect() })
}

/// The longest description of what is sealed, in bytes of JSON.
const MAX_ABOUT_BYTES: usize = 4096;

/// Records a digest and gives the proof: whatever has this digest was there by then, and did not change since.
fn seal(writer: &mut Writer, digest: &str, about: Value) -> Result<LogReply, String> {
    let digest = Digest::parse(digest).map_err(|why| why.to_string())?;
    if about.to_string().len() > MAX_ABOUT_BYTES {
        return Err(format!("what is sealed is described in {MAX_ABOUT_BYTES} bytes at most"));
    }
    let sealed = Change::Sealed { digest: digest.to_string(), about };
    let draft = Draft::of(sealed.into(), host::clock::now_ms());
    let record = Record::of(&draft);
    let proofs = put(writer.append(std::slice::from_ref(&record)))?;
    let proof = proofs.first().ok_or("there is no proof")?.to_value();
    let content = String::from_utf8(record.content).map_err(|why| why.to_string())?;
    Ok(LogReply::Sealed { content, proof })
}

/// What was appended; where it is unknown what is on the disk, the process ends, and recovery decides on what it finds.
fn put(appended: Result<Vec<audit::ReceiptProof>, log_store::Failed>) -> Result<Vec<audit::ReceiptProof>, String> {
    appended.map_err(|why| match why {
        log_store::Failed::Refused(why) => why,
        log_store::Failed::Fatal(why) => {
            eprintln!("countersign-logd: {why}");
            std::process::exit(1);
        }
    })
}
