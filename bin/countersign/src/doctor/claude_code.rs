//! Our hook in Claude Code: every file that the host takes its settings from, in the order in which one overrides the other.

use std::path::{Path, PathBuf};

use agent_host::claude_code::{Inspected, inspect};

use super::{Finding, Report, hook_canary};

const WHAT: &str = "claude-code";

/// The longest file of settings that is read, in bytes.
const MAX_BYTES: u64 = 4 * 1024 * 1024;

/// Where the host keeps the settings that an organisation gives it.
const MANAGED: &[&str] = &["/etc/claude-code", "/Library/Application Support/ClaudeCode"];

/// The variable with the directory of a person's settings, where it is another one.
const CONFIG_VARIABLE: &str = "CLAUDE_CONFIG_DIR";

/// One file that is there, and what it says.
struct Settings {
    path: PathBuf,
    managed: bool,
    found: Inspected,
}

/// Looks at all of them; the strictest place comes first.
pub(super) fn look(report: &mut Report, further: &[PathBuf]) -> Result<(), String> {
    let mut all = Vec::new();
    for (path, managed) in places(further)? {
        match read(&path, managed) {
            Ok(Some(settings)) => all.push(settings),
            Ok(None) => {}
            Err(why) => report.add(Finding::Bad, WHAT, why),
        }
    }
    for Settings { path, found, .. } in &all {
        let place = path.display();
        for problem in &found.problems {
            report.add(Finding::Bad, WHAT, format!("`{place}`: {problem}"));
        }
        if let Some(command) = &found.command {
            hook_canary(report, path, command);
        }
        if found.others > 0 {
            let text =
                "other hooks also run before a call: one that changes the input does so after our hook judged it";
            report.add(Finding::Advice, WHAT, format!("`{place}`: {text}"));
        }
    }
    overridden(report, &all);
    if !all.iter().any(|it| it.found.command.is_some()) {
        let text = "no hook is installed here: `countersign hook install claude-code --agent NAME`";
        report.add(Finding::Advice, WHAT, text.to_owned());
    }
    Ok(())
}

/// What one file says that takes effect on hooks of another one.
fn overridden(report: &mut Report, all: &[Settings]) {
    // The first that says anything of it decides: managed settings, then the local ones, the project's, the person's.
    if let Some(first) = all.iter().find(|it| it.found.disables.is_some())
        && first.found.disables == Some(true)
    {
        let place = first.path.display();
        report.add(Finding::Bad, WHAT, format!("`{place}`: `disableAllHooks` is on: no hook runs, not even ours"));
    }
    let only = all.iter().find(|it| it.managed && it.found.managed_only);
    if let Some(only) = only
        && !all.iter().any(|it| it.managed && it.found.command.is_some())
        && all.iter().any(|it| it.found.command.is_some())
    {
        let place = only.path.display();
        let text = "`allowManagedHooksOnly` is on, and our hook is not in the managed settings: it does not run";
        report.add(Finding::Bad, WHAT, format!("`{place}`: {text}"));
    }
}

fn read(path: &Path, managed: bool) -> Result<Option<Settings>, String> {
    let place = path.display();
    let bytes = match host::files::read_small(path, MAX_BYTES) {
        Ok(Some(bytes)) => bytes,
        Ok(None) => return Ok(None),
        Err(why) if why.kind() == std::io::ErrorKind::NotADirectory => return Ok(None),
        Err(why) => return Err(format!("`{place}` cannot be read ({why}), so it is unknown what it switches off")),
    };
    let found = inspect(&String::from_utf8_lossy(&bytes)).map_err(|why| format!("`{place}`: {why}"))?;
    Ok(Some(Settings { path: path.to_owned(), managed, found }))
}

/// Every place, and whether it is a managed one, the strictest first.
fn places(further: &[PathBuf]) -> Result<Vec<(PathBuf, bool)>, String> {
    let mut places = Vec::new();
    for directory in MANAGED.iter().map(Path::new) {
        places.push((directory.join("managed-settings.json"), true));
        let more = std::fs::read_dir(directory.join("managed-settings.d")).into_iter().flatten();
        let mut more: Vec<PathBuf> = more.filter_map(|entry| Some(entry.ok()?.path())).collect();
        more.retain(|path| path.extension().is_some_and(|it| it == "json"));
        more.sort();
        // Of those the last one counts.
        places.extend(more.into_iter().rev().map(|path| (path, true)));
    }
    places.extend(further.iter().map(|path| (path.clone(), false)));
    let project = std::env::current_dir().map_err(|why| why.to_string())?.join(".claude");
    places.push((project.join("settings.local.json"), false));
    places.push((project.join("settings.json"), false));
    let own = std::env::var_os(CONFIG_VARIABLE).map(PathBuf::from);
    let own = own.or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".claude")));
    places.extend(own.map(|own| (own.join("settings.json"), false)));
    places.dedup();
    Ok(places)
}
