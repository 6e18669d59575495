//! Tasks and how far they go: an agent that says what it is about is held to it.
//!
//! A task is what the agent names, so it never allows anything; what is outside its scope asks, whatever allows it. Where
//! tasks are required, an act without one that is known asks, too.

use model::{Action, Intent, Operation, Resource};
use serde::Deserialize;

use crate::evaluate::Situation;
use crate::pattern::{Glob, Wild, alternatives_of};
use crate::rule::{OneOrMany, PathPattern, Wrong, action, path_patterns};

/// A task, as written in a file
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct TaskText {
    /// The tasks that this is about, as the agent names them: a name or a glob
    pub(crate) id: String,
    /// Files that it reads and changes, as globs of absolute paths; `$PROJECT`, `$CWD` and `$HOME` may begin them
    paths: Option<OneOrMany>,
    /// Network hosts that it talks to, as globs
    hosts: Option<OneOrMany>,
    /// What it does at all
    effects: Option<OneOrMany>,
}

/// A task and its scope.
#[derive(Clone, Debug)]
pub(crate) struct Task {
    id: Glob,
    paths: Option<Vec<PathPattern>>,
    hosts: Option<Vec<Glob>>,
    effects: Option<Vec<Action>>,
}

/// Reads a task.
pub(crate) fn read(text: &TaskText) -> Result<Task, Wrong> {
    let each = |words: &OneOrMany| words.words().to_vec();
    let paths =
        text.paths.as_ref().map(|it| each(it).iter().map(|word| path_patterns(word)).collect::<Result<Vec<_>, _>>());
    let hosts = text
        .hosts
        .as_ref()
        .map(|it| each(it).iter().map(|word| alternatives_of(word, Wild::Name)).collect::<Result<Vec<_>, _>>());
    let effects =
        text.effects.as_ref().map(|it| each(it).iter().map(|word| action(word)).collect::<Result<Vec<_>, _>>());
    if text.paths.is_none() && text.hosts.is_none() && text.effects.is_none() {
        return Err(("id", "a task has a scope: add `paths`, `hosts` or `effects`".to_owned()));
    }
    Ok(Task {
        id: Glob::new(&text.id, Wild::Name).map_err(|why| ("id", why))?,
        paths: paths.transpose().map_err(|why| ("paths", why))?.map(|it| it.concat()),
        hosts: hosts.transpose().map_err(|why| ("hosts", why))?.map(|it| it.concat()),
        effects: effects.transpose().map_err(|why| ("effects", why))?,
    })
}

/// Why an act is outside of what its agent says it is about, if it is.
pub(crate) fn outside(tasks: &[Task], required: bool, intent: &Intent, situation: &Situation<'_>) -> Option<String> {
    let named = situation.task.and_then(|name| Some((name, tasks.iter().find(|task| task.id.matches(name))?)));
    let Some((name, task)) = named else {
        return required.then(|| match situation.task {
            Some(name) => format!("the task `{name}` is none that the policy knows"),
            None => "the agent names no task, and the policy wants one".to_owned(),
        });
    };
    let stray = intent.operations().find(|operation| !task.covers(operation, situation))?;
    Some(format!("{stray} is outside of the task `{name}`"))
}

impl Task {
    fn covers(&self, operation: &Operation, situation: &Situation<'_>) -> bool {
        if operation.action == Action::Inspect {
            return true;
        }
        if self.effects.as_ref().is_some_and(|effects| !effects.contains(&operation.action)) {
            return false;
        }
        let path =
            |text: &str| self.paths.as_ref().is_none_or(|paths| paths.iter().any(|it| it.matches(text, situation)));
        match &operation.resource {
            Resource::Path(text) | Resource::Pattern(text) => path(text),
            Resource::Host(text) => self.hosts.as_ref().is_none_or(|hosts| hosts.iter().any(|it| it.matches(text))),
            // Where it is not known what is touched, it is not known to be inside.
            Resource::Unknown(_) => self.paths.is_none() && self.hosts.is_none(),
            Resource::Program(_)
            | Resource::Package(_)
            | Resource::Service(_)
            | Resource::Tool(_)
            | Resource::Database(_)
            | Resource::System => true,
        }
    }
}
