//! What an agent asks to do, to the byte.

use std::fmt;

use data_encoding::HEXLOWER;
use serde_json::{Map, Value, json};

use crate::{Digest, canon::canonical};

/// Bytes that are usually text: an argument, a path. Unix promises no encoding.
///
/// In JSON it is a string where the bytes are UTF-8, and `{"hex": "…"}` where they are not, so that two different
/// byte strings never look the same.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ByteText(Vec<u8>);

impl ByteText {
    /// Wraps bytes.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into())
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The text, where the bytes are UTF-8.
    pub fn as_text(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }

    /// As JSON.
    pub fn to_value(&self) -> Value {
        match self.as_text() {
            Some(text) => Value::String(text.to_owned()),
            None => json!({ "hex": HEXLOWER.encode(&self.0) }),
        }
    }

    /// From JSON.
    pub fn from_value(value: &Value) -> Result<Self, MalformedAct> {
        match value {
            Value::String(text) => Ok(Self(text.clone().into_bytes())),
            Value::Object(map) if map.len() == 1 => {
                let hex = map.get("hex").and_then(Value::as_str).ok_or(MalformedAct("`hex`"))?;
                let bytes = HEXLOWER.decode(hex.as_bytes()).map_err(|_| MalformedAct("`hex`"))?;
                if std::str::from_utf8(&bytes).is_ok() {
                    return Err(MalformedAct("`hex` of what is text: only one spelling is allowed"));
                }
                Ok(Self(bytes))
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                Err(MalformedAct("a text"))
            }
        }
    }
}

impl fmt::Debug for ByteText {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:?}", String::from_utf8_lossy(&self.0))
    }
}

/// Which file it is, and what was in it when we looked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileIdentity {
    /// The absolute path, links followed.
    pub path: ByteText,
    /// Device number.
    pub device: u64,
    /// Inode number.
    pub inode: u64,
    /// Length in bytes.
    pub size: u64,
    /// Last change of content or attributes (`ctime`), nanoseconds since 1970.
    pub changed_ns: i128,
    /// Plain SHA-256 of the content.
    pub sha256: Digest,
}

/// A variable of an environment, as far as people and rules look at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: ByteText,
    /// Its value, where that can steer a program. Of all others only [`Exec::environment`] tells whether they changed.
    pub value: Option<ByteText>,
}

/// A program to be executed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exec {
    /// The argument vector, program name first.
    pub argv: Vec<ByteText>,
    /// The working directory, absolute.
    pub cwd: ByteText,
    /// Digest of the environment that the program will get.
    pub environment: Digest,
    /// The variables of that environment, by name. Nothing where the enforcement point does not say.
    pub variables: Option<Vec<Variable>>,
    /// The file that will be executed.
    pub executable: FileIdentity,
    /// Files named on the command line that an interpreter will read as code.
    pub scripts: Vec<FileIdentity>,
}

/// A tool call that an agent host is about to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolCall {
    /// The agent host, such as `claude-code`.
    pub host: String,
    /// The tool's name there.
    pub tool: String,
    /// Its whole input.
    pub input: Value,
    /// The host's identifier for this call, if it gave one.
    pub call: Option<String>,
    /// The working directory, absolute, if the host said it.
    pub cwd: Option<String>,
    /// The shell that runs a text in it, by its path or name, if the enforcement point is certain of it.
    pub shell: Option<String>,
}

/// What would be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// A program is executed.
    Exec(Exec),
    /// A tool is called.
    Tool(ToolCall),
}

/// The longest path of a working directory, in bytes (`PATH_MAX` of Linux).
const MAX_DIRECTORY_BYTES: usize = 4_096;

/// A JSON value that is no act: what was missing or wrong.
#[derive(Debug, PartialEq, Eq)]
pub struct MalformedAct(pub &'static str);

impl fmt::Display for MalformedAct {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "malformed act: expected {}", self.0)
    }
}

impl std::error::Error for MalformedAct {}

