//! From one approved act to rules that could be made of it: the act itself, and patterns in which one part varies.
//!
//! What varies is bounded by what it looks like: a number varies over numbers, a name over names, a file over the files
//! of its directory with the same ending. Nothing is derived of what runs other things, is not understood whole, or is
//! of high risk.

use std::collections::{BTreeMap, BTreeSet};

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

/// A rule under way: its words are there, and it was not tried yet.
struct Proposal<'a> {
    what: String,
    /// The key that says what it matches.
    keys: String,
    segment: &'a Segment,
    releases: Vec<String>,
    refuses: Vec<String>,
    /// How many words vary.
    breadth: usize,
}

/// Derives rules from an act, the narrowest first.
///
/// # Errors
/// No rule is made of such an act; the text says why, for people.
pub fn derive(intent: &Intent, read: &dyn Fn(&str) -> Intent) -> Result<Vec<Candidate>, String> {
    let proposals = proposals(suitable(intent)?);
    let found: Vec<Candidate> = proposals.into_iter().filter_map(|it| candidate(it, read)).collect();
    if found.is_empty() { Err("no rule for it loads; write one by hand".to_owned()) } else { Ok(found) }
}

fn proposals(segment: &Segment) -> Vec<Proposal<'_>> {
    let words: Vec<&str> = segment.argv.iter().filter_map(Arg::known).collect();
    let line = line_of(words.iter().copied());
    let changed = words.iter().enumerate().skip(1).map(|(at, word)| with(&words, at, &format!("{word}x")));
    let mut found = vec![Proposal {
        what: "exactly this command, and nothing with it".to_owned(),
        keys: format!("exact = {}\n", quoted(&line)),
        segment,
        releases: vec![line.clone()],
        refuses: changed.take(2).chain(attacks(&line)).collect(),
        breadth: 0,
    }];
    let shapes: Vec<(usize, Shape)> =
        words.iter().enumerate().skip(1).filter_map(|(at, word)| Some((at, shape(word)?))).take(MAX_PATTERNS).collect();
    let expression = |varying: &dyn Fn(usize) -> bool| {
        let part = |(at, word): (usize, &&str)| match shapes.iter().find(|(place, _)| *place == at && varying(at)) {
            Some((_, shape)) => shape.expression.clone(),
            None => regex::escape(&line_of(std::iter::once(*word))),
        };
        format!("regex = {}\n", quoted(&words.iter().enumerate().map(part).collect::<Vec<_>>().join(" ")))
    };
    for (at, shape) in &shapes {
        let word = words.get(*at).copied().unwrap_or_default();
        let refuses = [with(&words, *at, "-x"), with(&words, *at, "../x")].into_iter().chain(attacks(&line));
        found.push(Proposal {
            what: format!("`{line}`, where `{word}` may be any {}", shape.name),
            keys: expression(&|place| place == *at),
            segment,
            releases: vec![line.clone(), with(&words, *at, &shape.other)],
            refuses: refuses.collect(),
            breadth: 1,
        });
    }
    if shapes.len() > 1 {
        let other = |at: usize, word: &str| {
            shapes.iter().find(|it| it.0 == at).map_or(word.to_owned(), |it| it.1.other.clone())
        };
        let all: Vec<String> = words.iter().enumerate().map(|(at, word)| other(at, word)).collect();
        let first = shapes.first().map_or(0, |(at, _)| *at);
        let refuses = [with(&words, first, "-x"), with(&words, first, "../x")].into_iter().chain(attacks(&line));
        found.push(Proposal {
            what: format!("`{line}`, where {} words may each be another of their shape", shapes.len()),
            keys: expression(&|_| true),
            segment,
            releases: vec![line.clone(), line_of(all.iter().map(String::as_str))],
            refuses: refuses.collect(),
            breadth: shapes.len(),
        });
    }
    found
}

/// A rule that would have spared people many questions, with its evidence.
#[derive(Clone, Debug)]
pub struct Suggestion {
    /// The rule.
    pub candidate: Candidate,
    /// The acts that it is made of, by their places in what was given.
    pub evidence: Vec<usize>,
}

