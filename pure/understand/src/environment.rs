//! Variables that change what a program does or which program runs, and those that hold secrets.

use model::{Action, Arg, Category, Operation, Resource, Reversibility, Segment};

use crate::command::mark_leak;
use crate::leak::Leak;
use crate::lower::Lowering;

impl Lowering<'_> {
    /// Notes that the value of a variable goes into the command at hand, where it may be a secret.
    pub(crate) fn note_secret(&mut self, name: &str) {
        // What the text itself set is no secret of the environment, unless it took it from there.
        let own = self.variables.get(name).is_some_and(|value| value.text().strip_prefix('$') != Some(name));
        if ((names_a_secret(name) && !own) || self.state.secrets.contains(name))
            && !self.secrets.iter().any(|it| it == name)
        {
            self.secrets.push(name.to_owned());
        }
    }

    /// What a builtin that sets variables is given, these variables hold.
    pub(crate) fn hand_on_secrets(&mut self, builtin: &str, args: &[Arg]) {
        let own = match builtin {
            "read" => "REPLY",
            "mapfile" | "readarray" => "MAPFILE",
            "export" | "declare" | "local" | "readonly" | "typeset" => "",
            _ => return,
        };
        let names = args.iter().map(|arg| arg.text().split('=').next().unwrap_or("")).chain([own]);
        self.state.secrets.extend(names.filter(|it| !it.is_empty() && !it.starts_with('-')).map(str::to_owned));
    }

    /// A command is given the values of variables with secrets.
    pub(crate) fn given_secrets(&self, program: &str, names: Vec<String>, segment: &mut Segment) {
        // Tests look at a value, and what sets a variable hands it on to that.
        let looks = !self.state.traces && matches!(program, "test" | "[" | ":" | "true" | "export" | "declare" | "local" | "readonly" | "typeset" | "read" | "unset");
        for name in names.into_iter().filter(|_| !looks) {
            let (plain, braced) = (format!("${name}"), format!("${{{name}"));
            // In front of the host it signs in there.
            let carries = |text: &str| {
                [&plain, &braced].iter().any(|mark| {
                    text.split(mark.as_str()).skip(1).any(|rest| {
                        let rest = rest.trim_start_matches(|c: char| c == '}' || c.is_ascii_alphanumeric());
                        !rest.starts_with('@')
                    })
                })
            };
            let leaves = segment.operations.iter().any(|operation| {
                matches!(operation.action, Action::Send | Action::Connect) && carries(operation.resource.text())
            });
            let secret = format!("the variable `{name}`");
            if leaves {
                mark_leak(segment, Leak::Known, &secret);
            }
            segment.operations.push(Operation {
                action: Action::Read,
                resource: Resource::Unknown(secret),
                category: Category::CredentialAccess,
                reversibility: Reversibility::Reversible,
                recursive: false,
            });
        }
    }
}

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

/// Whether a value of such a name is of the usual kind. One of a terminal, a language or a time zone can be the path of a
/// file that every program then loads.
pub(crate) fn is_usual(name: &str, value: &Arg) -> bool {
    let plain = |bad: &dyn Fn(&str) -> bool| value.known().is_some_and(|text| !bad(text));
    match name {
        "TERM" | "LANG" | "LANGUAGE" => plain(&|text| text.contains('/')),
        "TZ" => plain(&|text| text.trim_start_matches(':').starts_with('/') || text.contains("..")),
        _ if name.starts_with("LC_") => plain(&|text| text.contains('/')),
        _ => true,
    }
}

/// Names that only the text itself reads: lower case, or a letter or two; but for those that programs are known to
/// read.
pub(crate) fn is_private(name: &str) -> bool {
    const READ: &[&str] = &["npm_", "rvm_", "ac_cv_", "gl_cv_", "lt_cv_", "dpkg_", "bundle_", "java_", "yarn_", "pip_"];
    let lower = name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    let read = name.ends_with("_proxy")
        || name.ends_with("_config")
        || READ.iter().any(|prefix| name.starts_with(prefix));
    (lower && !read) || name.len() <= 2
}

/// Whether a variable's name says that it holds a secret.
pub(crate) fn names_a_secret(name: &str) -> bool {
    const WORDS: &[&str] = &[
        "TOKEN", "SECRET", "PASSWORD", "PASSWD", "PASSPHRASE", "CREDENTIAL", "CREDENTIALS", "APIKEY", "PWD", "PASS",
        "PAT", "AUTH", "DSN", "COOKIE",
    ];
    let upper = name.to_ascii_uppercase();
    let parts: Vec<&str> = upper.split('_').collect();
    let word = |word: &&str| {
        WORDS.contains(word)
            || ["TOKEN", "SECRET", "PASSWORD", "APIKEY"].iter().any(|it| word.ends_with(it) || word.starts_with(it))
    };
    let key = parts.len() > 1
        && parts.last() == Some(&"KEY")
        && parts.iter().any(|it| {
            matches!(*it, "API" | "ACCESS" | "PRIVATE" | "SIGNING" | "ENCRYPTION" | "ACCOUNT" | "SSH" | "DEPLOY" | "MASTER" | "SERVICE" | "AUTH" | "AWS" | "GPG" | "LICENSE" | "STORAGE")
        });
    let plain = matches!(upper.as_str(), "PWD" | "OLDPWD" | "SSH_AUTH_SOCK" | "XAUTHORITY" | "PASS" | "AUTH" | "PAT");
    !plain && (key || parts.iter().any(word)) || matches!(upper.as_str(), "DATABASE_URL" | "REDIS_URL" | "MONGO_URL" | "MONGODB_URI" | "PGPASSFILE")
}

/// Names that programs read and that a login often exports already: then setting one reaches programs without a word
/// more.
pub(crate) fn may_be_inherited(name: &str) -> bool {
    !is_harmless(name)
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
