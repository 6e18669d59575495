//! Whether what a command reads is known to go out to the network, and whether what came from the network is known to
//! run. A command may read a key to sign in with, or work with it here, and talk to the network all the same: block rules
//! rest on what is known to flow, and what only could flow is a doubt that people are shown.

use model::{Action, Arg, Category, Operation, Resource, Segment};

use crate::knowledge::{self, Role};
use crate::senders::{COPIERS, COPY_WORDS, GIVING, KEEPING, SENDING, SERVERS, STREAMS, TAKES_CODE, UPLOAD_WORDS};
use crate::{paths, places};

/// What is known of a secret that a command reads, and the network that it talks to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leak {
    /// The command signs in with it, works with it here, or does not send at all.
    No,
    /// It is not known where the content goes.
    Perhaps,
    /// The content goes out.
    Known,
}

/// The name of a segment's program, without its directory.
fn name_of(segment: &Segment) -> &str {
    let head = segment.argv.first().and_then(Arg::known).unwrap_or("");
    head.rsplit('/').next().unwrap_or(head)
}

/// Whether an operation reads a secret.
fn reads_secret(operation: &Operation) -> bool {
    let is_known = match &operation.resource {
        // A directory that has secrets somewhere below is read for many reasons.
        Resource::Path(path) | Resource::Pattern(path) => {
            places::kinds(path, None).category(false).is_some() || !places::holds_credentials(path, None)
        }
        Resource::Host(_)
        | Resource::Program(_)
        | Resource::Package(_)
        | Resource::Service(_)
        | Resource::Tool(_)
        | Resource::Database(_)
        | Resource::System
        | Resource::Unknown(_) => true,
    };
    operation.category == Category::CredentialAccess && operation.action == Action::Read && is_known
}

fn connects(segment: &Segment) -> bool {
    crate::effect::connects(&segment.operations)
}

fn sends(segment: &Segment) -> bool {
    segment.operations.iter().any(|operation| operation.action == Action::Send)
}

/// Whether the shell itself writes what the command prints to the network.
fn writes_to_socket(segment: &Segment) -> bool {
    let socket = |path: &str| path.starts_with("/dev/tcp/") || path.starts_with("/dev/udp/");
    segment.operations.iter().any(|operation| match &operation.resource {
        Resource::Path(path) => operation.action == Action::Write && socket(path),
        Resource::Pattern(_)
        | Resource::Host(_)
        | Resource::Program(_)
        | Resource::Package(_)
        | Resource::Service(_)
        | Resource::Tool(_)
        | Resource::Database(_)
        | Resource::System
        | Resource::Unknown(_) => false,
    })
}

/// Whether the program keeps secrets: it reads them always, changes who may use them, and what it does with them is its own.
fn keeps_secrets(name: &str) -> bool {
    let keeps = |always: &[Role]| always.contains(&Role::Secret) && always.contains(&Role::Permit);
    knowledge::find(name).is_some_and(|entry| keeps(entry.always))
}

/// Whether a word of a subcommand says that it copies files away.
fn copies_away(segment: &Segment) -> bool {
    let words = segment.argv.iter().skip(1).filter_map(Arg::known).filter(|word| !word.starts_with('-'));
    let by_words = knowledge::find(name_of(segment)).is_some_and(|entry| entry.subcommands);
    by_words && words.take(3).any(|word| COPY_WORDS.contains(&word))
}

/// Whether the words of a program are addresses and texts that it sends.
fn is_network_client(segment: &Segment) -> bool {
    let name = name_of(segment);
    if keeps_secrets(name) {
        return false;
    }
    knowledge::find(name).is_some_and(|entry| {
        let lists = [Some(entry.operands), entry.first, entry.last, Some(entry.always)];
        !entry.subcommands
            && (entry.wraps.is_none() || entry.joins)
            && lists.into_iter().flatten().flatten().any(|role| matches!(role, Role::Host | Role::Send))
            || !entry.subcommands && entry.operands.contains(&Role::Url)
    })
}

/// What an option's name says about its value.
fn option_keeps(option: &str) -> Option<bool> {
    let mut words = option.trim_start_matches('-').split(['-', '_', '.']).filter(|word| !word.is_empty());
    let lower = option.to_ascii_lowercase();
    if words.clone().any(|word| SENDING.contains(&word.to_ascii_lowercase().as_str())) {
        return Some(false);
    }
    let keeps = words.any(|word| KEEPING.contains(&word.to_ascii_lowercase().as_str()))
        || ["keyfile", "certfile", "kubeconfig", "pinnedpubkey"].iter().any(|it| lower.contains(it));
    keeps.then_some(true)
}

