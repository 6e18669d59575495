//! Ending what we run when people stop it: everything that descends from us, however it was started.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::unix::net::UnixStream;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal};

/// How long a program has to end when it is stopped, before it is killed.
const GRACE: Duration = Duration::from_secs(5);

/// How long is waited for what was killed to be gone.
const GONE_WITHIN: Duration = Duration::from_secs(1);

/// How often is looked whether what is to end has ended.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Waits for the word to stop while something runs.
pub struct Watch {
    quit: UnixStream,
    thread: JoinHandle<bool>,
}

impl Watch {
    /// Watches a connection to the daemon. The word to stop is that its side is closed and ours is not (`POLLRDHUP` without `POLLHUP`);
    /// a daemon that is gone closes both, and ends nothing.
    ///
    /// What loses its parent becomes our child from here on (`PR_SET_CHILD_SUBREAPER`), so that nothing that we run gets away by being
    /// started by something that ended.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn begin(connection: &UnixStream) -> io::Result<Self> {
        rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
        let connection = connection.try_clone()?;
        let (quit, quits) = UnixStream::pair()?;
        let thread = std::thread::Builder::new().name("stop".to_owned()).spawn(move || {
            let is_stopped = wait(&connection, &quits);
            if is_stopped {
                eprintln!("countersign: people stopped this; it is ended");
                end_all();
            }
            is_stopped
        })?;
        Ok(Self { quit, thread })
    }

    /// What ran has ended. Says whether it was stopped: then everything that it had started has ended, too.
    pub fn end(self) -> bool {
        drop(self.quit);
        self.thread.join().unwrap_or(false)
    }
}

/// Waits for the word to stop; says no when there is nothing to stop any more.
fn wait(connection: &UnixStream, quits: &UnixStream) -> bool {
    loop {
        let mut both = [PollFd::new(connection, PollFlags::RDHUP), PollFd::new(quits, PollFlags::IN)];
        match poll(&mut both, None::<&Timespec>) {
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => continue,
            Err(_) => return false,
        }
        let [connection, quits] = &both;
        if connection.revents().contains(PollFlags::RDHUP) {
            return !connection.revents().contains(PollFlags::HUP);
        }
        if !quits.revents().is_empty() {
            return false;
        }
    }
}

/// Asks everything that descends from us to end, and kills what does not.
fn end_all() {
    for (signal, within) in [(Signal::TERM, GRACE), (Signal::KILL, GONE_WITHIN)] {
        let since = Instant::now();
        let mut told = BTreeSet::new();
        while since.elapsed() < within {
            let all = descendants();
            if all.is_empty() {
                return;
            }
            for pid in all {
                // Each once; what it starts meanwhile, too.
                if (signal == Signal::KILL || told.insert(pid))
                    && let Some(pid) = Pid::from_raw(pid)
                {
                    let _ = rustix::process::kill_process(pid, signal);
                    let _ = rustix::process::kill_process(pid, Signal::CONT);
                }
            }
            std::thread::sleep(LOOK_EVERY);
        }
    }
}

/// Every process that descends from us and has not ended.
fn descendants() -> Vec<i32> {
    let mut children: BTreeMap<i32, Vec<i32>> = BTreeMap::new();
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let pid = entry.file_name().to_str().and_then(|name| name.parse::<i32>().ok());
        let Some(pid) = pid else { continue };
        let Ok(stat) = std::fs::read_to_string(entry.path().join("stat")) else { continue };
        if let Some(parent) = parent(&stat) {
            children.entry(parent).or_default().push(pid);
        }
    }
    let (mut found, mut next) = (Vec::new(), vec![rustix::process::getpid().as_raw_nonzero().get()]);
    while let Some(pid) = next.pop() {
        let own = children.remove(&pid).unwrap_or_default();
        found.extend(&own);
        next.extend(own);
    }
    found
}

/// The parent of a process, from `/proc/PID/stat` (proc_pid_stat(5)); nothing for one that has ended and waits to be asked for.
fn parent(stat: &str) -> Option<i32> {
    // The name stands in brackets, and may hold any.
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_ascii_whitespace();
    let state = fields.next()?;
    (state != "Z" && state != "X").then(|| fields.next()?.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::parent;

    #[test]
    fn a_name_with_brackets_hides_no_parent() {
        assert_eq!(parent("7 (a) Z 1 (b) S 5 7 7 0"), Some(5));
        assert_eq!(parent("7 (x) Z 5 7 7 0"), None);
        assert_eq!(parent("garbage"), None);
    }
}
