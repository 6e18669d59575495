//! The ways that bytes go between our terminal and the program's: a pseudo-terminal, or pipes.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::{AsFd, OwnedFd};
use std::process::{Child, Stdio};

use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr, tcsetwinsize};

use crate::exec::Image;

/// One way that bytes go.
pub(super) struct PtyStream {
    pub(super) from: OwnedFd,
    pub(super) to: OwnedFd,
    pub(super) is_input: bool,
    /// What was written down and not taken yet.
    pub(super) waiting: Vec<u8>,
    /// Nothing more comes.
    pub(super) ended: bool,
    /// The pseudo-terminal, if there is one.
    pub(super) pty: Option<OwnedFd>,
}

impl PtyStream {
    fn new(from: impl AsFd, to: impl AsFd, is_input: bool, pty: Option<&OwnedFd>) -> io::Result<Self> {
        let own = |it: &dyn AsFd| it.as_fd().try_clone_to_owned();
        Ok(Self {
            from: own(&from)?,
            to: own(&to)?,
            is_input,
            waiting: Vec::new(),
            ended: false,
            pty: pty.map(OwnedFd::try_clone).transpose()?,
        })
    }
}

pub(super) fn on_pty(image: Image) -> io::Result<(Child, Vec<PtyStream>)> {
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
    grantpt(&ours)?;
    unlockpt(&ours)?;
    // What is typed must not wait for a program that does not read, while what it prints waits for us.
    rustix::io::ioctl_fionbio(&ours, true)?;
    let theirs = ioctl_tiocgptpeer(&ours, OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
    // Theirs behaves as ours did.
    if let Ok(modes) = tcgetattr(io::stdin()) {
        tcsetattr(&theirs, OptionalActions::Now, &modes)?;
    }
    if let Ok(size) = tcgetwinsize(io::stdout()) {
        tcsetwinsize(&theirs, size)?;
    }
    let mut command = image.command(true);
    command
        .stdin(Stdio::from(theirs.try_clone()?))
        .stdout(Stdio::from(theirs.try_clone()?))
        .stderr(Stdio::from(theirs));
    let child = command.spawn()?;
    // The command keeps its ends of the terminal until it is dropped; while they are open it never ends for us.
    drop(command);
    let typed = PtyStream::new(io::stdin(), &ours, true, Some(&ours))?;
    let printed = PtyStream::new(&ours, io::stdout(), false, None)?;
    Ok((child, vec![typed, printed]))
}

pub(super) fn on_pipes(image: Image) -> io::Result<(Child, Vec<PtyStream>)> {
    let mut command = image.command(false);
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn()?;
    let lost = || io::Error::other("a pipe is missing");
    let stdin = child.stdin.take().ok_or_else(lost)?;
    rustix::io::ioctl_fionbio(&stdin, true)?;
    let typed = PtyStream::new(io::stdin(), &stdin, true, None)?;
    let printed = PtyStream::new(child.stdout.take().ok_or_else(lost)?, io::stdout(), false, None)?;
    let complained = PtyStream::new(child.stderr.take().ok_or_else(lost)?, io::stderr(), false, None)?;
    Ok((child, vec![typed, printed, complained]))
}

/// Gives up the program's end of a pipe.
pub(super) fn close_input(line: &mut PtyStream) -> io::Result<()> {
    line.to = File::open("/dev/null")?.into();
    Ok(())
}

/// Whether the program reads a line without showing it, as for a password.
pub(super) fn is_hidden(pty: &OwnedFd) -> bool {
    tcgetattr(pty).is_ok_and(|modes| {
        modes.local_modes.contains(LocalModes::ICANON) && !modes.local_modes.contains(LocalModes::ECHO)
    })
}

/// Our terminal hands every byte on as it is, until this is dropped.
pub(super) struct Raw(Termios);

impl Raw {
    pub(super) fn new() -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut raw = before.clone();
        raw.make_raw();
        tcsetattr(io::stdin(), OptionalActions::Now, &raw)?;
        Ok(Self(before))
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        let _ = tcsetattr(io::stdin(), OptionalActions::Drain, &self.0);
        let _ = io::stdout().flush();
    }
}
