//! Names of files that a program makes without their standing in its words: in a target directory, from an archive, by
//! an ending that goes.

use model::{Action, Arg, Category, Fact, FactQuery, FileKind, Operation, Resource, Reversibility};

use crate::knowledge::Role;
use crate::lower::Lowering;
use crate::paths;
use crate::program::Parsed;

impl Lowering<'_> {
    /// Where the target is a directory, what is made there has the name of the source; and a tree that is merged into
    /// the target may hold any name.
    pub(crate) fn made_in_directory(&mut self, parsed: &mut Parsed, trees: bool) {
        let named = parsed.settings.iter().find(|(option, _)| matches!(option.as_str(), "-t" | "--target-directory"));
        let (sources, target) = match (named, parsed.operands.as_slice()) {
            (Some((_, target)), sources) => (sources.to_vec(), target.clone()),
            (None, [sources @ .., target]) => (sources.to_vec(), target.clone()),
            (None, []) => return,
        };
        let Some(to) = target.known() else { return };
        let to = paths::plain(to, self.cwd.as_deref());
        let ending = parsed.settings.iter().find(|(option, _)| matches!(option.as_str(), "-S" | "--suffix"));
        let ending = ending.map_or("", |(_, value)| value.text()).to_owned();
        let exact = parsed.given.iter().any(|option| matches!(option.as_str(), "-T" | "--no-target-directory"))
            || (named.is_none()
                && target.known().is_some_and(|text| !text.ends_with('/'))
                && self.is_no_directory(&to));
        for source in sources.iter().filter_map(Arg::known) {
            let name = source.trim_end_matches('/').rsplit('/').next().unwrap_or(source);
            let merges = parsed.recursive && (exact || matches!(name, "." | ".."));
            let mut made = vec![to.clone(), format!("{to}{ending}")];
            if trees {
                made.extend([format!("{to}/workflows/x"), format!("{to}/x")]);
            }
            if !exact {
                made.extend([format!("{to}/{name}"), format!("{to}/{name}{ending}"), format!("{to}/{name}/x")]);
            }
            let later = |place: &&String| crate::places::kinds(place, self.home.as_deref()).later;
            let guarded = made.iter().find(later).cloned();
            let root = self.project.as_deref().is_some_and(|project| paths::is_below(project, &to));
            let place = guarded.or_else(|| (merges && root).then(|| format!("{to}/.claude/x")));
            if let Some(place) = place {
                self.effect(&Arg::Known(place), Role::Write, false, &mut parsed.operations, &mut parsed.unknowns);
            }
        }
    }

    /// Whether a place is certainly no directory: it is missing or a file, and nothing before in the text may have made it.
    pub(crate) fn is_no_directory(&mut self, place: &str) -> bool {
        let mut operations = self.intent.segments.iter().flat_map(|it| &it.operations);
        let looks = |it: &Operation| matches!(it.action, Action::Read | Action::Inspect);
        operations.all(looks)
            && matches!(
                self.fact(FactQuery::File(place.to_owned())),
                Fact::File(FileKind::Missing | FileKind::Text(..) | FileKind::Opaque)
            )
    }

    /// `gunzip a.gz` makes `a`; with `-N` it takes the name from inside the file.
    pub(crate) fn without_ending(&mut self, parsed: &mut Parsed) {
        let given = |options: &[&str]| parsed.given.iter().any(|it| options.contains(&it.as_str()));
        if given(&["-N", "--name"]) {
            parsed.unknown("-N", "the name of what is made is in the file");
        }
        let ending = parsed.settings.iter().rev().find(|(option, _)| matches!(option.as_str(), "-S" | "--suffix"));
        let ending = ending.map(|(_, value)| value.text().to_owned());
        for operand in parsed.operands.clone() {
            let Some(text) = operand.known() else { continue };
            let made = match ending.as_deref().and_then(|ending| text.strip_suffix(ending)) {
                Some(made) => made.trim_end_matches('.'),
                None => text.rsplit_once('.').map_or(text, |(made, _)| made),
            };
            // `.tgz` becomes `.tar`, which instructs no agent.
            if !made.is_empty() && !made.ends_with('/') {
                let made = Arg::Known(made.to_owned());
                self.effect(&made, Role::Write, false, &mut parsed.operations, &mut parsed.unknowns);
            }
        }
    }

    /// An archive that is unpacked names the files that it writes: into the root, a directory of the system or a home,
    /// or by absolute names, these may be any.
    pub(crate) fn unpack(&mut self, parsed: &mut Parsed) {
        let given = |options: &[&str]| parsed.given.iter().any(|it| options.contains(&it.as_str()));
        let unpacks = if parsed.tar {
            given(&["-x", "--extract", "--get"])
        } else {
            !given(&["-l", "-p", "-t", "-v", "-z", "-Z"])
        };
        if !unpacks {
            return;
        }
        let into =
            parsed.settings.iter().rev().find(|(option, _)| {
                matches!(option.as_str(), "-C" | "--directory" | "--cd" | "-d" | "--one-top-level")
            });
        let cwd = self.cwd.as_deref();
        let place = match into {
            Some((_, value)) => value.known().map(|text| paths::plain(text, cwd)),
            None => cwd.map(str::to_owned),
        };
        let broad = place.as_deref().is_some_and(|place| {
            place.trim_end_matches('/').matches('/').count() <= 1 || Some(place) == self.home.as_deref()
        });
        let absolute = parsed.tar && given(&["-P", "--absolute-names", "--absolute-paths"]);
        if broad || absolute {
            let below = if absolute { "/" } else { place.as_deref().unwrap_or("/") };
            parsed.operations.push(Operation {
                action: Action::Write,
                resource: Resource::Pattern(format!("{}/**", below.trim_end_matches('/'))),
                category: Category::PersistenceConfig,
                reversibility: Reversibility::Partial,
                recursive: true,
            });
        }
    }
}

/// Whether a program that packs files unpacks them here, into files of their own.
pub(crate) fn unpacks(name: &str, parsed: &Parsed) -> bool {
    const UNPACK: &[&str] =
        &["gunzip", "bunzip2", "unxz", "unlzma", "unzstd", "unlz4", "lunzip", "unpigz", "pbunzip2", "uncompress"];
    const PACK: &[&str] = &[
        "gzip", "xz", "zstd", "lzip", "plzip", "pigz", "bzip2", "lzma", "lz4", "lzop", "pbzip2", "pixz", "brotli",
        "compress", "lrzip", "rzip",
    ];
    // Letters that the entry does not list are known by the words.
    let given = |letters: &[char], long: &[&str]| {
        parsed.options.iter().any(|word| match word.strip_prefix("--") {
            Some(name) => !name.is_empty() && long.iter().any(|it| it.starts_with(name)),
            None => word.contains(letters),
        })
    };
    let unpacks = UNPACK.contains(&name)
        || (PACK.contains(&name) && given(&['d', 'x'], &["decompress", "uncompress", "extract"]));
    unpacks && !given(&['c', 't', 'l'], &["stdout", "to-stdout", "test", "list"])
}
