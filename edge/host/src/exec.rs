//! Doing the act: the very file that was approved, with the very words, in the very environment.

#![expect(unsafe_code, reason = "`execveat` and signal dispositions between fork and exec have no safe wrapper")]

use std::ffi::{CString, OsString};
use std::io;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Command, ExitStatus};
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};
use signal_hook::iterator::Signals;

use crate::executable_identity::ResolvedExec;
use crate::process_tree;
use crate::sealed::{self, Sealed};

/// How an act ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    /// The exit status, if it exited.
    pub exit: Option<i32>,
    /// The signal, if one ended it.
    pub signal: Option<i32>,
    /// How long it ran, in milliseconds.
    pub millis: u64,
}

/// Executes what was observed, as a child in our own process group, so that the terminal, its job control and its
/// signals are the child's as they would be without us; waits for its end.
///
/// A program is executed through its open file: what was hashed is what runs, even if the path was swapped since. A
/// `#!` script has to be named to its interpreter, so it is executed by path.
///
/// With a time, it gets a process group of its own; the whole group is asked to end after that time, and killed five
/// seconds later. It does not read from a terminal then.
///
/// # Errors
/// It could not be started. Then nothing of it ran.
pub fn run(
    observed: ResolvedExec,
    argv: &[OsString],
    withhold: &[String],
    within: Option<Duration>,
) -> io::Result<Ended> {
    let started = Instant::now();
    let image = Image::of(observed, argv, withhold)?;
    let signals = Signals::new(RELAYED)?;
    let mut command = image.command(false);
    if within.is_some() {
        command.process_group(0);
    }
    let mut child = command.spawn()?;
    let pid = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw);
    if let Some(pid) = pid {
        process_tree::reap_beside(pid);
    }
    let handle = signals.handle();
    let relay = std::thread::spawn(move || relay(signals, pid, within.is_some()));
    let (ended, overdue) = std::sync::mpsc::channel::<()>();
    let timer = within.map(|within| std::thread::spawn(move || end_after(within, &overdue, pid)));
    let status = child.wait();
    if within.is_some()
        && overdue_by(started, within)
        && let Some(pid) = pid
    {
        // It ended in time of grace; what it started may not have.
        let _ = rustix::process::kill_process_group(pid, rustix::process::Signal::KILL);
    }
    drop(ended);
    if let Some(timer) = timer {
        let _ = timer.join();
    }
    handle.close();
    let _ = relay.join();
    let millis = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    let status: ExitStatus = status?;
    Ok(Ended { exit: status.code(), signal: status.signal(), millis })
}

fn overdue_by(started: Instant, within: Option<Duration>) -> bool {
    within.is_some_and(|within| started.elapsed() >= within)
}

/// Signals that are handed on to what runs.
pub(crate) const RELAYED: [i32; 6] = [SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2];

/// How long a program has to end when its time is over, before it is killed.
pub(crate) const GRACE: Duration = Duration::from_secs(5);

/// Ends the child after a time, unless it ended before.
fn end_after(within: Duration, ended: &std::sync::mpsc::Receiver<()>, child: Option<rustix::process::Pid>) {
    use rustix::process::Signal;
    let Some(child) = child else { return };
    for (wait, signal) in [(within, Signal::TERM), (GRACE, Signal::KILL)] {
        if ended.recv_timeout(wait) != Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
            return;
        }
        let _ = rustix::process::kill_process_group(child, signal);
    }
}

/// Hands signals on to the child. Those of the terminal reach the child by themselves, being in its process group.
fn relay(mut signals: Signals, child: Option<rustix::process::Pid>, own_group: bool) {
    let Some(child) = child else { return };
    for signal in signals.forever() {
        let by_terminal = !own_group && matches!(signal, SIGINT | SIGQUIT) && rustix::termios::isatty(std::io::stdin());
        if !by_terminal && let Some(signal) = rustix::process::Signal::from_named_raw(signal) {
            let _ = match own_group {
                true => rustix::process::kill_process_group(child, signal),
                false => rustix::process::kill_process(child, signal),
            };
        }
    }
}