/// Mines acts that people agreed to for rules: the narrowest that speak about at least `least` of them. A pattern in
/// which words vary needs as many different acts as it has words that vary, and one more.
pub fn mine(acts: &[&Intent], least: usize, read: &dyn Fn(&str) -> Intent) -> Vec<Suggestion> {
    let mut groups: BTreeMap<(usize, String), Vec<usize>> = BTreeMap::new();
    for (place, act) in acts.iter().enumerate() {
        let Ok(segment) = suitable(act) else { continue };
        for proposal in proposals(segment) {
            // What the act does is a part of the rule, so it is a part of what makes two acts alike.
            let bounds = bounds(proposal.segment);
            groups.entry((proposal.breadth, format!("{}{bounds}", proposal.keys))).or_default().push(place);
        }
    }
    let mut groups: Vec<((usize, String), Vec<usize>)> =
        groups.into_iter().filter(|(_, places)| places.len() >= least).collect();
    // Many questions spared first; of equals the narrower.
    groups.sort_by(|a, b| b.1.len().cmp(&a.1.len()).then_with(|| a.0.cmp(&b.0)));
    let mut covered = vec![false; acts.len()];
    let mut found = Vec::new();
    for ((breadth, key), places) in groups {
        let fresh: Vec<usize> = places.iter().copied().filter(|at| covered.get(*at) == Some(&false)).collect();
        if fresh.len() < least {
            continue;
        }
        let lines: BTreeSet<String> = places
            .iter()
            .filter_map(|at| acts.get(*at))
            .map(|act| act.segments.iter().map(Segment::line).collect())
            .collect();
        if lines.len() <= breadth {
            continue;
        }
        let first = fresh.first().and_then(|at| acts.get(*at)).and_then(|act| suitable(act).ok());
        let proposal = first
            .map(proposals)
            .unwrap_or_default()
            .into_iter()
            .find(|it| it.breadth == breadth && key == format!("{}{}", it.keys, bounds(it.segment)));
        let Some(candidate) = proposal.and_then(|it| candidate(it, read)) else { continue };
        for at in &fresh {
            if let Some(slot) = covered.get_mut(*at) {
                *slot = true;
            }
        }
        found.push(Suggestion { candidate, evidence: fresh });
    }
    found
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
fn candidate(proposal: Proposal<'_>, read: &dyn Fn(&str) -> Intent) -> Option<Candidate> {
    let Proposal { what, keys, segment, releases, refuses, .. } = proposal;
    let texts = |words: &[String]| words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(", ");
    let text = format!(
        "verdict = \"allow\"\n{keys}{}matches = [{}]\nspares = [{}]\n",
        bounds(segment),
        texts(&releases),
        texts(&refuses)
    );
    let file = format!("[[rule]]\nid = \"candidate\"\n{text}");
    let sources = Sources::files(vec![("candidate".to_owned(), file)]);
    Policy::load(&sources, read).ok()?;
    Some(Candidate { what, text, releases, refuses })
}

/// What the act does, as bounds of the rule.
fn bounds(segment: &Segment) -> String {
    let mut actions: Vec<&str> = segment.operations.iter().map(|it| it.action.as_str()).collect();
    let mut categories: Vec<&str> = segment.operations.iter().map(|it| it.category.as_str()).collect();
    for list in [&mut actions, &mut categories] {
        list.sort_unstable();
        list.dedup();
    }
    let list = |words: &[&str]| words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(", ");
    format!("only = [{}]\nonly_category = [{}]\n", list(&actions), list(&categories))
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
    const NUMBERED: &str = "[A-Za-z0-9_][A-Za-z0-9._-]*[0-9][A-Za-z0-9._-]*";
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
        // A bare word may be a subcommand (`git stash drop`), and those never vary.
        if !name.chars().any(|c| c.is_ascii_digit()) {
            return None;
        }
        return Some(Shape {
            name: "name with a number in it",
            expression: NUMBERED.to_owned(),
            other: "another-name-1".to_owned(),
        });
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
