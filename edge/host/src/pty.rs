//! Doing the act with everything that goes over its terminal written down first: a pseudo-terminal where ours is one,
//! pipes where it is not.
//!
//! What is typed is written down before the program gets it, what is printed before it is shown. Where it cannot be
//! written down the program is ended.

mod streams;

use std::ffi::OsString;
use std::io::{self, Read as _};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt as _;
use std::process::Child;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};
use rustix::termios::{Winsize, tcgetwinsize, tcsetwinsize};
use signal_hook::consts::SIGWINCH;
use signal_hook::low_level::pipe;

use crate::exec::{Ended, GRACE, Image, RELAYED};
use crate::executable_identity::ResolvedExec;
use crate::process_tree;
use streams::{PtyStream, Raw, close_input, is_hidden, on_pipes, on_pty};

/// How much is read at once. What is written down of it fits one message.
pub const CHUNK_BYTES: usize = 32 * 1024;

/// How long nothing may come, after the program ended, before we end: what it started may still hold its terminal open. And how
/// much is carried then: more than any pipe holds of what the program itself printed.
const DRAIN: Duration = Duration::from_millis(200);
const DRAIN_BYTES: usize = 2 * 1024 * 1024;

/// What is written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PtyEvent<'a> {
    /// Printed.
    Output(&'a [u8]),
    /// Typed.
    Input(&'a [u8]),
    /// Typed while nothing is shown, as passwords are.
    HiddenInput,
    /// The terminal has this size now: columns, rows.
    Size(u16, u16),
}

/// Takes down what was seen, durable or not; an error ends the act.
pub type Recorder<'a> = &'a mut dyn FnMut(PtyEvent<'_>) -> Result<(), String>;

/// Our terminal's columns and rows, if standard input and output are one.
pub fn size() -> Option<(u16, u16)> {
    let both = rustix::termios::isatty(io::stdin()) && rustix::termios::isatty(io::stdout());
    both.then(|| tcgetwinsize(io::stdout()).ok()).flatten().map(|size| (size.ws_col, size.ws_row))
}

/// How it ended, and why it was ended if it was.
#[derive(Debug)]
pub struct Recorded {
    /// How it ended.
    pub ended: Ended,
    /// It was ended because something could not be written down.
    pub failed: Option<String>,
}

/// Executes what was observed, with everything that goes over its terminal given to `record` first.
///
/// # Errors
/// It could not be started. Then nothing of it ran.
pub fn run(
    observed: ResolvedExec,
    argv: &[OsString],
    withhold: &[String],
    within: Option<Duration>,
    record: Recorder<'_>,
) -> io::Result<Recorded> {
    let started = Instant::now();
    let image = Image::of(observed, argv, withhold)?;
    let (woken, wake) = UnixStream::pair()?;
    woken.set_nonblocking(true)?;
    pipe::register(SIGWINCH, wake)?;
    let mut signals = signal_hook::iterator::Signals::new(RELAYED)?;
    let on_terminal = size().is_some();
    let (mut child, lines) = if on_terminal { on_pty(image)? } else { on_pipes(image)? };
    let pid =
        i32::try_from(child.id()).ok().and_then(Pid::from_raw).ok_or_else(|| io::Error::other("no process id"))?;
    process_tree::reap_beside(pid);
    let _raw = on_terminal.then(Raw::new).transpose()?;
    let handle = signals.handle();
    let relay = std::thread::spawn(move || {
        for signal in signals.forever() {
            if let Some(signal) = Signal::from_named_raw(signal) {
                let _ = kill_process_group(pid, signal);
            }
        }
    });
    let mut session =
        Session { lines, record, woken, pid, deadline: within.and_then(|it| started.checked_add(it)), asked: false };
    let pumped = pidfd_open(pid, PidfdFlags::empty()).map_err(io::Error::from).and_then(|end| session.pump(&end));
    let failed = pumped.err().map(|why| why.to_string());
    if failed.is_some() {
        session.end(&mut child);
    }
    drop(session);
    let status = child.wait();
    handle.close();
    let _ = relay.join();
    let status = status?;
    let millis = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    Ok(Recorded { ended: Ended { exit: status.code(), signal: status.signal(), millis }, failed })
}

struct Session<'a> {
    lines: Vec<PtyStream>,
    record: Recorder<'a>,
    woken: UnixStream,
    pid: Pid,
    /// When it is asked to end, and then killed.
    deadline: Option<Instant>,
    asked: bool,
}

impl Session<'_> {
    /// Carries bytes until the program ended and nothing more comes.
    fn pump(&mut self, end: &OwnedFd) -> io::Result<()> {
        let mut until: Option<Instant> = None;
        let mut drained = 0_usize;
        let mut buffer = vec![0; CHUNK_BYTES];
        loop {
            let now = Instant::now();
            self.keep_time(now);
            let is_quiet = until.is_some_and(|until| now >= until) && !self.owes();
            if is_quiet || (until.is_some() && self.nothing_printed()) || drained > DRAIN_BYTES {
                return Ok(());
            }
            let next = [until, self.deadline].into_iter().flatten().min();
            let limit = next.map(|at| at.saturating_duration_since(now));
            let (ended, woken, ready) = self.wait(end, limit)?;
            if woken {
                self.resize()?;
            }
            let mut printed = 0_usize;
            for number in ready {
                printed = printed.saturating_add(self.carry(number, &mut buffer)?);
            }
            // The reader of the output may be slow: the time runs from when it took the text.
            if ended && (until.is_none() || printed > 0) {
                drained = drained.saturating_add(printed);
                until = Instant::now().checked_add(DRAIN);
            }
        }
    }

    /// Whether something that was printed was not taken yet.
    fn owes(&self) -> bool {
        self.lines.iter().any(|line| !line.is_input && !line.ended && !line.waiting.is_empty())
    }

    /// Whether every line from the program has ended.
    fn nothing_printed(&self) -> bool {
        self.lines.iter().all(|line| line.is_input || line.ended)
    }

    fn keep_time(&mut self, now: Instant) {
        if self.deadline.is_some_and(|deadline| now >= deadline) {
            let signal = if self.asked { Signal::KILL } else { Signal::TERM };
            let _ = kill_process_group(self.pid, signal);
            self.deadline = (!self.asked).then(|| now.checked_add(GRACE)).flatten();
            self.asked = true;
        }
    }

    /// Waits for something to do: has the program ended, has the size changed, which lines can move.
    fn wait(&self, end: &OwnedFd, limit: Option<Duration>) -> io::Result<(bool, bool, Vec<usize>)> {
        let mut waiting = vec![PollFd::new(end, PollFlags::IN), PollFd::new(&self.woken, PollFlags::IN)];
        let mut which = Vec::new();
        for (number, line) in self.lines.iter().enumerate().filter(|(_, line)| !line.ended) {
            which.push(number);
            waiting.push(match line.waiting.is_empty() {
                true => PollFd::new(&line.from, PollFlags::IN),
                false => PollFd::new(&line.to, PollFlags::OUT),
            });
        }
        let limit = limit.map(|limit| Timespec {
            tv_sec: i64::try_from(limit.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: i64::from(limit.subsec_nanos()),
        });
        match poll(&mut waiting, limit.as_ref()) {
            Err(rustix::io::Errno::INTR) | Ok(0) => return Ok((false, false, Vec::new())),
            other => drop(other?),
        }
        let mut moved = waiting.iter().map(|it| !it.revents().is_empty());
        let (ended, woken) = (moved.next().unwrap_or(false), moved.next().unwrap_or(false));
        Ok((ended, woken, which.into_iter().zip(moved).filter(|(_, moved)| *moved).map(|(number, _)| number).collect()))
    }

    fn resize(&mut self) -> io::Result<()> {
        let mut taken = [0; 64];
        while self.woken.read(&mut taken).is_ok_and(|length| length > 0) {}
        let pty = self.lines.iter().find_map(|line| line.pty.as_ref());
        let (Some(pty), Ok(size)) = (pty, tcgetwinsize(io::stdout())) else { return Ok(()) };
        let size: Winsize = size;
        (self.record)(PtyEvent::Size(size.ws_col, size.ws_row)).map_err(io::Error::other)?;
        Ok(tcsetwinsize(pty, size)?)
    }

    /// Moves what one line has, written down first. Returns how much new output came.
    fn carry(&mut self, number: usize, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(line) = self.lines.get_mut(number) else { return Ok(0) };
        let mut printed = 0;
        if line.waiting.is_empty() {
            let length = match rustix::io::read(&line.from, &mut *buffer) {
                Ok(length) => length,
                Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN) => return Ok(0),
                // A pseudo-terminal without an open descriptor says so.
                Err(rustix::io::Errno::IO) => 0,
                Err(why) => return Err(why.into()),
            };
            let bytes = buffer.get(..length).unwrap_or_default();
            if bytes.is_empty() {
                line.ended = true;
                // The program sees the end of its input.
                if line.is_input && line.pty.is_none() {
                    close_input(line)?;
                }
                return Ok(0);
            }
            let seen = match line {
                PtyStream { is_input: false, .. } => PtyEvent::Output(bytes),
                PtyStream { pty: Some(pty), .. } if is_hidden(pty) => PtyEvent::HiddenInput,
                _ => PtyEvent::Input(bytes),
            };
            (self.record)(seen).map_err(io::Error::other)?;
            line.waiting.extend_from_slice(bytes);
            printed = if line.is_input { 0 } else { bytes.len() };
        }
        match rustix::io::write(&line.to, &line.waiting) {
            Ok(length) => {
                line.waiting.drain(..length.min(line.waiting.len()));
                Ok(printed)
            }
            Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN) => Ok(printed),
            // There is no reader: the program gets the same answer when it goes on.
            Err(rustix::io::Errno::PIPE | rustix::io::Errno::IO) => {
                line.ended = true;
                line.waiting.clear();
                Ok(printed)
            }
            Err(why) => Err(why.into()),
        }
    }

    /// Ends the program: what it does cannot be written down any more.
    fn end(&self, child: &mut Child) {
        let _ = kill_process_group(self.pid, Signal::HUP);
        let _ = kill_process_group(self.pid, Signal::TERM);
        let started = Instant::now();
        while matches!(child.try_wait(), Ok(None)) && started.elapsed() < GRACE {
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = kill_process_group(self.pid, Signal::KILL);
    }
}
