//! Programs that run the command they are given, and options and variables that name one.

use model::{Action, Arg, Category, Operation, Resource, Reversibility, Segment};

use crate::command::{Input, run_unknown};
use crate::feed::Feed;
use crate::knowledge::{self, Known};
use crate::lower::{Dispatch, Lowering};
use crate::paths;
use crate::program::Parsed;
use crate::simple::Dress;

impl Lowering<'_> {
    pub(crate) fn wrapper(&mut self, entry: Known, mut parsed: Parsed, segment: &mut Segment, input: &Input) {
        let mut dress = Dress::default();
        for (name, value) in std::mem::take(&mut parsed.assigned) {
            self.set(&name, Arg::Known(value), true, &mut dress);
        }
        let unset = |option: &str| entry.name == "env" && matches!(option, "-u" | "--unset");
        for (_, value) in parsed.settings.iter().filter(|(option, _)| unset(option)) {
            if value.known().is_none_or(|name| name.starts_with("COUNTERSIGN_")) {
                self.set(value.text(), Arg::Known(String::new()), true, &mut dress);
            }
        }
        segment.dressed |= dress.worn;
        segment.unknowns.extend(dress.unknowns);
        // What `env` sets is set for all that it runs.
        let outer = self.dressed;
        self.dressed |= dress.worn;
        match directory_of(entry.name, &parsed) {
            Place::Here => self.inside(entry, parsed, segment, input),
            Place::Elsewhere => {
                let outer = std::mem::replace(&mut self.elsewhere, true);
                self.inside(entry, parsed, segment, input);
                self.elsewhere = outer;
            }
            Place::At(directory) => {
                let directory = directory
                    .known()
                    .filter(|it| it.starts_with('/') || self.cwd.is_some())
                    .map(|it| paths::plain(it, self.cwd.as_deref()));
                let directory = directory.filter(|it| self.linked(it).is_empty());
                self.moves = self.moves.saturating_add(1);
                self.contained(|walk| {
                    walk.state.enter(directory);
                    walk.inside(entry, parsed, segment, input);
                });
            }
        }
        self.dressed = outer;
    }

    fn inside(&mut self, entry: Known, parsed: Parsed, segment: &mut Segment, input: &Input) {
        if parsed.wrapped.is_empty() && !parsed.shell_texts.is_empty() {
            return;
        }
        let mut options = parsed;
        let mut inner = std::mem::take(&mut options.wrapped);
        let words = segment.argv.get(1..).unwrap_or_default();
        let feed = entry.name.ends_with("xargs").then(|| Feed::of_options(words));
        if let Some(feed) = &feed {
            inner = words.get(feed.own..).unwrap_or_default().to_vec();
        }
        let as_written = inner.clone();
        if entry.joins && matches!(entry.name, "parallel" | "sem" | "rush" | "rust-parallel") {
            self.parallel(inner, input, segment);
            return;
        }
        if entry.joins
            && !inner.is_empty()
            && !options.options.iter().any(|option| option == "--exec" || option == "-x")
        {
            let text = inner.iter().map(Arg::known).collect::<Option<Vec<_>>>().map(|words| words.join(" "));
            self.wrappers.push(entry.name.to_owned());
            match text {
                Some(text) => self.process(&text),
                None => run_unknown(segment, entry.name, "the text it runs is not known before it runs"),
            }
            self.wrappers.pop();
            return;
        }
        // With nothing coming in, `xargs` runs the command as written, and its last word is then another.
        let order_matters = inner
            .first()
            .and_then(Arg::known)
            .and_then(knowledge::find)
            .is_some_and(|inner| inner.last.is_some() || inner.wraps.is_some() || inner.subcommands);
        if entry.name.ends_with("xargs") && (order_matters || as_written.len() == 1) {
            self.wrapped(entry.name, as_written, segment, Input::default());
        }
        let apart = feed.as_ref().is_some_and(|feed| self.takes_names_apart(feed, input));
        let before = self.intent.segments.len();
        match feed.filter(|_| !inner.is_empty()) {
            Some(feed) => {
                for inner in self.with_arguments_from_input(&inner, &feed, input, segment) {
                    self.wrapped(entry.name, inner, segment, input.clone());
                }
            }
            None => self.wrapped(entry.name, inner, segment, input.clone()),
        }
        if input.fed {
            self.read_among_found(before, segment);
        }
        // Where names and sizes are only looked at, it does not matter whose.
        let matters = self
            .intent
            .segments
            .iter()
            .skip(before)
            .flat_map(|it| &it.operations)
            .any(|it| it.action != Action::Inspect);
        if apart && matters {
            let why =
                "a file name with a blank or a line end in it would be taken apart (`-print0` and `-0` prevent it)"
                    .to_owned();
            segment.unknowns.push(model::Unknown { text: entry.name.to_owned(), why });
        }
    }

    /// What a wrapper runs becomes a segment of its own, which must stand on its own.
    pub(crate) fn wrapped(&mut self, wrapper: &str, inner: Vec<Arg>, segment: &mut Segment, input: Input) {
        if inner.is_empty() {
            match wrapper {
                "env" => segment.operations.push(Operation {
                    action: Action::Read,
                    resource: Resource::Unknown("the environment".to_owned()),
                    category: Category::CredentialAccess,
                    reversibility: Reversibility::Reversible,
                    recursive: false,
                }),
                "exec" | "command" | "builtin" | "nice" | "time" | "xargs" | "ts" | "ccache" | "sccache" => {}
                // A forward or a master connection runs nothing there.
                "ssh" if segment.argv.iter().any(|arg| is_forward(arg.text())) => {}
                _ if wrapper.starts_with("docker") || wrapper.starts_with("podman") => {
                    run_unknown(segment, wrapper, "runs what the image brings")
                }
                _ if input.fed || input.text.is_some() => {
                    run_unknown(segment, wrapper, "a session that runs whatever comes in")
                }
                _ => segment.operations.push(Operation {
                    action: Action::Run,
                    resource: Resource::Program(format!("a session by `{wrapper}`")),
                    category: Category::RemoteCode,
                    reversibility: Reversibility::Irreversible,
                    recursive: false,
                }),
            }
            return;
        }
        if self.wrappers.len() >= crate::MAX_DEPTH {
            run_unknown(segment, wrapper, "wrappers are nested too deep");
            return;
        }
        self.wrappers.push(wrapper.to_owned());
        let outer = self.dispatch;
        self.dispatch = match (wrapper, outer) {
            (_, Dispatch::Program) => Dispatch::Program,
            ("command" | "builtin", _) => Dispatch::Builtin,
            _ => Dispatch::Program,
        };
        let before = self.began;
        let dress = Dress { input: input.text, reads_elsewhere: input.fed, ..Dress::default() };
        self.run(inner, dress, false, before);
        self.dispatch = outer;
        self.wrappers.pop();
    }

    /// A program that an option names (`--pager=…`, `-e ssh`): run with arguments that we do not see.
    pub(crate) fn program_in_option(&mut self, by: &str, named: &Arg, segment: &mut Segment) {
        segment.operations.push(Operation {
            action: Action::Run,
            resource: Resource::Program(named.text().to_owned()),
            category: Category::RemoteCode,
            reversibility: Reversibility::Irreversible,
            recursive: false,
        });
        // `tar` says what kind of action it is first.
        let known = named.known().map(|text| text.strip_prefix("exec=").unwrap_or(text));
        match known {
            Some(text) => {
                self.wrappers.push(by.to_owned());
                self.process(text);
                self.wrappers.pop();
                let why = "it is run with arguments that are not part of the command".to_owned();
                segment.unknowns.push(model::Unknown { text: text.to_owned(), why });
            }
            None => run_unknown(segment, named.text(), "which program is run is not known before it runs"),
        }
    }
}

