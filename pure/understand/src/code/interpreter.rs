//! Interpreters as programs: code given inline, a script, a module, or whatever comes in.

use model::{Arg, Fact, FactQuery, Factor, FileKind, Segment, Unknown};

use super::calls::Language;
use crate::command::{Input, run_unknown};
use crate::knowledge::Role;
use crate::lower::Lowering;
use crate::paths;

impl Lowering<'_> {
    /// Reads an interpreter's arguments, and the code it is given where it is given any.
    pub(crate) fn interpreter(
        &mut self,
        program: &str,
        language: &'static Language,
        args: &[Arg],
        segment: &mut Segment,
        input: &Input,
    ) {
        if let [Arg::Known(only)] = args
            && matches!(only.as_str(), "--version" | "-V" | "-v" | "--help" | "-h" | "-version" | "--copyright")
        {
            return;
        }
        let mut rest = args.iter();
        let mut given = false;
        while let Some(arg) = rest.next() {
            let Some(text) = arg.known() else {
                run_unknown(segment, arg.text(), "the script is not known before it runs");
                return;
            };
            let glued = |options: &[&'static str]| {
                options
                    .iter()
                    .find(|it| it.len() == 2 && text.len() > 2 && text.starts_with(**it) && !text.starts_with("--"))
                    .and_then(|it| text.strip_prefix(*it))
            };
            if language.code.contains(&text) || is_bundle(text, language) {
                match rest.next() {
                    Some(code) => self.inline(language, code, segment),
                    None => run_unknown(segment, program, "the option lacks its code"),
                }
                given = true;
                if language.name == "Python" {
                    // What follows is for the code, not for the interpreter.
                    break;
                }
            } else if language.modules.contains(&text) {
                given = true;
                let module = rest.next().map_or("", Arg::text).to_owned();
                self.module(language, &module, rest.as_slice(), segment);
                break;
            } else if let Some(module) = glued(language.modules) {
                segment
                    .unknowns
                    .push(Unknown { text: module.to_owned(), why: "a module is loaded as code".to_owned() });
            } else if language.values.contains(&text) {
                let _ = rest.next();
            } else if text == "-" || (!given && paths::is_standard_input(text)) {
                break;
            } else if text == "--" || text.starts_with('-') {
                if !text.starts_with("--")
                    && text.contains('i')
                    && text.len() <= 4
                    && matches!(language.name, "Perl" | "Ruby")
                {
                    // In-place editing: every file that follows is written.
                    for file in
                        rest.as_slice().iter().filter(|it| !it.text().starts_with('-')).skip(usize::from(!given))
                    {
                        self.effect(file, Role::Write, false, &mut segment.operations, &mut segment.unknowns);
                    }
                }
            } else if !given {
                self.script_of(language, program, text, segment);
                return;
            } else if language.name == "Perl" && text.contains(['|', '>', '<']) {
                run_unknown(segment, text, "Perl runs a command that is given in place of a file");
            } else {
                self.effect(arg, Role::Read, false, &mut segment.operations, &mut segment.unknowns);
            }
        }
        if !given {
            self.fed_by_input(language, program, args, segment, input);
        }
    }

    fn fed_by_input(
        &mut self,
        language: &'static Language,
        program: &str,
        args: &[Arg],
        segment: &mut Segment,
        input: &Input,
    ) {
        match &input.text {
            Some(Some(text)) if language.is_read() => self.calls(language, &text.clone(), segment),
            None if !input.fed && args.is_empty() => {
                segment.operations.push(super::run(model::Resource::Program(format!("a session of `{program}`"))))
            }
            Some(_) | None => run_unknown(segment, program, "runs whatever is typed or comes in"),
        }
        let named = args.iter().any(|arg| !arg.text().starts_with('-') && !paths::is_standard_input(arg.text()));
        if (input.fed || input.text.is_some()) && !named {
            segment.factors.push(Factor {
                name: "code_from_input",
                points: 15,
                why: "runs whatever comes in".to_owned(),
            });
        }
    }

    fn inline(&mut self, language: &'static Language, code: &Arg, segment: &mut Segment) {
        match code.known() {
            Some(text) if language.is_read() => {
                self.calls(language, text, segment);
                self.local_modules(language, text, segment);
            }
            Some(text) => {
                run_unknown(segment, text, "code in a language that is not read");
                self.suspect(text, segment);
            }
            None => run_unknown(segment, code.text(), "the code is not known before it runs"),
        }
    }

    /// Python looks for a module in the working directory first: a file of that name there is what is loaded.
    fn local_modules(&mut self, language: &Language, code: &str, segment: &mut Segment) {
        /// Loaded before any code, or part of the interpreter itself.
        const EARLY: &[&str] = &["os", "sys", "io", "time", "codecs", "itertools", "builtins"];
        if language.name != "Python" {
            return;
        }
        let words = code.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
        let names: Vec<String> = language
            .modules_known
            .iter()
            .filter(|module| {
                !EARLY.contains(module) && code.contains("import") && words.clone().any(|word| word == **module)
            })
            .map(|module| (*module).to_owned())
            .collect();
        for name in names {
            let path = paths::join(&format!("{name}.py"), self.cwd.as_deref());
            if self.fact(FactQuery::File(path.clone())) != Fact::File(FileKind::Missing) {
                segment.unknowns.push(Unknown {
                    text: path,
                    why: "this file, if it is there, is loaded instead of the library's".to_owned(),
                });
            }
        }
    }

    /// Modules that are programs of their own: the harmless ones of Python's library, by its manual.
    fn module(&mut self, language: &Language, module: &str, args: &[Arg], segment: &mut Segment) {
        let reads =
            matches!(module, "json.tool" | "this" | "calendar" | "tokenize" | "dis" | "ast" | "tabnanny" | "pyclbr");
        if language.name == "Python" && reads {
            for file in args.iter().filter(|arg| !arg.text().starts_with('-')).take(1) {
                self.effect(file, Role::Read, false, &mut segment.operations, &mut segment.unknowns);
            }
            for file in args.iter().filter(|arg| !arg.text().starts_with('-')).skip(1) {
                self.effect(file, Role::Write, false, &mut segment.operations, &mut segment.unknowns);
            }
            return;
        }
        if language.name == "Python" && matches!(module, "pip" | "pip3") {
            self.wrapped(
                "python -m",
                std::iter::once(Arg::Known("pip".to_owned())).chain(args.iter().cloned()).collect(),
                segment,
                Input::default(),
            );
            return;
        }
        run_unknown(segment, module, "a module that is run as a program");
    }

    /// A script file: read as code where it is a text in a language that is read.
    fn script_of(&mut self, language: &'static Language, program: &str, path: &str, segment: &mut Segment) {
        self.effect(&Arg::Known(path.to_owned()), Role::Read, false, &mut segment.operations, &mut segment.unknowns);
        let path = paths::join(path, self.cwd.as_deref());
        if !path.starts_with('/') || !language.is_read() {
            run_unknown(segment, program, "runs a script that is not read");
            return;
        }
        self.ran_files.push(path.clone());
        match self.fact(FactQuery::File(path.clone())) {
            Fact::File(FileKind::Text(text, _)) => self.calls(language, &text, segment),
            Fact::File(FileKind::Missing) => run_unknown(segment, &path, "there is no such file now"),
            Fact::Program(_) | Fact::File(_) | Fact::RealPath(_) | Fact::Names(_) | Fact::Unseen | Fact::Unknown => {
                run_unknown(segment, &path, "a file that could not be read as a script");
            }
        }
        segment.operations.push(super::run(model::Resource::Program(path)));
    }
}

/// `-ne`, `-pe`, `-lane`: flags that need no value, and the code option last.
fn is_bundle(text: &str, language: &Language) -> bool {
    let Some(letters) = text.strip_prefix('-').filter(|_| !text.starts_with("--")) else { return false };
    let Some(last) = letters.chars().last() else { return false };
    letters.len() > 1
        && matches!(language.name, "Perl" | "Ruby" | "Python")
        && language.code.contains(&format!("-{last}").as_str())
        && letters.chars().rev().skip(1).all(|c| "nplawsiEuBISOqT0".contains(c))
}
