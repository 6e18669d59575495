//! Which names of a language's library do what, and the reading of a code by the names it calls.

use model::{Arg, Operation, Resource, Segment, Unknown};

use super::arguments::{arguments, literals};
use super::names::{own_names, rebinds, unknown_modules};
use super::scan::{self, Lexis, Token};
use crate::command::run_unknown;
use crate::knowledge::Role;
use crate::lower::Lowering;

include!(concat!(env!("OUT_DIR"), "/languages.rs"));

/// What a call does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    /// Nothing outside the program.
    Pure,
    /// A role on the first argument, a path or an address.
    On(Role),
    /// Opens the first argument; the second says how.
    Open,
    /// Runs the first argument as a text for the shell.
    Shell,
    /// Runs a program: the first argument, or a list of words.
    Exec,
    /// Runs code that it is given.
    Code,
    /// Reads the environment.
    Environment,
    /// Changes the user or group it runs as.
    Elevate,
}

/// A language that is read by its calls.
#[derive(Debug)]
pub(crate) struct Language {
    pub(super) name: &'static str,
    /// The names of its interpreters, without a version.
    programs: &'static [&'static str],
    /// Options whose value is code.
    pub(super) code: &'static [&'static str],
    /// Options whose value is a module that is run or loaded.
    pub(super) modules: &'static [&'static str],
    /// Options with a value that changes nothing we judge.
    pub(super) values: &'static [&'static str],
    pub(super) lexis: Lexis,
    calls: &'static [(&'static str, Act)],
    /// Names that load a module, and modules that do nothing when they are loaded.
    imports: &'static [&'static str],
    pub(super) modules_known: &'static [&'static str],
    keywords: &'static [&'static str],
}

/// The language of an interpreter, by its program's name with any version (`python3.11`).
pub(crate) fn language_of(program: &str) -> Option<&'static Language> {
    let family = program.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.' || c == '-');
    let named = |language: &&Language| language.programs.contains(&program) || language.programs.contains(&family);
    LANGUAGES.iter().find(named)
}

