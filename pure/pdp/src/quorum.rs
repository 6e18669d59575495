//! Who must agree to a hold: how many people, of which role, from which groups, composed; with which assurance, until when.
//!
//! What is asked is monotone: more people who agree never undo it. So whether it can still be reached is the same question as
//! whether everybody who could agree would be enough.

mod read;
mod seats;

use std::fmt;

use model::ReviewerName;
pub use model::{Assurance, Role};

pub(crate) use read::{PanelText, QuorumText};

/// A person, as far as it matters for who must agree. One human is one person, however many devices they have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// Name.
    pub name: ReviewerName,
    /// Role.
    pub role: Role,
    /// Groups.
    pub groups: Vec<String>,
}

/// A named approver: a person, or any member of a group (`@group`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Member {
    /// This person.
    Person(ReviewerName),
    /// Any member of this group.
    Group(String),
}

impl Member {
    fn is(&self, person: &Person) -> bool {
        match self {
            Self::Person(name) => *name == person.name,
            Self::Group(group) => person.groups.contains(group),
        }
    }
}

impl fmt::Display for Member {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Person(name) => name.fmt(out),
            Self::Group(group) => write!(out, "@{group}"),
        }
    }
}

/// Who must agree, composed. Within one panel each seat takes a person of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Panel {
    /// So many people of at least this role.
    MinRole {
        /// Role.
        role: Role,
        /// The number of people.
        people: u8,
    },
    /// So many of these.
    AnyOf {
        /// The number of people.
        people: u8,
        /// Of whom.
        pool: Vec<Member>,
    },
    /// Each of these; of a group, one member.
    AllOf(Vec<Member>),
    /// All of these, by different people.
    And(Vec<Panel>),
    /// One of these.
    Or(Vec<Panel>),
}

/// Who must agree, how sure we must be of each, and how long they have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quorum {
    /// How many distinct people at least.
    pub people: u8,
    /// Of at least this role.
    pub role: Role,
    /// Each of these must be content, too. One person may count for several of them.
    pub panels: Vec<Panel>,
    /// One no ends it. Otherwise only when it cannot be reached any more.
    pub veto: bool,
    /// With what assurance each.
    pub assurance: Assurance,
    /// How long the request waits for them, in seconds.
    pub timeout_s: u32,
}

impl Quorum {
    /// One reviewer with a code, within a minute.
    pub const DEFAULT: Self = Self {
        people: 1,
        role: Role::Reviewer,
        panels: Vec::new(),
        veto: true,
        assurance: Assurance::Totp,
        timeout_s: 60,
    };

    /// What satisfies both: everybody whom either asks for, more assurance, less time.
    #[must_use]
    pub fn strictest(self, other: Self) -> Self {
        let covers = |a: &Self, b: &Self| a.people >= b.people && a.role >= b.role;
        let (base, less) =
            if covers(&self, &other) || !covers(&other, &self) { (&self, &other) } else { (&other, &self) };
        let mut panels = self.panels.clone();
        // Two seniors are not what one senior and two reviewers ask for: both are asked.
        if !covers(base, less) {
            panels.push(Panel::MinRole { role: less.role, people: less.people });
        }
        for panel in &other.panels {
            if !panels.contains(panel) {
                panels.push(panel.clone());
            }
        }
        Self {
            people: base.people,
            role: base.role,
            panels,
            veto: self.veto || other.veto,
            assurance: self.assurance.max(other.assurance),
            timeout_s: self.timeout_s.min(other.timeout_s),
        }
    }

    /// Whether these people are enough.
    pub fn is_met(&self, agreed: &[&Person]) -> bool {
        let mut counted: Vec<&Person> = agreed.iter().copied().filter(|person| person.role.answers()).collect();
        counted.sort_by(|a, b| a.name.cmp(&b.name));
        counted.dedup_by(|a, b| a.name == b.name);
        counted.iter().filter(|person| person.role >= self.role).count() >= usize::from(self.people)
            && self.panels.iter().all(|panel| panel.is_met(&counted))
    }

    /// Whether this person's yes could ever count.
    pub fn has_seat(&self, person: &Person) -> bool {
        // Where a panel asks for as many people as we do, our number says nothing of who they are.
        let by_role = self.role > Role::Reviewer || self.panels.iter().all(|it| it.least() < usize::from(self.people));
        person.role.answers()
            && ((by_role && person.role >= self.role) || self.panels.iter().any(|panel| panel.has_seat(person)))
    }

    /// Who must agree, in words.
    pub fn words(&self) -> String {
        let mut words = vec![Panel::MinRole { role: self.role, people: self.people }.to_string()];
        words.extend(self.panels.iter().map(|panel| format!("and {panel}")));
        if !self.veto {
            words.push("(a denial removes one possible approval)".to_owned());
        }
        words.join(" ")
    }
}

impl fmt::Display for Panel {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |all: &[Member], by: &str| all.iter().map(ToString::to_string).collect::<Vec<_>>().join(by);
        let panels = |all: &[Self], by: &str| {
            let each = all
                .iter()
                .map(|it| if matches!(it, Self::And(_) | Self::Or(_)) { format!("({it})") } else { it.to_string() });
            each.collect::<Vec<_>>().join(by)
        };
        match self {
            Self::MinRole { role, people } => {
                let more = if *role < Role::Operator { " or above" } else { "" };
                write!(out, "{people} {}{}{more}", role.as_str(), if *people == 1 { "" } else { "s" })
            }
            Self::AnyOf { people, pool } => write!(out, "{people} of {}", list(pool, ", ")),
            Self::AllOf(all) => out.write_str(&list(all, " and ")),
            Self::And(all) => write!(out, "{}, each by a different person", panels(all, " and ")),
            Self::Or(all) => out.write_str(&panels(all, " or ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Assurance, Panel, Quorum, Role};

    #[test]
    fn the_strictest_asks_for_what_either_asks_for() {
        let of = |people, role| Quorum { people, role, ..Quorum::DEFAULT };
        let (two, senior) = (of(2, Role::Reviewer), of(1, Role::Senior));
        let both = two.clone().strictest(senior.clone());
        assert_eq!((both.people, both.role), (2, Role::Reviewer));
        assert_eq!(both.panels, [Panel::MinRole { role: Role::Senior, people: 1 }]);
        assert_eq!(senior.clone().strictest(of(1, Role::Reviewer)), senior);
        assert_eq!(of(1, Role::Reviewer).strictest(of(3, Role::Operator)), of(3, Role::Operator));
        let signed = Quorum { assurance: Assurance::Signature, timeout_s: 30, veto: false, ..Quorum::DEFAULT };
        let both = signed.strictest(Quorum::DEFAULT);
        assert_eq!((both.assurance, both.timeout_s, both.veto), (Assurance::Signature, 30, true));
        assert_eq!(both.words(), "1 reviewer or above");
        assert_eq!(two.strictest(senior).words(), "2 reviewers or above and 1 senior or above");
    }
}