/// Everything that `execveat` needs, prepared before the fork: after it nothing is allocated.
pub(crate) struct Image {
    words: Vec<*const libc::c_char>,
    variables: Vec<*mut libc::c_char>,
    path: CString,
    file: OwnedFd,
    by_path: bool,
    /// Sealed copies of what an interpreter reads, which what is started inherits.
    _copies: Vec<OwnedFd>,
    /// What the pointers above point into. A `CString` does not move its bytes when it is moved.
    _owned: (Vec<CString>, Vec<CString>),
}

// SAFETY: the pointers are into `_owned`, which lives as long as they do, and nothing is written through them.
unsafe impl Send for Image {}
// SAFETY: as above.
unsafe impl Sync for Image {}

impl Image {
    /// What was observed, with these arguments and without these variables.
    pub(crate) fn of(observed: ResolvedExec, argv: &[OsString], withhold: &[String]) -> io::Result<Self> {
        let c_string = |bytes: &[u8]| CString::new(bytes).map_err(|_| io::Error::other("an argument holds a NUL byte"));
        let model::Act::Exec(exec) = &observed.act else {
            return Err(io::Error::other("only an execution can be executed"));
        };
        let executable = std::ffi::OsStr::from_bytes(exec.executable.path.as_bytes());
        let Sealed { argv, copies } = sealed::seal(executable, argv, &observed.bound)?;
        let words = argv.iter().map(|word| c_string(word.as_bytes())).collect::<io::Result<Vec<_>>>()?;
        let kept = observed.environment.into_iter().filter(|(name, _)| !withhold.iter().any(|it| name == it.as_str()));
        let variables = kept
            .map(|(name, value)| c_string(&[name.as_bytes(), b"=", &value.into_vec()].concat()))
            .collect::<io::Result<Vec<_>>>()?;
        let path = c_string(exec.executable.path.as_bytes())?;
        let file: OwnedFd = observed.executable.into();
        Ok(Self { _copies: copies, ..Self::new(words, variables, path, file, observed.is_script) })
    }

    /// A command that becomes it. With a terminal of its own, what is its standard input then is its controlling terminal.
    pub(crate) fn command(self, own_terminal: bool) -> Command {
        let mut command = Command::new("/proc/self/exe");
        let become_it = move || {
            if own_terminal {
                rustix::process::setsid()?;
                // SAFETY: no code closes descriptor 0 between here and the end of this process's image.
                rustix::process::ioctl_tiocsctty(unsafe { std::os::fd::BorrowedFd::borrow_raw(0) })?;
            }
            Err(self.become_it())
        };
        // SAFETY: between fork and exec only async-signal-safe calls are made, on memory that was prepared before.
        unsafe {
            command.pre_exec(become_it);
        }
        command
    }

    fn new(words: Vec<CString>, variables: Vec<CString>, path: CString, file: OwnedFd, by_path: bool) -> Self {
        Self {
            words: words.iter().map(|word| word.as_ptr()).chain([std::ptr::null()]).collect(),
            variables: variables.iter().map(|it| it.as_ptr().cast_mut()).chain([std::ptr::null_mut()]).collect(),
            path,
            file,
            by_path,
            _copies: Vec::new(),
            _owned: (words, variables),
        }
    }

    /// Becomes the program; returns only if that failed.
    fn become_it(&self) -> io::Error {
        if self.by_path {
            // SAFETY: all pointers are to NUL-terminated strings that live until the call, in null-terminated arrays.
            unsafe { libc::execve(self.path.as_ptr(), self.words.as_ptr(), self.variables.as_ptr().cast()) };
        } else {
            let (file, words, variables) = (self.file.as_raw_fd(), self.words.as_ptr(), self.variables.as_ptr());
            // SAFETY: as above, and the descriptor is open. The kernel writes through none of the pointers.
            unsafe { libc::execveat(file, c"".as_ptr(), words.cast(), variables, libc::AT_EMPTY_PATH) };
        }
        io::Error::last_os_error()
    }
}

/// Ends this process as the child ended: the same status, or the same signal.
pub fn end_like(ended: Ended) -> ! {
    if let Some(signal) = ended.signal {
        // A core is the child's business, not ours.
        let _ = rustix::process::setrlimit(
            rustix::process::Resource::Core,
            rustix::process::Rlimit { current: Some(0), maximum: None },
        );
        let _ = signal_hook::low_level::emulate_default_handler(signal);
        std::process::exit(signal.saturating_add(128));
    }
    std::process::exit(ended.exit.unwrap_or(125));
}
