//! Builtins of the shell: they change the shell itself, or what it knows, and so how the rest of the text is read.

use model::{Arg, Fact, FactQuery, Segment, Unknown};

use crate::command::run_unknown;
use crate::lower::{Dress, Lowering};
use crate::paths;

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
                let cwd = self.cwd.clone();
                self.variables.insert("PWD".to_owned(), cwd);
            }
            "pushd" | "popd" => self.cwd = None,
            "export" | "declare" | "typeset" | "local" | "readonly" | "unset" | "read" | "mapfile" | "readarray"
            | "getopts" => {
                self.declaration(name, args, segment);
            }
            "set" => {
                let plain = args.iter().all(|arg| {
                    arg.known()
                        .is_some_and(|text| text == "pipefail" || text.chars().all(|c| "-+euxovhnCf".contains(c)))
                });
                if !plain && args.first().and_then(Arg::known) != Some("--") {
                    segment.unknowns.push(Unknown {
                        text: "set".to_owned(),
                        why: "changes how the shell reads what follows".to_owned(),
                    });
                }
            }
            "shopt" | "alias" | "unalias" | "bind" | "complete" | "compgen" | "enable" | "history" | "fc" => {
                self.lookup_changed |= matches!(name, "alias" | "enable" | "shopt");
                segment.unknowns.push(Unknown {
                    text: name.to_owned(),
                    why: "changes how the shell reads what follows".to_owned(),
                });
            }
            "hash" if args.iter().any(|arg| arg.text().starts_with("-p")) => {
                self.lookup_changed = true;
                segment.unknowns.push(Unknown { text: name.to_owned(), why: "changes which program runs".to_owned() });
            }
            "trap" => match args {
                [] => {}
                [Arg::Known(action), ..] if matches!(action.as_str(), "-" | "-l" | "-p" | "") => {}
                [action, ..] => self.shell_text(action, segment),
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
                    Some((name, _)) if !name.contains(['$', '`']) => self.set(name, None, exports, &mut dress),
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
                self.set(variable.trim_end_matches('+'), value.map(str::to_owned), exports, &mut dress);
                self.variables
                    .insert(variable.to_owned(), if name == "read" { None } else { value.map(str::to_owned) });
            }
        }
        segment.unknowns.extend(dress.unknowns);
    }
}
