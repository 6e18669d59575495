//! One word for one thing: names that were replaced do not come back.

use toml::{Table, Value};

use super::dependence::packages;
use super::{Tree, code, layer};

/// The names that were replaced, and what to use.
const GLOSSARY: &str = "xtask/glossary.toml";

/// Where names are checked.
const LAYERS: &[&str] = &["pure", "edge", "bin", "core", "testkit"];

/// Words that declare a type in front of its name.
const DECLARES_A_TYPE: &[&str] = &["struct", "enum", "trait", "type", "union"];

/// Names of crates, modules and types that the glossary replaced.
pub(super) fn glossary(tree: &Tree) -> Vec<String> {
    let Some(table) = tree.get(GLOSSARY).and_then(|text| text.parse::<Table>().ok()) else {
        return vec![format!("{GLOSSARY} is missing or cannot be read")];
    };
    let spared: Vec<&str> = array(&table, "not_yet").collect();
    let mut problems: Vec<String> = spared
        .iter()
        .filter(|place| !tree.keys().any(|path| path.starts_with(**place)))
        .map(|place| format!("{GLOSSARY}: `{place}` is gone: take it out of `not_yet`"))
        .collect();
    for (name, path, _) in packages(tree) {
        problems.extend(replaced(&table, "crates", &name).map(|by| format!("{path}: the crate `{name}` is `{by}`")));
    }
    for (path, text) in tree.iter().filter(|(path, _)| is_checked(path, &spared)) {
        if let Some((module, by)) = module(path).and_then(|it| Some((it, replaced(&table, "modules", it)?))) {
            problems.push(format!("{path}: the module `{module}` is `{by}`"));
        }
        for (line, name) in code(text).filter_map(|(line, text)| Some((line, declared(text)?))) {
            let place = format!("{path}:{}", line.saturating_add(1));
            problems.extend(replaced(&table, "types", name).map(|by| format!("{place}: the type `{name}` is `{by}`")));
        }
    }
    problems
}

fn array<'a>(table: &'a Table, name: &str) -> impl Iterator<Item = &'a str> {
    table.get(name).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

/// The name to use instead of an old one.
fn replaced<'a>(table: &'a Table, kind: &str, name: &str) -> Option<&'a str> {
    table.get(kind)?.get(name)?.as_str()
}

fn is_checked(path: &str, spared: &[&str]) -> bool {
    path.ends_with(".rs") && LAYERS.contains(&layer(path)) && !spared.iter().any(|place| path.starts_with(place))
}

/// The module that a source file is.
fn module(path: &str) -> Option<&str> {
    let file = path.strip_suffix("/mod.rs").or_else(|| path.strip_suffix(".rs"))?;
    file.rsplit('/').next()
}

/// The name of the type that a line declares.
fn declared(line: &str) -> Option<&str> {
    let mut words = line.split_whitespace().skip_while(|word| word.starts_with("pub")).skip_while(|word| *word == "in");
    words.next().filter(|word| DECLARES_A_TYPE.contains(word))?;
    words.next()?.split(|c: char| !c.is_alphanumeric() && c != '_').next()
}

#[cfg(test)]
mod tests {
    use super::super::planted::{manifest, with};
    use super::*;

    const WORDS: &str = "not_yet = [\"pure/old/\"]\n[crates]\nwire = \"protocol\"\n[modules]\ntold = \"index\"\n[types]\nTalk = \"AgentConnection\"\n";

    fn found(path: &str, text: &str) -> usize {
        glossary(&with(&[(GLOSSARY, WORDS), ("pure/old/src/told.rs", "struct Talk;\n"), (path, text)])).len()
    }

    #[test]
    fn an_old_name_of_a_crate_module_or_type_is_found() {
        assert_eq!(found("pure/wire/Cargo.toml", &manifest("wire", "")), 1);
        assert_eq!(found("edge/log/src/told.rs", ""), 1);
        assert_eq!(found("edge/log/src/told/mod.rs", ""), 1);
        assert_eq!(found("bin/a/src/b.rs", "fn f() {}\npub(crate) struct Talk<'a> {\n"), 1);
        assert_eq!(found("bin/a/src/b.rs", "type Talk = u8;\n"), 1);
    }

    #[test]
    fn other_names_uses_of_a_name_and_places_that_are_not_done_yet_are_not_found() {
        assert_eq!(found("pure/protocol/Cargo.toml", &manifest("protocol", "")), 0);
        assert_eq!(found("edge/log/src/index.rs", "// struct Talk\nstruct Talking;\nfn f(_: &Talk) {}\n"), 0);
        assert_eq!(found("xtask/src/told.rs", "struct Talk;\n"), 0);
    }

    #[test]
    fn a_list_that_is_missing_or_spares_what_is_gone_is_found() {
        assert_eq!(glossary(&with(&[])).len(), 1);
        assert_eq!(glossary(&with(&[(GLOSSARY, WORDS)])).len(), 1);
    }
}
