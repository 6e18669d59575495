//! Places that matter: what is kept where, compiled from `places/`.
//!
//! One list, for understanding acts and for containing them. A place is known by its path alone.

mod doubt;
mod names;
mod project;

use model::Category;

pub use project::may_be_project;

/// What a place is listed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// What is read there signs in, pays, decrypts, or shows what a person did.
    Credential,
    /// What is written there runs code later, configures agents, or decides who may do what.
    Later,
    /// The kernel's and the machine's own.
    Device,
    /// Our own settings, keys, state and record.
    Own,
    /// Kept in a home, and no secret.
    Harmless,
    /// Named like a credential, and none.
    Spared,
}

/// Where the parts of a place begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Root {
    /// In a home.
    Home,
    /// At the root of the machine.
    System,
    /// In any directory.
    Anywhere,
}

/// A place, as `places/` lists it.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// What it is listed for.
    pub kind: Kind,
    /// The topic, and the tool or purpose that it belongs to.
    pub tool: &'static str,
    /// Where its parts begin.
    pub root: Root,
    /// The parts of its path, in small letters; `*` matches any characters within one, `#` a digit.
    pub parts: &'static [&'static str],
    /// Whether all below it is meant.
    pub below: bool,
}

include!(concat!(env!("OUT_DIR"), "/places.rs"));

/// Every place that is listed.
pub fn all() -> &'static [Place] {
    ALL
}

/// What a path is listed for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Kinds {
    pub(crate) credential: bool,
    pub(crate) later: bool,
    pub(crate) device: bool,
    pub(crate) own: bool,
    pub(crate) harmless: bool,
    spared: bool,
}

impl Kinds {
    /// The category of touching such a place, for readers and for writers.
    pub(crate) const fn category(self, writes: bool) -> Option<Category> {
        if writes && (self.later || self.own || (self.device && !self.credential)) {
            Some(Category::PersistenceConfig)
        } else if self.credential || (self.own && !writes) {
            Some(Category::CredentialAccess)
        } else {
            None
        }
    }

    fn add(&mut self, kind: Kind) {
        match kind {
            Kind::Credential => self.credential = true,
            Kind::Later => self.later = true,
            Kind::Device => self.device = true,
            Kind::Own => self.own = true,
            Kind::Harmless => self.harmless = true,
            Kind::Spared => self.spared = true,
        }
    }
}

/// Where other systems keep what `places/` lists in its XDG form: a beginning of a path in a home, and its XDG form.
const KEPT_AS: &[(&[&str], &[&str])] = &[
    (&["library", "application support"], &[".config"]),
    (&["library", "application support"], &[".local", "share"]),
    (&["library", "preferences"], &[".config"]),
    (&["library", "caches"], &[".cache"]),
    (&[".var", "app", "*", "config"], &[".config"]),
    (&[".var", "app", "*", "data"], &[".local", "share"]),
    (&[".var", "app", "*", "cache"], &[".cache"]),
    (&[".var", "app", "*"], &[]),
    (&["snap", "*", "*"], &[]),
    (&["appdata", "roaming"], &[".config"]),
    (&["appdata", "local"], &[".local", "share"]),
    (&[".local", "state"], &[".local", "share"]),
];

/// What is known of a path by its parts, or of the file that it is a copy of by its name.
pub(crate) fn kinds(path: &str, home: Option<&str>) -> Kinds {
    let lower = path.to_ascii_lowercase();
    let mut found = kinds_of(&lower, home);
    let (directory, name) = lower.trim_end_matches('/').rsplit_once('/').unwrap_or(("", lower.as_str()));
    if !found.credential && !found.spared {
        let of_credential = |original: &&str| kinds_of(&format!("{directory}/{original}"), home).credential;
        found.credential = names::originals(name).iter().any(of_credential);
    }
    found
}

