//! Settings that a command gives a build: `make VAR=VALUE`, `tox -x KEY=VALUE`, `pytest @FILE`. What they run, read or load
//! is seen in addition to the build itself.

use model::{Arg, Segment};

use crate::knowledge::{Known, Role};
use crate::lower::Lowering;

/// Names that decide what runs a recipe, or which files are read as one.
const STEERS: &[&str] = &["SHELL", ".SHELLFLAGS", "shell", "BASH", "ENV", "BASH_ENV", "PATH"];

impl Lowering<'_> {
    /// Reads the settings among the arguments of a program that runs what a project says.
    pub(crate) fn overrides(&mut self, entry: Known, args: &[Arg], segment: &mut Segment) {
        if !entry.always.contains(&Role::Program) || entry.subcommands || entry.wraps.is_some() {
            return;
        }
        if entry.name.ends_with("make") {
            self.exported_to_make(segment);
        }
        let mut behind = "";
        for arg in args {
            let Some(text) = arg.known() else {
                behind = "";
                continue;
            };
            let value_of_override = matches!(behind, "-x" | "--override" | "-o" | "--override-ini");
            match text.strip_prefix('@') {
                Some(file) if !file.is_empty() => {
                    let file = Arg::Known(file.to_owned());
                    self.effect(&file, Role::Script, false, &mut segment.operations, &mut segment.unknowns);
                }
                _ if !text.starts_with('-') && (value_of_override || is_setting(text)) => {
                    if let Some((name, value)) = text.split_once('=') {
                        self.setting_of_build(name, value, value_of_override && entry.name == "tox", segment);
                    }
                }
                _ => {}
            }
            behind = text;
        }
    }

    /// What the text exports is a setting for `make`, whatever its name. Names in capitals are asked about where they are set.
    fn exported_to_make(&mut self, segment: &mut Segment) {
        let own = |name: &&String| crate::environment::is_private(name) && !name.is_empty();
        let names: Vec<String> = self.state.exported.iter().filter(own).cloned().collect();
        for name in names {
            let value = self.variables.get(&name).and_then(Arg::known).map(str::to_owned);
            if let Some(value) = value {
                self.setting_of_build(&name, &value, false, segment);
            }
        }
    }

    fn setting_of_build(&mut self, name: &str, value: &str, runs: bool, segment: &mut Segment) {
        let value = value.trim();
        let runs = runs && !name.ends_with("setenv") && !name.ends_with("env_list");
        if name == "MAKEFILES" {
            for file in value.split_whitespace() {
                let file = Arg::Known(file.to_owned());
                self.effect(&file, Role::Script, false, &mut segment.operations, &mut segment.unknowns);
            }
        } else if matches!(name, "MAKEFLAGS" | "GNUMAKEFLAGS" | "MFLAGS") {
            self.program_in_option("make", &Arg::Known(format!("make {value}")), segment);
        } else if runs || STEERS.contains(&name) || !is_plain(value) {
            self.program_in_option("make", &Arg::Known(value.to_owned()), segment);
        }
    }
}

/// `NAME=VALUE`.
fn is_setting(text: &str) -> bool {
    text.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty()
            && name
                .trim_end_matches([':', '+', '?', '!'])
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.'))
    })
}

/// Whether a value is one word, or several, without a mark of the shell: then it names something, or sets options.
fn is_plain(value: &str) -> bool {
    let word =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '/' | ':' | ',' | '+' | '=' | '@' | '%' | '-');
    let mut words = value.split_whitespace();
    let first = words.next().unwrap_or("");
    value.chars().all(|c| word(c) || c == ' ')
        && !crate::suspect::is_place(first)
        && words.all(|word| word.starts_with('-') && word != "-c" && word != "-e")
}

#[cfg(test)]
mod tests {
    use super::is_plain;

    #[test]
    fn values_that_run_something() {
        for value in ["gcc", "-O2 -g", "1", "release", "clang -m32"] {
            assert!(is_plain(value), "{value}");
        }
        for value in ["sh -c id", "rm x", "$(shell touch P)", "./evil", "/tmp/x", "a;b"] {
            assert!(!is_plain(value), "{value}");
        }
    }
}
