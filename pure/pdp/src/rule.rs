//! One rule: what it matches on, and what it says.

mod context;
mod hours;
mod narrow;
mod read;
mod resource;
mod text;

pub(crate) use hours::Hours;

pub(crate) use context::Context;
pub(crate) use read::{Wrong, action, nearest, no_such, path as path_patterns, read};
pub(crate) use resource::{Base, PathPattern, Target};
pub(crate) use text::{OneOrMany, RuleText};

use model::{Action, Arg, Category, Directory, Intent, Level, Reversibility, Segment};
use serde::Deserialize;

use crate::decision::Obligations;
use crate::evaluate::Situation;
use crate::pattern::{CommandPattern, Glob, LineRegex, Reading};
use crate::quorum::Quorum;
use crate::risk;

/// What a rule says. `block` cannot be overruled or approved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum RuleVerdict {
    /// It may run.
    Allow,
    /// People decide.
    Ask,
    /// It does not run, unless an earlier rule says otherwise.
    Deny,
    /// It does not run, whatever other rules or people say.
    Block,
}

impl RuleVerdict {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Ask => "ask",
            Self::Deny => "deny",
            Self::Block => "block",
        }
    }
}

/// A rule, read and checked.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Its name.
    pub id: String,
    /// The verdict.
    pub verdict: RuleVerdict,
    /// Why, in the author's words.
    pub reason: Option<String>,
    /// Commands it must match.
    pub matches: Vec<String>,
    /// Commands it must spare.
    pub spares: Vec<String>,
    /// The file it is from, and the line on which it begins.
    pub place: (String, usize),
    /// Until when, in milliseconds since 1970.
    pub expires_ms: Option<u64>,
    pub(crate) priority: i64,
    pub(crate) command: Vec<CommandPattern>,
    /// The whole request is the command.
    pub(crate) alone: bool,
    /// Where the program may stand besides the system's own places.
    pub(crate) from: Vec<PathPattern>,
    pub(crate) regex: Option<LineRegex>,
    pub(crate) effects: Vec<Action>,
    pub(crate) only: Option<Vec<Action>>,
    pub(crate) target: Target,
    pub(crate) categories: Vec<Category>,
    pub(crate) only_categories: Option<Vec<Category>>,
    /// `only` and `only_category` are what the examples do.
    pub(crate) bounded_by_examples: bool,
    pub(crate) factors: Vec<String>,
    pub(crate) tool: Option<Glob>,
    pub(crate) level: Option<(bool, Level)>,
    pub(crate) reversibility: Option<(bool, Reversibility)>,
    pub(crate) accepts_partial: bool,
    pub(crate) context: Context,
    pub(crate) quorum: Option<Quorum>,
    pub(crate) obligations: Obligations,
}

/// Why a rule does not speak about a segment here and now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Miss {
    /// Its time is over.
    Expired,
    /// It was used as often as it may be.
    UsedUp,
    /// This condition of `when` does not hold.
    Context(&'static str),
    /// This key of its matching does not fit.
    Key(&'static str),
    /// The command is run in another place than the rule is about.
    Elsewhere,
    /// A part is not understood, and the rule does not accept that.
    Coverage,
    /// The shell does more than run the command: redirections, input, variables, or a wrapper around it.
    Dressed,
}

impl std::fmt::Display for Miss {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Expired => out.write_str("it has expired"),
            Self::UsedUp => out.write_str("it was used as often as it may be"),
            Self::Context(name) => write!(out, "its condition `when.{name}` does not hold"),
            Self::Key(key) => write!(out, "`{key}` does not fit"),
            Self::Elsewhere => out
                .write_str("an earlier part, or a wrapper, runs it in another directory, or in one that is not known"),
            Self::Coverage => {
                out.write_str("a part is not understood, and the rule does not say `coverage = \"partial\"`")
            }
            Self::Dressed => out.write_str("redirections, input, variables or a wrapper do more than its command says"),
        }
    }
}

impl Rule {
    /// Whether the rule matches a segment of an intent here and now, and if not, why.
    ///
    /// In doubt a rule that allows does not match and a rule that restricts does: an unknown argument is no match
    /// for the one and a match for the other.
    pub(crate) fn speaks(&self, segment: &Segment, whole: &Intent, situation: &Situation<'_>) -> Result<(), Miss> {
        if self.expires_ms.is_some_and(|expires| situation.now_ms >= expires) {
            return Err(Miss::Expired);
        }
        self.fits(segment, whole, situation, self.reading())?;
        self.holds(segment, situation)
    }

