//! Shells other than Bash: texts are read as Bash reads them, and where the shell may be another, what that one reads
//! otherwise is not understood.
//!
//! Only differences that make a text do something else are here. A command that another shell refuses runs nothing, but
//! it leaves the state as it was, and what follows runs with that: both states are then possible.

/// Which shell runs a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shell {
    /// Bash, a POSIX shell or Z shell: the text must mean the same in all of them.
    #[default]
    Unknown,
    /// Bash.
    Bash,
    /// A POSIX shell, as `dash`, `ash` or whatever `sh` is.
    Sh,
    /// Z shell.
    Zsh,
    /// Any other, as `fish` or `tcsh`: only plain words are read.
    Other,
}

impl Shell {
    /// The shell by the path or name of its program.
    #[must_use]
    pub fn of_program(path: &str) -> Self {
        match path.rsplit('/').next().unwrap_or(path).trim_start_matches('-') {
            "bash" | "rbash" => Self::Bash,
            "sh" | "dash" | "ash" | "busybox" => Self::Sh,
            "zsh" => Self::Zsh,
            "" => Self::Unknown,
            _ => Self::Other,
        }
    }

    /// Whether Z shell may run the text.
    pub(crate) const fn may_be_zsh(self) -> bool {
        matches!(self, Self::Unknown | Self::Zsh | Self::Other)
    }

    pub(crate) const fn may_be_posix(self) -> bool {
        matches!(self, Self::Unknown | Self::Sh | Self::Other)
    }
}

/// Something in a text that shells read differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Difference {
    /// `>!`, which writes over a file in Z shell and in csh.
    Clobber,
    /// `<1-9>`, a pattern in Z shell.
    Range,
    /// `=NAME` at the start of a word, the path of a program in Z shell.
    Equals,
    /// `$=x`, `$~x`, `$^x`: an expansion with a flag in Z shell.
    Flag,
    /// `$x:h`, a modifier in Z shell.
    Modifier,
    /// `$x[…]`, a subscript in Z shell.
    Subscript,
    /// `[[ … > … ]]` or a bare word behind `||` in `[[`: a redirection and a command where `[[` is no keyword.
    Comparison,
    /// `$10`, which is `$1` and a `0` in Bash, and the tenth parameter in Z shell.
    Parameter,
    /// `*(…)`, which is an extended pattern in Bash, and holds qualifiers in Z shell, some of which run code.
    Qualifier,
    /// `$"…"`, a text that Bash translates, and a `$` before a text elsewhere.
    Translated,
    /// `$'…\'…'`, which ends at the first quote where there is no such quoting.
    AnsiQuote,
}

impl Difference {
    /// Whether it makes a text doubtful for this shell.
    pub(crate) const fn matters(self, shell: Shell) -> bool {
        match self {
            Self::Clobber
            | Self::Range
            | Self::Equals
            | Self::Flag
            | Self::Modifier
            | Self::Subscript
            | Self::Parameter
            | Self::Qualifier => shell.may_be_zsh(),
            Self::Comparison | Self::AnsiQuote => shell.may_be_posix(),
            Self::Translated => shell.may_be_posix() || shell.may_be_zsh(),
        }
    }

    pub(crate) const fn why(self) -> &'static str {
        match self {
            Self::Clobber => "`>!` names a file in Bash, and means `write over` in other shells",
            Self::Range => "`<…-…>` is a redirection in Bash, and a pattern in Z shell",
            Self::Equals => "`=NAME` is plain text in Bash, and the path of a program in Z shell",
            Self::Flag => "Z shell splits or matches the value of `$=x`, `$~x` and `$^x`",
            Self::Modifier => "Z shell takes what follows `$x:` for a modifier, which changes the value",
            Self::Subscript => "Z shell takes `[…]` behind `$x` for a subscript, which changes the value",
            Self::Parameter => "`$10` is `$1` and a `0` in Bash, and the tenth parameter in Z shell",
            Self::Qualifier => "Z shell takes `(…)` behind a pattern for qualifiers, which can run commands",
            Self::Comparison => "a POSIX shell takes the content of `[[ … ]]` for commands and redirections",
            Self::Translated => "other shells than Bash keep the `$` of `$\"…\"`",
            Self::AnsiQuote => "a POSIX shell ends `$'…'` at another quote",
        }
    }
}

