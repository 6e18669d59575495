//! `find`: an expression language of its own, whose actions delete, write and run programs.

use model::{Arg, Segment, Unknown};

use crate::aim;
use crate::command::Input;
use crate::knowledge::Role;
use crate::lower::Lowering;
use crate::{paths, places};

/// Tests and actions with one value, of GNU and BSD: the value is a text, or a file that is only looked at.
const WITH_VALUE: &[&str] = &[
    "-Bmin",
    "-Btime",
    "-amin",
    "-atime",
    "-cmin",
    "-context",
    "-ctime",
    "-flags",
    "-fstype",
    "-gid",
    "-group",
    "-ilname",
    "-iname",
    "-inum",
    "-ipath",
    "-iregex",
    "-iwholename",
    "-links",
    "-lname",
    "-maxdepth",
    "-mindepth",
    "-mmin",
    "-mtime",
    "-name",
    "-path",
    "-perm",
    "-printf",
    "-regex",
    "-regextype",
    "-size",
    "-type",
    "-uid",
    "-used",
    "-user",
    "-wholename",
    "-xattrname",
    "-xtype",
];

/// Tests whose value is a file that is looked at. `-newerXY` is one, too.
const WITH_FILE: &[&str] = &["-anewer", "-Bnewer", "-cnewer", "-mnewer", "-newer", "-samefile"];

/// Tests, options and operators that stand alone, and change nothing.
const ALONE: &[&str] = &[
    "!",
    "(",
    ")",
    ",",
    "-a",
    "-acl",
    "-and",
    "-d",
    "-daystart",
    "-depth",
    "-empty",
    "-executable",
    "-false",
    "-follow",
    "-help",
    "--help",
    "-ignore_readdir_race",
    "-ls",
    "-mount",
    "-nogroup",
    "-noignore_readdir_race",
    "-noleaf",
    "-not",
    "-nouser",
    "-nowarn",
    "-o",
    "-or",
    "-print",
    "-print0",
    "-prune",
    "-quit",
    "-readable",
    "-sparse",
    "-true",
    "-version",
    "--version",
    "-warn",
    "-writable",
    "-x",
    "-xattr",
    "-xautofs",
    "-xdev",
];

/// What does more than test.
const ACTIONS: &[&str] =
    &["-delete", "-exec", "-execdir", "-files0-from", "-fls", "-fprint", "-fprint0", "-fprintf", "-ok", "-okdir"];

