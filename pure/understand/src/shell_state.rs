//! Builtins that change how the shell reads on: options, aliases, the history.

use model::{Action, Arg, Category, Operation, Resource, Reversibility, Segment, Unknown};

use crate::lower::Lowering;

impl Lowering<'_> {
    /// `set`: options of the shell, or its positional parameters.
    pub(crate) fn set_options(&mut self, args: &[Arg], segment: &mut Segment) {
        if args.is_empty() {
            segment.operations.push(of_shell(Action::Read, "every variable of the shell", Category::CredentialAccess));
            return;
        }
        let (mut at, mut known) = (0_usize, true);
        while let Some(option) = args.get(at).filter(|arg| arg.text() != "--" && arg.text().starts_with(['-', '+'])) {
            let (text, on) = (option.text(), option.text().starts_with('-'));
            at = at.saturating_add(1);
            known &= is_plain_option(option);
            // `-a` exports whatever is set from here on.
            self.state.exports_all |= on && text.contains('a');
            self.state.traces |= on && text.contains('x');
            if text.ends_with('o')
                && let Some(name) = args.get(at)
            {
                at = at.saturating_add(1);
                known &= is_plain_name(name.text(), text);
                self.state.exports_all |= name.text() == "allexport";
                self.state.traces |= name.text() == "xtrace";
            }
        }
        if !known {
            let why = "changes how the shell reads what follows".to_owned();
            segment.unknowns.push(Unknown { text: "set".to_owned(), why });
        }
        // What follows the options are the new positional parameters.
        let words = args.get(at..).unwrap_or_default();
        let ended = words.first().is_some_and(|arg| arg.text() == "--");
        let words = if ended { words.get(1..).unwrap_or_default() } else { words };
        if ended || !words.is_empty() {
            let known = words.iter().all(|arg| arg.known().is_some());
            self.state.set_positional(known.then(|| words.into()));
        }
    }

    /// `shopt`: most options only change how names of files are matched, which what we say of them allows for.
    pub(crate) fn shopt(&mut self, args: &[Arg], segment: &mut Segment) {
        let changes = args
            .iter()
            .any(|arg| arg.known().is_none() || (arg.text().starts_with('-') && arg.text().contains(['s', 'u'])));
        let names = args.iter().filter(|arg| !arg.text().starts_with('-'));
        self.state.exports_all |= args.iter().any(|arg| arg.text() == "allexport");
        let known =
            args.iter().all(|arg| arg.known().is_some()) && names.clone().all(|name| MATCHING.contains(&name.text()));
        if !changes {
            return;
        }
        self.state.drops_unmatched |= args.iter().any(|arg| arg.text() == "nullglob");
        segment.operations.push(of_shell(
            Action::Control,
            "how the shell matches names",
            Category::ServiceProcessControl,
        ));
        if !known {
            self.lookup_changed = true;
            let why = "changes how the shell reads what follows".to_owned();
            segment.unknowns.push(Unknown { text: "shopt".to_owned(), why });
        }
    }

    /// `alias`: a name that means a text from here on.
    pub(crate) fn alias(&mut self, args: &[Arg], segment: &mut Segment) {
        for arg in args.iter().filter(|arg| arg.text() != "-p") {
            match arg.known().map(|text| text.split_once('=')) {
                Some(Some((name, value))) => {
                    let texts = self.state.aliases.entry(name.to_owned()).or_default();
                    if !texts.iter().any(|text| text == value) {
                        texts.push(value.to_owned());
                    }
                    if !self.traps.is_empty() {
                        let why = "the action of a trap may use an alias that is made after it".to_owned();
                        segment.unknowns.push(Unknown { text: name.to_owned(), why });
                    }
                    segment.operations.push(of_shell(
                        Action::Control,
                        &format!("what `{name}` means to the shell"),
                        Category::ServiceProcessControl,
                    ));
                }
                // Z shell's other kinds of aliases take effect anywhere in a line, or for file names.
                Some(None) if arg.text().starts_with(['-', '+']) && arg.text() != "--" => {
                    self.lookup_changed = true;
                    let why = "a kind of alias that changes how the shell reads what follows".to_owned();
                    segment.unknowns.push(Unknown { text: arg.text().to_owned(), why });
                }
                Some(None) => {}
                None => {
                    self.lookup_changed = true;
                    let why = "which alias is made is not known before it runs".to_owned();
                    segment.unknowns.push(Unknown { text: arg.text().to_owned(), why });
                }
            }
        }
    }

    /// `history`: the commands given before are as private as what they were given.
    pub(crate) fn history(&mut self, args: &[Arg], segment: &mut Segment) {
        let option = args.first().and_then(Arg::known).unwrap_or("");
        match option {
            "-c" | "-d" => {
                segment.operations.push(of_shell(Action::Delete, "the history of commands", Category::FsDestructive))
            }
            "-w" | "-a" => {
                segment.operations.push(of_shell(Action::Write, "the file of the history", Category::FsWrite))
            }
            "-r" | "-n" => {
                segment.operations.push(of_shell(Action::Read, "the file of the history", Category::CredentialAccess))
            }
            "-p" | "-s" => {
                let why = "a text that depends on the commands given before".to_owned();
                segment.unknowns.push(Unknown { text: "history".to_owned(), why });
            }
            _ => segment.operations.push(of_shell(Action::Read, "the history of commands", Category::CredentialAccess)),
        }
    }
}

