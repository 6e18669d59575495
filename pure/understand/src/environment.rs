//! Variables that change what a program does or which program runs.

/// Names that may be set for a command without changing what it does in any way that we judge.
///
/// The list says what is harmless, not what is harmful: programs read a thousand names, and one that is missing from
/// a list of harmful ones would be a way round.
pub(crate) fn is_harmless(name: &str) -> bool {
    const HARMLESS: &[&str] = &[
        "CI",
        "CLICOLOR",
        "COLUMNS",
        "DEBIAN_FRONTEND",
        "DEBUG",
        "FORCE_COLOR",
        "LANG",
        "LANGUAGE",
        "LINES",
        "NODE_ENV",
        "NO_COLOR",
        "PORT",
        "PYTHONDONTWRITEBYTECODE",
        "PYTHONUNBUFFERED",
        "RUST_BACKTRACE",
        "RUST_LOG",
        "TERM",
        "TZ",
        "VERBOSE",
        "CARGO_TERM_COLOR",
    ];
    HARMLESS.contains(&name) || name.starts_with("LC_") || is_private(name)
}

/// Names that only the text itself reads: lower case, or a letter or two.
pub(crate) fn is_private(name: &str) -> bool {
    let lower = name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    let proxy = name.ends_with("_proxy");
    (lower && !proxy) || name.len() <= 2
}

/// Names whose value is a command that other programs run.
pub(crate) fn names_a_program(name: &str) -> bool {
    const ENDINGS: &[&str] = &[
        "PAGER",
        "EDITOR",
        "VISUAL",
        "COMMAND",
        "CMD",
        "SHELL",
        "ASKPASS",
        "BROWSER",
        "_SSH",
        "LESSOPEN",
        "LESSCLOSE",
        "_EXEC",
        "_PROGRAM",
        "_DIFF",
        "OPENER",
    ];
    ENDINGS.iter().any(|ending| name.ends_with(ending)) && name != "SHELL"
}

/// Names that the shell itself obeys, exported or not.
pub(crate) fn steers_the_shell(name: &str) -> bool {
    const STEERS: &[&str] = &[
        "BASHOPTS",
        "BASH_ALIASES",
        "BASH_CMDS",
        "BASH_ENV",
        "BASH_LOADABLES_PATH",
        "BASH_XTRACEFD",
        "CDPATH",
        "ENV",
        "EXECIGNORE",
        "FCEDIT",
        "GLOBIGNORE",
        "HISTFILE",
        "HOME",
        "IFS",
        "INPUTRC",
        "MAIL",
        "MAILPATH",
        "OLDPWD",
        "PATH",
        "POSIXLY_CORRECT",
        "PROMPT_COMMAND",
        "PS0",
        "PS1",
        "PS2",
        "PS3",
        "PS4",
        "PWD",
        "SHELL",
        "SHELLOPTS",
        "TMOUT",
    ];
    STEERS.contains(&name) || name.starts_with("LD_") || name.starts_with("DYLD_") || name.starts_with("BASH_FUNC_")
}
