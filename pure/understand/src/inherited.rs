//! The environment that a program would get from whoever starts it: which of it passes without a word.
//!
//! A text shows what it sets; what is inherited stands nowhere. A shell session has a hundred variables, and nearly all of them steer
//! nothing. So a name is judged that belongs to a family that loads code, names programs, options or files of settings, or changes
//! how programs are found, unless its value is one that cannot do any of it here.

use model::{Arg, Factor};

use crate::environment;
use crate::lower::Lowering;
use crate::paths;
use crate::simple::Dress;

/// The most variables of which each is named. Of more than these, the rest is one unknown.
const MOST_NAMED: usize = 32;

/// A variable that a program would get. Only of one that could steer it the value is known.
#[derive(Clone, Copy, Debug)]
pub struct Inherited<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its value, where [`value_matters`].
    pub value: Option<&'a str>,
}

/// Whether the value of a variable is worth showing: it can steer what a program does, or which program runs. Others stay what they
/// are, secrets perhaps.
pub fn value_matters(name: &str) -> bool {
    WATCHED.contains(&name) || steers(name)
}

/// Names that are set in every session and mean something there; what they mean elsewhere, their value says.
const WATCHED: &[&str] = &["HOME", "PATH", "PWD", "SHELL"];

/// Names of the shell that it sets itself, or heeds only where somebody types.
const OF_A_SESSION: &[&str] =
    &["HISTFILE", "MAIL", "MAILPATH", "OLDPWD", "PATH", "PS0", "PS1", "PS2", "PS3", "PWD", "TMOUT", "_", "SHLVL"];

/// Families: a language's or a tool's own variables that bring code, options or settings into it.
const FAMILIES: &[&str] = &[
    "ANSIBLE_",
    "CARGO_ALIAS_",
    "CARGO_BUILD_",
    "CARGO_HOME",
    "CARGO_HTTP_",
    "CARGO_NET_",
    "CARGO_PROFILE_",
    "CARGO_REGISTR",
    "CARGO_SOURCE_",
    "CARGO_TARGET_",
    "COMPOSER_",
    "DOCKER_",
    "DYLD_",
    "FZF_",
    "GIT_",
    "HELM_",
    "KUBE",
    "LESS",
    "LUA_",
    "NPM_CONFIG_",
    "PERL5",
    "PERLLIB",
    "PIP_",
    "RUBYLIB",
    "RUBYOPT",
    "RUBYSHELL",
    "TERMINFO",
    "TF_CLI_",
    "UV_",
    "YARN_",
];

/// Names of their own.
const NAMES: &[&str] = &[
    "AR",
    "AS",
    "BASH_ENV",
    "BZIP2",
    "CC",
    "CPP",
    "CURL_HOME",
    "CXX",
    "ENV",
    "EXINIT",
    "GCONV_PATH",
    "GETCONF_DIR",
    "GNUPGHOME",
    "GOENV",
    "GOPROXY",
    "GOROOT",
    "GOTOOLCHAIN",
    "GREP",
    "GTK_MODULES",
    "GZIP",
    "HOME",
    "HOSTALIASES",
    "HOSTFILE",
    "INPUTRC",
    "JAVA_HOME",
    "LD",
    "MAGIC",
    "MAKEFILES",
    "MALLOC_TRACE",
    "MANOPT",
    "MORE",
    "NETRC",
    "NODE_EXTRA_CA_CERTS",
    "NODE_REPL_EXTERNAL_MODULE",
    "OPENSSL_ENGINES",
    "OPENSSL_MODULES",
    "PGHOST",
    "PGSERVICEFILE",
    "PGSYSCONFDIR",
    "POSIXLY_CORRECT",
    "PROMPT_COMMAND",
    "PS4",
    "RUSTC",
    "RUSTDOC",
    "SHELL",
    "SSL_CERT_DIR",
    "SYSTEM_WGETRC",
    "TAPE",
    "TERMCAP",
    "TMUX_TMPDIR",
    "UNZIP",
    "VIM",
    "VIMINIT",
    "VIMRUNTIME",
    "WGETRC",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_DIRS",
    "XDG_CONFIG_HOME",
    "XDG_DATA_DIRS",
    "XDG_DATA_HOME",
    "XZ_OPT",
    "ZDOTDIR",
    "ZIPOPT",
];

