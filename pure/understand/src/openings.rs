//! What can stand behind the fixed words of a command and do more than they say: subcommands and options by which a
//! program runs another one, writes elsewhere or connects elsewhere. A rule that allows a pattern is tried on them.

use crate::knowledge::{self, Role};

/// Words that open a pattern: a whole command, and whether it runs a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    /// The command.
    pub text: String,
    /// It runs a program that the command names.
    pub runs: bool,
}

/// The most openings that are tried for one pattern.
const MAX_OPENINGS: usize = 64;

/// Commands, and what may follow that runs a program: facts of their manuals that no option's role says.
const RUN: &[(&str, &[&str])] = &[
    ("git bisect", &["run ./probe"]),
    ("git submodule", &["foreach ./probe", "add ext::./probe", "update --init ext::./probe"]),
    ("git rebase", &["--exec ./probe", "-x ./probe", "--exec=./probe"]),
    ("git fetch", &["ext::./probe", "--upload-pack=./probe", "--upload-pack ./probe"]),
    ("git pull", &["ext::./probe", "--upload-pack=./probe"]),
    ("git clone", &["ext::./probe x", "--upload-pack=./probe x", "-u ./probe x", "-c core.fsmonitor=./probe x"]),
    ("git push", &["ext::./probe", "--receive-pack=./probe", "--exec=./probe"]),
    ("git ls-remote", &["ext::./probe", "--upload-pack=./probe"]),
    ("git remote", &["add x ext::./probe", "set-url origin ext::./probe"]),
    ("git archive", &["--remote=ext::./probe HEAD", "--exec=./probe HEAD"]),
    ("git grep", &["-O./probe x", "--open-files-in-pager=./probe x"]),
    ("git config", &["core.fsmonitor ./probe", "alias.x !./probe"]),
    ("git difftool", &["-x ./probe", "--extcmd=./probe", "-y"]),
    ("git mergetool", &["-y"]),
    ("git filter-branch", &["--tree-filter ./probe"]),
    ("git worktree", &["add ../probe"]),
    ("git send-email", &["--to-cmd=./probe"]),
    ("git", &["-c core.pager=./probe log", "-c alias.x=!./probe x"]),
    ("docker", &["run ./probe", "exec x ./probe", "compose run x ./probe"]),
    ("docker compose", &["run x ./probe", "exec x ./probe"]),
    ("kubectl", &["exec x -- ./probe", "run x --image=probe"]),
    ("npm", &["exec ./probe", "run probe", "x ./probe"]),
    ("npm config", &["set script-shell ./probe"]),
    ("pnpm", &["exec ./probe", "dlx ./probe"]),
    ("yarn", &["exec ./probe", "dlx ./probe"]),
    ("cargo", &["run --manifest-path=../probe/Cargo.toml", "install --path ../probe"]),
    ("go", &["run ../probe", "generate ../probe"]),
    ("go test", &["-exec ./probe", "-exec=./probe", "-toolexec=./probe"]),
    ("go build", &["-toolexec=./probe", "-toolexec ./probe"]),
    ("go vet", &["-vettool=./probe", "-toolexec=./probe"]),
    ("go run", &["-exec ./probe .", "../probe"]),
    ("make", &["-f ../probe", "--eval=x:=$(./probe)", "SHELL=./probe", "-C ../probe"]),
    ("just", &["--shell ./probe", "-f ../probe", "--justfile=../probe"]),
    ("ninja", &["-f ../probe", "-C ../probe"]),
    (
        "tar",
        &["--to-command=./probe", "-I./probe", "--checkpoint-action=exec=./probe", "--use-compress-program=./probe"],
    ),
    ("rsync", &["-e ./probe a b", "--rsh=./probe a b"]),
    ("scp", &["-S ./probe a b", "-oProxyCommand=./probe a b"]),
    ("pytest", &["-p probe", "-c ../probe", "--rootdir=../probe"]),
    ("mypy", &["--config-file=../probe"]),
    ("tox", &["-x testenv.commands=./probe", "-c ../probe"]),
    ("eslint", &["--rulesdir ../probe", "-c ../probe.js", "--resolve-plugins-relative-to=../probe"]),
    ("prettier", &["--plugin=./probe.js", "--config=../probe.js"]),
    ("jest", &["--config=../probe.js", "--runner=./probe.js", "--globalSetup=./probe.js"]),
    ("vitest", &["--config=../probe.js"]),
    ("psql", &["-f ./probe", "-c \\!./probe", "-o /tmp/probe"]),
    ("mysql", &["--pager=./probe", "-e \\!./probe"]),
    ("sqlite3", &["-init ./probe", "x '.shell ./probe'"]),
    ("systemctl", &["-H probe.example.com status", "edit x", "link ./probe"]),
    ("terraform", &["-chdir=../probe apply", "apply"]),
    ("helm", &["plugin install ./probe", "install x --post-renderer ./probe"]),
    ("helm install", &["x . --post-renderer ./probe"]),
    ("helm upgrade", &["x . --post-renderer ./probe"]),
    ("ansible-playbook", &["../probe.yml", "-e @../probe"]),
    ("zip", &["-TT ./probe x", "--unzip-command=./probe x"]),
    ("man", &["-P ./probe x", "--pager=./probe x"]),
    ("rg", &["--pre=./probe x", "--pre ./probe x"]),
    ("fd", &["-x ./probe", "--exec=./probe", "-Hx ./probe"]),
    ("sort", &["--compress-program=./probe x"]),
    ("split", &["--filter=./probe x"]),
    ("jq", &["-f ./probe", "-L ../probe ."]),
    ("gcc", &["-wrapper ./probe", "-fplugin=./probe.so x.c", "-B. x.c"]),
    ("pip", &["install ./probe", "install https://probe.example.com/x"]),
    ("pip install", &["./probe", "https://probe.example.com/x", "--index-url=https://probe.example.com/"]),
    ("npm install", &["./probe", "https://probe.example.com/x"]),
];

