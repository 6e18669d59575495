//! Variables that change what a program does or which program runs, and those that hold secrets.

use model::{Action, Arg, Category, Operation, Resource, Reversibility, Segment};

use crate::command::mark_leak;
use crate::leak::{self, Leak};
use crate::lower::Lowering;
use crate::{inherited, read_names};

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

    /// Whether a command that was read since then hands on a secret.
    pub(crate) fn secret_since(&self, began: usize) -> bool {
        leak::handed_on(self.intent.segments.get(began..).unwrap_or_default()).is_some()
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
    pub(crate) fn given_secrets(&mut self, program: &str, names: Vec<String>, segment: &mut Segment) {
        // `$_` is the last word of the command before.
        if !names.is_empty() {
            self.state.secrets.insert("_".to_owned());
        }
        // Tests look at a value, and what sets a variable hands it on to that.
        let looks = !self.state.traces
            && (matches!(program, "test" | "[") && !compares_numbers(segment)
                || matches!(
                    program,
                    ":" | "true" | "export" | "declare" | "local" | "readonly" | "typeset" | "read" | "unset"
                ));
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

/// Whether a test compares numbers: what is none, the shell prints in its message.
fn compares_numbers(segment: &Segment) -> bool {
    let numeric = |arg: &Arg| matches!(arg.text(), "-eq" | "-ne" | "-lt" | "-le" | "-gt" | "-ge" | "-t");
    let hidden = match segment.argv.as_slice() {
        [_, left, operator, _, ..] => operator.known().is_none() && !left.text().starts_with(['-', '!']),
        _ => false,
    };
    hidden || segment.argv.iter().any(numeric)
}

/// Names that may be set for a command without changing what it does in any way that we judge.
///
/// The list says what is harmless, not what is harmful: programs read a thousand names, and one that is missing from
/// a list of harmful ones would be a way round.
pub(crate) fn is_harmless(name: &str) -> bool {
    only_shows(name) || is_private(name)
}

/// Names that say how something looks, how much of it is shown, or where it runs, to every program that reads them.
pub(crate) fn only_shows(name: &str) -> bool {
    inherited::ONLY_SHOW.contains(&name) || name.starts_with("LC_")
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
    let lower = name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    const TOOLS: &[&str] = &["AR", "AS", "CC", "CO", "CP", "FC", "GO", "LD", "LN", "MV", "NM", "PC", "RM"];
    (lower && !is_read_in_lower_case(name)) || (name.len() <= 2 && !TOOLS.contains(&name))
}

/// Names that programs read though they are, or begin, in lower case.
fn is_read_in_lower_case(name: &str) -> bool {
    const READ: &[&str] = &["npm_", "rvm_", "ac_cv_", "gl_cv_", "lt_cv_", "dpkg_", "bundle_", "java_", "yarn_", "pip_"];
    name.ends_with("_proxy") || name.ends_with("_config") || READ.iter().any(|prefix| name.starts_with(prefix))
}

/// Whether a variable's name says that it holds a secret: by the words in it, not by whole names.
pub(crate) fn names_a_secret(name: &str) -> bool {
    const WORDS: &[&str] = &[
        "TOKEN",
        "TOKENS",
        "SECRET",
        "SECRETS",
        "PASSWORD",
        "PASSWORDS",
        "PASSWD",
        "PASSPHRASE",
        "PASSCODE",
        "CREDENTIAL",
        "CREDENTIALS",
        "CREDS",
        "APIKEY",
        "PWD",
        "PASS",
        "PAT",
        "AUTH",
        "AUTHORIZATION",
        "DSN",
        "COOKIE",
        "COOKIES",
    ];
    const STEMS: &[&str] = &["TOKEN", "SECRET", "PASSWORD", "APIKEY"];
    let upper = name.to_ascii_uppercase();
    let plain = matches!(upper.as_str(), "PWD" | "OLDPWD" | "SSH_AUTH_SOCK" | "XAUTHORITY" | "PASS" | "AUTH" | "PAT");
    let stem = |word: &str| STEMS.iter().any(|it| word.ends_with(it) || word.starts_with(it));
    let named = upper.split('_').any(|word| WORDS.contains(&word) || stem(word));
    // In small letters these words are mostly a text's own: `for cache_key in …`.
    !plain && (named || upper == "PGPASSFILE" || (name == upper && holds_access(name)))
}

/// Whether a name of the environment means something that opens a door: a key, an address with a password in it, a
/// signed statement.
fn holds_access(name: &str) -> bool {
    const WORDS: &[&str] = &[
        "JWT",
        "WEBHOOK",
        "WEBHOOKS",
        "BEARER",
        "OTP",
        "TOTP",
        "MNEMONIC",
        "PSK",
        "PEM",
        "CONNSTR",
        "CONNSTRING",
        "CONNECTIONSTRING",
        "CONNECTIONSTRINGS",
        "OAUTH",
        "OAUTH2",
        "SAS",
        "PASSKEY",
        "PRIVKEY",
    ];
    // A key that says where something is, or that everybody may have.
    const OPEN: &[&str] =
        &["PUBLIC", "PUB", "CACHE", "SORT", "PRIMARY", "FOREIGN", "PARTITION", "GROUP", "HOT", "SHORTCUT", "MAP"];
    const SERVICES: &[&str] = &[
        "DATABASE",
        "DB",
        "SQL",
        "POSTGRES",
        "POSTGRESQL",
        "PG",
        "PSQL",
        "MYSQL",
        "MARIADB",
        "MSSQL",
        "MONGO",
        "MONGODB",
        "REDIS",
        "REDISCLOUD",
        "UPSTASH",
        "AMQP",
        "CLOUDAMQP",
        "RABBITMQ",
        "RABBIT",
        "KAFKA",
        "BROKER",
        "CELERY",
        "NATS",
        "MQTT",
        "SENTRY",
        "ELASTIC",
        "ELASTICSEARCH",
        "OPENSEARCH",
        "CLICKHOUSE",
        "CASSANDRA",
        "COCKROACH",
        "COCKROACHDB",
        "NEON",
        "SUPABASE",
        "TURSO",
        "LIBSQL",
        "PRISMA",
        "JDBC",
        "SQLALCHEMY",
        "SMTP",
        "MAILER",
        "LDAP",
        "NEO4J",
        "INFLUXDB",
        "COUCHDB",
        "MEMCACHED",
        "VALKEY",
        "TIMESCALE",
        "PLANETSCALE",
        "CONNECTION",
        "SLACK",
        "DISCORD",
        "HOOK",
        "CLOUDINARY",
        "DIRECT",
    ];
    // `STRIPE_KEY_2`, `SIGNING_KEY_BASE64`.
    let words: Vec<&str> = name
        .split('_')
        .filter(|word| {
            !word.bytes().all(|byte| byte.is_ascii_digit())
                && !matches!(
                    *word,
                    "BASE64"
                        | "B64"
                        | "VALUE"
                        | "DATA"
                        | "CONTENT"
                        | "CONTENTS"
                        | "JSON"
                        | "RAW"
                        | "PROD"
                        | "DEV"
                        | "TEST"
                        | "STAGING"
                        | "LIVE"
                )
        })
        .collect();
    let key = words.last().is_some_and(|last| {
        (last.ends_with("KEY") || matches!(*last, "KEYS" | "PRIVATE"))
            && !matches!(*last, "MONKEY" | "TURKEY" | "HOTKEY" | "PUBKEY")
            && (words.len() > 1 || last.len() > 4)
    });
    let open = words.iter().any(|word| OPEN.contains(word));
    let address = words
        .last()
        .is_some_and(|last| matches!(*last, "URL" | "URI" | "STRING" | "STR" | "URLS") || last.ends_with("DSN"));
    let service = words
        .iter()
        .any(|word| SERVICES.contains(word) || word.strip_suffix("URL").is_some_and(|stem| SERVICES.contains(&stem)));
    let joined = words.len() == 1 && words.iter().any(|word| word.ends_with("URL")) && service;
    words.iter().any(|word| WORDS.contains(word)) || (key && !open) || (address && service) || joined
}

/// Names that programs read and that a login may have exported already: then setting one reaches programs without a word
/// more.
pub(crate) fn may_be_inherited(name: &str) -> bool {
    let lower = name.chars().all(|c| !c.is_ascii_uppercase());
    !is_harmless(name) && (lower || is_read_in_lower_case(name) || read_names::is_known(name))
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
