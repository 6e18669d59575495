//! Running cargo and what it built.

use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use crate::{setup, tidy};

/// The repository's root.
pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).parent().map(PathBuf::from).unwrap_or_default()
}

/// Where cargo puts what it builds.
pub(crate) fn built(profile: &str) -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    target.join(profile)
}

/// Runs a program in the root and says what and how long.
pub(crate) fn step(what: &str, program: &str, arguments: &[&str]) -> Result<(), String> {
    eprintln!("\n>> {what}: {program} {}", arguments.join(" "));
    ran(what, Command::new(program).args(arguments).current_dir(root()))
}

/// Runs a command and says how long.
fn ran(what: &str, command: &mut Command) -> Result<(), String> {
    let started = Instant::now();
    let status = command.status().map_err(|why| format!("{}: {why}", command.get_program().display()))?;
    eprintln!("<< {what}: {:.1} s", started.elapsed().as_secs_f64());
    if status.success() { Ok(()) } else { Err(format!("{what} failed ({status})")) }
}

/// The name of cargo that runs us.
pub(crate) fn cargo() -> String {
    std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned())
}

/// Installs what the dashboard is built with, as its lock file says, and builds it. `cargo build` embeds it from then on.
pub(crate) fn ui() -> Result<(), String> {
    let directory = root().join("ui");
    let say = |why: std::io::Error| format!("`{}`: {why}", directory.display());
    let npm = |what: &str, words: &[&str]| {
        eprintln!("\n>> {what}: npm {}", words.join(" "));
        let status = Command::new("npm").args(words).current_dir(root().join("ui")).status();
        match status.map_err(|why| format!("npm: {why}; the dashboard is built with Node (20 or later)"))? {
            status if status.success() => Ok(()),
            status => Err(format!("{what} failed ({status})")),
        }
    };
    let lock = std::fs::read(directory.join("package-lock.json")).map_err(say)?;
    let installed = directory.join("node_modules/.installed-from");
    if std::fs::read(&installed).ok().as_deref() != Some(&lock) {
        npm("installing the dashboard's packages", &["ci", "--no-audit", "--no-fund", "--ignore-scripts"])?;
        std::fs::write(&installed, &lock).map_err(say)?;
    }
    npm("building the dashboard", &["run", "--silent", "build"])
}

/// Builds the programs and runs the demo.
pub(crate) fn demo(words: &[String]) -> Result<(), String> {
    let cargo = cargo();
    dashboard()?;
    let bins = [
        "build",
        "--locked",
        "-p",
        "countersign",
        "-p",
        "countersignd",
        "-p",
        "countersign-logd",
        "-p",
        "countersign-gate",
    ];
    step("building (a few minutes the first time)", &cargo, &bins)?;
    let words: Vec<&str> = std::iter::once("demo").chain(words.iter().map(String::as_str)).collect();
    let program = built("debug").join("countersign");
    step("demo", &program.to_string_lossy(), &words)
}

/// Builds the dashboard, where there is what it takes.
fn dashboard() -> Result<(), String> {
    if setup::has("npm") {
        return ui();
    }
    eprintln!(
        "there is no npm, so the programs are built without the dashboard; `countersign review` is in the terminal"
    );
    Ok(())
}

/// Builds the programs as releases are built: static, at a fixed address, so that starting one loads and relocates
/// nothing. The hook is started at every call of an agent; this is a third of its time. Gives the directory.
pub(crate) fn release() -> Result<PathBuf, String> {
    dashboard()?;
    let version = Command::new("rustc").arg("-vV").output().map_err(|why| format!("rustc: {why}"))?;
    let version = String::from_utf8_lossy(&version.stdout).into_owned();
    let host =
        version.lines().find_map(|line| line.strip_prefix("host: ")).ok_or("rustc does not say its host")?.to_owned();
    let flags = if host.contains("linux") { "-C target-feature=+crt-static -C relocation-model=static" } else { "" };
    let words = [
        "build",
        "--locked",
        "--release",
        "--target",
        &host,
        "-p",
        "countersign",
        "-p",
        "countersignd",
        "-p",
        "countersign-logd",
        "-p",
        "countersign-gate",
    ];
    eprintln!("\n>> static release: RUSTFLAGS='{flags}' cargo {}", words.join(" "));
    let status = Command::new(cargo()).args(words).env("RUSTFLAGS", flags).current_dir(root()).status();
    match status {
        Ok(status) if status.success() => Ok(built(&host).join("release")),
        Ok(status) => Err(format!("the release did not build ({status})")),
        Err(why) => Err(why.to_string()),
    }
}

