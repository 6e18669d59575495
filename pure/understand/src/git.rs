//! What a table cannot say of git: names of the form REVISION:PATH, transports that are programs, settings by their key,
//! and what is lost for good. Repositories elsewhere are in `repository.rs`.

use model::{Action, Arg, Category, Fact, FactQuery, FileKind, Operation, Resource, Reversibility, Segment};

use crate::command::run_unknown;
use crate::git_settings::{key_and_value, names_a_program, reads_a_secret, runs_nothing};
use crate::knowledge::{self, Known, Role};
use crate::lower::Lowering;
use crate::program::Parsed;

impl Lowering<'_> {
    /// Git's own options: where the repository is, and settings for this one call.
    pub(crate) fn git_itself(&mut self, parsed: &Parsed, segment: &mut Segment) {
        let mut directory: Option<String> = None;
        let mut git_dir = None;
        for (option, value) in &parsed.settings {
            match (option.as_str(), value.known()) {
                ("-c", Some(setting)) => self.git_setting(setting, segment),
                ("-C", Some(path)) => {
                    let from = directory.as_deref().or(self.cwd.as_deref());
                    directory = Some(crate::paths::plain(path, from));
                }
                ("--git-dir", Some(path)) => git_dir = Some(path.to_owned()),
                ("--work-tree", Some(_)) => {
                    self.effect(value, Role::Read, true, &mut segment.operations, &mut segment.unknowns);
                }
                ("-c" | "-C" | "--git-dir" | "--work-tree", None) => {
                    let why = "which repository and settings git takes is not known before it runs".to_owned();
                    segment.unknowns.push(model::Unknown { text: value.text().to_owned(), why });
                }
                _ => {}
            }
        }
        if parsed.given.iter().any(|option| option == "--bare") {
            let why =
                "the directory itself is taken for a repository, whose configuration decides what git runs".to_owned();
            segment.unknowns.push(model::Unknown { text: "--bare".to_owned(), why });
        }
        self.repository(directory, git_dir, segment);
    }

    /// A setting for one call (`-c KEY=VALUE`).
    fn git_setting(&mut self, setting: &str, segment: &mut Segment) {
        let (key, value) = key_and_value(setting);
        if runs_nothing(&key, value) {
            return;
        }
        self.git_program(&key, value, segment);
        let why = "this setting decides what git runs, trusts or talks to".to_owned();
        segment.unknowns.push(model::Unknown { text: setting.to_owned(), why });
    }

    /// The program that a setting names, if it names one.
    fn git_program(&mut self, key: &str, value: &str, segment: &mut Segment) {
        if key.starts_with("alias.") {
            match value.strip_prefix('!') {
                Some(text) => self.program_in_option("git", &Arg::Known(text.to_owned()), segment),
                None => self.program_in_option("git", &Arg::Known(format!("git {value}")), segment),
            }
        } else if names_a_program(key) && !value.is_empty() {
            let value = value.strip_prefix('!').unwrap_or(value);
            self.program_in_option("git", &Arg::Known(value.to_owned()), segment);
        }
    }

    /// The entry that the words select: some subcommands show where nothing more is said.
    pub(crate) fn git_entry(&mut self, entry: Known, args: &[Arg]) -> Known {
        let other = match entry.name {
            "git symbolic-ref" => {
                let parsed = self.parse(entry, args);
                let changes = parsed.operands.len() > 1 || given(&parsed, &["-d", "--delete", "-m"]);
                (!changes).then_some("git rev-parse")
            }
            "git reflog" => self.shows_reflog(args).then_some("git log"),
            "git notes" | "git submodule" if args.is_empty() => Some("git rev-parse"),
            _ => None,
        };
        other.and_then(knowledge::find).unwrap_or(entry)
    }

    /// Whether `git reflog` shows one reference: what has more names is a subcommand that changes it.
    fn shows_reflog(&mut self, args: &[Arg]) -> bool {
        let Some(log) = knowledge::find("git log") else { return false };
        let parsed = self.parse(log, args);
        let paths = args.iter().any(|arg| arg.text() == "--");
        let verb = parsed.operands.first().is_some_and(|first| first.text() == "write");
        !verb && (paths || parsed.operands.len() < 2)
    }

    /// What the words of a subcommand do beyond its entry, and the words as the entry is to read them.
    pub(crate) fn git_words(&mut self, entry: Known, args: &[Arg], segment: &mut Segment) -> Vec<Arg> {
        let name = entry.name.strip_prefix("git ").unwrap_or(entry.name);
        let parsed = self.parse(entry, args);
        if let Some((what, category)) = lost(name, args, &parsed) {
            segment.operations.push(Operation {
                action: Action::Delete,
                resource: Resource::Unknown(what.to_owned()),
                category,
                reversibility: Reversibility::Irreversible,
                recursive: false,
            });
        }
        match name {
            "config" => self.git_config(&parsed, segment),
            "commit" if given(&parsed, &["-c", "--reedit-message", "-e", "--edit"]) => {
                segment.operations.push(operation(Action::Run, "an editor", Category::RemoteCode, true));
            }
            "commit"
                if !given(&parsed, GIVES_MESSAGE) && !args.iter().any(|it| matches!(it.text(), "-h" | "--help")) =>
            {
                segment.operations.push(operation(Action::Run, "an editor", Category::RemoteCode, true));
            }
            "remote add" | "remote set-url" => git_remote(&parsed, segment),
            "remote show" | "remote update" | "remote prune" => {
                segment.operations.push(operation(Action::Connect, "the remote", Category::NetworkEgress, false));
            }
            "clone" => {
                for setting in values(&parsed, &["-c", "--config"]) {
                    self.git_setting(setting.text(), segment);
                }
            }
            // The pager that it names is a program of the entry.
            "grep" if given(&parsed, &["-O", "--open-files-in-pager"]) => {
                segment.operations.push(operation(Action::Run, "a pager", Category::RemoteCode, true));
            }
            "cat-file" => nameless_objects(&parsed, segment),
            _ => {}
        }
        if connects(name) {
            self.transports(args, segment);
        }
        if reads_revisions(name) { self.paths_of_revisions(args, segment) } else { args.to_vec() }
    }

    /// `ext::COMMAND` and its kin: a program is the transport.
    fn transports(&mut self, args: &[Arg], segment: &mut Segment) {
        for word in args {
            let text = word.text();
            let text = if text.starts_with('-') { text.split_once('=').map_or("", |(_, value)| value) } else { text };
            let Some((helper, rest)) = text.split_once("::") else { continue };
            if helper.is_empty() || !helper.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
                continue;
            }
            if helper == "ext" {
                self.program_in_option("git", &Arg::Known(rest.to_owned()), segment);
            } else {
                run_unknown(segment, text, "git starts a helper of this name, with what follows");
            }
        }
    }

    /// `REVISION:PATH` reads that path, as `cat` would.
    fn paths_of_revisions(&mut self, args: &[Arg], segment: &mut Segment) -> Vec<Arg> {
        let mut behind: &str = "";
        let mut found = Vec::with_capacity(args.len());
        for word in args {
            let text = word.text();
            let range = text.strip_prefix("-L").filter(|it| !it.is_empty()).or((behind == "-L").then_some(text));
            if let Some((_, path)) = range.and_then(|range| range.rsplit_once(':')) {
                let path = Arg::Known(path.to_owned());
                self.effect(&path, Role::Read, false, &mut segment.operations, &mut segment.unknowns);
            }
            found.push(match (word, path_of(text)) {
                // Git itself matches patterns.
                (Arg::Known(text), None) if text.contains(['*', '?', '[']) && crate::aim::at_secrets(text) => {
                    Arg::Pattern(text.clone())
                }
                (Arg::Known(_), Some(path)) if range.is_none() => Arg::Known(path.to_owned()),
                (Arg::Pattern(_), Some(path)) if range.is_none() => Arg::Pattern(path.to_owned()),
                _ => word.clone(),
            });
            behind = text;
        }
        found
    }

    /// `git config`: shows a setting or changes one. Two operands change it unless an action that reads was given.
    fn git_config(&mut self, parsed: &Parsed, segment: &mut Segment) {
        let mut operands: Vec<&Arg> = parsed.operands.iter().collect();
        let files: Vec<Arg> = values(parsed, &["-f", "--file", "--blob"]).cloned().collect();
        let has = |options: &[&str]| given(parsed, options);
        let verb = operands.first().map_or("", |word| word.text());
        let verbed = matches!(
            verb,
            "get" | "list" | "set" | "unset" | "rename-section" | "remove-section" | "edit" | "get-color"
        );
        if verbed {
            operands.remove(0);
        }
        let reads =
            ["--get", "--get-all", "--get-regexp", "--get-urlmatch", "-l", "--list", "--get-color", "--get-colorbool"];
        let gets = has(&reads) || matches!(verb, "get" | "list" | "get-color");
        let sets = has(&["--add", "--unset", "--unset-all", "--replace-all", "--rename-section", "--remove-section"])
            || matches!(verb, "set" | "unset" | "rename-section" | "remove-section");
        if matches!(verb, "edit") || has(&["-e", "--edit"]) {
            segment.operations.push(operation(Action::Run, "an editor", Category::RemoteCode, true));
            segment.operations.push(operation(Action::Write, "settings of git", Category::PersistenceConfig, true));
        } else if !sets && (gets || operands.len() < 2) {
            let lists = has(&["-l", "--list"]) || verb == "list";
            let secret = operands.iter().any(|key| reads_a_secret(key.text()))
                || (lists && !has(&["--name-only", "--names"]) && self.settings_hold_a_secret());
            let role = if secret { Role::Secret } else { Role::Inspect };
            crate::program::act(&[role], &mut segment.operations);
            for file in files {
                self.effect(&file, Role::Read, false, &mut segment.operations, &mut segment.unknowns);
            }
        } else {
            let wide = has(&["--global", "--system"]) || !files.is_empty();
            self.git_sets(&operands, wide, segment);
            for file in files {
                self.effect(&file, Role::Write, false, &mut segment.operations, &mut segment.unknowns);
            }
        }
    }

    /// Whether the settings of the project or of the user hold a secret, as far as they were seen.
    fn settings_hold_a_secret(&mut self) -> bool {
        let files = [
            self.project.as_ref().map(|project| format!("{project}/.git/config")),
            self.home.as_ref().map(|home| format!("{home}/.gitconfig")),
            self.home.as_ref().map(|home| format!("{home}/.config/git/config")),
        ];
        files.into_iter().flatten().any(|file| self.git_file_holds_a_secret(&file))
    }

    /// Whether a file of settings holds a secret, as far as it was seen.
    pub(crate) fn git_file_holds_a_secret(&mut self, file: &str) -> bool {
        let fact = self.fact(FactQuery::File(file.to_owned()));
        matches!(&fact, Fact::File(FileKind::Text(text, _)) if text.lines().any(line_holds_a_secret))
    }

    fn git_sets(&mut self, operands: &[&Arg], wide: bool, segment: &mut Segment) {
        let key = operands.first().map_or("", |key| key.text());
        let value = operands.get(1).map_or("", |value| value.text());
        let lower = key.to_ascii_lowercase();
        let plain = !wide && operands.iter().all(|word| word.known().is_some()) && runs_nothing(&lower, value);
        let category = if plain { Category::VcsHistory } else { Category::PersistenceConfig };
        segment.operations.push(operation(Action::Write, key, category, true));
        if !plain && !value.is_empty() {
            self.git_program(&lower, value, segment);
        }
    }
}

