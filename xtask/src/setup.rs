//! What the tests need beyond Rust, Node and a C compiler: a few Debian packages.

use std::process::Command;

/// Program to look for, package that has it, what it is for.
const NEEDED: &[(&str, &str, &str)] = &[
    ("strace", "strace", "shows that nothing runs before the decision"),
    ("faketime", "faketime", "sets a daemon's clock back"),
    ("ssh-keygen", "openssh-client", "signs approvals"),
    ("tmux", "tmux", "types into the reviewer's terminal"),
];

/// Whether a program is on the search path.
pub(crate) fn has(program: &str) -> bool {
    let path = std::env::var("PATH").unwrap_or_default();
    path.split(':').any(|directory| std::path::Path::new(directory).join(program).is_file())
}

/// Installs what is missing, and says what.
pub(crate) fn install() -> Result<(), String> {
    let missing: Vec<_> = NEEDED.iter().filter(|(program, ..)| !has(program)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    for (_, package, purpose) in &missing {
        eprintln!("installing the Debian package `{package}`: {purpose}");
    }
    let packages: Vec<&str> = missing.iter().map(|(_, package, _)| *package).collect();
    if !has("apt-get") {
        return Err(format!("the tests need {}; install them with your system's package manager", packages.join(", ")));
    }
    apt(&["update", "-qq"])?;
    apt(&[&["install", "-y", "-qq", "--no-install-recommends"], packages.as_slice()].concat())
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