/// What an option of one letter says about its value, by program.
fn letter_keeps(name: &str, letter: &str) -> Option<bool> {
    let keeps = match name {
        "curl" | "curlie" => ["-E", "-u", "-K", "-b", "-U"].contains(&letter),
        "ssh" | "scp" | "sftp" | "sshfs" | "autossh" | "slogin" | "pscp" | "mosh" | "ssh-copy-id" => {
            ["-i", "-F", "-o", "-c"].contains(&letter)
        }
        "rsync" => letter == "-e",
        "http" | "https" | "xh" | "httpie" => letter == "-a",
        _ => return None,
    };
    let sending = matches!(name, "curl" | "curlie") && ["-d", "-F", "-T"].contains(&letter);
    if keeps { Some(true) } else { sending.then_some(false) }
}

/// What the name of a file says where the letter of its option says nothing: a server or a client is given keys so. Programs
/// that attach or copy files are given what they send.
fn keeps_by_file(name: &str, file: &str) -> Option<bool> {
    const ATTACH: &[&str] = &["mail", "mailx", "s-nail", "mutt", "neomutt", "swaks", "sendmail", "wget"];
    let key = [".pem", ".key", ".crt", ".cer", ".p12", ".pfx", ".jks"].iter().any(|ending| file.ends_with(ending));
    (key && !ATTACH.contains(&name) && !COPIERS.contains(&name)).then_some(true)
}

/// A header, a form field or an address that a program signs in with.
fn says_sign_in(text: &str) -> bool {
    let text = text.trim_start_matches(['"', '\'', '@']).to_ascii_lowercase();
    let (name, _) = text.split_once([':', '=']).unwrap_or((text.as_str(), ""));
    let whole =
        name.len() < text.len() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    whole
        && name.split(['-', '_']).any(|word| {
            matches!(word, "authorization" | "token" | "key" | "apikey" | "password" | "secret" | "auth" | "cookie")
        })
}

/// Whether a word is one that the program signs in with or keeps: by its own name, or by the option before it.
fn is_kept(name: &str, argv: &[Arg], at: usize) -> bool {
    let text = argv.get(at).map_or("", Arg::text);
    let bare = text.trim_start_matches(['"', '\'']);
    if let Some((option, value)) = bare.split_once('=').filter(|_| bare.starts_with('-')) {
        return match option_keeps(option) {
            Some(keeps) => keeps && !value.starts_with('@'),
            None => says_sign_in(value),
        };
    }
    let glued = bare.get(..2).filter(|_| bare.len() > 2 && bare.starts_with('-') && !bare.starts_with("--"));
    if let Some(keeps) = glued.and_then(|letter| letter_keeps(name, letter)) {
        return keeps;
    }
    let before = at.checked_sub(1).and_then(|before| argv.get(before)).and_then(Arg::known);
    let option = before.filter(|before| before.starts_with('-') && !before.contains('=') && before.len() > 1);
    let by_option = option.and_then(|option| match option.len() {
        2 => letter_keeps(name, option).or_else(|| keeps_by_file(name, bare)),
        _ => option_keeps(option),
    });
    match by_option {
        Some(keeps) => keeps,
        None => !bare.starts_with('@') && says_sign_in(bare),
    }
}

/// Whether the secret is the content of a file of keys: a whole one is no field or header to sign in with.
fn is_key_file(secret: &Operation) -> bool {
    matches!(secret.resource, Resource::Path(_) | Resource::Pattern(_))
}

/// Whether a word holds a substitution: what another command prints, or a pipe from it.
fn holds_substitution(word: &Arg) -> bool {
    match word {
        Arg::Unknown(text) | Arg::Pattern(text) => text.contains("$(") || text.contains('`') || text.contains("<("),
        Arg::Known(text) => text.ends_with(paths::PIPE),
    }
}

/// Whether a program sends what comes in on its standard input.
pub(crate) fn sends_input(segment: &Segment) -> bool {
    let name = name_of(segment);
    let words = || segment.argv.iter().enumerate().skip(1);
    if STREAMS.contains(&name) {
        return true;
    }
    if name == "openssl" {
        return words().any(|(_, word)| word.known() == Some("s_client"));
    }
    let stands = |text: &str| {
        ["-", "/dev/stdin", "/dev/fd/0"].iter().any(|it| {
            text.strip_suffix(it).is_some_and(|head| {
                matches!(head, "" | "@")
                    || head.ends_with('=')
                    || head.ends_with("=@")
                    || head.ends_with("=<")
                    || head == "-T"
            })
        }) || matches!(text, "-d@-" | "rcat" | "pipe")
    };
    (sends(segment) || copies_away(segment))
        && words().any(|(at, word)| word.known().is_some_and(stands) && !is_kept(name, &segment.argv, at))
}

