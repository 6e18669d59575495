//! Python for tests: programs of other people that read what we write.

use std::path::Path;
use std::process::Command;

/// A command that runs a Python which has this module: the system's, or with the packages that `cargo xtask test` installed.
pub fn python_with(module: &str) -> Command {
    let packages = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/python");
    let command = |program: &str| {
        let mut command = Command::new(program);
        command.env("PYTHONPATH", &packages);
        command
    };
    let able = |program: &&str| {
        let mut command = command(program);
        command.args(["-c", &format!("import {module}")]).output().is_ok_and(|output| output.status.success())
    };
    let program = ["python3", "/usr/bin/python3"].into_iter().find(able);
    command(program.unwrap_or_else(|| panic!("no Python with `{module}`; `cargo xtask test` installs it")))
}