/// Whether letters of `set` leave it as it is how the shell reads words: history and braces that are no longer expanded
/// change it, and so do letters that Z shell takes for other options.
fn is_plain_option(arg: &Arg) -> bool {
    arg.known().is_some_and(|text| {
        let on = text.starts_with('-');
        text.chars().skip(1).all(|c| match c {
            'B' => on,
            'H' => !on,
            c => "euxovhnCfabmE".contains(c),
        })
    })
}

/// The same for an option by its name.
fn is_plain_name(name: &str, sign: &str) -> bool {
    let on = sign.starts_with('-');
    match name {
        "braceexpand" => on,
        "history" | "histexpand" => !on,
        _ => matches!(
            name,
            "pipefail"
                | "errexit"
                | "nounset"
                | "xtrace"
                | "verbose"
                | "noglob"
                | "noclobber"
                | "allexport"
                | "vi"
                | "emacs"
                | "monitor"
                | "notify"
                | "ignoreeof"
                | "physical"
                | "posix"
                | "hashall"
                | "errtrace"
                | "functrace"
                | "nolog"
        ),
    }
}

/// Whether the name of an option that a shell is started with leaves it as it is how words are read.
pub(crate) fn leaves_reading(name: &Arg, sign: &str) -> bool {
    name.known().is_some_and(|name| (is_plain_name(name, sign) && name != "allexport") || name.starts_with("glob"))
}

/// Options of `shopt` that leave it as it is how words are read; most only change how names of files are matched.
const MATCHING: &[&str] = &[
    "nullglob",
    "dotglob",
    "globstar",
    "extglob",
    "nocaseglob",
    "nocasematch",
    "histappend",
    "cmdhist",
    "checkwinsize",
    "cdspell",
    "dirspell",
    "huponexit",
    "checkjobs",
    "lithist",
    "mailwarn",
    "no_empty_cmd_completion",
    "progcomp",
    "xpg_echo",
    "hostcomplete",
    "interactive_comments",
    "login_shell",
    "checkhash",
    "execfail",
    "force_fignore",
    "globasciiranges",
    "gnu_errfmt",
    "histreedit",
    "histverify",
    "promptvars",
    "shift_verbose",
    "complete_fullquote",
    "direxpand",
    "lastpipe",
    "autocd",
];

/// Whether an option that a shell is started with only changes how names are matched, and matches no more of them.
pub(crate) fn only_matches_names(name: &str) -> bool {
    MATCHING.contains(&name) && !matches!(name, "dotglob" | "xpg_echo" | "autocd" | "lastpipe" | "execfail")
}

fn of_shell(action: Action, what: &str, category: Category) -> Operation {
    let resource = Resource::Unknown(what.to_owned());
    Operation { action, resource, category, reversibility: Reversibility::Effort, recursive: false }
}