impl Lowering<'_> {
    /// Reads an expression of `find`: its roots, and what is done to what is found.
    pub(crate) fn find(&mut self, args: &[Arg], segment: &mut Segment) {
        let (roots, expression) = split(args);
        let found = found_under(&roots);
        let narrowed = only_name(expression);
        let mut roots_known = true;
        let mut role = Role::Look;
        let aimed = self.aimed(expression);
        let before = self.intent.segments.len();
        let mut rest = expression.iter();
        while let Some(arg) = rest.next() {
            match arg.text() {
                _ if arg.known().is_none() => unknown(segment, arg, "it could be an action of `find`"),
                "-delete" => role = Role::Delete,
                "-exec" | "-execdir" | "-ok" | "-okdir" => {
                    let plus = arg.text().starts_with("-exec");
                    let inner = command_of(plus, &mut rest, segment);
                    self.find_runs(arg.text().ends_with("dir"), inner, &found, aimed, segment);
                }
                "-fprint" | "-fprint0" | "-fls" | "-fprintf" => {
                    let format = if arg.text() == "-fprintf" { 1 } else { 0 };
                    self.find_value(arg, rest.next(), Some(Role::Write), segment);
                    if format > 0 {
                        self.find_value(arg, rest.next(), None, segment);
                    }
                }
                "-files0-from" => {
                    roots_known = false;
                    self.find_value(arg, rest.next(), Some(Role::Names), segment);
                }
                text if WITH_VALUE.contains(&text) => self.find_value(arg, rest.next(), None, segment),
                text if WITH_FILE.contains(&text) || is_newer(text) => {
                    // `-newermt` compares with a time.
                    let role = (!text.starts_with("-newer") || !text.ends_with('t')).then_some(Role::Look);
                    self.find_value(arg, rest.next(), role, segment);
                }
                // BSD's takes a number, GNU's none.
                "-depth" => {
                    let number = |next: &Arg| next.known().is_some_and(crate::suspect::is_number);
                    if rest.clone().next().is_some_and(number) {
                        rest.next();
                    }
                }
                text if ALONE.contains(&text) => {}
                _ => unknown(segment, arg, "no test or action of `find` that we know"),
            }
        }
        let unclear = expression.iter().any(|word| matches!(word, Arg::Unknown(_)));
        for root in &roots {
            if may_be_action(root) {
                unknown(segment, root, "it could be an action of `find`");
            }
            let name = narrowed.or(unclear.then_some("*")).filter(|_| role == Role::Delete);
            let taken = name.and_then(|name| self.taken_by_name(root, name));
            self.effect(taken.as_ref().unwrap_or(root), role, true, &mut segment.operations, &mut segment.unknowns);
        }
        if self.intent.segments.len() > before {
            self.find_meets(&roots, expression, before, segment);
        }
        if !roots_known && role == Role::Delete {
            let anything = Arg::Unknown("what the file names".to_owned());
            self.effect(&anything, Role::Delete, true, &mut segment.operations, &mut segment.unknowns);
        }
    }

    /// What of a tree a deletion by name takes. Below a directory of the machine that is much, whatever the name.
    fn taken_by_name(&self, root: &Arg, name: &str) -> Option<Arg> {
        let place = paths::plain(root.known()?, self.cwd.as_deref());
        let home = self.home.as_deref();
        let own = home
            .is_some_and(|home| place.strip_prefix(home).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')));
        (own || !paths::is_broad(&place, home, self.project.as_deref()))
            .then(|| Arg::Pattern(format!("{}/**/{name}", place.trim_end_matches('/'))))
    }

    /// Whether the tests select what holds secrets: by a name that only these have, or by a file that is one.
    fn aimed(&self, expression: &[Arg]) -> bool {
        expression.windows(2).enumerate().any(|(at, pair)| {
            let [test, value] = pair else { return false };
            let text = value.text();
            // What is left out is not aimed at.
            let before = at.checked_sub(1).and_then(|before| expression.get(before)).map_or("", Arg::text);
            if matches!(before, "!" | "-not") {
                return false;
            }
            match test.text() {
                "-name" | "-iname" | "-path" | "-ipath" | "-wholename" | "-iwholename" => aim::at_secrets(text),
                "-regex" | "-iregex" => aim::expression_at_secrets(text),
                "-samefile" => {
                    let place = paths::join(text, self.cwd.as_deref());
                    value.known().is_none() || places::kinds(&place, self.home.as_deref()).credential
                }
                // A number says nothing of the file that has it.
                "-inum" => true,
                _ => false,
            }
        })
    }

    /// What an action runs: in the directory of what is found, perhaps.
    fn find_runs(&mut self, there: bool, inner: Vec<Arg>, found: &str, aimed: bool, segment: &mut Segment) {
        let found = if there { under(found.trim_end_matches("/**"), self.cwd.as_deref()) } else { found.to_owned() };
        let inner: Vec<Arg> = inner.into_iter().map(|word| filled(word, &found)).collect();
        let before = self.intent.segments.len();
        if there {
            self.moves = self.moves.saturating_add(1);
            self.contained(|walk| {
                walk.state.enter(None);
                walk.wrapped("find -execdir", inner, segment, Input::default());
            });
        } else {
            self.wrapped("find -exec", inner, segment, Input::default());
        }
        let reads = |it: &model::Operation| it.action != model::Action::Inspect;
        let run = self.intent.segments.get(before..).unwrap_or_default();
        if aimed && run.iter().flat_map(|it| &it.operations).any(reads) {
            crate::program::act(&[Role::Secret], &mut segment.operations);
        }
    }

    /// The value of a test or action. Without quotes it could become several words, of which one acts.
    fn find_value(&mut self, test: &Arg, value: Option<&Arg>, role: Option<Role>, segment: &mut Segment) {
        let Some(value) = value else {
            unknown(segment, test, "the test lacks its value");
            return;
        };
        let acts = match value {
            Arg::Known(_) => false,
            Arg::Pattern(pattern) => ACTIONS.iter().any(|action| could_match(pattern, action)),
            Arg::Unknown(_) => may_split(value),
        };
        if acts {
            unknown(segment, value, "it could become an action of `find`");
        }
        if let Some(role) = role {
            self.effect(value, role, false, &mut segment.operations, &mut segment.unknowns);
        }
    }
}

