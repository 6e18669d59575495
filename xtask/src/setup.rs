//! What the tests need beyond Rust, Node and a C compiler: a few Debian and Python packages, and agent hosts from npm.

use std::process::Command;

use crate::run::root;

/// Program to look for, package that has it, what it is for.
const NEEDED: &[(&str, &str, &str)] = &[
    ("strace", "strace", "shows that nothing runs before the decision"),
    ("faketime", "faketime", "sets a daemon's clock back"),
    ("ssh-keygen", "openssh-client", "signs approvals"),
    ("tmux", "tmux", "types into the reviewer's terminal"),
    ("chromium", "chromium", "the dashboard in a real browser"),
    ("openssl", "openssl", "seals the keys of a log"),
    ("pgrep", "procps", "shows that what could not be recorded was ended"),
    ("script", "bsdutils", "a terminal to record"),
    ("pebble", "pebble", "a certificate authority"),
    ("dash", "dash", "a POSIX shell, which what is understood is held against"),
    ("zsh", "zsh", "Z shell, which what is understood is held against"),
];

/// The Python packages of the tests, pinned with their hashes: an S3 server (moto), what OpenTelemetry and Web Push define, a
/// tester of HTTP interfaces, the stock player of recordings, and what the second verifier of the record is written with.
const PYTHON_LOCK: &str = "testkit/python/requirements.txt";

/// The virtual environment in which they are. Nothing of the machine's own Python packages is in it, so a test has the same tools
/// everywhere.
const PYTHON_AT: &str = "target/test-python";

/// Agent hosts that the tests put us before, as the lock files in `testkit/hosts` say, and where they are kept.
const HOSTS: [&str; 1] = ["claude-code"];
const HOSTS_AT: &str = "target/hosts";

/// Installs the hosts that are not there, or are not as their lock files say.
fn install_hosts() -> Result<(), String> {
    for name in HOSTS {
        let (from, to) = (root().join("testkit/hosts").join(name), root().join(HOSTS_AT).join(name));
        let say = |why: std::io::Error| format!("`{}`: {why}", to.display());
        let lock = std::fs::read(from.join("package-lock.json")).map_err(say)?;
        let installed = to.join("installed-from");
        if std::fs::read(&installed).is_ok_and(|of| of == lock) {
            continue;
        }
        eprintln!("installing {name} from npm into {HOSTS_AT}/{name} (240 MB): the host itself, for tests of its hook");
        std::fs::create_dir_all(&to).map_err(say)?;
        for file in ["package.json", "package-lock.json"] {
            std::fs::copy(from.join(file), to.join(file)).map_err(say)?;
        }
        let words = ["ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"];
        let status = Command::new("npm").args(words).current_dir(&to).status().map_err(|why| format!("npm: {why}"))?;
        if !status.success() {
            return Err(format!("`npm {}` in `{}` failed", words.join(" "), to.display()));
        }
        std::fs::write(&installed, &lock).map_err(say)?;
    }
    Ok(())
}

/// Makes the virtual environment with what the lock file says, unless it is there.
fn install_packages() -> Result<(), String> {
    let at = root().join(PYTHON_AT);
    let say = |why: std::io::Error| format!("`{}`: {why}", at.display());
    let lock = std::fs::read(root().join(PYTHON_LOCK)).map_err(say)?;
    let installed = at.join("installed-from");
    if std::fs::read(&installed).is_ok_and(|of| of == lock) {
        return Ok(());
    }
    eprintln!("installing the Python packages of {PYTHON_LOCK} into {PYTHON_AT}");
    let run = |program: &std::path::Path, words: &[&str]| {
        let mut command = Command::new(program);
        // Settings of the caller's own Python are not for this one.
        for name in ["PYTHONPATH", "PYTHONHOME", "PIP_TARGET", "PIP_USER"] {
            command.env_remove(name);
        }
        let status = command
            .args(words)
            .current_dir(root())
            .status()
            .map_err(|why| format!("`{}`: {why}", program.display()))?;
        if status.success() { Ok(()) } else { Err(format!("`{} {}` failed", program.display(), words.join(" "))) }
    };
    let make = ["-m", "venv", "--clear", PYTHON_AT];
    if run("python3".as_ref(), &make).is_err() {
        apt(&["update", "-qq"])?;
        apt(&["install", "-y", "-qq", "--no-install-recommends", "python3", "python3-venv"])?;
        run("python3".as_ref(), &make)?;
    }
    let install =
        ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes", "-r", PYTHON_LOCK];
    run(&at.join("bin/python"), &install)?;
    std::fs::write(&installed, &lock).map_err(say)
}

/// Whether a program is on the search path.
pub(crate) fn has(program: &str) -> bool {
    let path = std::env::var("PATH").unwrap_or_default();
    path.split(':').any(|directory| std::path::Path::new(directory).join(program).is_file())
}

/// Installs what is missing, and says what.
pub(crate) fn install() -> Result<(), String> {
    let missing: Vec<(&str, &str)> =
        NEEDED.iter().filter(|(program, ..)| !has(program)).map(|(_, package, purpose)| (*package, *purpose)).collect();
    install_hosts()?;
    if missing.is_empty() {
        return install_packages();
    }
    for (package, purpose) in &missing {
        eprintln!("installing the Debian package `{package}`: {purpose}");
    }
    let packages: Vec<&str> = missing.iter().map(|(package, _)| *package).collect();
    if !has("apt-get") {
        return Err(format!("the tests need {}; install them with your system's package manager", packages.join(", ")));
    }
    apt(&["update", "-qq"])?;
    apt(&[&["install", "-y", "-qq", "--no-install-recommends"], packages.as_slice()].concat())?;
    install_packages()
}

fn apt(words: &[&str]) -> Result<(), String> {
    let status = Command::new("apt-get")
        .args(words)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdout(std::process::Stdio::null())
        .status()
        .map_err(|why| why.to_string())?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("`apt-get {}` failed; run it as root and look", words.join(" ")))
    }
}
