//! One simple command: which program it is, what wrapper stands around it, and what it does.

use model::{Action, Arg, Category, Fact, FactQuery, Factor, Operation, Resource, Reversibility, Segment, Unknown};

use crate::knowledge::{self, Program, Role};
use crate::lower::{Dress, Lowering};
use crate::{paths, program};

/// Shells whose language the parser reads.
const SHELLS: &[&str] = &["sh", "bash", "dash", "ash", "rbash"];

/// Programs that read code in a language that is not read here.
const INTERPRETERS: &[&str] = &[
    "python",
    "pypy",
    "perl",
    "ruby",
    "node",
    "nodejs",
    "deno",
    "bun",
    "php",
    "lua",
    "luajit",
    "tclsh",
    "wish",
    "expect",
    "osascript",
    "pwsh",
    "Rscript",
    "R",
    "julia",
    "guile",
    "racket",
    "sbcl",
    "ghci",
    "runghc",
    "groovy",
    "scala",
    "swift",
    "java",
    "jshell",
    "irb",
    "ipython",
    "zsh",
    "ksh",
    "fish",
    "csh",
    "tcsh",
    "elvish",
    "xonsh",
    "nu",
    "vim",
    "vi",
    "nvim",
    "emacs",
    "ed",
    "ex",
    "gdb",
];

/// Marks a segment as running what another command fetched.
pub(crate) fn mark_download(segment: &mut Segment, from: &str) {
    segment.operations.push(Operation {
        action: Action::Run,
        resource: Resource::Unknown(format!("code from {from}")),
        category: Category::RemoteCode,
        reversibility: Reversibility::Irreversible,
        recursive: false,
    });
    segment.factors.push(Factor {
        name: "download_and_run",
        points: 40,
        why: format!("runs code that comes from {from}"),
    });
}

/// Marks a segment as sending what was read from a secret's place.
pub(crate) fn mark_leak(segment: &mut Segment, secret: &str) {
    let why = format!("{secret} could leave over the network");
    segment.factors.push(Factor { name: "secret_to_network", points: 40, why });
}

