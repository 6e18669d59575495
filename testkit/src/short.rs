//! What tests say often, said shortly.

use std::fs;

use pdp::Situation;
use wire::{AgentHears, OperatorHears};

use crate::{Sandbox, bash_act};

/// An agent at work in a project of its own.
pub fn at_work() -> Situation<'static> {
    Situation {
        agent: Some("agent"),
        cwd: Some("/work/project"),
        project: Some("/work/project"),
        home: Some("/home/agent"),
        ..Situation::default()
    }
}

/// Submits a command as an agent host does that acts by itself, and gives the first answer.
pub fn hands_over(sandbox: &Sandbox, key: &str, text: &str) -> AgentHears {
    let agent = sandbox.raw(key);
    agent.send_submit("s", &bash_act(text), true);
    agent.hear().unwrap()
}

/// Whether an agent may act.
pub fn is_allowed(heard: &AgentHears) -> bool {
    matches!(heard, AgentHears::Allow { .. })
}

/// What a person is told, of what was done or why it was not.
pub fn done(heard: OperatorHears) -> String {
    let (OperatorHears::Done { what: said } | OperatorHears::Refused { why: said }) = heard else {
        panic!("{heard:?}")
    };
    said
}

/// A rule that allows making files in the work directory of a sandbox.
pub fn makes_files(sandbox: &Sandbox, extra: &str) -> String {
    let work = fs::canonicalize(&sandbox.work).unwrap();
    let work = work.display();
    format!(
        "[[rule]]\nid = 'test.files'\nverdict = 'allow'\neffect = 'write'\nonly = ['write']\npath = '{work}/**'\n{extra}\n\
         matches = ['touch {work}/a']\nspares = ['touch /srv/a']\n"
    )
}
