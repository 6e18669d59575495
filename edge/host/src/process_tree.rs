//! Ending what we run when people stop it: everything that descends from us, however it was started.

#![expect(unsafe_code, reason = "`waitid` with the process that it found has no safe wrapper")]

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::unix::net::UnixStream;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, WaitOptions};

/// How long a program has to end when it is stopped, before it is killed.
const GRACE: Duration = Duration::from_secs(5);

/// How long is waited for what was killed to be gone.
const GONE_WITHIN: Duration = Duration::from_secs(1);

/// How often is looked whether what is to end has ended.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Usual maximum time until a parent asks how its program ended.
const ASKED_WITHIN: Duration = Duration::from_millis(1);

/// How often our children are killed before everything that descends from us is looked for again.
const QUICK_ROUNDS: usize = 50;

/// The place of the number of threads in `/proc/PID/stat`, counted from the state (proc_pid_stat(5)).
const THREADS: usize = 17;

/// Waits for the word to stop while something runs.
pub struct StopListener {
    quit: UnixStream,
    thread: JoinHandle<bool>,
}

impl StopListener {
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

/// Sees to what lost its parent and became our child, so that what has ended does not stay in the table of processes for as long as we
/// wait for `ours`, whose end stays to be asked for.
pub(crate) fn reap_beside(ours: Pid) {
    let ours = ours.as_raw_nonzero().get();
    // Without a thread for it, entries stay: no reason to end what runs.
    let _ = std::thread::Builder::new().name("reap".to_owned()).spawn(move || {
        while let Some(ended) = next_ended() {
            if ended == ours {
                std::thread::sleep(ASKED_WITHIN);
            } else {
                let _ = rustix::process::waitpid(Pid::from_raw(ended), WaitOptions::NOHANG);
            }
        }
    });
}

/// The next child that has ended, which stays to be asked for; nothing if there is no child any more.
fn next_ended() -> Option<i32> {
    loop {
        match look(0) {
            Ok(pid) => return Some(pid),
            Err(io::ErrorKind::Interrupted) => {}
            Err(_) => return None,
        }
    }
}

/// Whether we have no child any more, not even one that has ended. What loses its parent becomes our child, so nothing descends from us
/// then: unlike a look at all processes, this misses none that begins meanwhile.
fn is_alone() -> bool {
    look(libc::WNOHANG).is_err()
}

fn look(flags: i32) -> Result<i32, io::ErrorKind> {
    // SAFETY: all zeros are a value of this type, which the kernel fills.
    let mut found: libc::siginfo_t = unsafe { std::mem::zeroed() };
    // SAFETY: the pointer is to a value that lives through the call.
    match unsafe { libc::waitid(libc::P_ALL, 0, &raw mut found, libc::WEXITED | libc::WNOWAIT | flags) } {
        // SAFETY: the call succeeded, so it is about a child, or all zeros.
        0 => Ok(unsafe { found.si_pid() }),
        _ => Err(io::Error::last_os_error().kind()),
    }
}

/// Asks everything that descends from us to end, and kills what does not.
fn end_all() {
    let since = Instant::now();
    let mut told = BTreeSet::new();
    while since.elapsed() < GRACE && !is_alone() {
        // Each once; what it starts meanwhile, too.
        for pid in descendants().into_iter().filter(|pid| told.insert(*pid)).filter_map(Pid::from_raw) {
            send(pid, Signal::TERM);
        }
        std::thread::sleep(LOOK_EVERY);
    }
    let since = Instant::now();
    while since.elapsed() < GONE_WITHIN && !is_alone() {
        kill(descendants());
        // A process that restarts itself again and again lives for some 100 µs at a time, as our child: without a rest, and without
        // the long way through all processes, one of its lives is met soon.
        for _ in 0..QUICK_ROUNDS {
            kill(children());
        }
    }
}

fn kill(all: Vec<i32>) {
    all.into_iter().filter_map(Pid::from_raw).for_each(|pid| send(pid, Signal::KILL));
}

/// What does not listen because it was halted listens now.
fn send(pid: Pid, signal: Signal) {
    let _ = rustix::process::kill_process(pid, signal);
    let _ = rustix::process::kill_process(pid, Signal::CONT);
}

/// Our children, those that became it included, where the kernel lists them (`CONFIG_PROC_CHILDREN`).
fn children() -> Vec<i32> {
    let threads = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let lists = threads.filter_map(|thread| std::fs::read_to_string(thread.path().join("children")).ok());
    lists.flat_map(|list| list.split(' ').filter_map(|pid| pid.parse().ok()).collect::<Vec<_>>()).collect()
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
    // The name is in brackets, and may contain brackets.
    let (_, rest) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    // One whose first thread has ended is shown like one that has ended, and its other threads go on.
    let is_over = match *fields.first()? {
        "Z" | "X" => fields.get(THREADS).is_none_or(|threads| *threads == "0" || *threads == "1"),
        _ => false,
    };
    if is_over { None } else { fields.get(1)?.parse().ok() }
}

#[cfg(test)]
mod tests {
    use super::parent;

    #[test]
    fn a_name_with_brackets_hides_no_parent_and_an_ended_thread_no_process() {
        assert_eq!(parent("7 (a) Z 1 (b) S 5 7 7 0"), Some(5));
        assert_eq!(parent("7 (x) Z 5 7 7 0"), None);
        assert_eq!(parent("7 (x) Z 5 7 7 0 -1 4 1 0 1 0 0 0 0 0 20 0 1 0 2"), None);
        assert_eq!(parent("7 (x) Z 5 7 7 0 -1 4 1 0 1 0 0 0 0 0 20 0 2 0 2"), Some(5));
        assert_eq!(parent("garbage"), None);
    }
}
