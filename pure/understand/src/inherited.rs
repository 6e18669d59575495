//! The environment that a program would inherit: which of it passes without a word.
//!
//! A text shows what it sets, but not what is inherited. A shell session has a hundred variables, and nearly all of them steer
//! nothing. So a name is judged that belongs to a family that loads code, names programs, options or files of settings, or changes
//! how programs are found, unless its value is one that cannot do any of it here.

use model::{Arg, Category, Factor, Operation, Segment};

use crate::environment;
use crate::lower::Lowering;
use crate::simple::Dress;
use crate::{paths, places};

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

include!(concat!(env!("OUT_DIR"), "/variables.rs"));

fn steers(name: &str) -> bool {
    if OF_A_SESSION.contains(&name) || HARMLESS.contains(&name) || (name.len() > 2 && is_said_to_be_harmless(name)) {
        return false;
    }
    if HARMLESS_FAMILIES.iter().any(|family| name.starts_with(family)) {
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
    /// A command in the environment that it would get.
    pub(crate) fn exec(&mut self, argv: &[String], variables: &[Inherited<'_>]) {
        let mut dress = Dress::default();
        let mut limited: Vec<(Inherited<'_>, &[&str])> = Vec::new();
        let mut named = 0_usize;
        for variable in variables.iter().filter(|it| value_matters(it.name)) {
            if self.is_quiet(variable.name, variable.value) {
                continue;
            }
            named = named.saturating_add(1);
            if named > MOST_NAMED {
                self.unknown("", "more variables that are inherited steer programs than are looked at");
                break;
            }
            match readers(variable.name) {
                Some(programs) => limited.push((*variable, programs)),
                None => self.inherit_one(*variable, &mut dress),
            }
        }
        let before = self.intent.segments.len();
        self.execute(argv, dress);
        for (variable, programs) in limited {
            let run = self.intent.segments.get(before..).unwrap_or_default();
            if run.is_empty() || run.iter().any(|segment| may_read(segment, programs)) {
                self.inherit_late(variable, before);
            }
        }
    }

    /// A variable of certain programs, one of which may run.
    fn inherit_late(&mut self, Inherited { name, value }: Inherited<'_>, from: usize) {
        let shown = value.map_or_else(|| name.to_owned(), |value| format!("{name}={value}"));
        let why = "it is in the environment, and can change what a program does or which program runs".to_owned();
        let unknown = model::Unknown { text: shown.clone(), why };
        let segments = self.intent.segments.get_mut(from..).unwrap_or_default();
        if segments.is_empty() {
            self.intent.unknowns.push(unknown);
        } else {
            for segment in segments {
                segment.dressed = true;
                segment.unknowns.push(unknown.clone());
            }
        }
        self.note_steered(&shown);
    }

    fn note_steered(&mut self, shown: &str) {
        let why = format!("`{shown}` is in the environment of what would run");
        self.intent.factors.push(Factor { name: "steered_by_environment", points: 15, why });
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
        self.note_steered(&shown);
    }

    /// Whether an assignment in front of a command says no more than how it looks, or takes options or a pager away.
    pub(crate) fn says_little(&self, name: &str, value: &Arg) -> bool {
        let Some(text) = value.known() else { return false };
        let takes_away = text.is_empty() && ["OPTIONS", "OPTS", "FLAGS"].iter().any(|ending| name.ends_with(ending))
            || is_a_pager(name) && matches!(text, "" | "cat");
        let shows = environment::only_shows(name) && environment::is_usual(name, value);
        !environment::steers_the_shell(name) && (takes_away || shows)
    }

    /// Whether a value is one that steers nothing here.
    fn is_quiet(&self, name: &str, value: Option<&str>) -> bool {
        let Some(value) = value else { return false };
        let home = self.home.as_deref();
        let below_home = |rest: &str| home.is_some_and(|home| value.trim_end_matches('/') == format!("{home}/{rest}"));
        match name {
            // Where a program is found with it is looked up; a directory that any user may fill is seen there.
            "PATH" | "PWD" => true,
            "HOME" => home == Some(value),
            "SHELL" => is_of_the_system(value),
            "LESS" => {
                value.chars().all(|c| c.is_ascii_alphabetic() && !"oOkKtTpD".contains(c) || matches!(c, '-' | ' '))
            }
            // How many settings follow, in names of their own; and a switch that changes how options are read.
            _ if name.starts_with("GIT_CONFIG") || name == "POSIXLY_CORRECT" => false,
            _ if is_a_pager(name) => matches!(value, "" | "cat") || is_usual(name, value, home),
            _ if is_an_editor(name) => matches!(value, "" | "code --wait") || EDITORS.contains(&value),
            "NO_PROXY" | "no_proxy" => value.chars().all(|c| c.is_ascii_alphanumeric() || ".,:*-_/[] ".contains(c)),
            _ if name.ends_with("_SHELL") && SHELLS.contains(&value) => true,
            _ => {
                is_plain(value)
                    || own_directory(name).is_some_and(|rest| below_home(&rest))
                    || is_usual(name, value, home)
                    || (!environment::steers_the_shell(name) && is_kept_for_programs(value, home))
            }
        }
    }
}

/// The programs that alone read a variable, where that is known.
fn readers(name: &str) -> Option<&'static [&'static str]> {
    let is_meant = |pattern: &str| match (pattern.strip_suffix('*'), pattern.strip_prefix('*')) {
        (Some(family), _) => name.starts_with(family),
        (None, Some(ending)) => name.ends_with(ending),
        (None, None) => name == pattern,
    };
    READERS.iter().find(|(pattern, _)| is_meant(pattern)).map(|(_, programs)| *programs)
}

/// Whether a command may be one of these programs, or run one of them: then it does more than read and write files, or is
/// not understood.
fn may_read(segment: &Segment, programs: &[&str]) -> bool {
    let is_one = |arg: &Arg| {
        let name = arg.text().rsplit('/').next().unwrap_or("");
        let name = name.trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | '-'));
        programs.iter().any(|program| program.trim_end_matches(|c: char| c.is_ascii_digit()) == name)
    };
    let connects = programs.contains(&"network");
    let is_bounded = |operation: &Operation| match operation.category {
        Category::ReadOnly | Category::FsWrite | Category::FsDestructive | Category::VcsHistory => true,
        Category::NetworkEgress => !connects,
        Category::CredentialAccess
        | Category::PackageInstall
        | Category::ServiceProcessControl
        | Category::Privilege
        | Category::RemoteCode
        | Category::Database
        | Category::ContainerOrchestration
        | Category::CloudIac
        | Category::PersistenceConfig => false,
    };
    !segment.unknowns.is_empty() || !segment.operations.iter().all(is_bounded) || segment.argv.iter().any(is_one)
}

