//! Python for tests: programs of other people that read what we write.

use std::path::Path;
use std::process::Command;

/// The Python of the tests: a virtual environment with the packages that `testkit/python/requirements.txt` pins. What is installed
/// on the machine is not in it.
pub fn test_python() -> Command {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/test-python/bin/python");
    assert!(program.exists(), "`{}` is not there; `cargo xtask test` installs it", program.display());
    let mut command = Command::new(program);
    command.env_remove("PYTHONPATH").env_remove("PYTHONHOME").env("PYTHONNOUSERSITE", "1");
    command
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_machines_own_packages_are_not_seen() {
        let mut python = super::test_python();
        assert!(python.get_envs().any(|(name, value)| name == "PYTHONPATH" && value.is_none()));
        let script = "import asciinema, sys; print(asciinema.__version__, asciinema.__file__.startswith(sys.prefix), \
                      sum('dist-packages' in path for path in sys.path))";
        let output = python.args(["-c", script]).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "2.4.0 True 0", "{output:?}");
    }
}
