//! What programs do, compiled from `programs/*.toml`.

use model::{Action, Category, Reversibility};

/// What a program does to an operand or to the value of an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Text,
    Read,
    Write,
    Delete,
    Inspect,
    Url,
    Host,
    Send,
    Install,
    Control,
    Permit,
    Elevate,
    Shell,
    Program,
    Code,
    Script,
    Database,
    History,
    Container,
    Cloud,
    Persist,
    Opaque,
}

/// One program's entry; `programs/README.md` explains each member.
#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) name: &'static str,
    pub(crate) operands: Role,
    pub(crate) first: Option<Role>,
    pub(crate) last: Option<Role>,
    pub(crate) always: Option<Role>,
    pub(crate) flags: &'static [&'static str],
    pub(crate) options: &'static [(&'static str, Role)],
    pub(crate) recursive: &'static [&'static str],
    pub(crate) wraps: Option<usize>,
    pub(crate) subcommands: bool,
    pub(crate) assigns: bool,
}

include!(concat!(env!("OUT_DIR"), "/programs.rs"));

/// The entry of a program, or of `program subcommand`.
pub(crate) fn find(name: &str) -> Option<&'static Program> {
    PROGRAMS.binary_search_by(|program| program.name.cmp(name)).ok().and_then(|at| PROGRAMS.get(at))
}

impl Program {
    /// The role of an option's value, if it takes one.
    pub(crate) fn option(&self, name: &str) -> Option<Role> {
        let at = self.options.binary_search_by(|(option, _)| (*option).cmp(name)).ok()?;
        self.options.get(at).map(|(_, role)| *role)
    }

    /// Whether it is a flag without effect.
    pub(crate) fn is_flag(&self, name: &str) -> bool {
        self.flags.binary_search(&name).is_ok()
    }

    /// Whether the flag makes it go through trees.
    pub(crate) fn is_recursive(&self, name: &str) -> bool {
        self.recursive.contains(&name)
    }
}

impl Role {
    /// The action, category and reversibility that a role stands for; none where it has no effect by itself.
    pub(crate) const fn effect(self) -> Option<(Action, Category, Reversibility)> {
        use Reversibility::{Effort, Irreversible, Partial, Reversible};
        match self {
            Self::Text => None,
            Self::Inspect => Some((Action::Inspect, Category::ReadOnly, Reversible)),
            Self::Read => Some((Action::Read, Category::ReadOnly, Reversible)),
            Self::Write => Some((Action::Write, Category::FsWrite, Effort)),
            Self::Delete => Some((Action::Delete, Category::FsDestructive, Partial)),
            Self::Url | Self::Host => Some((Action::Connect, Category::NetworkEgress, Reversible)),
            Self::Send => Some((Action::Send, Category::NetworkEgress, Irreversible)),
            Self::Install => Some((Action::Install, Category::PackageInstall, Effort)),
            Self::Control => Some((Action::Control, Category::ServiceProcessControl, Partial)),
            Self::Permit => Some((Action::Permit, Category::Privilege, Partial)),
            Self::Elevate => Some((Action::Elevate, Category::Privilege, Partial)),
            Self::Shell | Self::Program | Self::Code | Self::Script | Self::Opaque => {
                Some((Action::Run, Category::RemoteCode, Irreversible))
            }
            Self::Database => Some((Action::Write, Category::Database, Irreversible)),
            Self::History => Some((Action::Write, Category::VcsHistory, Effort)),
            Self::Container => Some((Action::Control, Category::ContainerOrchestration, Partial)),
            Self::Cloud => Some((Action::Control, Category::CloudIac, Irreversible)),
            Self::Persist => Some((Action::Write, Category::PersistenceConfig, Partial)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{PROGRAMS, find};

    #[test]
    fn the_table_is_sorted_and_finds_every_entry() {
        for program in PROGRAMS {
            assert_eq!(find(program.name).map(|it| it.name), Some(program.name));
        }
        assert!(find("no such program").is_none());
    }
}
