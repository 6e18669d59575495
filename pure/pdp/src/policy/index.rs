//! Which rules can speak about a segment at all, found without looking at the others, so that cost does not grow with
//! the number of rules.
//!
//! A rule is entered under what it cannot do without: its program (with the next word, or with all of them), its tool,
//! the directory of its path, its host, its action. A segment is looked up under all that it has. What is entered under
//! nothing is always tried.

use std::collections::BTreeMap;

use model::{Arg, Resource, Segment};

use crate::rule::{Base, Rule, RuleVerdict};

/// Between the words of a key. No argument can hold it.
const BETWEEN: char = '\0';

type Places = Vec<u32>;

/// The index of one set of rules. Places are positions in the set's order.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// By program, program and next word, or all words.
    commands: BTreeMap<Box<str>, Places>,
    /// Rules that restrict, by program: for vectors of which a word is not known.
    in_doubt: BTreeMap<Box<str>, Places>,
    /// Rules that ask about commands: for programs that are not known.
    asking: Places,
    tools: BTreeMap<Box<str>, Places>,
    /// By the directory, with its last slash, or by the whole path.
    paths: BTreeMap<Box<str>, Places>,
    /// Rules that ask about paths: for paths that are not known.
    asking_paths: Places,
    hosts: BTreeMap<Box<str>, Places>,
    /// By the word of an action, a category, or a factor, each with its sort before it.
    words: BTreeMap<Box<str>, Places>,
    always: Places,
}

fn add(map: &mut BTreeMap<Box<str>, Places>, key: &str, place: u32) {
    let places = map.entry(key.into()).or_default();
    if places.last() != Some(&place) {
        places.push(place);
    }
}

fn base_of(program: &str) -> &str {
    program.rsplit('/').next().unwrap_or(program)
}

impl Index {
    /// Enters every rule.
    pub(super) fn of(rules: &[Rule]) -> Self {
        let mut index = Self::default();
        for (place, rule) in (0_u32..).zip(rules) {
            index.enter(rule, place);
        }
        index
    }

    fn enter(&mut self, rule: &Rule, place: u32) {
        if !rule.command.is_empty() {
            return self.enter_command(rule, place);
        }
        if let Some(program) = rule.regex.as_ref().and_then(|regex| regex.program()) {
            return add(&mut self.commands, program, place);
        }
        if let Some(name) = rule.tool.as_ref().and_then(|tool| tool.literal()) {
            return add(&mut self.tools, name, place);
        }
        let target = &rule.target;
        let only_paths = target.hosts.is_empty() && target.named.is_empty() && target.sql.is_empty();
        let rooted = |it: &crate::rule::PathPattern| it.base == Base::Root && it.glob.prefix().len() > 1;
        if only_paths && !target.paths.is_empty() && target.paths.iter().all(rooted) {
            for pattern in &target.paths {
                let prefix = pattern.glob.prefix();
                let key = if pattern.glob.literal().is_some() { prefix } else { directory(prefix) };
                add(&mut self.paths, key, place);
            }
            if rule.verdict == RuleVerdict::Ask {
                self.asking_paths.push(place);
            }
            return;
        }
        let only_hosts = target.paths.is_empty() && target.named.is_empty() && target.sql.is_empty();
        let asks = rule.verdict == RuleVerdict::Ask;
        if only_hosts && !asks && !target.hosts.is_empty() && target.hosts.iter().all(|it| it.literal().is_some()) {
            return target.hosts.iter().filter_map(|it| it.literal()).for_each(|it| add(&mut self.hosts, it, place));
        }
        if !rule.factors.is_empty() {
            return rule.factors.iter().for_each(|it| add(&mut self.words, &format!("f{it}"), place));
        }
        if !rule.effects.is_empty() {
            return rule.effects.iter().for_each(|it| add(&mut self.words, &format!("a{}", it.as_str()), place));
        }
        if !rule.categories.is_empty() {
            return rule.categories.iter().for_each(|it| add(&mut self.words, &format!("c{}", it.as_str()), place));
        }
        self.always.push(place);
    }

