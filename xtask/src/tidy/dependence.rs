//! The law of dependence between layers, and the table of foreign crates.

use std::collections::{BTreeMap, BTreeSet};

use toml::{Table, Value};

use super::{Tree, layer};

/// The manifests of what is built with the product; `bench/` only measures against others.
pub(super) fn manifests(tree: &Tree) -> impl Iterator<Item = (&String, &String)> {
    tree.iter().filter(|(path, _)| path.ends_with("/Cargo.toml") && layer(path) != "bench")
}

/// Our packages: name and directory, and the names they depend on outside tests.
pub(super) fn packages(tree: &Tree) -> Vec<(String, String, Vec<String>)> {
    manifests(tree)
        .filter_map(|(path, text)| {
            let table: Table = text.parse().ok()?;
            let name = table.get("package")?.get("name")?.as_str()?.to_owned();
            let wanted = ["dependencies", "build-dependencies"];
            let wanted = wanted.iter().filter_map(|key| table.get(*key).and_then(Value::as_table));
            let place = path.trim_end_matches("/Cargo.toml").to_owned();
            Some((name, place, wanted.flat_map(|it| it.keys().cloned()).collect()))
        })
        .collect()
}

/// Programs see both layers, edges see the pure layer, the pure layer sees itself; nothing sees sideways at the edge.
pub(super) fn dependence(tree: &Tree) -> Vec<String> {
    let packages = packages(tree);
    let layers: BTreeMap<&str, &str> = packages.iter().map(|(name, path, _)| (name.as_str(), layer(path))).collect();
    let mut problems = Vec::new();
    for (name, path, wanted) in &packages {
        for other in wanted {
            let Some(their) = layers.get(other.as_str()) else { continue };
            let allowed: &[&str] = match layer(path) {
                "pure" | "edge" => &["pure"],
                "bin" => &["pure", "edge"],
                _ => &["pure", "edge", "testkit"],
            };
            if !allowed.contains(their) {
                problems.push(format!("`{name}` ({}) depends on `{other}` ({their})", layer(path)));
            }
        }
        let judges_by_reading = name == "pdp" && wanted.iter().any(|other| other == "understand");
        if judges_by_reading {
            problems.push("`pdp` must not know how texts are read".to_owned());
        }
    }
    for banned in ["common", "util", "utils", "types", "helpers", "misc"] {
        if layers.contains_key(banned) {
            problems.push(format!("there is no `{banned}`: say what the crate is about"));
        }
    }
    problems
}

pub(super) fn dependencies(tree: &Tree) -> Vec<String> {
    let parse = |path: &str| -> Table { tree.get(path).and_then(|text| text.parse().ok()).unwrap_or_default() };
    let manifest = parse("Cargo.toml");
    let declared = manifest.get("workspace").and_then(|it| it.get("dependencies")).and_then(Value::as_table);
    let foreign: BTreeSet<&str> = declared
        .into_iter()
        .flatten()
        .filter(|(_, value)| value.get("path").is_none())
        .map(|(name, _)| name.as_str())
        .collect();
    let table = parse("xtask/dependencies.toml");
    let mut problems = Vec::new();
    for name in &foreign {
        let said = |key: &str| {
            table.get(*name).and_then(|row| row.get(key)).and_then(Value::as_str).is_some_and(|text| text.len() > 10)
        };
        if !said("why") || !said("touches") {
            problems.push(format!("`{name}` needs its row in xtask/dependencies.toml: `why`, and what it `touches`"));
        }
    }
    for name in table.keys().filter(|name| !foreign.contains(name.as_str())) {
        problems.push(format!("xtask/dependencies.toml speaks of `{name}`, which is not a dependency"));
    }
    for (name, path, _) in packages(tree) {
        let text = tree.get(&format!("{path}/Cargo.toml")).map_or("", String::as_str);
        let table: Table = text.parse().unwrap_or_default();
        for key in ["dependencies", "dev-dependencies", "build-dependencies"] {
            for (wanted, value) in table.get(key).and_then(Value::as_table).into_iter().flatten() {
                if value.get("workspace").and_then(Value::as_bool) != Some(true) {
                    problems
                        .push(format!("`{name}` declares `{wanted}` by itself; it belongs into the workspace's list"));
                }
            }
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::super::planted::{manifest, with};
    use super::*;

    #[test]
    fn a_pure_crate_that_sees_the_edge_is_found() {
        let (model, host) = (manifest("model", "host.workspace = true"), manifest("host", ""));
        let tree = with(&[("pure/model/Cargo.toml", &model), ("edge/host/Cargo.toml", &host)]);
        assert_eq!(dependence(&tree).len(), 1);
        let (host, store) = (manifest("host", "store.workspace = true"), manifest("store", ""));
        let sideways = with(&[("edge/host/Cargo.toml", &host), ("edge/store/Cargo.toml", &store)]);
        assert_eq!(dependence(&sideways).len(), 1);
        let (pdp, understand) = (manifest("pdp", "understand.workspace = true"), manifest("understand", ""));
        let reads = with(&[("pure/pdp/Cargo.toml", &pdp), ("pure/understand/Cargo.toml", &understand)]);
        assert_eq!(dependence(&reads).len(), 1);
        assert_eq!(dependence(&with(&[("pure/util/Cargo.toml", &manifest("util", ""))])).len(), 1);
    }

    #[test]
    fn a_dependency_without_its_row_is_found_and_a_row_without_its_dependency() {
        let root = "[workspace.dependencies]\nserde = \"1\"\nmodel = { path = \"pure/model\" }\n";
        assert_eq!(dependencies(&with(&[("Cargo.toml", root)])).len(), 1);
        let row = "[serde]\nwhy = \"reads what others write\"\ntouches = \"nothing but memory\"\n";
        assert!(dependencies(&with(&[("Cargo.toml", root), ("xtask/dependencies.toml", row)])).is_empty());
        let stale = format!("{row}[gone]\nwhy = \"reads what others write\"\ntouches = \"nothing but memory\"\n");
        assert_eq!(dependencies(&with(&[("Cargo.toml", root), ("xtask/dependencies.toml", &stale)])).len(), 1);
        let alone = manifest("model", "serde = \"1\"");
        let tree = with(&[("Cargo.toml", root), ("xtask/dependencies.toml", row), ("pure/model/Cargo.toml", &alone)]);
        assert_eq!(dependencies(&tree).len(), 1);
    }
}
