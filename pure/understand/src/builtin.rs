//! Builtins of the shell: they change the shell itself, or what it knows, and so how the rest of the text is read.

use model::{Arg, Fact, FactQuery, FileKind, Segment, Unknown};

use crate::command::run_unknown;
use crate::lower::Lowering;
use crate::paths;
use crate::simple::Dress;

/// Builtins that change nothing we judge.
const QUIET_BUILTINS: &[&str] = &[
    "exit", "return", "break", "continue", "shift", "wait", "jobs", "times", "logout", "dirs", "caller", "disown",
    "suspend", "umask", "ulimit",
];

impl Lowering<'_> {
    /// Builtins of the shell that are no programs. Says whether it was one.
    pub(crate) fn builtin(&mut self, name: &str, args: &[Arg], segment: &mut Segment) -> bool {
        match name {
            "cd" => {
                self.cwd = match args {
                    [] => self.home.clone(),
                    [Arg::Known(directory)]
                        if !directory.starts_with('-') && (directory.starts_with('/') || self.cwd.is_some()) =>
                    {
                        Some(paths::plain(directory, self.cwd.as_deref()))
                    }
                    _ => None,
                };
                // Behind a link the shell and the system disagree on where `..` leads, so nothing relative is known.
                if let Some(directory) = self.cwd.clone()
                    && let Fact::RealPath(real) = self.fact(FactQuery::RealPath(directory.clone()))
                    && real != directory
                {
                    self.cwd = None;
                }
                // Where it fails, what follows runs where it was; a directory may also be made before.
                if let Some(directory) = self.cwd.clone()
                    && let Fact::File(FileKind::Missing | FileKind::Text(..) | FileKind::Opaque) =
                        self.fact(FactQuery::File(directory))
                {
                    self.cwd = None;
                }
                let cwd = self.cwd.clone();
                self.variables
                    .insert("PWD".to_owned(), cwd.map_or_else(|| Arg::Unknown("$PWD".to_owned()), Arg::Known));
            }
            "pushd" | "popd" => self.cwd = None,
            "read" => self.read(args, segment),
            "export" | "declare" | "typeset" | "local" | "readonly" | "unset" | "mapfile" | "readarray" | "getopts" => {
                self.declaration(name, args, segment);
            }
            "set" => self.set_options(args, segment),
            "shopt" => self.shopt(args, segment),
            "alias" => self.alias(args, segment),
            "history" => self.history(args, segment),
            "bind" | "complete" | "compgen" | "unalias" | "enable" | "fc" => {
                let lists = args.iter().all(|arg| {
                    matches!(arg.text(), "-p" | "-P" | "-l" | "-v" | "-V" | "-s" | "-S" | "-a" | "-b" | "-c" | "-A")
                });
                if !lists || matches!(name, "fc" | "unalias") {
                    self.lookup_changed |= matches!(name, "enable" | "unalias");
                    segment.unknowns.push(Unknown {
                        text: name.to_owned(),
                        why: "changes how the shell reads what follows".to_owned(),
                    });
                }
            }
            "hash" if args.iter().any(|arg| arg.text().starts_with("-p")) => {
                self.lookup_changed = true;
                segment.unknowns.push(Unknown { text: name.to_owned(), why: "changes which program runs".to_owned() });
            }
            "trap" => match args {
                [] => {}
                [Arg::Known(action), ..] if matches!(action.as_str(), "-" | "-l" | "-p" | "") => {}
                // It runs in this very shell.
                [action, ..] => self.shell_text_for(true, action, segment),
            },
            "eval" => {
                let text = args.iter().map(Arg::known).collect::<Option<Vec<_>>>().map(|words| words.join(" "));
                match text {
                    Some(text) => self.shell(&text),
                    None => run_unknown(segment, "eval", "the text for the shell is not known before it runs"),
                }
            }
            "source" | "." => match args.first() {
                Some(Arg::Known(path)) if path.contains('/') => {
                    let path = paths::join(path, self.cwd.as_deref());
                    self.script(&path, segment);
                }
                Some(other) => {
                    run_unknown(segment, other.text(), "the file that the shell reads is not known before it runs")
                }
                None => {}
            },
            "printf" if args.first().is_none_or(|arg| arg.text().starts_with("-v")) => {
                let words: Vec<Arg> = args.get(1..2).unwrap_or_default().to_vec();
                self.declaration("read", &words, segment);
            }
            "wait" if args.iter().any(|arg| arg.text().starts_with('-')) => {
                let words: Vec<Arg> = args.iter().filter(|arg| !arg.text().starts_with('-')).cloned().collect();
                self.declaration("read", &words, segment);
            }
            "test" | "[" => {
                // `-v NAME` evaluates a subscript in the name.
                for pair in args.windows(2) {
                    if let [flag, name] = pair
                        && matches!(flag.text(), "-v" | "-R")
                        && name.known().is_none_or(|name| name.contains('['))
                    {
                        let why = "a subscript in a test is evaluated, which may run commands".to_owned();
                        segment.unknowns.push(Unknown { text: name.text().to_owned(), why });
                    }
                }
            }
            "let" => {
                for arg in args {
                    self.arithmetic(arg.text());
                }
            }
            _ => return QUIET_BUILTINS.contains(&name),
        }
        true
    }

    fn declaration(&mut self, name: &str, args: &[Arg], segment: &mut Segment) {
        let exports =
            name == "export" || args.iter().any(|arg| arg.text().starts_with('-') && arg.text().contains('x'));
        let mut dress = Dress::default();
        for arg in args {
            let Some(text) = arg.known() else {
                match arg.text().split_once('=') {
                    Some((name, _)) if !name.contains(['$', '`']) => {
                        self.set(name, Arg::Unknown(format!("${name}")), exports, &mut dress)
                    }
                    Some(_) | None => dress.unknowns.push(Unknown {
                        text: arg.text().to_owned(),
                        why: "which variable is set is not known before it runs".to_owned(),
                    }),
                }
                continue;
            };
            if text.starts_with("-C") && matches!(name, "mapfile" | "readarray") {
                dress.unknowns.push(Unknown { text: text.to_owned(), why: "runs a command for every line".to_owned() });
            }
            if text.starts_with('-') {
                if text.contains(['n', 'f', 'A']) && matches!(name, "declare" | "typeset" | "local" | "export") {
                    dress.unknowns.push(Unknown {
                        text: text.to_owned(),
                        why: "references and functions are not followed".to_owned(),
                    });
                }
                continue;
            }
            let (variable, value) = text.split_once('=').map_or((text, None), |(name, value)| (name, Some(value)));
            let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '+';
            if !variable.chars().all(plain) {
                let why = "a subscript is evaluated, which may run commands";
                dress.unknowns.push(Unknown { text: text.to_owned(), why: why.to_owned() });
                continue;
            }
            let quiet = value.is_none() && matches!(name, "export" | "readonly");
            if !quiet {
                let variable = variable.trim_end_matches('+');
                let value = match value {
                    Some(value) if !text.contains("+=") && name != "read" => Arg::Known(value.to_owned()),
                    Some(_) | None => Arg::Unknown(format!("${variable}")),
                };
                self.set(variable, value.clone(), exports, &mut dress);
                self.variables.insert(variable.to_owned(), value);
            }
        }
        segment.unknowns.extend(dress.unknowns);
    }

    /// `read`: the names after its options get what comes in.
    fn read(&mut self, args: &[Arg], segment: &mut Segment) {
        let mut rest = args.iter();
        let mut names = Vec::new();
        while let Some(arg) = rest.next() {
            match arg.text().strip_prefix('-').filter(|_| names.is_empty()) {
                Some(letters) if arg.known().is_some() => {
                    // The last letter of a bundle may take the next word as its value.
                    match letters.find(['p', 't', 'n', 'N', 'd', 'i', 'u']) {
                        Some(at) if at.saturating_add(1) == letters.len() => drop(rest.next()),
                        Some(_) | None => {}
                    }
                    if letters.ends_with('a') {
                        names.extend(rest.next().cloned());
                    }
                }
                Some(_) | None => names.push(arg.clone()),
            }
        }
        self.declaration("read", &names, segment);
    }
}
