//! Sets of rules to judge with: this installation's, a preset, a directory alone.

use std::path::Path;

use host::install_paths::Layout;
use host::stack;
use pdp::{Policy, PolicyProblem, Sources};

/// The chosen policy: a preset, a directory alone, or else this installation's own.
pub(crate) fn chosen(preset: Option<&str>, directory: Option<&Path>) -> Result<Policy, String> {
    match sources(preset, directory)? {
        Some(sources) => load(&sources),
        None => Policy::preset(preset.unwrap_or("strict")).map_err(told),
    }
}

/// The same, with every example tried, those of the shipped rules as well.
pub(crate) fn tried(preset: Option<&str>, directory: Option<&Path>) -> Result<Policy, String> {
    let sources = sources(preset, directory)?.unwrap_or_else(|| Sources::preset(preset.unwrap_or("strict")));
    load(&sources.trying_all())
}

/// This installation's own set, without the rules that were made of approvals.
pub(crate) fn own() -> Result<Policy, String> {
    chosen(None, None)
}

/// What a set is made of; nothing where it is a preset alone.
fn sources(preset: Option<&str>, directory: Option<&Path>) -> Result<Option<Sources>, String> {
    let own = || Layout::from_environment().ok().map(|layout| layout.policy()).filter(|path| path.exists());
    let read = directory.map(Path::to_owned).or_else(own).filter(|_| preset.is_none());
    if read.is_some_and(|it| !guards(&it).is_empty()) {
        eprintln!(
            "countersign: the guards (`*.cedar`) of this policy can only forbid or demand people, and are asked by countersignd alone; they are left out here"
        );
    }
    Ok(match (preset, directory) {
        (Some(_), _) => None,
        (None, Some(directory)) => Some(Sources::files(host::files::trusted_texts(directory, "toml")?)),
        (None, None) => match own() {
            Some(own) => Some(Sources::directory(host::files::trusted_texts(&own, "toml")?)),
            None => None,
        },
    })
}

/// The files of a directory that are guards.
pub(crate) fn guards(directory: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().filter_map(Result::ok).map(|entry| entry.path());
    entries.filter(|path| path.extension().is_some_and(|it| it == "cedar")).collect()
}

/// Loads a set; its problems as lines for people.
pub(crate) fn load(sources: &Sources) -> Result<Policy, String> {
    let sources = sources.clone().opened_by(openings);
    stack::on_large_stack(|| Policy::load(&sources, &understand::read_blind)).map_err(str::to_owned)?.map_err(told)
}

/// What can stand behind the fixed words of a command and do more than they say.
fn openings(words: &[&str]) -> Vec<(String, bool)> {
    understand::openings(words).into_iter().map(|it| (it.text, it.runs)).collect()
}

fn told(problems: Vec<PolicyProblem>) -> String {
    let lines: Vec<String> = problems.iter().map(|problem| format!("  {problem}")).collect();
    format!("the rules are refused:\n{}", lines.join("\n"))
}
