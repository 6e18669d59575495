//! Code that a command carries to a program of a family, in an option that is not listed or in a text that is no name.
//!
//! What an entry says of a family bounds what its programs do with the files they are given. Many of them also have a
//! small language, or start programs that an option names; whatever looks like such a text is not understood.

use model::{Arg, Segment, Unknown};

use crate::knowledge::{self, Known, Role};
use crate::lower::Lowering;
use crate::suspect;

/// Options, without their dashes, by which programs take code or a program, in short.
const TAKES_CODE: &[&str] = &[
    "e",
    "E",
    "if",
    "run",
    "exec",
    "eval",
    "action",
    "x-script",
    "load",
    "plugin",
    "script",
    "command",
    "cmd",
    "filter-cmd",
    "prepipe",
    "prepipex",
    "preprocessor",
    "postprocessor",
    "wrapper",
    "launcher",
    "interpreter",
    "callback",
    "shell-escape",
    "enable-write18",
    "rsh-command",
    "password-command",
];

impl Lowering<'_> {
    /// Says so where a program of a family is given what may be code.
    pub(crate) fn carried(&mut self, entry: Known, args: &[Arg], segment: &mut Segment) {
        let bounded = |role: &Role| matches!(role, Role::Read | Role::Look | Role::Inspect | Role::Secret);
        if entry.loose.is_none_or(|roles| roles.iter().all(bounded)) || entry.subcommands || entry.wraps.is_some() {
            return;
        }
        let mut value_of_listed = false;
        for arg in args {
            let Some(text) = arg.known() else {
                value_of_listed = false;
                continue;
            };
            let (name, value) = text.split_once('=').map_or((text, None), |(name, value)| (name, Some(value)));
            let dashed = text.len() > 1 && text.starts_with('-');
            let listed = entry.meaning(name).is_some();
            let carries = if value_of_listed || (dashed && listed) {
                false
            } else if dashed {
                let bare = name.trim_start_matches('-');
                let takes = TAKES_CODE.contains(&bare) || suspect::sounds_like_running(bare);
                takes || value.is_some_and(is_code) || names_program_by_key(text)
            } else {
                is_code(text) || names_program_by_key(text)
            };
            if carries {
                let why = "may be code, or name a program, that this program runs".to_owned();
                segment.unknowns.push(Unknown { text: text.to_owned(), why });
                self.suspect(text, segment);
            }
            value_of_listed = !value_of_listed && dashed && value.is_none() && entry.option(text).is_some();
        }
    }
}

/// A text that is no name: with marks of a language in it, or several words of which one is a program.
fn is_code(text: &str) -> bool {
    let text = text.trim_end_matches(['>', '<', '^', '!']);
    if text.contains("://") || text.starts_with('@') {
        return text.contains(['`', '|', '\n', ';', '"']);
    }
    let calls = text.split('(').zip(text.split('(').skip(1)).any(|(before, after)| {
        before.ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
            && !before.contains('%')
            && after.contains(['"', '\'', '$'])
    });
    let several = || {
        let mut words = text.split_whitespace();
        text.contains(char::is_whitespace) && words.any(|word| word.len() > 1 && knowledge::find(word).is_some())
    };
    calls
        || text.starts_with(['|', '!'])
        || text.contains("%pipe%")
        || text.contains(['`', '\n', '"'])
        || (text.contains('{') && text.contains([';', '(', ' ']))
        || text.contains("$(")
        || text.contains("${")
        || (text.contains(';') && text.contains(' '))
        || several()
}

/// `sftp.command=…`, `ProxyCommand=…`: a setting whose key says that its value is run.
fn names_program_by_key(text: &str) -> bool {
    text.trim_start_matches('-').split_once('=').is_some_and(|(key, _)| {
        let lower = key.to_ascii_lowercase();
        lower.split(['.', '_', ':']).any(suspect::sounds_like_running)
            || lower.ends_with("command")
            || lower.ends_with("program")
    })
}

#[cfg(test)]
mod tests {
    use super::{is_code, names_program_by_key};

    #[test]
    fn code_is_told_from_names() {
        for text in [
            "system(\"id\")",
            "end{system(\"id\")}",
            "{{ output \"id\" }}",
            "|id",
            "!id",
            "%pipe%id",
            "x f 644 0 0 touch P",
            "touch P",
            "a;b c",
            "$(id)",
        ] {
            assert!(is_code(text), "{text}");
        }
        for text in [
            "a.png",
            "My Holiday (1).zip",
            "100x100>",
            "scale=320:-1",
            "%(title)s.%(ext)s",
            "[0:v][1:v]",
            "src/**",
            "https://example.com/a?b=c",
            "{a}",
            "[100%]",
            "Title of it",
        ] {
            assert!(!is_code(text), "{text}");
        }
        assert!(names_program_by_key("sftp.command=id"));
        assert!(names_program_by_key("-oProxyCommand=id"));
        assert!(!names_program_by_key("level=9"));
    }
}
