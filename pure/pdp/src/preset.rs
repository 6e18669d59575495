//! The presets that ship with the product: rules and settings that are read in one sitting each.

/// Their names.
pub(crate) const NAMES: &[&str] = &["strict", "developer", "production", "observe"];

const NEVER: (&str, &str) = ("never.toml", include_str!("../../../policy/never.toml"));
const SESSIONS: (&str, &str) = ("sessions.toml", include_str!("../../../policy/sessions.toml"));
const STRICT: (&str, &str) = ("strict.toml", include_str!("../../../policy/strict.toml"));
const DEVELOPER: (&str, &str) = ("developer.toml", include_str!("../../../policy/developer.toml"));
const PRODUCTION: (&str, &str) = ("production.toml", include_str!("../../../policy/production.toml"));
const OBSERVE: (&str, &str) = ("observe.toml", include_str!("../../../policy/observe.toml"));

/// The files of a preset, name and text, in order.
pub(crate) fn files(name: &str) -> Option<&'static [(&'static str, &'static str)]> {
    match name {
        "strict" => Some(&[NEVER, SESSIONS, STRICT]),
        "developer" => Some(&[NEVER, SESSIONS, STRICT, DEVELOPER]),
        "production" => Some(&[NEVER, SESSIONS, PRODUCTION]),
        "observe" => Some(&[NEVER, SESSIONS, STRICT, OBSERVE]),
        "none" => Some(&[]),
        _ => None,
    }
}

/// All shipped presets with their files, to show or test them.
pub fn presets() -> impl Iterator<Item = (&'static str, &'static [(&'static str, &'static str)])> {
    NAMES.iter().filter_map(|name| files(name).map(|files| (*name, files)))
}
