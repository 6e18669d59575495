//! Client of `countersign-logd`. The first thread that finds the connection idle sends the records of all waiting threads
//! as one batch; the others wait for it (group commit).

use std::collections::BTreeMap;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use audit::{LogVerifier, Receipt, ReceiptProof};
use host::socket;
use protocol::{LogRecord, LogReply, LogRequest, MAX_LOG_FRAME};
use record::Draft;

/// Timeout for a batch. After that, every record in it counts as not written.
const PATIENCE: Duration = Duration::from_secs(5);

/// The most records in one batch. More wait for the next.
const MAX_BATCH: usize = 512;

/// The most records that may wait at once. Beyond it new requests are refused.
const MAX_WAITING: usize = 8_192;

/// A client of `countersign-logd`.
pub(crate) struct LogClient {
    socket: PathBuf,
    line: Mutex<BatchQueue>,
    moved: Condvar,
}

#[derive(Default)]
struct BatchQueue {
    waiting: Vec<(u64, Draft)>,
    done: BTreeMap<u64, Result<Receipt, String>>,
    next: u64,
    /// Some thread carries a batch; the connection is with it.
    carrying: bool,
    connection: Option<Connection>,
    /// The log's key, fixed when it is first seen.
    verifier: Option<LogVerifier>,
    /// The newest checkpoint that we have seen: the log may never be shorter.
    newest: Option<String>,
}

struct Connection {
    stream: UnixStream,
    verifier: LogVerifier,
}

impl LogClient {
    /// A client for the log at a socket. `verifier` and `newest` are what was known when we last ran.
    pub(crate) fn new(socket: PathBuf, verifier: Option<LogVerifier>, newest: Option<String>) -> Self {
        let line = BatchQueue { verifier, newest, ..BatchQueue::default() };
        Self { socket, line: Mutex::new(line), moved: Condvar::new() }
    }

    /// Queues a record. A thread that finds the connection idle sends the batch, and may do other work before it waits. Until then
    /// it must take no lock under which another thread waits for a record.
    pub(crate) fn send(&self, draft: Draft) -> Result<PendingRecord<'_>, String> {
        let mut line = self.line();
        if line.waiting.len() >= MAX_WAITING {
            return Err("too many records wait for the log".to_owned());
        }
        let ticket = line.next;
        line.next = line.next.saturating_add(1);
        line.waiting.push((ticket, draft));
        let carried = if line.carrying { None } else { Some(self.leave(line)) };
        Ok(PendingRecord { log: self, ticket: Some(ticket), carried })
    }

    /// Waits for a record, and sends the waiting batch if no other thread does.
    fn wait(&self, ticket: u64) -> Result<Receipt, String> {
        let mut line = self.line();
        loop {
            if let Some(result) = line.done.remove(&ticket) {
                return result;
            }
            if line.carrying {
                line = self.moved.wait(line).unwrap_or_else(PoisonError::into_inner);
            } else {
                self.arrive(self.leave(line));
                line = self.line();
            }
        }
    }

    /// The newest checkpoint and the log's key, to be kept for the next start.
    pub(crate) fn known(&self) -> (Option<String>, Option<String>) {
        let line = self.line();
        (line.newest.clone(), line.verifier.as_ref().map(LogVerifier::to_text))
    }

    /// Connects now, to see that the log answers and is the one we know.
    pub(crate) fn greet(&self) -> Result<(), String> {
        let mut line = self.line();
        if line.connection.is_none() && !line.carrying {
            let connection = self.connect(&line)?;
            line.verifier = Some(connection.verifier.clone());
            line.connection = Some(connection);
        }
        Ok(())
    }

    /// Number of records, as of the newest receipt.
    pub(crate) fn size(&self) -> u64 {
        let line = self.line();
        let opened = line.verifier.as_ref().zip(line.newest.as_ref()).and_then(|(key, note)| key.open(note).ok());
        opened.map_or(0, |checkpoint| checkpoint.size)
    }

    /// Whether the log answered the last time.
    pub(crate) fn answers(&self) -> bool {
        let line = self.line();
        line.carrying || line.connection.is_some()
    }

    /// Records that wait.
    pub(crate) fn waiting(&self) -> usize {
        self.line().waiting.len()
    }

    fn line(&self) -> MutexGuard<'_, BatchQueue> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends one batch. The line is open to others meanwhile, and until its answer is there.
    fn leave<'a>(&'a self, mut line: MutexGuard<'a, BatchQueue>) -> Carried {
        line.carrying = true;
        let count = line.waiting.len().min(MAX_BATCH);
        let batch: Vec<(u64, Draft)> = line.waiting.drain(..count).collect();
        let connection = match line.connection.take() {
            Some(connection) => Ok(connection),
            None => self.connect(&line),
        };
        drop(line);
        let connection = connection.and_then(|connection| {
            say(&connection.stream, &batch)?;
            Ok(connection)
        });
        Carried { batch, connection }
    }

    /// Takes the answer to a batch, and tells everybody who waits for it.
    fn arrive(&self, Carried { batch, connection }: Carried) {
        let outcome = connection.and_then(|connection| {
            let proofs = hear(&connection.stream, batch.len())?;
            Ok((connection, proofs))
        });
        let mut line = self.line();
        match outcome {
            Ok((connection, proofs)) => {
                for ((ticket, draft), proof) in batch.into_iter().zip(proofs) {
                    let result = Receipt::check(proof, draft, &connection.verifier).map_err(|why| why.to_string());
                    if let Ok(receipt) = &result {
                        line.newest = Some(receipt.note().to_owned());
                    }
                    line.done.insert(ticket, result);
                }
                line.verifier = Some(connection.verifier.clone());
                line.connection = Some(connection);
            }
            Err(why) => {
                for (ticket, _) in batch {
                    line.done.insert(ticket, Err(why.clone()));
                }
            }
        }
        line.carrying = false;
        self.moved.notify_all();
    }

    fn connect(&self, line: &BatchQueue) -> Result<Connection, String> {
        let stream = UnixStream::connect(&self.socket).map_err(|why| down(&why))?;
        if !socket::peer(&stream).is_ok_and(|peer| peer.uid == host::files::my_uid()) {
            return Err("the log's socket belongs to another user".to_owned());
        }
        socket::send(&stream, &LogRequest::Hello, MAX_LOG_FRAME, PATIENCE).map_err(|why| down(&why))?;
        let hello: LogReply =
            socket::receive(&stream, MAX_LOG_FRAME, Some(PATIENCE), PATIENCE).map_err(|why| down(&why))?;
        let LogReply::Log { verifier, note } = hello else { return Err("the log does not say who it is".to_owned()) };
        let verifier = LogVerifier::parse(&verifier).ok_or("the log's key cannot be read")?;
        if line.verifier.as_ref().is_some_and(|known| *known != verifier) {
            return Err(
                "the log has another key than before; if that is meant, remove the pin from the state store".to_owned()
            );
        }
        let size = |note: &Option<String>| match note {
            None => Ok(0),
            Some(note) => verifier.open(note).map(|checkpoint| checkpoint.size).map_err(|why| why.to_string()),
        };
        if size(&note)? < size(&line.newest)? {
            return Err("the log is shorter than it was: records are missing".to_owned());
        }
        Ok(Connection { stream, verifier })
    }
}

