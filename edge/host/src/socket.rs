//! Unix sockets: frames with a limit and a deadline, and who is at the other end.

use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::time::Duration;

use protocol::{FrameRefused, HEADER_BYTES};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// How much room a message gets before any of it has arrived.
const FIRST_READ_BYTES: usize = 64 * 1024;

/// Why no message arrived or left.
#[derive(Debug)]
pub enum Failed {
    /// The other side closed the connection between messages.
    Closed,
    /// The message is refused.
    Refused(FrameRefused),
    /// The socket failed, timed out, or was closed within a message.
    Socket(io::Error),
}

impl std::fmt::Display for Failed {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Closed => out.write_str("the other side closed the connection"),
            Self::Refused(why) => why.fmt(out),
            Self::Socket(why) => write!(out, "the connection failed: {why}"),
        }
    }
}

impl std::error::Error for Failed {}

impl From<io::Error> for Failed {
    fn from(why: io::Error) -> Self {
        Self::Socket(why)
    }
}

/// Listens at a path. A stale socket file is replaced; one that answers is not.
///
/// # Errors
/// Another process listens there already, or the socket cannot be made.
pub fn listen(path: &Path, mode: u32) -> io::Result<UnixListener> {
    if UnixStream::connect(path).is_ok() {
        return Err(io::Error::new(
            io::ErrorKind::AddrInUse,
            format!("another process already listens at `{}`", path.display()),
        ));
    }
    let _ = std::fs::remove_file(path);
    let listener = UnixListener::bind(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))?;
    Ok(listener)
}

/// The variables with which a listener is handed on, as `sd_listen_fds(3)` describes them.
pub(crate) const LISTEN_FDS: &str = "LISTEN_FDS";
const LISTEN_PID: &str = "LISTEN_PID";

/// The first descriptor that is handed on.
pub(crate) const FIRST_HANDED_ON: std::os::fd::RawFd = 3;

/// The listener that our parent opened for us: `countersign up` where we may not open the port ourselves, or systemd (a socket
/// unit). Nothing where there is none. Called once.
///
/// # Errors
/// What was handed on is no listener.
#[expect(unsafe_code, reason = "a descriptor that exists by agreement")]
pub fn inherited_listener() -> io::Result<Option<std::net::TcpListener>> {
    use std::os::fd::FromRawFd as _;
    let own = std::process::id().to_string();
    let is_ours = std::env::var(LISTEN_PID).map_or(true, |pid| pid == own);
    if !is_ours || std::env::var(LISTEN_FDS).as_deref() != Ok("1") {
        return Ok(None);
    }
    // SAFETY: by the protocol of `LISTEN_FDS` this descriptor is open and ours alone; nothing else was opened before `main`.
    let listener = unsafe { std::net::TcpListener::from_raw_fd(FIRST_HANDED_ON) };
    listener.local_addr()?;
    rustix::io::fcntl_setfd(&listener, rustix::io::FdFlags::CLOEXEC)?;
    Ok(Some(listener))
}

/// The process at the other end, as the kernel recorded it when it connected (`SO_PEERCRED`).
///
/// # Errors
/// The kernel does not say.
pub fn peer(stream: &UnixStream) -> io::Result<model::PeerCredentials> {
    let found = rustix::net::sockopt::socket_peercred(stream)?;
    let pid = u32::try_from(found.pid.as_raw_nonzero().get()).unwrap_or(0);
    Ok(model::PeerCredentials { uid: found.uid.as_raw(), gid: found.gid.as_raw(), pid })
}

/// Sends one message.
///
/// # Errors
/// It is too long, or the socket failed or did not take it within `within`.
pub fn send(stream: &UnixStream, message: &impl Serialize, limit: usize, within: Duration) -> Result<(), Failed> {
    let frame = protocol::encode(message, limit).map_err(Failed::Refused)?;
    send_rest(stream, &frame, within)
}

/// Sends as much of a frame as goes without waiting. Says how many bytes went; the rest must follow before anything else.
///
/// # Errors
/// The other side is gone.
pub fn send_now(stream: &UnixStream, frame: &[u8]) -> io::Result<usize> {
    let flags = rustix::net::SendFlags::DONTWAIT | rustix::net::SendFlags::NOSIGNAL;
    match rustix::net::send(stream, frame, flags) {
        Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => Ok(0),
        other => Ok(other?),
    }
}

