//! Builtins that set variables or their attributes: `declare` and its kin, `read`, `unset`, `getopts`, `mapfile`.

use model::{Arg, Segment, Unknown};

use crate::builtin::shows_variables;
use crate::environment;
use crate::lower::Lowering;
use crate::simple::Dress;
use crate::state::unknown;

/// What the options of a declaration ask for.
#[derive(Default)]
struct Asked {
    /// Prints; assigns nothing.
    prints: bool,
    /// About functions.
    functions: bool,
    exports: bool,
    integer: bool,
    constant: bool,
    /// Changes the letters of what is assigned.
    converts: bool,
    /// Makes lists.
    list: bool,
    global: bool,
}

impl Lowering<'_> {
    pub(crate) fn declaration(&mut self, name: &str, args: &[Arg], segment: &mut Segment) {
        match name {
            "read" => self.read(args, segment),
            "mapfile" | "readarray" => self.mapfile(args, segment),
            "getopts" => {
                let mut names = vec![Arg::Known("OPTARG".to_owned())];
                names.extend(args.get(1).cloned());
                self.received(&names, segment);
                // The shell counts it itself.
                self.state.put("OPTIND", unknown("OPTIND"));
            }
            "unset" => self.unset(args, segment),
            _ => self.declare(name, args, segment),
        }
    }

    fn declare(&mut self, builtin: &str, args: &[Arg], segment: &mut Segment) {
        let options = args.iter().take_while(|arg| arg.text().starts_with(['-', '+']) && arg.text().len() > 1).count();
        let (options, names) = args.split_at(options);
        let asked = asked(builtin, options, segment);
        if names.is_empty() {
            // `declare -F` and `declare -f` show functions, the others the values of variables.
            if !asked.functions {
                segment.operations.push(shows_variables());
            }
            return;
        }
        if asked.functions || (asked.prints && !matches!(builtin, "export" | "readonly")) {
            let secret = names.iter().any(|arg| {
                arg.known().is_none_or(|name| environment::names_a_secret(name) || self.state.secrets.contains(name))
            });
            if secret && !asked.functions {
                segment.operations.push(shows_variables());
            }
            return;
        }
        let mut dress = Dress::default();
        for arg in names {
            self.declare_one(builtin, arg, &asked, &mut dress);
        }
        segment.unknowns.extend(dress.unknowns);
    }

    fn declare_one(&mut self, builtin: &str, arg: &Arg, asked: &Asked, dress: &mut Dress) {
        let (name, value) = match (arg.known(), arg.text().split_once('=')) {
            (Some(_), Some((name, value))) => (name, Some(Arg::Known(value.to_owned()))),
            (Some(name), None) => (name, None),
            (None, Some((name, _))) if !name.contains(['$', '`', '*', '?', '[']) => (name, Some(unknown(name))),
            (None, _) => {
                let why = "which variable is set is not known before it runs".to_owned();
                dress.unknowns.push(Unknown { text: arg.text().to_owned(), why });
                self.state.forget();
                return;
            }
        };
        let appends = value.is_some() && name.ends_with('+');
        let name = name.strip_suffix('+').unwrap_or(name);
        if !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            let why = "a subscript is evaluated, which may run commands".to_owned();
            dress.unknowns.push(Unknown { text: arg.text().to_owned(), why });
            return;
        }
        let list = match &value {
            Some(Arg::Known(text)) => text.starts_with('(') && is_code(text),
            Some(Arg::Pattern(_) | Arg::Unknown(_)) => asked.list || is_list(arg.text()),
            None => false,
        };
        if list {
            let why = "a list in quotes is evaluated, which may run commands".to_owned();
            dress.unknowns.push(Unknown { text: arg.text().to_owned(), why });
        }
        let list = value.as_ref().and_then(Arg::known).is_some_and(|text| text.starts_with('('));
        let value = value.map(|value| if appends || list { unknown(name) } else { value });
        if asked.exports || builtin == "export" {
            self.state.exported.insert(name.to_owned());
        }
        if asked.integer {
            self.state.integers.insert(name.to_owned());
        }
        // In Z shell what a function makes read-only is its own.
        let own = match builtin {
            "local" | "declare" | "typeset" => !asked.global,
            "readonly" => self.shell.may_be_zsh(),
            _ => false,
        };
        let inside = own && self.localize(name);
        let current = self.state.variables.get(name).cloned();
        match (value, &current) {
            (Some(value), _) => {
                self.set(name, value, false, dress);
                // Outside of a function `local` fails, at least in Bash.
                if builtin == "local" && !inside && self.state.variables.get(name) != current.as_ref() {
                    self.state.put(name, unknown(name));
                }
            }
            // What was set before is exported, or evaluated, from here on.
            (None, Some(current)) if asked.exports || builtin == "export" || asked.integer => {
                self.set(name, current.clone(), false, dress);
            }
            (None, _) if inside || !matches!(builtin, "export" | "readonly") => {
                self.state.put(name, unknown(name));
            }
            (None, _) => {}
        }
        if asked.converts {
            self.state.unsettle(name);
        }
        if asked.constant {
            self.state.constants.insert(name.to_owned());
        }
    }

    fn unset(&mut self, args: &[Arg], segment: &mut Segment) {
        let functions = args.iter().any(|arg| arg.text() == "-f");
        for arg in args.iter().filter(|arg| !arg.text().starts_with('-')) {
            let Some(name) = arg.known() else {
                let why = "which variable is unset is not known before it runs".to_owned();
                segment.unknowns.push(Unknown { text: arg.text().to_owned(), why });
                self.state.forget();
                continue;
            };
            if functions {
                // A read-only function stays.
                match self.state.functions.get_mut(name) {
                    Some(function) if self.state.constants.contains(name) => function.certain = false,
                    Some(_) => drop(self.state.functions.remove(name)),
                    None => {}
                }
                continue;
            }
            // Without such a variable it is a function that goes.
            if let Some(function) = self.state.functions.get_mut(name) {
                function.certain = false;
            }
            self.received(std::slice::from_ref(arg), segment);
        }
    }

    /// `read`: the names after its options get what comes in.
    fn read(&mut self, args: &[Arg], segment: &mut Segment) {
        let mut rest = args.iter();
        let mut names = Vec::new();
        while let Some(arg) = rest.next() {
            match arg.text().strip_prefix('-').filter(|_| names.is_empty()) {
                Some(letters) if arg.known().is_some() => {
                    // The last letter of a bundle may take the next word as its value.
                    match letters.find(['p', 't', 'n', 'N', 'd', 'i', 'u', 'a']) {
                        Some(at) if at.saturating_add(1) == letters.len() => {
                            let value = rest.next().cloned();
                            if letters.ends_with(['t', 'u', 'n', 'N']) {
                                self.number(value.as_slice(), segment);
                            }
                            names.extend(value.filter(|_| letters.ends_with('a')));
                        }
                        Some(at) if letters.get(at..).is_some_and(|it| it.starts_with('a')) => {
                            names.extend(letters.get(at.saturating_add(1)..).map(|it| Arg::Known(it.to_owned())));
                        }
                        Some(at) if letters.get(at..).is_some_and(|it| it.starts_with(['t', 'u', 'n', 'N'])) => {
                            self.number(std::slice::from_ref(arg), segment);
                        }
                        Some(_) | None => {}
                    }
                }
                Some(_) | None => names.push(arg.clone()),
            }
        }
        if names.is_empty() {
            names.push(Arg::Known("REPLY".to_owned()));
        }
        self.received(&names, segment);
    }

    fn mapfile(&mut self, args: &[Arg], segment: &mut Segment) {
        let mut names = vec![Arg::Known("MAPFILE".to_owned())];
        let mut rest = args.iter();
        while let Some(arg) = rest.next() {
            match arg.text().strip_prefix('-') {
                Some(letters) if letters.contains('C') => {
                    let why = "runs a command for every line".to_owned();
                    segment.unknowns.push(Unknown { text: arg.text().to_owned(), why });
                }
                Some(letters) if letters.ends_with(['d', 'n', 'O', 's', 'u', 'c']) => drop(rest.next()),
                Some(_) => {}
                None => names.push(arg.clone()),
            }
        }
        self.received(&names, segment);
    }

    /// Variables get values that come from elsewhere.
    pub(crate) fn received(&mut self, names: &[Arg], segment: &mut Segment) {
        let mut dress = Dress::default();
        for arg in names {
            let plain = |text: &&str| !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
            match arg.known().filter(plain) {
                Some(name) => {
                    let evaluated = self.state.integers.contains(name);
                    self.set(name, unknown(name), false, &mut dress);
                    self.state.put(name, unknown(name));
                    if evaluated {
                        let why = "what an integer variable gets is evaluated, which may run commands".to_owned();
                        dress.unknowns.push(Unknown { text: name.to_owned(), why });
                    }
                }
                None => {
                    let why = "which variable is set is not known, or its subscript is evaluated".to_owned();
                    dress.unknowns.push(Unknown { text: arg.text().to_owned(), why });
                    self.state.forget();
                }
            }
        }
        segment.unknowns.extend(dress.unknowns);
    }
}

