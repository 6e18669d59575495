//! Settings of git by their key: which run nothing, which name a program, which hold a secret.

/// Sections and keys that only say how things look, or who is meant.
const PLAIN: &[&str] = &[
    "advice.",
    "branch.sort",
    "clean.requireforce",
    "color.",
    "column.",
    "commit.cleanup",
    "commit.gpgsign",
    "commit.status",
    "commit.verbose",
    "core.abbrev",
    "core.autocrlf",
    "core.commentchar",
    "core.compression",
    "core.eol",
    "core.filemode",
    "core.ignorecase",
    "core.longpaths",
    "core.precomposeunicode",
    "core.preloadindex",
    "core.protecthfs",
    "core.protectntfs",
    "core.quotepath",
    "core.safecrlf",
    "core.untrackedcache",
    "core.whitespace",
    "diff.algorithm",
    "diff.colormoved",
    "diff.colormovedws",
    "diff.context",
    "diff.indentheuristic",
    "diff.interhunkcontext",
    "diff.mnemonicprefix",
    "diff.noprefix",
    "diff.relative",
    "diff.renamelimit",
    "diff.renames",
    "diff.statgraphwidth",
    "diff.submodule",
    "diff.wserrorhighlight",
    "feature.",
    "fetch.parallel",
    "fetch.prune",
    "fetch.prunetags",
    "format.pretty",
    "gc.auto",
    "gc.autodetach",
    "grep.",
    "help.autocorrect",
    "http.lowspeedlimit",
    "http.lowspeedtime",
    "http.postbuffer",
    "http.version",
    "i18n.",
    "index.",
    "init.defaultbranch",
    "log.abbrevcommit",
    "log.date",
    "log.decorate",
    "log.follow",
    "log.graphcolors",
    "merge.conflictstyle",
    "merge.ff",
    "merge.log",
    "merge.renames",
    "merge.stat",
    "pack.",
    "protocol.version",
    "pull.ff",
    "pull.rebase",
    "push.autosetupremote",
    "push.default",
    "push.followtags",
    "rebase.autosquash",
    "rebase.autostash",
    "rebase.stat",
    "rebase.updaterefs",
    "rerere.",
    "stash.",
    "status.",
    "submodule.fetchjobs",
    "tag.sort",
    "tag.gpgsign",
    "user.email",
    "user.name",
    "user.useconfigonly",
    "versionsort.",
];

/// Keys that are off with an empty or false value, and then run nothing.
const OFF: &[&str] = &["core.fsmonitor", "core.pager", "pager.", "credential.helper", "gpg.program", "diff.external"];

/// Ends of keys whose value is a program, a text for the shell, or a place where programs are found.
const PROGRAMS: &[&str] = &[
    "askpass",
    "browser",
    "clean",
    "cmd",
    "command",
    "driver",
    "editor",
    "external",
    "filter",
    "fsmonitor",
    "gitproxy",
    "helper",
    "hookspath",
    "pager",
    "process",
    "program",
    "proxycommand",
    "receivepack",
    "sendmailcmd",
    "shell",
    "smudge",
    "sshcommand",
    "textconv",
    "tocmd",
    "cccmd",
    "headercmd",
    "uploadpack",
    "vcs",
    "templatedir",
    "path",
    "difffilter",
    "packobjectshook",
    "alternaterefscommand",
    "defaultkeycommand",
    "smtpserver",
    "httpd",
];

/// A setting as `-c` takes it: without `=` it is true.
pub(crate) fn key_and_value(setting: &str) -> (String, &str) {
    let (key, value) = setting.split_once('=').unwrap_or((setting, "true"));
    (key.to_ascii_lowercase(), value)
}

/// Whether a key, in lower case, can change neither what runs nor where anything goes.
pub(crate) fn runs_nothing(key: &str, value: &str) -> bool {
    let plain = |known: &str| key == known || (known.ends_with('.') && key.starts_with(known));
    if PLAIN.iter().any(|known| plain(known)) {
        return true;
    }
    let off = matches!(value, "" | "false" | "0" | "no" | "off" | "cat");
    off && OFF.iter().any(|known| plain(known))
}

/// Whether the value of a key is a program.
pub(crate) fn names_a_program(key: &str) -> bool {
    let last = key.rsplit('.').next().unwrap_or(key);
    PROGRAMS.contains(&last) || key.starts_with("pager.")
}

/// Whether showing a key shows a secret.
pub(crate) fn reads_a_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    ["extraheader", "token", "password", "passwd", "secret", "credential", "smtppass", "cookiefile", "oauth", "apikey"]
        .iter()
        .any(|word| key.contains(word))
}

#[cfg(test)]
mod tests {
    use super::{names_a_program, runs_nothing};

    #[test]
    fn keys() {
        for (key, value) in
            [("core.quotepath", "off"), ("user.name", "x"), ("core.pager", "cat"), ("color.ui", "always")]
        {
            assert!(runs_nothing(key, value), "{key}");
        }
        for key in
            ["core.pager", "core.fsmonitor", "alias.x", "url.https://e/.insteadof", "include.path", "safe.directory"]
        {
            assert!(!runs_nothing(key, "x"), "{key}");
        }
        for key in ["core.sshcommand", "filter.lfs.smudge", "diff.x.textconv", "pager.log", "mergetool.x.cmd"] {
            assert!(names_a_program(key), "{key}");
        }
    }
}
