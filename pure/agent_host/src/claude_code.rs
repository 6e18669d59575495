//! Claude Code's `PreToolUse` hook: JSON on standard input, a decision as JSON on standard output, exit status 2 to
//! block. Written against version 2.1.240 of the host.
//!
//! The host fails open: when a hook is late, cannot be started, or exits with a status other than 0 and 2, the call
//! runs. So each of our failures exits 2, and we answer before the host's own deadline.

use model::ToolCall;
use serde_json::{Map, Value, json};

use crate::HookAnswer;

/// The most that is read of the host's message, in bytes. A longer one is refused.
pub const MAX_INPUT_BYTES: usize = 512 * 1024;

/// The time-out that we write into the host's settings, in seconds: longer than any hold.
pub const HOST_TIMEOUT_S: u64 = 660;

/// The name of this host in requests.
pub const HOST: &str = "claude-code";

/// The longest reason the host takes, in characters.
const MAX_REASON: usize = 9_000;

/// A call that the host is about to make.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// The host's session.
    pub session: String,
    /// The call.
    pub call: ToolCall,
    /// What the agent says that it is for: the host has it write a line with each command, and each task of a sub-agent.
    pub intent: Option<String>,
}

/// Reads the host's message. `shell`: the shell that the host runs texts with, where that is certain.
pub fn parse(input: &[u8], shell: Option<String>) -> Result<Call, String> {
    if input.len() > MAX_INPUT_BYTES {
        return Err(format!("the host's message has more than {MAX_INPUT_BYTES} bytes"));
    }
    let value = model::unambiguous::parse(input)
        .map_err(|why| format!("the host's message is not JSON that can be judged: {why}"))?;
    let text = |key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    let event = text("hook_event_name").ok_or("the host's message has no `hook_event_name`")?;
    if event != "PreToolUse" {
        return Err(format!("this hook answers `PreToolUse`, not `{event}`"));
    }
    let tool = text("tool_name").ok_or("the host's message has no `tool_name`")?;
    let runs_text = tool == "Bash";
    // Of the host's own tools: elsewhere a field of this name is data.
    let says = matches!(tool.as_str(), "Bash" | "Agent" | "Task");
    let intent = value.pointer("/tool_input/description").and_then(Value::as_str).filter(|_| says).map(str::to_owned);
    Ok(Call {
        session: text("session_id").ok_or("the host's message has no `session_id`")?,
        call: ToolCall {
            host: HOST.to_owned(),
            tool,
            input: value.get("tool_input").cloned().ok_or("the host's message has no `tool_input`")?,
            call: text("tool_use_id"),
            cwd: text("cwd").filter(|cwd| cwd.starts_with('/')),
            shell: shell.filter(|_| runs_text),
        },
        intent,
    })
}

/// The shell that Claude Code runs texts with: the user's, where that is Bash or Z shell and no setting names another.
/// With any other it looks for one of the two by itself.
pub fn shell_of_host(users: Option<String>, set: Option<String>) -> Option<String> {
    let chosen = set.or(users)?;
    let name = chosen.rsplit('/').next()?;
    (chosen.starts_with('/') && matches!(name, "bash" | "zsh")).then_some(chosen)
}

/// No objection: the host goes on with its own rules and prompts. We never say `allow`, which would skip them.
pub fn no_objection() -> HookAnswer {
    HookAnswer { stdout: String::new(), stderr: String::new(), exit: 0, reason: None }
}

/// The call must not be made.
pub fn deny(reason: &str) -> HookAnswer {
    let reason: String = reason.chars().take(MAX_REASON).collect();
    let answer = json!({ "hookSpecificOutput": {
        "hookEventName": "PreToolUse", "permissionDecision": "deny", "permissionDecisionReason": reason,
    }});
    HookAnswer { stdout: format!("{answer}\n"), stderr: String::new(), exit: 0, reason: Some(reason) }
}

/// We could not decide; the host blocks on exit status 2 whatever else is printed.
pub fn undecided(reason: &str) -> HookAnswer {
    HookAnswer::no(reason.chars().take(MAX_REASON).collect())
}