    fn enter_command(&mut self, rule: &Rule, place: u32) {
        let restricts = rule.verdict != RuleVerdict::Allow;
        for pattern in &rule.command {
            let Some(program) = pattern.program().and_then(|it| it.literal()) else {
                self.always.push(place);
                return;
            };
            let base = base_of(program);
            let rest: Vec<Option<&str>> = pattern.words().iter().skip(1).map(|it| it.literal()).collect();
            let key = match rest.as_slice() {
                all if !pattern.is_open() => joined(base, all.iter().copied().flatten()),
                [Some(next), ..] => format!("{base}{BETWEEN}{next}"),
                [None, ..] | [] => base.to_owned(),
            };
            add(&mut self.commands, &key, place);
            if restricts {
                add(&mut self.in_doubt, base, place);
            }
        }
        if rule.verdict == RuleVerdict::Ask {
            self.asking.push(place);
        }
    }

    /// The places of all rules that could speak about a segment, in order.
    pub(super) fn candidates(&self, segment: &Segment) -> impl Iterator<Item = usize> + use<> {
        let mut found: Places = self.always.clone();
        let mut take = |places: Option<&Places>| found.extend(places.into_iter().flatten());
        match segment.argv.first() {
            Some(Arg::Known(program)) => {
                let base = base_of(program);
                take(self.commands.get(base));
                take(self.tools.get(program.as_str()));
                let rest: Vec<&str> = segment.argv.iter().skip(1).map_while(Arg::known).collect();
                if let Some(next) = rest.first() {
                    take(self.commands.get(format!("{base}{BETWEEN}{next}").as_str()));
                }
                if rest.len().saturating_add(1) < segment.argv.len() {
                    take(self.in_doubt.get(base));
                }
                take(self.commands.get(joined(base, rest.into_iter()).as_str()));
            }
            Some(Arg::Pattern(_) | Arg::Unknown(_)) => take(Some(&self.asking)),
            None => {}
        }
        for operation in &segment.operations {
            match &operation.resource {
                Resource::Path(path) => self.below(path, &mut take),
                Resource::Pattern(path) => {
                    self.below(path, &mut take);
                    take(Some(&self.asking_paths));
                }
                Resource::Unknown(_) => take(Some(&self.asking_paths)),
                Resource::Host(host) => take(self.hosts.get(host.as_str())),
                Resource::Program(_)
                | Resource::Package(_)
                | Resource::Service(_)
                | Resource::Tool(_)
                | Resource::Database(_)
                | Resource::System => {}
            }
            if !self.words.is_empty() {
                take(self.words.get(sorted('a', operation.action.as_str()).as_str()));
                take(self.words.get(sorted('c', operation.category.as_str()).as_str()));
            }
        }
        if !self.words.is_empty() {
            for factor in &segment.factors {
                take(self.words.get(sorted('f', factor.name).as_str()));
            }
        }
        found.sort_unstable();
        found.dedup();
        found.into_iter().filter_map(|place| usize::try_from(place).ok())
    }

    /// Rules about a path, or about any directory that it is in.
    fn below<'a>(&'a self, path: &str, take: &mut impl FnMut(Option<&'a Places>)) {
        if self.paths.is_empty() {
            return;
        }
        take(self.paths.get(path));
        for (slash, _) in path.match_indices('/') {
            take(path.get(..=slash).and_then(|directory| self.paths.get(directory)));
        }
    }
}

/// A whole vector as one key.
fn joined<'a>(base: &str, rest: impl Iterator<Item = &'a str>) -> String {
    let mut key = format!("{base}{BETWEEN}");
    for word in rest {
        key.push(BETWEEN);
        key.push_str(word);
    }
    key
}

fn sorted(sort: char, word: &str) -> String {
    let mut key = String::with_capacity(word.len().saturating_add(1));
    key.push(sort);
    key.push_str(word);
    key
}

/// The part of a path up to its last slash, with it.
fn directory(prefix: &str) -> &str {
    prefix.rfind('/').and_then(|slash| prefix.get(..=slash)).unwrap_or("")
}