impl Lowering<'_> {
    /// Reads a code by its calls. Effects that are plain are shown; whatever is not known makes coverage partial.
    pub(super) fn calls(&mut self, language: &Language, code: &str, segment: &mut Segment) {
        let Some(tokens) = scan::tokens(code, &language.lexis) else {
            run_unknown(segment, language.name, "the code could not be read");
            return;
        };
        // Whatever it does, it is code in a language that can do anything: never a mere read.
        segment.operations.push(super::run(Resource::Program(format!("{} code", language.name))));
        let mut doubts: Vec<&str> = Vec::new();
        let own: Vec<&str> = own_names(&tokens);
        for (at, token) in tokens.iter().enumerate() {
            match token {
                Token::Mark('`') => self.shell_call(tokens.get(at.saturating_add(1)), segment),
                Token::Word(word) if language.name == "Perl" && perl_evaluates(&tokens, at, word) => {
                    doubts.push("a substitution that runs what it makes");
                }
                Token::Word(word) => {
                    let member = at.checked_sub(1).and_then(|at| tokens.get(at)) == Some(&Token::Mark('.'));
                    let called = is_called(&tokens, at, language);
                    match find(language, word, member) {
                        Some(act) if called || bare_acts(act) => self.call(act, language, &tokens, at, segment),
                        // Handed on as a value, it can be called under another name.
                        Some(act) if act != Act::Pure => doubts.push(word),
                        Some(_) => {}
                        None if rebinds(&tokens, at, language, word) => doubts.push(word),
                        None if language.imports.contains(&word.as_str()) => {
                            doubts.extend(unknown_modules(&tokens, at, language));
                        }
                        None if called
                            && !own.contains(&word.as_str())
                            && !language.keywords.contains(&word.as_str()) =>
                        {
                            doubts.push(word)
                        }
                        None => {}
                    }
                }
                // Perl calls by reference, and runs what a substitution makes: `$f->(…)`, `&$f`, `s/…/…/e`.
                Token::Mark('>' | '&') if language.name == "Perl" && perl_reference(&tokens, at) => {
                    doubts.push("a call by reference");
                }
                // A call of something that has no name: `x[0](…)`, `f()(…)`, `"name"(…)`.
                Token::Mark(']' | ')' | '}') | Token::Text(..)
                    if tokens.get(at.saturating_add(1)) == Some(&Token::Mark('(')) =>
                {
                    doubts.push("a call of something without a name");
                }
                // Code can stand inside a literal that is filled in.
                Token::Text(text, true) if ["{", "${", "#{", "@{"].iter().any(|open| text.contains(open)) => {
                    doubts.push(text)
                }
                Token::Text(..) | Token::Number | Token::Mark(_) => {}
            }
        }
        if let Some(first) = doubts.first() {
            let literals: Vec<&str> = tokens
                .iter()
                .filter_map(|token| if let Token::Text(text, _) = token { Some(text.as_str()) } else { None })
                .collect();
            for literal in literals {
                self.suspect(literal, segment);
            }
            segment.unknowns.push(Unknown {
                text: (*first).to_owned(),
                why: format!("what this does in {} is not known to us", language.name),
            });
        }
    }

    fn call(&mut self, act: Act, language: &Language, tokens: &[Token], at: usize, segment: &mut Segment) {
        let arguments = arguments(tokens, at);
        let first = arguments.first().copied();
        match act {
            Act::Pure => {}
            Act::On(role) => {
                let value = as_arg(first);
                let role = if role.is_on_path() && value.text().contains("://") { Role::Url } else { role };
                if role == Role::Url && arguments.len() > 1 {
                    self.effect(&value, Role::Send, false, &mut segment.operations, &mut segment.unknowns);
                }
                if role.is_on_network() && value.known().is_some_and(|text| !text.contains([':', '.'])) {
                    segment.operations.push(Operation {
                        action: role.effect().0,
                        resource: Resource::Unknown("the network".to_owned()),
                        category: role.effect().1,
                        reversibility: role.effect().2,
                        recursive: false,
                    });
                } else {
                    self.effect(&value, role, false, &mut segment.operations, &mut segment.unknowns);
                }
            }
            Act::Open => {
                let mode = arguments.iter().skip(1).find_map(|token| match token {
                    Some(Token::Text(text, false)) => Some(text.as_str()),
                    _ => None,
                });
                // Perl's open takes the mode as the second of three, or joined to the name.
                let texts: Vec<&str> = arguments
                    .iter()
                    .filter_map(|token| match token {
                        Some(Token::Text(text, _)) => Some(text.as_str()),
                        _ => None,
                    })
                    .collect();
                if texts
                    .iter()
                    .any(|text| matches!(text.trim(), "|-" | "-|") || text.starts_with('|') || text.ends_with('|'))
                {
                    run_unknown(segment, texts.last().copied().unwrap_or("open"), "opens a pipe to a command");
                    return;
                }
                let writes = texts.iter().any(|text| text.starts_with('>') || text.starts_with("+<"))
                    || mode.is_some_and(|mode| mode.len() <= 4 && mode.contains(['w', 'a', 'x', '+']));
                let value = texts.iter().find(|text| text.len() > 3 || text.contains(['.', '/'])).map_or_else(
                    || as_arg(first),
                    |text| Arg::Known(text.trim_start_matches(['>', '<', '+', ' ']).to_owned()),
                );
                let role = if writes { Role::Write } else { Role::Read };
                self.effect(&value, role, false, &mut segment.operations, &mut segment.unknowns);
                if writes && mode.is_none_or(|mode| mode.contains('+')) {
                    self.effect(&value, Role::Read, false, &mut segment.operations, &mut segment.unknowns);
                }
            }
            Act::Shell => self.shell_call(first.flatten(), segment),
            Act::Exec => {
                let words: Vec<String> = literals(tokens, at);
                match words.split_first() {
                    Some(_) => {
                        segment.operations.push(super::run(Resource::Program(words.join(" "))));
                        let inner: Vec<Arg> = words.iter().cloned().map(Arg::Known).collect();
                        if words.len() == 1 && words.iter().any(|word| word.contains(' ')) {
                            self.shell_call(first.flatten(), segment);
                        } else {
                            self.wrapped(language.name, inner, segment, crate::command::Input::default());
                        }
                    }
                    None => run_unknown(segment, language.name, "runs a program that is named when it runs"),
                }
            }
            Act::Code => run_unknown(segment, language.name, "runs code that is made when it runs"),
            Act::Environment => segment.operations.push(Operation {
                action: model::Action::Read,
                resource: Resource::Unknown("the environment".to_owned()),
                category: model::Category::CredentialAccess,
                reversibility: model::Reversibility::Reversible,
                recursive: false,
            }),
            Act::Elevate => segment.operations.push(Operation {
                action: model::Action::Elevate,
                resource: Resource::System,
                category: model::Category::Privilege,
                reversibility: model::Reversibility::Partial,
                recursive: false,
            }),
        }
    }

    fn shell_call(&mut self, argument: Option<&Token>, segment: &mut Segment) {
        match argument {
            Some(Token::Text(text, false)) => {
                segment.operations.push(super::run(Resource::Program(text.clone())));
                self.shell_text(&Arg::Known(text.clone()), segment);
            }
            _ => run_unknown(segment, "(command)", "runs a command that is made when it runs"),
        }
    }
}