/// What is known of a path in small letters as it is.
fn kinds_of(lower: &str, home: Option<&str>) -> Kinds {
    let all = parts_of(lower);
    let parts = behind_worktree(&all);
    let tails = if parts.len() == all.len() { tails(parts, home) } else { [None, None] };
    let mut found = Kinds::default();
    for at in 0..parts.len() {
        let rest = parts.get(at..).unwrap_or_default();
        let is_at = |root: Root| match root {
            Root::Home => tails.contains(&Some(at)),
            Root::System => at == 0 && parts.len() == all.len() && lower.starts_with('/'),
            Root::Anywhere => true,
        };
        listed(rest, &mut |place| {
            if is_at(place.root) {
                found.add(place.kind);
            }
        });
    }
    for tail in tails.into_iter().flatten() {
        let tail = parts.get(tail..).unwrap_or_default();
        for (kept, stands_for) in KEPT_AS {
            if let Some(rest) = after(kept, tail) {
                let usual: Vec<&str> = stands_for.iter().chain(rest).copied().collect();
                listed(&usual, &mut |place| {
                    if place.root == Root::Home {
                        found.add(place.kind);
                    }
                });
            }
        }
    }
    found.credential |= of_a_process(parts) || names::say_secret(parts);
    found.credential |= !found.harmless && tails.into_iter().flatten().any(|tail| is_named_secret(parts, tail));
    found.credential &= !found.spared;
    found
}

/// Calls for every place of which these parts are, from their beginning.
fn listed(parts: &[&str], found: &mut dyn FnMut(&'static Place)) {
    let Some(first) = parts.first() else { return };
    let plain = ALL.get(..PLAIN).unwrap_or_default();
    let from = plain.partition_point(|place| place.parts.first().is_some_and(|it| it < first));
    let same = plain.iter().skip(from).take_while(|place| place.parts.first() == Some(first));
    let wild = ALL.get(if parts.len() == 1 { PLAIN } else { NAMES }..).unwrap_or_default();
    for place in same.chain(wild) {
        if after(place.parts, parts).is_some_and(|rest| rest.is_empty() || place.below) {
            found(place);
        }
    }
}

/// What follows the parts of a place.
fn after<'a, 'b>(place: &[&str], parts: &'a [&'b str]) -> Option<&'a [&'b str]> {
    let (head, rest) = parts.split_at_checked(place.len())?;
    place.iter().zip(head).all(|(listed, part)| fits(listed.as_bytes(), part.as_bytes())).then_some(rest)
}

/// Whether a part matches a listed part: `*` is any characters, `#` a digit.
fn fits(listed: &[u8], part: &[u8]) -> bool {
    match listed.split_first() {
        None => part.is_empty(),
        Some((b'*', [])) => true,
        Some((b'*', rest)) => (0..=part.len()).any(|at| fits(rest, part.get(at..).unwrap_or_default())),
        Some((first, rest)) => part.split_first().is_some_and(|(byte, part)| {
            (byte == first || (*first == b'#' && byte.is_ascii_digit())) && fits(rest, part)
        }),
    }
}

/// The parts of a path, without the empty ones.
fn parts_of(path: &str) -> Vec<&str> {
    path.split('/').filter(|part| !part.is_empty() && *part != ".").collect()
}

/// What follows a working tree that an agent host made among its own files: in it a path is judged like any other.
fn behind_worktree<'a, 'b>(parts: &'a [&'b str]) -> &'a [&'b str] {
    let at = parts.windows(3).rposition(|three| {
        matches!(three, [".claude" | ".cursor" | ".codex" | ".gemini" | ".opencode" | ".kilocode", "worktrees", _])
    });
    at.and_then(|at| parts.get(at.saturating_add(3)..)).unwrap_or(parts)
}

/// How many parts lead to a home, where the path is in one: the caller's, or one by its place.
fn tails(parts: &[&str], home: Option<&str>) -> [Option<usize>; 2] {
    let own = home.map(|home| home.split('/').filter(|part| !part.is_empty())).and_then(|home| {
        let mut count: usize = 0;
        for part in home {
            if !parts.get(count).is_some_and(|it| it.eq_ignore_ascii_case(part)) {
                return None;
            }
            count = count.saturating_add(1);
        }
        Some(count)
    });
    let by_place = match parts {
        ["root", ..] => Some(1),
        ["home" | "users", _, ..] => Some(2),
        ["var", "home", _, ..] | ["export", "home", _, ..] | ["private", "var", "root", ..] => Some(3),
        ["mnt", _, "users", _, ..] => Some(4),
        [first, ..] if first.starts_with('~') => Some(1),
        _ => None,
    };
    [own, by_place.filter(|it| own != Some(*it))]
}

