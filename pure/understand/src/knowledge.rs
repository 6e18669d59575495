//! What programs do, compiled from `programs/`.

use model::{Action, Category, Reversibility};

/// What a program does to an operand or to the value of an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Looks at what is there, not at what is in it: names, sizes, dates.
    Look,
    Read,
    Write,
    /// Takes out what was in it: truncates, overwrites.
    Delete,
    Inspect,
    Url,
    Host,
    Send,
    Install,
    Control,
    Permit,
    Elevate,
    /// A text for the shell.
    Shell,
    /// A program that is run, by name or path.
    Program,
    /// A place from which a person can run commands: a pager, an editor, a terminal.
    Session,
    /// Code in another language, of the program's own.
    Code,
    /// SQL.
    Sql,
    /// A file that an interpreter reads as code.
    Script,
    /// A library or plug-in that is loaded into the program.
    Load,
    Database,
    History,
    Container,
    Cloud,
    Persist,
    /// Something that is secret by itself: a password on the command line, a key that is shown.
    Secret,
    Opaque,
    /// A file that lists further operands, which the text does not show.
    Names,
}

/// How a program takes the words of its command apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// As `getopt_long` does: bundles of letters, and unique beginnings of long names.
    Long,
    /// As `Long`, and the first word may be a bundle without a dash (`tar xf`, `ps aux`).
    Bundle,
    /// As `Long`, but a letter's value is always a word of its own (`tree -aio FILE`).
    Apart,
    /// Options are whole words behind one dash or two (`-name value`); there are no bundles.
    Word,
}

/// What an option that an entry lists does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Meaning {
    /// What it does by itself.
    pub(crate) act: Option<&'static [Role]>,
    /// What it does to every operand.
    pub(crate) each: Option<&'static [Role]>,
    /// What is done to its value, if it takes one.
    pub(crate) value: Option<&'static [Role]>,
    /// Whether a name is between it and its value (`jq --arg NAME VALUE`).
    pub(crate) named: bool,
    /// Whether it takes a value only where one is glued to it.
    pub(crate) optional: bool,
    pub(crate) recursive: bool,
}

/// One program's entry; `programs/README.md` explains each member.
#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) operands: &'static [Role],
    pub(crate) first: Option<&'static [Role]>,
    pub(crate) last: Option<&'static [Role]>,
    pub(crate) always: &'static [Role],
    pub(crate) loose: Option<&'static [Role]>,
    pub(crate) flags: &'static [&'static str],
    pub(crate) options: &'static [(&'static str, &'static [Role])],
    /// Options without a value that do something of their own.
    pub(crate) acts: &'static [(&'static str, &'static [Role])],
    /// Options that do something to every operand.
    pub(crate) each: &'static [(&'static str, &'static [Role])],
    /// Options in whose presence the first operand is one like the others.
    pub(crate) instead: &'static [&'static str],
    /// Options in whose presence it only shows: then its operands are names, and it does nothing by itself.
    pub(crate) shows: &'static [&'static str],
    pub(crate) recursive: &'static [&'static str],
    pub(crate) wraps: Option<usize>,
    pub(crate) joins: bool,
    pub(crate) subcommands: bool,
    pub(crate) verbs: Option<Role>,
    pub(crate) assigns: bool,
    pub(crate) style: Style,
    /// Options with two values, the first of which is a name.
    pub(crate) pairs: &'static [(&'static str, &'static [Role])],
    /// The beginning of a file's name that means a program that is run.
    pub(crate) pipes: &'static [&'static str],
    /// Whether `host:file` in place of a file is on another machine.
    pub(crate) remote: bool,
}

include!(concat!(env!("OUT_DIR"), "/programs.rs"));

/// A program with its entry, which it may share with others.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Known {
    pub(crate) name: &'static str,
    entry: &'static Program,
}

impl std::ops::Deref for Known {
    type Target = Program;

    fn deref(&self) -> &Program {
        self.entry
    }
}

/// The entry of a program, or of `program subcommand`. One hash and a comparison or two.
pub(crate) fn find(name: &str) -> Option<Known> {
    // FNV-1a; `build.rs` has the same.
    let hash = name
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    let at = hash.checked_rem(u64::try_from(BUCKETS.len()).ok()?)?;
    let bucket = BUCKETS.get(usize::try_from(at).ok()?)?;
    let (name, entry) = bucket.iter().find(|(known, _)| *known == name).or_else(|| of_a_kind(name))?;
    Some(Known { name, entry: PROGRAMS.get(usize::from(*entry))? })
}

/// The names of all entries.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    BUCKETS.iter().flat_map(|bucket| bucket.iter().map(|(name, _)| *name))
}

