//! Ways round us that are published in `docs/explain/gaps.md`. Each test shows that the gap is there; when one closes, its test
//! fails, and the row moves to `docs/explain/bypasses.md`.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on must fail")]

use std::fs;
use std::process::Stdio;

use protocol::AgentReply;
use testkit::{Sandbox, bash_act};

#[test]
fn gap_repository_configuration_runs_code() {
    let sandbox = Sandbox::start();
    sandbox.add_agent("bot");
    let git =
        |words: &[&str]| std::process::Command::new("git").args(words).current_dir(&sandbox.work).output().unwrap();
    assert!(git(&["init", "-q"]).status.success());
    assert!(git(&["config", "core.fsmonitor", "touch mark; false"]).status.success());
    let _ = sandbox.run(&["git", "status"]).output().unwrap();
    assert!(sandbox.mark("mark").exists(), "closed: move gap 3 to docs/explain/bypasses.md");
}

#[test]
fn gap_files_read_by_a_script_are_not_bound() {
    let sandbox = Sandbox::start();
    sandbox.add_agent("bot");
    let reviewer = sandbox.add_reviewer("rita");
    fs::write(sandbox.work.join("main.py"), "import part\n").unwrap();
    fs::write(sandbox.work.join("part.py"), "pass\n").unwrap();
    let waiting = sandbox.run(&["python3", "main.py"]).stderr(Stdio::null()).spawn().unwrap();
    let hold = sandbox.hold();
    fs::write(sandbox.work.join("part.py"), "open('mark', 'w')\n").unwrap();
    sandbox.answer(&hold, "approve", reviewer.vouch()).unwrap();
    let _ = waiting.wait_with_output().unwrap();
    assert!(sandbox.mark("mark").exists(), "closed: move gap 5 to docs/explain/bypasses.md");
}

#[test]
fn gap_a_secret_of_unknown_form_is_stored() {
    let sandbox = Sandbox::start();
    let key = sandbox.add_agent("bot");
    let secret = "Xq7-unheard-of-form";
    let _ = sandbox.raw(&key).submit(&bash_act(&format!("echo {secret}")));
    let log = sandbox.records().iter().map(ToString::to_string).collect::<String>();
    assert!(log.contains(secret), "closed: move gap 8 to docs/explain/bypasses.md");
}

#[test]
fn gap_a_bare_wildcard_reads_whatever_is_there() {
    let sandbox = Sandbox::start();
    let key = sandbox.add_agent("bot");
    // Not in the directory above our own, which a pattern there could mean.
    let call = model::ToolCall {
        host: "claude-code".to_owned(),
        tool: "Bash".to_owned(),
        input: serde_json::json!({ "command": "cat *" }),
        call: None,
        cwd: Some(sandbox.work.display().to_string()),
        shell: None,
    };
    let heard = sandbox.raw(&key).submit(&model::Act::Tool(call).to_value());
    assert!(matches!(heard, AgentReply::Allow { .. }), "closed: move gap 13 to docs/explain/bypasses.md");
}