/// The secret whose content the segments before hand on, if they do.
pub(crate) fn handed_on(segments: &[Segment]) -> Option<&Operation> {
    segments.iter().find_map(|segment| {
        let name = name_of(segment);
        let keeper = keeps_secrets(name);
        let gives = |word: &Arg| word.known().is_some_and(|word| GIVING.contains(&word));
        if keeper && !segment.argv.iter().skip(1).any(gives) {
            return None;
        }
        segment.operations.iter().filter(|operation| reads_secret(operation)).find(|operation| {
            let signs_in = |at: usize| connects(segment) && is_kept(name, &segment.argv, at);
            !word_of(segment, operation, None).is_some_and(signs_in)
        })
    })
}

/// Where paths lead from a command: from its directory, and by what the text linked or copied.
pub(crate) struct Ways<'a> {
    pub(crate) cwd: Option<&'a str>,
    pub(crate) linked: &'a dyn Fn(&str) -> Vec<String>,
}

/// The word that names the file of an operation.
fn word_of(segment: &Segment, operation: &Operation, ways: Option<&Ways<'_>>) -> Option<usize> {
    let path = match &operation.resource {
        // A word of a subcommand that names a dotfile, which may be read or written.
        Resource::Path(path) | Resource::Pattern(path) | Resource::Unknown(path) => path,
        Resource::Host(_)
        | Resource::Program(_)
        | Resource::Package(_)
        | Resource::Service(_)
        | Resource::Tool(_)
        | Resource::Database(_)
        | Resource::System => return None,
    };
    let cwd = ways.and_then(|ways| ways.cwd);
    let names = |text: &str| {
        let plain = paths::plain(text, cwd);
        let loosely = ways.is_none() && path.ends_with(plain.trim_start_matches("./"));
        let linked = || ways.is_some_and(|ways| (ways.linked)(&plain).contains(path));
        !text.is_empty() && (text == path || plain == *path || loosely || linked())
    };
    let holds = |text: &str| {
        let value = text.split_once('=').map_or("", |(_, value)| value);
        let glued = text.get(2..).filter(|_| text.starts_with('-')).unwrap_or("");
        [text, value, glued].iter().any(|part| {
            let part = part.trim_start_matches(['@', '<']).split(';').next().unwrap_or("");
            let file = ["file://", "fileb://"].iter().find_map(|scheme| part.strip_prefix(scheme));
            names(part) || names(file.unwrap_or(""))
        }) || text.split_once('@').is_some_and(|(_, file)| names(file))
            || names(text)
    };
    segment.argv.iter().enumerate().skip(1).find(|(_, word)| holds(word.text())).map(|(at, _)| at)
}

/// Whether a word names a place on another machine, as programs that copy write it.
fn is_remote(text: &str) -> bool {
    let head = text.split('/').next().unwrap_or(text);
    head.contains(':') || text.contains("://")
}

/// What becomes of the file that an operation reads.
fn of_file(segment: &Segment, operation: &Operation, fed: bool, ways: &Ways<'_>) -> Leak {
    let name = name_of(segment);
    let Some(at) = word_of(segment, operation, Some(ways)) else {
        // A redirection: it comes in on standard input.
        return match (fed, sends_input(segment)) {
            (true, true) => Leak::Known,
            (true, false) | (false, _) if keeps_secrets(name) || !sends(segment) => Leak::No,
            (true, false) | (false, _) => Leak::Perhaps,
        };
    };
    let text = segment.argv.get(at).map_or("", Arg::text);
    let content = text.contains('@') && !text.contains("://") || text.contains("=<");
    let last = segment.argv.iter().rposition(|word| !word.text().starts_with('-'));
    if (!content && is_kept(name, &segment.argv, at)) || keeps_secrets(name) || SERVERS.contains(&name) {
        return Leak::No;
    }
    if COPIERS.contains(&name) {
        let away = last.is_some_and(|last| last != at && segment.argv.get(last).is_some_and(|it| is_remote(it.text())));
        return if away && !is_remote(text) { Leak::Known } else { Leak::No };
    }
    if knowledge::find(name).is_some_and(|entry| entry.subcommands) {
        return if sends_source(segment, at) { Leak::Known } else { Leak::Perhaps };
    }
    if sends(segment) { Leak::Known } else { Leak::Perhaps }
}

