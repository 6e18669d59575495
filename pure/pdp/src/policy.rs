//! A set of rules: read from files, checked against its own examples, immutable afterwards.

mod examples;
mod index;
mod load;
mod on_call;
mod opened;
mod problem;
mod settings;
mod table;

pub use load::{Openings, Sources};
pub use problem::PolicyProblem;
pub use settings::{Mode, Settings};

#[cfg(feature = "schema")]
pub(crate) use load::FileText;

use std::collections::BTreeMap;
use std::fmt;

use model::{Digest, Intent};

use crate::evaluate::Situation;
use crate::guard::Guard;
use crate::rule::Rule;
use crate::scope::Task;
use crate::sequence::Sequence;
use index::Index;

/// The digest of a loaded policy: names and contents of its files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PolicyDigest(Digest);

impl fmt::Display for PolicyDigest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

/// How often a rule may decide: in all, and how often in how many milliseconds.
pub type Limits = (Option<u32>, Option<(u32, u64)>);

/// The loaded rules. Immutable: a change makes a new one.
#[derive(Debug)]
pub struct Policy {
    /// Block rules first, then the others in the order in which they are tried.
    rules: Vec<Rule>,
    index: Index,
    /// Rules that may decide only so often.
    limits: BTreeMap<String, Limits>,
    sequences: Vec<Sequence>,
    tasks: Vec<Task>,
    settings: Settings,
    guard: Option<Box<dyn Guard>>,
    digest: PolicyDigest,
}

impl Policy {
    /// Reads and checks files. Every rule is tried on its own examples, which `read` turns into intents. All problems
    /// are reported together; one is enough to refuse the whole set.
    ///
    /// # Errors
    /// A file, a rule or a setting cannot be read, or a rule does not do what its examples say.
    pub fn load(sources: &Sources, read: &dyn Fn(&str) -> Intent) -> Result<Self, Vec<PolicyProblem>> {
        load::build(sources, Some(read))
    }

    /// A preset that ships with the product. Its examples are checked by the tests of each release, so they are not
    /// tried again at every start.
    ///
    /// # Errors
    /// There is no such preset, or the release is broken.
    pub fn preset(name: &str) -> Result<Self, Vec<PolicyProblem>> {
        load::build(&Sources::preset(name), None)
    }

    /// The digest that every decision names.
    pub const fn digest(&self) -> PolicyDigest {
        self.digest
    }

    /// What is said besides rules.
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// All rules: blocks first, then the others in the order in which they are tried.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The rules that block, which nothing overrules.
    pub(crate) fn blocking(&self) -> &[Rule] {
        let end = self.rules.partition_point(|rule| rule.verdict == crate::rule::RuleVerdict::Block);
        self.rules.get(..end).unwrap_or_default()
    }

    /// The same rules under a guard. Its files are a part of what the digest names.
    pub fn guarded(mut self, guard: Box<dyn Guard>, files: &[(String, String)]) -> Self {
        let mut hashed = self.digest.0.as_array().to_vec();
        for (file, text) in files {
            hashed.extend_from_slice(Digest::within(file, text.as_bytes()).as_array());
        }
        self.digest = PolicyDigest(Digest::within("countersign/guarded-policy/v1", &hashed));
        self.guard = Some(guard);
        self
    }

    /// The guard, if there is one.
    pub(crate) fn guard(&self) -> Option<&dyn Guard> {
        self.guard.as_deref()
    }

    /// The tasks that agents may name.
    pub(crate) fn tasks(&self) -> &[Task] {
        &self.tasks
    }

    /// The rules over sessions.
    pub(crate) fn sequences(&self) -> &[Sequence] {
        &self.sequences
    }

    /// How often a rule may decide; nothing where it may always.
    pub fn limits_of(&self, id: &str) -> Option<Limits> {
        self.limits.get(id).copied()
    }

    /// The first rule that matches a segment.
    pub(crate) fn first<'a>(
        &'a self,
        segment: &model::Segment,
        whole: &Intent,
        situation: &Situation<'_>,
    ) -> Option<&'a Rule> {
        self.candidates(segment).find(|rule| rule.speaks(segment, whole, situation).is_ok())
    }

    /// The rules that could speak about a segment, in order.
    pub(crate) fn candidates<'a>(&'a self, segment: &model::Segment) -> impl Iterator<Item = &'a Rule> + use<'a> {
        self.index.candidates(segment).filter_map(|at| self.rules.get(at))
    }
}