fn operation(action: Action, what: &str, category: Category, lasts: bool) -> Operation {
    let reversibility = if lasts { Reversibility::Partial } else { Reversibility::Reversible };
    let resource =
        if action == Action::Run { Resource::Program(what.to_owned()) } else { Resource::Unknown(what.to_owned()) };
    Operation { action, resource, category, reversibility, recursive: false }
}

/// Whether a line of settings gives a key of a secret, or an address with a password in it.
fn line_holds_a_secret(line: &str) -> bool {
    let Some((key, value)) = line.split_once('=').filter(|(key, _)| !key.trim_start().starts_with(['#', ';'])) else {
        // A section may have an address for its name: `[url "https://x:y@host/"]`.
        return line.trim_start().starts_with('[') && has_password(line);
    };
    let key = key.trim();
    // A helper is a program, no secret.
    (reads_a_secret(key) && !key.eq_ignore_ascii_case("helper")) || has_password(value)
}

/// Whether a text has an address that signs in: `https://NAME:PASSWORD@host`, `https://TOKEN@host`.
fn has_password(text: &str) -> bool {
    text.split_once("://").is_some_and(|(scheme, rest)| {
        let authority = rest.split(['/', '"', ' ']).next().unwrap_or(rest);
        authority
            .split_once('@')
            .is_some_and(|(user, _)| user.contains(':') || (scheme.trim().ends_with("https") && user.len() > 15))
    })
}