impl Lowering<'_> {
    /// An argument vector that is executed without a shell.
    pub(crate) fn vector(&mut self, argv: &[String]) {
        let argv: Vec<Arg> = argv.iter().cloned().map(Arg::Known).collect();
        self.run(argv, Dress::default(), false, 0);
    }

    /// A command with its words expanded. `before` is where the segments of its own substitutions begin.
    pub(crate) fn run(&mut self, argv: Vec<Arg>, dress: Dress, piped: bool, before: usize) {
        let Some((head, args)) = argv.split_first() else {
            let segment = self.bare(argv, dress);
            self.push(segment);
            return;
        };
        let (input, reads_elsewhere) = (dress.input.clone(), dress.reads_elsewhere);
        let mut segment = self.bare(argv.clone(), dress);
        match head.known() {
            Some(name) => self.named(name, args, &mut segment, piped || reads_elsewhere, input),
            None => {
                run_unknown(&mut segment, head.text(), "the program is not known before it runs");
            }
        }
        let inner: Vec<Operation> =
            self.intent.segments.iter().skip(before).flat_map(|it| it.operations.clone()).collect();
        let fetched = inner.iter().find(|operation| operation.action == Action::Connect);
        let runs = segment.operations.iter().any(|operation| operation.action == Action::Run);
        if runs && let Some(fetched) = fetched {
            mark_download(&mut segment, fetched.resource.text());
        }
        let reads_secret =
            inner.iter().chain(&segment.operations).find(|operation| operation.category == Category::CredentialAccess);
        if program::connects(&segment.operations)
            && let Some(secret) = reads_secret
        {
            let secret = secret.resource.text().to_owned();
            mark_leak(&mut segment, &secret);
        }
        self.push(segment);
    }

    fn named(&mut self, name: &str, args: &[Arg], segment: &mut Segment, fed: bool, input: Option<Option<String>>) {
        if self.functions.contains(name) {
            return;
        }
        if name.contains('/') {
            let path = paths::join(name, self.cwd.as_deref());
            if paths::has_parent(&path) || !paths::is_system_program(&path) {
                self.script(&path, segment);
                return;
            }
        } else if self.builtin(name, args, segment) {
            return;
        } else {
            if self.lookup_changed {
                run_unknown(segment, name, "an earlier part of the text changed how programs are looked up");
            }
            if let Fact::Program(Some(path)) = self.fact(FactQuery::Program(name.to_owned()))
                && !paths::is_system_program(&path)
            {
                run_unknown(segment, name, &format!("`{name}` is `{path}` here, which is no part of the system"));
            }
        }
        let name = name.rsplit('/').next().unwrap_or(name);
        let family = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.' || c == '-');
        if SHELLS.contains(&name) {
            self.shell_program(args, segment, fed, input);
        } else if INTERPRETERS.contains(&family) || INTERPRETERS.contains(&name) {
            interpreter(name, args, segment, fed || input.is_some());
        } else if name == "find" {
            self.find(args, segment);
        } else {
            match knowledge::find(name) {
                Some(entry) => self.by_entry(entry, args, segment),
                None => run_unknown(segment, name, "this program is not known to us"),
            }
        }
    }

    fn by_entry(&mut self, entry: &'static Program, args: &[Arg], segment: &mut Segment) {
        if entry.name == "command" && matches!(args.first().and_then(Arg::known), Some("-v" | "-V")) {
            return;
        }
        let parsed = self.parse(entry, args);
        segment.operations.extend(parsed.operations);
        segment.unknowns.extend(parsed.unknowns);
        for text in &parsed.shell_texts {
            self.shell_text(text, segment);
        }
        if entry.subcommands {
            self.subcommand(entry.name, &parsed.operands, &parsed.wrapped, segment);
        }
        if entry.wraps.is_none() {
            return;
        }
        if let Some((action, category, reversibility)) = entry.always.and_then(Role::effect) {
            segment.operations.push(Operation {
                action,
                resource: Resource::System,
                category,
                reversibility,
                recursive: false,
            });
        }
        let mut dress = Dress::default();
        for (name, value) in parsed.assigned {
            self.set(&name, Some(value), true, &mut dress);
        }
        segment.dressed |= dress.worn;
        segment.unknowns.extend(dress.unknowns);
        self.wrapped(entry.name, parsed.wrapped, segment);
    }

    /// What a wrapper runs becomes a segment of its own, which must stand on its own.
    pub(crate) fn wrapped(&mut self, wrapper: &str, mut inner: Vec<Arg>, segment: &mut Segment) {
        if inner.is_empty() {
            match wrapper {
                "env" => segment.operations.push(Operation {
                    action: Action::Read,
                    resource: Resource::Unknown("the environment".to_owned()),
                    category: Category::CredentialAccess,
                    reversibility: Reversibility::Reversible,
                    recursive: false,
                }),
                "sudo" | "doas" => run_unknown(segment, wrapper, "opens a shell with more privileges"),
                _ => {}
            }
            return;
        }
        if self.wrappers.len() >= crate::MAX_DEPTH {
            run_unknown(segment, wrapper, "wrappers are nested too deep");
            return;
        }
        if wrapper == "xargs" {
            inner.push(Arg::Unknown("(arguments from input)".to_owned()));
        }
        self.wrappers.push(wrapper.to_owned());
        if wrapper == "watch" {
            let text = inner.iter().map(Arg::known).collect::<Option<Vec<_>>>().map(|words| words.join(" "));
            match text {
                Some(text) => self.nested(&text),
                None => run_unknown(segment, wrapper, "the text it runs is not known before it runs"),
            }
        } else {
            let before = self.intent.segments.len();
            self.run(inner, Dress::default(), false, before);
        }
        self.wrappers.pop();
    }

    fn subcommand(&mut self, program: &str, operands: &[Arg], rest: &[Arg], segment: &mut Segment) {
        let Some(word) = operands.first() else {
            segment.unknowns.push(Unknown { text: program.to_owned(), why: "no subcommand that we know".to_owned() });
            return;
        };
        let entry = word.known().and_then(|word| knowledge::find(&format!("{program} {word}")));
        match entry {
            Some(entry) => {
                let parsed = self.parse(entry, rest);
                if let Some(secret) =
                    parsed.operands.iter().find(|it| it.text().to_ascii_lowercase().contains("secret"))
                {
                    segment.operations.push(Operation {
                        action: Action::Read,
                        resource: Resource::Unknown(secret.text().to_owned()),
                        category: Category::CredentialAccess,
                        reversibility: Reversibility::Reversible,
                        recursive: false,
                    });
                }
                segment.operations.extend(parsed.operations);
                segment.unknowns.extend(parsed.unknowns);
            }
            None => {
                let category = match program {
                    "docker" | "podman" | "kubectl" | "helm" | "docker-compose" => Category::ContainerOrchestration,
                    "git" => Category::VcsHistory,
                    "systemctl" => Category::ServiceProcessControl,
                    _ => Category::RemoteCode,
                };
                let what = format!("{program} {}", word.text());
                segment.operations.push(Operation {
                    action: Action::Run,
                    resource: Resource::Program(what.clone()),
                    category,
                    reversibility: Reversibility::Irreversible,
                    recursive: false,
                });
                segment
                    .unknowns
                    .push(Unknown { text: what, why: "what this subcommand does is not known to us".to_owned() });
            }
        }
    }
}

/// Notes that the segment runs something that is not understood.
pub(crate) fn run_unknown(segment: &mut Segment, what: &str, why: &str) {
    segment.operations.push(Operation {
        action: Action::Run,
        resource: Resource::Program(what.to_owned()),
        category: Category::RemoteCode,
        reversibility: Reversibility::Irreversible,
        recursive: false,
    });
    segment.unknowns.push(Unknown { text: what.to_owned(), why: why.to_owned() });
}

fn interpreter(name: &str, args: &[Arg], segment: &mut Segment, fed: bool) {
    if let [Arg::Known(only)] = args
        && matches!(only.as_str(), "--version" | "-V" | "-v" | "--help")
    {
        return;
    }
    run_unknown(segment, name, "code in a language that is not read yet");
    let named = args.iter().any(|arg| !arg.text().starts_with('-'));
    if fed && !named {
        let why = "runs whatever comes in".to_owned();
        segment.factors.push(Factor { name: "code_from_input", points: 15, why });
    }
}
