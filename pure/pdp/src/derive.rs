//! From one approved act to rules that could be made of it: the act itself, and patterns in which one part varies.
//!
//! What varies is bounded by what it looks like: a number varies over numbers, a name over names, a file over the files
//! of its directory with the same ending. Nothing is derived of what runs other things, is not understood whole, or is
//! of high risk.

use model::{Arg, Intent, Level, Segment};

use crate::pattern::line_of;
use crate::policy::{Policy, Sources};
use crate::risk::risk_of;

/// The most patterns that are derived of one act, after the act itself.
const MAX_PATTERNS: usize = 6;

/// A rule that could be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// What is fixed and what varies, in words.
    pub what: String,
    /// The keys of the rule that say what it matches, with its examples, as in a file.
    pub text: String,
    /// Close variants that it would let run.
    pub releases: Vec<String>,
    /// Close variants that it would not.
    pub refuses: Vec<String>,
}

/// Shapes of words that vary, narrowest first: its name, an expression for it, another word of that shape.
struct Shape {
    name: &'static str,
    expression: String,
    other: String,
}

/// Derives rules from an act, the narrowest first.
///
/// # Errors
/// No rule is made of such an act; the text says why, for people.
pub fn derive(intent: &Intent, read: &dyn Fn(&str) -> Intent) -> Result<Vec<Candidate>, String> {
    let segment = suitable(intent)?;
    let words: Vec<&str> = segment.argv.iter().filter_map(Arg::known).collect();
    let line = line_of(words.iter().copied());
    let mut found = Vec::new();
    let exact = format!("exact = {}\n", quoted(&line));
    let changed = words.iter().enumerate().skip(1).map(|(at, word)| with(&words, at, &format!("{word}x")));
    let refuses: Vec<String> = changed.take(2).chain(attacks(&line)).collect();
    found.extend(candidate(
        "exactly this command, and nothing with it".to_owned(),
        &exact,
        segment,
        vec![line.clone()],
        refuses,
        read,
    ));
    for (at, word) in words.iter().enumerate().skip(1) {
        let Some(shape) = shape(word).filter(|_| found.len() <= MAX_PATTERNS) else { continue };
        let parts: Vec<String> =
            words
                .iter()
                .enumerate()
                .map(|(place, word)| {
                    if place == at { shape.expression.clone() } else { regex::escape(&line_of(std::iter::once(*word))) }
                })
                .collect();
        let releases = vec![line.clone(), with(&words, at, &shape.other)];
        let refuses = std::iter::once(with(&words, at, "-x")).chain([with(&words, at, "../x")]).chain(attacks(&line));
        let what = format!("`{line}`, where `{word}` may be any {}", shape.name);
        found.extend(candidate(
            what,
            &format!("regex = {}\n", quoted(&parts.join(" "))),
            segment,
            releases,
            refuses.collect(),
            read,
        ));
    }
    if found.is_empty() { Err("no rule for it loads; write one by hand".to_owned()) } else { Ok(found) }
}

/// The only segment of an act that rules may be made of.
fn suitable(intent: &Intent) -> Result<&Segment, String> {
    let no = |why: &str| Err(format!("no rule is made of this: {why}"));
    let [segment] = intent.segments.as_slice() else {
        return no("it is more than one command; each would have to stand on its own");
    };
    if !intent.unknowns.is_empty() || !segment.unknowns.is_empty() {
        return no("a part of it is not understood");
    }
    if segment.dressed || !segment.wrappers.is_empty() || segment.found_at.is_some() {
        return no("redirections, variables, wrappers or another place of the program do more than the command says");
    }
    if segment.argv.iter().any(|word| word.known().is_none()) || segment.argv.is_empty() {
        return no("a word of it is not known before it runs");
    }
    if intent.factors.iter().chain(&segment.factors).any(|factor| factor.points > 0) {
        return no("something about it is out of the ordinary");
    }
    if risk_of(intent).level() >= Level::High {
        return no("its risk is high; such a rule is written by hand, in a file of the policy, where it is reviewed");
    }
    Ok(segment)
}

/// Completes a rule and tries it. One that does not do what its examples say is no candidate.
fn candidate(
    what: String,
    keys: &str,
    segment: &Segment,
    releases: Vec<String>,
    refuses: Vec<String>,
    read: &dyn Fn(&str) -> Intent,
) -> Option<Candidate> {
    let mut actions: Vec<&str> = segment.operations.iter().map(|it| it.action.as_str()).collect();
    let mut categories: Vec<&str> = segment.operations.iter().map(|it| it.category.as_str()).collect();
    for list in [&mut actions, &mut categories] {
        list.sort_unstable();
        list.dedup();
    }
    let list = |words: &[&str]| words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(", ");
    let texts = |words: &[String]| words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(", ");
    let text = format!(
        "verdict = \"allow\"\n{keys}only = [{}]\nonly_category = [{}]\nmatches = [{}]\nspares = [{}]\n",
        list(&actions),
        list(&categories),
        texts(&releases),
        texts(&refuses)
    );
    let file = format!("[[rule]]\nid = \"candidate\"\n{text}");
    let sources = Sources::files(vec![("candidate".to_owned(), file)]);
    Policy::load(&sources, read).ok()?;
    Some(Candidate { what, text, releases, refuses })
}

/// Ways to do more than a command says.
fn attacks(line: &str) -> impl Iterator<Item = String> {
    [format!("{line}; id"), format!("{line} $(id)"), format!("{line} > out"), format!("{line} extra")].into_iter()
}

fn with(words: &[&str], at: usize, other: &str) -> String {
    line_of(words.iter().enumerate().map(|(place, word)| if place == at { other } else { word }))
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// What a word looks like, if it looks like something that varies.
fn shape(word: &str) -> Option<Shape> {
    const NAME: &str = "[A-Za-z0-9_][A-Za-z0-9._-]*";
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let hex = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
    if word.starts_with('-') || word.is_empty() {
        return None;
    }
    if word.chars().all(|c| c.is_ascii_digit()) {
        return Some(Shape { name: "number", expression: "[0-9]+".to_owned(), other: "4711".to_owned() });
    }
    if word.len() >= 7 && word.chars().all(hex) {
        return Some(Shape { name: "hash", expression: "[0-9a-f]{7,64}".to_owned(), other: "0123abc".to_owned() });
    }
    let (directory, name) = word.rsplit_once('/').map_or(("", word), |(directory, name)| (directory, name));
    if name.is_empty() || !name.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_') || !name.chars().all(plain)
    {
        return None;
    }
    let fixed = |text: &str| text.chars().all(|c| plain(c) || c == '/') && !text.split('/').any(|part| part == "..");
    let ending = name.rsplit_once('.').map(|(_, ending)| ending).filter(|it| !it.is_empty());
    if directory.is_empty() && ending.is_none() {
        return Some(Shape { name: "name", expression: NAME.to_owned(), other: "another-name".to_owned() });
    }
    if !fixed(directory) {
        return None;
    }
    let before = if word.contains('/') { format!("{}/", regex::escape(directory)) } else { String::new() };
    let after = ending.map_or_else(String::new, |it| format!("\\.{}", regex::escape(it)));
    let slash = if word.contains('/') { "/" } else { "" };
    let dotted = ending.map_or_else(String::new, |it| format!(".{it}"));
    Some(Shape {
        name: "file of that directory with that ending",
        expression: format!("{before}{NAME}{after}"),
        other: format!("{directory}{slash}another{dotted}"),
    })
}
