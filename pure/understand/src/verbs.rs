//! Programs with subcommands: one that has an entry of its own is read by it; any other, of a program whose reach is
//! known, by what its words say it does.

use model::{Action, Arg, Category, Fact, FactQuery, FileKind, Operation, Resource, Reversibility, Segment, Unknown};

use crate::command::Input;
use crate::knowledge::{self, Known, Role};
use crate::lower::Lowering;
use crate::paths;
use crate::program::Parsed;
use crate::verb::{Verb, grants, said, verb_of};
use crate::words_of::SECRET;

/// How far up the settings of a project are looked for.
const MAX_UP: usize = 8;

impl Lowering<'_> {
    /// `yarn` runs the release that the project keeps, where its settings name one, whatever it is asked.
    fn release_of_project(&mut self, program: &str, segment: &mut Segment) {
        let (true, Some(cwd)) = (matches!(program, "yarn" | "yarnpkg"), self.cwd.clone()) else { return };
        let mut at = cwd.as_str();
        for _ in 0..MAX_UP {
            for (file, key) in [(".yarnrc.yml", "yarnPath"), (".yarnrc", "yarn-path")] {
                let place = format!("{at}/{file}");
                let fact = self.fact(FactQuery::File(place.clone()));
                if matches!(&fact, Fact::File(FileKind::Text(text, _)) if text.contains(key)) {
                    segment
                        .unknowns
                        .push(Unknown { text: place, why: "it names the file that runs as yarn".to_owned() });
                    return;
                }
            }
            match at.rsplit_once('/') {
                Some(("", _)) | None => return,
                Some((parent, _)) if self.project.as_deref() != Some(at) => at = parent,
                Some(_) => return,
            }
        }
    }

    pub(crate) fn subcommand(&mut self, entry: Known, parsed: Parsed, segment: &mut Segment, input: &Input) {
        let program = entry.name;
        let words: Vec<&Arg> = parsed
            .operands
            .iter()
            .take(1)
            .chain(parsed.wrapped.iter().filter(|it| !it.text().starts_with('-')))
            .collect();
        let Some(word) = words.first().and_then(|word| word.known()) else {
            match words.first() {
                Some(word) => segment.unknowns.push(Unknown {
                    text: word.text().to_owned(),
                    why: "which subcommand runs is not known before it runs".to_owned(),
                }),
                None if only_tells(program, &parsed.options) => self.release_of_project(program, segment),
                // Without a subcommand such programs print their usage or open a session.
                None if entry.verbs.is_some() => segment.operations.push(operation(
                    Action::Run,
                    Resource::Program(program.to_owned()),
                    Category::RemoteCode,
                    Reversibility::Partial,
                )),
                None => segment
                    .unknowns
                    .push(Unknown { text: program.to_owned(), why: "no subcommand that we know".to_owned() }),
            }
            return;
        };
        let rest = &parsed.wrapped;
        // Flags may stand before the second word (`git remote -v update`).
        let one = knowledge::find(&format!("{program} {word}"));
        let flags = rest.iter().take_while(|arg| one.is_some_and(|one| one.is_flag(arg.text()))).count();
        let second = rest.get(flags).and_then(Arg::known);
        let two = second.and_then(|next| knowledge::find(&format!("{program} {word} {next}")));
        let without_second: Vec<Arg>;
        if program == "git" {
            self.git_itself(&parsed, segment);
        }
        let found = match two {
            Some(entry) if flags > 0 => {
                let others = rest.iter().enumerate().filter(|(at, _)| *at != flags);
                without_second = others.map(|(_, arg)| arg.clone()).collect();
                Some((entry, without_second.as_slice()))
            }
            Some(entry) => Some((entry, rest.get(1..).unwrap_or_default())),
            None => one.map(|entry| (entry, rest.as_slice())),
        };
        match (found, entry.verbs) {
            (Some((inner, args)), _) => {
                if parsed.loosely {
                    let why = "an option before the subcommand is not known to us".to_owned();
                    segment.unknowns.push(Unknown { text: program.to_owned(), why });
                }
                let entry = inner;
                if program == "git" {
                    let entry = self.git_entry(entry, args);
                    let args = self.git_words(inner, args, segment);
                    self.by_entry(entry, &args, segment, input);
                    return;
                }
                if let Some(secret) = args.iter().find(|it| names_secret(it.text())) {
                    segment.operations.push(operation(
                        Action::Read,
                        Resource::Unknown(secret.text().to_owned()),
                        Category::CredentialAccess,
                        Reversibility::Reversible,
                    ));
                }
                self.shown(entry, args, segment);
                self.by_entry(entry, args, segment, input);
            }
            (None, Some(role)) => self.by_words(entry, role, &words, (rest, parsed.loosely), segment),
            (None, None) => {
                let (_, category, _) = entry.always.first().copied().unwrap_or(Role::Opaque).effect();
                let what = format!("{program} {word}");
                segment.operations.push(operation(
                    Action::Run,
                    Resource::Program(what.clone()),
                    category,
                    Reversibility::Irreversible,
                ));
                segment
                    .unknowns
                    .push(Unknown { text: what, why: "what this subcommand does is not known to us".to_owned() });
            }
        }
    }

    /// A subcommand without an entry: its words say what kind of act it is on what the program is for. Whatever they
    /// say, it talks to that, so no such command is a mere read of this machine.
    fn by_words(
        &mut self,
        entry: Known,
        role: Role,
        words: &[&Arg],
        (rest, loosely): (&[Arg], bool),
        segment: &mut Segment,
    ) {
        let (action, category, reversibility) = role.effect();
        let said = said(words, rest);
        let what =
            std::iter::once(entry.name).chain(said.iter().take(3).map(|it| it.text)).collect::<Vec<_>>().join(" ");
        let near: Vec<&str> = said.iter().take(4).map(|it| it.text).collect();
        let verb = verb_of(entry.name, role, &said, loosely, rest);
        let network = matches!(role, Role::Cloud | Role::Container | Role::Send | Role::Url);
        let act = match verb {
            Verb::Show if network => operation(
                Action::Connect,
                Resource::Unknown(what.clone()),
                Category::NetworkEgress,
                Reversibility::Reversible,
            ),
            Verb::Show => operation(
                Action::Inspect,
                Resource::Unknown(what.clone()),
                Category::ReadOnly,
                Reversibility::Reversible,
            ),
            Verb::Change => operation(action, Resource::Unknown(what.clone()), category, reversibility),
            Verb::Remove => {
                operation(Action::Delete, Resource::Unknown(what.clone()), category, Reversibility::Irreversible)
            }
            Verb::Run => operation(
                Action::Run,
                Resource::Program(what.clone()),
                Category::RemoteCode,
                Reversibility::Irreversible,
            ),
        };
        crate::program::act(entry.always, &mut segment.operations);
        segment.operations.push(act);
        if verb == Verb::Show && !network {
            // A local read by its words alone: an option could still write, so it is not taken for a mere read.
            segment.operations.push(operation(
                Action::Write,
                Resource::Unknown(format!("what `{}` keeps", entry.name)),
                category,
                Reversibility::Reversible,
            ));
        }
        if role == Role::Install && verb == Verb::Change {
            let scripts = Resource::Program(format!("what the packages of `{}` bring to run", entry.name));
            segment.operations.push(operation(
                Action::Run,
                scripts,
                Category::PackageInstall,
                Reversibility::Irreversible,
            ));
        }
        if verb != Verb::Show && grants(&near) {
            segment.operations.push(operation(
                Action::Permit,
                Resource::Unknown(format!("who may do what: {what}")),
                Category::Privilege,
                Reversibility::Irreversible,
            ));
        }
        // What shows a text at length, or has one changed, starts a pager or an editor on a terminal.
        for (words, program) in [(&["help", "changelog"][..], "a pager"), (&["edit"][..], "an editor")] {
            if near.iter().any(|word| words.contains(word)) {
                let program = Resource::Program(program.to_owned());
                segment.operations.push(operation(Action::Run, program, Category::RemoteCode, Reversibility::Partial));
            }
        }
        if verb == Verb::Run {
            segment
                .unknowns
                .push(Unknown { text: what.clone(), why: "runs code that is not part of the command".to_owned() });
        }
        let tokens = near.iter().flat_map(|word| word.split(['-', ':', '_', '.'])).chain(near.iter().copied());
        if tokens.clone().any(|token| SECRET.contains(&token)) || rest.iter().any(|it| names_secret(it.text())) {
            segment.operations.push(operation(
                Action::Read,
                Resource::Unknown(what),
                Category::CredentialAccess,
                Reversibility::Reversible,
            ));
        }
        // `npm run env` prints the environment.
        if matches!(near.as_slice(), ["run" | "run-script", "env" | "printenv", ..]) {
            segment.operations.push(operation(
                Action::Read,
                Resource::Unknown("the environment".to_owned()),
                Category::CredentialAccess,
                Reversibility::Reversible,
            ));
        }
        // Modules of Go are named by the host that they come from.
        if entry.name == "go" {
            for module in near.iter().skip(1).filter(|word| names_a_host(word)) {
                let address = Arg::Known(format!("https://{module}"));
                for role in [Role::Url, Role::Send] {
                    self.effect(&address, role, false, &mut segment.operations, &mut segment.unknowns);
                }
            }
        }
        for word in rest.iter().chain(words.iter().copied()) {
            self.word_of_subcommand(word, segment);
        }
    }

    /// A word of such a command may name a file or an address: local files are then read and perhaps written.
    fn word_of_subcommand(&mut self, word: &Arg, segment: &mut Segment) {
        let text = word.text();
        let value = text.split_once('=').filter(|_| text.starts_with('-')).map_or(text, |(_, value)| value);
        let option = text.strip_prefix("--").map(|rest| rest.split('=').next().unwrap_or(rest));
        let first = value.rsplit('=').next().unwrap_or(value).split_whitespace().next().unwrap_or("");
        if option.is_some_and(crate::suspect::sounds_like_running)
            || (first.starts_with('/') && crate::paths::is_system_program(first))
        {
            crate::command::run_unknown(segment, text, "may name a command that the program runs");
            return;
        }
        let value = value.strip_prefix("file://").or_else(|| value.strip_prefix("fileb://")).unwrap_or(value);
        // A dotfile by its name alone may be what is sent, or where something is put: which one the words do not say.
        if value.starts_with('.') && !value.contains('/') && value.len() > 2 {
            let place = paths::join(value, self.cwd.as_deref());
            let found = crate::places::kinds(&place, self.home.as_deref());
            let category = found.category(false).or(found.category(true)).unwrap_or(Category::FsWrite);
            for action in [Action::Read, Action::Write] {
                segment.operations.push(operation(
                    action,
                    Resource::Unknown(value.to_owned()),
                    category,
                    Reversibility::Effort,
                ));
            }
            return;
        }
        if matches!(word, Arg::Unknown(_)) {
            segment
                .unknowns
                .push(Unknown { text: text.to_owned(), why: "a word is not known before it runs".to_owned() });
        } else if value.contains("://") {
            self.effect(
                &Arg::Known(value.to_owned()),
                Role::Url,
                false,
                &mut segment.operations,
                &mut segment.unknowns,
            );
        } else if !value.starts_with('-')
            && (value.starts_with(['/', '~'])
                || value.starts_with("./")
                || value.starts_with("../")
                || has_extension(value))
        {
            let value = Arg::Known(value.to_owned());
            for role in [Role::Read, Role::Write] {
                self.effect(&value, role, false, &mut segment.operations, &mut segment.unknowns);
            }
        }
    }
}

