//! What runs is what was read: real shells run thousands of texts whose planted commands only say that they ran, and each
//! of those is listed, or the text is said not to be understood.

#![allow(clippy::arithmetic_side_effects, clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};

use testkit::grammar::{Grammar, MARKERS};
use testkit::watchdog::ended_by_itself;

/// How many texts one run takes in Bash, and four times as many as in others; `COUNTERSIGN_TEXTS` says another number, `COUNTERSIGN_SEED` where it begins.
const TEXTS: u64 = 8_000;

fn setting(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(otherwise)
}

/// What a shell executed of each text, by the number of the text.
fn executed(shell: &str, texts: &[String], directory: &std::path::Path) -> Option<BTreeMap<usize, Vec<String>>> {
    let mut script = String::from("PATH=/nowhere\nFUNCNEST=4\nexec 9>&1 >/dev/null 2>&1 </dev/null\n");
    for marker in 0..MARKERS {
        // A loop without its end stops after a few rounds.
        script.push_str(&format!(
            "m{marker}() {{ C=$((C+1)); [ $C -gt 20 ] && exit; printf '%s m{marker}\\n' \"$N\" >&9; }}\n"
        ));
    }
    for (number, text) in texts.iter().enumerate() {
        script.push_str(&format!("N={number} C=0\n( ulimit -t 1; eval '{}' )\n", text.replace('\'', "'\\''")));
    }
    let file = directory.join(format!("{shell}.sh"));
    fs::write(&file, script).unwrap();
    let printed = directory.join(format!("{shell}.out"));
    let child = Command::new(shell)
        .arg(&file)
        .env_clear()
        .current_dir(directory)
        .stdin(Stdio::null())
        .stdout(fs::File::create(&printed).unwrap())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .ok()?;
    assert!(ended_by_itself(child), "the texts in `{}` took too long, or too many processes", file.display());
    let mut calls: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    for line in String::from_utf8_lossy(&fs::read(&printed).unwrap()).lines() {
        if let Some((number, name)) = line.split_once(' ')
            && let Ok(number) = number.parse()
        {
            calls.entry(number).or_default().push(name.to_owned());
        }
    }
    Some(calls)
}

/// The commands of a text as we list them, and whether anything of it is not understood.
fn listed(text: &str) -> (Vec<String>, bool) {
    let intent = understand::read_blind(text);
    let own = intent.segments.iter().flat_map(|segment| &segment.unknowns);
    let opaque = intent.unknowns.len() + own.filter(|unknown| unknown.why != "this program is not known to us").count();
    let names = intent.segments.iter().filter_map(|segment| Some(segment.argv.first()?.text().to_owned())).collect();
    (names, opaque > 0)
}

/// Tries texts in one shell. `floor` is how many of a hundred texts that run something must be understood whole.
fn hold_against(shell: &str, texts: u64, floor: usize) {
    let (count, seed) = (setting("COUNTERSIGN_TEXTS", texts), setting("COUNTERSIGN_SEED", 1));
    let directory = std::env::temp_dir().join(format!("countersign-readings-{shell}-{}", std::process::id()));
    fs::create_dir_all(&directory).unwrap();
    let (mut ran, mut running, mut full, mut missed) = (0_usize, 0_usize, 0_usize, Vec::new());
    let seeds: Vec<u64> = (seed..seed.saturating_add(count)).collect();
    for batch in seeds.chunks(1_000) {
        let texts: Vec<String> =
            batch.iter().map(|seed| Grammar::new(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15)).text()).collect();
        let Some(calls) = executed(shell, &texts, &directory) else {
            assert!(shell != "bash" || std::env::var_os("CI").is_none(), "`bash` is missing, and nothing was compared");
            eprintln!("`{shell}` is not installed: skipped");
            return;
        };
        for (number, names) in calls {
            let Some(text) = texts.get(number) else { continue };
            let (known, opaque) = listed(text);
            ran = ran.saturating_add(names.len());
            running = running.saturating_add(1);
            full = full.saturating_add(usize::from(!opaque));
            let hidden: Vec<&String> = names.iter().filter(|name| !known.contains(name)).collect();
            if !opaque && !hidden.is_empty() {
                missed.push(format!("{hidden:?} ran, and is not among {known:?}:\n{text}"));
            }
        }
    }
    let _ = fs::remove_dir_all(&directory);
    eprintln!(
        "{shell}: seed {seed}, {count} texts, {ran} calls of {running} texts, of which {full} were understood whole"
    );
    let shown: Vec<&str> = missed.iter().take(40).map(String::as_str).collect();
    assert!(
        missed.is_empty(),
        "{shell}: {} of {count} texts from seed {seed}:\n{}",
        missed.len(),
        shown.join("\n---\n")
    );
    if count >= 1_000 {
        assert!(ran > 500, "only {ran} calls");
        let least = running.saturating_mul(floor).checked_div(100).unwrap();
        assert!(full >= least, "{shell}: only {full} of {running} texts that ran something were understood whole");
    }
}

#[test]
fn a_continued_line_hides_no_command() {
    for body in ["$\\\n(m1)", "a $\\\n\\\n(m1)", "\\\n$\\\n(m1) b", "${x:-$\\\n(m1)}"] {
        let (known, opaque) = listed(&format!("cat <<E\n{body}\nE"));
        assert!(opaque || known.iter().any(|name| name == "m1"), "{body:?}");
    }
}

#[test]
fn what_runs_is_what_was_read_in_bash() {
    hold_against("bash", TEXTS, 39);
}

#[test]
fn what_runs_is_what_was_read_in_a_posix_shell() {
    hold_against("dash", TEXTS / 4, 48);
}

#[test]
fn what_runs_is_what_was_read_in_z_shell() {
    hold_against("zsh", TEXTS / 4, 43);
}
