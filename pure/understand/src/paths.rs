//! Paths: made absolute and plain by their text alone, and known for what is kept under them.

use model::Category;

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
        || path.strip_prefix("/dev/fd/").is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()))
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
/// known by its name), or public by its place. Elsewhere may stand anybody's data.
pub(crate) fn is_open(path: &str, cwd: Option<&str>, home: Option<&str>) -> bool {
    let within = |root: Option<&str>| root.is_some_and(|root| root != "/" && is_below(path, root));
    within(cwd)
        || within(home)
        || !path.starts_with('/')
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
    let ours = cwd.is_some_and(|cwd| cwd != home && is_below(path, cwd));
    // The home itself, or what it is in: as a file it is none, so all below it is meant.
    !ours && (is_below(home, path) || (whole && path.strip_prefix(home).is_some_and(|rest| rest.starts_with("/."))))
}

fn is_below(path: &str, root: &str) -> bool {
    path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// What a path is known to hold, beyond being a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    /// Credentials and keys.
    Secret,
    /// Something that makes code run later, or decides who may do what.
    Persistence,
    /// Our own settings, state or record.
    Ours,
    /// A device or kernel knob.
    Device,
}

impl Kept {
    /// The category of touching it, for readers and for writers.
    pub(crate) const fn category(self, writes: bool) -> Option<Category> {
        match (self, writes) {
            (Self::Secret, _) => Some(Category::CredentialAccess),
            (Self::Persistence | Self::Ours | Self::Device, true) => Some(Category::PersistenceConfig),
            (Self::Persistence | Self::Ours | Self::Device, false) => None,
        }
    }
}

/// Recognizes a path (or pattern) by its parts.
pub(crate) fn kept(path: &str) -> Option<Kept> {
    let lower = path.to_ascii_lowercase();
    let name = lower.rsplit('/').next().unwrap_or("");
    let holds = |parts: &[&str]| parts.iter().any(|part| lower.contains(part));
    let named = |names: &[&str]| names.contains(&name);
    let begins = |starts: &[&str]| starts.iter().any(|start| lower.starts_with(start));
    let ends = |endings: &[&str]| endings.iter().any(|ending| name.ends_with(ending));

    if holds(&["/countersign/", "/.countersign/"]) || named(&["countersign.sock", "log.key", "permit.key"]) {
        return Some(Kept::Ours);
    }
    let public = name.ends_with(".pub") || name.ends_with(".example") || name.ends_with(".sample");
    if !public
        && (holds(&[
            "/.aws/",
            "/.gnupg/",
            "/.kube/",
            "/.azure/",
            "/.config/gcloud",
            "/.docker/config",
            "/.config/gh/",
            "/run/secrets",
        ]) || (holds(&["/.ssh/"]) && !named(&["config", "known_hosts", "authorized_keys"]))
            || named(&[
                "shadow",
                "gshadow",
                ".env",
                ".netrc",
                "_netrc",
                ".npmrc",
                ".pypirc",
                ".git-credentials",
                ".pgpass",
                ".my.cnf",
                ".envrc",
                ".htpasswd",
                "credentials",
                "credentials.json",
                "secrets.json",
                "secrets.yml",
                "secrets.yaml",
                ".vault-token",
                ".bash_history",
                ".zsh_history",
                "environ",
                "id_rsa",
                "id_ed25519",
                "id_ecdsa",
                "id_dsa",
                "master.key",
                "kubeconfig",
            ])
            || name.starts_with(".env.")
            || name.starts_with("id_rsa")
            || ends(&[".pem", ".key", ".p12", ".pfx", ".kdbx", ".jks", ".keystore", ".ppk", ".asc"]))
    {
        return Some(Kept::Secret);
    }
    if named(&[
        ".bashrc",
        ".bash_profile",
        ".bash_login",
        ".bash_logout",
        ".profile",
        ".zshrc",
        ".zshenv",
        ".zprofile",
        ".zlogin",
        ".inputrc",
        "config.fish",
        "authorized_keys",
        "crontab",
        "sudoers",
        ".gitconfig",
        ".gitmodules",
        "ld.so.preload",
        "jenkinsfile",
        ".gitlab-ci.yml",
        "claude.md",
        "agents.md",
        "memory.md",
        ".mcp.json",
        "hooks.json",
    ]) || holds(&[
        "/.git/hooks",
        "/.git/config",
        "/cron.",
        "/cron/",
        "/systemd/",
        "/sudoers.d",
        "/.github/workflows",
        "/.claude/",
        "/.codex/",
        "/.cursor/",
        "/.gemini/",
        "/.vscode/",
        "/autostart/",
        "/launchagents/",
        "/launchdaemons/",
        "/.ssh/",
        "/pam.d/",
        "/profile.d/",
    ]) || begins(&[
        ".git/hooks",
        ".git/config",
        ".github/workflows",
        ".claude/",
        ".cursor/",
        ".ssh/",
        ".vscode/",
        "/etc/",
    ]) {
        return Some(Kept::Persistence);
    }
    if begins(&["/dev/", "/proc/", "/sys/", "/boot/"]) && !is_sink(path) {
        return Some(Kept::Device);
    }
    None
}

/// Whether a path is so high up that deleting or changing it reaches nearly everything.
pub(crate) fn is_broad(path: &str, home: Option<&str>) -> bool {
    let path = path.trim_end_matches("/**").trim_end_matches("/*").trim_end_matches('/');
    path.is_empty()
        || home.is_some_and(|home| path == home)
        || matches!(path, "." | ".." | "~" | "*" | "/*" | "/root")
        || (path.starts_with('/') && path.matches('/').count() <= 1 && path != "/tmp")
        || matches!(path, "/usr/bin" | "/usr/lib" | "/usr/local" | "/var/lib" | "/var/log")
        || path.strip_prefix("/home/").is_some_and(|rest| !rest.contains('/'))
}

#[cfg(test)]
mod tests {
    use super::{Kept, is_broad, kept, plain};

    #[test]
    fn dots_are_taken_out_by_the_text() {
        assert_eq!(plain("../work-private/.env", Some("/home/a/work")), "/home/a/work-private/.env");
        assert_eq!(plain("/../../etc//passwd", None), "/etc/passwd");
        assert_eq!(plain("./a/./b/..", None), "a");
        assert_eq!(plain(".", Some("/w")), "/w");
    }

    #[test]
    fn what_is_kept_where() {
        assert_eq!(kept("/home/a/.ssh/id_ed25519"), Some(Kept::Secret));
        assert_eq!(kept("/home/a/.ssh/id_ed25519.pub"), Some(Kept::Persistence));
        assert_eq!(kept("/home/a/.ssh/authorized_keys"), Some(Kept::Persistence));
        assert_eq!(kept("/w/.env"), Some(Kept::Secret));
        assert_eq!(kept("/w/.env.example"), None);
        assert_eq!(kept("/home/a/.bashrc"), Some(Kept::Persistence));
        assert_eq!(kept("/w/src/main.rs"), None);
    }

    #[test]
    fn breadth() {
        for broad in ["/", "/etc", "/home/a", "/*", "."] {
            assert!(is_broad(broad, Some("/home/a")), "{broad}");
        }
        assert!(!is_broad("/home/a/work/target", Some("/home/a")));
    }
}