    /// What is in doubt about a rule that blocks: it would speak about a segment if what is not known were what the rule
    /// is about. Nothing where it certainly does not.
    pub(crate) fn doubts(&self, segment: &Segment, whole: &Intent, situation: &Situation<'_>) -> Option<String> {
        if self.verdict != RuleVerdict::Block || self.expires_ms.is_some_and(|expires| situation.now_ms >= expires) {
            return None;
        }
        let wide = Reading::Wide { program: false };
        let word = segment.argv.iter().find(|word| word.known().is_none());
        if let Some(word) = word.filter(|_| !self.command.is_empty() || self.regex.is_some())
            && self.fits(segment, whole, situation, wide).is_ok()
        {
            return self.holds(segment, situation).is_ok().then(|| format!("`{}`", word.text()));
        }
        let place = segment.operations.iter().find(|operation| {
            (self.effects.is_empty() || self.effects.contains(&operation.action))
                && self.target.may_name(operation, situation)
        })?;
        let named = self.command.is_empty() && self.regex.is_none() && self.factors.is_empty();
        (named && self.holds(segment, situation).is_ok()).then(|| format!("`{}`", place.resource.text()))
    }

    /// How what is not known is read.
    const fn reading(&self) -> Reading {
        match self.verdict {
            RuleVerdict::Allow => Reading::Narrow,
            RuleVerdict::Ask => Reading::Wide { program: true },
            RuleVerdict::Deny => Reading::Wide { program: false },
            RuleVerdict::Block => Reading::Certain,
        }
    }

    /// Whether its conditions on where, when and how often hold.
    fn holds(&self, segment: &Segment, situation: &Situation<'_>) -> Result<(), Miss> {
        let lenient = self.verdict == RuleVerdict::Allow;
        if let Some(name) = self.context.fails(situation, lenient) {
            return Err(Miss::Context(name));
        }
        // `cd /elsewhere; …` and `ssh host …` are not run where the request is from.
        let moved = segment.directory != Directory::Start;
        if lenient && (moved || !segment.wrappers.is_empty()) && self.context.is_placed() {
            return Err(Miss::Elsewhere);
        }
        // What a command finds in its directory decides what it does.
        if lenient && segment.directory == Directory::Unknown {
            return Err(Miss::Elsewhere);
        }
        // A limit on how often ends what a rule allows; one that restricts goes on restricting.
        if lenient && self.context.is_counted() && situation.used_up.is_some_and(|it| it.contains(&self.id)) {
            return Err(Miss::UsedUp);
        }
        Ok(())
    }

    /// Whether the rule is about a segment, wherever and whenever.
    pub(crate) fn fits(
        &self,
        segment: &Segment,
        whole: &Intent,
        situation: &Situation<'_>,
        reading: Reading,
    ) -> Result<(), Miss> {
        let lenient = reading == Reading::Narrow;
        let key = |fits: bool, name: &'static str| if fits { Ok(()) } else { Err(Miss::Key(name)) };
        if !self.command.is_empty() {
            let name = if self.alone { "exact" } else { "command" };
            key(self.command.iter().any(|it| it.matches(&segment.argv, reading)), name)?;
            if lenient && (segment.dressed || segment.fed || (self.alone && !segment.wrappers.is_empty())) {
                return Err(Miss::Dressed);
            }
        }
        if let Some(regex) = &self.regex {
            key(regex.matches(&segment.argv, reading), "regex")?;
            if lenient && (segment.dressed || segment.fed) {
                return Err(Miss::Dressed);
            }
        }
        // Another program of the same name is not the one that the rule is about.
        if let (true, Some(path)) = (lenient, &segment.found_at) {
            key(self.from.iter().any(|pattern| pattern.matches(path, situation)), "from")?;
        }
        // A rule that restricts is not got rid of by a further command.
        key(!self.alone || !lenient || (whole.segments.len() == 1 && whole.unknowns.is_empty()), "exact")?;
        if let Some(tool) = &self.tool {
            key(segment.argv.first().and_then(Arg::known).is_some_and(|name| tool.matches(name)), "tool")?;
        }
        // A command that does nothing is within every bound, where the rule is about the command.
        let named = !self.command.is_empty() || self.regex.is_some();
        if let Some(only) = &self.only {
            key(named || !segment.operations.is_empty(), "only")?;
            key(segment.operations.iter().all(|it| only.contains(&it.action)), "only")?;
        }
        if let Some(only) = &self.only_categories {
            key(named || !segment.operations.is_empty(), "only_category")?;
            key(segment.operations.iter().all(|it| only.contains(&it.category)), "only_category")?;
        }
        let within = &self.target;
        key(
            within.only_paths.is_empty() || segment.operations.iter().all(|it| within.keeps_within(it, situation)),
            "only_path",
        )?;
        key(!lenient || within.only_paths.is_empty() || within.keeps_directory(segment, situation), "only_path")?;
        let categories = &self.categories;
        key(
            categories.is_empty() || segment.operations.iter().any(|it| categories.contains(&it.category)),
            "category",
        )?;
        let observed = |name: &String| segment.factors.iter().any(|it| it.name == name);
        key(self.factors.is_empty() || self.factors.iter().any(observed), "factor")?;
        self.fits_operations(segment, situation, lenient)?;
        if let Some((or_worse, wanted)) = self.reversibility {
            let found = segment.reversibility();
            key(if or_worse { found >= wanted } else { found == wanted }, "reversibility")?;
        }
        if let Some((or_higher, level)) = self.level {
            let found = risk::of_segment(segment).level();
            key(if or_higher { found >= level } else { found == level }, "level")?;
        }
        if lenient && !self.accepts_partial && !segment.unknowns.is_empty() {
            return Err(Miss::Coverage);
        }
        Ok(())
    }

