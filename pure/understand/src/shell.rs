//! Shells as programs: `sh -c TEXT`, `sh FILE`, or `sh` reading whatever comes in.

use model::{Arg, Factor, Segment, Unknown};

use crate::command::{Input, run_unknown};
use crate::lower::Lowering;
use crate::paths;

impl Lowering<'_> {
    /// `sh` and its kin: a text (`-c`), a script, or whatever comes in.
    pub(crate) fn shell_program(&mut self, name: &str, args: &[Arg], segment: &mut Segment, input: Input) {
        let bash = matches!(name, "bash" | "rbash");
        let mut rest = args.iter();
        let mut traced = false;
        while let Some(arg) = rest.next() {
            let Some(text) = arg.known() else {
                run_unknown(segment, arg.text(), "the script is not known before it runs");
                return;
            };
            match text {
                "--version" | "--help" => return,
                "--" | "-" | "-s" => break,
                "--norc" | "--noprofile" | "--posix" | "--verbose" => {}
                "--login" => starts_up(text, segment),
                "--rcfile" | "--init-file" => {
                    let _ = rest.next();
                    starts_up(text, segment);
                }
                "-o" | "+o" | "-O" | "+O" => drop(rest.next()),
                _ if text.starts_with("--") => run_unknown(segment, text, "the shell's option is not known to us"),
                _ if text.starts_with('-') || text.starts_with('+') => {
                    traced |= text.starts_with('-') && text.contains('x');
                    if text.starts_with('-') && text.contains(['l', 'i']) {
                        starts_up(text, segment);
                    }
                    let harmless = text.chars().skip(1).all(|c| "abefhiklmnprtuvxBCEHPTc".contains(c));
                    if !harmless {
                        run_unknown(segment, text, "the shell's option is not known to us");
                    }
                    if text.starts_with('-') && text.contains('c') {
                        match rest.next() {
                            Some(text) => {
                                let positional: Vec<Arg> = rest.cloned().collect();
                                let traces = self.state.traces;
                                self.state.traces |= traced;
                                self.shell_text_with(bash, text, &positional, segment);
                                self.state.traces = traces;
                            }
                            None => run_unknown(segment, text, "the option lacks its text"),
                        }
                        return;
                    }
                }
                path if paths::is_standard_input(path) => break,
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
                self.process(&text);
                self.wrappers.pop();
                if !bash {
                    doubt(&text, segment);
                }
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
    fn shell_text_with(&mut self, bash: bool, text: &Arg, positional: &[Arg], segment: &mut Segment) {
        self.positional_for_shell = Some(positional.to_vec());
        self.shell_text_for(bash, text, segment);
        self.positional_for_shell = None;
    }

    /// A text that the system's shell will run, in a shell of its own.
    pub(crate) fn shell_text(&mut self, text: &Arg, segment: &mut Segment) {
        self.shell_text_for(false, text, segment);
    }

    /// The same, for a shell that is Bash or may be another.
    pub(crate) fn shell_text_for(&mut self, bash: bool, text: &Arg, segment: &mut Segment) {
        match text.known() {
            Some(text) => {
                self.wrappers.push("sh -c".to_owned());
                self.process(text);
                self.wrappers.pop();
                if !bash {
                    doubt(text, segment);
                }
            }
            None => run_unknown(segment, text.text(), "the text for the shell is not known before it runs"),
        }
    }
}

/// A shell that reads start-up files first: what they hold is not part of the text.
fn starts_up(option: &str, segment: &mut Segment) {
    run_unknown(segment, option, "the shell runs its start-up files first, which are not part of the command");
}

/// What `sh` is depends on the system, and shells differ on what these mean: `sh -c 'rm {a,b}'` removes one file or two,
/// `ls &> f` writes one or runs `ls` in the background and empties it.
const DIFFER: &[&str] = &[
    "$'",
    "$\"",
    "[[",
    "<(",
    ">(",
    "<<<",
    "&>",
    "|&",
    "function ",
    "select ",
    "coproc ",
    "+=",
    "=(",
    "${!",
    "^^",
    ",,",
    ";&",
    "$[",
];

/// Says so where a text uses one of them.
fn doubt(text: &str, segment: &mut Segment) {
    let braces = text.contains('{')
        && text.split('{').skip(1).any(|rest| {
            let inside = rest.split('}').next().unwrap_or("");
            !inside.starts_with([' ', '\n', '}']) && (inside.contains(',') || inside.contains(".."))
        });
    let expansions = text
        .split("${")
        .skip(1)
        .any(|rest| rest.split('}').next().is_some_and(|inside| inside.contains("//") || inside.contains("@")));
    let found = DIFFER.iter().find(|mark| text.contains(**mark));
    if braces || expansions || found.is_some() {
        let why = "shells differ on what this means, and which one `sh` is here is not known".to_owned();
        segment.unknowns.push(Unknown { text: found.map_or_else(|| text.to_owned(), |mark| (*mark).to_owned()), why });
    }
}
