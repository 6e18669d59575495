//! Many at once: nothing is lost, each agent's order is kept, every decision has its record.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on must fail")]

use protocol::AgentReply;
use testkit::{Sandbox, bash_act};

const AGENTS: usize = 50;
const EACH: usize = 20;

#[test]
fn a_thousand_requests_of_fifty_agents_at_once() {
    // Twenty requests in one moment are far over the shipped limits; this is about order and records.
    let sandbox = Sandbox::start_with("[velocity]\nlow = 1000\ntotal = 1000\nburst = 1000\n");
    let keys: Vec<String> = (0..AGENTS).map(|agent| sandbox.add_agent(&format!("agent-{agent}"))).collect();
    std::thread::scope(|scope| {
        for key in &keys {
            let sandbox = &sandbox;
            scope.spawn(move || {
                let agent = sandbox.raw(key);
                // All are under way before the first answer is read.
                for number in 0..EACH {
                    agent.send_submit(&format!("s-{number}"), &bash_act(&format!("echo {number}")), true);
                }
                for number in 0..EACH {
                    assert!(matches!(agent.hear().unwrap(), AgentReply::Allow { .. }), "request {number}");
                }
            });
        }
    });
    let records = sandbox.records();
    let decisions: Vec<_> = records.iter().filter(|record| record["kind"] == "decision").collect();
    assert_eq!(decisions.len(), AGENTS * EACH);
    for agent in 0..AGENTS {
        let name = format!("agent-{agent}");
        let order: Vec<String> = decisions
            .iter()
            .filter(|record| record["body"]["request"]["agent"] == name.as_str())
            .map(|record| record["body"]["request"]["session"].as_str().unwrap().to_owned())
            .collect();
        let expected: Vec<String> = (0..EACH).map(|number| format!("s-{number}")).collect();
        assert_eq!(order, expected, "{name}");
    }
    let (status, words) = sandbox.verify();
    assert_eq!(status, Some(0), "{words}");
}
