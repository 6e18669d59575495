//! From files to a set of rules.

use std::collections::{BTreeMap, BTreeSet};

use model::{Digest, Intent};
use serde::Deserialize;
use toml::Spanned;

use super::index::Index;
use super::on_call::OnCallText;
use super::problem::key_at;
use super::settings::{DefaultText, Mode, Settings};
use super::{Policy, PolicyDigest, PolicyProblem, examples, opened};
use crate::pace::{CheckpointText, VelocityText};
use crate::preset;
use crate::rule::{self, Rule, RuleText, RuleVerdict};
use crate::scope::{self, Task, TaskText};
use crate::sequence::{self, Sequence, SequenceText};

/// A file of rules.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct FileText {
    /// The shipped rules and settings that this policy builds on: `strict`, `developer`, `production` or `observe`
    preset: Option<String>,
    /// `enforce`, or `observe`: record decisions and let everything run, which does not protect
    mode: Option<Mode>,
    /// What happens without a rule
    default: Option<DefaultText>,
    /// How fast an agent may go
    velocity: Option<VelocityText>,
    /// After what people look up
    checkpoint: Option<CheckpointText>,
    /// Who is on call when: they are in a group meanwhile, which `who` can ask for
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<OnCallText>"))]
    on_call: Vec<Spanned<OnCallText>>,
    /// Tasks that agents may name, and how far each goes
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<TaskText>"))]
    task: Vec<Spanned<TaskText>>,
    /// Rules
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<RuleText>"))]
    rule: Vec<Spanned<RuleText>>,
    /// Rules over whole sessions
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<SequenceText>"))]
    sequence: Vec<Spanned<SequenceText>>,
}

/// What a policy is made of: files (name and text), in order.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    files: Vec<(String, String)>,
    /// Files whose examples were tried before, by name.
    tried: BTreeSet<String>,
    /// The examples of what ships with the product are tried, too.
    try_shipped: bool,
    /// What patterns are tried on.
    openings: Option<Openings>,
}

/// What can stand behind the fixed words of a command and do more than they say: commands, each with whether it runs a
/// program that it names.
pub type Openings = fn(&[&str]) -> Vec<(String, bool)>;

impl Sources {
    /// A directory's files, in the order of their names. A file that says `preset = "NAME"` brings that preset with it.
    pub fn files(files: Vec<(String, String)>) -> Self {
        Self { files, ..Self::default() }
    }

    /// A preset alone.
    pub fn preset(name: &str) -> Self {
        Self::files(vec![(format!("preset {name}"), format!("preset = \"{name}\"\n"))])
    }

    /// What an operator's directory means: where none of its files chooses a preset, `strict` is meant. To build on
    /// nothing is said with `preset = "none"`.
    pub fn directory(files: Vec<(String, String)>) -> Self {
        // A file that cannot be read is reported when the set is built.
        let chooses = |text: &String| toml::from_str::<FileText>(text).is_ok_and(|it| it.preset.is_some());
        let mut sources = Self::files(files);
        if !sources.files.iter().any(|(_, text)| chooses(text)) {
            sources.files.insert(0, ("(no preset chosen)".to_owned(), "preset = \"strict\"\n".to_owned()));
        }
        sources
    }

    /// The same, where patterns of rules that allow are tried on what opens them.
    pub fn opened_by(mut self, openings: Openings) -> Self {
        self.openings = Some(openings);
        self
    }

    /// The same, where also the rules that ship with the product are tried on their examples.
    pub fn trying_all(mut self) -> Self {
        self.try_shipped = true;
        self
    }

    /// Adds the file of a rule that was made of an approval; it comes after the others of the same priority. Its
    /// examples are tried if asked for.
    pub fn push_made(&mut self, name: String, text: String, try_it: bool) {
        if !try_it {
            self.tried.insert(name.clone());
        }
        self.files.push((name, text));
    }
}

/// What turns a command into an intent.
type Reads<'a> = &'a dyn Fn(&str) -> Intent;

/// A file under way.
struct Source<'a> {
    file: &'a str,
    text: &'a str,
    /// It comes with the product.
    shipped: bool,
    /// Its examples are tried.
    try_it: bool,
    /// The bytes at which its lines begin.
    lines: Vec<usize>,
}