/// A family that says how the names of its programs begin or end.
fn of_a_kind(name: &str) -> Option<&'static (&'static str, u16)> {
    let begins = PREFIXES.iter().find(|(prefix, _)| name.len() > prefix.len() && name.starts_with(prefix));
    begins.or_else(|| SUFFIXES.iter().find(|(suffix, _)| name.len() > suffix.len() && name.ends_with(suffix)))
}

impl Program {
    /// The roles of an option's value, if it takes one.
    pub(crate) fn option(&self, name: &str) -> Option<&'static [Role]> {
        let at = self.options.binary_search_by(|(option, _)| (*option).cmp(name)).ok()?;
        self.options.get(at).map(|(_, roles)| *roles)
    }

    /// What an option does, if it is listed.
    pub(crate) fn meaning(&self, name: &str) -> Option<Meaning> {
        let by_name = |list: &'static [(&'static str, &'static [Role])]| {
            list.iter().find(|(option, _)| *option == name).map(|(_, roles)| *roles)
        };
        let (act, each, pair) = (by_name(self.acts), by_name(self.each), by_name(self.pairs));
        let (named, value) = (pair.is_some(), pair.or_else(|| self.option(name)));
        let (flag, recursive) = (self.is_flag(name), self.is_recursive(name));
        let listed = flag || recursive || act.is_some() || each.is_some() || value.is_some();
        listed.then_some(Meaning { act, each, value, named, optional: flag && value.is_some(), recursive })
    }

    /// The listed options whose names begin so, which is how `getopt_long` takes a name that is cut short.
    pub(crate) fn options_that_begin(&self, name: &str) -> Vec<(&'static str, Meaning)> {
        let named = self.options.iter().chain(self.acts).chain(self.each).chain(self.pairs).map(|(option, _)| *option);
        let mut found: Vec<(&'static str, Meaning)> = Vec::new();
        for option in named.chain(self.flags.iter().chain(self.recursive).copied()) {
            if option.starts_with(name)
                && !found.iter().any(|(known, _)| *known == option)
                && let Some(meaning) = self.meaning(option)
            {
                found.push((option, meaning));
            }
        }
        found
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
    /// Whether it changes nothing and runs nothing.
    pub(crate) const fn only_reads(self) -> bool {
        matches!(self, Self::Read | Self::Look | Self::Inspect | Self::Names)
    }

    /// Whether something is run that is not the program itself.
    pub(crate) const fn runs(self) -> bool {
        matches!(
            self,
            Self::Program | Self::Shell | Self::Code | Self::Script | Self::Load | Self::Opaque | Self::Session
        )
    }

    /// Whether it is on a path.
    pub(crate) const fn is_on_path(self) -> bool {
        matches!(
            self,
            Self::Look
                | Self::Read
                | Self::Write
                | Self::Delete
                | Self::Permit
                | Self::Script
                | Self::Load
                | Self::Names
                | Self::Program
        )
    }

    /// Whether it is on an address.
    pub(crate) const fn is_on_network(self) -> bool {
        matches!(self, Self::Url | Self::Host | Self::Send)
    }

    /// The action, category and reversibility of a role.
    pub(crate) const fn effect(self) -> (Action, Category, Reversibility) {
        use Reversibility::{Effort, Irreversible, Partial, Reversible};
        match self {
            Self::Inspect | Self::Look => (Action::Inspect, Category::ReadOnly, Reversible),
            Self::Read | Self::Names => (Action::Read, Category::ReadOnly, Reversible),
            Self::Secret => (Action::Read, Category::CredentialAccess, Reversible),
            Self::Write => (Action::Write, Category::FsWrite, Effort),
            Self::Delete => (Action::Delete, Category::FsDestructive, Partial),
            Self::Url | Self::Host => (Action::Connect, Category::NetworkEgress, Reversible),
            Self::Send => (Action::Send, Category::NetworkEgress, Irreversible),
            Self::Install => (Action::Install, Category::PackageInstall, Effort),
            Self::Control => (Action::Control, Category::ServiceProcessControl, Partial),
            Self::Permit => (Action::Permit, Category::Privilege, Partial),
            Self::Elevate => (Action::Elevate, Category::Privilege, Partial),
            Self::Shell | Self::Program | Self::Session | Self::Code | Self::Script | Self::Load | Self::Opaque => {
                (Action::Run, Category::RemoteCode, Irreversible)
            }
            Self::Database | Self::Sql => (Action::Write, Category::Database, Irreversible),
            Self::History => (Action::Write, Category::VcsHistory, Effort),
            Self::Container => (Action::Control, Category::ContainerOrchestration, Partial),
            Self::Cloud => (Action::Control, Category::CloudIac, Irreversible),
            Self::Persist => (Action::Write, Category::PersistenceConfig, Partial),
        }
    }
}