/// What the last part of a name says, whatever the tool: where code or settings lie, options, a program that is run.
const ENDINGS: &[&str] = &[
    "ARGS",
    "ASKPASS",
    "BROWSER",
    "CFG",
    "CMD",
    "COMMAND",
    "CONF",
    "CONFIG",
    "CONFIG_DIR",
    "CONFIG_FILE",
    "DIFF",
    "EDITOR",
    "EXEC",
    "EXECUTABLE",
    "FLAGS",
    "HOOK",
    "HOOKS",
    "INIT",
    "LAUNCHER",
    "LIB",
    "LIBS",
    "LIBRARY",
    "LINKER",
    "LOADER",
    "MODULES",
    "OPENER",
    "OPT",
    "OPTIONS",
    "OPTS",
    "PAGER",
    "PATH",
    "PLUGIN",
    "PLUGINS",
    "PRELOAD",
    "PROGRAM",
    "PROXY",
    "RC",
    "RSH",
    "RULES",
    "RUNNER",
    "SHELL",
    "SSH",
    "STARTUP",
    "TUNABLES",
    "VISUAL",
    "WRAPPER",
    "CERT_FILE",
    "CA_BUNDLE",
    "CONTEXT",
    "USERCONFIG",
    "GLOBALCONFIG",
    "REGISTRY",
];

/// Of those families, what only says who or how much.
const HARMLESS: &[&str] = &[
    "GIT_OPTIONAL_LOCKS",
    "GIT_TERMINAL_PROMPT",
    "GIT_ASK_YESNO",
    "DOCKER_BUILDKIT",
    "DOCKER_CLI_HINTS",
    "DOCKER_DEFAULT_PLATFORM",
    "DOCKER_SCAN_SUGGEST",
    "KUBERNETES_PORT",
    "PIP_NO_CACHE_DIR",
    "PIP_DISABLE_PIP_VERSION_CHECK",
    "PIP_NO_INPUT",
    "LESSSECURE",
    "LESSCHARSET",
    "LESSANSIENDCHARS",
    "YARN_VERSION",
    "UV_NO_PROGRESS",
    "LESSHISTFILE",
    "KUBERNETES_SERVICE_HOST",
    "KUBERNETES_SERVICE_PORT",
    "HELM_NAMESPACE",
    "SSH_AUTH_SOCK",
];

fn steers(name: &str) -> bool {
    if OF_A_SESSION.contains(&name) || HARMLESS.contains(&name) || (name.len() > 2 && is_said_to_be_harmless(name)) {
        return false;
    }
    if ["GIT_AUTHOR_", "GIT_COMMITTER_", "GIT_PS1_", "KUBERNETES_"].iter().any(|family| name.starts_with(family)) {
        return false;
    }
    // `PYTHONPATH`, but not `PYTHON_VERSION`, which images of containers set.
    let python = name.strip_prefix("PYTHON").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_uppercase()));
    let upper = name.to_ascii_uppercase();
    python
        || environment::steers_the_shell(name)
        || environment::names_a_program(name)
        || NAMES.contains(&upper.as_str())
        || FAMILIES.iter().any(|family| upper.starts_with(family))
        || ENDINGS.iter().any(|ending| upper.strip_suffix(ending).is_some_and(|rest| ends_a_word(rest, ending)))
}

/// Names that a text may set without a word, but those that only a text itself reads: a program reads lower-case ones, too.
fn is_said_to_be_harmless(name: &str) -> bool {
    !environment::is_private(name) && environment::is_harmless(name)
}

/// `MYOPTS` is as good as `MY_OPTS`, but `WORKFLOWSSH` is no word with `SSH` in it.
fn ends_a_word(rest: &str, ending: &str) -> bool {
    rest.is_empty() || rest.ends_with('_') || ending.len() >= 4
}

