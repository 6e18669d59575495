//! The corpus: pages of Markdown whose fenced blocks are commands with their expected verdicts. They are the manual's
//! "what is held and why", and they are tests.
//!
//! A block opens with ```` ```sh verdict=VERDICT ```` and may say more: `rule=ID` or `factor=NAME` (it must be among the
//! reasons or factors), `level=LEVEL`, `coverage=full|partial`, `effect="ACTION RESOURCE"` (it must be among the
//! effects), `action=ACTION`, `category=CATEGORY`, `developer=VERDICT` or `production=VERDICT` (what that preset says). Each
//! block is one command, or, with the word `each`, each of its lines is one; a page may have many.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use model::{Digest, Intent, RequestDigest};
use pdp::{Decision, Policy, Situation, Source};

/// One command with what is expected of it.
#[derive(Debug)]
pub struct Case {
    /// File and line.
    pub place: String,
    /// The command.
    pub text: String,
    /// What is expected, by name.
    pub expected: BTreeMap<String, String>,
}

/// Reads every page of a directory.
pub fn read(directory: &Path) -> Vec<Case> {
    let mut pages: Vec<_> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    pages.sort();
    pages.iter().filter(|page| page.extension().is_some_and(|it| it == "md")).flat_map(|page| read_page(page)).collect()
}

fn read_page(page: &Path) -> Vec<Case> {
    let text = fs::read_to_string(page).unwrap();
    let mut cases = Vec::new();
    let mut lines = text.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        let Some(info) = line.strip_prefix("```sh ") else { continue };
        let body: Vec<&str> = lines.by_ref().map(|(_, line)| line).take_while(|line| *line != "```").collect();
        let page = page.file_name().unwrap().to_string_lossy().into_owned();
        match info.strip_prefix("each ") {
            Some(info) => cases.extend(body.iter().enumerate().map(|(line, text)| Case {
                place: format!("{page}:{}", number.saturating_add(line).saturating_add(2)),
                text: (*text).to_owned(),
                expected: words(info),
            })),
            None => {
                let place = format!("{page}:{}", number.saturating_add(1));
                cases.push(Case { place, text: body.join("\n"), expected: words(info) });
            }
        }
    }
    cases
}

/// `name=value` and `name="a value"`.
fn words(info: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut rest = info.trim();
    while let Some((name, value)) = rest.split_once('=') {
        let (value, after) = match value.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None => value.split_once(' ').unwrap_or((value, "")),
        };
        found.insert(name.trim().to_owned(), value.to_owned());
        rest = after.trim();
    }
    found
}

/// The presets that a page can speak of.
#[derive(Debug)]
pub struct Presets {
    strict: Policy,
    developer: Policy,
    production: Policy,
}

impl Presets {
    /// Loads them.
    pub fn load() -> Self {
        let preset = |name| Policy::preset(name).expect("the shipped rules load");
        Self { strict: preset("strict"), developer: preset("developer"), production: preset("production") }
    }
}

fn decide(case: &Case, intent: &Intent, policy: &Policy) -> Decision {
    let situation = Situation {
        agent: Some("agent"),
        cwd: Some("/work/project"),
        project: Some("/work/project"),
        home: Some("/home/agent"),
        ..Situation::default()
    };
    let request = RequestDigest::carried(Digest::of_bytes(case.text.as_bytes()));
    pdp::evaluate(request, intent, &situation, policy)
}

/// Judges a case under the shipped rules and says what is otherwise than expected.
pub fn judge(case: &Case, presets: &Presets) -> Vec<String> {
    let intent = understand::read_blind(&case.text);
    let decision = decide(case, &intent, &presets.strict);
    let verdict_of = |policy| vec![decide(case, &intent, policy).verdict().as_str().to_owned()];
    let mut problems = Vec::new();
    for (name, expected) in &case.expected {
        let found: Vec<String> = match name.as_str() {
            "verdict" => vec![decision.verdict().as_str().to_owned()],
            "developer" => verdict_of(&presets.developer),
            "production" => verdict_of(&presets.production),
            "level" => vec![decision.risk().level().as_str().to_owned()],
            "coverage" => vec![decision.coverage().as_str().to_owned()],
            "rule" => decision
                .reasons()
                .iter()
                .filter_map(|reason| match &reason.source {
                    Source::Rule(id) => Some(id.clone()),
                    Source::Factor(_) => None,
                })
                .collect(),
            "factor" => intent
                .segments
                .iter()
                .flat_map(|segment| segment.factors.iter())
                .chain(&intent.factors)
                .map(|factor| factor.name.to_owned())
                .collect(),
            "effect" => {
                intent.operations().map(|it| format!("{} {}", it.action.as_str(), it.resource.text())).collect()
            }
            "action" => intent.operations().map(|it| it.action.as_str().to_owned()).collect(),
            "category" => intent.operations().map(|it| it.category.as_str().to_owned()).collect(),
            other => vec![format!("(`{other}` is nothing that can be expected)")],
        };
        if !found.contains(expected) {
            problems.push(format!("{}: `{}`: expected {name}={expected}, found {found:?}", case.place, case.text));
        }
    }
    if !case.expected.contains_key("verdict") {
        problems.push(format!("{}: says no verdict", case.place));
    }
    problems
}
