//! What is asked, laid out in lines: a command as it would be typed, the input of a tool field by field.

use model::display::visible;
use serde_json::{Map, Value};

use crate::views::HoldView;

// What comes out of the JSON is made visible again: what was escaped in it was not seen before.

/// The mark for a new line in a text that was made visible.
const NEW_LINE: char = '⏎';

impl HoldView {
    /// What is asked, in lines, and all of it.
    pub fn asked_lines(&self) -> Vec<String> {
        let mut out = match self.input() {
            Some((tool, input)) => fields(tool, &input),
            None => lines(&self.asked),
        };
        out.extend(self.beside.iter().map(|it| format!("with {it}")));
        out
    }

    /// The tool and its input; nothing where that would not be the very text that was asked, because what was masked in it was a part of its
    /// form, say.
    fn input(&self) -> Option<(&str, Map<String, Value>)> {
        let tool = self.tool.as_deref()?;
        let text = self.asked.strip_prefix(tool)?.strip_prefix(' ')?;
        let input: Map<String, Value> = serde_json::from_str(text).ok()?;
        serde_json::to_string(&input).is_ok_and(|again| again == text).then_some((tool, input))
    }
}

/// Lines of a text that was made visible, each with the mark at its end.
fn lines(text: &str) -> Vec<String> {
    text.split_inclusive(NEW_LINE).map(str::to_owned).collect()
}

fn fields(tool: &str, input: &Map<String, Value>) -> Vec<String> {
    let mut out = vec![tool.to_owned()];
    for (name, value) in input {
        let text = match value {
            Value::String(text) => visible(text),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                visible(&value.to_string())
            }
        };
        // What is replaced, and by what, as people know it from patches.
        let mark = match name.as_str() {
            "old_string" => "- ",
            "new_string" => "+ ",
            _ => "  ",
        };
        let all = lines(&text);
        match all.as_slice() {
            [] => out.push(format!("{}: (nothing)", visible(name))),
            [one] if mark == "  " => out.push(format!("{}: {one}", visible(name))),
            _ => {
                out.push(format!("{}:", visible(name)));
                out.extend(all.iter().map(|line| format!("{mark}{line}")));
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::views::HoldView;

    fn hold(asked: &str, tool: Option<&str>, beside: &[&str]) -> HoldView {
        serde_json::from_value(json!({"id": "", "request": "", "agent": "", "owner": "", "session": "", "host": "", "cwd": null, "asked": asked,
            "tool": tool, "beside": beside, "pieces": [], "flows": [], "unknowns": [], "reasons": [], "level": "low", "score": 0, "factors": [],
            "reversibility": "", "coverage": "", "intent": null, "task": null, "uid": 0, "expires_at_ms": 0, "needed": 1, "who": "", "agreed": [],
            "assurance": ""}))
        .unwrap()
    }

    #[test]
    fn the_input_of_a_tool_stands_field_by_field_with_all_its_lines() {
        let input: Value = json!({"file_path": "/srv/a.py", "old_string": "a\nb", "new_string": "a\u{1b}[2J\u{202e}\nc\n", "replace_all": false});
        let lines = hold(&format!("Edit {input}"), Some("Edit"), &[]).asked_lines().join("\n");
        for wanted in [
            "Edit\n",
            "file_path: /srv/a.py",
            "old_string:\n- a⏎\n- b",
            "+ a⟨U+001B⟩[2J⟨U+202E⟩⏎\n+ c⏎",
            "replace_all: false",
        ] {
            assert!(lines.contains(wanted), "{wanted}: {lines}");
        }
    }

    #[test]
    fn a_command_that_looks_like_a_tool_is_a_command_and_nothing_is_left_out() {
        let text = r#"Write {"file_path": "/tmp/a"}"#;
        assert_eq!(
            hold(text, None, &["run_in_background: true"]).asked_lines(),
            [text, "with run_in_background: true"]
        );
        // What cannot be read any more is shown as it is.
        assert_eq!(hold("Write {[masked]", Some("Write"), &[]).asked_lines(), ["Write {[masked]"]);
        let twice = r#"Write {"a":1,"a":2}"#;
        assert_eq!(hold(twice, Some("Write"), &[]).asked_lines(), [twice]);
        assert_eq!(hold("cat <<E > a⏎one⏎E", None, &[]).asked_lines(), ["cat <<E > a⏎", "one⏎", "E"]);
    }
}
