//! Paths: made absolute and plain by their text alone, and known for what is kept under them.

use crate::places;

/// Joins a path to a directory, without the `./` that it may begin with, and leaves it as it is otherwise.
pub(crate) fn join(path: &str, cwd: Option<&str>) -> String {
    match cwd {
        Some(cwd) if !path.starts_with('/') => format!("{cwd}/{}", path.trim_start_matches("./")),
        Some(_) | None => path.to_owned(),
    }
}

/// Whether a path goes up: then where it leads depends on links.
pub(crate) fn has_parent(path: &str) -> bool {
    path.split('/').any(|part| part == "..")
}

/// Joins a path to a directory and takes out `.`, `..` and double slashes, without looking at the disk.
pub(crate) fn plain(path: &str, cwd: Option<&str>) -> String {
    let joined = join(path, cwd);
    let absolute = joined.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in joined.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if absolute => {}
            other => parts.push(other),
        }
    }
    match (absolute, parts.is_empty()) {
        (true, _) => format!("/{}", parts.join("/")),
        (false, true) => ".".to_owned(),
        (false, false) => parts.join("/"),
    }
}

/// Where programs that are part of the system live. A program elsewhere is a file like any other.
const SYSTEM_DIRECTORIES: &[&str] = &["/bin", "/sbin", "/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin"];

/// Whether a program file is part of the system, by where it lives.
pub(crate) fn is_system_program(path: &str) -> bool {
    path.rsplit_once('/').is_some_and(|(directory, _)| SYSTEM_DIRECTORIES.contains(&directory))
}

/// What a process substitution becomes: a pipe of the shell's own, whose number it picks.
pub(crate) const PIPE: &str = "/dev/fd/63";

/// Device files that hold nothing and keep nothing.
pub(crate) fn is_sink(path: &str) -> bool {
    matches!(path, "/dev/null" | "/dev/stdout" | "/dev/stderr" | "/dev/tty" | "/dev/stdin" | "/dev/zero")
        || descriptor(path).is_some()
}

/// Whether a path is standard input.
pub(crate) fn is_standard_input(path: &str) -> bool {
    matches!(path, "-" | "/dev/stdin") || descriptor(path) == Some("0")
}

/// The number of the descriptor that a path names.
fn descriptor(path: &str) -> Option<&str> {
    let number = path.strip_prefix("/dev/fd/").or_else(|| path.strip_prefix("/proc/self/fd/"))?;
    (!number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())).then_some(number)
}

/// Whether what a path leads to depends on which process looks: then no other process can look.
pub(crate) fn is_of_own_process(path: &str) -> bool {
    let plain = plain(path, None);
    let Some(rest) = plain.strip_prefix("/proc/self/").or_else(|| plain.strip_prefix("/proc/thread-self/")) else {
        return plain.starts_with("/dev/fd/");
    };
    let first = rest.split('/').next().unwrap_or("");
    matches!(first, "cwd" | "root" | "fd" | "exe" | "map_files" | "ns" | "task")
}

/// Devices that give something and keep nothing: reading them is harmless.
pub(crate) fn is_plain_device(path: &str) -> bool {
    matches!(path, "/dev/urandom" | "/dev/random" | "/dev/zero" | "/dev/full")
        || matches!(
            path,
            "/proc/cpuinfo"
                | "/proc/meminfo"
                | "/proc/loadavg"
                | "/proc/uptime"
                | "/proc/version"
                | "/proc/mounts"
                | "/proc/partitions"
                | "/proc/swaps"
                | "/proc/filesystems"
                | "/proc/stat"
                | "/proc/vmstat"
                | "/proc/diskstats"
                | "/proc/devices"
                | "/proc/interrupts"
                | "/proc/modules"
                | "/proc/net/dev"
        )
}

/// Files of the system that are there for everybody to read.
const PUBLIC_FILES: &[&str] = &[
    "/etc/os-release",
    "/etc/passwd",
    "/etc/group",
    "/etc/shells",
    "/etc/hostname",
    "/etc/hosts",
    "/etc/resolv.conf",
    "/etc/issue",
    "/etc/debian_version",
    "/etc/lsb-release",
    "/etc/redhat-release",
    "/etc/services",
    "/etc/protocols",
    "/etc/mime.types",
    "/etc/timezone",
    "/etc/localtime",
    "/etc/shells",
    "/etc/nsswitch.conf",
    "/etc/locale.conf",
    "/etc/magic",
];

/// Directories whose files are there for everybody to read.
const PUBLIC_DIRECTORIES: &[&str] =
    &["/usr/", "/bin/", "/lib/", "/lib64/", "/opt/", "/tmp/", "/var/tmp/", "/sbin/", "/nix/store/"];

