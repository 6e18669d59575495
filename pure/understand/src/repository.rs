//! Which repository git works in. A repository's configuration decides which programs git runs, so one that is not the
//! project's own is not read as if it were.

use model::{Action, Category, Fact, FactQuery, FileKind, Operation, Resource, Reversibility, Segment, Unknown};

use crate::lower::Lowering;
use crate::paths;

/// How far up a repository is looked for.
const MAX_UP: usize = 16;

/// The repository that git finds from a directory.
#[derive(Debug, PartialEq, Eq)]
enum Found {
    /// One whose `.git` is in this directory.
    At(String),
    /// One that is no `.git`, by another name: any writer of files can make one.
    Bare,
    Nothing,
    Unknown,
}

impl Lowering<'_> {
    /// Says so where git may work in another repository than that of the directory in which the text begins.
    pub(crate) fn repository(&mut self, directory: Option<String>, git_dir: Option<String>, segment: &mut Segment) {
        let git_dir = git_dir.map(|path| paths::plain(&path, directory.as_deref().or(self.cwd.as_deref())));
        let stands_in = match (&git_dir, directory) {
            (Some(path), _) => path.strip_suffix("/.git").map(str::to_owned),
            (None, Some(directory)) => Some(directory),
            (None, None) if self.cwd == self.began_in => return,
            (None, None) => self.cwd.clone(),
        };
        let ordinary = match &stands_in {
            Some(directory) => self.is_own(directory),
            // Where the text itself asks git for the top of its repository, it stays in it.
            None => git_dir.is_none() && self.asked_for_top(),
        };
        if !ordinary {
            let text = git_dir.or(stands_in).unwrap_or_else(|| "git".to_owned());
            // One that is no `.git` is a directory like any other, which anything that writes files may have made.
            if (text.ends_with(".git") && !text.ends_with("/.git")) || self.found_from(&text) == Found::Bare {
                segment.operations.push(Operation {
                    action: Action::Run,
                    resource: Resource::Program(format!("what the configuration of {text} names")),
                    category: Category::RemoteCode,
                    reversibility: Reversibility::Irreversible,
                    recursive: false,
                });
            }
            let why = "a repository elsewhere, whose configuration decides what git runs".to_owned();
            segment.unknowns.push(Unknown { text, why });
        }
    }

    fn is_own(&mut self, directory: &str) -> bool {
        let Some(began) = self.began_in.clone() else { return false };
        if directory == began {
            return true;
        }
        if !directory.starts_with('/') || paths::has_parent(directory) || self.may_write_to(directory) {
            return false;
        }
        // One that is not there may be another's by the time git looks, and behind a link it is elsewhere.
        let there = matches!(self.fact(FactQuery::File(directory.to_owned())), Fact::File(FileKind::Directory));
        let real = match self.fact(FactQuery::RealPath(directory.to_owned())) {
            Fact::RealPath(real) => real == directory || self.is_below(&real),
            Fact::Program(_) | Fact::File(_) | Fact::Names(_) | Fact::Unseen | Fact::Unknown => false,
        };
        if !there || !real {
            return false;
        }
        match self.found_from(directory) {
            Found::At(top) => self.found_from(&began) == Found::At(top),
            Found::Nothing => paths::is_below(directory, &began) && self.found_from(&began) == Found::Nothing,
            Found::Bare | Found::Unknown => false,
        }
    }

    /// Whether a place is below the directory in which the text begins, really.
    fn is_below(&mut self, real: &str) -> bool {
        let Some(began) = self.began_in.clone() else { return false };
        match self.fact(FactQuery::RealPath(began)) {
            Fact::RealPath(began) => paths::is_below(real, &began),
            Fact::Program(_) | Fact::File(_) | Fact::Names(_) | Fact::Unseen | Fact::Unknown => false,
        }
    }

    /// Whether an earlier part of the text may write there: below it, or above, where what is put there can bring the
    /// directory along.
    fn may_write_to(&self, directory: &str) -> bool {
        let moves = self.intent.segments.iter().any(|it| {
            let mut words = it.argv.iter().map(model::Arg::text);
            words.next().is_some_and(|name| name.ends_with("git")) && words.any(|word| word == "mv")
        });
        if moves {
            return true;
        }
        self.intent.segments.iter().flat_map(|it| &it.operations).any(|it| match &it.resource {
            Resource::Path(path) | Resource::Pattern(path) if it.action == Action::Write => {
                let plain = paths::plain(path, self.began_in.as_deref());
                let above = plain.split(['*', '?', '[']).next().unwrap_or("").trim_end_matches('/');
                plain.starts_with(directory)
                    || !plain.starts_with('/')
                    || directory.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            }
            // Names that are not known before it runs.
            Resource::Unknown(_) => it.action == Action::Write && it.category == Category::FsWrite,
            Resource::Path(_)
            | Resource::Pattern(_)
            | Resource::Host(_)
            | Resource::Program(_)
            | Resource::Package(_)
            | Resource::Service(_)
            | Resource::Tool(_)
            | Resource::Database(_)
            | Resource::System => false,
        })
    }

    fn found_from(&mut self, directory: &str) -> Found {
        let mut at = directory;
        for _ in 0..MAX_UP {
            match self.fact(FactQuery::File(format!("{at}/.git"))) {
                Fact::File(FileKind::Directory | FileKind::Text(..)) => return Found::At(at.to_owned()),
                Fact::File(FileKind::Missing) => {}
                Fact::File(FileKind::Opaque)
                | Fact::Program(_)
                | Fact::RealPath(_)
                | Fact::Names(_)
                | Fact::Unseen
                | Fact::Unknown => {
                    return Found::Unknown;
                }
            }
            match self.fact(FactQuery::File(format!("{at}/HEAD"))) {
                Fact::File(FileKind::Missing | FileKind::Directory) => {}
                Fact::File(FileKind::Text(..) | FileKind::Opaque) => return Found::Bare,
                Fact::Program(_) | Fact::RealPath(_) | Fact::Names(_) | Fact::Unseen | Fact::Unknown => {
                    return Found::Unknown;
                }
            }
            at = match at.rsplit_once('/') {
                Some(("", _)) | None => return Found::Nothing,
                Some((parent, _)) => parent,
            };
        }
        Found::Unknown
    }

    /// Whether the only change of directory is to what git says the top is.
    fn asked_for_top(&self) -> bool {
        let mut moves = self.intent.segments.iter().filter(|segment| {
            segment.argv.first().is_some_and(|head| matches!(head.text(), "cd" | "pushd" | "popd" | "chdir"))
        });
        let top = moves.next().and_then(|segment| segment.argv.get(1)).is_some_and(|to| {
            to.text().trim_matches(['"', '$', '(', ')', '`']).trim() == "git rev-parse --show-toplevel"
        });
        top && moves.next().is_none()
    }
}

