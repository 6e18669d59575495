//! Runs texts in a real shell, and tells what it executed.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

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
    "betax", "gammax", "onex", "1x", "-xx", "alpha1", "beta1", "gamma1", "one1", "11", "x",
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

    /// Runs texts, each in a copy of one shell.
    pub(crate) fn run(&self, shell: &str, texts: &[String]) -> Vec<(usize, Call)> {
        let log = self.root.join("log");
        let _ = fs::remove_file(&log);
        let mut script = String::from("export LAW_NUMBER\n");
        if shell == "bash" {
            let library = self.root.join("recorder.so");
            let _ = writeln!(script, "enable -f '{}' alpha beta gamma one; LAW_NUMBER=none; alpha", library.display());
        }
        for (number, text) in texts.iter().enumerate() {
            let quoted = text.replace('\'', "'\\''");
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
        assert!(watched(child), "the texts in `{}` took too long, or too many processes", file.display());
        calls(&log)
    }
}

/// The most processes that one run of a shell may have at a time. Above it, or after [`MOST_SECONDS`], all of them are
/// killed: a generated text that starts copies of itself must not take the machine with it.
const MOST_PROCESSES: usize = 400;

/// How long one run of a shell may take, in seconds.
const MOST_SECONDS: u64 = 240;

/// Waits for a shell that leads a process group of its own.
fn watched(mut child: Child) -> bool {
    let group = child.id().to_string();
    let began = Instant::now();
    loop {
        if child.try_wait().unwrap().is_some() {
            return true;
        }
        let members = fs::read_dir("/proc").unwrap().flatten().filter(|entry| {
            // The fifth field; the second, a name in brackets, may hold blanks.
            let stat = fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
            stat.rsplit_once(") ").and_then(|(_, rest)| rest.split(' ').nth(2)) == Some(&group)
        });
        if members.count() > MOST_PROCESSES || began.elapsed().as_secs() > MOST_SECONDS {
            for _ in 0..20 {
                let _ = Command::new("kill").args(["-KILL", "--", &format!("-{group}")]).stderr(Stdio::null()).status();
                std::thread::sleep(Duration::from_millis(20));
            }
            let _ = child.wait();
            return false;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.root);
    }
}
