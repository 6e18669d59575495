//! `find`: an expression language of its own, whose actions delete, write and run programs.

use model::{Arg, Segment, Unknown};

use crate::command::{Input, run_unknown};
use crate::knowledge::Role;
use crate::lower::Lowering;
use crate::paths;

impl Lowering<'_> {
    /// Reads an expression of `find`: its roots, and what is done to what is found.
    pub(crate) fn find(&mut self, args: &[Arg], segment: &mut Segment) {
        const TAKES_VALUE: &[&str] = &[
            "-name",
            "-iname",
            "-path",
            "-ipath",
            "-wholename",
            "-regex",
            "-iregex",
            "-type",
            "-size",
            "-mtime",
            "-atime",
            "-ctime",
            "-mmin",
            "-amin",
            "-cmin",
            "-newer",
            "-user",
            "-group",
            "-perm",
            "-maxdepth",
            "-mindepth",
            "-printf",
            "-links",
            "-inum",
            "-regextype",
            "-fstype",
            "-xtype",
            "-lname",
            "-samefile",
            "-newermt",
        ];
        let mut rest = args.iter().peekable();
        let roots = roots_of(args);
        let found = found_under(&roots);
        while rest.next_if(|arg| roots.contains(arg) || matches!(arg.text(), "-H" | "-L" | "-P")).is_some() {}
        // Any other word is a test or an option, and no test of `find` changes anything.
        let mut role = Role::Look;
        while let Some(arg) = rest.next() {
            match arg.text() {
                "-delete" => role = Role::Delete,
                "-exec" | "-execdir" | "-ok" | "-okdir" => {
                    let mut inner = Vec::new();
                    for word in rest.by_ref() {
                        match word.text() {
                            ";" | "+" => break,
                            "{}" => inner.push(Arg::Pattern(found.clone())),
                            text if text.contains("{}") => inner.push(Arg::Unknown(text.to_owned())),
                            _ => inner.push(word.clone()),
                        }
                    }
                    self.wrapped("find -exec", inner, segment, Input::default());
                }
                "-fprint" | "-fprint0" | "-fls" | "-fprintf" => match rest.next() {
                    Some(file) => self.effect(file, Role::Write, false, &mut segment.operations, &mut segment.unknowns),
                    None => run_unknown(segment, "find", "an option lacks its value"),
                },
                text if TAKES_VALUE.contains(&text) => drop(rest.next()),
                _ if arg.known().is_some() => {}
                text => segment
                    .unknowns
                    .push(Unknown { text: text.to_owned(), why: "it could be an action of `find`".to_owned() }),
            }
        }
        for root in &roots {
            if may_be_action(root) {
                segment
                    .unknowns
                    .push(Unknown { text: root.text().to_owned(), why: "it could be an action of `find`".to_owned() });
            }
            self.effect(root, role, true, &mut segment.operations, &mut segment.unknowns);
        }
    }
}

/// The places where the search begins: what stands before the first test.
fn roots_of(args: &[Arg]) -> Vec<Arg> {
    let options = |arg: &&Arg| matches!(arg.text(), "-H" | "-L" | "-P") || arg.text().starts_with("-O");
    let roots: Vec<Arg> = args
        .iter()
        .skip_while(options)
        .take_while(|arg| !arg.text().starts_with(['-', '!', '(', ')', ',']))
        .cloned()
        .collect();
    if roots.is_empty() { vec![Arg::Known(".".to_owned())] } else { roots }
}

/// Whether a root that is not known could turn out to be an action, or several words.
fn may_be_action(root: &Arg) -> bool {
    let Arg::Unknown(text) = root else { return false };
    let quoted =
        text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).is_some_and(|inside| !inside.contains('"'));
    // What is quoted is one word; with a slash of its own in it, it is no action.
    !(quoted && text.contains('/'))
}

/// The pattern that stands for what `find` finds.
fn found_under(roots: &[Arg]) -> String {
    match roots {
        [Arg::Known(one) | Arg::Pattern(one)] => format!("{}/**", one.trim_end_matches('/')),
        _ => "/**".to_owned(),
    }
}

/// The pattern for what a `find` or `fd` with these arguments prints.
pub(crate) fn found_by(args: &[Arg], cwd: Option<&str>) -> String {
    let found = found_under(&roots_of(args));
    match found.trim_end_matches("/**") {
        "" => "/**".to_owned(),
        root => under(root, cwd),
    }
}

/// Everything under a place.
pub(crate) fn under(root: &str, cwd: Option<&str>) -> String {
    format!("{}/**", paths::plain(root, cwd).trim_end_matches('/'))
}
