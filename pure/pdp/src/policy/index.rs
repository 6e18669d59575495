//! Which rules can speak about a segment at all, found without looking at the others, so that cost does not grow with
//! the number of rules.
//!
//! A rule is entered under what it cannot do without: its program (with the next word, or with all of them), its tool,
//! the directory of its path, its host, its action. A segment is looked up under all that it has. What is entered under
//! nothing is always tried.

use model::{Arg, Resource, Segment};

use super::table::{Entries, Key, Table};
use crate::rule::{Base, Rule, RuleVerdict};

/// Sorts of keys, so that a tool and a program of one name are two.
const COMMAND: Key = Key::of(b'c');
const WHOLE: Key = Key::of(b'w');
const DOUBT: Key = Key::of(b'd');
const TOOL: Key = Key::of(b't');
const PATH: Key = Key::of(b'p');
const HOST: Key = Key::of(b'h');
const ACTION: Key = Key::of(b'a');
const CATEGORY: Key = Key::of(b'g');
const FACTOR: Key = Key::of(b'f');

/// The index of one set of rules. Places are positions in the set's order.
#[derive(Debug, Default)]
pub(super) struct Index {
    table: Table,
    /// Rules that ask about commands: for programs that are not known.
    asking: Vec<u32>,
    /// Rules that ask about paths: for paths that are not known.
    asking_paths: Vec<u32>,
    always: Vec<u32>,
    /// Which sorts of keys there are at all: no look is made for others.
    paths: bool,
    hosts: bool,
    words: bool,
}

fn base_of(program: &str) -> &str {
    program.rsplit('/').next().unwrap_or(program)
}

impl Index {
    /// Enters every rule.
    pub(super) fn of(rules: &[Rule]) -> Self {
        let (mut index, mut entries) = (Self::default(), Entries::default());
        for (place, rule) in (0_u32..).zip(rules) {
            index.enter(rule, place, &mut entries);
        }
        index.table = entries.table();
        index
    }

    fn enter(&mut self, rule: &Rule, place: u32, entries: &mut Entries) {
        if !rule.command.is_empty() {
            return self.enter_command(rule, place, entries);
        }
        if let Some(program) = rule.regex.as_ref().and_then(|regex| regex.program()) {
            return entries.add(COMMAND.word(program), place);
        }
        if let Some(name) = rule.tool.as_ref().and_then(|tool| tool.literal()) {
            return entries.add(TOOL.word(name), place);
        }
        let target = &rule.target;
        let only_paths = target.hosts.is_empty() && target.named.is_empty() && target.sql.is_empty();
        let rooted = |it: &crate::rule::PathPattern| it.base == Base::Root && it.glob.prefix().len() > 1;
        if only_paths && !target.paths.is_empty() && target.paths.iter().all(rooted) {
            for pattern in &target.paths {
                let prefix = pattern.glob.prefix();
                let key = if pattern.glob.literal().is_some() { prefix } else { directory(prefix) };
                entries.add(PATH.word(key), place);
            }
            self.paths = true;
            if rule.verdict == RuleVerdict::Ask {
                self.asking_paths.push(place);
            }
            return;
        }
        let only_hosts = target.paths.is_empty() && target.named.is_empty() && target.sql.is_empty();
        let asks = rule.verdict == RuleVerdict::Ask;
        if only_hosts && !asks && !target.hosts.is_empty() && target.hosts.iter().all(|it| it.literal().is_some()) {
            self.hosts = true;
            return target.hosts.iter().filter_map(|it| it.literal()).for_each(|it| entries.add(HOST.word(it), place));
        }
        let keys: Vec<Key> = if !rule.factors.is_empty() {
            rule.factors.iter().map(|it| FACTOR.word(it)).collect()
        } else if !rule.effects.is_empty() {
            rule.effects.iter().map(|it| ACTION.word(it.as_str())).collect()
        } else {
            rule.categories.iter().map(|it| CATEGORY.word(it.as_str())).collect()
        };
        if keys.is_empty() {
            self.always.push(place);
        }
        self.words |= !keys.is_empty();
        keys.into_iter().for_each(|key| entries.add(key, place));
    }

