//! What a rule says about the resources of operations.

use model::{Action, Directory, Operation, Resource, Segment};

use super::RuleVerdict;
use crate::evaluate::Situation;
use crate::pattern::Glob;

/// Conditions on the resource of an operation. Several of them are alternatives.
#[derive(Clone, Debug, Default)]
pub(crate) struct Target {
    pub(crate) paths: Vec<PathPattern>,
    /// Not an alternative: no other files are touched.
    pub(crate) only_paths: Vec<PathPattern>,
    pub(crate) hosts: Vec<Glob>,
    /// Kind and name.
    pub(crate) named: Vec<(String, Glob)>,
    pub(crate) sql: Vec<Glob>,
}

/// A glob of paths, perhaps below a place that is known only when a request is there.
#[derive(Clone, Debug)]
pub(crate) struct PathPattern {
    pub(crate) base: Base,
    pub(crate) glob: Glob,
}

/// Where a path pattern begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Base {
    /// At the root.
    Root,
    /// `$PROJECT`: the repository that the working directory is in.
    Project,
    /// `$CWD`: the working directory.
    Cwd,
    /// `$HOME`: the home of the agent's user.
    Home,
}

impl PathPattern {
    pub(crate) fn matches(&self, path: &str, situation: &Situation<'_>) -> bool {
        let base = match self.base {
            Base::Root => return self.glob.matches(path),
            Base::Project => situation.project,
            Base::Cwd => situation.cwd,
            Base::Home => situation.home,
        };
        let below = base.filter(|base| base.len() > 1).and_then(|base| path.strip_prefix(base));
        // `$PROJECT/**` is the project itself, too.
        below.is_some_and(|rest| self.glob.matches(rest) || (rest.is_empty() && self.glob.matches("/")))
    }
}

impl Target {
    pub(crate) const fn is_empty(&self) -> bool {
        self.paths.is_empty() && self.hosts.is_empty() && self.named.is_empty() && self.sql.is_empty()
    }

    /// Whether it names paths, and nothing else.
    pub(crate) const fn is_about_paths(&self) -> bool {
        !self.paths.is_empty() && self.hosts.is_empty() && self.named.is_empty() && self.sql.is_empty()
    }

    /// The key that it is written with, for people.
    pub(crate) const fn key(&self) -> Option<&'static str> {
        match (self.paths.is_empty(), self.hosts.is_empty(), self.named.is_empty(), self.sql.is_empty()) {
            (false, ..) => Some("path"),
            (true, false, ..) => Some("host"),
            (true, true, false, _) => Some("resource"),
            (true, true, true, false) => Some("sql"),
            (true, true, true, true) => None,
        }
    }

    /// Whether the files that an operation touches are among `only_path`. What a program does beyond what is known of
    /// it is not a matter of this key, but of `coverage`.
    pub(crate) fn keeps_within(&self, operation: &Operation, situation: &Situation<'_>) -> bool {
        let within = |text: &str| self.only_paths.iter().any(|pattern| pattern.matches(text, situation));
        match &operation.resource {
            Resource::Path(text) => within(text),
            // A pattern's matches are below the directory that it begins with, but for links: that is enough to read.
            Resource::Pattern(text) => {
                let below = within(text) && !text.contains("/../") && !text.ends_with("/..");
                below && matches!(operation.action, Action::Read | Action::Inspect)
            }
            Resource::Unknown(_) => {
                use model::Category::{CredentialAccess, FsDestructive, FsWrite, PersistenceConfig, ReadOnly};
                let files = [CredentialAccess, FsDestructive, FsWrite, PersistenceConfig, ReadOnly];
                matches!(operation.action, Action::Run | Action::Inspect) || !files.contains(&operation.category)
            }
            Resource::Host(_)
            | Resource::Program(_)
            | Resource::Package(_)
            | Resource::Service(_)
            | Resource::Tool(_)
            | Resource::Database(_)
            | Resource::System => true,
        }
    }

    /// Whether a pattern of paths that an operation is on could match one of these. Links and the directories above are
    /// not looked at.
    pub(crate) fn may_name(&self, operation: &Operation, situation: &Situation<'_>) -> bool {
        let Resource::Pattern(text) = &operation.resource else { return false };
        let Ok(glob) = Glob::new(text, crate::pattern::Wild::Path) else { return false };
        self.paths.iter().any(|pattern| {
            let base = match pattern.base {
                Base::Root => Some(""),
                Base::Project => situation.project,
                Base::Cwd => situation.cwd,
                Base::Home => situation.home,
            };
            base.is_some_and(|base| pattern.glob.may_meet(base, &glob))
        })
    }

    /// Whether the directory that a command runs in is among `only_path`. Where everything that a command does is on a
    /// named place, its directory does not matter.
    pub(crate) fn keeps_directory(&self, segment: &Segment, situation: &Situation<'_>) -> bool {
        let named = |operation: &Operation| {
            operation.action != Action::Run
                && matches!(operation.resource, Resource::Path(_) | Resource::Pattern(_) | Resource::Host(_))
        };
        if segment.unknowns.is_empty() && !segment.operations.is_empty() && segment.operations.iter().all(named) {
            return true;
        }
        let directory = match &segment.directory {
            Directory::Start => situation.cwd,
            Directory::Moved(directory) => Some(directory.as_str()),
            Directory::Unknown => None,
        };
        directory.is_some_and(|directory| self.only_paths.iter().any(|pattern| pattern.matches(directory, situation)))
    }

    /// Whether an operation is on one of these.
    pub(crate) fn names(&self, operation: &Operation, verdict: RuleVerdict, situation: &Situation<'_>) -> bool {
        let any = |globs: &[Glob], text: &str| globs.iter().any(|glob| glob.matches(text));
        let path = |text: &str| self.paths.iter().any(|pattern| pattern.matches(text, situation));
        let found = match &operation.resource {
            Resource::Path(text) => path(text),
            // Which files a pattern matches, or what an unknown word is, shows only when it runs. That is no
            // reason to allow, a reason to ask people, and none to deny without them.
            Resource::Pattern(text) => match verdict {
                RuleVerdict::Ask => !self.paths.is_empty(),
                RuleVerdict::Deny | RuleVerdict::Block => path(text),
                RuleVerdict::Allow => false,
            },
            Resource::Unknown(_) => {
                verdict == RuleVerdict::Ask && !matches!(operation.action, Action::Run | Action::Inspect)
            }
            Resource::Host(text) => any(&self.hosts, text),
            Resource::Database(text) => self.sql.iter().any(|glob| {
                let kind = text.split(' ').next().unwrap_or(text);
                glob.matches(if glob.prefix().contains(' ') { text } else { kind })
            }),
            Resource::Program(_)
            | Resource::Package(_)
            | Resource::Service(_)
            | Resource::Tool(_)
            | Resource::System => false,
        };
        let (kind, text) = (operation.resource.kind(), operation.resource.text());
        found || self.named.iter().any(|(wanted, glob)| wanted == kind && glob.matches(text))
    }
}
