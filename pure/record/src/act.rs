//! What an agent asked to do, as it is recorded: secrets masked.

use std::borrow::Cow;

use model::ByteText;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::decision::Redact;

/// What would be done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Act {
    /// A program is executed.
    Exec {
        /// The argument vector, program name first.
        argv: Vec<Bytes>,
        /// The working directory.
        cwd: Bytes,
        /// SHA-256 of the environment that the program gets, hexadecimal.
        environment: String,
        /// The variables of that environment, where the enforcement point names them.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        variables: Option<Vec<Variable>>,
        /// The file that is executed.
        executable: FileIdentity,
        /// Files that an interpreter reads as code.
        scripts: Vec<FileIdentity>,
    },
    /// A tool of an agent host is called.
    Tool {
        /// The agent host.
        host: String,
        /// The tool's name there.
        tool: String,
        /// Its whole input.
        input: Value,
        /// The host's identifier for this call.
        #[serde(default)]
        call: Option<String>,
        /// The working directory.
        #[serde(default)]
        cwd: Option<String>,
    },
}

/// Bytes that are usually text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum Bytes {
    /// They are UTF-8.
    Text(String),
    /// They are not.
    Hex {
        /// The bytes, hexadecimal.
        hex: String,
    },
}

/// Which file it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FileIdentity {
    /// The absolute path, links followed.
    pub path: Bytes,
    /// Device number, decimal.
    pub device: String,
    /// Inode number, decimal.
    pub inode: String,
    /// Length in bytes, decimal.
    pub size: String,
    /// Last change of content or attributes, nanoseconds since 1970, decimal.
    pub changed_ns: String,
    /// SHA-256 of the content, hexadecimal.
    pub sha256: String,
}

/// A variable of an environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Variable {
    /// Its name.
    pub name: Bytes,
    /// Its value, where that can steer a program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Bytes>,
}

impl Bytes {
    /// The bytes as one text: themselves, or how they are recorded where they are none.
    pub fn shown(&self) -> Cow<'_, str> {
        match self {
            Self::Text(text) => Cow::Borrowed(text),
            Self::Hex { hex } => Cow::Owned(format!("{{\"hex\":\"{hex}\"}}")),
        }
    }

    /// The text, where they are UTF-8.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Hex { .. } => None,
        }
    }

    fn of(bytes: &ByteText, mask: &dyn Redact) -> Self {
        match bytes.as_text() {
            Some(text) => Self::Text(mask.redact(text)),
            None => {
                let hex: String = bytes.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
                Self::Hex { hex: mask.redact(&hex) }
            }
        }
    }
}

impl FileIdentity {
    fn of(file: &model::FileIdentity, mask: &dyn Redact) -> Self {
        Self {
            path: Bytes::of(&file.path, mask),
            device: mask.redact(&file.device.to_string()),
            inode: mask.redact(&file.inode.to_string()),
            size: mask.redact(&file.size.to_string()),
            changed_ns: mask.redact(&file.changed_ns.to_string()),
            sha256: file.sha256.to_string(),
        }
    }
}

impl Act {
    /// An act as it is recorded.
    pub fn of(act: &model::Act, mask: &dyn Redact) -> Self {
        match act {
            model::Act::Exec(exec) => Self::Exec {
                argv: exec.argv.iter().map(|word| Bytes::of(word, mask)).collect(),
                cwd: Bytes::of(&exec.cwd, mask),
                environment: exec.environment.to_string(),
                variables: exec.variables.as_ref().map(|all| {
                    let one = |it: &model::Variable| Variable {
                        name: Bytes::of(&it.name, mask),
                        value: it.value.as_ref().map(|value| Bytes::of(value, mask)),
                    };
                    all.iter().map(one).collect()
                }),
                executable: FileIdentity::of(&exec.executable, mask),
                scripts: exec.scripts.iter().map(|file| FileIdentity::of(file, mask)).collect(),
            },
            model::Act::Tool(call) => Self::Tool {
                host: mask.redact(&call.host),
                tool: mask.redact(&call.tool),
                input: mask.redact_json(&call.input),
                call: call.call.as_deref().map(|it| mask.redact(it)),
                cwd: call.cwd.as_deref().map(|it| mask.redact(it)),
            },
        }
    }

    /// The working directory.
    pub fn cwd(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Exec { cwd, .. } => Some(cwd.shown()),
            Self::Tool { cwd, .. } => cwd.as_deref().map(Cow::Borrowed),
        }
    }

    /// In one line: the argument vector, or the tool with its input.
    pub fn line(&self) -> String {
        match self {
            Self::Exec { argv, .. } => argv.iter().map(Bytes::shown).collect::<Vec<_>>().join(" "),
            Self::Tool { tool, input, .. } => format!("{tool} {input}"),
        }
    }

    /// The command, where it is one: the argument vector, or the text for a shell. Otherwise as [`Self::line`].
    pub fn command(&self) -> String {
        match self {
            Self::Tool { tool, input, .. } if tool == "Bash" => {
                input.get("command").and_then(Value::as_str).map_or_else(|| self.line(), str::to_owned)
            }
            Self::Exec { .. } | Self::Tool { .. } => self.line(),
        }
    }

    /// How it begins, in `most` characters: the command, or the tool with what it is used on.
    pub fn brief(&self, most: usize) -> String {
        let mut out = String::new();
        match self {
            Self::Exec { argv, .. } => {
                for word in argv.iter().filter_map(Bytes::as_text) {
                    if out.len() > most {
                        break;
                    }
                    out.push_str(if out.is_empty() { "" } else { " " });
                    out.extend(word.chars().take(most));
                }
            }
            Self::Tool { tool, input, .. } => {
                let text = |name: &str| input.get(name).and_then(Value::as_str);
                if let Some(command) = text("command") {
                    out.extend(command.chars().take(most));
                } else {
                    out.push_str(tool);
                    if let Some(on) = ["file_path", "notebook_path", "path", "url"].into_iter().find_map(text) {
                        out.push(' ');
                        out.extend(on.chars().take(most));
                    }
                }
            }
        }
        out.chars().take(most).collect()
    }
}