/// Whether a word of a program with subcommands is a source here that its words send elsewhere: what is uploaded, or what
/// is copied to a place on another machine.
fn sends_source(segment: &Segment, at: usize) -> bool {
    let text_at = |at: usize| segment.argv.get(at).map_or("", Arg::text);
    let text = text_at(at);
    let value = text.split_once('=').filter(|_| text.starts_with('-')).map_or(text, |(_, value)| value);
    let local = ["file://", "fileb://"].iter().any(|scheme| value.starts_with(scheme));
    if !copies_away(segment) || is_containers_copy(segment) || (is_remote(value) && !local) {
        return false;
    }
    let words = || segment.argv.iter().enumerate().skip(1);
    let uploads = words().any(|(_, word)| word.known().is_some_and(|word| UPLOAD_WORDS.contains(&word)));
    let before = at.checked_sub(1).map_or("", text_at);
    let asks = before.starts_with("--") && option_keeps(before) == Some(false);
    let elsewhere = |(other, word): (usize, &Arg)| {
        let word = word.text();
        let target = word.split_once('=').filter(|_| word.starts_with('-')).map_or(word, |(_, value)| value);
        other > at && is_remote(target) && !target.starts_with("file")
    };
    uploads || asks || words().any(elsewhere)
}

/// Whether the command copies between this machine and a container on it.
fn is_containers_copy(segment: &Segment) -> bool {
    matches!(name_of(segment), "docker" | "podman" | "nerdctl" | "lxc" | "incus" | "buildah")
        && segment.argv.iter().skip(1).take(3).any(|word| matches!(word.text(), "cp" | "copy"))
}

/// What is known of the secrets that a command and the substitutions in its words read: the worst, and of which.
pub(crate) fn of(segment: &Segment, substituted: &[Segment], fed: bool, ways: &Ways<'_>) -> (Leak, String) {
    let mut worst = (Leak::No, String::new());
    let socket = writes_to_socket(segment);
    if !connects(segment) && !socket {
        return worst;
    }
    let mut add = |leak: Leak, secret: &Operation| {
        if matches!((worst.0, leak), (Leak::No, Leak::Perhaps | Leak::Known) | (Leak::Perhaps, Leak::Known)) {
            worst = (leak, secret.resource.text().to_owned());
        }
    };
    let name = name_of(segment);
    for operation in segment.operations.iter().filter(|operation| reads_secret(operation)) {
        match &operation.resource {
            Resource::Path(_) | Resource::Pattern(_) if socket => add(Leak::Known, operation),
            Resource::Path(_) | Resource::Pattern(_) => add(of_file(segment, operation, fed, ways), operation),
            Resource::Unknown(text) if text == "the environment" => {
                let sent = segment.argv.iter().enumerate().skip(1).any(|(at, word)| {
                    matches!(word, Arg::Unknown(text) if text.contains('$') && !field_signs_in(text))
                        && !is_kept(name, &segment.argv, at)
                });
                add(
                    if sent && (sends(segment) || is_network_client(segment)) { Leak::Known } else { Leak::Perhaps },
                    operation,
                );
            }
            Resource::Unknown(_) if word_of(segment, operation, Some(ways)).is_some() => {
                add(of_file(segment, operation, fed, ways), operation);
            }
            // What a service itself hands out under a secret's name comes in.
            Resource::Unknown(_)
            | Resource::Host(_)
            | Resource::Program(_)
            | Resource::Package(_)
            | Resource::Service(_)
            | Resource::Tool(_)
            | Resource::Database(_)
            | Resource::System => {}
        }
    }
    if let Some(secret) = handed_on(substituted) {
        let leak = of_substitution(segment, fed, socket);
        let mut fields = fields(segment);
        add(
            match leak {
                // What a header or a field is said to be is not what it is.
                Leak::No if is_key_file(secret) && fields.any(|signs_in| signs_in) => Leak::Perhaps,
                // A password in the field for it signs in, as far as we can see.
                Leak::Known if !is_key_file(secret) && !socket && !fed && fields.all(|signs_in| signs_in) => {
                    Leak::Perhaps
                }
                Leak::No | Leak::Perhaps | Leak::Known => leak,
            },
            secret,
        );
    }
    worst
}