/// The words of a command up to its end: `;`, or `+` directly behind `{}` where the action takes it.
fn command_of(plus: bool, rest: &mut std::slice::Iter<'_, Arg>, segment: &mut Segment) -> Vec<Arg> {
    let mut inner: Vec<Arg> = Vec::new();
    // A word that is not known could be the end, if what follows it could act.
    let mut open: Option<Arg> = None;
    loop {
        let Some(word) = rest.next() else {
            let why = "the command of `find` has no end that we see";
            segment
                .unknowns
                .push(Unknown { text: inner.first().map_or("", Arg::text).to_owned(), why: why.to_owned() });
            break;
        };
        let after_braces = inner.last().and_then(Arg::known) == Some("{}");
        match word.known() {
            Some(";") => break,
            Some("+") if plus && after_braces => break,
            known => {
                let acts = known.is_none_or(|text| text.starts_with('-'));
                if let Some(open) = open.take_if(|_| acts) {
                    unknown(segment, &open, "it could end the command, and what follows act");
                }
                match word {
                    Arg::Unknown(_) if may_split(word) => unknown(segment, word, "it could end the command of `find`"),
                    Arg::Unknown(_) => open = Some(word.clone()),
                    Arg::Known(_) | Arg::Pattern(_) => {}
                }
                inner.push(word.clone());
            }
        }
    }
    inner
}

/// The name that everything an expression takes must have, where no test is an alternative or turned round: a whole name, or
/// a pattern with two letters at least.
fn only_name(expression: &[Arg]) -> Option<&str> {
    let turns = |arg: &Arg| matches!(arg.text(), "-o" | "-or" | "," | "!" | "-not" | "(" | ")");
    if expression.iter().any(|arg| turns(arg) || arg.known().is_none()) {
        return None;
    }
    let test = expression.iter().position(|arg| matches!(arg.text(), "-name" | "-delete"))?;
    let name =
        expression.get(test..)?.split_first().filter(|(first, _)| first.text() == "-name")?.1.first()?.known()?;
    let said = name.chars().filter(char::is_ascii_alphanumeric).count();
    let is_pattern = name.contains(['*', '?']);
    (said > usize::from(is_pattern) && !name.contains(['/', '[', ']', '\\'])).then_some(name)
}

fn filled(word: Arg, found: &str) -> Arg {
    match word.text() {
        "{}" => Arg::Pattern(found.to_owned()),
        text if text.contains("{}") => Arg::Unknown(text.to_owned()),
        _ => word,
    }
}

fn unknown(segment: &mut Segment, arg: &Arg, why: &str) {
    segment.unknowns.push(Unknown { text: arg.text().to_owned(), why: why.to_owned() });
}

/// `-newermt` and its kin: what the second letter compares with, the value says.
fn is_newer(text: &str) -> bool {
    text.strip_prefix("-newer")
        .is_some_and(|letters| letters.len() == 2 && letters.bytes().all(|b| b.is_ascii_alphabetic()))
}

/// The places where the search begins, and the expression behind them.
pub(crate) fn split(args: &[Arg]) -> (Vec<Arg>, &[Arg]) {
    let mut roots = Vec::new();
    let mut rest = args;
    while let [first, more @ ..] = rest {
        let Some(text) = first.known() else { break };
        let letters = text.strip_prefix('-').unwrap_or("");
        rest = match text {
            "--" => {
                rest = more;
                break;
            }
            "-D" => more.get(1..).unwrap_or_default(),
            // BSD names a root so.
            "-f" => {
                roots.extend(more.first().cloned());
                more.get(1..).unwrap_or_default()
            }
            _ if text.starts_with("-O") => more,
            _ if !letters.is_empty() && letters.bytes().all(|byte| b"EHLPXds".contains(&byte)) => more,
            _ => break,
        };
    }
    let begins = |arg: &Arg, first: bool| match arg.known() {
        Some(text @ ("!" | "(" | ")" | ",")) => !first || matches!(text, "!" | "("),
        Some(text) => text.starts_with('-') && text != "-",
        None => arg.text().starts_with('-'),
    };
    let mut first = true;
    let at = rest.iter().position(|arg| begins(arg, std::mem::take(&mut first))).unwrap_or(rest.len());
    let (named, expression) = rest.split_at(at);
    roots.extend(named.iter().cloned());
    if roots.is_empty() {
        roots.push(Arg::Known(".".to_owned()));
    }
    (roots, expression)
}

/// Whether a root that is not known could turn out to be an action, or several words.
fn may_be_action(root: &Arg) -> bool {
    match root {
        Arg::Known(_) => false,
        Arg::Pattern(pattern) => ACTIONS.iter().any(|action| could_match(pattern, action)),
        // What is quoted is one word; with a slash of its own in it, it is no action.
        Arg::Unknown(text) => may_split(root) || !text.contains('/'),
    }
}

