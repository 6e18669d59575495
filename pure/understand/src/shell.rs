//! Shells as programs: `sh -c TEXT`, `sh FILE`, or `sh` reading whatever comes in.

use model::{Arg, Factor, Segment};

use crate::command::{Input, run_unknown};
use crate::lower::Lowering;
use crate::paths;

impl Lowering<'_> {
    /// `sh` and its kin: a text (`-c`), a script, or whatever comes in.
    pub(crate) fn shell_program(&mut self, args: &[Arg], segment: &mut Segment, input: Input) {
        let mut rest = args.iter();
        while let Some(arg) = rest.next() {
            let Some(text) = arg.known() else {
                run_unknown(segment, arg.text(), "the script is not known before it runs");
                return;
            };
            match text {
                "--version" | "--help" => return,
                "--" | "-" | "-s" => break,
                "--login" | "--norc" | "--noprofile" | "--posix" | "--verbose" => {}
                "-o" | "+o" | "-O" | "+O" => drop(rest.next()),
                _ if text.starts_with("--") => run_unknown(segment, text, "the shell's option is not known to us"),
                _ if text.starts_with('-') || text.starts_with('+') => {
                    let harmless = text.chars().skip(1).all(|c| "abefhiklmnprtuvxBCEHPTc".contains(c));
                    if !harmless {
                        run_unknown(segment, text, "the shell's option is not known to us");
                    }
                    if text.starts_with('-') && text.contains('c') {
                        match rest.next() {
                            Some(text) => {
                                let positional: Vec<Arg> = rest.cloned().collect();
                                self.shell_text_with(text, &positional, segment);
                            }
                            None => run_unknown(segment, text, "the option lacks its text"),
                        }
                        return;
                    }
                }
                path => {
                    let path = paths::join(path, self.cwd.as_deref());
                    self.script(&path, segment);
                    return;
                }
            }
        }
        match input.text {
            Some(Some(text)) => {
                self.wrappers.push("sh".to_owned());
                self.nested(&text);
                self.wrappers.pop();
            }
            Some(None) => run_unknown(segment, "(input)", "the shell runs a text that is not known before it runs"),
            None => {
                let why =
                    if input.fed { "the shell runs whatever comes in" } else { "the shell runs whatever is typed" };
                run_unknown(segment, "(input)", why);
                segment.factors.push(Factor { name: "code_from_input", points: 15, why: why.to_owned() });
            }
        }
    }

    /// A text with its positional parameters, `$0` first.
    fn shell_text_with(&mut self, text: &Arg, positional: &[Arg], segment: &mut Segment) {
        self.contained(|walk| {
            for (number, value) in positional.iter().enumerate() {
                walk.variables.insert(number.to_string(), value.clone());
            }
            if let Some([only]) = positional.get(1..) {
                walk.variables.insert("@".to_owned(), only.clone());
            }
            walk.shell_text(text, segment);
        });
    }

    /// A text that a shell will run, in a shell of its own.
    pub(crate) fn shell_text(&mut self, text: &Arg, segment: &mut Segment) {
        match text.known() {
            Some(text) => {
                self.wrappers.push("sh -c".to_owned());
                self.nested(text);
                self.wrappers.pop();
            }
            None => run_unknown(segment, text.text(), "the text for the shell is not known before it runs"),
        }
    }
}
