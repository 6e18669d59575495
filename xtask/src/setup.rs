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

/// The package that the second verifier of the record is written with.
const PYTHON: (&str, &str) = ("python3-cryptography", "the second verifier of the record, in Python");

/// Where Python packages for tests alone are kept.
const PYTHON_PACKAGES: &str = "target/python";

/// Python packages for tests: a module that shows they are there, what is installed, and what for.
const PACKAGES: [(&str, &[&str], &str); 5] = [
    // Its own way to bring a web server along brings three hundred megabytes.
    ("moto.server", &["moto[s3]==5.2.*", "flask==3.*", "flask-cors"], "an S3 server for tests of the archive"),
    (
        "google.protobuf",
        &["opentelemetry-proto==1.*"],
        "reads what is pushed to a collector as OpenTelemetry defines it",
    ),
    ("http_ece", &["http-ece==1.*"], "reads what is pushed to a device"),
    ("schemathesis", &["schemathesis==4.*"], "tries the HTTP interface against its description"),
    ("asciinema", &["asciinema==2.4.*"], "the stock player, for tests of recordings"),
];

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

/// The first Python that has a module.
fn python_with(module: &str) -> Option<&'static str> {
    ["python3", "/usr/bin/python3"].into_iter().find(|program| {
        let mut command = Command::new(program);
        command.env("PYTHONPATH", PYTHON_PACKAGES).current_dir(root()).args(["-c", &format!("import {module}")]);
        command.stderr(std::process::Stdio::null()).status().is_ok_and(|status| status.success())
    })
}

/// Installs the Python packages that are not there.
fn install_packages() -> Result<(), String> {
    for (module, packages, purpose) in PACKAGES {
        if python_with(module).is_some() {
            continue;
        }
        eprintln!("installing the Python packages {} into {PYTHON_PACKAGES}: {purpose}", packages.join(", "));
        if python_with("pip").is_none() {
            apt(&["update", "-qq"])?;
            apt(&["install", "-y", "-qq", "--no-install-recommends", "python3", "python3-pip"])?;
        }
        let python = python_with("pip").ok_or("there is no Python with pip")?;
        let quiet = ["--quiet", "--disable-pip-version-check", "--root-user-action=ignore"];
        let mut command = Command::new(python);
        command.args(["-m", "pip", "install"]).args(quiet).args(["--upgrade", "--target", PYTHON_PACKAGES]);
        let status = command.args(packages).current_dir(root()).status().map_err(|why| why.to_string())?;
        if !status.success() {
            return Err(format!("`{python} -m pip install {}` failed", packages.join(" ")));
        }
    }
    Ok(())
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