/// Whether the content of a path is an ordinary thing to read: in the project, in the home (what is secret there is
/// known by its name), or public by its place. Elsewhere may be any user's data.
pub(crate) fn is_open(path: &str, cwd: Option<&str>, home: Option<&str>) -> bool {
    let within = |root: Option<&str>| root.is_some_and(|root| root != "/" && is_below(path, root));
    // The working directory is open, unless it is a place where the system or a program keeps its own files.
    if within(cwd.filter(|cwd| places::may_be_project(cwd, home))) {
        return true;
    }
    // A home below a public directory (`/opt/agent`, `/tmp/x`) is private all the same.
    if within(home) {
        return !places::is_programs_own(path, home);
    }
    !path.starts_with('/')
        || PUBLIC_FILES.contains(&path)
        || is_plain_device(path)
        || is_sink(path)
        || PUBLIC_DIRECTORIES.iter().any(|root| path.starts_with(root))
}

/// Whether reading a place, or all below it, reads what a home keeps for its programs: tokens, profiles, mail. The
/// project's own files are not meant.
pub(crate) fn holds_private(path: &str, whole: bool, cwd: Option<&str>, home: Option<&str>) -> bool {
    let Some(home) = home else { return false };
    let path = path.trim_end_matches("/**").trim_end_matches("/*");
    if whole && places::kinds(path, Some(home)).harmless {
        return false;
    }
    let ours = cwd.is_some_and(|cwd| cwd != home && is_below(path, cwd));
    // The home itself, or what it is in: as a file it is none, so all below it is meant.
    !ours && (is_below(home, path) || (whole && path.strip_prefix(home).is_some_and(|rest| rest.starts_with("/."))))
}

/// Whether a path is a directory, or in it.
pub(crate) fn is_below(path: &str, root: &str) -> bool {
    path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Directories of the machine that hold data, without which it still runs.
const OF_DATA: &[&str] = &["/tmp", "/srv", "/mnt", "/media"];

/// Whether a path is so high up that deleting or changing it reaches nearly everything. The project, wherever it is, is
/// what the work is on.
pub(crate) fn is_broad(path: &str, home: Option<&str>, project: Option<&str>) -> bool {
    let path = path.trim_end_matches("/**").trim_end_matches("/*").trim_end_matches('/');
    if !path.is_empty() && project == Some(path) && places::may_be_project(path, home) {
        return false;
    }
    path.is_empty()
        || home.is_some_and(|home| path == home)
        || matches!(path, "." | ".." | "~" | "*" | "/*" | "/root")
        || (path.starts_with('/') && path.matches('/').count() <= 1 && !OF_DATA.contains(&path))
        || matches!(path, "/usr/bin" | "/usr/lib" | "/usr/local" | "/var/lib" | "/var/log")
        || path.strip_prefix("/home/").is_some_and(|rest| !rest.contains('/'))
}

#[cfg(test)]
mod tests {
    use super::{is_broad, is_of_own_process, is_sink, is_standard_input, plain};

    #[test]
    fn dots_are_taken_out_by_the_text() {
        assert_eq!(plain("../work-private/.env", Some("/home/a/work")), "/home/a/work-private/.env");
        assert_eq!(plain("/../../etc//passwd", None), "/etc/passwd");
        assert_eq!(plain("./a/./b/..", None), "a");
        assert_eq!(plain(".", Some("/w")), "/w");
    }

    #[test]
    fn a_home_below_a_public_directory_is_private() {
        for home in ["/opt/agent", "/tmp/agent", "/home/agent"] {
            let open = |path: &str| super::is_open(&format!("{home}/{path}"), Some("/work"), Some(home));
            assert!(!open(".newtool/state.json"), "{home}");
            assert!(open("notes.txt") && open(".vimrc"), "{home}");
        }
        assert!(super::is_open("/opt/tool/README", Some("/work"), Some("/home/agent")));
    }

    #[test]
    fn breadth() {
        for broad in ["/", "/etc", "/home/a", "/*", "."] {
            assert!(is_broad(broad, Some("/home/a"), None), "{broad}");
        }
        assert!(!is_broad("/home/a/work/target", Some("/home/a"), None));
        assert!(is_broad("/app", None, None) && !is_broad("/app/*", None, Some("/app")));
        assert!(is_broad("/etc", None, Some("/etc")) && is_broad("/home/a", Some("/home/a"), Some("/home/a")));
    }

    #[test]
    fn what_comes_in_is_told_from_files() {
        assert!(is_sink("/dev/fd/63") && is_standard_input("/proc/self/fd/0") && is_standard_input("-"));
        assert!(!is_standard_input("/dev/null") && !is_standard_input("/dev/fd/3"));
        assert!(!is_sink("/dev/fd/") && !is_sink("/dev/fd/../sda"));
        assert!(is_of_own_process("/proc//self/root/etc/shadow") && !is_of_own_process("/proc/self/status"));
    }
}
