//! Who must agree, as it is written in rules and defaults.

use model::ReviewerName;
use serde::Deserialize;

use super::{Assurance, Member, Panel, Quorum, Role};

/// The most people that anything may ask for.
const MAX_PEOPLE: u8 = 12;

/// The most ways in which a panel may be content.
const MAX_WAYS: usize = 32;

/// How long people may have, in seconds.
const SECONDS: std::ops::RangeInclusive<u32> = 1..=600;

/// Who is asked.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct QuorumText {
    /// How many people must agree
    pub(crate) people: Option<u8>,
    /// Who they must be
    pub(crate) who: Option<PanelText>,
    /// One no ends it (true, unless said otherwise); otherwise only when it cannot be reached any more
    pub(crate) veto: Option<bool>,
    /// How sure we must be of each: `session` (signed in, no more), `totp` or `signature`
    pub(crate) assurance: Option<String>,
    /// How long they have, in seconds: 1 to 600
    pub(crate) timeout_s: Option<u32>,
}

/// Who they must be: one of `role`, `any_of`, `all_of`, `and`, `or`.
#[derive(Clone, Debug, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct PanelText {
    /// How many, of `role` or `any_of`
    people: Option<u8>,
    /// At least this role: `reviewer`, `senior`, `operator`
    role: Option<String>,
    /// Some of these: names, or `@group`
    any_of: Option<Vec<String>>,
    /// Each of these: names, or `@group` for one of its members
    all_of: Option<Vec<String>>,
    /// All of these, by different people
    and: Option<Vec<PanelText>>,
    /// One of these
    or: Option<Vec<PanelText>>,
}

impl QuorumText {
    pub(crate) fn read(&self) -> Result<Quorum, String> {
        let assurance = match self.assurance.as_deref() {
            None => Assurance::Totp,
            Some(word) => Assurance::parse(word)
                .ok_or_else(|| format!("`assurance` is `session`, `totp` or `signature`, not `{word}`"))?,
        };
        let timeout_s = self.timeout_s.unwrap_or(Quorum::DEFAULT.timeout_s);
        if !SECONDS.contains(&timeout_s) {
            return Err("people have between 1 and 600 seconds".to_owned());
        }
        if self.people == Some(0) {
            return Err("at least one person must agree; to let it run, say `verdict = \"allow\"`".to_owned());
        }
        if self.people.is_some_and(|people| people > MAX_PEOPLE) {
            return Err(format!("at most {MAX_PEOPLE} people are asked"));
        }
        let mut quorum = Quorum {
            people: self.people.unwrap_or(1),
            veto: self.veto.unwrap_or(true),
            assurance,
            timeout_s,
            ..Quorum::DEFAULT
        };
        let Some(who) = &self.who else { return Ok(quorum) };
        let panel = who.read()?;
        if let Panel::MinRole { role, people } = panel {
            if who.people.is_some() && self.people.is_some() {
                return Err("`people` is said twice; say it once".to_owned());
            }
            quorum.role = role;
            quorum.people = quorum.people.max(people);
            return Ok(quorum);
        }
        let (ways, seats) = panel.size();
        if ways > MAX_WAYS || seats > usize::from(MAX_PEOPLE) {
            return Err(format!("`who` has more than {MAX_WAYS} ways or {MAX_PEOPLE} people; make it simpler"));
        }
        quorum.people = quorum.people.max(u8::try_from(panel.least()).unwrap_or(MAX_PEOPLE));
        quorum.panels.push(panel);
        Ok(quorum)
    }
}