/// Whether a value, or each part of a list, is one that is set for everybody.
fn is_usual(name: &str, value: &str, home: Option<&str>) -> bool {
    let Some((_, usual)) = USUAL.iter().find(|(known, _)| *known == name) else { return false };
    let one = |value: &str| usual.iter().any(|pattern| fits(pattern, value, home));
    one(value) || value.split(':').all(|part| part.is_empty() || is_of_the_system(part) || one(part))
}

/// Whether a value is a pattern's, which has one wildcard at most: `*` for a word, `**` for a path.
fn fits(pattern: &str, value: &str, home: Option<&str>) -> bool {
    let pattern = match (pattern.strip_prefix('~'), home) {
        (Some(rest), Some(home)) => format!("{home}{rest}"),
        (Some(_), None) => return false,
        (None, _) => pattern.to_owned(),
    };
    let value = value.trim_end_matches('/');
    let Some((before, after)) = pattern.split_once('*') else { return pattern.trim_end_matches('/') == value };
    let deep = after.starts_with('*');
    let inside = value.strip_prefix(before).and_then(|rest| rest.strip_suffix(after.trim_start_matches('*')));
    inside.is_some_and(|inside| {
        !inside.is_empty()
            && !paths::has_parent(inside)
            && inside.chars().all(|c| is_plain_in_a_path(c) && (deep || c != '/'))
    })
}

/// Whether a value is one file or directory of a home where programs are installed or set up: to write there is held.
fn is_kept_for_programs(value: &str, home: Option<&str>) -> bool {
    let hidden = home.and_then(|home| value.strip_prefix(home)?.strip_prefix("/."));
    hidden.is_some_and(|rest| rest.chars().all(is_plain_in_a_path) && !paths::has_parent(value)) && {
        let kinds = places::kinds(value.trim_end_matches('/'), home);
        kinds.later && !kinds.credential
    }
}

fn is_plain_in_a_path(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '_' | '-' | '+' | '@')
}

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
    let places = [
        "/usr/",
        "/bin/",
        "/sbin/",
        "/lib/",
        "/lib64/",
        "/etc/",
        "/opt/",
        "/nix/store/",
        "/nix/var/nix/profiles/",
        "/run/current-system/",
        "/snap/",
        "/var/lib/snapd/desktop",
        "/var/lib/flatpak/exports/",
    ];
    path.chars().all(is_plain_in_a_path)
        && !paths::has_parent(path)
        && places.iter().any(|place| path.starts_with(place))
}

/// The directory that a tool's own variable names in the usual case: `CARGO_HOME` is `~/.cargo`.
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
            FactQuery::Names(_) => Fact::Unknown,
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
            ("NODE_OPTIONS", "--require ./x"),
            ("NODE_PATH", "/tmp"),
            ("PERL5OPT", "-Mx"),
            ("PERL5LIB", "."),
            ("RUBYOPT", "-rx"),
            ("GREP_OPTIONS", "-f x"),
            ("RIPGREP_CONFIG_PATH", "./rc"),
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
            ("CURL_HOME", "."),
            ("IFS", "x"),
            ("SHELL", "/tmp/sh"),
            ("CC", "./x"),
            ("TERMINFO", "./t"),
            ("POSIXLY_CORRECT", "x"),
            ("CDPATH", ".."),
            ("PROMPT_COMMAND", "x"),
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