/// Whether the only word asks for a version or for help. For many programs `-v` is *verbose*, and they do all their work.
fn only_tells(program: &str, options: &[String]) -> bool {
    /// Programs whose letters `-v`, `-V` and `-h` ask for the version or for help, alone.
    const LETTERS: &[&str] = &[
        "git",
        "npm",
        "pnpm",
        "yarn",
        "bun",
        "deno",
        "go",
        "gh",
        "glab",
        "docker",
        "podman",
        "kubectl",
        "helm",
        "cargo",
        "rustup",
        "terraform",
        "tofu",
        "aws",
        "az",
        "gcloud",
        "pip",
        "pip3",
        "poetry",
        "uv",
        "pdm",
        "pipenv",
        "hatch",
        "conda",
        "composer",
        "gem",
        "bundle",
        "dotnet",
        "mvn",
        "gradle",
        "brew",
        "heroku",
        "flyctl",
        "vercel",
        "netlify",
        "hg",
        "svn",
        "apt",
        "apt-get",
        "dnf",
        "yum",
        "apk",
        "snap",
        "flatpak",
        "ng",
        "vue",
        "nest",
        "expo",
        "jq",
        "tox",
    ];
    match options {
        [only] => match only.as_str() {
            "--version" | "--help" => true,
            "-v" | "-V" | "-h" => LETTERS.contains(&program),
            _ => false,
        },
        _ => false,
    }
}

fn operation(action: Action, resource: Resource, category: Category, reversibility: Reversibility) -> Operation {
    Operation { action, resource, category, reversibility, recursive: false }
}

/// `host.domain/…`, as a module's path begins.
fn names_a_host(word: &str) -> bool {
    word.split_once('/').is_some_and(|(host, _)| {
        !host.starts_with('.') && host.rsplit_once('.').is_some_and(|(name, top)| !name.is_empty() && top.len() >= 2)
    })
}

fn names_secret(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    ["secret", "password", "credential", "private-key", "access-token"].iter().any(|word| lower.contains(word))
}

/// `name.ext`, with an extension of up to five letters.
pub(crate) fn has_extension(text: &str) -> bool {
    text.rsplit_once('.').is_some_and(|(stem, ending)| {
        !stem.is_empty()
            && (1..=5).contains(&ending.len())
            && ending.bytes().all(|byte| byte.is_ascii_alphanumeric())
            && ending.bytes().any(|byte| byte.is_ascii_alphabetic())
    })
}
