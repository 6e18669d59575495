//! `find`: an expression language of its own, whose actions delete, write and run programs.

use model::{Arg, Segment, Unknown};

use crate::command::run_unknown;
use crate::knowledge::Role;
use crate::lower::Lowering;

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
        const PLAIN: &[&str] = &[
            "-print",
            "-print0",
            "-ls",
            "-o",
            "-or",
            "-a",
            "-and",
            "-not",
            "!",
            "(",
            ")",
            "-empty",
            "-prune",
            "-quit",
            "-depth",
            "-xdev",
            "-mount",
            "-follow",
            "-L",
            "-H",
            "-P",
            "-readable",
            "-writable",
            "-executable",
            "-true",
            "-false",
            "-daystart",
            "-nouser",
            "-nogroup",
            ",",
        ];
        let mut rest = args.iter().peekable();
        let mut roots: Vec<Arg> = Vec::new();
        while let Some(root) = rest.next_if(|arg| !arg.text().starts_with(['-', '!', '(']) || matches!(arg.text(), "-"))
        {
            roots.push(root.clone());
        }
        if roots.is_empty() {
            roots.push(Arg::Known(".".to_owned()));
        }
        let mut role = Role::Read;
        while let Some(arg) = rest.next() {
            match arg.text() {
                "-delete" => role = Role::Delete,
                "-exec" | "-execdir" | "-ok" | "-okdir" => {
                    let mut inner = Vec::new();
                    for word in rest.by_ref() {
                        match word.text() {
                            ";" | "+" => break,
                            "{}" => inner.push(Arg::Pattern(found_under(&roots))),
                            text if text.contains("{}") => inner.push(Arg::Unknown(text.to_owned())),
                            _ => inner.push(word.clone()),
                        }
                    }
                    self.wrapped("find -exec", inner, segment);
                }
                "-fprint" | "-fprint0" | "-fls" => match rest.next() {
                    Some(file) => self.effect(file, Role::Write, false, &mut segment.operations, &mut segment.unknowns),
                    None => run_unknown(segment, "find", "an option lacks its value"),
                },
                text if TAKES_VALUE.contains(&text) => drop(rest.next()),
                text if PLAIN.contains(&text) && arg.known().is_some() => {}
                text => segment
                    .unknowns
                    .push(Unknown { text: text.to_owned(), why: "the option of `find` is not known to us".to_owned() }),
            }
        }
        for root in &roots {
            self.effect(root, role, true, &mut segment.operations, &mut segment.unknowns);
        }
    }
}

/// The pattern that stands for what `find` finds.
fn found_under(roots: &[Arg]) -> String {
    match roots {
        [one] => format!("{}/**", one.text().trim_end_matches('/')),
        _ => "/**".to_owned(),
    }
}