fn asked(builtin: &str, options: &[Arg], segment: &mut Segment) -> Asked {
    let mut asked = Asked { constant: builtin == "readonly", ..Asked::default() };
    for option in options {
        for letter in option.text().chars().skip(1) {
            match letter {
                'p' => asked.prints = true,
                'F' => asked.functions = true,
                'f' => {
                    asked.functions = true;
                    if matches!(builtin, "export" | "readonly") || option.text().contains(['x', 'r']) {
                        let why = "functions that other shells get, or that cannot be changed, are not followed";
                        segment.unknowns.push(Unknown { text: option.text().to_owned(), why: why.to_owned() });
                    }
                }
                'x' => asked.exports = true,
                'i' => asked.integer = true,
                'r' => asked.constant = true,
                'l' | 'u' | 'c' => asked.converts = true,
                'g' => asked.global = true,
                'a' => asked.list = true,
                't' | 'I' | '-' => {}
                'n' if builtin == "export" => {}
                _ => {
                    let why = "references and tables are not followed".to_owned();
                    segment.unknowns.push(Unknown { text: option.text().to_owned(), why });
                }
            }
        }
    }
    asked
}

/// Whether a declaration assigns what looks like a list.
fn is_list(text: &str) -> bool {
    text.split_once('=').is_some_and(|(_, value)| value.trim_start_matches(['"', '\'', '\\']).starts_with('('))
}

/// A list with more in it than plain words: its quotes are gone, so what it holds may be expanded a second time.
fn is_code(value: &str) -> bool {
    value.contains(['$', '`', '<', '>', '[', '\\', '\'', '"'])
}
