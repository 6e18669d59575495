//! What the tests need beyond Rust, Node and a C compiler: a few Debian packages.

use std::process::Command;

/// Program to look for, package that has it, what it is for.
const NEEDED: &[(&str, &str, &str)] = &[
    ("strace", "strace", "shows that nothing runs before the decision"),
    ("faketime", "faketime", "sets a daemon's clock back"),
    ("ssh-keygen", "openssh-client", "signs approvals"),
    ("tmux", "tmux", "types into the reviewer's terminal"),
];

/// The package that the second verifier of the record is written with.
const PYTHON: (&str, &str) = ("python3-cryptography", "the second verifier of the record, in Python");

/// Whether a Python is there that has what the second verifier needs.
fn has_python() -> bool {
    ["python3", "/usr/bin/python3"].into_iter().any(|program| {
        let mut command = Command::new(program);
        command.args(["-c", "import cryptography"]).stderr(std::process::Stdio::null());
        command.status().is_ok_and(|status| status.success())
    })
}

/// Whether a program is on the search path.
pub(crate) fn has(program: &str) -> bool {
    let path = std::env::var("PATH").unwrap_or_default();
    path.split(':').any(|directory| std::path::Path::new(directory).join(program).is_file())
}

/// Installs what is missing, and says what.
pub(crate) fn install() -> Result<(), String> {
    let of_programs =
        NEEDED.iter().filter(|(program, ..)| !has(program)).map(|(_, package, purpose)| (*package, *purpose));
    let missing: Vec<(&str, &str)> = of_programs.chain((!has_python()).then_some(PYTHON)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    for (package, purpose) in &missing {
        eprintln!("installing the Debian package `{package}`: {purpose}");
    }
    let packages: Vec<&str> = missing.iter().map(|(package, _)| *package).collect();
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
