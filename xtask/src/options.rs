//! What the installed programs themselves say of their options: the tables that they hand to `getopt`. Kept in a file
//! that a test of `understand` compares with our tables.
//!
//! A program is started with a library before it that ends it as soon as it asks for its options, with `--help`, an empty
//! environment, an empty directory, no network, for at most five seconds; and only where our entry lists all of its
//! options. Programs that read their options by themselves are left.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use toml::{Table, Value};

use crate::run::root;

/// Where what the programs say is kept.
const KEPT: &str = "pure/understand/manuals/options.toml";

/// How long one program may take.
const LIMIT: Duration = Duration::from_secs(5);

/// What an option takes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Takes {
    Nothing,
    Value,
    MaybeValue,
}

type Options = BTreeMap<String, Takes>;

/// Compares what is installed with what is kept, or keeps it.
pub(crate) fn main(rest: &[String]) -> Result<(), String> {
    let update = match rest {
        [] => false,
        [word] if word == "--update" => true,
        _ => return Err("usage: cargo xtask options [--update]".to_owned()),
    };
    let scratch = std::env::temp_dir().join(format!("countersign-options-{}", std::process::id()));
    fs::create_dir_all(&scratch).map_err(|why| why.to_string())?;
    let library = compile(&scratch)?;
    let path = root().join(KEPT);
    let kept: Table = fs::read_to_string(&path).unwrap_or_default().parse().unwrap_or_default();
    let mut now = kept.clone();
    for name in listed_whole()? {
        let Some(program) = installed(&name) else { continue };
        if let Some(options) = from_getopt(&program, &library, &scratch) {
            now.insert(name, Value::Table(row(&options)));
        }
    }
    let _ = fs::remove_dir_all(&scratch);
    let differing: Vec<&String> =
        now.iter().filter(|(name, row)| kept.get(*name) != Some(row)).map(|it| it.0).collect();
    println!("{} programs, {} not as kept", now.len(), differing.len());
    if update {
        return fs::write(&path, text_of(&now)).map_err(|why| format!("{KEPT}: {why}"));
    }
    for name in &differing {
        println!("  {name}");
    }
    Ok(())
}

/// The programs whose entries list every option, and that have no subcommands.
fn listed_whole() -> Result<BTreeSet<String>, String> {
    let mut names = BTreeSet::new();
    let directory = root().join("pure/understand/programs");
    for file in fs::read_dir(directory).map_err(|why| why.to_string())?.filter_map(Result::ok) {
        let table: Table = fs::read_to_string(file.path()).unwrap_or_default().parse().unwrap_or_default();
        for (key, entry) in &table {
            let open = ["loose", "family", "subcommands", "verbs"].iter().any(|it| entry.get(it).is_some());
            if !open {
                names.extend(key.split(" | ").filter(|name| !name.contains(' ')).map(str::to_owned));
            }
        }
    }
    Ok(names)
}

fn installed(name: &str) -> Option<PathBuf> {
    ["/usr/bin", "/bin", "/usr/sbin", "/sbin"].iter().map(|it| Path::new(it).join(name)).find(|path| path.is_file())
}

fn compile(scratch: &Path) -> Result<PathBuf, String> {
    let library = scratch.join("getopt.so");
    let source = root().join("xtask/src/options/getopt.c");
    let done = Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&library).arg(source).status();
    match done {
        Ok(status) if status.success() => Ok(library),
        Ok(status) => Err(format!("cc: {status}")),
        Err(why) => Err(format!("cc: {why}; a compiler for C is needed")),
    }
}

/// Runs a program with nothing around it, and ends it if it takes too long.
fn run(words: &[&str], set: &[(&str, &Path)], scratch: &Path) {
    // `env` is within, so that what is preloaded meets the program alone.
    let mut command = Command::new("unshare");
    command.args(["-n", "env"]).args(set.iter().map(|(name, value)| format!("{name}={}", value.display())));
    command.args(words).current_dir(scratch).env_clear();
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("HOME", scratch).env("LC_ALL", "C").env("TERM", "dumb");
    let Ok(mut child) = command.spawn() else { return };
    let began = Instant::now();
    while matches!(child.try_wait(), Ok(None)) {
        if began.elapsed() > LIMIT {
            let _ = child.kill();
            let _ = child.wait();
            break;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn from_getopt(program: &Path, library: &Path, scratch: &Path) -> Option<Options> {
    let out = scratch.join("options");
    let _ = fs::remove_file(&out);
    run(&[&program.to_string_lossy(), "--help"], &[("LD_PRELOAD", library), ("OPTIONS_OUT", &out)], scratch);
    let text = fs::read_to_string(&out).ok()?;
    let (letters, names) = text.split_once('\n')?;
    let mut found = Options::new();
    let mut letters = letters.trim_start_matches(['+', '-', ':']).chars().peekable();
    while let Some(letter) = letters.next() {
        let mut colons = 0;
        while letters.next_if(|next| matches!(next, ':' | ';')).is_some() {
            colons += 1;
        }
        if letter.is_ascii_graphic() && letter != '?' {
            let takes = match colons {
                0 => Takes::Nothing,
                1 => Takes::Value,
                _ => Takes::MaybeValue,
            };
            found.insert(format!("-{letter}"), takes);
        }
    }
    for (name, takes) in names.lines().filter_map(|line| line.rsplit_once(' ')) {
        let takes = match takes {
            "0" => Takes::Nothing,
            "1" => Takes::Value,
            _ => Takes::MaybeValue,
        };
        // Three dashes are for the tests of the programs themselves.
        if !name.starts_with('-') && !name.contains(' ') && name.len() > 1 {
            found.insert(format!("--{name}"), takes);
        }
    }
    // A script is the shell's or another program's table.
    let script = fs::read(program).is_ok_and(|bytes| bytes.starts_with(b"#!"));
    (!script && !found.is_empty()).then_some(found)
}

fn row(options: &Options) -> Table {
    let mut row = Table::new();
    for (key, kind) in [("flags", Takes::Nothing), ("values", Takes::Value), ("optional", Takes::MaybeValue)] {
        let words: Vec<&str> =
            options.iter().filter(|(_, takes)| **takes == kind).map(|(option, _)| option.as_str()).collect();
        if !words.is_empty() {
            row.insert(key.to_owned(), Value::String(words.join(" ")));
        }
    }
    row
}

fn text_of(programs: &Table) -> String {
    let mut out = String::from(
        "# The options that programs take, as they say themselves. Written by `cargo xtask options --update` (Debian 12);\n\
         # what is not installed there stays as it was.\n",
    );
    for (name, row) in programs {
        let _ = write!(out, "\n[{}]\n", Value::String(name.clone()));
        for (key, value) in row.as_table().into_iter().flatten() {
            let _ = writeln!(out, "{key} = {value}");
        }
    }
    out
}