/// What is being put together.
#[derive(Default)]
struct Build {
    rules: Vec<Rule>,
    sequences: Vec<Sequence>,
    tasks: Vec<Task>,
    settings: Settings,
    problems: Vec<PolicyProblem>,
    ids: BTreeMap<String, String>,
    hashed: Vec<u8>,
    /// What no rule that allows may cover, read once.
    canaries: Vec<(&'static str, Intent)>,
    openings: Option<Openings>,
    /// Settings that a file of the directory made, with the file.
    set: BTreeMap<&'static str, String>,
}

/// Reads everything. With `read`, every rule is tried on its examples, except those of presets.
pub(super) fn build(sources: &Sources, read: Option<Reads<'_>>) -> Result<Policy, Vec<PolicyProblem>> {
    let canaries = read.map(examples::canaries).unwrap_or_default();
    let mut build = Build { canaries, openings: sources.openings, ..Build::default() };
    let mut files: Vec<(&str, &str, Option<FileText>, bool)> = Vec::new();
    let mut chosen: Option<(&str, String)> = None;
    for (file, text) in &sources.files {
        match toml::from_str::<FileText>(text) {
            Ok(parsed) => {
                if let Some(name) = &parsed.preset {
                    if let Some((other, _)) = &chosen {
                        build
                            .problems
                            .push(PolicyProblem::of_file(file, format!("`{other}` chooses a preset already")));
                    }
                    chosen = Some((file, name.clone()));
                }
                files.push((file, text, Some(parsed), false));
            }
            Err(why) => build.problems.push(PolicyProblem::of_toml(file, text, &why)),
        }
    }
    if let Some((file, name)) = chosen {
        match preset::files(&name) {
            Some(shipped) => {
                for (at, (file, text)) in shipped.iter().enumerate() {
                    match toml::from_str::<FileText>(text) {
                        Ok(parsed) => files.insert(at, (file, text, Some(parsed), true)),
                        Err(why) => build.problems.push(PolicyProblem::of_toml(file, text, &why)),
                    }
                }
                build.settings.preset = Some(name);
            }
            None => {
                let why = rule::no_such("preset", &name, preset::NAMES.iter().copied());
                let text = sources.files.iter().find(|(it, _)| it == file).map_or("", |(_, text)| text);
                build.problems.push(PolicyProblem::at(file, text, key_at(text, 0, "preset"), why));
            }
        }
    }
    for (file, text, parsed, shipped) in files {
        let Some(parsed) = parsed else { continue };
        build.hashed.extend_from_slice(Digest::within(file, text.as_bytes()).as_array());
        let try_it = (!shipped || sources.try_shipped) && !sources.tried.contains(file);
        let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at.saturating_add(1));
        let lines = std::iter::once(0).chain(breaks).collect();
        build.file(&Source { file, text, shipped, try_it, lines }, parsed, read);
    }
    build.finish()
}

impl Build {
    fn file(&mut self, source: &Source<'_>, parsed: FileText, read: Option<Reads<'_>>) {
        self.settings_of(source, &parsed);
        for spanned in parsed.rule {
            let start = spanned.span().start;
            self.rule(source, start, spanned.into_inner(), read);
        }
        for spanned in parsed.task {
            let start = spanned.span().start;
            let written = spanned.into_inner();
            match scope::read(&written) {
                Ok(task) => self.tasks.push(task),
                Err((key, why)) => {
                    let (byte, why) = (key_at(source.text, start, key), format!("task `{}`: {why}", written.id));
                    self.problems.push(PolicyProblem::at(source.file, source.text, byte, why));
                }
            }
        }
        for spanned in parsed.sequence {
            let start = spanned.span().start;
            self.sequence(source, start, spanned.into_inner(), read.filter(|_| source.try_it));
        }
    }

    fn rule(&mut self, source: &Source<'_>, start: usize, written: RuleText, read: Option<Reads<'_>>) {
        let line = source.lines.partition_point(|begin| *begin <= start);
        let id = written.id.clone();
        self.named(source, start, &id);
        let mut rule = match rule::read(written, (source.file.to_owned(), line)) {
            Ok(rule) => rule,
            Err((key, why)) => return self.problem(source, key_at(source.text, start, key), &id, &why),
        };
        match (rule.is_unbounded(), read) {
            (true, Some(read)) => {
                let examples = rule.matches.clone();
                rule.bound_by_examples(&mut examples.iter().map(|it| read(it)));
            }
            (true, None) => {
                let why = "a shipped pattern says what it may do: `effect`, `only` or `only_category`";
                self.problem(source, start, &id, why);
            }
            (false, _) => {}
        }
        let tried = read
            .filter(|_| source.try_it)
            .map(|read| examples::try_rule(&rule, read, &self.canaries))
            .unwrap_or_default();
        for (key, why) in tried {
            self.problem(source, key_at(source.text, start, key), &id, &why);
        }
        let openings = self.openings.filter(|_| source.try_it && !source.shipped).zip(read);
        if let Some((openings, read)) = openings
            && let Some((key, why)) = opened::by(&rule, openings, read)
        {
            self.problem(source, key_at(source.text, start, key), &id, &why);
        }
        self.rules.push(rule);
    }