/// A batch that was sent, with the connection that its answer comes over.
struct Carried {
    batch: Vec<(u64, Draft)>,
    connection: Result<Connection, String>,
}

/// A record that is being sent. Its sender waits for it in every case: others may wait for the same batch.
pub(crate) struct PendingRecord<'a> {
    log: &'a LogClient,
    ticket: Option<u64>,
    carried: Option<Carried>,
}

impl PendingRecord<'_> {
    /// The checked receipt: the record is durable.
    pub(crate) fn receipt(mut self) -> Result<Receipt, String> {
        self.end().unwrap_or_else(|| Err("the record was taken already".to_owned()))
    }

    fn end(&mut self) -> Option<Result<Receipt, String>> {
        if let Some(carried) = self.carried.take() {
            self.log.arrive(carried);
        }
        self.ticket.take().map(|ticket| self.log.wait(ticket))
    }
}

impl Drop for PendingRecord<'_> {
    fn drop(&mut self) {
        drop(self.end());
    }
}

fn down(why: &dyn std::fmt::Display) -> String {
    format!("the log cannot be reached: {why}")
}

fn say(stream: &UnixStream, batch: &[(u64, Draft)]) -> Result<(), String> {
    let record = |draft: &Draft| {
        // Canonical JSON is UTF-8.
        let content = String::from_utf8(draft.content()).map_err(|why| why.to_string())?;
        Ok(LogRecord { content, at_ms: draft.at_ms, scope: draft.scope.clone(), terms: draft.terms() })
    };
    let records = batch.iter().map(|(_, draft)| record(draft)).collect::<Result<_, String>>()?;
    socket::send(stream, &LogRequest::Append { records }, MAX_LOG_FRAME, PATIENCE).map_err(|why| down(&why))
}

fn hear(stream: &UnixStream, count: usize) -> Result<Vec<ReceiptProof>, String> {
    match socket::receive::<LogReply>(stream, MAX_LOG_FRAME, Some(PATIENCE), PATIENCE).map_err(|why| down(&why))? {
        LogReply::Durable { proofs } if proofs.len() == count => proofs
            .iter()
            .map(ReceiptProof::from_value)
            .collect::<Option<_>>()
            .ok_or_else(|| "the log's proof cannot be read".to_owned()),
        LogReply::Durable { .. }
        | LogReply::Log { .. }
        | LogReply::Sealed { .. }
        | LogReply::Began { .. }
        | LogReply::Read { .. }
        | LogReply::Lines { .. }
        | LogReply::Done { .. } => {
            Err("unexpected reply from `countersign-logd`; all programs must be of the same release".to_owned())
        }
        LogReply::Failed { why } => Err(why),
    }
}