/// What becomes of a secret that a substitution in a command reads.
fn of_substitution(segment: &Segment, fed: bool, socket: bool) -> Leak {
    let name = name_of(segment);
    let mut words = segment.argv.iter().enumerate().skip(1).filter(|(_, word)| holds_substitution(word)).peekable();
    if socket || (words.peek().is_none() && fed && sends_input(segment)) {
        return Leak::Known;
    }
    if words.peek().is_none() {
        return Leak::No;
    }
    match words.any(|(at, _)| !is_kept(name, &segment.argv, at)) {
        true if is_network_client(segment) || copies_away(segment) => Leak::Known,
        true if keeps_secrets(name) => Leak::No,
        true => Leak::Perhaps,
        false => Leak::No,
    }
}

/// For each word with a substitution: whether it is a header or a field that by its name signs in.
fn fields(segment: &Segment) -> impl Iterator<Item = bool> {
    segment.argv.iter().filter(|word| holds_substitution(word)).map(|word| field_signs_in(word.text()))
}

/// Whether a word, or what is glued to its option, is a header or a field that by its name signs in.
fn field_signs_in(word: &str) -> bool {
    let text = word.trim_start_matches(['"', '\'']);
    let value = text.split_once('=').filter(|_| text.starts_with('-')).map_or(text, |(_, value)| value);
    let glued = text.get(2..).filter(|_| text.starts_with('-') && !text.starts_with("--")).unwrap_or("");
    [text, value, glued].iter().any(|part| says_sign_in(part))
}

/// What is known of a secret that the commands before in a pipeline hand on to one of a stage's commands.
pub(crate) fn of_pipe(segment: &Segment, stage: &[Segment]) -> Leak {
    let name = name_of(segment);
    if writes_to_socket(segment) {
        return Leak::Known;
    }
    if !connects(segment) {
        return Leak::No;
    }
    let takes =
        |it: &Segment| matches!(name_of(it), "xargs" | "parallel" | "read" | "mapfile" | "readarray" | "gxargs");
    let open = segment.argv.iter().enumerate().skip(1).any(|(at, word)| {
        let unknown = matches!(word, Arg::Unknown(_)) || holds_substitution(word);
        unknown && !is_kept(name, &segment.argv, at)
    });
    if sends_input(segment)
        || (open
            && is_network_client(segment)
            && (stage.iter().any(takes) || segment.argv.iter().any(holds_substitution)))
    {
        Leak::Known
    } else if sends(segment) || open {
        Leak::Perhaps
    } else {
        Leak::No
    }
}

/// Whether the words of a command hold code that a substitution brings, so that it is known to run.
pub(crate) fn runs_substitution(segment: &Segment, fed: bool) -> bool {
    runs_word(segment, fed, &holds_substitution)
}

/// Whether a command runs a word of this kind as code.
pub(crate) fn runs_word(segment: &Segment, fed: bool, holds: &dyn Fn(&Arg) -> bool) -> bool {
    let Some(head) = segment.argv.first() else { return false };
    if head.known().is_none() {
        return holds(head);
    }
    let name = name_of(segment);
    let shell = crate::command::is_shell(name);
    if !shell && !TAKES_CODE.contains(&name) && crate::code::language_of(name).is_none() {
        return code_option(segment);
    }
    let mut words = segment.argv.iter().enumerate().skip(1);
    let operand = words.clone().find(|(_, word)| word.text() == "-" || !word.text().starts_with(['-', '+']));
    let Some((at, _)) = words.find(|(_, word)| holds(word)) else {
        let input = ["-", "/dev/stdin", "/dev/fd/0"];
        let named = |word: &Arg| input.contains(&word.text()) || word.text() == "-s";
        return fed && (operand.is_none() || segment.argv.iter().any(named));
    };
    TAKES_CODE.contains(&name) || operand.is_some_and(|(first, _)| first == at) || code_option(segment)
}

/// Whether a substitution is the value of an option that takes code.
fn code_option(segment: &Segment) -> bool {
    segment.argv.iter().zip(segment.argv.iter().skip(1)).any(|(before, word)| {
        let takes = before.known().is_some_and(|option| {
            matches!(option, "--command" | "--eval" | "--exec" | "--execute" | "-exec" | "--run")
                || (option.starts_with('-')
                    && !option.starts_with("--")
                    && option.len() <= 5
                    && option.ends_with(['c', 'e', 'r', 'E']))
        });
        takes && holds_substitution(word)
    })
}