/// The parts of a path below the home that it is in.
fn in_home<'a>(parts: &'a [&'a str], home: Option<&str>) -> Option<&'a [&'a str]> {
    let tail = tails(parts, home).into_iter().flatten().max()?;
    parts.get(tail..)
}

/// What of another process shows its memory, environment, or files.
fn of_a_process(parts: &[&str]) -> bool {
    let inside = match parts {
        ["proc", _, "task", _, rest @ ..] | ["proc", _, rest @ ..] => rest,
        _ => return false,
    };
    match inside {
        ["fd", number] if parts.get(1) == Some(&"self") => number.parse::<u32>().is_err(),
        [
            "environ" | "mem" | "fd" | "root" | "cwd" | "map_files" | "auxv" | "stack" | "syscall" | "pagemap"
            | "fdinfo",
            ..,
        ] => true,
        _ => false,
    }
}

/// Words in the names of files that hold credentials, in the directory of an unlisted program.
const SECRET_WORDS: &[&str] =
    &["token", "auth", "cred", "secret", "key", "cookie", "history", "pass", "login", "session", "wallet"];

/// Words in which those words mean something else.
const OTHER_WORDS: &[&str] = &[
    "author",
    "keyboard",
    "keymap",
    "keybind",
    "keyword",
    "monkey",
    "hotkey",
    "passive",
    "compass",
    "bypass",
    "passage",
    "tokenizer",
];

/// A file in a hidden directory of a home whose name says that it holds a credential.
fn is_named_secret(parts: &[&str], tail: usize) -> bool {
    let inside = parts.get(tail..).unwrap_or_default();
    let Some((first, rest)) = inside.split_first() else { return false };
    let contains = |part: &str| SECRET_WORDS.iter().any(|word| part.contains(word));
    let says = |part: &&str| {
        part.starts_with("hosts.")
            || (contains(part)
                && contains(&OTHER_WORDS.iter().fold((*part).to_owned(), |part, other| part.replace(other, ""))))
    };
    is_hidden(first) && rest.iter().any(says)
}

/// A directory in which programs keep what is theirs.
fn is_hidden(first: &str) -> bool {
    first.starts_with('.') || matches!(first, "library" | "appdata" | "snap")
}

/// Whether a path is what a program keeps in a home, and is not listed as harmless.
pub(crate) fn is_programs_own(path: &str, home: Option<&str>) -> bool {
    let lower = path.to_ascii_lowercase();
    let parts = parts_of(&lower);
    behind_worktree(&parts).len() == parts.len()
        && in_home(&parts, home).and_then(<[&str]>::first).is_some_and(|first| is_hidden(first))
        && !kinds(path, home).harmless
}

/// Whether credentials lie below a directory of a home, or the home, or what homes are in. As a file it is none, so
/// reading it reads what is below.
pub(crate) fn holds_credentials(path: &str, home: Option<&str>) -> bool {
    let lower = path.to_ascii_lowercase();
    let parts = parts_of(&lower);
    if !lower.starts_with('/') && !lower.starts_with('~') {
        return false;
    }
    let above = |home: &str| {
        let home = home.to_ascii_lowercase();
        let home = parts_of(&home);
        home.starts_with(&parts)
    };
    if home.is_some_and(above) || matches!(parts.as_slice(), [] | ["home" | "users" | "root"]) {
        return true;
    }
    tails(&parts, home).into_iter().flatten().any(|tail| {
        let inside = parts.get(tail..).unwrap_or_default();
        inside.is_empty() || PARENTS.binary_search(&inside.join("/").as_str()).is_ok()
    })
}

/// What a pattern could match besides what it says. `whole`: what it matches is gone through, too.
pub(crate) fn could_be(pattern: &str, home: Option<&str>, whole: bool) -> Kinds {
    let lower = pattern.to_ascii_lowercase();
    let parts = parts_of(&lower);
    let tails = tails(&parts, home);
    let mut found = Kinds::default();
    if !parts.iter().any(|part| doubt::is_pattern(part)) {
        return found;
    }
    for at in 0..parts.len() {
        let rest = parts.get(at..).unwrap_or_default();
        let is_home = tails.contains(&Some(at));
        let is_root = at == 0 && lower.starts_with('/');
        if !doubt::may_begin(rest, is_home || is_root) {
            continue;
        }
        for place in begun(rest) {
            let could = match place.root {
                Root::Home => is_home && doubt::could_lead_to(rest, place.parts, whole),
                Root::System => is_root && doubt::could_lead_to(rest, place.parts, whole),
                Root::Anywhere => doubt::could_be_named(rest, place),
            };
            if could {
                found.add(place.kind);
            }
        }
    }
    found
}

/// The places that the first of these parts could begin and that a pattern is judged by. Places are sorted by their
/// first part, so what is written out in a pattern says where to look.
fn begun(parts: &[&str]) -> impl Iterator<Item = &'static Place> {
    let first = parts.first().copied().unwrap_or_default();
    let fixed = first.split(['*', '?', '[']).next().unwrap_or_default();
    let plain = ALL.get(..PLAIN).unwrap_or_default();
    let of = |place: &Place| place.parts.first().copied().unwrap_or_default();
    let from = plain.partition_point(|place| of(place) < fixed);
    let (_, rest) = plain.split_at_checked(from).unwrap_or_default();
    let count = if fixed.len() == first.len() {
        rest.partition_point(|place| of(place) == fixed)
    } else {
        rest.partition_point(|place| of(place).starts_with(fixed))
    };
    let wild = ALL.get(if parts.len() == 1 { PLAIN } else { NAMES }..).unwrap_or_default();
    let same = rest.get(..count).unwrap_or_default();
    let weighs = |place: &&Place| !matches!(place.kind, Kind::Harmless | Kind::Spared | Kind::Device);
    same.iter().chain(wild).filter(weighs)
}

