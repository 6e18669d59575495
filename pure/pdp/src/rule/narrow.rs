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

/// Programs of which some subcommand runs what it is given: the subcommand is a fixed word.
const FRONTS: &[&str] = &[
    "apptainer",
    "asdf",
    "aws",
    "az",
    "bun",
    "bundle",
    "cargo",
    "conda",
    "deno",
    "devbox",
    "distrobox",
    "docker",
    "docker-compose",
    "flatpak",
    "gcloud",
    "gh",
    "git",
    "go",
    "hatch",
    "helm",
    "incus",
    "kubectl",
    "lxc",
    "machinectl",
    "mamba",
    "mise",
    "nerdctl",
    "nix",
    "npm",
    "oc",
    "pdm",
    "pipenv",
    "pnpm",
    "podman",
    "podman-compose",
    "poetry",
    "rbenv",
    "pyenv",
    "rye",
    "singularity",
    "snap",
    "systemctl",
    "terraform",
    "tofu",
    "toolbox",
    "uv",
    "vagrant",
    "yarn",
];

/// Programs that run the program that their first word names.
const LAUNCHERS: &[&str] = &["npx", "uvx", "bunx", "pnpx"];

/// Subcommands that run the program that the next word names.
const LAUNCHES: &[(&str, &[&str])] = &[
    ("npm", &["exec", "x", "run", "run-script", "rum", "urn"]),
    ("pnpm", &["exec", "dlx", "run", "run-script"]),
    ("yarn", &["exec", "dlx", "run"]),
    ("bun", &["run", "x"]),
    ("deno", &["run", "task"]),
    ("go", &["run", "tool"]),
    ("uv", &["run", "tool"]),
    ("poetry", &["run"]),
    ("pdm", &["run"]),
    ("hatch", &["run"]),
    ("rye", &["run"]),
    ("pipenv", &["run"]),
    ("bundle", &["exec"]),
    ("conda", &["run"]),
    ("mamba", &["run"]),
    ("mise", &["exec", "x", "run", "r"]),
    ("asdf", &["exec"]),
    ("rbenv", &["exec"]),
    ("pyenv", &["exec"]),
    ("nix", &["run", "shell", "develop"]),
    ("pipx", &["run"]),
];

/// Subcommands that run whatever follows, where it is left open.
const RUNS: &[(&str, &[&str])] = &[
    ("docker", &["run", "exec", "create"]),
    ("podman", &["run", "exec", "create", "unshare"]),
    ("nerdctl", &["run", "exec", "create"]),
    ("docker-compose", &["run", "exec"]),
    ("podman-compose", &["run", "exec"]),
    ("kubectl", &["exec", "run", "debug", "attach", "plugin"]),
    ("oc", &["exec", "run", "debug", "rsh", "attach"]),
    ("git", &["filter-branch", "difftool", "mergetool", "config", "instaweb", "credential"]),
    ("deno", &["eval", "repl"]),
    ("npm", &["config", "set", "pkg"]),
    ("systemctl", &["edit", "set-environment", "link"]),
    ("machinectl", &["shell"]),
    ("lxc", &["exec"]),
    ("incus", &["exec"]),
    ("apptainer", &["exec", "run", "shell"]),
    ("singularity", &["exec", "run", "shell"]),
    ("flatpak", &["run"]),
    ("toolbox", &["run"]),
    ("distrobox", &["enter"]),
    ("vagrant", &["ssh"]),
    ("terraform", &["console"]),
    ("gh", &["extension", "alias"]),
    ("gcloud", &["ssh"]),
    ("aws", &["ssm", "send-command"]),
];

/// Options of such programs that take the next word, where they are written before the subcommand.
const VALUES: &[&str] = &[
    "-n",
    "--namespace",
    "-C",
    "--context",
    "-H",
    "--host",
    "--project",
    "--profile",
    "--region",
    "-f",
    "--file",
    "-p",
    "--project-name",
    "--kubeconfig",
    "--cluster",
    "--git-dir",
    "--work-tree",
    "--prefix",
    "--dir",
    "--cwd",
    "-w",
    "--workspace",
    "--filter",
    "-F",
    "-c",
    "--config",
    "-s",
    "--server",
    "--package",
    "-l",
    "--log-level",
];