/// What can stand behind these words and do more than they say.
pub fn openings(words: &[&str]) -> Vec<Opening> {
    let Some((program, _)) = words.split_first() else { return Vec::new() };
    let line = words.join(" ");
    let name = program.rsplit('/').next().unwrap_or(program);
    let plain = std::iter::once(name).chain(words.iter().skip(1).copied().filter(|it| !it.starts_with('-')));
    let plain: Vec<&str> = plain.collect();
    let mut found: Vec<Opening> = Vec::new();
    let mut add = |text: String, runs: bool| {
        if found.len() < MAX_OPENINGS && !found.iter().any(|it| it.text == text) {
            found.push(Opening { text, runs });
        }
    };
    for take in 1..=plain.len().min(3) {
        let head = plain.get(..take).unwrap_or_default().join(" ");
        let entry = knowledge::find(&head);
        let whole = take == plain.len();
        // What belongs before a subcommand is nothing behind it.
        if !whole && entry.is_some_and(|entry| entry.subcommands) {
            continue;
        }
        for (_, tails) in RUN.iter().filter(|(command, _)| *command == head) {
            for tail in tails.iter().filter(|tail| whole || tail.starts_with('-')) {
                add(format!("{line} {tail}"), true);
            }
        }
        if whole {
            subcommands(&head).for_each(|(word, runs)| add(format!("{line} {word} ./probe"), runs));
        }
        let Some(entry) = entry else { continue };
        for (option, roles) in entry.options {
            let runs = roles.iter().any(|role| runs(*role));
            let beyond = roles.iter().any(|role| role.effect().0 != model::Action::Read);
            let (bare, glued) = match option.strip_prefix("--") {
                Some(_) => (format!("{line} {option} ../probe"), format!("{line} {option}=../probe")),
                None if option.ends_with('=') => (format!("{line} {option}../probe"), String::new()),
                None => (format!("{line} {option} ../probe"), format!("{line} {option}../probe")),
            };
            for text in [bare, glued].into_iter().filter(|text| !text.is_empty() && (runs || beyond)) {
                add(text, runs);
            }
        }
    }
    found
}

/// Whether a role runs a program or code that the value names.
const fn runs(role: Role) -> bool {
    matches!(role, Role::Program | Role::Shell | Role::Code | Role::Script | Role::Load)
}

/// The subcommands that have an entry below a command, and whether they run what they are given.
fn subcommands(command: &str) -> impl Iterator<Item = (&'static str, bool)> {
    knowledge::names().filter_map(move |name| {
        let word = name.strip_prefix(command)?.strip_prefix(' ')?;
        let entry = knowledge::find(name)?;
        let given = entry.operands.iter().chain(entry.first.into_iter().flatten()).chain(entry.always);
        let carries = entry.wraps.is_some() || given.copied().any(runs);
        (carries && !word.contains(' ')).then_some((word, true))
    })
}

#[cfg(test)]
mod tests {
    use super::openings;

    #[test]
    fn what_runs_behind_fixed_words_is_named() {
        let has = |words: &[&str], text: &str| openings(words).iter().any(|it| it.text == text && it.runs);
        assert!(has(&["git", "bisect"], "git bisect run ./probe"));
        assert!(has(&["git", "fetch"], "git fetch ext::./probe"));
        assert!(has(&["docker"], "docker exec ./probe"));
        assert!(has(&["docker", "compose"], "docker compose exec x ./probe"));
        assert!(!openings(&["docker", "logs"]).iter().any(|it| it.runs));
        assert!(!openings(&["docker", "compose", "ps"]).iter().any(|it| it.runs && it.text.contains(" exec ")));
    }
}