impl PanelText {
    fn read(&self) -> Result<Panel, String> {
        let people = self.people.unwrap_or(1);
        if !(1..=MAX_PEOPLE).contains(&people) {
            return Err(format!("between 1 and {MAX_PEOPLE} people are asked"));
        }
        let each = |all: &[Self]| all.iter().map(Self::read).collect::<Result<Vec<_>, _>>();
        let panel = match self {
            Self { role: Some(role), any_of: None, all_of: None, and: None, or: None, .. } => {
                let known = Role::parse(role).filter(|role| role.answers());
                let role = known
                    .ok_or_else(|| format!("`{role}` is no role that answers; there are reviewer, senior, operator"))?;
                return Ok(Panel::MinRole { role, people });
            }
            Self { role: None, any_of: Some(pool), all_of: None, and: None, or: None, .. } => {
                let pool = members(pool)?;
                let names_too_few =
                    pool.len() < usize::from(people) && !pool.iter().any(|it| matches!(it, Member::Group(_)));
                if names_too_few {
                    return Err(format!("{people} of {} cannot be", pool.len()));
                }
                return Ok(Panel::AnyOf { people, pool });
            }
            Self { role: None, any_of: None, all_of: Some(all), and: None, or: None, .. } => {
                Panel::AllOf(members(all)?)
            }
            Self { role: None, any_of: None, all_of: None, and: Some(all), or: None, .. } => Panel::And(each(all)?),
            Self { role: None, any_of: None, all_of: None, and: None, or: Some(all), .. } => Panel::Or(each(all)?),
            _ => return Err("say one of `role`, `any_of`, `all_of`, `and`, `or`".to_owned()),
        };
        let is_empty = match &panel {
            Panel::And(all) | Panel::Or(all) => all.is_empty(),
            Panel::AllOf(all) => all.is_empty(),
            Panel::MinRole { .. } | Panel::AnyOf { .. } => false,
        };
        if is_empty {
            return Err("a list of who must agree is empty".to_owned());
        }
        if self.people.is_some() {
            return Err("`people` belongs to `role` and `any_of`".to_owned());
        }
        Ok(panel)
    }
}

fn members(names: &[String]) -> Result<Vec<Member>, String> {
    let one = |name: &String| match name.strip_prefix('@') {
        // A group is named as a person is.
        Some(group) => ReviewerName::parse(group).map(|group| Member::Group(group.as_str().to_owned())),
        None => ReviewerName::parse(name).map(Member::Person),
    };
    let mut members = names.iter().map(one).collect::<Result<Vec<_>, _>>().map_err(|why| why.to_string())?;
    let all = members.len();
    members.sort();
    members.dedup();
    if members.is_empty() || members.len() < all {
        return Err("each of those who must agree is named once".to_owned());
    }
    Ok(members)
}

#[cfg(test)]
mod tests {
    use super::QuorumText;

    fn words(text: &str) -> Result<String, String> {
        let text: QuorumText = toml::from_str(text).map_err(|why| why.message().to_owned())?;
        text.read().map(|quorum| quorum.words())
    }

    #[test]
    fn what_is_written_is_asked() {
        for (text, said) in [
            ("", "1 reviewer or above"),
            ("people = 2", "2 reviewers or above"),
            ("people = 2\nwho = { role = 'senior' }", "2 seniors or above"),
            ("who = { any_of = ['rita', '@ops'], people = 2 }", "2 reviewers or above and 2 of rita, @ops"),
            ("who = { all_of = ['@security', 'rita'] }", "2 reviewers or above and rita and @security"),
            (
                "who = { and = [{ role = 'senior' }, { any_of = ['@security'] }] }",
                "2 reviewers or above and 1 senior or above and 1 of @security, each by a different person",
            ),
            (
                "who = { or = [{ role = 'operator' }, { any_of = ['@ops'], people = 2 }] }\nveto = false",
                "1 reviewer or above and 1 operator or 2 of @ops (a denial removes one possible approval)",
            ),
        ] {
            assert_eq!(words(text).as_deref(), Ok(said), "{text}");
        }
    }

    #[test]
    fn what_nobody_could_fill_or_read_is_refused() {
        for text in [
            "people = 0",
            "people = 13",
            "who = {}",
            "who = { role = 'auditor' }",
            "who = { role = 'viewer' }",
            "who = { role = 'boss' }",
            "who = { any_of = [] }",
            "who = { any_of = ['rita'], people = 2 }",
            "who = { any_of = ['rita', 'rita'], people = 2 }",
            "who = { any_of = ['a b'] }",
            "who = { role = 'senior', any_of = ['rita'] }",
            "who = { all_of = ['rita'], people = 1 }",
            "people = 2\nwho = { role = 'senior', people = 1 }",
            "who = { and = [] }",
            "who = { or = [{ and = [] }] }",
            "assurance = 'cookie'",
            "timeout_s = 601",
            "who = { and = [{ role = 'senior', people = 7 }, { role = 'senior', people = 7 }] }",
        ] {
            assert!(words(text).is_err(), "{text}: {:?}", words(text));
        }
    }
}