impl Act {
    /// As JSON; its canonical form is what digests cover.
    pub fn to_value(&self) -> Value {
        match self {
            Self::Exec(exec) => exec.to_value(),
            Self::Tool(call) => call.to_value(),
        }
    }

    /// From JSON. Unknown kinds and missing members are refused.
    pub fn from_value(value: &Value) -> Result<Self, MalformedAct> {
        let map = value.as_object().ok_or(MalformedAct("an object"))?;
        match text_of(map, "kind")? {
            "exec" => Ok(Self::Exec(Exec {
                argv: list_of(map, "argv")?.iter().map(ByteText::from_value).collect::<Result<_, _>>()?,
                cwd: directory(ByteText::from_value(map.get("cwd").ok_or(MalformedAct("`cwd`"))?)?)?,
                environment: digest_of(map, "environment")?,
                variables: match map.get("variables") {
                    None | Some(Value::Null) => None,
                    Some(_) => {
                        Some(list_of(map, "variables")?.iter().map(Variable::from_value).collect::<Result<_, _>>()?)
                    }
                },
                executable: FileIdentity::from_value(map.get("executable").ok_or(MalformedAct("`executable`"))?)?,
                scripts: list_of(map, "scripts")?.iter().map(FileIdentity::from_value).collect::<Result<_, _>>()?,
            })),
            "tool" => Ok(Self::Tool(ToolCall {
                host: text_of(map, "host")?.to_owned(),
                tool: text_of(map, "tool")?.to_owned(),
                input: map.get("input").cloned().ok_or(MalformedAct("`input`"))?,
                call: optional_text_of(map, "call"),
                cwd: match optional_text_of(map, "cwd") {
                    Some(cwd) => directory(ByteText::new(cwd))?.as_text().map(str::to_owned),
                    None => None,
                },
                shell: optional_text_of(map, "shell"),
            })),
            _ => Err(MalformedAct("`kind` to be `exec` or `tool`")),
        }
    }

    /// The digest of the act alone: what must be the same when it is done.
    pub fn digest(&self) -> Digest {
        Digest::within("countersign/act/v1", &canonical(&self.to_value()))
    }
}

impl ToolCall {
    fn to_value(&self) -> Value {
        let mut value = json!({
            "kind": "tool", "host": self.host, "tool": self.tool, "input": self.input,
            "call": self.call, "cwd": self.cwd,
        });
        if let (Some(map), Some(shell)) = (value.as_object_mut(), &self.shell) {
            map.insert("shell".to_owned(), Value::from(shell.as_str()));
        }
        value
    }
}

impl Exec {
    fn to_value(&self) -> Value {
        let mut value = json!({
            "kind": "exec",
            "argv": self.argv.iter().map(ByteText::to_value).collect::<Vec<_>>(),
            "cwd": self.cwd.to_value(),
            "environment": self.environment.to_string(),
            "executable": self.executable.to_value(),
            "scripts": self.scripts.iter().map(FileIdentity::to_value).collect::<Vec<_>>(),
        });
        if let (Some(map), Some(variables)) = (value.as_object_mut(), &self.variables) {
            let variables = variables.iter().map(Variable::to_value).collect::<Vec<_>>();
            map.insert("variables".to_owned(), Value::Array(variables));
        }
        value
    }
}

impl Variable {
    fn to_value(&self) -> Value {
        match &self.value {
            Some(value) => json!({"name": self.name.to_value(), "value": value.to_value()}),
            None => json!({"name": self.name.to_value()}),
        }
    }

    fn from_value(value: &Value) -> Result<Self, MalformedAct> {
        let map = value.as_object().ok_or(MalformedAct("a variable"))?;
        Ok(Self {
            name: ByteText::from_value(map.get("name").ok_or(MalformedAct("`name` of a variable"))?)?,
            value: map.get("value").map(ByteText::from_value).transpose()?,
        })
    }
}

