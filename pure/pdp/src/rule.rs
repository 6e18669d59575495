//! One rule: what it matches on, and what it says.

use model::{Action, Arg, Category, Coverage, Level, Operation, Resource, Segment};
use serde::Deserialize;

use crate::decision::{Assurance, Quorum};
use crate::evaluate::Situation;
use crate::glob::{self, Wild};
use crate::risk;

/// What a rule says. `block` cannot be overruled or approved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
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

/// A rule as it stands in a file. Unknown keys are refused.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RuleText {
    pub(crate) id: String,
    pub(crate) verdict: RuleVerdict,
    pub(crate) reason: Option<String>,
    #[serde(default)]
    pub(crate) priority: i64,
    pub(crate) command: Option<String>,
    pub(crate) effect: Option<OneOrMany>,
    pub(crate) only: Option<Vec<String>>,
    pub(crate) path: Option<OneOrMany>,
    pub(crate) category: Option<OneOrMany>,
    pub(crate) factor: Option<OneOrMany>,
    pub(crate) tool: Option<String>,
    pub(crate) level: Option<String>,
    pub(crate) coverage: Option<String>,
    pub(crate) expires: Option<toml::value::Datetime>,
    #[serde(default)]
    pub(crate) when: When,
    pub(crate) people: Option<u8>,
    pub(crate) assurance: Option<String>,
    pub(crate) timeout_s: Option<u32>,
    pub(crate) matches: Vec<String>,
    pub(crate) spares: Vec<String>,
}

/// The context a rule needs.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct When {
    pub(crate) agent: Option<String>,
    pub(crate) cwd: Option<String>,
}

/// A word or a list of words.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl OneOrMany {
    pub(crate) fn words(&self) -> &[String] {
        match self {
            Self::One(word) => std::slice::from_ref(word),
            Self::Many(words) => words,
        }
    }
}

/// A rule, read and checked.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Its name.
    pub id: String,
    /// What it says.
    pub verdict: RuleVerdict,
    /// Why, in the author's words.
    pub reason: Option<String>,
    /// Commands it must match.
    pub matches: Vec<String>,
    /// Commands it must spare.
    pub spares: Vec<String>,
    pub(crate) priority: i64,
    pub(crate) command: Vec<Vec<String>>,
    pub(crate) effects: Vec<Action>,
    pub(crate) only: Option<Vec<Action>>,
    pub(crate) paths: Vec<String>,
    pub(crate) categories: Vec<Category>,
    pub(crate) factors: Vec<String>,
    pub(crate) tool: Option<String>,
    pub(crate) level: Option<(bool, Level)>,
    pub(crate) accepts_partial: bool,
    pub(crate) expires_ms: Option<u64>,
    pub(crate) when: When,
    pub(crate) quorum: Quorum,
}

impl Rule {
    /// Whether the rule speaks about a segment here and now.
    ///
    /// In doubt a rule that allows does not match and a rule that restricts does: an unknown argument is no match
    /// for the one and a match for the other.
    pub(crate) fn speaks(&self, segment: &Segment, situation: &Situation<'_>) -> bool {
        let lenient = self.verdict == RuleVerdict::Allow;
        if self.expires_ms.is_some_and(|expires| situation.now_ms >= expires) || !self.in_context(situation) {
            return false;
        }
        if lenient && !self.accepts_partial && segment.coverage() != Coverage::Full {
            return false;
        }
        if let Some(only) = &self.only
            && (segment.operations.is_empty()
                || !segment.operations.iter().all(|operation| only.contains(&operation.action)))
        {
            return false;
        }
        self.speaks_of_command(segment, lenient)
            && self.speaks_of_tool(segment)
            && self.speaks_of_operations(segment, lenient)
            && (self.categories.is_empty() || segment.categories().iter().any(|it| self.categories.contains(it)))
            && (self.factors.is_empty()
                || segment.factors.iter().any(|it| self.factors.iter().any(|name| name == it.name)))
            && self.level.is_none_or(|(or_higher, level)| {
                let found = risk::of_segment(segment).level();
                if or_higher { found >= level } else { found == level }
            })
    }

    fn in_context(&self, situation: &Situation<'_>) -> bool {
        let agent = self
            .when
            .agent
            .as_ref()
            .is_none_or(|pattern| situation.agent.is_some_and(|agent| glob::matches(pattern, agent, Wild::Name)));
        let cwd = self
            .when
            .cwd
            .as_ref()
            .is_none_or(|pattern| situation.cwd.is_some_and(|cwd| glob::matches(pattern, cwd, Wild::Path)));
        agent && cwd
    }