/// Options of a commit with which it asks no editor for a message.
const GIVES_MESSAGE: &[&str] =
    &["-m", "--message", "-F", "--file", "-C", "--reuse-message", "--no-edit", "--fixup", "--dry-run", "--porcelain"];

/// Whether one of the options is there, as the entry's grammar reads the words.
fn given(parsed: &Parsed, options: &[&str]) -> bool {
    parsed.given.iter().any(|option| options.contains(&option.as_str()))
}

/// The values of an option under any of its names.
fn values<'a>(parsed: &'a Parsed, options: &'a [&str]) -> impl Iterator<Item = &'a Arg> {
    parsed.settings.iter().filter(|(option, _)| options.contains(&option.as_str())).map(|(_, value)| value)
}

/// A remote decides where later commands send to and fetch from.
fn git_remote(parsed: &Parsed, segment: &mut Segment) {
    if let [name, _, ..] = parsed.operands.as_slice() {
        segment.operations.push(operation(Action::Write, name.text(), Category::PersistenceConfig, true));
    }
    if given(parsed, &["-f", "--fetch"]) {
        segment.operations.push(operation(Action::Connect, "the remote", Category::NetworkEgress, false));
    }
}

/// An object that is named by its hash alone may be the content of any file.
fn nameless_objects(parsed: &Parsed, segment: &mut Segment) {
    let is_blob = parsed.operands.first().is_some_and(|kind| kind.text() == "blob");
    if !is_blob && !given(parsed, &["-p"]) {
        return;
    }
    for word in &parsed.operands {
        let text = word.text();
        if text.len() >= 4 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            let why = "an object by its hash alone: which file it is the content of is not known".to_owned();
            segment.unknowns.push(model::Unknown { text: text.to_owned(), why });
        }
    }
}