fn perl_reference(tokens: &[Token], at: usize) -> bool {
    let next = tokens.get(at.saturating_add(1));
    match tokens.get(at) {
        Some(Token::Mark('>')) => next == Some(&Token::Mark('(')),
        _ => match next {
            Some(Token::Mark('{')) => true,
            Some(Token::Word(word)) => word.starts_with('$'),
            _ => false,
        },
    }
}

/// The flags of a substitution with an `e` among them: the mark before them ended it.
fn perl_evaluates(tokens: &[Token], at: usize, word: &str) -> bool {
    let ended = matches!(
        at.checked_sub(1).and_then(|at| tokens.get(at)),
        Some(Token::Mark('/' | '}' | ')' | ']' | '|' | '#' | '!' | ',' | '>' | '~'))
    );
    ended
        && word.len() <= 6
        && word.contains('e')
        && word.chars().all(|c| "msixpodualngcer".contains(c))
        && !matches!(word, "else" | "die" | "ge" | "ne" | "le" | "use" | "no")
}

fn as_arg(token: Option<Option<&Token>>) -> Arg {
    match token.flatten() {
        Some(Token::Text(text, false)) => Arg::Known(text.clone()),
        Some(Token::Text(text, true)) => Arg::Unknown(text.clone()),
        _ => Arg::Unknown("a name made when it runs".to_owned()),
    }
}

/// Acts that need no parentheses to be done: `exec "…"`, `` `…` ``, an attribute that is the environment.
const fn bare_acts(act: Act) -> bool {
    matches!(act, Act::Environment | Act::Code)
}

fn find(language: &Language, word: &str, member: bool) -> Option<Act> {
    let exact = |name: &str| language.calls.iter().find(|(known, _)| *known == name).map(|(_, act)| *act);
    if !member && let Some(act) = exact(word) {
        return Some(act);
    }
    let last = word.rsplit(['.', ':', '>']).next().unwrap_or(word);
    if member || last.len() < word.len() { exact(&format!(".{last}")) } else { None }
}

/// Whether the word at a place is called: with parentheses, or in languages that need none with a literal behind it.
fn is_called(tokens: &[Token], at: usize, language: &Language) -> bool {
    match tokens.get(at.saturating_add(1)) {
        Some(Token::Mark('(')) => true,
        Some(Token::Text(..)) => language.bare_calls(),
        Some(Token::Word(_)) if language.bare_calls() => true,
        Some(Token::Mark('[' | '<')) if language.name == "Perl" => true,
        _ => false,
    }
}

impl Language {
    /// Whether its code is read at all.
    pub(super) fn is_read(&self) -> bool {
        self.name != "other"
    }

    fn bare_calls(&self) -> bool {
        matches!(self.name, "Perl" | "Ruby" | "PHP" | "Lua")
    }
}