    fn sequence(&mut self, source: &Source<'_>, start: usize, written: SequenceText, read: Option<Reads<'_>>) {
        let id = written.id.clone();
        self.named(source, start, &id);
        match sequence::read(written, source.file) {
            Ok(sequence) => {
                let tried = read.map(|read| sequence.try_examples(read)).unwrap_or_default();
                for (key, why) in tried {
                    self.problem(source, key_at(source.text, start, key), &id, &why);
                }
                self.sequences.push(sequence);
            }
            Err((key, why)) => self.problem(source, key_at(source.text, start, key), &id, &why),
        }
    }

    fn problem(&mut self, source: &Source<'_>, byte: usize, id: &str, why: &str) {
        self.problems.push(PolicyProblem::at(source.file, source.text, byte, format!("rule `{id}`: {why}")));
    }

    fn named(&mut self, source: &Source<'_>, start: usize, id: &str) {
        if let Some(other) = self.ids.insert(id.to_owned(), source.file.to_owned()) {
            let why = format!("another rule has this id, in `{other}`");
            self.problem(source, key_at(source.text, start, "id"), id, &why);
        }
    }

    fn settings_of(&mut self, source: &Source<'_>, parsed: &FileText) {
        let Source { file, text, shipped, .. } = source;
        let (file, text, shipped) = (*file, *text, *shipped);
        let mut once = |key: &'static str, given: bool| {
            let twice = if given && !shipped { self.set.insert(key, file.to_owned()) } else { None };
            if let Some(other) = twice {
                let why = format!("`{key}` is set in `{other}` already");
                self.problems.push(PolicyProblem::at(file, text, key_at(text, 0, key), why));
            }
        };
        once("mode", parsed.mode.is_some());
        once("default", parsed.default.is_some());
        once("velocity", parsed.velocity.is_some());
        once("checkpoint", parsed.checkpoint.is_some());
        if let Some(mode) = parsed.mode {
            self.settings.mode = mode;
        }
        if let Some(velocity) = &parsed.velocity {
            velocity.apply(&mut self.settings.velocity);
        }
        let applied = [
            ("[default", parsed.default.as_ref().map_or(Ok(()), |it| it.apply(&mut self.settings))),
            ("[checkpoint", parsed.checkpoint.as_ref().map_or(Ok(()), |it| it.apply(&mut self.settings))),
        ];
        for turn in &parsed.on_call {
            match turn.get_ref().read() {
                Ok(turn) => self.settings.on_call.push(turn),
                Err(why) => self.problems.push(PolicyProblem::at(file, text, turn.span().start, why)),
            }
        }
        for (key, applied) in applied {
            if let Err(why) = applied {
                let byte = text.find(key).unwrap_or(0);
                self.problems.push(PolicyProblem::at(file, text, byte, why));
            }
        }
    }

    fn finish(self) -> Result<Policy, Vec<PolicyProblem>> {
        if !self.problems.is_empty() {
            return Err(self.problems);
        }
        let mut rules = self.rules;
        // Stable: what is equal stays in the order of files and lines. Blocks come first and cannot be shadowed.
        rules.sort_by_key(|rule| (rule.verdict != RuleVerdict::Block, std::cmp::Reverse(rule.priority)));
        let counted = rules.iter().filter(|rule| rule.context.is_counted());
        Ok(Policy {
            limits: counted.map(|rule| (rule.id.clone(), (rule.context.uses, rule.context.rate))).collect(),
            index: Index::of(&rules),
            rules,
            sequences: self.sequences,
            tasks: self.tasks,
            settings: self.settings,
            guard: None,
            digest: PolicyDigest(Digest::within("countersign/policy/v1", &self.hashed)),
        })
    }
}