impl Lowering<'_> {
    /// Puts what is inherited in front of a command, as if it stood there.
    pub(crate) fn inherit(&mut self, variables: &[Inherited<'_>], dress: &mut Dress) {
        let mut named = 0_usize;
        for variable in variables.iter().filter(|it| value_matters(it.name)) {
            if self.is_quiet(variable.name, variable.value) {
                continue;
            }
            named = named.saturating_add(1);
            if named > MOST_NAMED {
                self.unknown("", "more variables that are inherited steer programs than are looked at");
                return;
            }
            self.inherit_one(*variable, dress);
        }
    }

    fn inherit_one(&mut self, Inherited { name, value }: Inherited<'_>, dress: &mut Dress) {
        let shown = value.map_or_else(|| name.to_owned(), |value| format!("{name}={value}"));
        let known = value.map_or_else(|| Arg::Unknown(format!("${name}")), |value| Arg::Known(value.to_owned()));
        let before = dress.unknowns.len();
        self.set(name, known, true, dress);
        for unknown in dress.unknowns.iter_mut().skip(before) {
            unknown.text.clone_from(&shown);
        }
        if dress.unknowns.len() == before {
            let why = "it is in the environment, and can change what a program does or which program runs".to_owned();
            dress.unknowns.push(model::Unknown { text: shown.clone(), why });
        }
        let why = format!("`{shown}` is in the environment of what would run");
        self.intent.factors.push(Factor { name: "steered_by_environment", points: 15, why });
    }

    /// Whether a value is one that steers nothing here.
    fn is_quiet(&self, name: &str, value: Option<&str>) -> bool {
        let Some(value) = value else { return false };
        let home = self.home.as_deref();
        let below_home = |rest: &str| home.is_some_and(|home| value.trim_end_matches('/') == format!("{home}/{rest}"));
        match name {
            // Where a program is found with it is looked up; a directory that anybody may fill is seen there.
            "PATH" | "PWD" => true,
            "HOME" => home == Some(value),
            "SHELL" => is_of_the_system(value),
            "LESS" => {
                value.chars().all(|c| c.is_ascii_alphabetic() && !"oOkKtTpD".contains(c) || matches!(c, '-' | ' '))
            }
            // As the distributions set them for everybody.
            "LESSOPEN" => {
                matches!(value, "| /usr/bin/lesspipe %s" | "|/usr/bin/lesspipe %s" | "||/usr/bin/lesspipe.sh %s")
            }
            "LESSCLOSE" => value == "/usr/bin/lesspipe %s %s",
            "XDG_CONFIG_HOME" => below_home(".config"),
            "XDG_DATA_HOME" => below_home(".local/share"),
            "XDG_CACHE_HOME" => below_home(".cache"),
            "GNUPGHOME" => below_home(".gnupg"),
            "npm_config_userconfig" => below_home(".npmrc"),
            "GOPATH" => below_home("go"),
            // How many settings follow, in names of their own; and a switch that changes how options are read.
            _ if name.starts_with("GIT_CONFIG") || name == "POSIXLY_CORRECT" => false,
            _ if is_a_pager(name) => matches!(value, "" | "cat"),
            _ if is_an_editor(name) => EDITORS.contains(&value),
            _ => is_plain(value) || own_directory(name).is_some_and(|rest| below_home(&rest)),
        }
    }
}

/// Editors that open a file and do nothing else, and the words for none.
const EDITORS: &[&str] = &[
    "",
    ":",
    "cat",
    "code --wait",
    "ed",
    "emacs",
    "emacsclient",
    "false",
    "helix",
    "hx",
    "kak",
    "micro",
    "nano",
    "nvim",
    "true",
    "vi",
    "vim",
];

fn is_a_pager(name: &str) -> bool {
    name.ends_with("PAGER")
}

fn is_an_editor(name: &str) -> bool {
    name.ends_with("EDITOR") || name == "VISUAL"
}

