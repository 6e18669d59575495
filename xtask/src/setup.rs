//! What the tests need beyond Rust, Node and a C compiler: a few Debian packages.

use std::process::Command;

use crate::run::root;

/// Program to look for, package that has it, what it is for.
const NEEDED: &[(&str, &str, &str)] = &[
    ("strace", "strace", "shows that nothing runs before the decision"),
    ("faketime", "faketime", "sets a daemon's clock back"),
    ("ssh-keygen", "openssh-client", "signs approvals"),
    ("tmux", "tmux", "types into the reviewer's terminal"),
];

/// The package that the second verifier of the record is written with.
const PYTHON: (&str, &str) = ("python3-cryptography", "the second verifier of the record, in Python");

/// Where Python packages for tests alone are kept.
const PYTHON_PACKAGES: &str = "target/python";

/// A server that speaks S3, for tests of the archive: its own way to bring a web server along brings three hundred megabytes.
const S3_SERVER: [&str; 3] = ["moto[s3]==5.2.*", "flask==3.*", "flask-cors"];

/// The first Python that has a module.
fn python_with(module: &str) -> Option<&'static str> {
    ["python3", "/usr/bin/python3"].into_iter().find(|program| {
        let mut command = Command::new(program);
        command.env("PYTHONPATH", PYTHON_PACKAGES).current_dir(root()).args(["-c", &format!("import {module}")]);
        command.stderr(std::process::Stdio::null()).status().is_ok_and(|status| status.success())
    })
}

/// Installs the S3 server for tests, if it is not there.
fn install_s3_server() -> Result<(), String> {
    if python_with("moto.server").is_some() {
        return Ok(());
    }
    let packages = S3_SERVER.join(", ");
    eprintln!(
        "installing the Python packages {packages} into {PYTHON_PACKAGES}: an S3 server for tests of the archive"
    );
    if python_with("pip").is_none() {
        apt(&["update", "-qq"])?;
        apt(&["install", "-y", "-qq", "--no-install-recommends", "python3", "python3-pip"])?;
    }
    let python = python_with("pip").ok_or("there is no Python with pip")?;
    let words = [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--root-user-action=ignore",
        "--target",
        PYTHON_PACKAGES,
    ];
    let status =
        Command::new(python).args(words).args(S3_SERVER).current_dir(root()).status().map_err(|why| why.to_string())?;
    if status.success() { Ok(()) } else { Err(format!("`{python} {}` failed", words.join(" "))) }
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
    let missing: Vec<(&str, &str)> =
        of_programs.chain(python_with("cryptography").is_none().then_some(PYTHON)).collect();
    if missing.is_empty() {
        return install_s3_server();
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
    install_s3_server()
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
