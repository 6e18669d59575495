//! Patterns of rules, compiled when a policy loads. Matching is linear in the text and allocates nothing.

mod command;
mod glob;
mod operand;
mod regex;

pub(crate) use command::{CommandPattern, Further, OptionPattern, Reading, line_of};
pub(crate) use glob::{Glob, Wild, alternatives_of};
pub(crate) use operand::Operand;
pub(crate) use regex::LineRegex;