/// A value that neither names a file that the agent may write, nor an option: nothing, a number, a yes or no, or places of the system.
fn is_plain(value: &str) -> bool {
    let is_switch = matches!(value, "" | "true" | "false" | "yes" | "no" | "on" | "off" | "auto" | "always" | "never");
    let is_number = !value.is_empty() && value.len() <= 20 && value.chars().all(|c| c.is_ascii_digit());
    is_switch || is_number || value.split(':').all(is_of_the_system)
}

fn is_of_the_system(path: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '_' | '-' | '+' | '@');
    let places = ["/usr/", "/bin/", "/sbin/", "/lib/", "/lib64/", "/etc/", "/opt/", "/nix/store/", "/snap/"];
    path.chars().all(plain) && !paths::has_parent(path) && places.iter().any(|place| path.starts_with(place))
}

/// The directory that a tool's own variable names where nobody changed it: `CARGO_HOME` is `~/.cargo`.
fn own_directory(name: &str) -> Option<String> {
    let tool = ["_HOME", "_DIR", "_ROOT", "_INSTALL"].iter().find_map(|ending| name.strip_suffix(ending))?;
    let is_word = !tool.is_empty() && tool.chars().all(|c| c.is_ascii_alphanumeric());
    is_word.then(|| format!(".{}", tool.to_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use crate::{Inherited, Subject, Surroundings, settle};
    use model::{Fact, FactQuery, Facts, Intent};

    fn read(words: &[&str], variables: &[(&str, &str)]) -> Intent {
        let words: Vec<String> = words.iter().map(|it| (*it).to_owned()).collect();
        let given: Vec<Inherited<'_>> =
            variables.iter().map(|(name, value)| Inherited { name, value: Some(value) }).collect();
        let around = Surroundings { cwd: Some("/work/p"), home: Some("/home/agent"), ..Surroundings::default() };
        let mut look = |query: &FactQuery| match query {
            FactQuery::Program(name) => Fact::Program(Some(format!("/usr/bin/{name}"))),
            FactQuery::RealPath(path) => Fact::RealPath(path.clone()),
            FactQuery::File(_) => Fact::Unknown,
        };
        settle(Subject::Exec(&words, &given), around, &mut Facts::default(), &mut look)
    }

    fn is_noticed(name: &str, value: &str) -> bool {
        let intent = read(&["ls"], &[(name, value)]);
        let shown = format!("{name}={value}");
        let partial = intent.segments.iter().flat_map(|it| &it.unknowns).any(|it| it.text == shown);
        let factor = intent.factors.iter().any(|it| it.why.contains(&shown));
        assert_eq!(partial, factor, "{shown}: {intent:?}");
        partial
    }

    #[test]
    fn what_steers_is_noticed_in_front_of_a_mere_read() {
        for (name, value) in [
            ("BASH_ENV", "./be"),
            ("ENV", "x"),
            ("LD_PRELOAD", "/tmp/e.so"),
            ("LD_LIBRARY_PATH", "."),
            ("BASH_FUNC_ls%%", "() { :; }"),
            ("SHELLOPTS", "xtrace"),
            ("GIT_EXTERNAL_DIFF", "touch P #"),
            ("GIT_CONFIG_COUNT", "1"),
            ("GIT_CONFIG_GLOBAL", "./g"),
            ("GIT_SSH_COMMAND", "x"),
            ("GIT_DIR", "../other"),
            ("PYTHONPATH", "lib"),
            ("PYTHONSTARTUP", "s"),
            ("NODE_OPTIONS", "--require ./x"),
            ("NODE_PATH", "/tmp"),
            ("PERL5OPT", "-Mx"),
            ("PERL5LIB", "."),
            ("RUBYOPT", "-rx"),
            ("GREP_OPTIONS", "-f x"),
            ("RIPGREP_CONFIG_PATH", "./rc"),
            ("KUBECONFIG", "kc"),
            ("DOCKER_CONFIG", "d"),
            ("DOCKER_HOST", "tcp://h"),
            ("LESSOPEN", "|./x %s"),
            ("MANPAGER", "./x"),
            ("PAGER", "less"),
            ("EDITOR", "./x"),
            ("VISUAL", "sh -c x"),
            ("GIT_SEQUENCE_EDITOR", "rm x"),
            ("LESS", "-ofile"),
            ("LESSKEYIN", "k"),
            ("HOME", "/tmp/h"),
            ("XDG_CONFIG_HOME", "/tmp/c"),
            ("JAVA_TOOL_OPTIONS", "-javaagent:x"),
            ("TAR_OPTIONS", "--to-command=x"),
            ("MAKEFLAGS", "-f x"),
            ("RUSTC_WRAPPER", "./x"),
            ("GLIBC_TUNABLES", "x"),
            ("AWKPATH", "."),
            ("npm_config_userconfig", "./x"),
            ("CURL_HOME", "."),
            ("IFS", "x"),
            ("SHELL", "/tmp/sh"),
            ("CC", "./x"),
            ("TERMINFO", "./t"),
            ("POSIXLY_CORRECT", "x"),
            ("CDPATH", ".."),
            ("PROMPT_COMMAND", "x"),
            ("FZF_DEFAULT_OPTS", "--bind x"),
            ("HTTPS_PROXY", "http://e"),
            ("CARGO_HOME", "/tmp/c"),
            ("MYTOOL_PLUGIN_PATH", "./p"),
        ] {
            assert!(is_noticed(name, value), "{name}={value}");
        }
    }

    #[test]
    fn an_ordinary_session_passes_without_a_word() {
        for (name, value) in [
            ("PATH", "/usr/local/bin:/usr/bin:/bin"),
            ("HOME", "/home/agent"),
            ("LANG", "C.UTF-8"),
            ("TERM", "xterm-256color"),
            ("SHELL", "/bin/bash"),
            ("XDG_RUNTIME_DIR", "/run/user/1000"),
            ("XDG_CONFIG_HOME", "/home/agent/.config"),
            ("XDG_DATA_DIRS", "/usr/local/share:/usr/share"),
            ("SSH_AUTH_SOCK", "/tmp/ssh-x/agent.1"),
            ("EDITOR", "vim"),
            ("VISUAL", "code --wait"),
            ("PAGER", "cat"),
            ("LESS", "-FRX"),
            ("LESSOPEN", "| /usr/bin/lesspipe %s"),
            ("LS_COLORS", "rs=0:di=01;34"),
            ("CI", "true"),
            ("ANTHROPIC_API_KEY", "sk"),
            ("USER", "agent"),
            ("COUNTERSIGN_AGENT", "bot"),
            ("CARGO_HOME", "/home/agent/.cargo"),
            ("NVM_DIR", "/home/agent/.nvm"),
            ("GOPATH", "/home/agent/go"),
            ("JAVA_HOME", "/usr/lib/jvm/java-17"),
            ("PYTHON_VERSION", "3.12.1"),
            ("PYTHONUNBUFFERED", "1"),
            ("NODE_VERSION", "22.1.0"),
            ("SHLVL", "2"),
            ("GIT_AUTHOR_NAME", "a"),
            ("GIT_TERMINAL_PROMPT", "0"),
            ("GIT_PAGER", "cat"),
            ("TMPDIR", "/tmp/x"),
            ("DATABASE_URL", "postgres://x"),
            ("OLDPWD", "/x"),
            ("WORKFLOWSSH", "x"),
            ("AWS_PROFILE", "p"),
            ("npm_package_name", "x"),
        ] {
            assert!(!is_noticed(name, value), "{name}={value}");
        }
    }

    #[test]
    fn a_value_that_is_not_known_counts_for_what_it_could_be() {
        let words = ["ls".to_owned()];
        let given = [Inherited { name: "BASH_ENV", value: None }, Inherited { name: "FOO", value: None }];
        let intent = settle(Subject::Exec(&words, &given), Surroundings::default(), &mut Facts::default(), &mut |_| {
            Fact::Unknown
        });
        assert_eq!(intent.factors.iter().filter(|it| it.name == "steered_by_environment").count(), 1);
    }
}