/// Whether a word that is not known could become several.
fn may_split(arg: &Arg) -> bool {
    let Arg::Unknown(text) = arg else { return false };
    let inside = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    !inside.is_some_and(|inside| !inside.contains('"') && !inside.contains("$@") && !inside.contains("[@]"))
}

/// Whether a pattern could match a name; a bracket counts as any one character. Each character of the pattern moves the
/// set of places in the name that are reached so far, so that no pattern takes long.
pub(crate) fn could_match(pattern: &str, name: &str) -> bool {
    let letters: Vec<char> = name.chars().collect();
    let mut reached: Vec<bool> = letters.iter().map(|_| false).chain([false]).collect();
    if let Some(start) = reached.first_mut() {
        *start = true;
    }
    let mut rest = pattern.chars();
    while let Some(wanted) = rest.next() {
        if wanted == '*' {
            let mut any = false;
            reached.iter_mut().for_each(|it| {
                any |= *it;
                *it = any;
            });
            continue;
        }
        if wanted == '[' {
            rest = rest.as_str().split_once(']').map_or("", |(_, after)| after).chars();
        }
        let steps = reached
            .iter()
            .zip(&letters)
            .map(|(here, letter)| *here && (matches!(wanted, '?' | '[') || wanted == *letter));
        reached = std::iter::once(false).chain(steps).collect();
    }
    reached.last().copied().unwrap_or(false)
}

/// The pattern of the names that `find` prints.
fn found_under(roots: &[Arg]) -> String {
    match roots {
        [Arg::Known(one) | Arg::Pattern(one)] => format!("{}/**", one.trim_end_matches('/')),
        _ => "/**".to_owned(),
    }
}

/// The pattern for what a `find` or `fd` with these arguments prints, if it prints names of what it finds.
pub(crate) fn found_by(program: &str, args: &[Arg], cwd: Option<&str>) -> Option<String> {
    let found = if program == "find" {
        let prints = |text: &str| {
            matches!(
                text,
                "-printf" | "-ls" | "-exec" | "-execdir" | "-ok" | "-okdir" | "-files0-from" | "-inum" | "-samefile"
            )
        };
        let (roots, expression) = split(args);
        let aims = |pair: &[Arg]| match pair {
            [test, value] => match test.text() {
                "-name" | "-iname" | "-path" | "-ipath" | "-wholename" | "-iwholename" => aim::at_secrets(value.text()),
                "-regex" | "-iregex" => aim::expression_at_secrets(value.text()),
                _ => false,
            },
            _ => false,
        };
        // What a secret's name selects is not any file.
        if expression.iter().any(|arg| prints(arg.text())) || expression.windows(2).any(aims) {
            return None;
        }
        found_under(&roots)
    } else {
        let changes = |text: &str| {
            ["--base", "--search", "--format", "--list", "--exec", "-C", "-l", "-x", "-X"]
                .iter()
                .any(|option| text.starts_with(option))
        };
        if args.iter().any(|arg| changes(arg.text())) {
            return None;
        }
        // The first operand is a pattern, the second a root; an option's value may be taken for either.
        let operands: Vec<Arg> = args.iter().filter(|arg| !arg.text().starts_with('-')).cloned().collect();
        let places = operands.get(1..).unwrap_or_default();
        if places.iter().all(|place| place.known().is_some_and(|text| !text.contains('/'))) {
            "./**".to_owned()
        } else {
            found_under(places)
        }
    };
    Some(match found.trim_end_matches("/**") {
        "" => "/**".to_owned(),
        root => under(root, cwd),
    })
}

/// Everything under a place.
pub(crate) fn under(root: &str, cwd: Option<&str>) -> String {
    format!("{}/**", paths::plain(root, cwd).trim_end_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::could_match;

    #[test]
    fn patterns_match_as_the_shell_matches_them() {
        for (pattern, name, expected) in [
            ("*", "-delete", true),
            ("-d*e", "-delete", true),
            ("*.py", "-delete", false),
            ("*conf*", "-delete", false),
            ("-del?te", "-delete", true),
            ("[-x]delete", "-delete", true),
            ("-delete?", "-delete", false),
            ("", "-delete", false),
        ] {
            assert_eq!(could_match(pattern, name), expected, "{pattern} and {name}");
        }
        assert!(!could_match(&format!("{}x", "*".repeat(5_000)), "-fprint0"));
    }
}
