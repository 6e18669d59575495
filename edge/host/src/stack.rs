//! Room to recurse: parsers of other people recurse as deep as a text is nested.

use std::thread;

/// Enough for the most openers that a text may have, several times over (`understand::MAX_OPENERS`).
const LARGE_STACK_BYTES: usize = 256 * 1024 * 1024;

/// Runs something on a thread with a large stack. Memory is taken only as far as it is used.
///
/// # Errors
/// The thread could not be made, or what ran on it panicked.
pub fn on_large_stack<T: Send>(work: impl FnOnce() -> T + Send) -> Result<T, &'static str> {
    thread::scope(|scope| {
        let thread = thread::Builder::new().stack_size(LARGE_STACK_BYTES).spawn_scoped(scope, work);
        thread.map_err(|_| "no memory for a thread")?.join().map_err(|_| "it panicked")
    })
}