/// Lets the receiver of a message run first, where this thread has more work that no one waits for.
///
/// Linux takes a send over a socket as a sign that the sender is about to sleep (`WF_SYNC`), and queues the receiver behind it on its
/// own processor, though others may be idle. Without this the receiver waits until the sender really sleeps.
pub fn yield_to_receiver() {
    std::thread::yield_now();
}

/// Sends the rest of a frame.
///
/// # Errors
/// The socket failed or did not take it within `within`.
pub fn send_rest(stream: &UnixStream, rest: &[u8], within: Duration) -> Result<(), Failed> {
    stream.set_write_timeout(Some(within))?;
    let mut stream = stream;
    stream.write_all(rest)?;
    Ok(())
}

/// Receives one message. `idle` is how long to wait for its first byte (for ever if none), `within` for each further
/// part.
///
/// # Errors
/// The other side closed, was too slow, or sent what does not belong here.
pub fn receive<M: DeserializeOwned>(
    stream: &UnixStream,
    limit: usize,
    idle: Option<Duration>,
    within: Duration,
) -> Result<M, Failed> {
    let mut header = [0_u8; HEADER_BYTES];
    let mut reader = stream;
    stream.set_read_timeout(idle)?;
    let first = loop {
        match reader.read(&mut header) {
            Err(why) if why.kind() == io::ErrorKind::Interrupted => {}
            other => break other?,
        }
    };
    if first == 0 {
        return Err(Failed::Closed);
    }
    stream.set_read_timeout(Some(within))?;
    if let Some(rest) = header.get_mut(first..) {
        reader.read_exact(rest)?;
    }
    let length = protocol::length(header, limit).map_err(Failed::Refused)?;
    // A length alone reserves little: a longer body grows as it arrives.
    let mut body = Vec::with_capacity(length.min(FIRST_READ_BYTES).saturating_add(1));
    let limit = u64::try_from(length).unwrap_or(u64::MAX);
    io::Read::take(reader, limit).read_to_end(&mut body)?;
    if body.len() != length {
        return Err(Failed::Socket(io::Error::from(io::ErrorKind::UnexpectedEof)));
    }
    protocol::decode(&body).map_err(Failed::Refused)
}

/// Whether what can be read is data, and not the end of the connection.
pub fn has_data(stream: &UnixStream) -> bool {
    let mut byte = [0_u8; 1];
    let flags = rustix::net::RecvFlags::PEEK | rustix::net::RecvFlags::DONTWAIT;
    matches!(rustix::net::recv(stream, &mut byte, flags), Ok((_, length)) if length > 0)
}

/// Whether a descriptor has something to read within a time.
///
/// # Errors
/// It cannot be waited for.
pub fn readable_within(descriptor: impl std::os::fd::AsFd, within: Duration) -> io::Result<bool> {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let limit = Timespec {
        tv_sec: i64::try_from(within.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: i64::from(within.subsec_nanos()),
    };
    match poll(&mut [PollFd::new(&descriptor, PollFlags::IN)], Some(&limit)) {
        Ok(ready) => Ok(ready > 0),
        Err(rustix::io::Errno::INTR) => Ok(false),
        Err(why) => Err(why.into()),
    }
}

/// Waits until one of two streams has something to read or is closed, or time is up. Says which: first, second.
///
/// # Errors
/// The kernel refuses to wait.
pub fn wait_for_either(first: &UnixStream, second: &UnixStream, within: Duration) -> io::Result<(bool, bool)> {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let mut waiting = [PollFd::new(first, PollFlags::IN), PollFd::new(second, PollFlags::IN)];
    let limit = Timespec {
        tv_sec: i64::try_from(within.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: i64::from(within.subsec_nanos()),
    };
    match poll(&mut waiting, Some(&limit)) {
        Ok(_) => {}
        Err(rustix::io::Errno::INTR) => return Ok((false, false)),
        Err(why) => return Err(why.into()),
    }
    let [first, second] = &waiting;
    Ok((!first.revents().is_empty(), !second.revents().is_empty()))
}