impl Lowering<'_> {
    /// A variable names a command that the program will run.
    pub(crate) fn program_in_variable(&mut self, value: &Arg, dress: &mut Dress) {
        dress.operations.push(Operation {
            action: Action::Run,
            resource: Resource::Program(value.text().to_owned()),
            category: Category::RemoteCode,
            reversibility: Reversibility::Irreversible,
            recursive: false,
        });
        if let Some(text) = value.known() {
            self.wrappers.push("a variable".to_owned());
            self.process(text);
            self.wrappers.pop();
        }
    }
}

/// Where a wrapper runs what it is given.
enum Place {
    Here,
    /// In this directory; not known where the value is not.
    At(Arg),
    /// In a directory of another user, another root or another machine.
    Elsewhere,
}

fn directory_of(wrapper: &str, parsed: &Parsed) -> Place {
    const OPTIONS: &[&str] =
        &["--chdir", "--working-directory", "--workdir", "--wd", "--wdns", "--directory", "--pwd", "--root", "--cwd"];
    const ELSEWHERE: &[&str] = &["ssh", "chroot", "su", "runuser", "machinectl", "systemd-nspawn", "vagrant", "proot"];
    let short: &[&str] = match wrapper {
        "env" => &["-C"],
        "sudo" => &["-D", "-R"],
        "unshare" | "nsenter" => &["-w", "-R", "-r"],
        "parallel" | "systemd-run" => &["-d"],
        _ => &[],
    };
    let named = |name: &str| OPTIONS.contains(&name) || short.contains(&name);
    if let Some((_, value)) = parsed.settings.iter().rev().find(|(name, _)| named(name)) {
        return Place::At(value.clone());
    }
    let remote = ELSEWHERE.contains(&wrapper)
        || ["docker", "podman", "kubectl", "lxc", "oc", "nerdctl", "adb", "gcloud", "aws"]
            .iter()
            .any(|it| wrapper.strip_prefix(it).is_some_and(|rest| rest.is_empty() || rest.starts_with(' ')));
    let login =
        matches!(wrapper, "sudo" | "doas") && parsed.options.iter().any(|it| matches!(it.as_str(), "-i" | "--login"));
    if remote || login { Place::Elsewhere } else { Place::Here }
}

/// Options of `ssh` that ask for no command on the other side.
fn is_forward(option: &str) -> bool {
    option.strip_prefix('-').is_some_and(|letters| {
        !letters.starts_with('-')
            && letters.chars().all(|c| c.is_ascii_alphabetic())
            && letters.contains(['N', 'O', 'V', 'Q', 'G', 'W'])
    })
}
