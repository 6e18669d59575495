//! Our own processes, kept alive: start, readiness, restart with back-off, clean end.

use std::io::{self, Read as _, Write as _};
use std::net::TcpListener;
use std::os::fd::AsRawFd as _;
use std::os::unix::net::UnixStream;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use crate::accounts::Account;
use crate::socket::{FIRST_HANDED_ON, LISTEN_FDS};

/// The shortest wait before a restart; it doubles with every failure in a row.
const FIRST_BACKOFF: Duration = Duration::from_millis(100);

/// The longest wait before a restart.
const LONGEST_BACKOFF: Duration = Duration::from_secs(5);

/// A process that ran this long is not failing at start.
const STEADY: Duration = Duration::from_secs(10);

/// How long a process may take to answer at its socket.
const READY_WITHIN: Duration = Duration::from_secs(15);

/// How long a process may take to end when asked to, before it is killed.
const END_WITHIN: Duration = Duration::from_secs(5);

/// One program to keep running.
#[derive(Clone, Debug)]
pub struct Service {
    /// Its name.
    pub name: &'static str,
    /// The program.
    pub program: PathBuf,
    /// Variables set for it, beyond ours.
    pub environment: Vec<(String, PathBuf)>,
    /// What it is started with.
    pub arguments: Vec<String>,
    /// Whom it acts as, where we are root. It sees nothing of our environment then but what is for it.
    pub account: Option<Account>,
    /// Where we listen for it, where its account may not: it finds the listener with [`crate::socket::inherited_listener`].
    pub listens: Option<std::net::SocketAddr>,
    /// Where it answers once it is ready.
    pub answers: Answers,
}

/// Where a service answers.
#[derive(Clone, Debug)]
pub enum Answers {
    /// At this Unix socket.
    Socket(PathBuf),
    /// At this address.
    Address(std::net::SocketAddr),
    /// At this address, where we listen for it: it answers what makes no sense.
    Words(std::net::SocketAddr),
}

/// Whether something comes back, or the end: from TLS an alert, from HTTP that it is no request.
fn says_something(address: std::net::SocketAddr) -> bool {
    let ask = || {
        let mut stream = std::net::TcpStream::connect(address)?;
        stream.set_read_timeout(Some(Duration::from_secs(1)))?;
        stream.write_all(b"\0\r\n\r\n")?;
        stream.read(&mut [0_u8; 1])
    };
    ask().is_ok()
}

impl Answers {
    fn now(&self) -> bool {
        match self {
            Self::Socket(path) => UnixStream::connect(path).is_ok(),
            Self::Address(address) => std::net::TcpStream::connect(address).is_ok(),
            Self::Words(address) => says_something(*address),
        }
    }
}

/// What happened to a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// It was started, as this process.
    Started(u32),
    /// It answers.
    Ready,
    /// It ended, with these words about how.
    Ended(String),
    /// It will be started again after this many milliseconds.
    Restarting(u128),
    /// It was stopped because we end.
    Stopped,
}

/// Waits until this process is asked to end (SIGTERM, SIGINT). SIGHUP ends it too, unless something is to be done then.
///
/// # Errors
/// The signals cannot be waited for.
pub fn wait_for_end(hang_up: Option<&dyn Fn()>) -> io::Result<()> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    let mut signals = signal_hook::iterator::Signals::new([SIGTERM, SIGINT, SIGHUP])?;
    for signal in signals.forever() {
        match hang_up {
            Some(hang_up) if signal == SIGHUP => hang_up(),
            Some(_) | None => break,
        }
    }
    Ok(())
}

struct Running {
    service: Service,
    listener: Option<TcpListener>,
    child: Option<Child>,
    since: Instant,
    backoff: Duration,
    restart_at: Instant,
}

/// Keeps services running, in order, until `stop` says so; stops them in the reverse order.
///
/// # Errors
/// A service could not be started the first time, or was not ready in time. Everything started is stopped then.
pub fn keep(services: Vec<Service>, stop: &Receiver<()>, tell: &mut dyn FnMut(&str, Event)) -> io::Result<()> {
    let mut running: Vec<Running> = Vec::new();
    for service in services {
        let listener = service.listens.map(listen).transpose()?;
        let child = start(&service, listener.as_ref())?;
        let name = service.name;
        tell(name, Event::Started(child.id()));
        let answers = service.answers.clone();
        let now = Instant::now();
        running.push(Running {
            service,
            listener,
            child: Some(child),
            since: now,
            backoff: FIRST_BACKOFF,
            restart_at: now,
        });
        let child = running.last_mut().and_then(|it| it.child.as_mut());
        if let Err(why) = ready(&answers, child) {
            end(running, tell);
            return Err(io::Error::other(format!("`{name}` did not become ready: {why}")));
        }
        tell(name, Event::Ready);
    }
    tell("countersign", Event::Ready);
    loop {
        match stop.recv_timeout(Duration::from_millis(50)) {
            Ok(()) | Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => running.iter_mut().for_each(|service| service.look(tell)),
        }
    }
    end(running, tell);
    Ok(())
}