/// Whether what a pattern matches could be a directory, lie in it, or, where all below is gone through, above it.
pub(crate) fn could_reach(pattern: &str, directory: &str, whole: bool) -> bool {
    doubt::could_lead_to(&parts_of(&pattern.to_ascii_lowercase()), &parts_of(&directory.to_ascii_lowercase()), whole)
}

/// A pattern without sets of one character, which stand for that character: `.[s]sh` is `.ssh`.
pub(crate) fn without_single_sets(pattern: &str) -> String {
    let mut plain = String::with_capacity(pattern.len());
    let mut rest = pattern;
    while let Some((head, tail)) = rest.split_once('[') {
        plain.push_str(head);
        let mut inside = tail.chars();
        match (inside.next(), inside.next()) {
            (Some(only), Some(']')) if !matches!(only, '!' | '^' | ']') => {
                plain.push(only);
                rest = inside.as_str();
            }
            _ => {
                plain.push('[');
                rest = tail;
            }
        }
    }
    plain.push_str(rest);
    plain
}

#[cfg(test)]
mod tests {
    use super::{
        Kind, Kinds, Place, Root, all, could_be, holds_credentials, is_programs_own, kinds, without_single_sets,
    };

    const HOME: Option<&str> = Some("/home/a");

    fn of(path: &str) -> Kinds {
        kinds(path, HOME)
    }

    fn example(place: &Place) -> String {
        let root = match place.root {
            Root::Home => "/home/a/",
            Root::System => "/",
            Root::Anywhere => "/work/x/",
        };
        format!("{root}{}", place.parts.join("/").replace('*', "x").replace('#', "1"))
    }

    #[test]
    fn every_listed_place_is_found_itself_below_and_in_capitals() {
        for place in all() {
            let path = example(place);
            let below = if place.below { format!("{path}/x") } else { path.clone() };
            for path in [path.clone(), format!("{path}/"), path.to_ascii_uppercase(), below] {
                let found = of(&path);
                let is_there = match place.kind {
                    Kind::Credential => found.credential || found.spared,
                    Kind::Later => found.later,
                    Kind::Device => found.device,
                    Kind::Own => found.own,
                    Kind::Harmless => found.harmless,
                    Kind::Spared => !found.credential,
                };
                assert!(is_there, "{path}: {place:?}: {found:?}");
            }
        }
    }