/// Whether the shell may lack a builtin: then it fails, and the state stays as it was.
pub(crate) fn lacks(shell: Shell, name: &str) -> bool {
    const OF_BASH_AND_ZSH: &[&str] =
        &["declare", "typeset", "let", "source", "pushd", "popd", "dirs", "disown", "enable"];
    const OF_BASH: &[&str] = &["mapfile", "readarray", "shopt", "complete", "compopt", "compgen", "caller", "help"];
    (shell.may_be_posix() && (OF_BASH_AND_ZSH.contains(&name) || OF_BASH.contains(&name)))
        || (shell.may_be_zsh() && OF_BASH.contains(&name))
}

/// Variables that Z shell obeys and Bash does not.
pub(crate) fn steers(shell: Shell, name: &str) -> bool {
    const NAMES: &[&str] = &[
        "aliases",
        "argv",
        "builtins",
        "cdpath",
        "chpwd_functions",
        "commands",
        "dirstack",
        "dis_aliases",
        "dis_functions",
        "fignore",
        "fpath",
        "functions",
        "galiases",
        "histchars",
        "keymaps",
        "mailpath",
        "manpath",
        "module_path",
        "modules",
        "nameddirs",
        "options",
        "path",
        "periodic_functions",
        "precmd_functions",
        "preexec_functions",
        "psvar",
        "saliases",
        "userdirs",
        "widgets",
        "zsh_eval_context",
        "zshexit_functions",
        "FPATH",
        "MODULE_PATH",
        "NULLCMD",
        "READNULLCMD",
        "ZDOTDIR",
    ];
    shell.may_be_zsh() && NAMES.contains(&name)
}

/// Names of functions that Z shell calls by itself.
pub(crate) fn is_hook(shell: Shell, name: &str) -> bool {
    const HOOKS: &[&str] =
        &["chpwd", "periodic", "precmd", "preexec", "zshaddhistory", "zshexit", "command_not_found_handler"];
    let signal = name.strip_prefix("TRAP").is_some_and(|signal| signal.bytes().all(|byte| byte.is_ascii_uppercase()));
    shell.may_be_zsh() && (HOOKS.contains(&name) || signal)
}

/// Marks of texts on which shells differ, as far as a text shows them: `sh -c 'rm {a,b}'` removes one file or two,
/// `ls &> f` writes one or runs `ls` in the background and empties it.
const MARKS: &[&str] = &[
    "$'",
    "$\"",
    "[[",
    "<(",
    ">(",
    "<<<",
    "&>",
    "|&",
    "function ",
    "select ",
    "coproc ",
    "+=",
    "=(",
    "${!",
    "^^",
    ",,",
    ";&",
    "$[",
];

/// What in a text a POSIX shell reads otherwise than Bash, or refuses.
pub(crate) fn mark(text: &str) -> Option<&str> {
    let expansions = text
        .split("${")
        .skip(1)
        .any(|rest| rest.split('}').next().is_some_and(|inside| inside.contains("//") || inside.contains("@")));
    let found = MARKS.iter().find(|mark| text.contains(**mark)).copied();
    found.or_else(|| (has_braces(text) || expansions).then_some(text))
}

/// Whether a text has words that a POSIX shell makes of it otherwise than Bash: braces that it does not expand, quotes
/// that it does not know, and letters behind a backslash or a dash that its `printf` and `echo` print as they are.
pub(crate) fn makes_other_words(text: &str) -> bool {
    let quoted = text.split("$'").skip(1).any(|rest| rest.split('\'').next().is_some_and(|it| it.contains('\\')));
    let printed = text.contains("printf") && (text.contains("\\x") || text.contains("\\e"));
    quoted || printed || ["echo -e", "echo -n", "echo -E"].iter().any(|it| text.contains(it)) || has_braces(text)
}

/// `{a,b}` or `{1..3}`.
fn has_braces(text: &str) -> bool {
    text.split('{').skip(1).any(|rest| {
        let inside = rest.split('}').next().unwrap_or("");
        !inside.starts_with([' ', '\n', '}']) && (inside.contains(',') || inside.contains(".."))
    })
}
