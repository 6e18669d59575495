//! Runs texts in a real shell, and tells what it executed.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::JoinHandle;

use crate::changes::may_end_a_line;
use crate::watchdog::ended_by_itself;

/// What a shell executed: the words, and the directory.
pub(crate) struct Call {
    pub(crate) words: Vec<String>,
    pub(crate) directory: String,
}

/// A log by the number of the text.
fn calls(log: &Path) -> Vec<(usize, Call)> {
    let bytes = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let mut found = Vec::new();
    for record in text.split('\u{1e}').filter(|record| !record.is_empty()) {
        let mut fields = record.strip_suffix('\u{1f}').unwrap_or(record).split('\u{1f}').map(str::to_owned);
        let (Some(number), Some(directory)) = (fields.next(), fields.next()) else { continue };
        let Ok(number) = number.parse() else { continue };
        found.push((number, Call { words: fields.collect(), directory }));
    }
    found
}

/// Names that texts give to commands.
const NAMES: &[&str] = &[
    "alpha", "beta", "gamma", "one", "-x", "1", "sub", "a b", "2", "3", "two", "ALPHA", "BETA", "GAMMA", "alphax",
    "betax", "gammax", "onex", "1x", "-xx", "alpha1", "beta1", "gamma1", "one1", "11", "x", "a", "lpha", "al", "be",
    "eta", "o", "0", "nosuch2",
];

/// A directory with the recorder under every name, and one that texts run in.
pub(crate) struct Stage {
    root: PathBuf,
}

impl Stage {
    pub(crate) fn of(name: &str) -> Self {
        let root = std::env::temp_dir().join(format!("countersign-law-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&root);
        fs::create_dir_all(root.join("work/sub/deep")).unwrap();
        fs::create_dir_all(root.join("bin")).unwrap();
        let root = fs::canonicalize(root).unwrap();
        // Files of the same names, which say something else in each directory.
        for (place, name, value) in [("", "alpha", "beta"), ("sub", "beta", "one"), ("sub/deep", "gamma", "-x")] {
            let directory = root.join("work").join(place);
            fs::write(directory.join("lib"), format!("V={value}\n{name} lib \"$W\"\n")).unwrap();
            fs::write(directory.join("early"), format!("W={value}\n$V && return\n{name} late\ncd ..\n")).unwrap();
            fs::write(directory.join("run"), format!("{name} run \"$1\" \"$V\"\n")).unwrap();
        }
        fs::write(root.join("recorder.c"), include_str!("recorder.c")).unwrap();
        let compile = |options: &[&str]| {
            let status = Command::new("cc").arg("-O1").args(options).arg("recorder.c").current_dir(&root).status();
            status.is_ok_and(|status| status.success())
        };
        assert!(compile(&["-static", "-o", "bin/recorder"]) || compile(&["-o", "bin/recorder"]), "no C compiler works");
        // Where Bash cannot load it, programs of the same names are found.
        let _ = compile(&["-shared", "-fPIC", "-DLOADABLE", "-o", "recorder.so"]);
        for name in NAMES {
            std::os::unix::fs::symlink("recorder", root.join("bin").join(name)).unwrap();
        }
        Self { root }
    }

    pub(crate) fn work(&self) -> String {
        self.root.join("work").display().to_string()
    }

    /// Starts texts, each in a copy of one shell.
    pub(crate) fn start<'a>(&self, shell: &str, texts: impl Iterator<Item = &'a str>) -> Run {
        let log = self.root.join("log");
        let _ = fs::remove_file(&log);
        let mut script = String::from("export LAW_NUMBER\n");
        if shell == "bash" {
            let library = self.root.join("recorder.so");
            let _ = writeln!(script, "enable -f '{}' alpha beta gamma one; LAW_NUMBER=none; alpha", library.display());
        }
        for (number, text) in texts.enumerate() {
            // Z shell's `wait` waits for a coprocess that waits for input.
            if shell == "zsh" && text.contains("coproc") {
                continue;
            }
            let quoted = text.replace('\'', "'\\''");
            if shell == "bash" && may_end_a_line(text) {
                // An error in an expansion ends a copy of the shell, and only a line of one that was started for a text.
                let _ = writeln!(script, "LAW_NUMBER={number}; bash -c 'ulimit -t 1\n{quoted}'");
                continue;
            }
            // The limit ends a text that does not end by itself.
            let _ = writeln!(script, "LAW_NUMBER={number}; (ulimit -t 1; eval '{quoted}')");
        }
        let file = self.root.join("script");
        fs::write(&file, script).unwrap();
        let work = self.root.join("work");
        let child = Command::new(shell)
            .arg(&file)
            .env_clear()
            .env("PATH", format!("{}:/usr/bin:/bin", self.root.join("bin").display()))
            .env("HOME", &work)
            .env("LAW_LOG", &log)
            .env("FUNCNEST", "4")
            .current_dir(&work)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .unwrap();
        Run { log, script: file, ended: std::thread::spawn(|| ended_by_itself(child)) }
    }
}

/// Texts that a shell is running.
pub(crate) struct Run {
    log: PathBuf,
    script: PathBuf,
    ended: JoinHandle<bool>,
}

impl Run {
    /// What the shell executed, when it has ended.
    pub(crate) fn calls(self) -> Vec<(usize, Call)> {
        let ended = self.ended.join().unwrap();
        let calls = calls(&self.log);
        let last = calls.last().map_or(0, |(number, _)| *number);
        let rest = if ended { String::new() } else { script_from(&self.script, last) };
        assert!(ended, "the texts took too long, or too many processes; it was one of the first of these:\n{rest}");
        calls
    }
}

/// A part of a script, from one text on.
fn script_from(script: &Path, number: usize) -> String {
    let script = fs::read_to_string(script).unwrap_or_default();
    let at = script.find(&format!("\nLAW_NUMBER={number};")).unwrap_or(0);
    script.get(at..).unwrap_or_default().chars().take(2_000).collect()
}

impl Drop for Stage {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.root);
    }
}