impl FileIdentity {
    /// As JSON. Wide integers are decimal strings (see [`canon`](crate::canon)).
    pub fn to_value(&self) -> Value {
        json!({
            "path": self.path.to_value(),
            "device": self.device.to_string(),
            "inode": self.inode.to_string(),
            "size": self.size.to_string(),
            "changed_ns": self.changed_ns.to_string(),
            "sha256": self.sha256.to_string(),
        })
    }

    fn from_value(value: &Value) -> Result<Self, MalformedAct> {
        let map = value.as_object().ok_or(MalformedAct("a file identity"))?;
        Ok(Self {
            path: ByteText::from_value(map.get("path").ok_or(MalformedAct("`path`"))?)?,
            device: number_of(map, "device")?,
            inode: number_of(map, "inode")?,
            size: number_of(map, "size")?,
            changed_ns: number_of(map, "changed_ns")?,
            sha256: digest_of(map, "sha256")?,
        })
    }
}

/// A working directory. What is relative to one that is relative itself could be anywhere.
fn directory(path: ByteText) -> Result<ByteText, MalformedAct> {
    if path.as_bytes().first() != Some(&b'/') {
        return Err(MalformedAct("`cwd` to be an absolute path"));
    }
    if path.as_bytes().len() > MAX_DIRECTORY_BYTES {
        return Err(MalformedAct("`cwd` to have 4096 bytes at most"));
    }
    Ok(path)
}

fn text_of<'a>(map: &'a Map<String, Value>, key: &'static str) -> Result<&'a str, MalformedAct> {
    map.get(key).and_then(Value::as_str).ok_or(MalformedAct(key))
}

fn optional_text_of(map: &Map<String, Value>, key: &str) -> Option<String> {
    map.get(key).and_then(Value::as_str).map(str::to_owned)
}

fn list_of<'a>(map: &'a Map<String, Value>, key: &'static str) -> Result<&'a Vec<Value>, MalformedAct> {
    map.get(key).and_then(Value::as_array).ok_or(MalformedAct(key))
}

fn digest_of(map: &Map<String, Value>, key: &'static str) -> Result<Digest, MalformedAct> {
    Digest::parse(text_of(map, key)?).map_err(|_| MalformedAct(key))
}

fn number_of<N: std::str::FromStr>(map: &Map<String, Value>, key: &'static str) -> Result<N, MalformedAct> {
    text_of(map, key)?.parse().map_err(|_| MalformedAct(key))
}

#[cfg(test)]
mod tests {
    use super::{Act, ByteText, ToolCall};
    use serde_json::json;

    #[test]
    fn bytes_have_one_spelling() {
        assert_eq!(ByteText::new(*b"\xff").to_value(), json!({"hex": "ff"}));
        assert!(ByteText::from_value(&json!({"hex": "61"})).is_err());
        assert_ne!(ByteText::new(*b"\xff").to_value(), ByteText::new(*b"ff").to_value());
    }

    #[test]
    fn a_directory_is_absolute_and_as_long_as_one_can_be() {
        let act = |cwd: &str| {
            let act = json!({"kind": "tool", "host": "h", "tool": "Bash", "input": {}, "call": null, "cwd": cwd});
            Act::from_value(&act).map(drop).map_err(|why| why.to_string())
        };
        assert_eq!(act("/srv"), Ok(()));
        for bad in ["", "../x", "x", "~/x", &format!("/{}", "x".repeat(4_096))] {
            assert!(act(bad).unwrap_err().contains("`cwd`"));
        }
    }

    #[test]
    fn a_tool_call_survives_the_journey() {
        let act = Act::Tool(ToolCall {
            host: "claude-code".into(),
            tool: "Bash".into(),
            input: json!({"command": "ls"}),
            call: Some("toolu_1".into()),
            cwd: None,
            shell: Some("/bin/bash".into()),
        });
        let other = json!({"kind": "tool", "host": "claude-code", "tool": "Bash", "input": {"command": "ls"},
            "call": "toolu_1", "cwd": null});
        assert_eq!(Act::from_value(&act.to_value()), Ok(act.clone()));
        assert_ne!(Act::from_value(&other).map(|other| other.digest()), Ok(act.digest()));
    }
}