    #[test]
    fn the_list_is_long_enough_to_be_one() {
        let tools: std::collections::BTreeSet<&str> =
            all().iter().filter(|place| place.kind == Kind::Credential).map(|place| place.tool).collect();
        assert!(tools.len() >= 120, "{}", tools.len());
    }

    #[test]
    fn what_is_kept_where() {
        assert!(of("/home/a/.ssh/id_ed25519").credential && of("/home/a/.ssh").credential);
        assert!(!of("/home/a/.ssh/id_ed25519.pub").credential && of("/home/a/.ssh/id_ed25519.pub").later);
        assert!(!of("/home/a/.ssh/authorized_keys").credential && of("/home/a/.ssh/authorized_keys").later);
        assert!(of("/w/.env").credential && !of("/w/.env.example").credential);
        assert!(of("/home/a/.bashrc").later && !of("/home/a/.bashrc").credential);
        assert!(of("/root/Library/Application Support/gh/hosts.yml").credential);
        assert!(of("/home/a/snap/firefox/common/.mozilla/firefox/x/key4.db").credential);
        assert!(of("/home/a/.newtool/access_token").credential && !of("/home/a/.newtool/author.txt").credential);
        assert!(
            of("/proc/12/fd/3").credential && of("/proc/self/environ").credential && !of("/proc/self/fd/0").credential
        );
        assert!(of("/w/.GIT/info/attributes").later && of("/w/.claude").later);
    }

    #[test]
    fn ordinary_files_of_a_project_are_not_listed() {
        for path in [
            "src/main.rs",
            "src/auth/token.rs",
            "tokenizer.py",
            "keys.ts",
            "password_reset.tsx",
            ".gitignore",
            ".eslintrc",
            ".prettierrc",
            "package.json",
            "Makefile",
            "Cargo.toml",
            "Dockerfile",
            "setup.py",
            "conftest.py",
            "build.rs",
            "src/credentials/mod.rs",
            "lib/secrets.ts",
            "docs/index.md",
            "model.pth",
            "session.py",
            "login.html",
            ".editorconfig",
        ] {
            let found = Kinds { spared: false, ..of(&format!("/home/a/work/{path}")) };
            assert_eq!(found, Kinds::default(), "{path}");
        }
    }

    #[test]
    fn what_a_home_keeps_for_its_programs_is_theirs_unless_it_is_listed() {
        assert!(is_programs_own("/home/a/.newtool/x", HOME) && is_programs_own("/home/a/.newrc", HOME));
        assert!(!is_programs_own("/home/a/.gitconfig", HOME) && !is_programs_own("/home/a/work/.newrc", HOME));
        for parent in ["/", "/home", "/home/a", "/home/a/.config", "/home/a/.local/share", "/root"] {
            assert!(holds_credentials(parent, HOME), "{parent}");
        }
        assert!(!holds_credentials("/home/a/work", HOME) && !holds_credentials("/home/a/.config/nvim", HOME));
    }

    #[test]
    fn patterns_that_could_match() {
        for pattern in ["/home/a/.ss*/*", "/home/a/.conf*/gcloud/x", "/home/a/.c*/gc*/*", "/w/.en*", "/etc/shad*"] {
            assert!(could_be(pattern, HOME, false).credential, "{pattern}");
        }
        assert!(could_be("/root/.conf*/countersign/policy/*", HOME, false).own);
        assert!(could_be("/w/.clau*/settings.json", HOME, false).later);
        for pattern in ["/w/*", "/w/*.rs", "/w/src/*", "/home/a/work/**", "/w/*.json", "/w/package*.json"] {
            assert!(!could_be(pattern, HOME, false).credential, "{pattern}");
        }
        assert_eq!(without_single_sets("~/.[s]sh/[ab]*"), "~/.ssh/[ab]*");
    }
}