/// The settings with our hook in them; everything else stays as it was.
pub fn install(existing: Option<&str>, command: &str) -> Result<String, String> {
    let mut settings: Value = match existing {
        Some(text) if !text.trim().is_empty() => serde_json::from_str(text)
            .map_err(|why| format!("the settings are not JSON, so they are left alone: {why}"))?,
        Some(_) | None => json!({}),
    };
    let ours =
        json!({ "matcher": "*", "hooks": [{ "type": "command", "command": command, "timeout": HOST_TIMEOUT_S }] });
    let root = settings.as_object_mut().ok_or("the settings are no JSON object, so they are left alone")?;
    let hooks = root.entry("hooks").or_insert_with(|| Value::Object(Map::new()));
    let hooks = hooks.as_object_mut().ok_or("`hooks` is no JSON object, so the settings are left alone")?;
    let list = hooks.entry("PreToolUse").or_insert_with(|| Value::Array(Vec::new()));
    let list = list.as_array_mut().ok_or("`hooks.PreToolUse` is no list, so the settings are left alone")?;
    list.retain(|entry| !is_ours(entry));
    list.insert(0, ours);
    let mut text = serde_json::to_string_pretty(&settings).map_err(|why| why.to_string())?;
    text.push('\n');
    Ok(text)
}

/// What one file of settings says of hooks.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Inspected {
    /// Our hook's command line, if it is there.
    pub command: Option<String>,
    /// What keeps it from blocking, wherever the file is.
    pub problems: Vec<String>,
    /// Whether no hook at all runs, where the file says so.
    pub disables: Option<bool>,
    /// Only hooks of managed settings run. It counts in managed settings alone.
    pub managed_only: bool,
    /// Other hooks that are asked before a call: they can change its input after ours looked at it.
    pub others: usize,
}

/// Variables that lead our hook to another installation, or load code into it.
const MISLEADING: &[&str] =
    &["HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR", "LD_PRELOAD", "LD_LIBRARY_PATH", "LD_AUDIT"];

/// Reads one file of settings.
///
/// # Errors
/// It is not JSON. The host refuses such a file, or leaves it out.
pub fn inspect(settings: &str) -> Result<Inspected, String> {
    let settings =
        model::unambiguous::parse(settings.as_bytes()).map_err(|why| format!("the settings are not JSON: {why}"))?;
    let is_on = |name: &str| settings.get(name).and_then(Value::as_bool);
    let mut found = Inspected {
        disables: is_on("disableAllHooks"),
        managed_only: is_on("allowManagedHooksOnly") == Some(true),
        ..Inspected::default()
    };
    let names = settings.get("env").and_then(Value::as_object).into_iter().flatten().map(|(name, _)| name.as_str());
    for name in names.filter(|name| MISLEADING.contains(name) || name.starts_with("COUNTERSIGN_")) {
        found.problems.push(format!("`env` sets `{name}`: the hook would ask another installation, or not be itself"));
    }
    let entries = settings.pointer("/hooks/PreToolUse").and_then(Value::as_array);
    for entry in entries.into_iter().flatten() {
        for hook in entry.get("hooks").and_then(Value::as_array).into_iter().flatten() {
            if is_our_hook(hook) && found.command.is_none() {
                found.command = hook.get("command").and_then(Value::as_str).map(str::to_owned);
                found.problems.extend(problems_of(entry, hook));
            } else if !is_our_hook(hook) {
                found.others = found.others.saturating_add(1);
            }
        }
    }
    Ok(found)
}

/// What keeps our hook from blocking every call.
fn problems_of(entry: &Value, hook: &Value) -> Vec<String> {
    let mut problems = Vec::new();
    if let Some(matcher) = entry.get("matcher").and_then(Value::as_str)
        && !matches!(matcher, "*" | "")
    {
        problems.push(format!("the hook looks only at tools that match `{matcher}`"));
    }
    if hook.get("timeout").and_then(Value::as_u64).is_none_or(|timeout| timeout < HOST_TIMEOUT_S) {
        problems.push(format!(
            "the hook's `timeout` is below {HOST_TIMEOUT_S} s: the host would run what is still being decided"
        ));
    }
    if hook.get("async").and_then(Value::as_bool) == Some(true) {
        problems.push("the hook is `async`: the host does not wait for it".to_owned());
    }
    if hook.get("if").is_some() {
        problems.push("the hook has a condition (`if`): calls that do not meet it are not looked at".to_owned());
    }
    problems
}

fn is_ours(entry: &Value) -> bool {
    let commands = entry.get("hooks").and_then(Value::as_array).into_iter().flatten();
    commands.into_iter().any(is_our_hook)
}

