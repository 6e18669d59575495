//! What a rule that allows must not leave open.

use super::read::Wrong;
use super::text::RuleText;
use crate::pattern::CommandPattern;

/// Programs that run what they are given. A rule that allows one of them by pattern would allow everything.
const CARRIERS: &[&str] = &[
    "sh",
    "bash",
    "dash",
    "zsh",
    "ksh",
    "fish",
    "csh",
    "python",
    "python3",
    "perl",
    "ruby",
    "node",
    "php",
    "lua",
    "env",
    "sudo",
    "doas",
    "su",
    "xargs",
    "nice",
    "nohup",
    "timeout",
    "setsid",
    "stdbuf",
    "watch",
    "time",
    "eval",
    "exec",
    "command",
    "source",
    ".",
    "busybox",
    "toybox",
    "ssh",
    "find",
    "awk",
    "gawk",
    "sed",
    "vim",
    "vi",
    "ed",
    "expect",
    "script",
    "parallel",
    "strace",
    "gdb",
    "flock",
    "chroot",
    "unshare",
    "nsenter",
    "docker",
    "podman",
    "kubectl",
    "npx",
    "uvx",
    "deno",
    "bun",
    "tclsh",
    "osascript",
    "pwsh",
    "systemd-run",
    "at",
    "batch",
    "crontab",
    "ionice",
    "chrt",
    "taskset",
    "bwrap",
    "firejail",
    "runuser",
    "pkexec",
    "setpriv",
    "tmux",
    "screen",
    "entr",
];

/// What a rule that allows must not leave open.
pub(super) fn narrow(
    text: &RuleText,
    command: &[CommandPattern],
    regex: bool,
    accepts_partial: bool,
) -> Result<(), Wrong> {
    let named = !command.is_empty() || text.tool.is_some();
    if accepts_partial && !named {
        return Err(("coverage", "a rule that accepts partial coverage must name the `command` or `tool`".to_owned()));
    }
    let key = if text.exact.is_some() { "exact" } else { "command" };
    for pattern in command {
        let Some(program) = pattern.program() else { continue };
        let Some(name) = program.literal() else {
            return Err((key, format!("`{}*` allows more than one program; name it", program.prefix())));
        };
        let base = name.rsplit('/').next().unwrap_or(name);
        let bare = pattern.words().len() == 1;
        let versioned = base.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
        if (CARRIERS.contains(&base) || CARRIERS.contains(&versioned)) && (pattern.is_open() || bare) {
            return Err((
                key,
                format!(
                    "`{base}` runs what it is given, so a pattern for it allows everything, such as `{base} ./anything`; name the exact command"
                ),
            ));
        }
    }
    if text.tool.as_deref().is_some_and(|tool| tool.starts_with(['*', '?'])) {
        return Err(("tool", "it allows every tool; name the tool, or the server it is from (`github/*`)".to_owned()));
    }
    let bounded = named || regex || text.effect.is_some() || text.only.is_some() || text.only_category.is_some();
    if !bounded {
        return Err((
            "verdict",
            "a rule that allows must bound what is done: add `command`, `effect` or `only`".to_owned(),
        ));
    }
    Ok(())
}
