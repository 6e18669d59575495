//! What `run` says on standard error: while people decide, after they did, and what to do after a refusal.

use std::io::Write as _;
use std::time::Duration;

use host::install_paths::Layout;

use super::{COULD_NOT, PARKED};

/// The longest address of a dashboard that is shown, in bytes.
const MAX_PAGE_BYTES: u64 = 1024;

/// Says something on standard error, if that can be written. It never changes how we end: the exit status is the answer.
pub(super) fn say(words: &str) {
    let _ = writeln!(std::io::stderr(), "countersign: {words}");
}

/// A request that waits: why, for how long, and where people answer.
pub(super) fn held(layout: &Layout, hold: &str, left: Duration, why: &str) {
    say(&format!("held as {hold} for {} s ({why})", left.as_secs()));
    say(&format!("a reviewer answers: {}", answer_at(layout, hold)));
}

/// Where people answer a hold: on the dashboard if one is served, and in the terminal.
pub(super) fn answer_at(layout: &Layout, hold: &str) -> String {
    let page = host::files::read_small(&layout.page(), MAX_PAGE_BYTES).ok().flatten();
    let page = page.and_then(|bytes| String::from_utf8(bytes).ok()).filter(|page| is_address(page));
    let page = page.map_or(String::new(), |page| format!("{page} , or "));
    format!("{page}`countersign review`, `countersign approve {hold}`, `countersign deny {hold}`")
}

/// Only an address is shown: the file could hold anything.
fn is_address(page: &str) -> bool {
    (page.starts_with("http://") || page.starts_with("https://")) && page.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Who approved, and how long it took.
pub(super) fn approved(by: &[String], after: Option<Duration>) {
    let after = after.map_or(String::new(), |it| format!(" after {} s", it.as_secs()));
    if !by.is_empty() {
        say(&format!("approved by {}{after}", by.join(" and ")));
    }
}

/// What to do after a refusal, by its exit status.
pub(super) const fn next_step(status: u8, was_held: bool) -> Option<&'static str> {
    match (status, was_held) {
        (126, true) => Some("do not repeat the request: change it as the reviewer says, or ask the reviewer"),
        (126, false) => Some(
            "do not repeat the request. `countersign check --explain COMMAND` shows the rules that decide; an operator can change them",
        ),
        (124, _) => {
            Some("ask again when a reviewer is there. With `run --park` the request waits while you do other work")
        }
        (PARKED, _) => Some("the approval counts once, for the same command in the same directory"),
        (COULD_NOT, _) => Some("nothing ran. `countersign doctor` shows whether the installation works"),
        (_, _) => None,
    }
}