fn connects(name: &str) -> bool {
    ["fetch", "pull", "clone", "push", "ls-remote", "remote add", "remote set-url", "submodule", "archive", "subtree"]
        .iter()
        .any(|it| name.starts_with(it))
}

fn reads_revisions(name: &str) -> bool {
    matches!(
        name,
        "show"
            | "log"
            | "diff"
            | "whatchanged"
            | "range-diff"
            | "diff-tree"
            | "diff-index"
            | "diff-files"
            | "blame"
            | "annotate"
            | "cat-file"
            | "archive"
            | "grep"
            | "ls-tree"
            | "stash show"
            | "shortlog"
            | "notes show"
    )
}

/// The path of `REVISION:PATH`, `:STAGE:PATH`, `:(magic)PATH` or `:/PATH`.
fn path_of(text: &str) -> Option<&str> {
    if text.starts_with('-') {
        return None;
    }
    if let Some(rest) = text.strip_prefix(":(") {
        return rest.split_once(')').map(|(_, path)| path).filter(|path| !path.is_empty());
    }
    let mut depth = 0_usize;
    let at = text.char_indices().find_map(|(at, c)| {
        match c {
            '{' => depth = depth.saturating_add(1),
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        (c == ':' && depth == 0).then_some(at)
    })?;
    let path = text.get(at.saturating_add(1)..)?;
    let staged = at == 0 && path.get(1..2) == Some(":") && path.starts_with(|c: char| c.is_ascii_digit());
    let path = if staged { path.get(2..)? } else { path };
    let path = if at == 0 { path.trim_start_matches(['/', '!', '^']) } else { path };
    (!path.is_empty()).then_some(path)
}

/// What a subcommand takes away for good.
fn lost(name: &str, args: &[Arg], parsed: &Parsed) -> Option<(&'static str, Category)> {
    const FILES: Category = Category::FsDestructive;
    const HISTORY: Category = Category::VcsHistory;
    let has = |options: &[&str]| given(parsed, options);
    // Only what is read with certainty keeps something from being lost.
    let spares = |options: &[&str]| has(options) && parsed.unknowns.is_empty() && !parsed.loosely;
    let operand = |holds: &dyn Fn(&str) -> bool| parsed.operands.iter().any(|operand| holds(operand.text()));
    let uncommitted = Some(("changes that are not committed", FILES));
    match name {
        "clean" if !spares(&["-n", "--dry-run"]) => Some(("files that are in no commit", FILES)),
        "reset" if has(&["--hard", "--merge", "--keep"]) => uncommitted,
        "checkout" | "switch" if has(&["-f", "--force", "--discard-changes", "-B", "-C", "--force-create"]) => {
            uncommitted
        }
        "checkout" => {
            let paths = args.iter().skip_while(|arg| arg.text() != "--").count() > 1;
            let named = operand(&|text| text == "." || text.starts_with("./") || text.starts_with('*'));
            let file = operand(&|text| crate::verbs::has_extension(text) && !text.starts_with('v'));
            (paths || named || (file && !has(&["-b", "--orphan", "--detach", "-t"]))).then_some(uncommitted).flatten()
        }
        "restore" if !spares(&["--staged", "-S"]) || has(&["-W", "--worktree"]) => uncommitted,
        "rm" if !spares(&["--cached", "-n", "--dry-run"]) => Some(("files of the project", FILES)),
        "checkout-index" if has(&["-f", "--force"]) => uncommitted,
        "read-tree" if has(&["--reset", "-u"]) => uncommitted,
        "stash drop" | "stash clear" => Some(("changes that were put aside", HISTORY)),
        "worktree remove" | "submodule deinit" if has(&["-f", "--force"]) => uncommitted,
        "branch" if has(&["-D", "-f", "--force", "-M", "-C"]) => Some(("commits that only this branch holds", HISTORY)),
        "tag" if has(&["-d", "--delete", "-f", "--force"]) => Some(("what the tag names", HISTORY)),
        "reflog expire" | "reflog delete" | "reflog drop" | "prune" => {
            Some(("commits that nothing else holds", HISTORY))
        }
        "gc" if has(&["--prune", "--aggressive"]) => Some(("commits that nothing else holds", HISTORY)),
        "update-ref" | "symbolic-ref" if has(&["-d", "--delete", "--stdin"]) => Some(("a reference", HISTORY)),
        "notes remove" | "notes prune" => Some(("notes", HISTORY)),
        "push"
            if has(&["-f", "--force", "--mirror", "-d", "--delete", "--prune", "--force-with-lease"])
                || operand(&|text| text.starts_with(['+', ':'])) =>
        {
            Some(("history of the other repository", HISTORY))
        }
        "filter-branch" | "filter-repo" if !spares(&["--analyze", "--dry-run"]) => {
            Some(("the history as it was", HISTORY))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{line_holds_a_secret, path_of};

    #[test]
    fn lines_that_hold_secrets() {
        for line in [
            "\textraheader = AUTHORIZATION: basic eDp5",
            "\turl = https://x:ghp_0123456789@github.com/a/b",
            "\turl = https://ghp_0123456789abcdef@github.com/a/b.git",
            "[url \"https://x:y@host/\"]",
            "  token = abc",
        ] {
            assert!(line_holds_a_secret(line), "{line}");
        }
        for line in [
            "\turl = https://github.com/a/b.git",
            "\turl = git@github.com:a/b.git",
            "\turl = https://alice@github.com/a/b.git",
            "\turl = ssh://git@github.com/a/b.git",
            "[credential \"https://github.com\"]",
            "\thelper = store",
            "# token = abc",
        ] {
            assert!(!line_holds_a_secret(line), "{line}");
        }
    }

    #[test]
    fn the_path_behind_a_revision() {
        for (text, path) in [
            ("HEAD:.env", Some(".env")),
            ("HEAD~1:src/a.rs", Some("src/a.rs")),
            ("stash@{1}:x", Some("x")),
            ("HEAD^{/fix: y}:x", Some("x")),
            (":0:x", Some("x")),
            (":x", Some("x")),
            (":(top,icase)x", Some("x")),
            (":/x", Some("x")),
            ("HEAD", None),
            ("HEAD:", None),
            ("a..b", None),
        ] {
            assert_eq!(path_of(text), path, "{text}");
        }
    }
}
