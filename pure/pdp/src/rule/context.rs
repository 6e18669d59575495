//! Where and when a rule holds: agent, place, time, flags, trust.
//!
//! A condition on something that is not known here holds for no rule that allows, and for every rule that restricts.

use serde::Deserialize;

use super::hours::Hours;
use super::text::OneOrMany;
use crate::evaluate::Situation;
use crate::pattern::{Glob, Wild};

/// `when`, as written in a file.
#[derive(Clone, Debug, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct When {
    /// Agents, by name or glob
    pub(crate) agent: Option<OneOrMany>,
    /// Groups that an agent may be in
    pub(crate) group: Option<OneOrMany>,
    /// People who answer for the agent
    pub(crate) owner: Option<OneOrMany>,
    /// Sessions, as the enforcement point names them
    pub(crate) session: Option<OneOrMany>,
    /// Environments that the agent is enrolled for
    pub(crate) env: Option<OneOrMany>,
    /// Machines, by host name
    pub(crate) host: Option<OneOrMany>,
    /// Working directories
    pub(crate) cwd: Option<OneOrMany>,
    /// Branches that are checked out in the working directory
    pub(crate) branch: Option<OneOrMany>,
    /// Tasks, as the agent names them: a claim, so only for rules that restrict
    pub(crate) task: Option<OneOrMany>,
    /// Days and hours, such as `Mon-Fri 09:00-17:00 Europe/Berlin`
    pub(crate) hours: Option<String>,
    /// Operator flags, of which one must be set
    pub(crate) flag: Option<OneOrMany>,
    /// Delegation hops, such as `<=1`
    pub(crate) depth: Option<String>,
    /// Whether the session has read untrusted content
    pub(crate) tainted: Option<bool>,
    /// The agent's trust, 0 to 4, such as `>=2`
    pub(crate) trust: Option<String>,
    /// How often the rule may decide in all
    pub(crate) uses: Option<u32>,
    /// How often the rule may decide in a time, such as `10/h`
    pub(crate) rate: Option<String>,
    /// Conditions of which none may hold
    pub(crate) not: Option<Box<When>>,
}

/// Conditions, compiled.
#[derive(Clone, Debug, Default)]
pub(crate) struct Context {
    conditions: Vec<Condition>,
    not: Vec<Condition>,
    /// How often the rule may decide.
    pub(crate) uses: Option<u32>,
    /// How often in how many milliseconds.
    pub(crate) rate: Option<(u32, u64)>,
}

#[derive(Clone, Debug)]
pub(crate) enum Condition {
    Text(Attribute, Vec<Glob>),
    Hours(Hours),
    Flag(Vec<Glob>),
    Number(Measure, Compare, u8),
    Tainted(bool),
}

