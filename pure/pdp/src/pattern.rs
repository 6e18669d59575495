//! Patterns of rules, compiled when a policy loads. Matching is linear in the text and allocates nothing.

mod command;
mod glob;
mod regex;

pub(crate) use command::{CommandPattern, line_of};
pub(crate) use glob::{Glob, Wild, alternatives_of};
pub(crate) use regex::LineRegex;
