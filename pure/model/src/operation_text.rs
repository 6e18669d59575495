//! An effect in words: the same everywhere that a person reads what an act would do.

use std::fmt::{Display, Formatter, Result};

use crate::intent::{Action, Category, Operation, Resource};

impl Display for Operation {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        if self.resource == Resource::System {
            out.write_str(at_large(self.action, self.category))?;
        } else {
            write!(out, "{} {}{}", verb(self.action), kind(&self.resource), self.resource.text())?;
        }
        if self.recursive { out.write_str(", and all below it") } else { Ok(()) }
    }
}

const fn verb(action: Action) -> &'static str {
    match action {
        Action::Inspect => "looks at",
        Action::Read => "reads",
        Action::Write => "writes",
        Action::Delete => "removes or empties",
        Action::Run => "runs",
        Action::Connect => "connects to",
        Action::Send => "sends data to",
        Action::Install => "installs or removes software:",
        Action::Elevate => "takes more privileges for",
        Action::Control => "starts, stops or steers",
        Action::Permit => "changes who may use",
    }
}

const fn kind(resource: &Resource) -> &'static str {
    match resource {
        Resource::Path(_) | Resource::System => "",
        Resource::Pattern(_) => "everything that matches ",
        Resource::Host(_) => "the host ",
        Resource::Program(_) => "the program ",
        Resource::Package(_) => "the package ",
        Resource::Service(_) => "the service or process ",
        Resource::Tool(_) => "the tool ",
        Resource::Database(_) => "in the database: ",
        Resource::Unknown(_) => "something not named outright: ",
    }
}

/// What a program does whatever its operands. Where it does it is not among its words: a reader must not take that for a place
/// that is harmless, least of all for this machine.
const fn at_large(action: Action, category: Category) -> &'static str {
    match (action, category) {
        (Action::Send, _) => "sends data to a place that the command does not name",
        (Action::Connect, _) => "connects to a place that the command does not name",
        (Action::Write, Category::VcsHistory) => "changes the repository or its history",
        (Action::Write, Category::PersistenceConfig) => "changes settings that last",
        (Action::Write, Category::Database) => "changes a database that the command does not name",
        (Action::Write, _) => "writes files that the command does not name",
        (Action::Delete, _) => "removes or empties what the command does not name",
        (Action::Inspect, _) => "looks at this machine",
        (Action::Read, Category::CredentialAccess) => "reads a secret",
        (Action::Read, _) => "reads files that the command does not name",
        (Action::Install, _) => "installs or removes software",
        (Action::Elevate, _) => "takes more privileges",
        (Action::Permit, _) => "changes who may do what",
        (Action::Control, Category::ContainerOrchestration) => "starts, stops or steers containers",
        (Action::Control, Category::CloudIac) => "changes what runs in the cloud",
        (Action::Control, _) => "starts, stops or steers something on this machine",
        (Action::Run, _) => "runs code that the command does not show",
    }
}

#[cfg(test)]
mod tests {
    use crate::intent::{Action, Category, Operation, Resource, Reversibility};

    fn effect(action: Action, resource: Resource, category: Category, recursive: bool) -> String {
        Operation { action, resource, category, reversibility: Reversibility::Irreversible, recursive }.to_string()
    }

    #[test]
    fn an_effect_reads_as_people_say_it() {
        let removes = effect(Action::Delete, Resource::Path("/srv/a".to_owned()), Category::FsDestructive, true);
        assert_eq!(removes, "removes or empties /srv/a, and all below it");
    }

    #[test]
    fn what_goes_elsewhere_is_never_said_to_stay_here() {
        for action in [Action::Send, Action::Connect] {
            let words = effect(action, Resource::System, Category::NetworkEgress, false);
            assert!(!words.contains("this machine"), "{words}");
        }
    }
}
