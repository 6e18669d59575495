//! How far a text is followed: one bound on all the work that a walk does, whatever makes it long.
//!
//! Loops, functions, aliases and expansions can make a short text stand for any number of commands. Each of them counts
//! here, so that none of them needs a bound of its own and none can be got round by another. What is beyond the bound is
//! one named unknown.

use std::cell::Cell;

/// The most steps that one text may take. A step is a command, a word that has to be expanded, something done to a place,
/// or a part of a copy of what the shell knows. The rest of the text is unknown.
pub const MAX_STEPS: usize = 8_192;

/// The most bytes that are read and put together for one text, with all that is expanded. The rest is unknown.
pub const MAX_BYTES: usize = 1024 * 1024;

/// How many entries of a list or a state are copied, or gone through, for one step.
const ENTRIES_PER_STEP: usize = 32;

/// What is left to spend on a text.
#[derive(Debug)]
pub(crate) struct Budget {
    steps: Cell<usize>,
    bytes: Cell<usize>,
    spent: Cell<bool>,
}

impl Default for Budget {
    fn default() -> Self {
        Self { steps: Cell::new(MAX_STEPS), bytes: Cell::new(MAX_BYTES), spent: Cell::new(false) }
    }
}

impl Budget {
    /// Whether the text goes beyond what is followed.
    pub(crate) const fn is_spent(&self) -> bool {
        self.spent.get()
    }

    /// How many steps were taken.
    pub(crate) const fn steps_taken(&self) -> usize {
        MAX_STEPS.saturating_sub(self.steps.get())
    }

    /// Takes steps. Says whether there were as many left; from then on there are none.
    pub(crate) fn take_steps(&self, steps: usize) -> bool {
        self.take(&self.steps, steps)
    }

    /// Takes the steps of copying entries, or of going through them.
    pub(crate) fn take_entries(&self, entries: usize) -> bool {
        self.take_steps(entries.checked_div(ENTRIES_PER_STEP).unwrap_or(0))
    }

    /// Takes the bytes of a text that is read or put together.
    pub(crate) fn take_bytes(&self, bytes: usize) -> bool {
        self.take(&self.bytes, bytes)
    }

    fn take(&self, from: &Cell<usize>, count: usize) -> bool {
        let left = from.get().checked_sub(count).filter(|_| !self.is_spent());
        from.set(left.unwrap_or(0));
        self.spent.set(left.is_none());
        left.is_some()
    }
}
