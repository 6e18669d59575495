//! Waits for a shell that runs generated texts, and stops it where it starts too many processes.
//!
//! The law of `understand` includes this file by its path, for it cannot depend on the whole testkit.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The most processes that one run of a shell may have at a time. Above it, or after [`MAX_SECONDS`], all of them are
/// killed: a generated text that starts copies of itself must not take the machine with it.
const MAX_PROCESSES: usize = 400;

/// How long one run of a shell may take, in seconds.
const MAX_SECONDS: u64 = 60;

/// How often the processes are counted, in milliseconds.
const PERIOD_MS: u64 = 25;

/// Waits for a shell that leads a process group of its own. Says whether it ended by itself.
#[must_use]
pub fn ended_by_itself(mut child: Child) -> bool {
    let group = child.id().to_string();
    let began = Instant::now();
    let mut least = usize::MAX;
    while child.try_wait().unwrap().is_none() {
        // Reading the table of all processes is slow, so it waits until there are many more than there have been.
        let all = processes();
        least = all.map_or(least, |all| least.min(all));
        let suspect = all.is_none_or(|all| all > least.saturating_add(MAX_PROCESSES / 2));
        if (suspect && members(&group) > MAX_PROCESSES) || began.elapsed().as_secs() > MAX_SECONDS {
            for _ in 0..20 {
                let _ = Command::new("kill").args(["-KILL", "--", &format!("-{group}")]).stderr(Stdio::null()).status();
                std::thread::sleep(Duration::from_millis(20));
            }
            let _ = child.wait();
            return false;
        }
        std::thread::sleep(Duration::from_millis(PERIOD_MS));
    }
    // What it started in the background and did not wait for still has to say that it ran.
    for _ in 0..40 {
        if members(&group) == 0 {
            break;
        }
        std::thread::sleep(Duration::from_millis(PERIOD_MS));
    }
    true
}

/// How many processes and threads the machine has, where it says.
fn processes() -> Option<usize> {
    let load = fs::read_to_string("/proc/loadavg").ok()?;
    load.split(' ').nth(3)?.split_once('/')?.1.parse().ok()
}

/// How many processes a group has.
fn members(group: &str) -> usize {
    let members = fs::read_dir("/proc").unwrap().flatten().filter(|entry| {
        // The fifth field; the second, a name in brackets, may hold blanks.
        let stat = fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        stat.rsplit_once(") ").and_then(|(_, rest)| rest.split(' ').nth(2)) == Some(group)
    });
    members.count()
}