fn is_our_hook(hook: &Value) -> bool {
    let command = hook.get("command").and_then(Value::as_str);
    command.is_some_and(|command| command.contains("countersign") && command.contains("hook claude-code"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{deny, inspect, install, no_objection, parse, shell_of_host, undecided};

    #[test]
    fn a_call_is_read_and_anything_else_refused() {
        let message = br#"{"session_id":"s","cwd":"/w","hook_event_name":"PreToolUse","tool_name":"Bash",
            "tool_input":{"command":"ls"},"tool_use_id":"t","more":1}"#;
        let call = parse(message, None).unwrap();
        assert_eq!((call.session.as_str(), call.call.tool.as_str()), ("s", "Bash"));
        assert_eq!(call.intent, None);
        let said = |tool: &str| {
            let input = json!({"command": "ls", "description": "Look around"});
            let message =
                json!({"hook_event_name": "PreToolUse", "session_id": "s", "tool_name": tool, "tool_input": input});
            parse(message.to_string().as_bytes(), None).unwrap().intent
        };
        assert_eq!(said("Bash").as_deref(), Some("Look around"));
        assert_eq!(said("mcp__tracker__open"), None, "there it is what the issue says, not why");
        for bad in [
            &b""[..],
            b"{",
            b"[]",
            b"null",
            b"{\"hook_event_name\":\"PreToolUse\"}",
            b"{\"hook_event_name\":\"Stop\"}",
            b"\xff",
            br#"{"session_id":"s","hook_event_name":"PreToolUse","tool_name":"Bash","tool_input":{"command":"ls","command":"rm x"}}"#,
            br#"{"session_id":"s","hook_event_name":"PreToolUse","tool_name":"Bash","tool_input":{},"tool_input":{}}"#,
        ] {
            assert!(parse(bad, None).is_err());
        }
    }

    #[test]
    fn a_no_is_a_no_to_the_host() {
        assert!(deny("because").stdout.contains("\"permissionDecision\":\"deny\""));
        assert_eq!(undecided("because").exit, 2);
        let unread = deny("because").by_status();
        assert_eq!((unread.exit, unread.stderr.as_str(), unread.stdout.as_str()), (2, "countersign: because\n", ""));
        assert_eq!(no_objection().by_status(), no_objection());
    }

    #[test]
    fn installing_keeps_what_was_there_and_is_done_once() {
        let before = r#"{"model":"x","hooks":{"PreToolUse":[{"matcher":"Bash","hooks":[{"type":"command","command":"other"}]}]}}"#;
        let once = install(Some(before), "countersign hook claude-code --agent a").unwrap();
        let twice = install(Some(&once), "countersign hook claude-code --agent a").unwrap();
        assert_eq!(once, twice);
        assert!(once.contains("other") && once.contains("\"model\": \"x\""));
        let found = inspect(&once).unwrap();
        assert_eq!(found.command.as_deref(), Some("countersign hook claude-code --agent a"));
        assert_eq!((found.problems.len(), found.disables, found.others), (0, None, 1));
        assert!(install(Some("not json"), "c").is_err());
    }

    #[test]
    fn what_switches_the_hook_off_is_found() {
        let settings = install(Some(r#"{"disableAllHooks":true}"#), "countersign hook claude-code").unwrap();
        let weak = settings.replace("660", "60").replace("\"*\"", "\"Bash\"");
        let found = inspect(&weak).unwrap();
        assert_eq!((found.problems.len(), found.disables), (2, Some(true)), "{found:?}");
        let led_away = inspect(r#"{"env":{"COUNTERSIGN_DIR":"/tmp/x","EDITOR":"vi"},"allowManagedHooksOnly":true}"#);
        let led_away = led_away.unwrap();
        assert_eq!((led_away.problems.len(), led_away.managed_only), (1, true));
    }

    #[test]
    fn the_shell_is_said_where_it_is_certain() {
        let shell =
            |users: Option<&str>, set: Option<&str>| shell_of_host(users.map(str::to_owned), set.map(str::to_owned));
        assert_eq!(shell(Some("/bin/bash"), None).as_deref(), Some("/bin/bash"));
        assert_eq!(shell(Some("/bin/bash"), Some("/usr/bin/zsh")).as_deref(), Some("/usr/bin/zsh"));
        for users in [None, Some("/usr/bin/fish"), Some("bash"), Some("/bin/sh"), Some("")] {
            assert_eq!(shell(users, None), None);
        }
        let message = br#"{"session_id":"s","hook_event_name":"PreToolUse","tool_name":"Read","tool_input":{}}"#;
        assert_eq!(parse(message, Some("/bin/bash".into())).unwrap().call.shell, None);
    }
}