    fn enter_command(&mut self, rule: &Rule, place: u32, entries: &mut Entries) {
        for pattern in &rule.command {
            let Some(program) = pattern.program().and_then(|it| it.literal()) else {
                self.always.push(place);
                return;
            };
            let base = base_of(program);
            let mut rest = pattern.words().iter().skip(1).map(|it| it.literal());
            let key = if pattern.is_open() {
                match rest.next().flatten() {
                    Some(next) => COMMAND.word(base).word(next),
                    None => COMMAND.word(base),
                }
            } else {
                rest.flatten().fold(WHOLE.word(base), Key::word)
            };
            entries.add(key, place);
            if rule.verdict != RuleVerdict::Allow {
                entries.add(DOUBT.word(base), place);
            }
        }
        if rule.verdict == RuleVerdict::Ask {
            self.asking.push(place);
        }
    }

    /// The places of all rules that could speak about a segment, in order.
    pub(super) fn candidates(&self, segment: &Segment) -> impl Iterator<Item = usize> + use<> {
        let mut found = self.always.clone();
        if !self.table.is_empty() {
            self.by_command(segment, &mut found);
            self.by_operations(segment, &mut found);
        }
        if !matches!(segment.argv.first(), Some(Arg::Known(_)) | None) {
            found.extend(&self.asking);
        }
        found.sort_unstable();
        found.dedup();
        found.into_iter().filter_map(|place| usize::try_from(place).ok())
    }

    fn by_command(&self, segment: &Segment, found: &mut Vec<u32>) {
        let Some(program) = segment.argv.first().and_then(Arg::known) else { return };
        let base = base_of(program);
        let mut known = segment.argv.iter().skip(1).map_while(Arg::known);
        let mut count = 1_usize;
        let mut whole = WHOLE.word(base);
        found.extend(self.table.under(COMMAND.word(base)));
        found.extend(self.table.under(TOOL.word(program)));
        if let Some(next) = known.next() {
            found.extend(self.table.under(COMMAND.word(base).word(next)));
            whole = whole.word(next);
            count = 2;
        }
        for word in known {
            whole = whole.word(word);
            count = count.saturating_add(1);
        }
        if count == segment.argv.len() {
            found.extend(self.table.under(whole));
        } else {
            found.extend(self.table.under(DOUBT.word(base)));
        }
    }

    fn by_operations(&self, segment: &Segment, found: &mut Vec<u32>) {
        for operation in &segment.operations {
            match &operation.resource {
                Resource::Path(path) | Resource::Pattern(path) if self.paths => {
                    PATH.beginnings(path).for_each(|key| found.extend(self.table.under(key)));
                }
                Resource::Host(host) if self.hosts => found.extend(self.table.under(HOST.word(host))),
                Resource::Path(_)
                | Resource::Pattern(_)
                | Resource::Unknown(_)
                | Resource::Host(_)
                | Resource::Program(_)
                | Resource::Package(_)
                | Resource::Service(_)
                | Resource::Tool(_)
                | Resource::Database(_)
                | Resource::System => {}
            }
            if matches!(operation.resource, Resource::Pattern(_) | Resource::Unknown(_)) {
                found.extend(&self.asking_paths);
            }
            if self.words {
                found.extend(self.table.under(ACTION.word(operation.action.as_str())));
                found.extend(self.table.under(CATEGORY.word(operation.category.as_str())));
            }
        }
        if self.words {
            for factor in &segment.factors {
                found.extend(self.table.under(FACTOR.word(factor.name)));
            }
        }
    }
}

/// The part of a path up to its last slash, with it.
fn directory(prefix: &str) -> &str {
    prefix.rfind('/').and_then(|slash| prefix.get(..=slash)).unwrap_or("")
}