    /// Whether what it may do is bounded by its examples alone.
    pub const fn bounded_by_examples(&self) -> bool {
        self.bounded_by_examples
    }

    /// Whether the rule can be about an agent of this name.
    pub fn may_concern(&self, agent: &str) -> bool {
        self.context.may_concern(agent)
    }

    /// Whether it allows an agent of this name, or of this owner, what it does not allow others.
    pub fn favours(&self, agent: &str, owner: &str) -> bool {
        self.verdict == RuleVerdict::Allow && self.context.names(agent, owner)
    }

    /// Whether it says who is asked about agents under this one: perhaps fewer people than no rule would.
    pub fn asks_below(&self, agent: &str, owner: &str) -> bool {
        self.verdict == RuleVerdict::Ask && self.context.names(agent, owner)
    }

    /// Before how many others it is tried.
    pub const fn priority(&self) -> i64 {
        self.priority
    }

    /// Whether it allows what is not understood whole.
    pub const fn accepts_partial(&self) -> bool {
        self.accepts_partial
    }

    /// Whether the rule allows a pattern of commands, and says nothing of what these may do. A list of options is no
    /// such bound: a further word can be a subcommand that runs, connects or writes elsewhere.
    pub(crate) fn is_unbounded(&self) -> bool {
        let open = self.regex.is_some() || self.command.iter().any(CommandPattern::is_open);
        let bounded = self.only.is_some() || self.only_categories.is_some();
        self.verdict == RuleVerdict::Allow && open && !bounded && self.effects.is_empty()
    }

    /// Whether it is about a pattern of commands, and not about one command alone.
    pub(crate) fn is_pattern(&self) -> bool {
        self.regex.is_some() || self.command.iter().any(CommandPattern::is_open)
    }

    /// The words with which each of its patterns begins.
    pub(crate) fn fixed_words(&self) -> Vec<Vec<&str>> {
        let by_regex = self.regex.iter().filter_map(|regex| Some(vec![regex.program()?]));
        self.command.iter().filter(|it| it.is_open()).filter_map(CommandPattern::fixed_words).chain(by_regex).collect()
    }

    /// Whether its words alone match a vector.
    pub(crate) fn names_words(&self, argv: &[Arg]) -> bool {
        self.command.iter().any(|it| it.matches(argv, Reading::Narrow))
            || self.regex.as_ref().is_some_and(|it| it.matches(argv, Reading::Narrow))
    }

    /// The key that says what it matches.
    pub(crate) const fn written_as(&self) -> &'static str {
        if self.regex.is_some() { "regex" } else { "command" }
    }

    /// Bounds the rule by its examples: what none of them does, it does not allow.
    pub(crate) fn bound_by_examples(&mut self, examples: &mut dyn Iterator<Item = Intent>) {
        let (mut actions, mut categories) = (Vec::new(), Vec::new());
        for example in examples {
            for operation in example.operations() {
                actions.push(operation.action);
                categories.push(operation.category);
            }
        }
        self.bounded_by_examples = true;
        self.only = Some(actions);
        self.only_categories = Some(categories);
    }

    /// Whether an operation is one of those that the rule is about.
    pub(crate) fn is_about(&self, operation: &model::Operation, situation: &Situation<'_>) -> bool {
        (self.effects.is_empty() || self.effects.contains(&operation.action))
            && (self.categories.is_empty() || self.categories.contains(&operation.category))
            && (self.target.is_empty() || self.target.names(operation, self.verdict, situation))
    }

    fn fits_operations(&self, segment: &Segment, situation: &Situation<'_>, lenient: bool) -> Result<(), Miss> {
        if self.effects.is_empty() && self.target.is_empty() {
            return Ok(());
        }
        let speaks = |it: &model::Operation| {
            (self.effects.is_empty() || self.effects.contains(&it.action))
                && (self.target.is_empty() || self.target.names(it, self.verdict, situation))
        };
        // A command that also looks at the machine does no other act (`git diff > FILE`).
        let beside = |it: &model::Operation| {
            it.resource == model::Resource::System
                && it.category == model::Category::ReadOnly
                && (self.effects.is_empty() || self.effects.contains(&it.action))
        };
        let fits = if lenient {
            let only_files = self.target.is_about_paths();
            segment.operations.iter().any(speaks)
                && segment.operations.iter().all(|it| speaks(it) || (only_files && beside(it)))
        } else {
            segment.operations.iter().any(speaks)
        };
        let name = self.target.key().unwrap_or("effect");
        if fits { Ok(()) } else { Err(Miss::Key(name)) }
    }

    /// The words for people.
    pub(crate) fn why(&self) -> String {
        self.reason.clone().unwrap_or_else(|| {
            match self.verdict {
                RuleVerdict::Allow => "allowed by a rule",
                RuleVerdict::Ask => "a rule asks people",
                RuleVerdict::Deny => "denied by a rule",
                RuleVerdict::Block => "blocked; no approval can allow it",
            }
            .to_owned()
        })
    }
}