impl Running {
    fn look(&mut self, tell: &mut dyn FnMut(&str, Event)) {
        let name = self.service.name;
        if let Some(child) = &mut self.child {
            if let Ok(Some(status)) = child.try_wait() {
                let how = status.signal().map_or_else(
                    || format!("exit status {}", status.code().unwrap_or(-1)),
                    |it| format!("signal {it}"),
                );
                tell(name, Event::Ended(how));
                self.child = None;
                if self.since.elapsed() > STEADY {
                    self.backoff = FIRST_BACKOFF;
                }
                self.restart_at = Instant::now().checked_add(self.backoff).unwrap_or_else(Instant::now);
                tell(name, Event::Restarting(self.backoff.as_millis()));
                self.backoff = self.backoff.saturating_mul(2).min(LONGEST_BACKOFF);
            }
        } else if Instant::now() >= self.restart_at {
            self.since = Instant::now();
            match start(&self.service, self.listener.as_ref()) {
                Ok(child) => {
                    tell(name, Event::Started(child.id()));
                    self.child = Some(child);
                }
                Err(why) => {
                    tell(name, Event::Ended(why.to_string()));
                    self.restart_at = Instant::now().checked_add(self.backoff).unwrap_or_else(Instant::now);
                }
            }
        }
    }
}

fn listen(address: std::net::SocketAddr) -> io::Result<TcpListener> {
    TcpListener::bind(address).map_err(|why| io::Error::new(why.kind(), format!("`{address}`: {why}")))
}

fn start(service: &Service, listener: Option<&TcpListener>) -> io::Result<Child> {
    let mut command = Command::new(&service.program);
    command.args(&service.arguments);
    if let Some(Account { uid, gid }) = service.account {
        let is_secret = |name: &str| name.contains("KEY") || name.contains("SECRET");
        let is_ours = |name: &str| name.starts_with("COUNTERSIGN_") && !is_secret(name);
        let ours = |name: &str| is_ours(name) || ["PATH", "TZ", "LANG"].contains(&name);
        command.env_clear().envs(std::env::vars().filter(|(name, _)| ours(name)));
        // The supplementary groups go with the user: what is root's is dropped whole.
        command.uid(uid).gid(gid).current_dir("/");
    }
    command.envs(service.environment.iter().map(|(name, value)| (name, value))).stdin(Stdio::null());
    if let Some(listener) = listener {
        command.env(LISTEN_FDS, "1");
        hand_on(&mut command, listener)?;
    }
    die_with_us(&mut command);
    command.spawn().map_err(|why| {
        io::Error::new(why.kind(), format!("`{}` could not be started: {why}", service.program.display()))
    })
}

/// The child finds the listener where `sd_listen_fds(3)` says.
#[expect(unsafe_code, reason = "a call between fork and exec")]
fn hand_on(command: &mut Command, listener: &TcpListener) -> io::Result<()> {
    // Beyond what the child's own descriptors are, so that putting it in its place is never a call without effect.
    let handed = rustix::io::fcntl_dupfd_cloexec(listener, FIRST_HANDED_ON.saturating_add(1))?;
    let set = move || {
        // SAFETY: the child needs none of the descriptors there: it is about to execute.
        let made = unsafe { libc::dup2(handed.as_raw_fd(), FIRST_HANDED_ON) };
        if made == FIRST_HANDED_ON { Ok(()) } else { Err(io::Error::last_os_error()) }
    };
    // SAFETY: `dup2` is a plain system call and async-signal-safe.
    unsafe {
        command.pre_exec(set);
    }
    Ok(())
}

/// The child gets a SIGTERM when the thread that started it ends, however it ends.
#[expect(unsafe_code, reason = "a call between fork and exec")]
fn die_with_us(command: &mut Command) {
    let set = || {
        rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::TERM)).map_err(io::Error::from)
    };
    // A process group of its own: Ctrl-C at the terminal reaches the supervisor alone, which ends its services in order.
    command.process_group(0);
    // SAFETY: `prctl` is a plain system call and async-signal-safe.
    unsafe {
        command.pre_exec(set);
    }
}

fn ready(answers: &Answers, mut child: Option<&mut Child>) -> io::Result<()> {
    let started = Instant::now();
    loop {
        if answers.now() {
            return Ok(());
        }
        if let Some(status) = child.as_mut().and_then(|child| child.try_wait().ok().flatten()) {
            return Err(io::Error::other(format!("it ended immediately ({status}); its output is above")));
        }
        if started.elapsed() > READY_WITHIN {
            return Err(io::Error::other("it does not answer where it should"));
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn end(running: Vec<Running>, tell: &mut dyn FnMut(&str, Event)) {
    for service in running.into_iter().rev() {
        let Some(mut child) = service.child else { continue };
        if let Some(pid) = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw) {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        }
        let asked = Instant::now();
        while matches!(child.try_wait(), Ok(None)) {
            if asked.elapsed() > END_WITHIN {
                let _ = child.kill();
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        tell(service.service.name, Event::Stopped);
    }
}