/// Why the words of a pattern leave open which program runs, if they do.
fn left_open(base: &str, words: &[Option<&str>]) -> Option<String> {
    let mut fixed: Vec<&str> = Vec::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match *word {
            // `-c` sets configuration, and that runs code.
            Some("-c") if base == "git" => return Some("`git -c` sets what runs code".to_owned()),
            Some(option) if VALUES.contains(&option) => drop(words.next()),
            Some(option) if option.starts_with('-') => {}
            Some(word) => fixed.push(word),
            None => break,
        }
    }
    let of = |lists: &[(&str, &[&'static str])], words: &[&str]| {
        let list = lists.iter().find(|(name, _)| *name == base).map_or(&[] as &[&str], |(_, list)| list);
        words.iter().position(|word| list.contains(word))
    };
    let launched = |at: usize, by: &str| match fixed.get(at) {
        None => Some(format!("`{by}` runs the program that the next word names")),
        Some(program) if carries(program) => Some(format!("`{by} {program}` runs what it is given")),
        Some(_) => None,
    };
    if LAUNCHERS.contains(&base) {
        return launched(0, base);
    }
    let first = fixed.get(..fixed.len().min(2)).unwrap_or_default();
    if let Some(word) = of(RUNS, first).and_then(|at| first.get(at)) {
        return Some(format!("`{base} {word}` runs what it is given"));
    }
    if base == "docker" && first.first() == Some(&"compose") && fixed.len() < 2 {
        return Some("`docker compose run` runs what it is given".to_owned());
    }
    if let Some(at) = of(LAUNCHES, first.get(..1).unwrap_or_default()) {
        return launched(at.saturating_add(1), &format!("{base} {}", first.first().unwrap_or(&"")));
    }
    (FRONTS.contains(&base) && fixed.is_empty()).then(|| format!("some subcommand of `{base}` runs what it is given"))
}

fn as_words(words: &[Option<String>]) -> Vec<Option<&str>> {
    words.iter().map(Option::as_deref).collect()
}

/// The words of a regular expression that stand for themselves; nothing for one that varies. An expression in which
/// nothing varies has none.
fn plain_words(regex: &str) -> Vec<Option<String>> {
    let plain = |word: &str| {
        let mut text = String::new();
        let mut chars = word.chars();
        while let Some(c) = chars.next() {
            match c {
                '\\' => text.extend(chars.next().filter(|c| !c.is_ascii_alphanumeric())),
                c if c.is_alphanumeric() || "_-/=:,@%".contains(c) => text.push(c),
                _ => return None,
            }
        }
        Some(text)
    };
    let words: Vec<Option<String>> = regex.split(' ').map(plain).collect();
    if words.iter().all(Option::is_some) { Vec::new() } else { words }
}

/// Whether a program runs what it is given, in any version.
fn carries(name: &str) -> bool {
    const LANGUAGES: &[&str] = &[
        "tsx",
        "ts-node",
        "esno",
        "jiti",
        "ipython",
        "irb",
        "rails",
        "concurrently",
        "cross-env",
        "dotenv",
        "nodemon",
    ];
    let base = name.rsplit('/').next().unwrap_or(name);
    let versioned = base.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    CARRIERS.contains(&base) || CARRIERS.contains(&versioned) || LANGUAGES.contains(&base)
}

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
        if (carries(base) || LAUNCHERS.contains(&base) && bare) && (pattern.is_open() || bare) {
            return Err((
                key,
                format!(
                    "`{base}` runs what it is given, so a pattern for it allows everything, such as `{base} ./anything`; name the exact command"
                ),
            ));
        }
        // What `target` bounds is not left open.
        let words: Vec<Option<&str>> = pattern.words().iter().skip(1).map(|word| word.literal()).collect();
        if let Some(why) = left_open(base, &words).filter(|_| pattern.is_open() && text.target.is_none()) {
            return Err((
                key,
                format!(
                    "{why}, so this pattern allows everything; write out the subcommand and what it runs, or name the exact command"
                ),
            ));
        }
    }
    let plain = text.regex.as_deref().map(plain_words).unwrap_or_default();
    if let Some((Some(program), words)) = plain.split_first()
        && let Some(why) = left_open(program.rsplit('/').next().unwrap_or(program), &as_words(words))
    {
        let why = format!("{why}, so this expression allows everything; write out the subcommand and what it runs");
        return Err(("regex", why));
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
