//! The environment of what runs: what it is, and what of it is said to those who judge it.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;

use host::facts::DEFAULT_PATH;
use model::{ByteText, Variable};

use super::RunArgs;

/// Variables that give an agent its key. What runs never gets them.
const KEY_VARIABLES: &[&str] = &["COUNTERSIGN_KEY", "COUNTERSIGN_KEY_FILE"];

/// The variable with the session.
const SESSION_VARIABLE: &str = "COUNTERSIGN_SESSION";

/// What a program gets in place of a pager, and of what is set for it: a pager on a terminal runs commands that are typed.
const WITHOUT_PAGER: &[(&str, &str)] =
    &[("GIT_PAGER", "cat"), ("LESSSECURE", "1"), ("MANPAGER", "cat"), ("PAGER", "cat"), ("SYSTEMD_PAGER", "")];

/// What is left of an environment that is cleaned, by name and by the beginning of a name.
const CLEAN: &[&str] = &["COLUMNS", "HOME", "LANG", "LANGUAGE", "LINES", "LOGNAME", "TERM", "TZ", "USER"];
const CLEAN_FAMILIES: &[&str] = &["COUNTERSIGN_", "LC_"];

/// The longest value that is shown, in bytes. A longer one is judged by its name.
const MAX_SHOWN_BYTES: usize = 4_096;

/// What is run gets our environment without our keys; a recorded one gets the session, so that its requests are marked in
/// the recording.
pub(super) fn of(args: &RunArgs, session: Option<&str>) -> Vec<(OsString, OsString)> {
    let is_left_out = |name: &OsStr| {
        KEY_VARIABLES.iter().any(|key| name == *key)
            || (session.is_some() && name == SESSION_VARIABLE)
            || (!args.own_pager && WITHOUT_PAGER.iter().any(|(own, _)| name == *own))
            || (args.clean_env && !is_clean(name))
    };
    let mut all: Vec<(OsString, OsString)> = std::env::vars_os().filter(|(name, _)| !is_left_out(name)).collect();
    if args.clean_env {
        all.push(("PATH".into(), DEFAULT_PATH.into()));
    }
    if !args.own_pager {
        all.extend(WITHOUT_PAGER.iter().map(|(name, value)| ((*name).into(), (*value).into())));
    }
    all.extend(session.map(|session| (SESSION_VARIABLE.into(), session.into())));
    all
}

fn is_clean(name: &OsStr) -> bool {
    let family = |family: &&str| name.as_bytes().starts_with(family.as_bytes());
    CLEAN.iter().any(|it| name == *it) || CLEAN_FAMILIES.iter().any(family)
}

/// What is said of it: every name, and the values that could steer a program.
pub(super) fn variables(environment: &[(OsString, OsString)]) -> Vec<Variable> {
    let mut all: Vec<Variable> = environment.iter().map(|(name, value)| variable(name, value)).collect();
    all.sort_by(|one, other| one.name.cmp(&other.name));
    all
}

fn variable(name: &OsStr, value: &OsStr) -> Variable {
    let is_shown = understand::value_matters(&name.to_string_lossy()) && value.len() <= MAX_SHOWN_BYTES;
    Variable { name: ByteText::new(name.as_bytes()), value: is_shown.then(|| ByteText::new(value.as_bytes())) }
}