    fn speaks_of_command(&self, segment: &Segment, lenient: bool) -> bool {
        if self.command.is_empty() {
            return true;
        }
        if lenient && segment.dressed {
            return false;
        }
        self.command.iter().any(|pattern| speaks_of_argv(pattern, &segment.argv, self.verdict))
    }

    fn speaks_of_tool(&self, segment: &Segment) -> bool {
        let Some(pattern) = &self.tool else { return true };
        segment.argv.first().and_then(Arg::known).is_some_and(|name| glob::matches(pattern, name, Wild::Name))
    }

    fn speaks_of_operations(&self, segment: &Segment, lenient: bool) -> bool {
        if self.effects.is_empty() && self.paths.is_empty() {
            return true;
        }
        let speaks = |operation: &Operation| {
            let effect = self.effects.is_empty() || self.effects.contains(&operation.action);
            let path = self.paths.is_empty()
                || match &operation.resource {
                    Resource::Path(path) => self.paths.iter().any(|pattern| glob::matches(pattern, path, Wild::Path)),
                    // Which files a pattern matches, or what an unknown word is, shows only when it runs. That is no
                    // reason to allow, a reason to ask people, and none to deny without them.
                    Resource::Pattern(text) => {
                        let written = self.paths.iter().any(|pattern| glob::matches(pattern, text, Wild::Path));
                        (written && !lenient) || self.verdict == RuleVerdict::Ask
                    }
                    Resource::Unknown(_) => {
                        self.verdict == RuleVerdict::Ask && !matches!(operation.action, Action::Run | Action::Inspect)
                    }
                    Resource::Host(_)
                    | Resource::Program(_)
                    | Resource::Package(_)
                    | Resource::Service(_)
                    | Resource::Tool(_)
                    | Resource::Database(_)
                    | Resource::System => false,
                };
            effect && path
        };
        if lenient {
            !segment.operations.is_empty() && segment.operations.iter().all(speaks)
        } else {
            segment.operations.iter().any(speaks)
        }
    }

    /// The words for people.
    pub(crate) fn why(&self) -> String {
        self.reason.clone().unwrap_or_else(|| {
            match self.verdict {
                RuleVerdict::Allow => "allowed by a rule",
                RuleVerdict::Ask => "a rule asks people",
                RuleVerdict::Deny => "denied by a rule",
                RuleVerdict::Block => "blocked; nobody can approve it",
            }
            .to_owned()
        })
    }

    pub(crate) fn assurance(text: Option<&str>) -> Result<Assurance, String> {
        match text {
            None => Ok(Assurance::Totp),
            Some(word) => {
                Assurance::parse(word).ok_or_else(|| format!("`assurance` is `totp` or `signature`, not `{word}`"))
            }
        }
    }
}

/// Whether an argument vector fits a pattern of words. `**` as the last word is any further arguments.
fn speaks_of_argv(pattern: &[String], argv: &[Arg], verdict: RuleVerdict) -> bool {
    let lenient = verdict == RuleVerdict::Allow;
    let mut words = argv.iter().enumerate();
    for part in pattern {
        if part == "**" {
            return words.all(|(_, word)| word.known().is_some_and(plain) || !lenient);
        }
        let fits = match words.next() {
            // The program's name may be written with its directory.
            Some((0, Arg::Known(word))) => {
                let name = if part.contains('/') { word.as_str() } else { word.rsplit('/').next().unwrap_or(word) };
                (!lenient || name == word || word.starts_with("/usr/bin/") || word.starts_with("/bin/"))
                    && glob::matches(part, name, Wild::Argument)
            }
            Some((_, Arg::Known(word))) => glob::matches(part, word, Wild::Argument),
            // A program that is not known could be any: that is for people, not for every rule that denies one.
            Some((0, Arg::Pattern(_) | Arg::Unknown(_))) => verdict == RuleVerdict::Ask,
            Some((_, Arg::Pattern(_) | Arg::Unknown(_))) => !lenient,
            None => false,
        };
        if !fits {
            return false;
        }
    }
    words.next().is_none()
}

/// An argument that `**` of a rule that allows may stand for.
fn plain(word: &str) -> bool {
    glob::matches("*", word, Wild::Argument)
}
