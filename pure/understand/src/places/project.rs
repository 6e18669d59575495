//! Which directories can be a project.

use super::{holds_credentials, kinds, parts_of, tails};

/// Directories at the root that a system has for itself.
const SYSTEM: &[&str] = &[
    "applications",
    "bin",
    "boot",
    "cores",
    "dev",
    "efi",
    "etc",
    "home",
    "lib",
    "lib32",
    "lib64",
    "libx32",
    "library",
    "lost+found",
    "media",
    "mnt",
    "network",
    "nix",
    "opt",
    "private",
    "proc",
    "root",
    "run",
    "sbin",
    "snap",
    "srv",
    "sys",
    "system",
    "tmp",
    "users",
    "usr",
    "var",
    "volumes",
];

/// Those of them below which no directory is a project either.
const SYSTEM_BELOW: &[&str] = &[
    "bin",
    "boot",
    "cores",
    "dev",
    "efi",
    "etc",
    "lib",
    "lib32",
    "lib64",
    "libx32",
    "library",
    "lost+found",
    "network",
    "nix",
    "proc",
    "run",
    "sbin",
    "snap",
    "sys",
    "system",
];

/// Whether a directory can be a project, whatever is in it: neither a system's, nor a home, nor above one, nor a place
/// that is listed. So a file put into one of them does not make it a project.
pub fn may_be_project(root: &str, home: Option<&str>) -> bool {
    let lower = root.to_ascii_lowercase();
    let parts = parts_of(&lower);
    if !root.starts_with('/') || parts.contains(&"..") {
        return false;
    }
    let above_home = home.is_some_and(|home| parts_of(&home.to_ascii_lowercase()).starts_with(&parts));
    let is_home = tails(&parts, home).contains(&Some(parts.len()));
    let of_system = match parts.as_slice() {
        [] => true,
        [only] => SYSTEM.contains(only),
        ["usr", "src", _, ..] | ["usr", "local", "src", _, ..] => false,
        ["usr", ..] => true,
        ["var", "www" | "tmp", ..] | ["var", "lib" | "opt" | "local" | "home", _, _, ..] => false,
        ["var", ..] => true,
        ["private", _] | ["private", "etc", ..] => true,
        [first, ..] => SYSTEM_BELOW.contains(first),
    };
    let inside = kinds(&format!("{root}/x"), home);
    !above_home
        && !is_home
        && !of_system
        && !holds_credentials(root, home)
        && !(inside.credential || inside.later || inside.own || inside.device)
}

#[cfg(test)]
mod tests {
    use super::may_be_project;

    #[test]
    fn a_project_is_no_place_of_the_system_or_of_a_home() {
        for root in [
            "/app",
            "/workspace",
            "/repo",
            "/src",
            "/testbed",
            "/home/a/work",
            "/root/project",
            "/tmp/x",
            "/opt/app",
            "/usr/src/app",
            "/srv/www",
            "/var/www/site",
            "/home/a/.dotfiles",
            "/mnt/d/code",
            "/home/a/.cache/worktrees/x",
            "/data",
        ] {
            assert!(may_be_project(root, Some("/home/a")), "{root}");
        }
        for root in [
            "/",
            "/etc",
            "/etc/nginx",
            "/usr",
            "/usr/local",
            "/home",
            "/home/a",
            "/home/b",
            "/root",
            "/tmp",
            "/opt",
            "/var",
            "/var/lib",
            "/home/a/.ssh",
            "/home/a/.config",
            "/home/a/.config/systemd",
            "/home/a/.oh-my-zsh",
            "/home/a/.claude",
            "/w/.git",
            "/Users/x",
            "/home/a/.config/countersign",
            "/proc/1",
            "relative",
            "/dev/shm",
        ] {
            assert!(!may_be_project(root, Some("/home/a")), "{root}");
        }
    }
}