/// What a text condition looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Attribute {
    Agent,
    Group,
    Owner,
    Session,
    Env,
    Host,
    Cwd,
    Branch,
    Task,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Measure {
    Depth,
    Trust,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compare {
    Exactly,
    AtLeast,
    AtMost,
}

impl Context {
    /// Compiles `when`. A rule that allows cannot rest on what the agent says of itself.
    pub(crate) fn read(when: &When, allows: bool) -> Result<Self, String> {
        let not = when.not.as_deref().map(|not| conditions(not, allows, true)).transpose()?.unwrap_or_default();
        if when.not.as_ref().is_some_and(|not| not.not.is_some() || not.uses.is_some() || not.rate.is_some()) {
            return Err("`when.not` holds plain conditions; it has no `not`, `uses` or `rate` of its own".to_owned());
        }
        let rate = when.rate.as_deref().map(rate).transpose()?;
        Ok(Self { conditions: conditions(when, allows, false)?, not, uses: when.uses, rate })
    }

    /// The first condition that does not hold, as words for people.
    pub(crate) fn fails(&self, situation: &Situation<'_>, lenient: bool) -> Option<&'static str> {
        // What is not known holds for a rule that restricts, and not for one that allows.
        // An agent under another counts as that other, too, where that narrows: a rule that restricts is about both, and one that
        // allows all but some is about neither.
        let holds =
            |it: &&Condition| it.holds(situation).unwrap_or(!lenient) || (!lenient && it.holds_above(situation));
        let failing = self.conditions.iter().find(|it| !holds(it));
        let spared = |it: &&Condition| it.holds(situation).unwrap_or(lenient) || (lenient && it.holds_above(situation));
        let holding = || self.not.iter().find(spared);
        failing.or_else(holding).map(Condition::name)
    }

    /// Whether it names an agent that is not `agent`, or all agents but it: whether the rule can be about that agent.
    pub(crate) fn may_concern(&self, agent: &str) -> bool {
        let situation = Situation { agent: Some(agent), ..Situation::default() };
        let of_agent = |it: &&Condition| matches!(it, Condition::Text(Attribute::Agent, _));
        self.conditions.iter().filter(of_agent).all(|it| it.holds(&situation) != Some(false))
            && !self.not.iter().filter(of_agent).any(|it| it.holds(&situation) == Some(true))
    }

    /// Whether a condition names the agent or its owner, alone or by a pattern.
    pub(crate) fn names(&self, agent: &str, owner: &str) -> bool {
        let situation = Situation { agent: Some(agent), owner: Some(owner), ..Situation::default() };
        let named = |it: &Condition| {
            matches!(it, Condition::Text(Attribute::Agent | Attribute::Owner, _)) && it.holds(&situation) == Some(true)
        };
        self.conditions.iter().any(named)
    }

    /// Whether it depends on where the command is run.
    pub(crate) fn is_placed(&self) -> bool {
        let placed =
            |it: &Condition| matches!(it, Condition::Text(Attribute::Cwd | Attribute::Branch | Attribute::Host, _));
        self.conditions.iter().chain(&self.not).any(placed)
    }

    pub(crate) const fn is_counted(&self) -> bool {
        self.uses.is_some() || self.rate.is_some()
    }
}

impl Condition {
    /// Whether it holds; nothing where that is not known.
    fn holds(&self, situation: &Situation<'_>) -> Option<bool> {
        let any = |globs: &[Glob], text: &str| globs.iter().any(|glob| glob.matches(text));
        match self {
            Self::Hours(hours) => Some(hours.hold(situation.now_ms)),
            Self::Flag(globs) => Some(situation.flags.iter().any(|flag| any(globs, flag))),
            Self::Tainted(wanted) => Some(situation.tainted == *wanted),
            Self::Number(measure, compare, bound) => {
                let found = match measure {
                    Measure::Depth => situation.depth,
                    Measure::Trust => situation.trust,
                };
                Some(match compare {
                    Compare::Exactly => found == *bound,
                    Compare::AtLeast => found >= *bound,
                    Compare::AtMost => found <= *bound,
                })
            }
            Self::Text(Attribute::Group, globs) => Some(situation.groups.iter().any(|group| any(globs, group))),
            Self::Text(attribute, globs) => {
                let (found, known) = match attribute {
                    // Without an asking agent there is nothing of an agent's: `check` without a name.
                    Attribute::Agent | Attribute::Group => (situation.agent, true),
                    Attribute::Owner => (situation.owner, true),
                    Attribute::Session => (situation.session, true),
                    Attribute::Task => (situation.task, true),
                    Attribute::Env => (situation.env, situation.agent.is_none()),
                    Attribute::Host => (situation.host, situation.agent.is_none()),
                    Attribute::Cwd => (situation.cwd, situation.agent.is_none()),
                    Attribute::Branch => (situation.branch, situation.agent.is_none()),
                };
                match found {
                    Some(text) => Some(any(globs, text)),
                    None => known.then_some(false),
                }
            }
        }
    }

    /// Whether it holds of an agent above, or of who answers for one.
    fn holds_above(&self, situation: &Situation<'_>) -> bool {
        let any = |globs: &[Glob], text: &str| globs.iter().any(|glob| glob.matches(text));
        match self {
            Self::Text(Attribute::Agent, globs) => situation.above.iter().any(|it| any(globs, it.agent.as_str())),
            Self::Text(Attribute::Owner, globs) => situation.above.iter().any(|it| any(globs, it.owner.as_str())),
            Self::Text(..) | Self::Hours(_) | Self::Flag(_) | Self::Number(..) | Self::Tainted(_) => false,
        }
    }

    /// Its key.
    const fn name(&self) -> &'static str {
        match self {
            Self::Hours(_) => "hours",
            Self::Flag(_) => "flag",
            Self::Tainted(_) => "tainted",
            Self::Number(Measure::Depth, ..) => "depth",
            Self::Number(Measure::Trust, ..) => "trust",
            Self::Text(attribute, _) => match attribute {
                Attribute::Agent => "agent",
                Attribute::Group => "group",
                Attribute::Owner => "owner",
                Attribute::Session => "session",
                Attribute::Env => "env",
                Attribute::Host => "host",
                Attribute::Cwd => "cwd",
                Attribute::Branch => "branch",
                Attribute::Task => "task",
            },
        }
    }
}

fn conditions(when: &When, allows: bool, negated: bool) -> Result<Vec<Condition>, String> {
    if allows && when.task.is_some() {
        return Err("`when.task` is what the agent says of itself; a rule that allows cannot rest on it".to_owned());
    }
    if allows && when.session.is_some() {
        return Err("`when.session` is named by the caller; a rule that allows cannot use it".to_owned());
    }
    let anybodys = |words: &OneOrMany| words.words().iter().any(|it| matches!(it.as_str(), "incident" | "freeze"));
    if allows && !negated && when.flag.as_ref().is_some_and(anybodys) {
        return Err("`incident` and `freeze` are set without proof, so a rule that allows cannot rest on them; say `not = { flag = … }`".to_owned());
    }
    let texts = [
        (Attribute::Agent, &when.agent),
        (Attribute::Group, &when.group),
        (Attribute::Owner, &when.owner),
        (Attribute::Session, &when.session),
        (Attribute::Env, &when.env),
        (Attribute::Host, &when.host),
        (Attribute::Cwd, &when.cwd),
        (Attribute::Branch, &when.branch),
        (Attribute::Task, &when.task),
    ];
    let mut conditions = Vec::new();
    for (attribute, words) in texts {
        if let Some(words) = words {
            let wild = if attribute == Attribute::Cwd { Wild::Path } else { Wild::Name };
            conditions.push(Condition::Text(attribute, globs(words, wild)?));
        }
    }
    if let Some(text) = &when.hours {
        conditions.push(Condition::Hours(Hours::read(text)?));
    }
    if let Some(words) = &when.flag {
        conditions.push(Condition::Flag(globs(words, Wild::Name)?));
    }
    if let Some(tainted) = when.tainted {
        conditions.push(Condition::Tainted(tainted));
    }
    for (measure, name, text) in [(Measure::Depth, "depth", &when.depth), (Measure::Trust, "trust", &when.trust)] {
        if let Some(text) = text {
            let (compare, bound) = bound(name, text)?;
            conditions.push(Condition::Number(measure, compare, bound));
        }
    }
    Ok(conditions)
}

fn globs(words: &OneOrMany, wild: Wild) -> Result<Vec<Glob>, String> {
    words.words().iter().map(|word| Glob::new(word, wild)).collect()
}

fn bound(name: &str, text: &str) -> Result<(Compare, u8), String> {
    let (compare, number) = if let Some(rest) = text.strip_prefix(">=") {
        (Compare::AtLeast, rest)
    } else if let Some(rest) = text.strip_prefix("<=") {
        (Compare::AtMost, rest)
    } else {
        (Compare::Exactly, text)
    };
    let number = number.trim().parse().map_err(|_| format!("`{name} = \"{text}\"` is `2`, `>=2` or `<=2`"))?;
    Ok((compare, number))
}

/// `10/h` as a number of times in milliseconds.
fn rate(text: &str) -> Result<(u32, u64), String> {
    let wrong =
        || format!("`rate = \"{text}\"` is a number a second, minute, hour or day: `10/s`, `10/m`, `10/h`, `10/d`");
    let (number, unit) = text.split_once('/').ok_or_else(wrong)?;
    let millis = match unit.trim() {
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err(wrong()),
    };
    Ok((number.trim().parse().map_err(|_| wrong())?, millis))
}