/// Megabytes that building and testing from nothing takes on the disk, and some to spare.
const DISK: u64 = 5_000;

/// Everything that must pass. The order is cheap things first; nextest's summary comes last.
pub(crate) fn test() -> Result<(), String> {
    enough_disk()?;
    setup::install()?;
    tested("format", &["fmt", "--all", "--check"])?;
    tidy::main(&[])?;
    ui()?;
    tested("lints", &["clippy", "--locked", "--workspace", "--all-targets", "--", "-D", "warnings"])?;
    tested("building", &["build", "--locked", "--workspace", "--bins"])?;
    tested("compile-fail and examples", &["test", "--locked", "--workspace", "--doc"])?;
    if setup::has("cargo-nextest") {
        tested("tests", &["nextest", "run", "--locked", "--workspace", "--no-fail-fast"])
    } else {
        eprintln!("cargo-nextest is not installed; `cargo test` runs the same tests");
        tested("tests", &["test", "--locked", "--workspace", "--lib", "--bins", "--tests", "--no-fail-fast"])
    }
}

/// A cargo verb of the tests. What is built to be tested once is not built to be changed: without what incremental
/// builds keep, it takes a third less of the disk. To enable it, set `CARGO_INCREMENTAL=1`.
fn tested(what: &str, arguments: &[&str]) -> Result<(), String> {
    eprintln!("\n>> {what}: cargo {}", arguments.join(" "));
    let mut command = Command::new(cargo());
    command.args(arguments).current_dir(root());
    if std::env::var_os("CARGO_INCREMENTAL").is_none() {
        command.env("CARGO_INCREMENTAL", "0");
    }
    ran(what, &mut command)
}

/// Says before the first build that there is no room for it; a compiler that finds out says it less well. Where much is
/// built already, what is there counts.
fn enough_disk() -> Result<(), String> {
    let megabytes = |program: &str, words: &[&str]| {
        let output = Command::new(program).args(words).current_dir(root()).output().ok()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.lines().last()?.split_whitespace().next()?.parse::<u64>().ok()
    };
    let built = built("debug").display().to_string();
    let there = megabytes("du", &["--summarize", "--block-size=1M", &built]).unwrap_or(0);
    match megabytes("df", &["--output=avail", "--block-size=1M", "."]) {
        Some(free) if free.saturating_add(there.min(DISK)) < DISK => Err(format!(
            "building and testing takes {DISK} MB of disk, and {free} MB are free: make room and try again"
        )),
        Some(free) if free < 2_000 => Err(format!(
            "{free} MB of disk are free, and `{built}` holds {there} MB of builds old and new: `cargo clean` makes room"
        )),
        _ => Ok(()),
    }
}

/// Feeds the fuzz targets, one after another.
pub(crate) fn fuzz(words: &[String]) -> Result<(), String> {
    let inputs = match words {
        [] => "200000",
        [flag, inputs] if flag == "--inputs" => inputs,
        _ => return Err("fuzz [--inputs N]".to_owned()),
    };
    step("building the fuzz targets", &cargo(), &["build", "--locked", "--release", "-p", "testkit", "--bin", "fuzz"])?;
    let program = built("release").join("fuzz");
    for target in ["shell", "grammar", "sql", "code", "rules", "secrets"] {
        step(target, &program.to_string_lossy(), &[target, inputs])?;
    }
    Ok(())
}
