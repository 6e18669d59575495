//! The law of the shell: whatever a shell executes is among what was understood, or the text is not understood whole.
//!
//! Texts with random control flow over harmless commands are run by real shells. Every command that they execute is
//! logged with its directory, and held against the commands that the reading found. `LAW_TEXTS` sets how many texts each
//! test runs, `LAW_SEED` the first seed; both are printed.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test may panic"
)]

mod runner;
mod texts;

use std::fs;
use std::process::Command;

use model::{Arg, Directory, Fact, FactQuery, Facts, FileKind, Intent};
use understand::{Shell, Subject, Surroundings};

use runner::{Call, Stage};
use texts::{Dice, text};

/// Looks at the disk, as the daemon does.
fn look(query: &FactQuery) -> Fact {
    match query {
        FactQuery::Program(_) => Fact::Unknown,
        FactQuery::File(path) => Fact::File(match fs::metadata(path) {
            Err(_) => FileKind::Missing,
            Ok(found) if found.is_dir() => FileKind::Directory,
            Ok(_) => FileKind::Opaque,
        }),
        FactQuery::RealPath(path) => {
            fs::canonicalize(path).map_or(Fact::Unknown, |real| Fact::RealPath(real.display().to_string()))
        }
    }
}

fn understood(shell: &str, text: &str, cwd: &str) -> Intent {
    let shell = if shell == "zsh" {
        Shell::Zsh
    } else if shell == "dash" {
        Shell::Sh
    } else {
        Shell::Bash
    };
    let around = Surroundings { cwd: Some(cwd), home: Some(cwd), shell, ..Surroundings::default() };
    understand::settle(Subject::Shell(text), around, &mut Facts::default(), &mut look)
}

/// Whether a command that was understood can be this call.
fn covers(argv: &[Arg], words: &[String]) -> bool {
    match (argv.split_first(), words.split_first()) {
        (None, None) => true,
        // A word that is not known may be any number of words.
        (Some((Arg::Unknown(_), rest)), _) => (0..=words.len()).any(|count| covers(rest, &words[count..])),
        (Some((Arg::Known(text), rest)), Some((word, words))) => text == word && covers(rest, words),
        (Some((Arg::Pattern(_), rest)), Some((_, words))) => covers(rest, words),
        (None, Some(_)) | (Some(_), None) => false,
    }
}

/// Whether the text says itself that a part is not understood, beyond the names of the stand-ins.
fn is_partial(intent: &Intent) -> bool {
    let parts = intent.segments.iter().flat_map(|segment| &segment.unknowns);
    intent.unknowns.iter().chain(parts).any(|unknown| unknown.why != "this program is not known to us")
}

/// What holds a text that was run against what was understood of it.
fn problem(text: &str, call: &Call, intent: &Intent, cwd: &str) -> Option<String> {
    if is_partial(intent) {
        return None;
    }
    let of_call = |argv: &[Arg]| covers(argv, &call.words);
    let same: Vec<_> = intent.segments.iter().filter(|segment| of_call(&segment.argv)).collect();
    if same.is_empty() {
        let lines: Vec<_> = intent.segments.iter().map(model::Segment::line).collect();
        return Some(format!("`{text}`\nexecuted {:?}, which is not among {lines:#?}", call.words));
    }
    let there = |directory: &Directory| match directory {
        Directory::Start => call.directory == cwd,
        Directory::Moved(place) => call.directory == *place,
        Directory::Unknown => true,
    };
    if same.iter().any(|segment| there(&segment.directory)) {
        return None;
    }
    let found: Vec<_> = same.iter().map(|segment| &segment.directory).collect();
    Some(format!("`{text}`\nexecuted {:?} in {}, not in {found:?}", call.words, call.directory))
}

/// How many texts one shell runs.
const BATCH: usize = 500;

fn setting(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

/// Tries one part of a shell's texts. Parts differ in their seeds, and run at the same time.
fn hold(shell: &str, part: u64, texts: u64) {
    if Command::new(shell).args(["-c", ":"]).status().is_err() {
        eprintln!("`{shell}` is not installed: its part of the law was not tried");
        return;
    }
    let stage = Stage::of(&format!("{shell}-{part}"));
    let cwd = stage.work();
    let (count, seed) = (usize::try_from(setting("LAW_TEXTS", texts)).unwrap(), setting("LAW_SEED", 1) + part);
    let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let (mut tried, mut executed, mut whole, mut held) = (0, 0, 0, 0);
    let started = std::time::Instant::now();
    let mut problems = Vec::new();
    while tried < count && problems.len() < 5 {
        let texts: Vec<String> = (0..BATCH.min(count - tried)).map(|_| text(&mut dice)).collect();
        tried += texts.len();
        let intents: Vec<Intent> = texts.iter().map(|text| understood(shell, text, &cwd)).collect();
        whole += intents.iter().filter(|intent| !is_partial(intent)).count();
        for (number, call) in stage.run(shell, &texts) {
            executed += 1;
            held += usize::from(!is_partial(&intents[number]));
            problems.extend(problem(&texts[number], &call, &intents[number], &cwd));
        }
    }
    eprintln!(
        "{shell}: seed {seed}, {tried} texts ({whole} understood whole), {executed} commands executed ({held} of texts \
         understood whole), {:?}",
        started.elapsed()
    );
    problems.truncate(5);
    assert!(problems.is_empty(), "seed {seed}:\n{}", problems.join("\n\n"));
    assert!(executed > tried * 2, "only {executed} commands were executed");
    assert!(whole * 4 > tried, "only {whole} of {tried} texts were understood whole");
}

macro_rules! parts {
    ($($name:ident: $shell:literal, $part:literal, $texts:literal;)*) => {
        $(#[test]
        fn $name() {
            hold($shell, $part, $texts);
        })*
    };
}

parts! {
    what_bash_executes_is_understood: "bash", 0, 5_000;
    what_bash_executes_is_understood_2: "bash", 1_000_000, 5_000;
    what_bash_executes_is_understood_3: "bash", 2_000_000, 5_000;
    what_bash_executes_is_understood_4: "bash", 3_000_000, 5_000;
    what_dash_executes_is_understood: "dash", 4_000_000, 1_500;
    what_dash_executes_is_understood_2: "dash", 5_000_000, 1_500;
    what_zsh_executes_is_understood: "zsh", 6_000_000, 1_500;
    what_zsh_executes_is_understood_2: "zsh", 7_000_000, 1_500;
}
