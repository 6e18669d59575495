//! What tests say often, said shortly.

use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

use log_store::{Content, Reader, RealDisk, Wanted};
use pdp::Situation;
use protocol::{AgentReply, OperatorReply, OperatorRequest};
use serde_json::Value;

use crate::raw_agent::PATIENCE;
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
pub fn hands_over(sandbox: &Sandbox, key: &str, text: &str) -> AgentReply {
    let agent = sandbox.raw(key);
    agent.send_submit("s", &bash_act(text), true);
    agent.hear().unwrap()
}

/// Whether an agent may act.
pub fn is_allowed(heard: &AgentReply) -> bool {
    matches!(heard, AgentReply::Allow { .. })
}

/// The message to a person: what was done, or why it was not.
pub fn done(heard: OperatorReply) -> String {
    let (OperatorReply::Done { what: said } | OperatorReply::Refused { why: said }) = heard else {
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

/// The policy while it runs, and the record as readers have it.
impl Sandbox {
    /// Puts a file into the policy's directory, as an editor would.
    pub fn write_rules(&self, name: &str, text: &str) {
        let directory = self.layout.policy();
        host::files::private_directory(&directory).unwrap();
        host::files::replace(&directory.join(name), text.as_bytes(), 0o600).unwrap();
    }

    /// Waits until the daemon says something about its policy; says how long that took.
    pub fn until(&self, what: &str, holds: impl Fn(&protocol::Status) -> bool) -> Duration {
        let started = Instant::now();
        loop {
            let OperatorReply::Status(status) = self.operator(&OperatorRequest::Status) else { panic!("no status") };
            if holds(&status) {
                return started.elapsed();
            }
            assert!(started.elapsed() < PATIENCE, "never: {what}; {status:?}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// All records, as JSON.
    pub fn records(&self) -> Vec<Value> {
        let mut records = Vec::new();
        let mut reader = Reader::open(Arc::new(RealDisk::new(&self.layout.log))).unwrap();
        let mut each = |found: log_store::Found| {
            let Content::Record(record) = found.content else { panic!("{found:?}") };
            records.push(record.to_value());
            Ok(true)
        };
        reader.each(&Wanted::default(), &mut each).unwrap();
        records
    }

    /// Runs `log verify` and gives its exit status and words.
    pub fn verify(&self) -> (Option<i32>, String) {
        let output = self.countersign(&["log", "verify"]).output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    }
}