#[cfg(test)]
mod tests {
    use model::{Coverage, Digest, Fact, FactQuery, Facts, FileKind};

    use crate::{Subject, Surroundings, settle};

    fn is_full(text: &str) -> bool {
        let around = Surroundings { cwd: Some("/w"), home: Some("/home/a"), ..Surroundings::default() };
        let mut look = |query: &FactQuery| match query {
            FactQuery::RealPath(path) => Fact::RealPath(path.clone()),
            FactQuery::Names(_) => Fact::Unknown,
            FactQuery::Program(name) => Fact::Program(Some(format!("/usr/bin/{name}"))),
            FactQuery::File(path) => Fact::File(match path.as_str() {
                "/w/.git" | "/w/src" | "/w/evil" | "/other" | "/other/.git" | "/w/sub/.git" => FileKind::Directory,
                "/w/evil/HEAD" => FileKind::Text("ref: x".to_owned(), Digest::of_bytes(b"ref: x")),
                _ => FileKind::Missing,
            }),
        };
        let intent = settle(Subject::Shell(text), around, &mut Facts::default(), &mut look);
        matches!(intent.coverage(), Coverage::Full)
    }

    #[test]
    fn the_repository_of_the_project_is_known_from_others() {
        for text in
            ["git -C src status", "cd src && git log", "git -C . status", "git -C /w status", "git --git-dir=.git log"]
        {
            assert!(is_full(text), "{text}");
        }
        for text in [
            "git -C evil status",
            "cd evil && git log",
            "git -C /other log",
            "git -C sub log",
            "git --git-dir=evil log",
            "git -C gone log",
            "cd /gone && git diff",
            "git -C src/gone status",
        ] {
            assert!(!is_full(text), "{text}");
        }
    }
}
